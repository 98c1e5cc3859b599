"""What the data do not fix: how far laws of nearly the same likelihood reach.

Reads the counts of `counts` and measures of `measures`, gives for each measure the least
and greatest mean over all laws whose log-likelihood lies within a tolerance of the best one. The
default tolerance, 0.7, keeps the laws under which the data are at least half as likely as under the
best. The range is no confidence interval: it stands beside the bootstrap interval, which says what
other questions would give, and it is wide where two laws explain the same counts equally well.

Method. A law on a grid is a point w of a simplex; a mean is linear in w and the log-likelihood
concave, so each end of the range is a convex programme,

    maximise f.w  subject to  sum_r C_r log (L w)_r >= best - tolerance,  sum w = 1,  w >= 0,

solved by `program`. Its cost grows with the square of the number of distinct pairs, so exact
counts are first put together to groups half as wide as their counts (0, 1, 2, 3, 4-5, 6-8, ...),
which are fine where lost questions are decided and far too coarse near a success rate of .9. What
depends on one side alone needs no pairs, and so neither groups nor a coarse grid: `limits_of_side`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import special

from liftmap.errors import InputError
from liftmap.stats.law.counts import PairCounts, Side, grouped
from liftmap.stats.law.estimates import Range, expected
from liftmap.stats.law.fit import JointLaw
from liftmap.stats.law.measures import Measure, MeasureOfSide
from liftmap.stats.law.program import greatest_likelihood, greatest_mean
from liftmap.stats.passk import FloatArray, IntArray

# Grid near 0, in responses of n; from the last one on, even steps on the arcsine scale.
_LOW = (0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 11, 16, 22, 32)
_HIGH_POINTS = 8
# A grid of one side: even steps on the arcsine scale, beside points next to either end, in
# responses of n.
_FEWEST_POINTS = 33
_ENDS = (0, 0.01, 0.1, 0.3)
# Rows of one side that are not put together.
_MOST_ROWS = 600


def identification_range(
    pairs: PairCounts,
    measures: Sequence[Measure],
    *,
    law: JointLaw | None = None,
    tolerance: float | Sequence[float] = 0.7,
) -> list[Range]:
    """The least and greatest mean of each measure over laws of nearly the same likelihood.

    Args:
        pairs: The counts, exact or binned.
        measures: Functions of (p_before, p_after) from `measures`.
        law: A fitted law; its own means are then always within the ranges.
        tolerance: How much less than the greatest log-likelihood a law may have, more than 0; one
            for all measures or one for each.

    Returns:
        For each measure its least and greatest mean, per question.

    Raises:
        InputError: A tolerance that is not positive, or counts that no law on the grid explains.
    """
    tolerances = _tolerances(tolerance, len(measures))
    if pairs.pair_of_question is not None:
        starts = [_coarse_starts(int(side.n.max())) for side in (pairs.before, pairs.after)]
        pairs = grouped(pairs, *starts)[0]
    grids = _coarse_grid(int(pairs.before.n.max())), _coarse_grid(int(pairs.after.n.max()))
    before = pairs.before.likelihood(grids[0])[pairs.before_row]
    after = pairs.after.likelihood(grids[1])[pairs.after_row]
    table = (before[:, :, None] * after[:, None, :]).reshape(len(pairs.counts), -1)
    greatest = greatest_likelihood(table, pairs.counts)
    ranges: list[Range] = []
    for measure, allowed in zip(measures, tolerances.tolist(), strict=True):
        floor = greatest - allowed
        values = np.broadcast_to(
            measure(grids[0][:, None], grids[1][None, :]), (len(grids[0]), len(grids[1]))
        ).ravel()
        ends = [
            sign * greatest_mean(table, pairs.counts, sign * values, floor) for sign in (-1.0, 1.0)
        ]
        own = [] if law is None else [expected(law, measure)]
        ranges.append((min(*ends, *own), max(*ends, *own)))
    return ranges


def limits_of_side(
    pairs: PairCounts,
    side: Literal["before", "after"],
    measures: Sequence[MeasureOfSide],
    *,
    tolerance: float | Sequence[float],
) -> list[Range]:
    """As `identification_range` for functions of the success rate of one side, much finer.

    Args:
        pairs: The counts.
        side: The side.
        measures: Functions of the success rate.
        tolerance: As there; the likelihood is that of this side's counts alone.

    Returns:
        For each measure its least and greatest mean, per question.

    Raises:
        InputError: As there.
    """
    tolerances = _tolerances(tolerance, len(measures))
    n = int(getattr(pairs, side).n.max())
    marginal = _marginal(pairs, side)
    if marginal.pair_of_question is not None and marginal.before.rows > _MOST_ROWS:
        marginal = grouped(marginal, _even_starts(n), np.array([0]))[0]
    grid = _even_grid(n)
    table = marginal.before.likelihood(grid)[marginal.before_row]
    greatest = greatest_likelihood(table, marginal.counts)
    ranges: list[Range] = []
    for measure, allowed in zip(measures, tolerances.tolist(), strict=True):
        low, high = (
            sign * greatest_mean(table, marginal.counts, sign * measure(grid), greatest - allowed)
            for sign in (-1.0, 1.0)
        )
        ranges.append((low, high))
    return ranges


def _marginal(pairs: PairCounts, side: Literal["before", "after"]) -> PairCounts:
    """The counts of one side, as pairs whose other side says nothing."""
    seen: Side = getattr(pairs, side)
    rows, at = np.unique(getattr(pairs, f"{side}_row"), return_inverse=True)
    question = pairs.pair_of_question
    nothing = np.zeros(1, dtype=np.int64)
    return PairCounts(
        before=seen,
        after=Side(nothing, nothing, np.zeros(1), nothing, 1),
        before_row=rows,
        after_row=np.zeros(len(rows), dtype=np.int64),
        counts=np.bincount(at, weights=pairs.counts).astype(np.float64),
        pair_of_question=None if question is None else at[question],
    )


def _tolerances(tolerance: float | Sequence[float], measures: int) -> FloatArray:
    """One tolerance for each measure.

    Raises:
        InputError: One that is not positive.
    """
    tolerances = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), (measures,))
    if not np.all(tolerances > 0):
        raise InputError(
            "The tolerance in log-likelihood must be more than 0.",
            seen=tolerances.tolist(),
            remedy="Try 0.7.",
        )
    return tolerances


def profile_tolerance(level: float) -> float:
    """The tolerance at which a range is a profile-likelihood interval: 1.92 for level 0.95.

    Half the quantile of chi-square with one degree of freedom (Wilks 1938, doi 10.1214/aoms/
    1177732360).
    """
    return float(special.chdtri(1, 1 - level)) / 2


def _coarse_starts(n: int) -> IntArray:
    starts = [0]
    while starts[-1] <= n:
        starts.append(starts[-1] + max(1, starts[-1] // 2))
    return np.array(starts[:-1])


def _even_starts(n: int) -> IntArray:
    """Smallest counts of groups that are one standard error of a count wide."""
    steps = np.arange(0, np.pi / 2, 1 / (2 * np.sqrt(n)))
    return np.unique(np.append(np.rint(n * np.sin(steps) ** 2), n)).astype(np.int64)


def _even_grid(n: int) -> FloatArray:
    """Success rates half a standard error of c/n apart, and a few next to 0 and 1."""
    points = max(_FEWEST_POINTS, int(np.ceil(2 * np.pi * np.sqrt(n))) + 1)
    even = np.sin(np.linspace(0, np.pi / 2, points)) ** 2
    ends = np.array(_ENDS) / n
    grid: FloatArray = np.unique(np.clip(np.concatenate([ends, 1 - ends, even]), 0.0, 1.0))
    return grid


def _coarse_grid(n: int) -> FloatArray:
    low = np.array(_LOW) / n
    last = min(_LOW[-1] / n, 0.5)
    even = np.sin(np.linspace(np.arcsin(np.sqrt(last)), np.pi / 2, _HIGH_POINTS)) ** 2
    grid = np.unique(np.concatenate([low[low < last], even]))
    grid[-1] = 1.0
    return grid
