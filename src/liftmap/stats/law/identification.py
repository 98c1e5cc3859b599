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
which are fine where lost questions are decided.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from liftmap.errors import InputError
from liftmap.stats.law.counts import PairCounts, grouped
from liftmap.stats.law.estimates import Range, expected
from liftmap.stats.law.fit import JointLaw
from liftmap.stats.law.measures import Measure
from liftmap.stats.law.program import greatest_likelihood, greatest_mean
from liftmap.stats.passk import FloatArray, IntArray

# Grid near 0, in responses of n; from the last one on, even steps on the arcsine scale.
_LOW = (0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 11, 16, 22, 32)
_HIGH_POINTS = 8


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
    tolerances = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), (len(measures),))
    if not np.all(tolerances > 0):
        raise InputError(
            "The tolerance in log-likelihood must be more than 0.",
            seen=tolerances.tolist(),
            remedy="Try 0.7.",
        )
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


def _coarse_grid(n: int) -> FloatArray:
    low = np.array(_LOW) / n
    last = min(_LOW[-1] / n, 0.5)
    even = np.sin(np.linspace(np.arcsin(np.sqrt(last)), np.pi / 2, _HIGH_POINTS)) ** 2
    grid = np.unique(np.concatenate([low[low < last], even]))
    grid[-1] = 1.0
    return grid
