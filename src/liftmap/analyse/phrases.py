"""Reflection phrases: does a response stop to reconsider ("wait", "let me recalculate")?

Used by `data` when a study's responses are loaded; reads the phrase list that ships with liftmap in
`data/reflection_keywords.txt`, which is the list of Kim et al. (arXiv 2505.14216).
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

import polars as pl


@lru_cache
def reflection_phrases() -> tuple[str, ...]:
    """The reflection phrases of Kim et al. (arXiv 2505.14216), in lower case."""
    file = resources.files("liftmap") / "data" / "reflection_keywords.txt"
    lines = file.read_text("utf-8").splitlines()
    return tuple(line.strip().lower() for line in lines if line.strip())


def reflection_pattern(phrases: tuple[str, ...]) -> str:
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


def holds_reflection(text: pl.Expr) -> pl.Expr:
    """Whether each text holds at least one reflection phrase."""
    return text.str.contains(reflection_pattern(reflection_phrases()))
