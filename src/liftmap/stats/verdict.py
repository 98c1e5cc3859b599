"""The verdict of a comparison: one word for accuracy, one for capability, and a label.

Last step of the statistics: reads the two changes with their intervals (from `intervals`), gives
facts: words, the label, and how many questions would settle what is open. The two axes are the
headline and the label stands beside them: a label always carries its k, never hides an axis that is
settled, and is left out (None) where k can't carry it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import log
from typing import Literal

import numpy as np
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Change, Estimate

Direction = Literal["up", "down", "within", "unsettled"]
Word = Literal[Direction, "saturated", "too hard", "not measured"]
Label = Literal[
    "expanded",
    "sharpened",
    "sharpened at a cost",
    "broadened",
    "unchanged",
    "degraded",
    "inconclusive",
]

# Why a change gets no word although its interval may be narrow.
Withheld = Literal["unscored", "n by outcome", "copies"]

_LABELS: dict[tuple[Word, Word], Label] = {
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

# Below so many tries pass@k is close to accuracy: in a world that lost capability (pass@1 +7.6,
# pass@256 -7.0 points) nearly all comparisons at k = 4 showed a gain.
FEW_TRIES = 16
# A curve that gains so many margins from k/2 to k has more to show beyond k.
CLIMBING_MARGINS = 2.0
# Beyond so many questions none is a number to give.
MOST_QUESTIONS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MeasuredChange:
    """What the word of one axis is decided on.

    Attributes:
        k: Number of tries; 1 is accuracy.
        figure: pass@k before, after, and its change, -1 to 1, with the intervals that are printed;
            a `range` of the change counts like sampling error.
        spread: Standard deviation of a question's change, pseudo-questions left out (with clusters:
            the standard error times the root of the number of questions); None where unknown.
        wider: The change with the interval that two pseudo-questions of +-1 give; None where the
            printed interval counts them.
        unit: The mean size of a cluster; 1 without clusters.
        withheld: Why no interval can be trusted: unscored responses could have moved the change by
            an unknown amount, how often a question was asked depends on what came out, or responses
            stand several times; None where nothing speaks against it.
        extremes: The change with every unscored response against it, and in its favour; the `range`
            of the change then holds their sampling error too. None where all are scored.
        p_value: The p-value that there is no change; None where it was not asked for.
    """

    k: int
    figure: Change
    spread: float | None = None
    wider: Estimate | None = None
    unit: float = 1.0
    withheld: Withheld | None = None
    extremes: tuple[float, float] | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """What is known of one axis, accuracy or capability.

    Attributes:
        word: within (the margin), up, down, or unsettled; saturated or too hard, where both sides
            lie so near to 1 or 0 that no change could leave the margin; or not measured.
        change: After minus before with the printed interval; None where it was not measured.
        k: Number of tries; 1 is accuracy.
        needed_if_unchanged: How many questions show that nothing changed, with the power asked;
            None where the axis is settled, or where no number would do.
        needed_if_changed: How many show a change as large as the estimate; None likewise, and where
            the estimate is too near to 0 to speak of one. Either number can be below the number of
            questions that there are: power is less than certainty.
        withheld: As in `MeasuredChange`.
        p_value: As in `MeasuredChange`.
    """

    word: Word
    change: Estimate | None
    k: int
    needed_if_unchanged: int | None = None
    needed_if_changed: int | None = None
    withheld: Withheld | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a comparison comes to, as facts.

    Attributes:
        label: The label of the two words; None where an axis is saturated, too hard or not
            measured.
        k: The number of tries that the label holds at: that of capability.
        accuracy: The change of pass@1.
        capability: The change of pass@k.
        margin: Half-width of the equivalence margin.
        few_tries: Whether k is below 16, too few to speak of capability without more ado.
        climbing: Whether the curve before still climbs at k: by more than two margins from k/2.
        unsaturated_k: The largest k of the curve at which not both sides are saturated, where
            capability is saturated at k; None else, and where there is none.
    """

    label: Label | None
    k: int
    accuracy: Axis
    capability: Axis
    margin: float
    few_tries: bool
    climbing: bool
    unsaturated_k: int | None = None


def conclude(
    accuracy: MeasuredChange,
    capability: MeasuredChange | None,
    *,
    curve: Mapping[int, tuple[float, float]] | None = None,
    margin: float = 0.01,
    level: float = 0.95,
    power: float = 0.8,
) -> Conclusion:
    """Puts the changes of accuracy and capability into words and a label.

    Args:
        accuracy: The change of pass@1.
        capability: The change of pass@k at the largest k that both sides support; None, or one at
            k = 1, is not measured: a single try says nothing of what more tries reach.
        curve: pass@k before and after at each k of the curve, for the facts about its shape.
        margin: Half-width of the equivalence margin: changes below it count as none.
        level: Coverage of the intervals, for the numbers of questions needed.
        power: Chance that those numbers settle the axis.

    Returns:
        The conclusion. Each axis is tested in this order: saturated or too hard; unsettled, where
        its word is withheld; then as in `direction`.

    Raises:
        InputError: A margin, level or power that is not between 0 and 1.
    """
    for name, value in (("margin", margin), ("level", level), ("power", power)):
        if not 0 < value < 1:
            raise InputError(
                f"The {name} of a verdict lies between 0 and 1.",
                seen=value,
                remedy="Give shares: a margin of 0.01 is one point.",
            )
    known = dict(sorted(curve.items())) if curve else {}
    first = replace(_axis(accuracy, margin, level, power), p_value=accuracy.p_value)
    if capability is None or capability.k == 1:
        nothing = Axis("not measured", None, 1)
        return Conclusion(None, 1, first, nothing, margin, few_tries=True, climbing=False)
    k = capability.k
    second = replace(_axis(capability, margin, level, power), p_value=capability.p_value)
    label: Label | None = None
    if {first.word, second.word} <= {"up", "down", "within", "unsettled"}:
        label = _LABELS.get((first.word, second.word), "inconclusive")
    open_ks = [tried for tried, sides in known.items() if tried < k and min(sides) <= 1 - margin]
    return Conclusion(
        label,
        k,
        first,
        second,
        margin,
        few_tries=k < FEW_TRIES,
        climbing=_climb(known, k) > CLIMBING_MARGINS * margin,
        unsaturated_k=max(open_ks, default=None) if second.word == "saturated" else None,
    )


def _axis(measured: MeasuredChange, margin: float, level: float, power: float) -> Axis:
    """The word for one change, and what would settle it."""
    figure, change = measured.figure, measured.figure.change
    sides = (figure.before.estimate, figure.after.estimate)
    if min(sides) > 1 - margin:
        return Axis("saturated", change, measured.k, withheld=measured.withheld)
    if max(sides) < margin:
        return Axis("too hard", change, measured.k, withheld=measured.withheld)
    if measured.withheld is not None:
        return Axis("unsettled", change, measured.k, withheld=measured.withheld)
    wider = change if measured.wider is None else measured.wider
    word = direction(_with_range(change), margin, _with_range(wider))
    if word != "unsettled" or measured.spread is None:
        return Axis(word, change, measured.k)
    # What the data do not fix stays, however many questions there are.
    low, high = measured.extremes or change.range or (change.estimate, change.estimate)
    open_part = max(high - change.estimate, change.estimate - low, 0.0)
    size = abs(change.estimate) - open_part
    # An interval that holds 0 around so small an estimate does not speak of a change.
    none = size <= 0 or (change.low <= 0 <= change.high and size < margin / 2)
    options = {"level": level, "power": power, "unit": measured.unit}
    return Axis(
        word,
        change,
        measured.k,
        needed_if_unchanged(measured.spread, margin - open_part, **options),
        None if none else needed_if_changed(measured.spread, size, **options),
    )


def _with_range(change: Estimate) -> Estimate:
    """The interval widened to the identification range."""
    least, most = change.range or (change.low, change.high)
    return Estimate(change.estimate, min(change.low, least), max(change.high, most))


def _climb(curve: Mapping[int, tuple[float, float]], k: int) -> float:
    """By how much pass@k before exceeds pass@(k/2), read off between the points of the curve."""
    if k not in curve:
        return 0.0
    known = np.log(list(curve)), [before for before, _ in curve.values()]
    return float(curve[k][0] - np.interp(log(k / 2), *known))


def needed_if_unchanged(
    spread: float, margin: float, *, level: float = 0.95, power: float = 0.8, unit: float = 1.0
) -> int | None:
    """The least number of questions that show that nothing changed, where nothing did.

    The interval (with its two pseudo-questions) must fit into the margin on both sides, so the
    quantile that stands for the power is the two-sided one.

    Args:
        spread: Standard deviation of a question's change, 0 or more, pseudo-questions left out.
        margin: Half-width of the equivalence margin.
        level: Coverage of the interval.
        power: Chance that as many questions do.
        unit: Mean size of a cluster: that of a pseudo-question.

    Returns:
        Number of questions; None where the margin is not positive or a billion would not do.
    """
    if margin <= 0:
        return None
    reach, reserve = special.ndtri((1 + level) / 2), special.ndtri((1 + power) / 2)

    def fits(questions: int) -> bool:
        error = spread / np.sqrt(questions)
        half = reach * np.sqrt(error**2 + 2 * (unit / (questions + 2 * unit)) ** 2)
        return bool(half + reserve * error <= margin)

    return _least(fits)


def needed_if_changed(
    spread: float, change: float, *, level: float = 0.95, power: float = 0.8, unit: float = 1.0
) -> int | None:
    """The least number of questions that show a change of a given size.

    About ((z_level + z_power) spread / change)^2; the two pseudo-questions, which pull the middle
    of the interval towards 0 and widen it, are counted.

    Args:
        spread: As in `needed_if_unchanged`.
        change: Size of the true change; its sign does not count.
        level: As in `needed_if_unchanged`.
        power: As in `needed_if_unchanged`.
        unit: As in `needed_if_unchanged`.

    Returns:
        Number of questions; None where the change is 0 or a billion would not do.
    """
    size = abs(change)
    if size == 0:
        return None
    reach, reserve = special.ndtri((1 + level) / 2), special.ndtri(power)

    def shows(questions: int) -> bool:
        error, whole = spread / np.sqrt(questions), questions + 2 * unit
        half = reach * np.sqrt(error**2 + 2 * (unit / whole) ** 2)
        return bool(half + reserve * error <= size * questions / whole)

    return _least(shows)


def _least(settles: Callable[[int], bool]) -> int | None:
    """The least number of questions, 2 or more, from which on they settle something."""
    low, high = 1, MOST_QUESTIONS
    if not settles(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle, high)
    return high


def direction(change: Estimate, margin: float, wider: Estimate | None = None) -> Direction:
    """The word for one change with its interval, at an equivalence margin.

    Args:
        change: The change with the interval that is printed.
        margin: Half-width of the equivalence margin.
        wider: The same with an interval that counts two pseudo-questions of +-1. An interval that
            shrinks to nothing, because no question happened to change, does not show that none
            would.

    Returns:
        within, if both intervals lie inside the margin; else up or down, if the printed one leaves
        out 0; else unsettled.
    """
    intervals = (change,) if wider is None else (change, wider)
    if all(-margin <= one.low and one.high <= margin for one in intervals):
        return "within"
    if change.low > 0:
        return "up"
    if change.high < 0:
        return "down"
    return "unsettled"
