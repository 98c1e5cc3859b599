"""The sampling units behind rows of values, and sums over bootstrap resamples of them.

Parts that `intervals` is made of: reads arrays of values per row, gives arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Estimate
from liftmap.stats.passk import FloatArray

# Numbers of questions; float64 where products with them are taken again and again.
WeightArray = NDArray[np.int32] | NDArray[np.float64]

# Resamples turned to float64 at once in a product: bounds memory, not results.
BLOCK = 64
# Multiplicities whose rows are drawn together.
_SMALL = (1, 2, 3, 4)
# A Poisson(1) number above 7 has a chance of 1e-5.
_MOST_DRAWS = 7


class Pseudo(NamedTuple):
    """Pseudo-questions: what an interval, not the estimate, counts besides the real questions.

    Where few questions differ the spread seen among them is too small, down to nothing; two more
    that differ for certain keep the interval honest.

    Attributes:
        values: The value of each.
        mass: The denominator of each: 1 adds whole questions, 0 adds spread and moves nothing.
        scale: Shape () or (columns,): what both are multiplied with in each column of values. With
            clusters a pseudo-question is a cluster of mean size besides.
    """

    values: tuple[float, ...] = ()
    mass: float = 1.0
    scale: ArrayLike = 1.0


# For a change of a share: one question up, one down (Bonett and Price 2012).
CHANGE = Pseudo((1.0, -1.0))
# For a share or a number of questions: one that counts, one that does not.
SHARE = Pseudo((1.0, 0.0))
NO_PSEUDO = Pseudo()


def clipped(estimate: Estimate, lowest: float) -> Estimate:
    """The interval cut to what a share (lowest 0) or a change of one (lowest -1) can be."""
    low, high = max(estimate.low, lowest), min(estimate.high, 1.0)
    return Estimate(estimate.estimate, low, high)


class Units(NamedTuple):
    """What is drawn independently: questions, or clusters of them.

    Attributes:
        sums: Shape (units, columns): the sum of each column over the unit's questions.
        multiplicity: Shape (units,): how many units like this there are.
        total: Number of units.
    """

    sums: FloatArray
    multiplicity: FloatArray
    total: int


def units_of(values: FloatArray, counts: ArrayLike | None, cluster: ArrayLike | None) -> Units:
    """The sampling units behind rows of values (rows, columns).

    Without clusters each question is a unit, and a row stands for `counts` of them; a cluster is
    one unit, whose sums run over all its questions.
    """
    multiplicity = counts_of(counts, len(values))
    if cluster is None:
        return Units(values, multiplicity, int(multiplicity.sum()))
    member = labels_of(cluster, len(values))
    order = np.argsort(member, kind="stable")
    starts = np.flatnonzero(np.diff(member[order], prepend=-1))
    sums = np.add.reduceat(values[order] * multiplicity[order, None], starts, axis=0)
    return Units(sums, np.ones(len(sums)), len(sums))


def unit_size(units: Units, counts: ArrayLike | None, rows: int) -> float:
    """The mean number of questions in a unit: 1 without clusters."""
    return float(counts_of(counts, rows).sum() / max(units.total, 1))


def counts_of(counts: ArrayLike | None, rows: int) -> FloatArray:
    """How many questions each row stands for, as floats (rows,): one each unless told."""
    if counts is None:
        return np.ones(rows)
    multiplicity = np.asarray(counts, dtype=np.float64)
    if multiplicity.shape != (rows,) or np.any(multiplicity < 0):
        raise InputError(
            "counts must say for each row how many questions it stands for.",
            seen=multiplicity.shape,
            remedy=f"Give {rows} whole numbers of 0 or more.",
        )
    return multiplicity


def labels_of(cluster: ArrayLike, rows: int) -> NDArray[np.intp]:
    """The number of each row's cluster, from 0, shape (rows,)."""
    labels = np.asarray(cluster)
    if labels.shape != (rows,):
        raise InputError(
            "cluster must hold one label for each row.",
            seen=labels.shape,
            remedy=f"Give {rows} labels.",
        )
    return np.unique(labels, return_inverse=True)[1]


def drawn_counts(multiplicity: FloatArray, resamples: int, rng: np.random.Generator) -> WeightArray:
    """Multinomial draws of as many questions as there are, with chances as `multiplicity`.

    Args:
        multiplicity: Shape (rows,): how many questions each row stands for.
        resamples: Number of draws.
        rng: Source of all randomness.

    Returns:
        Shape (resamples, rows), each row adding up to the number of questions.
    """
    # Rows of one small multiplicity are as likely as each other: drawing their numbers and
    # counting them is many times faster than a binomial for each, and the same law.
    alike = [rows for m in _SMALL if len(rows := np.flatnonzero(multiplicity == m))]
    other = np.flatnonzero(~np.isin(multiplicity, _SMALL))
    masses = np.array([multiplicity[rows].sum() for rows in alike] + [*multiplicity[other]])
    total = int(np.rint(masses.sum()))
    out = np.empty((resamples, len(multiplicity)), dtype=np.int32)
    for start in range(0, resamples, BLOCK):
        block = out[start : start + BLOCK]
        drawn = rng.multinomial(total, masses / masses.sum(), size=len(block))
        block[:, other] = drawn[:, len(alike) :]
        for place, rows in enumerate(alike):
            for resample, number in zip(block, drawn[:, place], strict=True):
                numbers = rng.integers(len(rows), size=number)
                resample[rows] = np.bincount(numbers, minlength=len(rows))
    return out


def resampled_sums(weights: WeightArray, values: FloatArray) -> FloatArray:
    """The sum of each column of values (rows, columns) in each resample."""
    if weights.ndim != 2 or weights.shape[1] != len(values):
        raise InputError(
            "Bootstrap weights must have one column for each row of values.",
            seen=(weights.shape, values.shape),
            remedy="Draw the weights for these rows with bootstrap_weights.",
        )
    if weights.dtype == np.float64:
        sums: FloatArray = weights @ values
        return sums
    out = np.empty((len(weights), values.shape[1]))
    for start in range(0, len(weights), BLOCK):
        block = slice(start, start + BLOCK)
        out[block] = weights[block].astype(np.float64, copy=False) @ values
    return out


class Draws(NamedTuple):
    """Resampled ratios of one column, pseudo-questions included.

    Attributes:
        values: Shape (draws,): the ratios.
        shares: Shape (draws,): the chance of each; None where all are alike.
    """

    values: FloatArray
    shares: FloatArray | None


def resampled_ratios(
    top: FloatArray, bottom: FloatArray, pseudo: Pseudo, size: float = 1.0
) -> list[Draws]:
    """The ratios of resampled sums, column by column, with the pseudo-questions drawn as well.

    Args:
        top: Shape (resamples, columns): resampled sums of numerators.
        bottom: Shape (resamples, columns) or (resamples, 1): of denominators.
        pseudo: The pseudo-questions that are drawn with the others.
        size: Number of questions that each pseudo-question stands for.

    Returns:
        One record for each column. A resample that draws no question of a group has no ratio and
        is left out, so a column may have none.
    """
    bottom = np.broadcast_to(bottom, top.shape)
    scale = np.broadcast_to(np.asarray(pseudo.scale, dtype=np.float64) * size, top.shape[1:])
    net, chances = _net_draws(pseudo.values)
    columns = []
    for column in range(top.shape[1]):
        numerators, denominators = top[:, column], bottom[:, column]
        shares = None
        if pseudo.values and scale[column] > 0:
            numerators = (numerators[:, None] + scale[column] * net).ravel()
            mass = len(pseudo.values) * pseudo.mass * scale[column]
            denominators = np.repeat(denominators + mass, len(net))
            shares = np.tile(chances, len(top)) / len(top)
        kept = denominators > 0
        values = numerators[kept] / denominators[kept]
        columns.append(Draws(values, None if shares is None else shares[kept]))
    return columns


def quantiles(draws: Draws, tail: float) -> tuple[float, float]:
    """The quantiles `tail` and 1 - `tail` of resampled ratios; infinite where there are none."""
    if not len(draws.values):
        return -np.inf, np.inf
    tails = [tail, 1 - tail]
    if draws.shares is None:
        low, high = np.quantile(draws.values, tails)
    else:
        low, high = np.quantile(draws.values, tails, weights=draws.shares, method="inverted_cdf")
    return float(low), float(high)


def _net_draws(values: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """What the pseudo-questions add to a resampled sum, and with which chances.

    Each is drawn Poisson(1) times; summing over that law exactly needs no random numbers.
    """
    net: FloatArray = np.zeros(1)
    chances: FloatArray = np.ones(1)
    times = np.arange(_MOST_DRAWS + 1)
    poisson = np.exp(-1 - special.gammaln(times + 1))
    for value in values:
        sums = (net[:, None] + value * times).ravel()
        products = (chances[:, None] * poisson).ravel()
        net, place = np.unique(sums, return_inverse=True)
        chances = np.bincount(place, weights=products).astype(np.float64)
    return net, chances / chances.sum()
