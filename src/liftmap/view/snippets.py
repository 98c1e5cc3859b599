"""Texts in one line: of a question in a list, of a response around what was searched for.

Used by `app` and its templates; pure functions of text.
"""

from __future__ import annotations

from markupsafe import Markup

from liftmap.console import shown

# Characters around what was searched for, or at the end of a text.
SNIPPET_CHARACTERS = 180


def clean(text: str | None, most: int | None = None) -> str:
    """A text in one line, with signs for control characters, shortened where that is asked for."""
    one_line = " ".join(shown((text or "")[: None if most is None else 4 * most]).split())
    return one_line if most is None or len(one_line) <= most else f"{one_line[:most]}…"


def snippet(text: str, words: str) -> Markup:
    """The part of a text around what was searched for, or its end, where answers are."""
    text = text.strip()
    at = text.casefold().find(words.casefold()) if words else -1
    if at < 0:
        start = max(0, len(text) - SNIPPET_CHARACTERS)
        return Markup("{}{}").format("… " if start else "", clean(text[start:]))
    start = max(0, at - SNIPPET_CHARACTERS // 2)
    end = at + len(words)
    return Markup("{}{} <mark>{}</mark> {}").format(
        "… " if start else "",
        clean(text[start:at]),
        clean(text[at:end]),
        clean(text[end : end + SNIPPET_CHARACTERS // 2]),
    )
