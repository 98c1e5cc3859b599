"""Intervals: how far a mean over questions may be off, because other questions could be asked.

Reads one value per question (from `passk`, `bins`, `lost`, `quality`) and gives `Estimate`s, and
the simultaneous band of a whole pass@k curve. Questions are the sampling unit; before and after
are paired by question. Two ways, which the tests hold against each other:

- bootstrap over questions, when `weights` of `bootstrap_weights` are handed in (draw them once and
  use them for every figure of one page, so that the figures stay comparable);
- analytic, when no weights are handed in: Student's t with the linearised standard error.

Rows and questions: every function takes `counts`, how many questions each row of values stands for
(see `passk.distinct`), so that a million questions cost what their distinct rows cost; and
`cluster`, one label per row, where several questions come from one source and are drawn together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Estimate
from liftmap.stats.passk import FloatArray, IntArray
from liftmap.stats.resampling import (
    CHANGE,
    NO_PSEUDO,
    Pseudo,
    WeightArray,
    clipped,
    counts_of,
    drawn_counts,
    labels_of,
    percentiles,
    resampled_sums,
    units_of,
)


class IntervalOptions(TypedDict, total=False):
    """What every interval takes, with the meaning it has in `mean`."""

    weights: WeightArray | None
    counts: ArrayLike | None
    cluster: ArrayLike | None
    level: float


def bootstrap_weights(
    questions: int,
    resamples: int,
    rng: np.random.Generator,
    cluster: ArrayLike | None = None,
    counts: ArrayLike | None = None,
) -> WeightArray:
    """How often each row is drawn in each bootstrap resample of the questions.

    Args:
        questions: Number of rows; rows are questions unless `counts` says otherwise.
        resamples: Number of resamples.
        rng: Source of all randomness.
        cluster: Shape (rows,): labels; whole clusters are drawn, as many as there are.
        counts: Shape (rows,): how many questions each row stands for; default one.

    Returns:
        Shape (resamples, rows): numbers of questions. Each resample adds up to the number of
        questions; with clusters of unequal size, only on average.

    Raises:
        InputError: No row, or arrays of other lengths than `questions`.
    """
    multiplicity = counts_of(counts, questions)
    if questions < 1 or resamples < 1:
        raise InputError(
            "A bootstrap needs at least one question and one resample.",
            seen={"questions": questions, "resamples": resamples},
            remedy="Check that the two sides share questions.",
        )
    if cluster is None:
        return drawn_counts(multiplicity, resamples, rng)
    member = labels_of(cluster, questions)
    clusters = drawn_counts(np.ones(int(member.max()) + 1), resamples, rng)
    weights: WeightArray = clusters[:, member] * multiplicity.astype(np.int32)
    return weights


def mean(
    values: ArrayLike,
    *,
    weights: WeightArray | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """The mean of one value per question, with its interval.

    Args:
        values: Shape (rows,).
        weights: Shape (resamples, rows) from `bootstrap_weights`: the interval is the expanded
            percentile interval of the resampled means (Hesterberg 2015, doi 10.1080/
            00031305.2015.1089789), which allows for few questions. None: the analytic interval.
        counts: Shape (rows,): how many questions each row stands for; default one.
        cluster: Shape (rows,): labels of clusters, the same that the weights were drawn with.
        level: Chance that the interval holds the true mean, between 0 and 1.

    Returns:
        The mean and its interval.

    Raises:
        InputError: Fewer than two questions (or clusters), or arrays that do not fit.
    """
    column = np.asarray(values, dtype=np.float64)[:, None]
    return means(column, weights=weights, counts=counts, cluster=cluster, level=level)[0]


def means(
    values: ArrayLike,
    *,
    weights: WeightArray | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> list[Estimate]:
    """`mean` of each column of values (rows, columns), with one pass over the weights."""
    numerators = np.asarray(values, dtype=np.float64)
    return ratios(
        numerators,
        np.ones((len(numerators), 1)),
        weights=weights,
        counts=counts,
        cluster=cluster,
        level=level,
    )


def mean_change(
    before: ArrayLike,
    after: ArrayLike,
    *,
    weights: WeightArray | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    floor: bool = False,
) -> Estimate:
    """The mean of after minus before, paired by question, with its interval.

    Args:
        before: Shape (rows,).
        after: Shape (rows,), the same questions.
        weights: As in `mean`.
        counts: As in `mean`.
        cluster: As in `mean`.
        level: As in `mean`.
        floor: For changes of pass@k, k > 1: the interval counts two pseudo-questions more, one
            changed by +1 and one by -1 (Bonett and Price 2012, doi 10.3102/1076998611411915), so
            that it does not shrink to nothing where few questions changed, and is cut to -1 to 1.
            The estimate itself stays the plain mean.

    Returns:
        The mean change and its interval.

    Raises:
        InputError: Fewer than two questions (or clusters), or arrays that do not fit.
    """
    return mean_changes(
        np.asarray(before, dtype=np.float64)[:, None],
        np.asarray(after, dtype=np.float64)[:, None],
        weights=weights,
        counts=counts,
        cluster=cluster,
        level=level,
        floor=floor,
    )[0]


def mean_changes(
    before: ArrayLike,
    after: ArrayLike,
    *,
    weights: WeightArray | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    floor: bool = False,
) -> list[Estimate]:
    """`mean_change` of each column of before and after, both (rows, columns)."""
    change = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    ones = np.ones((len(change), 1))
    pseudo = CHANGE if floor else NO_PSEUDO
    found = ratios(
        change, ones, weights=weights, counts=counts, cluster=cluster, level=level, pseudo=pseudo
    )
    return [clipped(estimate, -1.0) for estimate in found] if floor else found


def ratios(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    weights: WeightArray | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    pseudo: Pseudo = NO_PSEUDO,
) -> list[Estimate]:
    """Sum of numerators over sum of denominators, column by column, with intervals.

    A mean is the case with denominators of 1; the mean of a group to which questions belong in
    part has their shares as denominators and share times value as numerators.

    Args:
        numerators: Shape (rows, columns).
        denominators: Shape (rows, columns) or (rows, 1), 0 or more, each column with a positive
            sum. The analytic interval uses the linearised (delta method) residuals.
        weights: As in `mean`.
        counts: As in `mean`.
        cluster: As in `mean`.
        level: As in `mean`.
        pseudo: What the interval counts besides the questions; see `resampling.Pseudo`.

    Returns:
        One estimate for each column of numerators.

    Raises:
        InputError: Fewer than two questions (or clusters), arrays that do not fit, a column of
            denominators without mass, or values that are not finite.
    """
    if not 0 < level < 1:
        raise InputError(
            "The level of an interval lies between 0 and 1.", seen=level, remedy="Try 0.95."
        )
    top = np.asarray(numerators, dtype=np.float64)
    bottom = np.asarray(denominators, dtype=np.float64)
    if top.ndim != 2 or bottom.ndim != 2 or len(top) != len(bottom):
        raise InputError(
            "Values for an interval must be one row for each question.",
            seen=(top.shape, bottom.shape),
            remedy="Use mean and mean_change for one value a question.",
        )
    if not (np.all(np.isfinite(top)) and np.all(np.isfinite(bottom))):
        raise InputError(
            "Values for an interval must be finite.",
            seen=int(np.argmin(np.isfinite(top).all(axis=1) & np.isfinite(bottom).all(axis=1))),
            remedy="Leave out the rows without a value first.",
        )
    units = units_of(np.hstack([top, bottom]), counts, cluster)
    unit_top, unit_bottom = units.sums[:, : top.shape[1]], units.sums[:, top.shape[1] :]
    total_bottom = units.multiplicity @ unit_bottom
    if units.total < 2 or np.any(total_bottom <= 0):
        raise InputError(
            "An interval needs at least two questions (or clusters) and a group with mass.",
            seen={"units": units.total, "mass": total_bottom.tolist()},
            remedy="Give more questions, or leave the empty group out.",
        )
    total_top = units.multiplicity @ unit_top
    estimate = total_top / total_bottom
    # How many questions of equal weight would be as informative (Kish): the degrees of freedom.
    effective = total_bottom**2 / (units.multiplicity @ unit_bottom**2) + len(pseudo.values)
    student = special.stdtrit(np.maximum(effective - 1, 1), (1 + level) / 2)
    expansion = effective / np.maximum(effective - 1, 1)
    if weights is None:
        whole = total_bottom + len(pseudo.values) * pseudo.mass
        centre = (total_top + sum(pseudo.values)) / whole
        spread = units.multiplicity @ (unit_top - centre * unit_bottom) ** 2
        for value in pseudo.values:
            spread = spread + (value - centre * pseudo.mass) ** 2
        half = student * np.sqrt(expansion * spread) / whole
        low, high = centre - half, centre + half
    else:
        tail = np.broadcast_to(special.ndtr(-np.sqrt(expansion) * student), estimate.shape)
        sums_top, sums_bottom = resampled_sums(weights, top), resampled_sums(weights, bottom)
        low, high = percentiles(sums_top, sums_bottom, tail, pseudo)
    return [
        Estimate(float(e), float(a), float(b)) for e, a, b in zip(estimate, low, high, strict=True)
    ]


def simultaneous_band(
    before: ArrayLike,
    after: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> tuple[FloatArray, FloatArray]:
    """A band that holds the true change of pass@k at every k at once, with chance `level`.

    The sup-t band of the multiplier bootstrap (Montiel Olea and Plagborg-Moller 2019, doi
    10.1002/jae.2656): at each k the standard error times one factor, the `level` quantile of the
    largest absolute t-value over k. Multipliers are normal, so a resampled curve is a draw from
    the normal law with the covariance of the changes over k and is drawn as such, whatever the
    number of questions; a chi-square divisor allows for few of them. The two pseudo-questions of
    `mean_change` (floor) are always counted.

    Args:
        before: Shape (rows, ks): pass@k before.
        after: Shape (rows, ks): pass@k after, the same questions.
        rng: Source of all randomness.
        resamples: Number of resampled curves.
        counts: As in `mean`.
        cluster: As in `mean`.
        level: As in `mean`, for the whole curve.

    Returns:
        Low and high end of the band, each (ks,).

    Raises:
        InputError: Fewer than two questions (or clusters), or arrays that do not fit.
    """
    change = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    units = units_of(np.column_stack([change, np.ones(len(change))]), counts, cluster)
    if units.total < 2:
        raise InputError(
            "A band needs at least two questions (or clusters).",
            seen=units.total,
            remedy="Give more questions.",
        )
    total = float(units.multiplicity @ units.sums[:, -1])
    products = units.sums.T @ (units.sums * units.multiplicity[:, None])
    sums = units.multiplicity @ units.sums[:, :-1]
    centre = sums / (total + 2)
    # Sum over units of (unit sum - size * centre), crossed over k, from the sums of products.
    crossed = np.outer(products[:-1, -1], centre)
    spread = products[:-1, :-1] - crossed - crossed.T
    spread += products[-1, -1] * np.outer(centre, centre)
    spread += 2 + 2 * np.outer(centre, centre)
    effective = total**2 / products[-1, -1] + 2
    covariance = spread * effective / (effective - 1) / (total + 2) ** 2
    error = np.sqrt(np.diag(covariance))
    variances, directions = np.linalg.eigh(covariance / np.outer(error, error))
    kept = variances > 1e-10 * variances[-1]
    root = directions[:, kept] * np.sqrt(variances[kept])
    curves = rng.standard_normal((resamples, int(kept.sum()))) @ root.T
    curves /= np.sqrt(rng.chisquare(effective - 1, size=(resamples, 1)) / (effective - 1))
    factor = np.quantile(np.abs(curves).max(axis=1), level)
    return np.maximum(centre - factor * error, -1), np.minimum(centre + factor * error, 1)


@dataclass(frozen=True, slots=True)
class FirstLoss:
    """The smallest k at which pass@k after lies below pass@k before.

    Attributes:
        estimate: The first k whose estimated change is negative; None if there is none.
        possible: All k that can be the first one: the band reaches below 0 there, and at no
            smaller k does it lie below 0 as a whole.
        never_possible: Whether there may be no such k: the band lies below 0 nowhere.
    """

    estimate: int | None
    possible: tuple[int, ...]
    never_possible: bool


def first_loss_k(
    ks: Sequence[int] | IntArray, change: ArrayLike, low: ArrayLike, high: ArrayLike
) -> FirstLoss:
    """Which k can be the first at which the after-curve lies below the before-curve.

    Args:
        ks: Shape (ks,): increasing numbers of tries.
        change: Shape (ks,): pass@k after minus before.
        low: Shape (ks,): low end of the simultaneous band.
        high: Shape (ks,): high end of it.

    Returns:
        The estimate and the confidence set; the set (with "never" where possible) holds the true
        first k, among these ks, with the level of the band.
    """
    tries = np.asarray(ks)
    falls = np.flatnonzero(np.asarray(change) < 0)
    surely_below = np.asarray(high) < 0
    # Counts the sure losses at smaller k, the k itself left out.
    undecided: NDArray[np.bool_] = np.cumsum(surely_below) - surely_below == 0
    return FirstLoss(
        estimate=int(tries[falls[0]]) if len(falls) else None,
        possible=tuple(int(k) for k in tries[undecided & (np.asarray(low) < 0)]),
        never_possible=not bool(surely_below.any()),
    )
