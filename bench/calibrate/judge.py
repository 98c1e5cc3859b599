"""What a comparison says, held against the truth of its world.

Between `worlds` and `attacks`: the only module that reads a `Comparison`, so that the worlds do not
depend on its layout. A claim is something that should hold (coverage: in 95 % of the rounds), or
should not happen (a false word: in at most 5 %).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.calibrate.worlds import World
from liftmap.comparison.result import Comparison
from liftmap.records import Estimate

LEVEL = 0.95
# Questions truly lost that count as none.
NO_LOSS = 1e-6


@dataclass(frozen=True)
class Promise:
    """What is promised of a claim.

    Attributes:
        share: In this share of the rounds.
        at_least: Whether it should hold in at least, or at most, this share.
    """

    share: float
    at_least: bool


# Claims with columns of their own in the table: intervals that hold the truth, false words.
ACCURACY_BEFORE = "accuracy before"
CAPABILITY_BEFORE = "pass@k before"
ACCURACY = "change of accuracy"
CAPABILITY = "change of pass@k"
BAND = "band over k"
BIN = "worst bin"
LOST = "lost beyond noise"
GROSS = "gross loss"
EXCESS = "excess at n"
THESE_ACCURACY = "accuracy, these questions"
THESE_CAPABILITY = "pass@k, these questions"
BAND_AT_1 = "band at k = 1"
BAND_OVER_BINS = "band over bins"
FALSE_WORD = "false word"
FALSE_LABEL = "false label"
# Others.
FALSE_LOSS = "loss without one"
MCNEMAR = "McNemar rejects"
ABOVE_FLOOR = "gross loss above its floor"
NO_WARNING = "no warning"
COLOURED = "a bin coloured"
GATE_FAILED = "a rule failed"
GATE_PASSED = "a lost model passed"
CALLED = "a checkpoint called up or down"
STEP_CHANGED = "some step changed"
STEP_TURNED = "a step from which it falls"
FAIR_CHOICE = "pass@k of the chosen step"
ACCURACY_SETTLED = "accuracy settled"
CAPABILITY_SETTLED = "pass@k settled"
DETECTED = "detected"
WITHIN = "within"

# Claims of one column: the word of each axis, the change in each bin.
AXES = ("accuracy", "pass@k")
COVERED = (
    ACCURACY_BEFORE,
    CAPABILITY_BEFORE,
    ACCURACY,
    CAPABILITY,
    BAND,
    BIN,
    LOST,
    GROSS,
    EXCESS,
)
FALSE = (FALSE_WORD, FALSE_LABEL)
COLUMNS = (*COVERED, *FALSE)
PROMISES: Mapping[str, Promise] = {
    **dict.fromkeys(
        (*COVERED, THESE_ACCURACY, THESE_CAPABILITY, BAND_AT_1, BAND_OVER_BINS, FAIR_CHOICE),
        Promise(LEVEL, at_least=True),
    ),
    **dict.fromkeys(
        (
            *(*FALSE, FALSE_LOSS, MCNEMAR, COLOURED, CALLED, ABOVE_FLOOR, GATE_FAILED, GATE_PASSED),
            *(STEP_CHANGED, STEP_TURNED),
        ),
        Promise(1 - LEVEL, False),
    ),
    NO_WARNING: Promise(0.0, at_least=False),
    **dict.fromkeys(
        (ACCURACY_SETTLED, CAPABILITY_SETTLED, DETECTED, WITHIN), Promise(0.8, at_least=True)
    ),
}


def judge(
    comparison: Comparison, world: World, chosen: NDArray[np.int64] | None = None
) -> dict[str, bool]:
    """Which claims came true in one round.

    Args:
        comparison: What was said.
        world: What is true of all its questions.
        chosen: The units that were asked, where what is said of these questions is looked at.
    """
    k, margin = comparison.k, comparison.margin
    at_k = comparison.at_k
    truths = (world.change(1), world.change(k))
    words = word_pair(comparison)
    false = {
        axis: is_false(word, truth, margin)
        for axis, word, truth in zip(AXES, words, truths, strict=True)
    }
    claims = {
        ACCURACY_BEFORE: holds(comparison.accuracy.before, world.passed(1, 0)),
        ACCURACY: holds(comparison.accuracy.change, truths[0]),
        FALSE_LABEL: settled(comparison) and (k == 1 or any(false.values())),
        **{f"{FALSE_WORD} {axis}": said for axis, said in false.items()},
    }
    if k > 1:
        claims[CAPABILITY_BEFORE] = holds(at_k.before, world.passed(k, 0))
        claims[CAPABILITY] = holds(at_k.change, truths[1])
        claims[BAND] = all(
            point.band[0] <= world.change(point.k) <= point.band[1]
            for point in comparison.capability
            if point.band is not None
        )
        first = comparison.capability[0]
        if first.band is not None:
            claims[BAND_AT_1] = first.band[0] <= truths[0] <= first.band[1]
        claims |= _bin_claims(comparison, world)
    if chosen is not None and comparison.other_points:
        one, last = comparison.other_points[0], comparison.other_points[-1]
        claims[THESE_ACCURACY] = holds(one.change, world.change_on(chosen, 1))
        claims[THESE_CAPABILITY] = holds(last.change, world.change_on(chosen, last.k))
    moves = comparison.lost
    if moves.k is not None and moves.excess is not None:
        claims[LOST] = holds(moves.excess, world.excess(moves.k))
        claims[FALSE_LOSS] = moves.excess.low > max(0.0, world.excess(moves.k))
    claims |= law_claims(comparison, world)
    if comparison.mcnemar_p is not None:
        claims[MCNEMAR] = comparison.mcnemar_p < 1 - LEVEL
    claims[NO_WARNING] = not comparison.checks
    return claims


def _bin_claims(comparison: Comparison, world: World) -> dict[str, bool]:
    """Whether each bin's interval holds the truth, and the band all of them at once."""
    bins = comparison.transitions.bins
    truths = world.change_by_bin(bins)
    claims = {}
    for one in comparison.bins:
        claims[f"{BIN} {bins.labels[one.place]}"] = holds(one.change, truths[one.place])
    bands = [(one.band, truths[one.place]) for one in comparison.bins if one.band is not None]
    if bands:
        claims[BAND_OVER_BINS] = all(low <= truth <= high for (low, high), truth in bands)
    return claims


def law_claims(comparison: Comparison, world: World) -> dict[str, bool]:
    """What the law's figures at n come to; nothing where they are not given."""
    at_n = comparison.lost.at_n
    if at_n is None or at_n.gross is None or at_n.excess is None:
        return {}
    claims = {
        GROSS: holds(at_n.gross, world.gross(at_n.n)),
        EXCESS: holds(at_n.excess, world.excess(at_n.n)),
    }
    if at_n.floor is not None and world.gross(at_n.n) < NO_LOSS:
        claims[ABOVE_FLOOR] = at_n.gross.estimate > at_n.floor.gross.largest
    return claims


def holds(estimate: Estimate, truth: float) -> bool:
    """Whether the interval, with what the data do not fix, holds the truth."""
    least, most = estimate.range or (estimate.low, estimate.high)
    slack = 1e-9 * max(1.0, abs(truth))
    return min(estimate.low, least) - slack <= truth <= max(estimate.high, most) + slack


def is_false(word: str, truth: float, margin: float) -> bool:
    """Whether the word for a change says what is not so."""
    return (
        (word == "up" and truth <= 0)
        or (word == "down" and truth >= 0)
        or (word == "within" and abs(truth) > margin)
    )


def called(comparison: Comparison) -> dict[str, bool]:
    """Which axes are called up or down, where nothing changed."""
    words = zip(AXES, word_pair(comparison), strict=True)
    return {f"{FALSE_WORD} {axis}": word in ("up", "down") for axis, word in words}


def word_pair(comparison: Comparison) -> tuple[str, str]:
    """The words for accuracy and capability."""
    return comparison.verdict.accuracy.word, comparison.verdict.capability.word


def settled(comparison: Comparison) -> bool:
    """Whether the comparison gives a label that says something."""
    return comparison.verdict.label not in (None, "inconclusive")


def needed_questions(comparison: Comparison, *, changed: bool) -> Mapping[str, int | None]:
    """How many questions would settle each axis that is not, by the claim that they do."""
    axes = {
        ACCURACY_SETTLED: comparison.verdict.accuracy,
        CAPABILITY_SETTLED: comparison.verdict.capability,
    }
    return {
        name: axis.needed_if_changed if changed else axis.needed_if_unchanged
        for name, axis in axes.items()
        if axis.word == "unsettled"
    }
