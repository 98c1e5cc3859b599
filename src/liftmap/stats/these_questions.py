"""Estimates on these very questions: other responses could have been drawn, not other questions.

Beside `intervals`, which asks about questions like these: nobody draws thirty other questions of a
yearly contest. Reads the counts of both sides, gives pass@k before, after and its change with
intervals that cover the drawing of responses alone, in the form that `verdict.conclude` takes.

**The variance.** A_k, the share of orders of drawing that begin with k wrong responses, estimates
(1-p)^k without bias, and A_2k its square. So A_k^2 - A_2k estimates the variance of A_k, and of
pass@k, without bias, for k up to half of the responses; for k = 1 under a fixed plan it is
c(n-c) / (n^2 (n-1)). Under a curtailed plan A_k = F_k/T (see `curtailed`), and the same holds for
2k up to the cap. Questions answered all right or all wrong show no variance; so each side counts at
least what one question with a single right response gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Change, Counts, CurtailedPlan, Estimate, MirroredPlan
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.passk import FloatArray, IntArray, checked_ks, fail_at_k, mirrored
from liftmap.stats.resampling import clipped, counts_of
from liftmap.stats.verdict import MeasuredChange

# Below so many responses the variance is known too badly: intervals of 95 % hold 62 to 85 %.
LEAST_RESPONSES = 8


def most_tries(before: Counts, after: Counts) -> int | None:
    """The most tries k that have a variance: half of the least n; None where n is below 8.

    This is the k of capability on these questions, below that on questions like these.
    """
    most = min(_most(before), _most(after))
    return None if most < LEAST_RESPONSES else most // 2


def changes_on_these_questions(
    ks: Sequence[int] | IntArray,
    before: Counts,
    after: Counts,
    *,
    counts: ArrayLike | None = None,
    level: float = 0.95,
) -> list[MeasuredChange] | None:
    """pass@k before, after, and its change on the questions that were asked.

    Args:
        ks: Numbers of tries, each 1 or more and at most `most_tries`.
        before: The counts before; rows are questions, or stand for `counts` of them.
        after: The counts after, the same rows.
        counts: Shape (rows,): how many questions each row stands for; default one.
        level: Chance that an interval holds what many more responses to the same questions would
            show.

    Returns:
        One record for each k. Its `spread` is per response: with it `verdict.conclude` says how
        many responses to each question are needed. None where a question has too few responses.

    Raises:
        InputError: Impossible counts, sides that do not fit, k too large, or a level that is not
            between 0 and 1.
    """
    tries = checked_ks(ks)
    if len(before.n) != len(after.n) or not len(before.n):
        raise InputError(
            "Before and after must be the same questions, at least one.",
            seen=(len(before.n), len(after.n)),
            remedy="Match the questions by id first.",
        )
    if not 0 < level < 1:
        raise InputError(
            "The level of an interval lies between 0 and 1.", seen=level, remedy="Try 0.95."
        )
    most = most_tries(before, after)
    if most is None:
        return None
    if len(tries) and int(tries.max()) > most:
        raise InputError(
            "On these questions k is at most half of the responses.",
            seen={"k": int(tries.max()), "most": most},
            remedy=f"Take a k up to {most}.",
        )
    multiplicity = counts_of(counts, len(before.n))
    sides = [_side(side, tries, multiplicity) for side in (before, after)]
    reach = float(special.ndtri((1 + level) / 2))
    responses = min(_typical(side, multiplicity) for side in (before, after))
    changes = []
    for at, k in enumerate(tries.tolist()):
        first, second = ((side.mean[at], np.sqrt(side.variance[at])) for side in sides)
        error = float(np.hypot(first[1], second[1]))
        figure = Change(
            _estimate(*first, reach, 0.0),
            _estimate(*second, reach, 0.0),
            _estimate(second[0] - first[0], error, reach, -1.0),
        )
        spread = error * float(np.sqrt(responses))
        changes.append(MeasuredChange(k, figure, spread=spread, unit=0.0))
    return changes


def conditional_variance(side: Counts, ks: Sequence[int] | IntArray) -> FloatArray:
    """The variance of each question's pass@k over the drawing of its responses, without bias.

    Args:
        side: The counts of one side.
        ks: Numbers of tries, each 1 or more, 2k at most every n (under a curtailed plan: the cap).

    Returns:
        Shape (rows, ks): A_k^2 - A_2k; single values can lie below 0.

    Raises:
        InputError: Impossible counts, or k too large.
    """
    tries = checked_ks(ks)
    once = fail_at_k(side.n, side.c, tries, side.plan)
    return once**2 - fail_at_k(side.n, side.c, 2 * tries, side.plan)


@dataclass(frozen=True, slots=True)
class _Side:
    """pass@k of one side and the variance of its mean, both (ks,)."""

    mean: FloatArray
    variance: FloatArray


def _side(side: Counts, ks: IntArray, multiplicity: FloatArray) -> _Side:
    total = multiplicity.sum()
    solved = 1 - fail_at_k(side.n, side.c, ks, side.plan)
    variance = multiplicity @ conditional_variance(side, ks)
    least = conditional_variance(_one_right(side), ks).max(axis=0)
    return _Side(multiplicity @ solved / total, np.maximum(variance, least) / total**2)


def _one_right(side: Counts) -> Counts:
    """Where a question with a single right response can stand."""
    if isinstance(side.plan, MirroredPlan):
        return mirrored(_one_wrong(side.plan))
    if isinstance(side.plan, CurtailedPlan):
        points = stopping_points(side.plan)
        single = points.c == 1
        return Counts(points.n[single], points.c[single], side.plan)
    return Counts(np.array([side.n.min()]), np.array([1]), side.plan)


def _one_wrong(mirror: MirroredPlan) -> Counts:
    """Where a question with a single wrong response can stand."""
    plan = CurtailedPlan(mirror.stop_after, mirror.cap, mirror.round_size)
    points = stopping_points(plan)
    single = points.n - points.c == 1
    return Counts(points.n[single], points.c[single], plan)


def _most(side: Counts) -> int:
    """The most tries that every question supports."""
    if not len(side.n):
        return 0
    return side.plan.tries(side.n) if side.plan else int(side.n.min())


def _typical(side: Counts, multiplicity: FloatArray) -> float:
    """Responses to a question: the harmonic mean; under a curtailed plan, the cap."""
    if isinstance(side.plan, CurtailedPlan):
        return float(side.plan.cap)
    return float(1 / np.average(1 / side.n, weights=multiplicity))


def _estimate(value: float, error: float, reach: float, lowest: float) -> Estimate:
    return clipped(
        Estimate(float(value), float(value - reach * error), float(value + reach * error)), lowest
    )
