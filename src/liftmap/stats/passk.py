"""pass@k and accuracy of each question, without bias, from its tally.

First step of the statistics: reads n (scored responses) and c (right ones) per question, gives one
number per question and k. Means and their intervals are made in `intervals`, groups by difficulty
in `bins`, lost and gained questions in `lost`.

Many questions share the same counts, so the work is done once per distinct row (`distinct`). A
caller who needs only means should group first and hand the `counts` on to `intervals`: then a
million questions cost little more than a thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, MirroredPlan, Plan
from liftmap.stats.curtailed import curtailed_pass_at_k

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Numbers held at once while products run over k: 32 MB of float64.
_BLOCK = 4_000_000


class Distinct(NamedTuple):
    """The distinct rows of some columns of whole numbers, in increasing order.

    Attributes:
        columns: One array (rows,) for each column handed in.
        inverse: Shape (questions,): the row that each question belongs to.
        counts: Shape (rows,): how many questions each row stands for.
    """

    columns: tuple[IntArray, ...]
    inverse: IntArray
    counts: IntArray


def distinct(*columns: ArrayLike) -> Distinct:
    """Groups the questions that share all the given whole numbers.

    Args:
        *columns: Arrays (questions,) of whole numbers, such as n and c, or n_before, c_before,
            n_after and c_after.

    Returns:
        The distinct rows. `rows.columns[0][rows.inverse]` is the first column again.

    Raises:
        InputError: No column, or columns of different lengths.
    """
    arrays = [np.asarray(column, dtype=np.int64) for column in columns]
    if not arrays or any(a.ndim != 1 or len(a) != len(arrays[0]) for a in arrays):
        raise InputError(
            "The columns to group by must be arrays of one length.",
            seen=[a.shape for a in arrays],
            remedy="Hand in one value for each question in every column.",
        )
    key = np.zeros(len(arrays[0]), dtype=np.int64)
    for array in arrays:
        low, high = (int(array.min()), int(array.max())) if len(array) else (0, 0)
        if len(key) and int(key.max()) + 1 > np.iinfo(np.int64).max // (high - low + 1):
            # Ranks stand for values too far apart for one whole number.
            key, array = (np.unique(x, return_inverse=True)[1] for x in (key, array))
            low, high = 0, int(array.max())
        key = key * (high - low + 1) + (array - low)
    span = int(key.max()) + 1 if len(key) else 0
    if span > 4 * len(key):
        _, member, inverse, counts = np.unique(
            key, return_index=True, return_inverse=True, return_counts=True
        )
        return Distinct(tuple(a[member] for a in arrays), inverse.astype(np.int64), counts)
    # Where there are more questions than possible keys, a table of keys is faster than sorting.
    of_key = np.bincount(key, minlength=span)
    seen = np.flatnonzero(of_key)
    row_of_key = np.zeros(span, dtype=np.int64)
    row_of_key[seen] = np.arange(len(seen))
    inverse = row_of_key[key]
    member = np.zeros(len(seen), dtype=np.int64)
    member[inverse] = np.arange(len(key))
    return Distinct(tuple(a[member] for a in arrays), inverse, of_key[seen])


def checked_tally(n: ArrayLike, c: ArrayLike) -> tuple[IntArray, IntArray]:
    """The counts as integer arrays, once they are known to be possible.

    Args:
        n: Shape (questions,): scored responses.
        c: Shape (questions,): right responses.

    Returns:
        n and c, each (questions,) int64.

    Raises:
        InputError: Different lengths, fractional counts, or c outside 0 to n.
    """
    arrays = []
    for name, values in (("n", n), ("c", c)):
        array = np.asarray(values)
        whole = array.dtype.kind in "iu" or (
            array.dtype.kind == "f" and bool(np.all(np.isfinite(array) & (array % 1 == 0)))
        )
        if array.ndim != 1 or not whole:
            raise InputError(
                f"{name} must hold one whole number for each question.",
                seen=array.tolist()[:5] if array.ndim else array.item(),
                remedy="Give counts of responses, not rates.",
            )
        arrays.append(array.astype(np.int64))
    responses, right = arrays
    if len(responses) != len(right):
        raise InputError(
            "n and c must have one value for each question.",
            seen=(len(responses), len(right)),
            remedy="Give both arrays for the same questions, in the same order.",
        )
    impossible = np.flatnonzero((right < 0) | (right > responses))
    if len(impossible):
        row = int(impossible[0])
        raise InputError(
            f"c must lie between 0 and n; it does not at row {row}.",
            seen={"n": int(responses[row]), "c": int(right[row])},
            remedy="Check the tally: c counts right responses, n all scored ones.",
        )
    return responses, right


def checked_counts(side: Counts) -> Counts:
    """The counts of a side once they are known to be possible; errors as `checked_tally`."""
    return Counts(*checked_tally(side.n, side.c), side.plan)


def checked_sides(before: Counts, after: Counts) -> tuple[Counts, Counts]:
    """The counts of both sides once they are known to be possible and of the same rows.

    Raises:
        InputError: Impossible counts, or sides of different length.
    """
    sides = checked_counts(before), checked_counts(after)
    if len(sides[0].n) != len(sides[1].n):
        raise InputError(
            "Before and after must be the same questions.",
            seen=(len(sides[0].n), len(sides[1].n)),
            remedy="Match the questions by id first.",
        )
    return sides


def fail_at_k(
    n: ArrayLike, c: ArrayLike, ks: Sequence[int] | IntArray, plan: Plan | None = None
) -> FloatArray:
    """The chance that k responses of a question are all wrong, estimated without bias.

    A_k(c) = C(n-c, k) / C(n, k): the share of the k-subsets of the n responses without a right
    one (Chen et al. 2021, arXiv 2107.03374, equation 1). Under a curtailed plan it is the share
    of the orders of drawing that begin with k wrong ones (see `curtailed`).

    Args:
        n: Shape (questions,): scored responses.
        c: Shape (questions,): right responses, 0 to n.
        ks: Numbers of tries, each 1 or more, at most every n (under a curtailed plan: the cap).
        plan: How the responses were drawn; None is taken as fixed.

    Returns:
        Shape (len(n), len(ks)), each in [0, 1].

    Raises:
        InputError: Impossible counts, k below 1, or k above n.
    """
    responses, right = checked_tally(n, c)
    tries = checked_ks(ks)
    if isinstance(plan, CurtailedPlan):
        return 1.0 - curtailed_pass_at_k(responses, right, tries, plan)
    if len(responses) and len(tries) and int(tries.max()) > int(responses.min()):
        row = int(np.argmin(responses))
        raise InputError(
            f"pass@{int(tries.max())} needs as many responses to every question; "
            f"row {row} has fewer.",
            seen={"k": int(tries.max()), "n": int(responses[row])},
            remedy="Take a smaller k, draw more responses, or ask for an extrapolation.",
        )
    if not len(responses) or not len(tries):
        return np.ones((len(responses), len(tries)))
    rows = distinct(responses, right)
    return _fail_of_rows(rows.columns[0], rows.columns[1], tries)[rows.inverse]


def pass_at_k(
    n: ArrayLike, c: ArrayLike, ks: Sequence[int] | IntArray, plan: Plan | None = None
) -> FloatArray:
    """The chance that at least one of k responses is right, estimated without bias.

    1 - C(n-c, k) / C(n, k) under a fixed plan (Chen et al. 2021, arXiv 2107.03374), and its
    counterpart by counting orders under a curtailed one.

    Args:
        n: Shape (questions,): scored responses.
        c: Shape (questions,): right responses, 0 to n.
        ks: Numbers of tries, each 1 or more, at most every n (under a curtailed plan: the cap).
        plan: How the responses were drawn; None is taken as fixed.

    Returns:
        Shape (len(n), len(ks)), each in [0, 1]; its mean over questions is pass@k.

    Raises:
        InputError: Impossible counts, k below 1, or k above n.
    """
    return 1.0 - fail_at_k(n, c, ks, plan)


def pass_hat_k(
    n: ArrayLike, c: ArrayLike, ks: Sequence[int] | IntArray, plan: Plan | None = None
) -> FloatArray:
    """pass^k: the chance that all of k responses are right, estimated without bias.

    C(c, k) / C(n, k) under a fixed plan (Yao et al. 2024, tau-bench, arXiv 2406.12045), its
    counterpart by counting orders under a curtailed one.

    Args:
        n: Shape (questions,): scored responses.
        c: Shape (questions,): right responses, 0 to n.
        ks: Numbers of tries, each 1 or more, at most every n (under a curtailed plan: the responses
            of a question that is always right).
        plan: How the responses were drawn; None is taken as fixed.

    Returns:
        Shape (len(n), len(ks)), each in [0, 1]; its mean over questions is pass^k.

    Raises:
        InputError: Impossible counts, k below 1, or k too large.
    """
    mirror = mirrored(Counts(*checked_tally(n, c), plan))
    return fail_at_k(mirror.n, mirror.c, ks, mirror.plan)


def mirrored(side: Counts) -> Counts:
    """The counts with right and wrong responses changed places; twice is the same again."""
    plan = side.plan
    if isinstance(plan, CurtailedPlan):
        mirror = CurtailedPlan if isinstance(plan, MirroredPlan) else MirroredPlan
        plan = mirror(plan.stop_after, plan.cap, plan.round_size)
    return Counts(side.n, side.n - side.c, plan)


def accuracy(n: ArrayLike, c: ArrayLike, plan: Plan | None = None) -> FloatArray:
    """The chance that one response is right, estimated without bias: pass@1.

    Under a fixed plan it is c/n; under a curtailed plan c/n is biased and is not used.

    Args:
        n: Shape (questions,): scored responses, 1 or more.
        c: Shape (questions,): right responses, 0 to n.
        plan: How the responses were drawn; None is taken as fixed.

    Returns:
        Shape (questions,), each in [0, 1].

    Raises:
        InputError: Impossible counts, or a question without a scored response.
    """
    return pass_at_k(n, c, [1], plan)[:, 0]


def checked_ks(ks: Sequence[int] | IntArray) -> IntArray:
    """The numbers of tries as an integer array, once they are known to be whole and positive.

    Raises:
        InputError: A k that is not a whole number of 1 or more.
    """
    tries = np.asarray(ks)
    if tries.ndim != 1 or tries.dtype.kind not in "iuf" or np.any((tries % 1 != 0) | (tries < 1)):
        raise InputError(
            "k, the number of tries, must be a whole number of 1 or more.",
            seen=tries.tolist(),
            remedy="Give a list such as [1, 16, 256].",
        )
    return tries.astype(np.int64)


def _fail_of_rows(n: IntArray, c: IntArray, ks: IntArray) -> FloatArray:
    """A_k(c) for distinct rows by the running product of (n-c-j) / (n-j), j = 0 .. k-1."""
    steps = np.arange(int(ks.max()))
    out = np.empty((len(n), len(ks)))
    # A product keeps 1e-14; differences of log-gammas would lose digits as n grows.
    for start in range(0, len(n), max(1, _BLOCK // len(steps))):
        block = slice(start, start + max(1, _BLOCK // len(steps)))
        wrong = np.maximum((n - c)[block, None] - steps, 0)
        factors = wrong / (n[block, None] - steps)
        out[block] = np.multiply.accumulate(factors, axis=1)[:, ks - 1]
    return out
