"""The verdict of a comparison: one word for accuracy, one for capability, and a label.

Last step of the statistics: reads the two changes with their intervals (from `intervals`), gives
words. The two statements are the headline and the label stands beside them; a label never hides
an axis that is settled, and few questions never widen the margin to get one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Literal

from liftmap.errors import InputError
from liftmap.records import Estimate

Direction = Literal["up", "down", "within", "unsettled"]

_LABELS: dict[tuple[Direction, Direction], str] = {
    ("up", "up"): "expanded",
    ("up", "within"): "sharpened",
    ("up", "down"): "sharpened at a cost",
    ("within", "up"): "broadened",
    ("down", "up"): "broadened",
    ("within", "within"): "unchanged",
    ("down", "within"): "degraded",
    ("within", "down"): "degraded",
    ("down", "down"): "degraded",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a comparison found.

    Attributes:
        label: expanded, sharpened, sharpened at a cost, broadened, unchanged, degraded or
            inconclusive.
        accuracy: Direction of the change of accuracy.
        capability: Direction of the change of pass@k.
        because: Both statements with their numbers, in points (hundredths).
        needed: About how many questions would settle every unsettled axis, if the estimates held;
            None when both are settled.
    """

    label: str
    accuracy: Direction
    capability: Direction
    because: str
    needed: int | None


def decide(
    accuracy: Estimate, capability: Estimate, *, margin: float = 0.01, questions: int
) -> Finding:
    """Puts the changes of accuracy and capability into words.

    Args:
        accuracy: Change of pass@1, after minus before, -1 to 1.
        capability: Change of pass@k at the largest k both sides support, -1 to 1.
        margin: Changes below it count as none: half-width of the equivalence margin, above 0.
        questions: Number of questions behind the intervals.

    Returns:
        The finding. Each axis is tested in this order: within, if its interval lies inside the
        margin; up or down, if it leaves out 0; else unsettled.

    Raises:
        InputError: A margin or a number of questions that is not positive.
    """
    if margin <= 0 or questions < 1:
        raise InputError(
            "A verdict needs a positive margin and at least one question.",
            seen={"margin": margin, "questions": questions},
            remedy="Give the margin as a share: 0.01 is one point.",
        )
    changes = {"accuracy": accuracy, "capability": capability}
    words = {axis: direction(change, margin) for axis, change in changes.items()}
    needs = {
        axis: questions_needed(change, margin, questions)
        for axis, change in changes.items()
        if words[axis] == "unsettled"
    }
    because = "; ".join(
        _statement(axis, change, words[axis], margin, needs.get(axis))
        for axis, change in changes.items()
    )
    return Finding(
        label=_LABELS.get((words["accuracy"], words["capability"]), "inconclusive"),
        accuracy=words["accuracy"],
        capability=words["capability"],
        because=because,
        needed=max(needs.values(), default=None),
    )


def direction(change: Estimate, margin: float) -> Direction:
    """The word for one change with its interval, at an equivalence margin."""
    if -margin <= change.low and change.high <= margin:
        return "within"
    if change.low > 0:
        return "up"
    if change.high < 0:
        return "down"
    return "unsettled"


def questions_needed(change: Estimate, margin: float, questions: int) -> int:
    """About how many questions would settle an unsettled change, if its estimate held.

    An interval shrinks with the root of the number of questions. It is settled once it leaves out
    0 or, with an estimate inside the margin, once it fits into the margin; the cheaper one counts.

    Args:
        change: The change with its interval.
        margin: Half-width of the equivalence margin.
        questions: Number of questions behind the interval.

    Returns:
        Number of questions, rounded up to two digits, above the number there is.
    """
    half, size = (change.high - change.low) / 2, abs(change.estimate)
    target = max(size, margin - size)
    needed = questions * (half / target) ** 2
    digits = int(10 ** max(floor(log10(max(needed, 1))) - 1, 0))
    return max(ceil(needed / digits) * digits, questions + 1)


def _statement(
    axis: str, change: Estimate, word: Direction, margin: float, needed: int | None
) -> str:
    low, high = 100 * change.low, 100 * change.high
    estimate = f"{100 * change.estimate:+.1f} [{low:.1f}, {high:.1f}]"
    if word == "unsettled":
        about = f"about {needed:,} questions would settle it"
        return (
            f"{axis} not settled, {low:+.1f} to {high:+.1f} "
            f"against a margin of {100 * margin:g}: {about}"
        )
    if word == "within":
        return f"{axis} within the margin of {100 * margin:g}, {estimate}"
    return f"{axis} {word} {estimate}"
