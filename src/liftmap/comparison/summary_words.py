"""A comparison in one sentence and a few lines, made from its facts.

Beside `words`; used where a comparison has little room, as in the terminal's summary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liftmap.comparison.rounding import count, number_of_questions, percent, points
from liftmap.records import Change, Estimate

if TYPE_CHECKING:
    from liftmap.comparison.result import Comparison
    from liftmap.stats.verdict import Axis


def main_sentence(comparison: Comparison) -> str:
    """What changed, in one sentence: what is known first, what is open beside it.

    For instance: `Of all tries 67.3 % are right instead of 47.1 %; whether more
    questions are solved within 256 tries is open: 86.8 % instead of 86.5 %, change between −1.6 and
    +2.1 points.`
    """
    accuracy = _accuracy(comparison.verdict.accuracy, comparison.accuracy)
    if comparison.verdict.capability.change is None:
        return f"{accuracy}; one try a question says nothing of capability."
    point = comparison.at_k
    figures = Change(point.before, point.after, point.change)
    return f"{accuracy}; {_capability(comparison.verdict.capability, figures, comparison.k)}."


def _accuracy(axis: Axis, figures: Change) -> str:
    shares = _instead(figures)
    if axis.word in ("up", "down"):
        return (
            f"Of all tries {percent(figures.after.estimate)} % are right instead of "
            f"{percent(figures.before.estimate)} %"
        )
    if axis.word == "within":
        return f"Tries are right as often as before: {shares}"
    return f"Whether tries are right more often is open: {shares}, {_between(figures.change)}"


def _capability(axis: Axis, figures: Change, k: int) -> str:
    tries = f"within {count(k)} {'try' if k == 1 else 'tries'}"
    shares = _instead(figures)
    if axis.word == "up":
        return f"more questions are solved {tries}: {shares}"
    if axis.word == "down":
        return f"fewer questions are solved {tries}: {shares}"
    if axis.word == "within":
        return f"as many questions are solved {tries}: {shares}"
    return (
        f"whether more questions are solved {tries} is open: {shares}, {_between(figures.change)}"
    )


def _instead(figures: Change) -> str:
    return f"{percent(figures.after.estimate)} % instead of {percent(figures.before.estimate)} %"


def _between(change: Estimate) -> str:
    return f"change between {points(change.low)} and {points(change.high)} points"


def lost_line(comparison: Comparison) -> str:
    """How many questions were lost, and how many of them beyond noise; empty where unknown."""
    lost = comparison.lost
    if lost.at_n is not None:
        beyond = number_of_questions(lost.at_n.excess, signed=True)
        return (
            f"lost at k = {count(lost.at_n.n)}: {count(lost.at_n.observed)} questions, {beyond} "
            "beyond noise"
        )
    if lost.k is not None:
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
