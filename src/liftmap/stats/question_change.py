"""Whether one question changed: an exact test of its success rate before against after.

Reads counts of both sides, gives a p-value per question, from that question's own responses alone;
`comparison.questions` tells which survive a correction for how many there are. The success rates
themselves come from `passk.accuracy`, which knows the plan.

- Fixed plans: Fisher's exact test, given the number of right responses on both sides together.
- A curtailed plan ties n to the outcomes, and given the sums of n and of c hardly anything is left
  at random (8 of 8 against 0 of 256 has one other order, its mirror image). So the test is
  unconditional: outcomes are ranked by the likelihood ratio of "two rates" to "one rate", in which
  the plan cancels, and the p-value is the greatest chance, at any common success rate, of an
  outcome that ranks as high (Barnard 1947, doi 10.1093/biomet/34.1-2.123).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, Plan
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.orders import log_choose
from liftmap.stats.passk import FloatArray, IntArray, checked_tally, distinct

# Numbers held at once while chances run over counts: 16 MB of float64.
_BLOCK = 2_000_000
# Success rates tried for each standard error of c/n, and what the greatest chance may lie above the
# greatest of those.
_RATES_PER_ERROR = 6
_BETWEEN_RATES = 1.005
# Outcomes that are rarer than this on one side are not ranked.
_NEVER = 1e-13


class _Outcomes(NamedTuple):
    """All that one question can show on one side; each array is (outcomes,)."""

    n: IntArray
    c: IntArray
    log_paths: FloatArray


def change_p_values(before: Counts, after: Counts) -> FloatArray:
    """Two-sided p-values of "this question's success rate is the same on both sides".

    Args:
        before: Counts before.
        after: Counts after, the same questions.

    Returns:
        Shape (rows,), in (0, 1]. Each holds its level at any success rate, under either plan.

    Raises:
        InputError: Impossible counts, sides of different length, or counts that a curtailed plan
            can't produce.
    """
    sides = checked_tally(before.n, before.c), checked_tally(after.n, after.c)
    if len(sides[0][0]) != len(sides[1][0]):
        raise InputError(
            "Before and after must be the same questions.",
            seen=(len(sides[0][0]), len(sides[1][0])),
            remedy="Match the questions by id first.",
        )
    rows = distinct(*sides[0], *sides[1])
    n0, c0, n1, c1 = rows.columns
    plans = before.plan, after.plan
    if not any(isinstance(plan, CurtailedPlan) for plan in plans):
        return _fisher(n0, c0, n1, c1)[rows.inverse]
    # Under a fixed plan n is given, so each n has a table of its own.
    given = [
        np.zeros_like(n) if isinstance(plan, CurtailedPlan) else n
        for n, plan in zip((n0, n1), plans, strict=True)
    ]
    tables = distinct(*given)
    p_values = np.empty(len(n0))
    for table in range(len(tables.counts)):
        here = np.flatnonzero(tables.inverse == table)
        outcomes = [
            _outcomes(int(column[table]), plan)
            for column, plan in zip(tables.columns, plans, strict=True)
        ]
        places = [
            _places(side, n[here], c[here])
            for side, n, c in zip(outcomes, (n0, n1), (c0, c1), strict=True)
        ]
        p_values[here] = _unconditional(outcomes[0], outcomes[1], places[0], places[1])
    return p_values[rows.inverse]


def false_discovery_rates(p_values: FloatArray, dependent: bool = False) -> FloatArray:
    """The least share of false discoveries at which each question would be listed (q values).

    Args:
        p_values: Shape (questions,), in [0, 1].
        dependent: Whether questions may depend on each other in any way, as those of a cluster do:
            Benjamini and Yekutieli (2001, doi 10.1214/aos/1013699998); else Benjamini and Hochberg
            (1995, doi 10.1111/j.2517-6161.1995.tb02031.x).

    Returns:
        Shape (questions,), in [0, 1], none below its p-value.
    """
    number = len(p_values)
    ranks = np.arange(1, number + 1)
    order = np.argsort(p_values, kind="stable")
    harmonic = float((1 / ranks).sum()) if dependent else 1.0
    scaled = p_values[order] * number * harmonic / ranks
    rates = np.empty(number)
    # No question has a larger value than one with a larger p-value.
    rates[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return rates


def _fisher(n0: IntArray, c0: IntArray, n1: IntArray, c1: IntArray) -> FloatArray:
    """Fisher's exact test of each row: the chance, given its margins, of a table no likelier."""
    p_values = np.empty(len(n0))
    counts = np.arange(int(n0.max(initial=0)) + 1)
    step = max(1, _BLOCK // len(counts))
    for start in range(0, len(n0), step):
        block = slice(start, start + step)
        size, right, size1, right1 = (column[block, None] for column in (n0, c0, n1, c1))
        total = right + right1
        chances = np.exp(
            log_choose(size, counts)
            + log_choose(size1, total - counts)
            - log_choose(size + size1, total)
        )
        seen = np.take_along_axis(chances, right, axis=1)
        # Equal chances differ in the last digits.
        p_values[block] = np.where(chances <= seen * (1 + 1e-7), chances, 0).sum(axis=1)
    return np.minimum(p_values, 1.0)


def _outcomes(n: int, plan: Plan | None) -> _Outcomes:
    if isinstance(plan, CurtailedPlan):
        points = stopping_points(plan)
        return _Outcomes(points.n, points.c, points.log_paths)
    right = np.arange(n + 1)
    size = np.full(n + 1, n)
    return _Outcomes(size, right, log_choose(size, right))


def _places(outcomes: _Outcomes, n: IntArray, c: IntArray) -> IntArray:
    """Where counts stand among the outcomes."""
    base = int(max(n.max(), outcomes.n.max())) + 1
    keys = outcomes.n * base + outcomes.c
    order = np.argsort(keys)
    place = np.minimum(np.searchsorted(keys[order], n * base + c), len(keys) - 1)
    foreign = np.flatnonzero(keys[order][place] != n * base + c)
    if len(foreign):
        raise InputError(
            "The curtailed plan never stops at these counts.",
            seen={"n": int(n[foreign[0]]), "c": int(c[foreign[0]])},
            remedy="Check the plan of the tally; rounds must count scored responses only.",
        )
    chosen: IntArray = order[place]
    return chosen


def _unconditional(
    before: _Outcomes, after: _Outcomes, row: IntArray, column: IntArray
) -> FloatArray:
    """The p-value of each pair (row, column) of outcomes."""
    ratios = _log_ratios(before, after)
    # Ratios that are equal by symmetry differ in the last digits.
    limits, limit = np.unique(ratios[row, column] - 1e-9, return_inverse=True)
    reaches = np.searchsorted(limits, ratios, side="right")
    most = int(max(before.n.max(), after.n.max()))
    steps = 2 + int(_RATES_PER_ERROR * np.pi * np.sqrt(most))
    greatest = np.zeros(len(limits))
    for rate in np.sin(np.linspace(0, np.pi / 2, steps)[1:-1]) ** 2:
        chances, likely = [], []
        for side in (before, after):
            logs = side.c * np.log(rate) + (side.n - side.c) * np.log1p(-rate)
            chance = np.exp(side.log_paths + logs)
            likely.append(np.flatnonzero(chance > _NEVER))
            chances.append(chance[likely[-1]])
        joint = np.outer(*chances)
        mass = np.bincount(
            reaches[np.ix_(*likely)].ravel(), weights=joint.ravel(), minlength=len(limits) + 1
        )
        # Outcomes that are left out count as if they ranked highest.
        reached = np.maximum(1 - joint.sum(), 0) + mass[::-1].cumsum()[::-1][1:]
        np.maximum(greatest, reached, out=greatest)
    return np.minimum(greatest * _BETWEEN_RATES, 1.0)[limit]


def _log_ratios(before: _Outcomes, after: _Outcomes) -> FloatArray:
    """Log likelihood ratio of two rates to one: (outcomes before, outcomes after), 0 or more."""
    n, c = before.n[:, None] + after.n, before.c[:, None] + after.c
    own = [_log_likelihood(side.n, side.c) for side in (before, after)]
    ratios: FloatArray = own[0][:, None] + own[1] - _log_likelihood(n, c)
    return np.maximum(ratios, 0)


def _log_likelihood(n: IntArray, c: IntArray) -> FloatArray:
    """Greatest log-likelihood of c right of n."""
    log_likelihood: FloatArray = special.xlogy(c, c / n) + special.xlogy(n - c, (n - c) / n)
    return log_likelihood
