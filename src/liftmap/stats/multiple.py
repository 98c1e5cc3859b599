"""Many statements at once: bins and arms that hold together, p-values that stay honest.

Reads resampled figures of one study (from shared bootstrap weights), or values per question whose
p-values it makes, and gives the level or the p-values with which the whole family of statements is
wrong as seldom as a single one is meant to be. A bin is coloured, an arm is called changed, only if
it survives this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Counts
from liftmap.stats.bins import Bins, cross_fitted_weights
from liftmap.stats.passk import FloatArray, pass_at_k
from liftmap.stats.resampling import NO_PSEUDO, Draws, Pseudo, WeightArray, resampled_sums
from liftmap.stats.spread import Spread


def simultaneous_level(draws: ArrayLike, level: float = 0.95) -> float:
    """The level at which intervals of several figures hold all at once.

    Sup-t (Montiel Olea and Plagborg-Moller 2019, doi 10.1002/jae.2656): the largest standardised
    deviation over the figures, resample by resample. Figures that move together, such as those of
    arms on the same questions, cost less than independent ones; never more than Bonferroni.

    Args:
        draws: Shape (resamples, figures): the figures in each resample, all from the same weights;
            nan where a resample has no such figure. Figures that never vary count too.
        level: Chance that all intervals hold, between 0 and 1.

    Returns:
        The level at which to make each interval: `level` for one figure, higher for more. Resampled
        intervals can't tell levels near 1 apart: use analytic ones, without weights.

    Raises:
        InputError: No resamples or figures, or a level that is not between 0 and 1.
    """
    values = np.asarray(draws, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape or not 0 < level < 1:
        raise InputError(
            "Intervals that hold at once need resampled figures and a level between 0 and 1.",
            seen={"shape": values.shape, "level": level},
            remedy="Give one row for each resample and one column for each figure.",
        )
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    around = np.where(known, values, 0.0)
    around = np.where(known, around - around.sum(axis=0) / count, 0.0)
    deviation = np.sqrt((around**2).sum(axis=0) / count)
    moves = deviation > 0
    strict: float = 1 - (1 - level) / values.shape[1]
    if not moves.any():
        return strict
    largest = np.abs(around[:, moves] / deviation[moves]).max(axis=1)
    # What never varied in the resamples has an interval all the same, and its part of the errors.
    reach = np.quantile(largest, 1 - (1 - level) * moves.mean())
    return float(np.clip(1 - 2 * special.ndtr(-reach), level, strict))


def p_values(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    weights: WeightArray | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    pseudo: Pseudo = NO_PSEUDO,
) -> FloatArray:
    """The two-sided p-value that each ratio is 0, consistent with its interval.

    The interval of `intervals.ratios` at a level leaves out 0 just where the p-value is below
    1 - level: it is the interval turned round, with the same weights and the same pseudo-questions.

    Args:
        numerators: As in `intervals.ratios`; for a change of pass@k, after minus before.
        denominators: As in `intervals.ratios`; ones for a mean.
        weights: As in `intervals.mean`. Where no resample falls beyond 0 they can't tell how small
            the p-value is; the analytic one stands in, at most what the resamples allow.
        counts: As in `intervals.mean`.
        cluster: As in `intervals.mean`.
        pseudo: As in `intervals.ratios`; for a change of pass@k, of
            `intervals.change_pseudo`.

    Returns:
        Shape (columns,), each in [0, 1].

    Raises:
        InputError: As in `intervals.ratios`.
    """
    spread = Spread.of(numerators, denominators, counts, cluster, pseudo)
    # No spread at all: 0 is left out at every level, or is the estimate itself.
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.nan_to_num(np.abs(spread.centre) / spread.error, nan=0.0)
    analytic: FloatArray = 2 * special.stdtr(spread.freedom, -distance)
    if weights is None:
        return analytic
    beyond = np.array([_share_beyond_zero(draws) for draws in spread.draws(weights)])
    least = np.maximum(beyond, 0.5 / len(weights))
    reached = np.maximum(-special.ndtri(np.minimum(least, 0.5)) / np.sqrt(spread.expansion), 0.0)
    p: FloatArray = 2 * special.stdtr(spread.freedom, -reached)
    return np.where(beyond > 0, p, np.minimum(p, analytic))


def _share_beyond_zero(draws: Draws) -> float:
    """The tail at which an end of the percentile interval is 0, the nearer one."""
    if not len(draws.values):
        return 0.5
    if draws.shares is not None:
        below = draws.shares[draws.values <= 0].sum()
        above = draws.shares[draws.values >= 0].sum()
        return float(min(below, above))
    ordered = np.sort(draws.values)
    most = len(ordered) - 1
    if ordered[0] > 0 or ordered[-1] < 0:
        return 0.0
    first, last = np.searchsorted(ordered, 0.0, "left"), np.searchsorted(ordered, 0.0, "right")
    if first < last:
        return float(min((last - 1) / most, 1 - first / most))
    # As np.quantile interpolates between the draws.
    tail = float(np.interp(0.0, ordered, np.linspace(0, 1, len(ordered))))
    return min(tail, 1 - tail)


def holm(p: ArrayLike) -> FloatArray:
    """p-values of several statements, adjusted so that none is false with the chance of one.

    Holm's step-down method (Holm 1979, https://www.jstor.org/stable/4615733); any dependence.

    Args:
        p: Shape (statements,): p-values in [0, 1]; nan for what was not tested.

    Returns:
        Shape (statements,): below alpha where a statement stands among all with error rate alpha.

    Raises:
        InputError: Something that is not a p-value.
    """
    values = np.asarray(p, dtype=np.float64)
    tested = np.flatnonzero(np.isfinite(values))
    if values.ndim != 1 or np.any((values[tested] < 0) | (values[tested] > 1)):
        raise InputError(
            "p-values lie between 0 and 1.", seen=values.tolist(), remedy="Give one a statement."
        )
    order = tested[np.argsort(values[tested], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(len(values), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def resampled_changes_by_bin(
    before: Counts, after: Counts, bins: Bins, weights: WeightArray, k: int = 1
) -> FloatArray:
    """The change of pass@k in each bin of difficulty, in each bootstrap resample.

    Set side by side for all arms of a study, whose weights are those of the same questions, these
    are the draws of `simultaneous_level`; `bins.change_by_bin` at that level gives the intervals.

    Args:
        before: The counts before; rows are questions or stand for several.
        after: The counts after, the same rows.
        bins: Bins of difficulty before.
        weights: Shape (resamples, rows), from `intervals.bootstrap_weights`.
        k: Number of tries; 1 gives accuracy.

    Returns:
        Shape (resamples, bins): nan where a resample has no question in the bin. Bins that no
        question can fall into are nan throughout and are to be left out.

    Raises:
        InputError: As in `bins.change_by_bin`.
    """
    fit = cross_fitted_weights(before, bins, k)
    solved = pass_at_k(after.n, after.c, [k], after.plan)
    changes = resampled_sums(weights, fit.weights * solved - fit.before)
    masses = resampled_sums(weights, fit.weights)
    return np.divide(changes, masses, out=np.full_like(changes, np.nan), where=masses > 1e-9)
