"""What was counted, in the form that the law of (p_before, p_after) is fitted to.

First step of the law (`counts` -> `fit` -> `estimates`, `identification`): reads n and c per
question, or a published matrix of counts, and gives the distinct pairs of observations with how
many questions show each. The pairs are all that the law depends on, so the cost of a fit does not
grow with the number of questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse, special

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan
from liftmap.stats.bins import Bins
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.passk import FloatArray, IntArray, checked_sides, distinct

# Chances held at once while a table of likelihoods is made: 80 MB of float64.
_BLOCK = 10_000_000


class Side(NamedTuple):
    """What can be seen of one question on one side, before or after.

    Attributes:
        n: Shape (outcomes,): scored responses of each possible outcome.
        c: Shape (outcomes,): right responses of it.
        log_paths: Shape (outcomes,): the chance of an outcome at success rate p is
            exp(log_paths) p^c (1-p)^(n-c). Where n differs between questions, it holds the share
            of questions with that n.
        row: Shape (outcomes,): the row of the outcome; outcomes of one row are not told apart
            (a bin of a published matrix). -1: never seen.
        rows: Number of rows.
    """

    n: IntArray
    c: IntArray
    log_paths: FloatArray
    row: IntArray
    rows: int

    def likelihood(self, grid: FloatArray) -> FloatArray:
        """The chance of each row at each success rate of the grid: shape (rows, len(grid))."""
        out = np.zeros((self.rows, len(grid)))
        seen = np.flatnonzero(self.row >= 0)
        step = max(1, _BLOCK // len(grid))
        for start in range(0, len(seen), step):
            part = seen[start : start + step]
            n, c = self.n[part, None], self.c[part, None]
            chance = np.exp(
                self.log_paths[part, None] + special.xlogy(c, grid) + special.xlog1py(n - c, -grid)
            )
            member = sparse.csr_array(
                (np.ones(len(part)), (self.row[part], np.arange(len(part)))),
                shape=(self.rows, len(part)),
            )
            out += member @ chance
        return out


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """How many questions show each pair of observations.

    Attributes:
        before: What can be seen of a question before.
        after: What can be seen of a question after.
        before_row: Shape (pairs,): row of `before` in each distinct pair, not decreasing.
        after_row: Shape (pairs,): row of `after`.
        counts: Shape (pairs,): number of questions, more than 0.
        pair_of_question: Shape (questions,): the pair of each question; None for a published
            matrix, where questions have no names.
    """

    before: Side
    after: Side
    before_row: IntArray
    after_row: IntArray
    counts: FloatArray
    pair_of_question: IntArray | None

    @property
    def questions(self) -> int:
        """Number of questions."""
        return int(self.counts.sum())


def pair_counts(before: Counts, after: Counts) -> PairCounts:
    """Groups the questions by their counts before and after.

    Args:
        before: The counts before, a row a question, each n 1 or more.
        after: The counts after, the same questions, likewise.

    Returns:
        The distinct pairs. The plan cancels out of the likelihood of p; it matters only where
        counts are grouped (`grouped`).

    Raises:
        InputError: No question, impossible counts, a question without a scored response, sides of
            different lengths, or counts that a curtailed plan can't produce.
    """
    (side_before, row_before), (side_after, row_after) = map(
        _exact_side, checked_sides(before, after)
    )
    pairs = distinct(row_before, row_after)
    return PairCounts(
        before=side_before,
        after=side_after,
        before_row=pairs.columns[0],
        after_row=pairs.columns[1],
        counts=pairs.counts.astype(np.float64),
        pair_of_question=pairs.inverse,
    )


def pair_counts_of_matrix(
    matrix: ArrayLike, bins_before: Bins, bins_after: Bins | None = None
) -> PairCounts:
    """Takes a published matrix of counts, of which only the bins of c are known.

    Args:
        matrix: Shape (bins before, bins after): numbers of questions.
        bins_before: Bins of c out of n before; every question has that n.
        bins_after: The same after; default those before.

    Returns:
        The cells that hold questions.

    Raises:
        InputError: Counts that are not whole numbers of 0 or more, no question at all, a shape that
            does not fit the bins, or bins that don't increase to n.
    """
    cells = np.asarray(matrix, dtype=np.float64)
    sides = _binned_side(bins_before), _binned_side(bins_after or bins_before)
    if cells.shape != (sides[0].rows, sides[1].rows):
        raise InputError(
            "The matrix must have one row and one column for each bin.",
            seen={"matrix": cells.shape, "bins": (sides[0].rows, sides[1].rows)},
            remedy="Check the labels of its rows and columns.",
        )
    possible = np.isfinite(cells) & (cells >= 0) & (cells == np.floor(cells))
    if not possible.all() or not cells.any():
        bad = cells[~possible]
        raise InputError(
            "A matrix of counts holds whole numbers of 0 or more, not all 0.",
            seen=float(bad[0]) if len(bad) else 0,
            remedy="Give numbers of questions, not shares.",
        )
    before_row, after_row = np.nonzero(cells)
    return PairCounts(
        before=sides[0],
        after=sides[1],
        before_row=before_row,
        after_row=after_row,
        counts=cells[before_row, after_row],
        pair_of_question=None,
    )


def grouped(
    pairs: PairCounts, starts_before: IntArray, starts_after: IntArray
) -> tuple[PairCounts, IntArray]:
    """Puts neighbouring counts together, so that there are fewer pairs.

    Where n differs between outcomes, c counts in proportion to the largest n.

    Args:
        pairs: Pairs of exact counts (from `pair_counts`).
        starts_before: Shape (groups,): smallest c of each group before, increasing from 0.
        starts_after: The same after.

    Returns:
        The grouped pairs, and for each pair of the input its pair in the output. The likelihood of
        a group is the sum over all outcomes in it, those that no question shows included.
    """
    sides, rows = [], []
    for side, row, starts in (
        (pairs.before, pairs.before_row, starts_before),
        (pairs.after, pairs.after_row, starts_after),
    ):
        # The small addition keeps c * n / n from falling below c.
        scaled = side.c * (side.n.max() / side.n) + 1e-9
        group = np.searchsorted(starts, scaled, side="right") - 1
        used, index = np.unique(group, return_inverse=True)
        sides.append(side._replace(row=index.astype(np.int64), rows=len(used)))
        group_of_row = np.empty(side.rows, dtype=np.int64)
        group_of_row[side.row[side.row >= 0]] = index[side.row >= 0]
        rows.append(group_of_row[row])
    merged = distinct(*rows)
    counts = np.bincount(merged.inverse, weights=pairs.counts).astype(np.float64)
    question = pairs.pair_of_question
    new = PairCounts(
        before=sides[0],
        after=sides[1],
        before_row=merged.columns[0],
        after_row=merged.columns[1],
        counts=counts,
        pair_of_question=None if question is None else merged.inverse[question],
    )
    return new, merged.inverse


def _exact_side(counts: Counts) -> tuple[Side, IntArray]:
    """The side on which each (n, c) seen has a row of its own, and the row of each question."""
    n, c, plan = counts.n, counts.c, counts.plan
    if not len(n) or n.min() < 1:
        raise InputError(
            "The law needs questions with at least one scored response each.",
            seen=int(np.argmin(n)) if len(n) else 0,
            remedy="Leave out the questions without a scored response.",
        )
    if isinstance(plan, CurtailedPlan):
        points = stopping_points(plan)
        n_of, c_of, log_paths = points.n, points.c, points.log_paths
    else:
        sizes, questions = np.unique(n, return_counts=True)
        n_of = np.repeat(sizes, sizes + 1)
        c_of = np.concatenate([np.arange(size + 1) for size in sizes])
        log_share = np.repeat(np.log(questions / len(n)), sizes + 1)
        log_paths = log_share + (
            special.gammaln(n_of + 1) - special.gammaln(c_of + 1) - special.gammaln(n_of - c_of + 1)
        )
    base = int(max(n.max(), n_of.max())) + 1
    key = n * base + c
    seen, row_of_question = np.unique(key, return_inverse=True)
    possible = n_of * base + c_of
    outcome = np.minimum(np.searchsorted(possible, seen), len(possible) - 1)
    foreign = np.flatnonzero(possible[outcome] != seen)
    if len(foreign):
        raise InputError(
            "The curtailed plan never stops at these counts.",
            seen={"n": int(seen[foreign[0]] // base), "c": int(seen[foreign[0]] % base)},
            remedy="Check the plan of the tally; rounds must count scored responses only.",
        )
    row = np.full(len(n_of), -1)
    row[outcome] = np.arange(len(seen))
    return Side(n_of, c_of, log_paths, row, len(seen)), row_of_question


def _binned_side(bins: Bins) -> Side:
    n, last = bins.n, np.array(bins.last)
    if n < 1 or not len(last) or last[0] < 0 or np.any(np.diff(last) < 1) or last[-1] != n:
        raise InputError(
            "The largest counts of bins must increase from 0 or more to n.",
            seen=bins,
            remedy="Make the bins with study_bins or custom_bins.",
        )
    c = np.arange(n + 1)
    log_paths = special.gammaln(n + 1) - special.gammaln(c + 1) - special.gammaln(n - c + 1)
    return Side(np.full(n + 1, n), c, log_paths, np.searchsorted(last, c), len(last))
