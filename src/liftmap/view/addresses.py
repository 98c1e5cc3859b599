"""The addresses of the viewer: which models, which filter, which question.

Used by `app` and the templates; pure functions of text.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

# Parts of an address that choose models; the others are a filter's.
CHOICE = ("before", "after", "split")


def address(path: str, *parts: Mapping[str, str]) -> str:
    """An address of the viewer.

    Args:
        path: Such as /responses.
        *parts: What it says after the question mark; later ones override.
    """
    merged = {name: value for part in parts for name, value in part.items()}
    return f"{path}?{urlencode(merged, quote_via=quote)}" if merged else path


def question_address(question_id: str, *parts: Mapping[str, str]) -> str:
    """The address of a question, whatever signs its id has."""
    # Browsers take these for folders, however they are written.
    if question_id in ("", ".", ".."):
        return address("/question", {"id": question_id}, *parts)
    return address(f"/question/{quote(question_id, safe='')}", *parts)


def choice_from(query: Mapping[str, str]) -> dict[str, str]:
    """The parts of an address that choose models; after may be empty, which means none."""
    return {
        name: query[name] for name in CHOICE if name in query and (query[name] or name == "after")
    }
