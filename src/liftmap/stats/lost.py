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
from liftmap.records import CurtailedPlan, Estimate, Plan
from liftmap.stats.intervals import IntervalOptions, ratios
from liftmap.stats.mcnemar import mcnemar as mcnemar
from liftmap.stats.passk import FloatArray, checked_tally, fail_at_k
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


def losses(
    n_before: ArrayLike,
    c_before: ArrayLike,
    n_after: ArrayLike,
    c_after: ArrayLike,
    k: int | None = None,
    plans: tuple[Plan | None, Plan | None] = (None, None),
) -> Losses:
    """What each question adds to the numbers lost and gained at k tries, without bias.

    With A_k = C(n-c, k) / C(n, k), the estimate that k responses are all wrong: lost is
    (1 - A_k before) A_k after, gained the reverse. Drawing twice from the model before gives
    A_k - A_2k, all taken before, for either.

    Args:
        n_before: Shape (questions,): scored responses before.
        c_before: Shape (questions,): right ones of them.
        n_after: Shape (questions,): scored responses after, the same questions.
        c_after: Shape (questions,): right ones of them.
        k: Number of tries, 2k at most the least n before (under a curtailed plan: its cap) and k
            at most the least n after. Default: half of the least n on either side.
        plans: How the responses before and after were drawn; None is taken as fixed.

    Returns:
        One value of each kind for each question.

    Raises:
        InputError: Impossible counts, no question, sides of different length, or k too large.
    """
    before, after = checked_tally(n_before, c_before), checked_tally(n_after, c_after)
    if len(before[0]) != len(after[0]) or not len(before[0]):
        raise InputError(
            "Before and after must be the same questions, at least one.",
            seen=(len(before[0]), len(after[0])),
            remedy="Match the questions by id first.",
        )
    most = [
        plan.cap if isinstance(plan, CurtailedPlan) else int(n.min())
        for (n, _), plan in zip((before, after), plans, strict=True)
    ]
    tries = min(most) // 2 if k is None else k
    if tries < 1 or 2 * tries > most[0] or tries > most[1]:
        raise InputError(
            "Lost and gained questions at k need 2k responses before and k after.",
            seen={"k": tries, "n before": most[0], "n after": most[1]},
            remedy="Take a k of at most half of n.",
        )
    once, twice = fail_at_k(*before, [tries, 2 * tries], plans[0]).T
    failed_after = fail_at_k(*after, [tries], plans[1])[:, 0]
    return Losses(
        tries,
        lost=(1 - once) * failed_after,
        gained=once * (1 - failed_after),
        noise=once - twice,
    )


def lost_gained(
    n_before: ArrayLike,
    c_before: ArrayLike,
    n_after: ArrayLike,
    c_after: ArrayLike,
    k: int | None = None,
    *,
    plans: tuple[Plan | None, Plan | None] = (None, None),
    **options: Unpack[IntervalOptions],
) -> LostGained:
    """Numbers of questions lost and gained at k tries, what noise alone gives, and the excess.

    The estimates are sums over questions of `losses`. A lost question is rare, so few of them
    would make intervals too short: they count pseudo-questions besides, for numbers one that is
    lost and one that is not, for the excess one lost and one gained.

    Args:
        n_before: Shape (questions,): scored responses before.
        c_before: Shape (questions,): right ones of them.
        n_after: Shape (questions,): scored responses after, the same questions.
        c_after: Shape (questions,): right ones of them.
        k: As in `losses`; default half of the least n.
        plans: How the responses before and after were drawn; None is taken as fixed.
        **options: weights, counts, cluster and level, as in `intervals.mean`.

    Returns:
        Numbers of questions with intervals.

    Raises:
        InputError: As in `losses`; fewer than two questions (or clusters).
    """
    each = losses(n_before, c_before, n_after, c_after, k, plans)
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


def observed(
    n_before: ArrayLike,
    c_before: ArrayLike,
    n_after: ArrayLike,
    c_after: ArrayLike,
    counts: ArrayLike | None = None,
    plans: tuple[Plan | None, Plan | None] = (None, None),
) -> Observed | None:
    """How many questions had a right response before and none after, and the reverse.

    Args:
        n_before: Shape (rows,): scored responses before.
        c_before: Shape (rows,): right ones of them.
        n_after: Shape (rows,): scored responses after, the same questions.
        c_after: Shape (rows,): right ones of them.
        counts: Shape (rows,): how many questions each row stands for; default one.
        plans: How the responses before and after were drawn; None is taken as fixed.

    Returns:
        Whole numbers; None where a question had unequal n or a plan was curtailed, since the side
        with more responses would then seem to solve more.

    Raises:
        InputError: Impossible counts, or sides of different length.
    """
    before, after = checked_tally(n_before, c_before), checked_tally(n_after, c_after)
    curtailed = any(isinstance(plan, CurtailedPlan) for plan in plans)
    if len(before[0]) != len(after[0]):
        raise InputError(
            "Before and after must be the same questions.",
            seen=(len(before[0]), len(after[0])),
            remedy="Match the questions by id first.",
        )
    if curtailed or np.any(before[0] != after[0]):
        return None
    multiplicity = counts_of(counts, len(before[0]))
    lost = multiplicity[(before[1] > 0) & (after[1] == 0)].sum()
    gained = multiplicity[(before[1] == 0) & (after[1] > 0)].sum()
    return Observed(int(lost), int(gained))
