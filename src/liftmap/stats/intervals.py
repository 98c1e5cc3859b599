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
from liftmap.stats.floors import pseudo_size
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
    quantiles,
    unit_size,
    units_of,
)
from liftmap.stats.spread import Spread


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
    floor: ArrayLike = 0.0,
) -> Estimate:
    """The mean of after minus before, paired by question, with its interval.

    Args:
        before: Shape (rows,).
        after: Shape (rows,), the same questions.
        weights: As in `mean`.
        counts: As in `mean`.
        cluster: As in `mean`.
        level: As in `mean`.
        floor: For changes of pass@k, from `floors.change_floor`, 0 to 1: the interval counts two
            pseudo-questions more, one up and one down, so that it does not shrink to nothing where
            few questions changed, and is cut to -1 to 1. The estimate itself stays the plain mean.

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
    floor: ArrayLike = 0.0,
) -> list[Estimate]:
    """`mean_change` of each column of before and after, both (rows, columns).

    `floor` is one number or one for each column.
    """
    change = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    pseudo = change_pseudo(change, floor, counts=counts, cluster=cluster)
    estimates = ratios(
        change,
        np.ones((len(change), 1)),
        weights=weights,
        counts=counts,
        cluster=cluster,
        level=level,
        pseudo=pseudo,
    )
    floors = np.broadcast_to(np.asarray(floor), change.shape[1:])
    return [
        clipped(estimate, -1.0) if least > 0 else estimate
        for estimate, least in zip(estimates, floors, strict=True)
    ]


def change_pseudo(
    change: ArrayLike,
    floor: ArrayLike,
    *,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Pseudo:
    """The pseudo-questions that the interval of a mean change counts; see `floors`.

    Args:
        change: Shape (rows, columns): after minus before.
        floor: Shape () or (columns,), 0 to 1, from `floors.change_floor`.
        counts: As in `mean`.
        cluster: As in `mean`.

    Returns:
        One up and one down, as large in each column as its small changes leave necessary.
    """
    values = np.asarray(change, dtype=np.float64)
    units = units_of(values, counts, cluster)
    size = unit_size(units, counts, len(values))
    return CHANGE._replace(scale=pseudo_size(units, units.sums, floor, size))


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
    spread = Spread.of(numerators, denominators, counts, cluster, pseudo)
    student = special.stdtrit(spread.freedom, (1 + level) / 2)
    if weights is None:
        ends = [
            (centre - reach, centre + reach)
            for centre, reach in zip(spread.centre, student * spread.error, strict=True)
        ]
    else:
        tails = special.ndtr(-np.sqrt(spread.expansion) * student)
        ends = [
            quantiles(draws, tail) for draws, tail in zip(spread.draws(weights), tails, strict=True)
        ]
    return [
        Estimate(float(estimate), float(low), float(high))
        for estimate, (low, high) in zip(spread.estimate, ends, strict=True)
    ]


def standard_errors(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    pseudo: Pseudo = NO_PSEUDO,
) -> FloatArray:
    """The analytic standard error of each ratio of `ratios`, shape (columns,)."""
    return Spread.of(numerators, denominators, counts, cluster, pseudo).error


def simultaneous_band(
    before: ArrayLike,
    after: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    floor: ArrayLike = 1.0,
) -> tuple[FloatArray, FloatArray]:
    """A band that holds the true change of pass@k at every k at once, with chance `level`.

    The sup-t band of the multiplier bootstrap (Montiel Olea and Plagborg-Moller 2019, doi
    10.1002/jae.2656): at each k the standard error times one factor, the `level` quantile of the
    largest absolute t-value over k. Multipliers are normal, so a resampled curve is a draw from
    the normal law with the covariance of the changes over k and is drawn as such, whatever the
    number of questions; a chi-square divisor allows for few of them. Pseudo-questions are counted
    at each k as in the interval of that k.

    Args:
        before: Shape (rows, ks): pass@k before.
        after: Shape (rows, ks): pass@k after, the same questions.
        rng: Source of all randomness.
        resamples: Number of resampled curves.
        counts: As in `mean`.
        cluster: As in `mean`.
        level: As in `mean`, for the whole curve.
        floor: Shape () or (ks,): as in `mean_change`.

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
    size = unit_size(units, counts, len(change))
    scale = pseudo_size(units, units.sums[:, :-1], floor, size)
    total = float(units.multiplicity @ units.sums[:, -1])
    whole = total + 2 * size * scale
    products = units.sums.T @ (units.sums * units.multiplicity[:, None])
    centre = (units.multiplicity @ units.sums[:, :-1]) / whole
    # Sum over units of (unit sum - its questions * centre), crossed over k, from sums of products.
    crossed = np.outer(products[:-1, -1], centre)
    spread = products[:-1, :-1] - crossed - crossed.T
    spread += products[-1, -1] * np.outer(centre, centre)
    up, down = (size * scale * (sign - centre) for sign in (1, -1))
    spread += np.outer(up, up) + np.outer(down, down)
    effective = total**2 / products[-1, -1] + 2 * scale
    expansion = np.sqrt(effective / np.maximum(effective - 1, 1)) / whole
    covariance = spread * np.outer(expansion, expansion)
    error = np.sqrt(np.diag(covariance))
    # Without any spread, floor included, the band is a line there.
    scaled = np.where(error > 0, error, 1.0)
    variances, directions = np.linalg.eigh(covariance / np.outer(scaled, scaled))
    kept = variances > 1e-10 * variances[-1]
    root = directions[:, kept] * np.sqrt(variances[kept])
    curves = rng.standard_normal((resamples, int(kept.sum()))) @ root.T
    freedom = float(np.maximum(effective - 1, 1).min())
    curves /= np.sqrt(rng.chisquare(freedom, size=(resamples, 1)) / freedom)
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
        informative: Whether the set leaves anything out: not so where every k is possible, and
            never.
    """

    estimate: int | None
    possible: tuple[int, ...]
    never_possible: bool
    informative: bool = True


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
    possible = tuple(int(k) for k in tries[undecided & (np.asarray(low) < 0)])
    never = not bool(surely_below.any())
    return FirstLoss(
        estimate=int(tries[falls[0]]) if len(falls) else None,
        possible=possible,
        never_possible=never,
        informative=not never or len(possible) < len(tries),
    )
