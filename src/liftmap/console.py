"""The terminal: nothing that is printed is read as markup, and no control character reaches it raw.

Used by whatever prints. A name or an id from a file or a server may hold anything, sequences that
rewrite the screen or turn text round among it; those are shown as signs. Standard output is for
results, standard error for progress and messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# Control characters but for tab and line feed, and what turns the direction of writing.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def shown(text: str) -> str:
    """A text with a visible sign of the same width for each control character."""
    return CONTROL.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


class Terminal(Console):
    """A rich console that takes texts for what they are."""

    def __init__(self, *, stderr: bool = False) -> None:
        # Without emoji: a folder's name may look like one, as in DIR:m:test.
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich renders it, control characters shown as signs."""
        for segment in super().render(renderable, options):
            if segment.control is None and CONTROL.search(segment.text):
                segment = segment._replace(text=shown(segment.text))
            yield segment


console = Terminal(stderr=True)
