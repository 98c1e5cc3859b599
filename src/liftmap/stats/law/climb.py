"""EM for one data set or many at once: the rounds behind every fit of the joint law.

Part of `fit`: takes tables of likelihoods and counts, gives the weights of greatest likelihood.
Rounds are sped up by squared extrapolation (SQUAREM, Varadhan and Roland 2008, doi 10.1111/
j.1467-9469.2007.00585.x) that is taken only where it does not lower the likelihood.

Data sets that differ in their counts alone (resamples, simulated ones) are climbed together, so
that each round is four products of large matrices instead of four small ones a data set.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from liftmap.errors import InputError
from liftmap.stats.law.counts import PairCounts
from liftmap.stats.passk import FloatArray, IntArray

# EM ends when ten rounds gain less than this in log-likelihood.
_GAIN = 0.01
# Cells of all data sets climbed at once: 16 MB a table of float64.
_BLOCK = 2_000_000

# From weights (data sets, points before, points after) of the data sets named by the second
# argument to better weights and the log-likelihoods (data sets,) of those handed in.
Step = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]


def climb_pairs(
    pairs: PairCounts,
    tables: tuple[FloatArray, FloatArray],
    weights: FloatArray,
    rounds: int,
) -> tuple[FloatArray, float]:
    """The weights of greatest likelihood for one data set.

    Args:
        pairs: The counts.
        tables: Shape (rows, points) each: the chance of each row before and after at each success
            rate of the grid.
        weights: Shape (points before, points after): where EM begins.
        rounds: EM rounds at most.

    Returns:
        Weights of the same shape and their log-likelihood.

    Raises:
        InputError: A pair that is impossible on the grid.
    """
    dense = pairs.before.rows * pairs.after.rows <= 16 * len(pairs.counts)
    if dense:
        counts = np.zeros((1, pairs.before.rows, pairs.after.rows))
        counts[0, pairs.before_row, pairs.after_row] = pairs.counts
        step = _dense_step(*tables, counts)
    else:
        step = _sparse_step(pairs, *tables)
    highest, log_likelihoods = _climb(step, weights[None], rounds)
    return highest[0], float(log_likelihoods[0])


def climb_tables(
    counts: FloatArray,
    tables: tuple[FloatArray, FloatArray],
    weights: FloatArray,
    rounds: int,
) -> tuple[FloatArray, FloatArray]:
    """The weights of greatest likelihood for many data sets, each from the same beginning.

    Args:
        counts: Shape (data sets, rows before, rows after): numbers of questions.
        tables: As in `climb_pairs`.
        weights: As in `climb_pairs`.
        rounds: EM rounds at most.

    Returns:
        Weights (data sets, points before, points after) and log-likelihoods (data sets,).

    Raises:
        InputError: As in `climb_pairs`.
    """
    highest = np.empty((len(counts), *weights.shape))
    log_likelihoods = np.empty(len(counts))
    size = max(1, _BLOCK // max(counts[0].size, weights.size))
    for start in range(0, len(counts), size):
        block = slice(start, start + size)
        begin = np.repeat(weights[None], len(counts[block]), axis=0)
        step = _dense_step(*tables, counts[block])
        highest[block], log_likelihoods[block] = _climb(step, begin, rounds)
    return highest, log_likelihoods


def _dense_step(before: FloatArray, after: FloatArray, counts: FloatArray) -> Step:
    """EM rounds over all cells of tables of counts (data sets, rows before, rows after)."""
    # Rows that no data set shows add nothing; logs and quotients are taken where some counts are.
    rows, columns = counts.any(axis=(0, 2)), counts.any(axis=(0, 1))
    before, after = before[rows], after[columns]
    counts = counts[:, rows][:, :, columns]
    row, column = np.nonzero(counts.any(axis=0))
    seen = np.ascontiguousarray(counts[:, row, column].T)
    totals = seen.sum(axis=0)
    points = before.shape[1], after.shape[1]
    # Axes are (rows or points before, data sets, rows or points after), so that every product is
    # one of two large matrices.
    table = np.zeros((len(before), seen.shape[1], len(after)))

    def step(weights: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:
        size = len(which)
        by_row = before @ weights.transpose(1, 0, 2).reshape(points[0], -1)
        chances = (by_row.reshape(-1, points[1]) @ after.T).reshape(len(before), size, -1)
        chance, count = chances[row, :, column], seen[:, which]
        chance = np.where(count > 0, chance, 1.0)
        if not chance.min() > 0:
            _impossible()
        quotients = table[:, :size]
        quotients[row, :, column] = count / chance / totals[which]
        pulled = quotients.reshape(-1, len(after)) @ after
        pull = (before.T @ pulled.reshape(len(before), -1)).reshape(points[0], size, points[1])
        log_likelihoods: FloatArray = (count * np.log(chance)).sum(axis=0)
        return weights * pull.transpose(1, 0, 2), log_likelihoods

    return step


def _sparse_step(pairs: PairCounts, before: FloatArray, after: FloatArray) -> Step:
    """EM rounds of one data set over its pairs alone, where most cells hold no question."""
    rows, columns, counts = pairs.before_row, pairs.after_row, pairs.counts
    shape = (pairs.before.rows, pairs.after.rows)
    total = counts.sum()
    after_of_pair = after[columns]
    first_pair = np.searchsorted(rows, np.arange(shape[0] + 1))

    def step(weights: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:
        chance = ((before @ weights[0])[rows] * after_of_pair).sum(axis=1)
        if not np.all(chance > 0):
            _impossible()
        quotient = sparse.csr_array((counts / chance / total, columns, first_pair), shape=shape)
        pull = before.T @ (quotient @ after)
        return weights * pull, np.array([counts @ np.log(chance)])

    return step


def _impossible() -> None:
    raise InputError(
        "Some question's counts are impossible at every success rate of the grid.",
        seen=0.0,
        remedy="Use a grid over [0, 1] with points between 0 and 1.",
    )


def _climb(step: Step, start: FloatArray, rounds: int) -> tuple[FloatArray, FloatArray]:
    """EM with squared extrapolation, each data set until ten rounds gain less than `_GAIN`.

    Of the data sets still climbing, `weights` are where each stands, `first` one round further,
    and `height` is the log-likelihood of `weights`.
    """
    result, heights = start.copy(), np.empty(len(start))
    climbing, weights = np.arange(len(start)), start
    first, height = step(weights, climbing)
    used = np.ones(len(start), dtype=np.int64)
    checked, last = used.copy(), height.copy()
    while True:
        done = used >= rounds
        due = used - checked >= 10
        done |= due & (height - last < _GAIN)
        checked[due], last[due] = used[due], height[due]
        if done.any():
            result[climbing[done]], heights[climbing[done]] = weights[done], height[done]
            left = ~done
            climbing, weights = climbing[left], weights[left]
            first, height = first[left], height[left]
            used, checked, last = used[left], checked[left], last[left]
        if not len(climbing):
            return result, heights
        second, middle = step(first, climbing)
        used += 1
        leap, leaps = _leap(weights, first, second)
        weights, landed = second, np.zeros(len(climbing), dtype=bool)
        first, height = np.empty_like(second), np.empty(len(climbing))
        if len(leaps):
            after_leap, there = step(leap, climbing[leaps])
            used[leaps] += 1
            higher = there >= middle[leaps]
            accepted = leaps[higher]
            landed[accepted] = True
            weights = second.copy()
            weights[accepted], first[accepted] = leap[higher], after_leap[higher]
            height[accepted] = there[higher]
        walking = np.flatnonzero(~landed)
        if len(walking):
            first[walking], height[walking] = step(second[walking], climbing[walking])
            used[walking] += 1


def _leap(
    weights: FloatArray, first: FloatArray, second: FloatArray
) -> tuple[FloatArray, IntArray]:
    """Where squared extrapolation lands, and of which data sets: those it takes far."""
    change = first - weights
    bend = second - first - change
    squares = [np.square(x).sum(axis=(1, 2)) for x in (change, bend)]
    length = np.sqrt(squares[0] / np.maximum(squares[1], 1e-300))
    leaps = np.flatnonzero(length > 1)
    far = length[leaps, None, None]
    leap = weights[leaps] + 2 * far * change[leaps] + far**2 * bend[leaps]
    # A weight must not reach 0 by a leap: EM could never bring it back.
    leap = np.maximum(leap, 1e-3 * second[leaps])
    return leap / leap.sum(axis=(1, 2), keepdims=True), leaps
