"""Lists of phrases: does a response stop to reconsider ("wait", "let me recalculate")?

Used by `response_rows`; reads the list that ships with liftmap in `data/reflection_keywords.txt`,
which is that of Kim et al. (arXiv 2505.14216), and lists of the user's own, one phrase a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import polars as pl

from liftmap.errors import InputError
from liftmap.files import disk

REFLECTION = "reflection"
# Bytes and phrases of a list at most: one long regular expression is made of it.
LIST_BYTES = 1_000_000
MOST_PHRASES = 5_000


@dataclass(frozen=True, slots=True)
class PhraseList:
    """Phrases that are looked for in responses.

    Attributes:
        name: What the list is called: `reflection`, or the name of its file without its ending.
        phrases: The phrases; upper and lower case are the same.
    """

    name: str
    phrases: tuple[str, ...]

    @property
    def measure(self) -> str:
        """What the share of responses with such a phrase is called: `reflection`, `phrases:own`."""
        return self.name if self.name == REFLECTION else f"phrases:{self.name}"

    def is_in(self, text: pl.Expr) -> pl.Expr:
        """Whether each text holds at least one of the phrases."""
        return text.str.contains(phrase_pattern(self.phrases))


@lru_cache
def reflection_phrases() -> PhraseList:
    """The reflection phrases of Kim et al. (arXiv 2505.14216), in lower case."""
    file = resources.files("liftmap") / "data" / "reflection_keywords.txt"
    lines = file.read_text("utf-8").splitlines()
    return PhraseList(REFLECTION, tuple(line.strip().lower() for line in lines if line.strip()))


def phrase_lists(files: Sequence[str | Path] = ()) -> tuple[PhraseList, ...]:
    """The shipped list of reflection phrases, and the user's own after it.

    Args:
        files: Text files with a phrase a line; blank lines are left out.

    Raises:
        InputError: A file is missing, empty, too long or not text, or two lists have one name.
    """
    lists = [reflection_phrases()]
    for file in map(Path, files):
        phrases = _read(file)
        if file.stem in (earlier.name for earlier in lists):
            raise InputError(
                "Two lists of phrases have the same name.",
                seen=f"{file} ({file.stem})",
                remedy="Rename the file: a list is called what its file is called, and "
                f"{REFLECTION} is the shipped one.",
            )
        lists.append(PhraseList(file.stem, phrases))
    return tuple(lists)


def _read(file: Path) -> tuple[str, ...]:
    if not file.is_file():
        raise InputError(
            f"There is no file of phrases {file}.", remedy="Name a text file with a phrase a line."
        )
    with disk(file):
        content = file.read_bytes() if file.stat().st_size <= LIST_BYTES else b"\0"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(
            f"{file} is not a list of phrases: it is not text in UTF-8, or longer than "
            f"{LIST_BYTES:,} bytes.",
            remedy="Write one phrase a line.",
        )
    phrases = tuple(dict.fromkeys(line.strip().lower() for line in text.splitlines()))
    phrases = tuple(phrase for phrase in phrases if phrase)
    if not 0 < len(phrases) <= MOST_PHRASES:
        raise InputError(
            f"{file} holds no phrase." if not phrases else f"{file} holds too many phrases.",
            seen=len(phrases),
            remedy=f"Write one phrase a line, {MOST_PHRASES:,} at most.",
        )
    try:
        pl.select(pl.lit("").str.contains(phrase_pattern(phrases)))
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"The phrases of {file} can't be looked for: {str(error).splitlines()[0]}.",
            remedy="Take fewer or shorter phrases.",
        ) from None
    return phrases


def phrase_pattern(phrases: tuple[str, ...]) -> str:
    """A regular expression that finds any of the phrases as whole words, in upper or lower case.

    A phrase may break over lines, and its apostrophe may be typographic.
    """
    alternatives = []
    for phrase in phrases:
        words = [re.escape(word).replace("'", "['\u2019]") for word in phrase.split()]
        # A phrase that ends with a sign ("correction:") has no word boundary there. The boundary
        # is spelled out since the regex engine is far slower with \b on text beyond ASCII.
        start = r"(?:^|\W)" if phrase[0].isalnum() else ""
        end = r"(?:\W|$)" if phrase[-1].isalnum() else ""
        alternatives.append(start + r"\s+".join(words) + end)
    return f"(?i)(?:{'|'.join(alternatives)})"
