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
from liftmap.records import CurtailedPlan, Plan
from liftmap.stats.bins import Bins, assign, block_weights
from liftmap.stats.orders import block_sizes, log_choose, log_orders, log_orders_in_all
from liftmap.stats.passk import FloatArray, IntArray, checked_tally, distinct
from liftmap.stats.resampling import counts_of

# Numbers held at once while chances run over counts: 16 MB of float64.
_BLOCK = 2_000_000


def raw_matrix(
    n_before: ArrayLike,
    c_before: ArrayLike,
    n_after: ArrayLike,
    c_after: ArrayLike,
    bins: Bins,
    counts: ArrayLike | None = None,
) -> IntArray:
    """Numbers of questions by bin before and bin after, all responses used.

    Args:
        n_before: Shape (rows,): scored responses before.
        c_before: Shape (rows,): right ones of them.
        n_after: Shape (rows,): scored responses after, the same questions.
        c_after: Shape (rows,): right ones of them.
        bins: The bins, for both sides.
        counts: Shape (rows,): how many questions each row stands for; default one.

    Returns:
        Shape (bins, bins); adds up to the number of questions.

    Raises:
        InputError: Impossible counts, or sides of different length.
    """
    before, after = _two_sides(n_before, c_before, n_after, c_after)
    cell = assign(before[1], before[0], bins) * len(bins) + assign(after[1], after[0], bins)
    weights = counts_of(counts, len(cell)).astype(np.int64)
    matrix = np.zeros(len(bins) ** 2, dtype=np.int64)
    np.add.at(matrix, cell, weights)
    return matrix.reshape(len(bins), len(bins))


def half_sizes(
    n_before: ArrayLike,
    n_after: ArrayLike,
    plans: tuple[Plan | None, Plan | None] = (None, None),
) -> IntArray:
    """How many responses of each question both half matrices use: half of the smaller side.

    Args:
        n_before: Shape (rows,): scored responses before, 2 or more.
        n_after: Shape (rows,): scored responses after, 2 or more.
        plans: How they were drawn; a curtailed plan allows fewer (see `orders.block_sizes`).

    Returns:
        Shape (rows,).

    Raises:
        InputError: A question with fewer than two responses, or a plan too short to split.
    """
    before, after = np.asarray(n_before, dtype=np.int64), np.asarray(n_after, dtype=np.int64)
    sizes = np.minimum(block_sizes(before, plans[0]), block_sizes(after, plans[1]))
    # The curtailed count of orders needs blocks of one size.
    if any(isinstance(plan, CurtailedPlan) for plan in plans):
        return np.full(len(sizes), sizes.min() if len(sizes) else 1)
    return sizes


def half_matrix(
    n_before: ArrayLike,
    c_before: ArrayLike,
    n_after: ArrayLike,
    c_after: ArrayLike,
    bins: Bins,
    *,
    counts: ArrayLike | None = None,
    plans: tuple[Plan | None, Plan | None] = (None, None),
) -> FloatArray:
    """Expected numbers of questions by bin of a before-half and bin of an after-half.

    Averaged over all splits of both sides: the count in a half is hypergeometric. Rows and columns
    are the same shares as those of the raw matrix; `bins.labels_at(n // 2)` names their counts.

    Args:
        n_before: Shape (rows,): scored responses before, 2 or more.
        c_before: Shape (rows,): right ones of them.
        n_after: Shape (rows,): scored responses after, 2 or more, the same questions.
        c_after: Shape (rows,): right ones of them.
        bins: The bins, for both sides.
        counts: Shape (rows,): how many questions each row stands for; default one.
        plans: How the responses before and after were drawn; None is taken as fixed.

    Returns:
        Shape (bins, bins); adds up to the number of questions. Row sums equal those of the noise
        matrix of the same sizes.

    Raises:
        InputError: Impossible counts, sides of different length, or too few responses to split.
    """
    before, after = _two_sides(n_before, c_before, n_after, c_after)
    sizes = half_sizes(before[0], after[0], plans)
    weights = counts_of(counts, len(sizes))[:, None]
    sides = [
        block_weights(n, c, bins, sizes, plan)
        for (n, c), plan in zip((before, after), plans, strict=True)
    ]
    matrix: FloatArray = (sides[0] * weights).T @ sides[1]
    return matrix


def noise_matrix(
    n: ArrayLike,
    c: ArrayLike,
    bins: Bins,
    *,
    sizes: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    plan: Plan | None = None,
) -> FloatArray:
    """Expected numbers of questions by bin of one before-half and bin of the other.

    What a transition matrix shows when nothing was trained. Averaged over all splits.

    Args:
        n: Shape (rows,): scored responses before, 2 or more.
        c: Shape (rows,): right ones of them.
        bins: The bins.
        sizes: Shape (rows,): responses in each of the two parts, from `half_sizes`, so that this
            matrix may stand beside a half matrix; default half of n.
        counts: Shape (rows,): how many questions each row stands for; default one.
        plan: How the responses were drawn; None is taken as fixed.

    Returns:
        Shape (bins, bins), symmetric; adds up to the number of questions.

    Raises:
        InputError: Impossible counts, too few responses for two parts, or a tally that its
            curtailed plan can't give.
    """
    responses, right = checked_tally(n, c)
    most = block_sizes(responses, plan)
    wanted = most if sizes is None else np.asarray(sizes, dtype=np.int64)
    if wanted.shape != responses.shape or np.any(wanted > most) or np.any(wanted < 1):
        raise InputError(
            "Two parts of this size do not fit into a question's responses.",
            seen=wanted.tolist()[:5],
            remedy="Take the sizes that half_sizes gives.",
        )
    multiplicity = counts_of(counts, len(responses))
    rows = distinct(responses, right, wanted)
    totals = np.zeros(len(rows.counts))
    np.add.at(totals, rows.inverse, multiplicity)
    n_, c_, size = (column[:, None] for column in rows.columns)
    matrix = np.zeros((len(bins), len(bins)))
    step = max(1, _BLOCK // (int(wanted.max(initial=0)) + 1))
    for start in range(0, len(n_), step):
        block = slice(start, start + step)
        matrix += _noise_of_rows(n_[block], c_[block], size[block], totals[block], bins, plan)
    return matrix


def _noise_of_rows(
    n: IntArray, c: IntArray, size: IntArray, totals: FloatArray, bins: Bins, plan: Plan | None
) -> FloatArray:
    """`noise_matrix` of distinct rows, each argument (rows, 1) but totals (rows,)."""
    found = np.arange(int(size.max()) + 1)[None, :]
    left = int((n - 2 * size).max())
    share = log_choose(size, found) - log_orders_in_all(n, c, plan)
    first = assign(found, size, bins)
    matrix = np.zeros(len(bins) ** 2)
    # Both parts together hold c less what the rest holds; whichever of the two varies less is run
    # through.
    for step in range(min(left, 2 * int(size.max())) + 1):
        both = c - step if left < 2 * int(size.max()) else np.full_like(c, step)
        chance = np.exp(
            share + log_choose(size, both - found) + log_orders(n, c, 2 * size, both, plan)
        )
        second = assign(np.clip(both - found, 0, size), size, bins)
        cell = np.broadcast_to(first, second.shape) * len(bins) + second
        matrix += np.bincount(
            cell.ravel(), weights=(chance * totals[:, None]).ravel(), minlength=len(matrix)
        )
    return matrix.reshape(len(bins), len(bins))


def _two_sides(
    n_before: ArrayLike, c_before: ArrayLike, n_after: ArrayLike, c_after: ArrayLike
) -> tuple[tuple[IntArray, IntArray], tuple[IntArray, IntArray]]:
    before, after = checked_tally(n_before, c_before), checked_tally(n_after, c_after)
    if len(before[0]) != len(after[0]):
        raise InputError(
            "Before and after must be the same questions.",
            seen=(len(before[0]), len(after[0])),
            remedy="Match the questions by id first.",
        )
    return before, after
