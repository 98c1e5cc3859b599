"""Ratios of sums over groups of questions, some of which hold few questions or none.

Beside `intervals`, whose ratios need mass in every column: here a column is a group that may be
empty (no figure) or too small for an interval. Used by what is said of responses by difficulty.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from liftmap.records import Estimate
from liftmap.stats.intervals import IntervalOptions, ratios
from liftmap.stats.passk import FloatArray
from liftmap.stats.resampling import NO_PSEUDO, SHARE, Pseudo, clipped

# The fewest questions (or clusters) of a group that an interval is given for.
FEWEST = 5


class Sums(NamedTuple):
    """What the ratios of one side are made of; both have shape (questions, columns).

    Attributes:
        top: Numerators.
        bottom: Denominators, 0 or more; 0 where a question is not of the column's group.
    """

    top: FloatArray
    bottom: FloatArray


def ratios_or_none(
    numerators: FloatArray,
    denominators: FloatArray,
    options: IntervalOptions,
    pseudo: Pseudo = NO_PSEUDO,
) -> list[Estimate | None]:
    """`stats.intervals.ratios`, with None for a column that no question belongs to.

    A column that fewer than `FEWEST` questions (or clusters) belong to keeps its estimate, without
    an interval (nan): so few, drawn again and again, don't show how far others would differ.

    Args:
        numerators: Shape (questions, columns).
        denominators: Shape (questions, columns), 0 or more.
        options: Weights, cluster and level.
        pseudo: Pseudo-questions, each with the mean denominator of the questions in the column.
            With `SHARE` the interval is cut to [0, 1].
    """
    inside = denominators > 0
    held = inside.any(axis=0)
    results: list[Estimate | None] = [None] * denominators.shape[1]
    if not held.any():
        return results
    enough = _enough(inside, options)
    top, bottom = numerators[:, held], denominators[:, held]
    scale = inside[:, held].sum(axis=0) / bottom.sum(axis=0)
    estimates = ratios(top * scale, bottom * scale, pseudo=pseudo, **options)
    for column, estimate in zip(np.flatnonzero(held), estimates, strict=True):
        if not enough[column]:
            results[column] = Estimate(estimate.estimate, float("nan"), float("nan"))
        else:
            results[column] = clipped(estimate, 0.0) if pseudo is SHARE else estimate
    return results


def changes_or_none(
    before: Sums, after: Sums, options: IntervalOptions, *, share: bool, pooled: bool = True
) -> list[Estimate | None]:
    """The change of each ratio, after minus before, with an interval that pairs the questions.

    The ratio of a side is linear in its questions but for an error of second order: question i
    adds (top_i - ratio * bottom_i) / sum of bottoms. So the change is a mean over the questions
    that either side has in the group, and its interval resamples these questions, both sides of
    each together (linearisation, Cochran 1977, Sampling Techniques, section 6.4).

    Args:
        before: Shape (questions, columns).
        after: The same questions and columns.
        options: Weights, cluster and level.
        share: Whether the ratios are shares of 1: the interval is then cut to [-1, 1].
        pooled: Whether the columns are groups of one figure. The interval of each counts two
            pseudo-questions, one up and one down, that spread as the questions of all its groups
            do: few questions that happen to agree don't make it narrow. Else each spreads as the
            questions of its own column.

    Returns:
        One estimate a column: None where a side has no mass; without an interval (nan) where a side
        has fewer than `FEWEST` questions (or clusters).
    """
    inside = (before.bottom > 0) | (after.bottom > 0)
    measured = (before.bottom.sum(axis=0) > 0) & (after.bottom.sum(axis=0) > 0)
    size = inside.sum(axis=0)
    values = np.zeros(inside.shape)
    change = np.zeros(inside.shape[1])
    for sums, sign in ((before, -1.0), (after, 1.0)):
        mass = np.where(measured, sums.bottom.sum(axis=0), 1.0)
        ratio = sums.top.sum(axis=0) / mass
        change += sign * ratio
        values += sign * size * (sums.top - ratio * sums.bottom) / mass
    members = np.where(measured, inside, False).astype(np.float64)
    squares, cells = (values**2 * members).sum(axis=0), members.sum(axis=0)
    if pooled:
        squares, cells = np.full_like(squares, squares.sum()), np.full_like(cells, cells.sum())
    spread = np.sqrt(squares / np.maximum(cells, 1.0))[measured]
    pseudo = Pseudo((1.0, -1.0), mass=0.0, scale=spread)
    estimates = ratios_or_none((values + change) * members, members, options, pseudo)
    enough = _enough(before.bottom > 0, options) & _enough(after.bottom > 0, options)
    results: list[Estimate | None] = []
    for column, estimate in enumerate(estimates):
        if estimate is None:
            results.append(None)
            continue
        # The mean of the values is the change but for rounding, which is not wanted in it.
        exact = Estimate(float(change[column]), estimate.low, estimate.high)
        if not enough[column]:
            exact = Estimate(exact.estimate, float("nan"), float("nan"))
        results.append(clipped(exact, -1.0) if share and enough[column] else exact)
    return results


def _enough(inside: NDArray[np.bool_], options: IntervalOptions) -> NDArray[np.bool_]:
    """Whether each column of (questions, columns) has questions or clusters for an interval."""
    cluster = options.get("cluster")
    if cluster is None:
        enough: NDArray[np.bool_] = inside.sum(axis=0) >= FEWEST
        return enough
    member = np.unique(np.asarray(cluster), return_inverse=True)[1]
    held = np.zeros((int(member.max(initial=-1)) + 1, inside.shape[1]), dtype=bool)
    np.logical_or.at(held, member, inside)
    many: NDArray[np.bool_] = held.sum(axis=0) >= FEWEST
    return many
