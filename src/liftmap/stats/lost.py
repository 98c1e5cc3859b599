"""Questions lost and gained by training, with what sampling noise alone would show taken out.

Reads tallies before and after (or pass@k made from them by `passk`), gives numbers of questions.
A question is lost at k if it is solved within k responses before and not within k after; gained is
the reverse. A second batch from an untrained model already loses and gains questions so: that is
the noise, and the excess is what is left when it is taken away. All are unbiased for k up to half
of n, from the tallies alone. At k = n the observed counts stand, with noise and excess from `law`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Unpack

import numpy as np
from numpy.typing import ArrayLike

from liftmap.errors import InputError
from liftmap.records import Counts, Estimate
from liftmap.stats.intervals import IntervalOptions, ratios
from liftmap.stats.mcnemar import mcnemar as mcnemar
from liftmap.stats.passk import FloatArray, checked_sides, fail_at_k
from liftmap.stats.resampling import CHANGE, SHARE, Pseudo, clipped, counts_of


class Losses(NamedTuple):
    """What each question adds to the numbers lost and gained; all (questions,).

    Attributes:
        k: Number of tries.
        lost: Estimate of the chance that k responses before hold a right one and k after none.
        gained: The reverse.
        noise: Estimate of the chance of either when the model before is drawn from twice.
    """

    k: int
    lost: FloatArray
    gained: FloatArray
    noise: FloatArray


@dataclass(frozen=True, slots=True)
class NetMoves:
    """Numbers of questions that moved one way.

    Attributes:
        estimate: Expected number lost (or gained) at k.
        noise: The number that two batches of the untrained model would show.
        excess: Estimate less noise. A net figure: a question that became surer hides one that
            became less sure; below 0 where training made answers steadier.
    """

    estimate: Estimate
    noise: Estimate
    excess: Estimate


@dataclass(frozen=True, slots=True)
class LostGained:
    """Lost and gained questions at k tries.

    Attributes:
        k: Number of tries.
        lost: Solved within k before, not within k after.
        gained: Solved within k after, not within k before.
    """

    k: int
    lost: NetMoves
    gained: NetMoves


def losses(before: Counts, after: Counts, k: int | None = None) -> Losses:
    """What each question adds to the numbers lost and gained at k tries, without bias.

    With A_k = C(n-c, k) / C(n, k), the estimate that k responses are all wrong: lost is
    (1 - A_k before) A_k after, gained the reverse. Drawing twice from the model before gives
    A_k - A_2k, all taken before, for either.

    Args:
        before: The counts before.
        after: The counts after, the same rows.
        k: Number of tries, 2k at most the least n before (under a curtailed plan: its cap) and k
            at most the least n after. Default: half of the least n on either side.

    Returns:
        One value of each kind for each question.

    Raises:
        InputError: Impossible counts, no question, sides of different length, or k too large.
    """
    before, after = checked_sides(before, after)
    if not len(before.n):
        raise InputError(
            "Lost and gained questions need at least one question.",
            seen=0,
            remedy="Check that the two sides share questions.",
        )
    most = before.most_tries, after.most_tries
    tries = min(most) // 2 if k is None else k
    if tries < 1 or 2 * tries > most[0] or tries > most[1]:
        raise InputError(
            "Lost and gained questions at k need 2k responses before and k after.",
            seen={"k": tries, "n before": most[0], "n after": most[1]},
            remedy="Take a k of at most half of n.",
        )
    once, twice = fail_at_k(before.n, before.c, [tries, 2 * tries], before.plan).T
    failed_after = fail_at_k(after.n, after.c, [tries], after.plan)[:, 0]
    return Losses(
        tries,
        lost=(1 - once) * failed_after,
        gained=once * (1 - failed_after),
        noise=once - twice,
    )


def lost_gained(
    before: Counts,
    after: Counts,
    k: int | None = None,
    **options: Unpack[IntervalOptions],
) -> LostGained:
    """Numbers of questions lost and gained at k tries, what noise alone gives, and the excess.

    The estimates are sums over questions of `losses`. A lost question is rare, so few of them
    would make intervals too short: they count pseudo-questions besides, for numbers one that is
    lost and one that is not, for the excess one lost and one gained.

    Args:
        before: The counts before.
        after: The counts after, the same rows.
        k: As in `losses`; default half of the least n.
        **options: weights, counts, cluster and level, as in `intervals.mean`.

    Returns:
        Numbers of questions with intervals.

    Raises:
        InputError: As in `losses`; fewer than two questions (or clusters).
    """
    each = losses(before, after, k)
    total = float(counts_of(options.get("counts"), len(each.noise)).sum())
    noise = _number(each.noise, total, SHARE, options)
    lost, gained = (
        NetMoves(
            estimate=_number(moved, total, SHARE, options),
            noise=noise,
            excess=_number(moved - each.noise, total, CHANGE, options),
        )
        for moved in (each.lost, each.gained)
    )
    return LostGained(each.k, lost, gained)


def _number(values: FloatArray, total: float, pseudo: Pseudo, options: IntervalOptions) -> Estimate:
    """The sum of one value per question, with its interval."""
    share = ratios(values[:, None], np.ones((len(values), 1)), pseudo=pseudo, **options)[0]
    lowest = 0.0 if pseudo is SHARE else -1.0
    share = clipped(share, lowest)
    return Estimate(share.estimate * total, share.low * total, share.high * total)


class Observed(NamedTuple):
    """Questions counted as lost and gained at k = n, noise included."""

    lost: int
    gained: int


def observed(before: Counts, after: Counts, counts: ArrayLike | None = None) -> Observed | None:
    """How many questions had a right response before and none after, and the reverse.

    Args:
        before: The counts before.
        after: The counts after, the same rows.
        counts: Shape (rows,): how many questions each row stands for; default one.

    Returns:
        Whole numbers; None where a question had unequal n or a plan was curtailed, since the side
        with more responses would then seem to solve more.

    Raises:
        InputError: Impossible counts, or sides of different length.
    """
    before, after = checked_sides(before, after)
    if before.stops_early or after.stops_early or np.any(before.n != after.n):
        return None
    multiplicity = counts_of(counts, len(before.n))
    lost = multiplicity[(before.c > 0) & (after.c == 0)].sum()
    gained = multiplicity[(before.c == 0) & (after.c > 0)].sum()
    return Observed(int(lost), int(gained))
