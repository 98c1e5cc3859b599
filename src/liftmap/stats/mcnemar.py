"""McNemar's test: is a question as likely to be lost as gained?

Reads how many questions of each sampling unit were lost and gained (`lost.observed` says which),
gives a p-value. Without clusters it is the exact binomial test. Questions of one cluster tend to
move together, so with clusters the unit that may as well have gone the other way is the cluster:
the sign of its sum, gained less lost, is flipped, and the p-value is the share of all flips that
lie as far out as what was seen. With one question a cluster that is the binomial test again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from liftmap.errors import InputError
from liftmap.stats.passk import IntArray
from liftmap.stats.resampling import labels_of

# Rounding of the Fourier sum: smaller p-values of clusters are given as this.
LEAST_CLUSTER_P = 1e-12


def mcnemar(lost: ArrayLike, gained: ArrayLike, cluster: ArrayLike | None = None) -> float:
    """The p-value of McNemar's test, by cluster where there are clusters.

    Args:
        lost: Shape (rows,) or a number: questions solved before only.
        gained: The same for questions solved after only.
        cluster: Shape (rows,): label of each row's cluster; None where each question is its own.

    Returns:
        Two-sided p-value, in (0, 1]; 1 where no question moved. The law of the sum of flipped
        signs is exact, from the Fourier transform of the product of cosines, so no seed is needed:
        999 drawn flips estimate the same p-value.

    Raises:
        InputError: Negative or fractional numbers, or arrays that do not fit.
    """
    moves = np.atleast_1d(np.asarray(lost)), np.atleast_1d(np.asarray(gained))
    if moves[0].shape != moves[1].shape or any(
        np.any((move < 0) | (move % 1 != 0)) for move in moves
    ):
        raise InputError(
            "Lost and gained questions must be whole numbers of 0 or more, one each a row.",
            seen=(moves[0].shape, moves[1].shape),
            remedy="Give the numbers of lost and gained questions of each row.",
        )
    if cluster is None:
        fewer, total = int(min(x.sum() for x in moves)), int(moves[0].sum() + moves[1].sum())
        # 2 P(X <= fewer) for X ~ Binomial(total, 1/2).
        return min(1.0, 2 * float(special.bdtr(fewer, total, 0.5)))
    net = np.bincount(labels_of(cluster, len(moves[0])), weights=moves[1] - moves[0])
    sizes = np.abs(net).astype(np.int64)
    return _flip_p_value(sizes[sizes > 0], abs(int(net.sum())))


def _flip_p_value(sizes: IntArray, seen: int) -> float:
    """The chance that the sum of `sizes`, each with a random sign, is `seen` or more from 0."""
    if not len(sizes) or seen == 0:
        return 1.0
    # All sums share a divisor and lie two steps apart: fewer frequencies are enough.
    step = int(np.gcd.reduce(sizes))
    values, times = np.unique(sizes // step, return_counts=True)
    most = int(values @ times)
    frequencies = np.pi * np.arange(most + 1) / (most + 1)
    transform = np.ones(most + 1)
    for value, number in zip(values.tolist(), times.tolist(), strict=True):
        transform *= np.cos(value * frequencies) ** number
    # Sums are most - 2 j for j = 0 .. most.
    phased = transform * np.exp(1j * frequencies * most)
    chances = np.fft.fft(phased).real / (most + 1)
    sums = most - 2 * np.arange(most + 1)
    far = np.abs(sums) >= seen // step
    return float(np.clip(chances[far].sum(), LEAST_CLUSTER_P, 1.0))
