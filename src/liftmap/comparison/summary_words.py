"""A comparison in a few lines, made from its facts.

Beside `message`, whose sentences stand above them where a comparison has little room, as in the
terminal's summary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liftmap.comparison.rounding import count, number_of_questions

if TYPE_CHECKING:
    from liftmap.comparison.result import Comparison


def lost_line(comparison: Comparison) -> str:
    """How many questions were lost, and how many of them beyond noise; empty where unknown."""
    lost = comparison.lost
    if lost.at_n is not None:
        plural = "" if lost.at_n.observed == 1 else "s"
        text = f"lost at k = {count(lost.at_n.n)}: {count(lost.at_n.observed)} question{plural}"
        if lost.at_n.excess is None:
            return text
        return f"{text}, {number_of_questions(lost.at_n.excess, signed=True)} beyond noise"
    if lost.excess is not None and lost.k is not None:
        beyond = number_of_questions(lost.excess, signed=True)
        return f"lost at k = {count(lost.k)}, beyond noise: {beyond} questions"
    return ""


def left_out_line(comparison: Comparison) -> str:
    """What a summary leaves out, and the option that shows it."""
    parts = ["the curve", "difficulty", "lost and gained"]
    for name, pieces in (("caveat", comparison.caveats), ("note", comparison.warnings)):
        if pieces:
            parts.append(f"{len(pieces)} {name}{'s' if len(pieces) > 1 else ''}")
    return f"--full adds: {', '.join(parts)}."
