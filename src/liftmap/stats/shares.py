"""Intervals for shares that one draw a question gives, and for the difference of two of them.

Beside `intervals`: for groups of different questions, where nothing is paired. Reads shares and
numbers of draws, gives `Estimate`s.
"""

from __future__ import annotations

import math

from scipy import special

from liftmap.records import Estimate


def wilson(share: float, n: int, level: float) -> Estimate:
    """A share of n draws with Wilson's score interval (1927, doi 10.1080/01621459.1927.10502953).

    Args:
        share: In [0, 1].
        n: Number of independent draws, 1 or more. For a mean of n values in [0, 1] the interval is
            at least as wide as for draws that are 0 or 1, which vary most.
        level: Coverage, in (0, 1).
    """
    z = float(special.ndtri((1 + level) / 2))
    half = z * math.sqrt(n * share * (1 - share) + z * z / 4)
    low, high = ((n * share + z * z / 2 + side) / (n + z * z) for side in (-half, half))
    return Estimate(share, max(0.0, low), min(1.0, high))


def difference_of_shares(first: Estimate, second: Estimate) -> Estimate:
    """The first share less the second, of independent draws, with its interval.

    The intervals of the two are squared and added (Newcombe 1998, doi 10.1002/(SICI)1097-0258
    (19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10).

    Args:
        first: A share with its Wilson interval.
        second: Another, at the same level.

    Returns:
        The difference, in [-1, 1].
    """
    change = first.estimate - second.estimate
    below = math.hypot(first.estimate - first.low, second.high - second.estimate)
    above = math.hypot(first.high - first.estimate, second.estimate - second.low)
    return Estimate(change, max(-1.0, change - below), min(1.0, change + above))
