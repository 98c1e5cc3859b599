"""A training set out of success rates in the terminal.

Reads a `Selection`, gives rich renderables that fit 80 columns.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from liftmap.comparison.selection_record import Selection, headline, lines, notes


def selection_page(selection: Selection) -> Group:
    """What was picked, what it promises, and what has to be known of it."""
    parts: list[RenderableType] = [
        Text(headline(selection), "bold reverse"),
        *map(Text, lines(selection)),
    ]
    told = notes(selection)
    if told:
        parts += [Text(), Text("Note", "bold"), *(Text(f"- {text}") for text in told)]
    return Group(*parts)
