"""Transition matrices: from which difficulty to which difficulty questions moved.

Reads tallies before and after, gives matrices of numbers of questions: rows are bins before,
columns bins after. The raw matrix is what the literature prints. Part of what moves in it is
sampling noise, so the half matrix (before-half to after-half) stands beside the noise matrix
(before-half to the other before-half: nothing was trained), both at the same number of responses
and averaged over all splits. The corrected matrix comes from the law (see `law`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from liftmap.errors import InputError
from liftmap.records import Counts, Plan
from liftmap.stats.bins import Bins, assign, block_weights
from liftmap.stats.orders import block_sizes, log_choose, log_orders, log_orders_in_all
from liftmap.stats.passk import FloatArray, IntArray, checked_counts, checked_sides, distinct
from liftmap.stats.resampling import counts_of

# Numbers held at once while chances run over counts: 16 MB of float64.
_BLOCK = 2_000_000


def raw_matrix(
    before: Counts, after: Counts, bins: Bins, counts: ArrayLike | None = None
) -> IntArray:
    """Numbers of questions by bin before and bin after, all responses used.

    Args:
        before: The counts before.
        after: The counts after, the same rows.
        bins: The bins, for both sides.
        counts: Shape (rows,): how many questions each row stands for; default one.

    Returns:
        Shape (bins, bins); adds up to the number of questions.

    Raises:
        InputError: Impossible counts, or sides of different length.
    """
    before, after = checked_sides(before, after)
    cell = assign(before.c, before.n, bins) * len(bins) + assign(after.c, after.n, bins)
    weights = counts_of(counts, len(cell)).astype(np.int64)
    matrix = np.zeros(len(bins) ** 2, dtype=np.int64)
    np.add.at(matrix, cell, weights)
    return matrix.reshape(len(bins), len(bins))


def half_sizes(before: Counts, after: Counts) -> IntArray:
    """How many responses of each question both half matrices use: half of the smaller side.

    Args:
        before: The counts before, each n 2 or more.
        after: The counts after, likewise; a curtailed plan allows fewer responses of a half (see
            `orders.block_sizes`).

    Returns:
        Shape (rows,).

    Raises:
        InputError: A question with fewer than two responses, or a plan too short to split.
    """
    before, after = checked_sides(before, after)
    sizes = np.minimum(block_sizes(before.n, before.plan), block_sizes(after.n, after.plan))
    # The curtailed count of orders needs blocks of one size.
    if before.stops_early or after.stops_early:
        return np.full(len(sizes), sizes.min() if len(sizes) else 1)
    return sizes


def half_matrix(
    before: Counts, after: Counts, bins: Bins, *, counts: ArrayLike | None = None
) -> FloatArray:
    """Expected numbers of questions by bin of a before-half and bin of an after-half.

    Averaged over all splits of both sides: the count in a half is hypergeometric. Rows and columns
    are the same shares as those of the raw matrix; `bins.labels_at(n // 2)` names their counts.

    Args:
        before: The counts before, each n 2 or more.
        after: The counts after, the same rows, each n 2 or more.
        bins: The bins, for both sides.
        counts: Shape (rows,): how many questions each row stands for; default one.

    Returns:
        Shape (bins, bins); adds up to the number of questions. Row sums equal those of the noise
        matrix of the same sizes.

    Raises:
        InputError: Impossible counts, sides of different length, or too few responses to split.
    """
    before, after = checked_sides(before, after)
    sizes = half_sizes(before, after)
    weights = counts_of(counts, len(sizes))[:, None]
    first, then = (block_weights(side, bins, sizes) for side in (before, after))
    matrix: FloatArray = (first * weights).T @ then
    return matrix


def noise_matrix(
    before: Counts,
    bins: Bins,
    *,
    sizes: ArrayLike | None = None,
    counts: ArrayLike | None = None,
) -> FloatArray:
    """Expected numbers of questions by bin of one before-half and bin of the other.

    What a transition matrix shows when nothing was trained. Averaged over all splits.

    Args:
        before: The counts before, each n 2 or more.
        bins: The bins.
        sizes: Shape (rows,): responses in each of the two parts, from `half_sizes`, so that this
            matrix may stand beside a half matrix; default half of n.
        counts: Shape (rows,): how many questions each row stands for; default one.

    Returns:
        Shape (bins, bins), symmetric; adds up to the number of questions.

    Raises:
        InputError: Impossible counts, too few responses for two parts, or a tally that its
            curtailed plan can't give.
    """
    before = checked_counts(before)
    most = block_sizes(before.n, before.plan)
    parts = most if sizes is None else np.asarray(sizes, dtype=np.int64)
    if parts.shape != before.n.shape or np.any(parts > most) or np.any(parts < 1):
        raise InputError(
            "Two parts of this size do not fit into a question's responses.",
            seen=parts.tolist()[:5],
            remedy="Take the sizes that half_sizes gives.",
        )
    multiplicity = counts_of(counts, len(parts))
    rows = distinct(before.n, before.c, parts)
    totals = np.zeros(len(rows.counts))
    np.add.at(totals, rows.inverse, multiplicity)
    n, c, size = (column[:, None] for column in rows.columns)
    matrix = np.zeros((len(bins), len(bins)))
    step = max(1, _BLOCK // (int(parts.max(initial=0)) + 1))
    for start in range(0, len(n), step):
        block = slice(start, start + step)
        matrix += _noise_of_rows(n[block], c[block], size[block], totals[block], bins, before.plan)
    return matrix


def _noise_of_rows(
    n: IntArray, c: IntArray, size: IntArray, totals: FloatArray, bins: Bins, plan: Plan | None
) -> FloatArray:
    """`noise_matrix` of distinct rows, each argument (rows, 1) but totals (rows,)."""
    right = np.arange(int(size.max()) + 1)[None, :]
    left = int((n - 2 * size).max())
    share = log_choose(size, right) - log_orders_in_all(n, c, plan)
    first = assign(right, size, bins)
    matrix = np.zeros(len(bins) ** 2)
    # Both parts together hold c less what the rest holds; whichever of the two varies less is run
    # through.
    for step in range(min(left, 2 * int(size.max())) + 1):
        both = c - step if left < 2 * int(size.max()) else np.full_like(c, step)
        chance = np.exp(
            share + log_choose(size, both - right) + log_orders(n, c, 2 * size, both, plan)
        )
        second = assign(np.clip(both - right, 0, size), size, bins)
        cell = np.broadcast_to(first, second.shape) * len(bins) + second
        matrix += np.bincount(
            cell.ravel(), weights=(chance * totals[:, None]).ravel(), minlength=len(matrix)
        )
    return matrix.reshape(len(bins), len(bins))
