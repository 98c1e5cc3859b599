"""A contamination check in the terminal.

Reads a `Probe`, gives rich renderables that fit 80 columns.
"""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from liftmap.comparison.probe_record import Probe, ProbeFigures, bound_note, difference_text
from liftmap.comparison.rounding import NOTHING, percent
from liftmap.records import Estimate


def probe_page(probe: Probe) -> Group:
    """The finding, what it rests on, and what has to be known."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(("shown", "of the rest", "task, %", "fresh, %", "difference")):
        table.add_column(heading, justify="left" if place < 2 else "right")
    for point in probe.points:
        for name, what in (
            ("completed", "word for word"),
            ("overlap", "words in order"),
            ("right", "answered right"),
        ):
            table.add_row(
                f"{percent(point.share, 0)} %" if name == "completed" else "",
                what,
                _cell(point.task, name),
                NOTHING if point.fresh is None else _cell(point.fresh, name),
                difference_text(getattr(point, name)),
            )
    parts: list[RenderableType] = [Text(probe.headline, "bold reverse"), table]
    if probe.fresh is not None:
        first = probe.points[0]
        fresh = first.fresh.questions if first.fresh is not None else 0
        parts.append(
            Text(f"{first.task.questions} questions; {fresh} fresh ones: {probe.fresh}.", "dim")
        )
        parts.append(Text(bound_note(probe.level), "dim"))
    parts += [Text(f"- {note}") for note in probe.notes]
    return Group(*parts)


def _cell(figures: ProbeFigures, name: str) -> str:
    estimate: Estimate | None = getattr(figures, name)
    if estimate is None:
        return NOTHING
    return f"{percent(estimate.estimate)} [{percent(estimate.low)}, {percent(estimate.high)}]"
