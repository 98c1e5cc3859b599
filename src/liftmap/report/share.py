"""The picture to share: the first screen of a page as 1200 x 630 pixels, as link previews show it.

Written beside a page; takes the sentence and the dials of its first screen, gives a PNG.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liftmap.files import disk, write_bytes
from liftmap.report.dials import Dial
from liftmap.report.templates import templates

# Where the dials begin, what a row of them takes, and how many rows there is room for.
_START, _STEP, _ROWS = 320, 72, 4
_COLUMNS_WIDTH = 860
# Characters of a line of the sentence, and lines at most, by the size of its letters.
_SIZES = ((34, 60, 4), (28, 74, 5), (24, 88, 5))
_FOOTER_CHARACTERS = 120


@dataclass(frozen=True)
class ShareRow:
    """A model in the picture.

    Attributes:
        name: What it is called; empty where there is one alone.
        dials: Its dials.
        first: Whether its dials carry the titles.
    """

    name: str
    dials: tuple[Dial, ...]
    first: bool


def picture_path(page: Path) -> Path:
    """Where the picture of a page lies: beside it, under its name."""
    return page.with_suffix(".png")


def save_share_picture(
    page: Path,
    eyebrow: str,
    message: str,
    rows: Sequence[tuple[str, Sequence[Dial]]],
    footer: str,
) -> Path:
    """Writes the picture of a page.

    Args:
        page: The page that it stands beside.
        eyebrow: What made the page.
        message: The sentence of its first screen.
        rows: The dials of each model; those for which there is no room are counted in the footer.
        footer: Names and numbers.

    Returns:
        The path of the picture.

    Raises:
        StoreError: It can't be written.
    """
    import vl_convert

    path = picture_path(page)
    left_out = len(rows) - _ROWS
    if left_out > 0:
        footer = f"and {left_out} more; {footer}"
    picture: bytes = vl_convert.svg_to_png(_svg(eyebrow, message, rows[:_ROWS], footer), scale=1)
    with disk(path):
        write_bytes(path, picture)
    return path


def _svg(
    eyebrow: str, message: str, rows: Sequence[tuple[str, Sequence[Dial]]], footer: str
) -> str:
    # A sign of percent stays with its figure.
    message = message.replace(" %", "\N{NO-BREAK SPACE}%")
    size, lines = next(
        (
            (size, wrapped)
            for size, width, most in _SIZES
            if len(wrapped := textwrap.wrap(message, width)) <= most
        ),
        (_SIZES[-1][0], textwrap.wrap(message, _SIZES[-1][1], max_lines=5, placeholder=" …")),
    )
    columns = max((len(dials) for _, dials in rows), default=1)
    column = _COLUMNS_WIDTH // columns
    return (
        templates()
        .get_template("share.svg.j2")
        .render(
            eyebrow=eyebrow,
            lines=lines,
            size=size,
            start=_START + (20 if len(rows) == 1 else 0),
            step=_STEP,
            column=column,
            width=column - 50,
            rows=[
                ShareRow(textwrap.shorten(name, 22, placeholder="…"), tuple(dials), place == 0)
                for place, (name, dials) in enumerate(rows)
            ],
            footer=textwrap.shorten(footer, _FOOTER_CHARACTERS, placeholder=" …"),
        )
    )
