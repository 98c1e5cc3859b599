"""Bounds for responses of which it is open whether they are right: all wrong, or all right.

Reads counts (fixed plans) or the outcomes of each question in the order they were drawn (curtailed
plans), gives counts with the unscored responses put in as wrong and as right, and from these the
ends that a figure's interval may reach. If responses go unscored because of what they say (a long
right answer that our verifier could not finish), a figure without them is biased, and only bounds
are honest: the low end of the interval of the pessimistic figure, the high end of the interval of
the optimistic one. The same holds for responses that exhausted the verifier: they are scored, as
wrong, so only the optimistic counts differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, Estimate, Plan
from liftmap.stats.passk import FloatArray, IntArray, checked_tally, pass_at_k

# Codes of outcomes.
RIGHT, WRONG, UNSCORED = 1, 0, -1
# Outcomes laid out at once: 16 MB of bytes.
_BLOCK = 16_000_000

# Gives each column of values (rows, columns) its mean with an interval. The same function makes the
# interval of the figure itself, so that weights, clusters and floors are the same.
Interval = Callable[[FloatArray], list[Estimate]]


class Extremes(NamedTuple):
    """One side's counts if all its unscored responses were wrong, and if all were right."""

    wrong: Counts
    right: Counts


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a figure may be once the unscored responses count.

    Attributes:
        least: The figure with every unscored response against it.
        greatest: The figure with every unscored response in its favour.
        low: Low end of the interval of `least`.
        high: High end of the interval of `greatest`.
    """

    least: float
    greatest: float
    low: float
    high: float


def extremes_of_counts(
    counts: Counts, unscored: ArrayLike, exhausted: ArrayLike | None = None
) -> Extremes | None:
    """The extremes of one side, as far as counts alone tell them.

    Args:
        counts: The scored responses.
        unscored: Shape (rows,): responses that could not be scored.
        exhausted: Shape (rows,): wrong responses that exhausted the verifier; none by default.

    Returns:
        The extremes. None under a curtailed plan with any such response: where a question would
        have stopped, had they counted otherwise, depends on the order (`extremes_of_orders`); from
        the counts alone there is no bound.

    Raises:
        InputError: Impossible counts.
    """
    n, c = checked_tally(counts.n, counts.c)
    failed = np.asarray(unscored, dtype=np.int64)
    if failed.shape != n.shape or np.any(failed < 0):
        raise InputError(
            "unscored must hold one number of responses, 0 or more, for each row.",
            seen=failed.tolist()[:5],
            remedy="Give the column of the tally.",
        )
    spent = np.zeros_like(n) if exhausted is None else np.asarray(exhausted, dtype=np.int64)
    if spent.shape != n.shape or np.any(spent < 0) or np.any(spent > n - c):
        raise InputError(
            "exhausted must hold one number of wrong responses, 0 to n - c, for each row.",
            seen=spent.tolist()[:5],
            remedy="Give the column of the tally.",
        )
    if not failed.any() and not spent.any():
        return Extremes(counts, counts)
    if isinstance(counts.plan, CurtailedPlan):
        return None
    asked = n + failed
    return Extremes(Counts(asked, c, counts.plan), Counts(asked, c + failed + spent, counts.plan))


def extremes_of_orders(
    question: ArrayLike, outcome: ArrayLike, questions: int, plan: Plan | None
) -> Extremes:
    """The extremes of one side, from all its responses in the order they were drawn.

    Under a curtailed plan the unscored responses are put in as wrong (or right), each question
    stops again where the plan says, and draws that it would then need but that were not made count
    as wrong (right) too. pass@k of a question never falls when one of its responses turns right, so
    the truth lies between.

    Args:
        question: Shape (responses,): question of each response, from 0, not decreasing.
        outcome: Shape (responses,): `RIGHT`, `WRONG` or `UNSCORED`, in the order of drawing within
            each question, the ones that were drawn again included. `UNSCORED` stands for those that
            exhausted the verifier too.
        questions: Number of questions.
        plan: How the responses were drawn; None is taken as fixed.

    Returns:
        The extremes, a row a question.

    Raises:
        InputError: Arrays that do not fit, an unknown outcome, or questions that are not in order.
    """
    asked, codes = np.asarray(question, dtype=np.int64), np.asarray(outcome, dtype=np.int64)
    known = asked.shape == codes.shape and asked.ndim == 1
    if not known or np.any(np.diff(asked) < 0) or not np.isin(codes, (1, 0, -1)).all():
        raise InputError(
            "Outcomes must be 1, 0 or -1 (right, wrong, unscored), question after question.",
            seen=(asked.shape, codes.shape),
            remedy="Sort the responses by question and by the order in which they were drawn.",
        )
    if len(asked) and (asked[0] < 0 or asked[-1] >= questions):
        raise InputError(
            "A response belongs to a question that there is not.",
            seen=int(asked[-1] if asked[0] >= 0 else asked[0]),
            remedy=f"Number the questions from 0 to {questions - 1}.",
        )
    if isinstance(plan, CurtailedPlan):
        wrong, right = (
            Counts(*_stopped_again(asked, codes == RIGHT, questions, plan, False), plan),
            Counts(*_stopped_again(asked, codes != WRONG, questions, plan, True), plan),
        )
        return Extremes(wrong, right)
    n = np.bincount(asked, minlength=questions)
    certain, possible = (
        np.bincount(asked[chosen], minlength=questions)
        for chosen in (codes == RIGHT, codes != WRONG)
    )
    return Extremes(Counts(n, certain, plan), Counts(n, possible, plan))


def pass_bounds(side: Extremes, ks: Sequence[int] | IntArray, interval: Interval) -> list[Bounds]:
    """Bounds of pass@k of one side at each k.

    Args:
        side: Its extremes.
        ks: Numbers of tries, each 1 to the least n (the cap under a curtailed plan).
        interval: Makes the interval of pass@k of one side from values (rows, ks).

    Returns:
        One record for each k.

    Raises:
        InputError: As in `passk.pass_at_k`.
    """
    return bounds(_pass(side.wrong, ks), _pass(side.right, ks), interval)


def pass_change_bounds(
    before: Extremes, after: Extremes, ks: Sequence[int] | IntArray, interval: Interval
) -> list[Bounds]:
    """Bounds of the change of pass@k, after minus before, at each k.

    Args:
        before: Extremes before.
        after: Extremes after, the same rows.
        ks: Numbers of tries.
        interval: Makes the interval of a change from values (rows, ks).

    Returns:
        One record for each k: the least change has the unscored right before and wrong after.

    Raises:
        InputError: As in `passk.pass_at_k`.
    """
    return bounds(
        _pass(after.wrong, ks) - _pass(before.right, ks),
        _pass(after.right, ks) - _pass(before.wrong, ks),
        interval,
    )


def bounds(least: FloatArray, greatest: FloatArray, interval: Interval) -> list[Bounds]:
    """The bounds of any mean over questions that only grows, or only falls, in each outcome.

    Args:
        least: Shape (rows, columns): values with every unscored response against the figure.
        greatest: The same with every one in its favour.
        interval: Makes the interval of the figure.

    Returns:
        One record for each column.
    """
    return [
        Bounds(one.estimate, other.estimate, one.low, other.high)
        for one, other in zip(interval(least), interval(greatest), strict=True)
    ]


def _pass(counts: Counts, ks: Sequence[int] | IntArray) -> FloatArray:
    return pass_at_k(counts.n, counts.c, ks, counts.plan)


def _stopped_again(
    question: IntArray, right: ArrayLike, questions: int, plan: CurtailedPlan, missing: bool
) -> tuple[IntArray, IntArray]:
    """Counts n and c where the plan stops each question, draws not made counting as `missing`."""
    flags = np.asarray(right, dtype=bool)
    ends = np.append(np.arange(plan.round_size, plan.cap, plan.round_size), plan.cap)
    first = np.searchsorted(question, np.arange(questions + 1))
    place = np.arange(len(question)) - first[question]
    n, c = np.empty(questions, dtype=np.int64), np.empty(questions, dtype=np.int64)
    size = max(1, _BLOCK // plan.cap)
    for start in range(0, questions, size):
        stop = min(start + size, questions)
        rows = slice(first[start], first[stop])
        within = place[rows] < plan.cap
        drawn = np.full((stop - start, plan.cap), missing)
        drawn[question[rows][within] - start, place[rows][within]] = flags[rows][within]
        # Right responses by the end of each round.
        begins = np.concatenate([[0], ends[:-1]])
        reached = np.add.reduceat(drawn, begins, axis=1, dtype=np.int64).cumsum(axis=1)
        enough = reached >= plan.stop_after
        enough[:, -1] = True
        last = enough.argmax(axis=1)
        n[start:stop] = ends[last]
        c[start:stop] = np.take_along_axis(reached, last[:, None], axis=1)[:, 0]
    return n, c
