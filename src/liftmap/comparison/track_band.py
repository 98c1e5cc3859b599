"""One band over all that is said of a run: every step, every k, questions lost and gained.

Middle of the flow of `track`: takes the base matched with each step (the same questions in each
pair), gives the ends of a simultaneous sup-t band, and the step that is chosen. One multiplier
bootstrap of the questions serves all columns, so steps that move together cost little, and whatever
the band says of any step holds together with all else that it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from liftmap.comparison.match import PairedTallies
from liftmap.comparison.track_parts import Ends
from liftmap.records import Counts, Estimate
from liftmap.stats.chosen import Choice, cross_fitted_choice
from liftmap.stats.floors import change_floor
from liftmap.stats.intervals import mean_changes, simultaneous_band
from liftmap.stats.lost import losses
from liftmap.stats.passk import FloatArray, IntArray, pass_at_k

# Stream of random numbers of the splits that a step is chosen by; the band of one comparison is 1.
_SPLITS = 3
_BAND = 4


class BandOptions(NamedTuple):
    """How the band is made."""

    level: float
    resamples: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """The ends of the band, a record for each step but the base.

    Attributes:
        passes: By step, for each k: the change of pass@k from the base.
        lost: By step: questions lost beyond noise; None where there is no noise to take out.
        gained: The reverse.
        to_last: By step, the base first, without the last: accuracy and pass@k at the largest k
            from there to the last step, with the band's ends. Empty where k is 1.
    """

    passes: list[list[Ends]]
    lost: list[Ends | None]
    gained: list[Ends | None]
    to_last: list[tuple[Estimate, Estimate]]


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One step's counts, a row a question: as scored, with all doubtful responses wrong, right."""

    scored: Counts
    wrong: Counts
    right: Counts


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """Columns of the band: from one step to another, at some k."""

    first: _Side
    then: _Side
    ks: Sequence[int]


def bands(
    pairs: Sequence[PairedTallies],
    ks: Sequence[int],
    moves: Sequence[int | None],
    options: BandOptions,
) -> Bands:
    """The band over all steps.

    Args:
        pairs: The base matched with each step, the last step last.
        ks: Numbers of tries, rising, at most what every pair supports.
        moves: For each step the tries of lost and gained questions; None where noise can't be
            computed.
        options: Level, resamples and seed.
    """
    sides = _sides(pairs)
    cluster = cluster_of(pairs[0])
    base, *steps = sides
    columns = [_Column(base, step, ks) for step in steps]
    ends = [1, ks[-1]] if ks[-1] > 1 else []
    later = [_Column(side, steps[-1], ends) for side in sides[:-1]] if ends else []
    moved = [
        losses(base.scored, step.scored, k)
        for step, k in zip(steps, moves, strict=True)
        if k is not None
    ]
    # A change from noise to what was counted: what is lost beyond noise.
    noise = [each.noise for each in moved for _ in range(2)]
    counted = [part for each in moved for part in (each.lost, each.gained)]
    units = pairs[0].questions if cluster is None else len(np.unique(cluster))
    floor = np.concatenate(
        [
            *(
                change_floor(each.ks, each.first.scored, each.then.scored, units=units)
                for each in (*columns, *later)
            ),
            np.ones(len(counted)),
        ]
    )

    def band(first: str, then: str) -> tuple[FloatArray, FloatArray]:
        passed = [_passes(getattr(each.first, first), each.ks) for each in (*columns, *later)]
        then_passed = [_passes(getattr(each.then, then), each.ks) for each in (*columns, *later)]
        return simultaneous_band(
            np.column_stack([*passed, *noise]),
            np.column_stack([*then_passed, *counted]),
            rng=np.random.default_rng([options.seed, _BAND]),
            resamples=options.resamples,
            cluster=cluster,
            level=options.level,
            floor=floor,
        )

    low, high = band("scored", "scored")
    if any(pair.extremes is not None for pair in pairs):
        low = np.minimum(low, band("right", "wrong")[0])
        high = np.maximum(high, band("wrong", "right")[1])
    ends_of = iter(zip(low.tolist(), high.tolist(), strict=True))
    passes = [[next(ends_of) for _ in ks] for _ in steps]
    to_last = [
        (
            _estimate(each, 0, next(ends_of)),
            _estimate(each, 1, next(ends_of)),
        )
        for each in later
    ]
    questions = pairs[0].questions
    lost: list[Ends | None] = []
    gained: list[Ends | None] = []
    for k in moves:
        for moves_of in (lost, gained):
            moves_of.append(None if k is None else _in_questions(next(ends_of), questions))
    return Bands(passes, lost, gained, to_last)


def _estimate(column: _Column, place: int, ends: Ends) -> Estimate:
    k = column.ks[place]
    change = _passes(column.then.scored, [k]) - _passes(column.first.scored, [k])
    return Estimate(float(change.mean()), *ends)


def _in_questions(ends: Ends, questions: int) -> Ends:
    return ends[0] * questions, ends[1] * questions


def choose(pairs: Sequence[PairedTallies], k: int, seed: int) -> Choice:
    """The step of the highest pass@k, of equals the more accurate, then the earlier one.

    Args:
        pairs: The base matched with each step.
        k: Number of tries.
        seed: Seed of the splits.

    Returns:
        The choice among the steps; its figures are the changes of accuracy and of pass@k.
    """
    base, *steps = (side.scored for side in _sides(pairs))
    before = _passes(base, [1, k])
    changes = np.stack([_passes(step, [1, k]) - before for step in steps], axis=1)
    return cross_fitted_choice(
        np.stack([changes[:, :, 1], changes[:, :, 0]]),
        changes,
        np.random.default_rng([seed, _SPLITS]),
        cluster=cluster_of(pairs[0]),
    )


def fair_figures(
    pairs: Sequence[PairedTallies], choice: Choice, k: int, level: float
) -> tuple[Estimate, Estimate]:
    """Accuracy and pass@k of steps chosen on other questions, with their intervals."""
    cluster = cluster_of(pairs[0])
    units = pairs[0].questions if cluster is None else len(np.unique(cluster))
    sides = [side.scored for side in _sides(pairs)]
    # Whichever steps were chosen: of the floors of all of them the largest.
    floor = np.max(
        [change_floor([1, k], sides[0], side, units=units) for side in sides[1:]], axis=0
    )
    ends = []
    for place in range(2):
        worth = choice.worth[:, :, place]
        of_splits = mean_changes(
            np.zeros_like(worth), worth, cluster=cluster, level=level, floor=floor[place]
        )
        means = np.mean([(each.estimate, each.low, each.high) for each in of_splits], axis=0)
        ends.append(Estimate(*means.tolist()))
    return ends[0], ends[1]


def cluster_of(pair: PairedTallies) -> IntArray | None:
    """The number of each question's cluster, in the order of the ids; None where there are none."""
    return None if pair.cluster is None else pair.cluster[pair.row_of_question]


def _sides(pairs: Sequence[PairedTallies]) -> list[_Side]:
    """The base and each step, a row a question."""
    return [_side(pairs[0], 0), *(_side(pair, 1) for pair in pairs)]


def _side(pair: PairedTallies, place: int) -> _Side:
    scored = (pair.before, pair.after)[place].counts
    if pair.extremes is None:
        return _Side(scored, scored, scored)
    extremes = pair.extremes[place]
    wrong, right = (
        Counts(side.n[pair.row_of_question], side.c[pair.row_of_question], side.plan)
        for side in (extremes.wrong, extremes.right)
    )
    return _Side(scored, wrong, right)


def _passes(side: Counts, ks: Sequence[int]) -> FloatArray:
    return pass_at_k(side.n, side.c, ks, side.plan)
