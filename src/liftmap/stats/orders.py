"""Counting the orders in which a question's responses can have come: halves without a seed.

Reads tallies, gives chances; `bins` and `transitions` split the before-responses with it. Given its
tally, every order of a question's right and wrong responses that the sampling plan allows is
equally likely, whatever its success rate. So the chance that the first `size` responses hold i
right ones, or that the k after those are all wrong, is a share of orders, and the average over all
splits of the responses is found without drawing one.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import special

from liftmap.errors import InputError
from liftmap.records import CurtailedPlan, Plan
from liftmap.stats.passk import FloatArray, IntArray


def block_sizes(n: IntArray, plan: Plan | None) -> IntArray:
    """How many responses of each question one side of a split holds.

    Args:
        n: Shape (questions,): scored responses.
        plan: How they were drawn; None is taken as fixed.

    Returns:
        Shape (questions,): n // 2 under a fixed plan. Under a curtailed plan, where the number of
        responses tells of their success, the one number that leaves two such blocks before any
        question can have stopped: half of the earliest stopping point, and below `stop_after`.

    Raises:
        InputError: A question with fewer than two responses, or a plan too short to split.
    """
    if isinstance(plan, CurtailedPlan):
        rounds = -(-plan.stop_after // max(plan.round_size, 1))
        earliest = min(rounds * plan.round_size, plan.cap)
        size = min(earliest // 2, plan.stop_after - 1)
        if size < 1:
            raise InputError(
                "This curtailed plan stops too early to set responses apart for binning.",
                seen=plan,
                remedy="Take a plan with stop_after of 2 or more, or bin without cross-fitting.",
            )
        return np.full(len(n), size)
    if len(n) and int(n.min()) < 2:
        row = int(np.argmin(n))
        raise InputError(
            f"Splitting responses needs two of every question; row {row} has fewer.",
            seen=int(n[row]),
            remedy="Leave this question out or draw more responses.",
        )
    return n // 2


def log_choose(total: IntArray, part: IntArray) -> FloatArray:
    """Natural log of C(total, part), minus infinity where there is no such choice; broadcasts."""
    possible = (part >= 0) & (part <= total)
    most = int(np.max(total, initial=0))
    factorials = special.gammaln(np.arange(max(most, 0) + 1) + 1.0)
    whole = np.where(possible, total, 0)
    some = np.where(possible, part, 0)
    logs = factorials[whole] - factorials[some] - factorials[whole - some]
    return np.where(possible, logs, -np.inf)


def log_orders(
    n: IntArray, c: IntArray, start: IntArray, right: IntArray, plan: Plan | None
) -> FloatArray:
    """Natural log of the number of orders that lead from a beginning to the tally.

    Args:
        n: Shape (rows, 1): scored responses.
        c: Shape (rows, 1): right responses.
        start: Shape (rows, 1): length of the beginning; under a curtailed plan one and the same
            in all rows, and no question may have stopped before it.
        right: Shape (rows, columns) or (1, columns): right responses in the beginning.
        plan: How the responses were drawn; None is taken as fixed.

    Returns:
        Shape (rows, columns); minus infinity where no order leads there.
    """
    if not isinstance(plan, CurtailedPlan):
        return log_choose(n - start, c - right)
    begin = int(start.flat[0])
    table = _curtailed_table(plan, begin, max(int(right.max()), 0))
    possible = (right >= 0) & (c < table.shape[2]) & (n <= plan.cap)
    logs: FloatArray = table[
        np.where(right >= 0, right, 0), np.where(possible, n, 0), np.where(possible, c, 0)
    ]
    return np.where(possible, logs, -np.inf)


def log_orders_in_all(n: IntArray, c: IntArray, plan: Plan | None) -> FloatArray:
    """Natural log of the number of orders of each tally; arguments and shape as in `log_orders`.

    Raises:
        InputError: A tally that the plan can't give.
    """
    nothing = np.zeros((1, 1), dtype=np.int64)
    logs = log_orders(n, c, nothing, nothing, plan)
    if np.any(np.isneginf(logs)):
        row = int(np.argmin(logs))
        raise InputError(
            "A question's counts cannot come from the sampling plan of its tally.",
            seen={"n": int(n.flat[row]), "c": int(c.flat[row]), "plan": plan},
            remedy="Check the plan; responses left unscored must have been drawn again.",
        )
    return logs


@lru_cache(maxsize=8)
def _curtailed_table(plan: CurtailedPlan, start: int, most_right: int) -> FloatArray:
    """Log numbers of orders from each beginning to each stopping point.

    Args:
        plan: The curtailed plan.
        start: Length of the beginning.
        most_right: Beginnings with 0 to this many right responses are followed.

    Returns:
        Shape (most_right + 1, cap + 1, counts): at [a, n, c] the log number of orders that stop
        at (n, c) after a beginning of `start` responses with a right ones.
    """
    counts = max(plan.stop_after + plan.round_size, most_right + 1)
    table = np.full((most_right + 1, plan.cap + 1, counts), -np.inf)
    running = np.where(np.arange(counts) == np.arange(most_right + 1)[:, None], 0.0, -np.inf)
    for drawn in range(start, plan.cap + 1):
        if drawn == plan.cap:
            table[:, drawn] = running
        elif drawn > 0 and drawn % plan.round_size == 0:
            table[:, drawn, plan.stop_after :] = running[:, plan.stop_after :]
            running[:, plan.stop_after :] = -np.inf
        one_more_right = np.hstack([np.full((len(running), 1), -np.inf), running[:, :-1]])
        running = np.logaddexp(running, one_more_right)
    table.flags.writeable = False
    return table
