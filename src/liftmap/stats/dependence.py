"""Are the responses independent draws? Facts that counts and texts give against it.

Reads counts of a side (or both) or the texts of its responses; each check gives a `Dependence` or
None. What every interval takes for granted is that the n responses to a question are n draws: the
same file twice, a deterministic decoder asked n times, each response counted twice, or a question
asked until it was solved break it without an error message.

A check speaks only where what it saw has a chance below `CHANCE` under independent draws. Each
chance is an upper bound *whatever* the success rates are, from what remains random once they are
conditioned away; `deterministic` alone, where nothing remains, rests on the stated assumption
`UNSURE`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, Plan
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.orders import log_choose
from liftmap.stats.passk import FloatArray, IntArray, checked_tally, distinct
from liftmap.stats.resampling import counts_of, labels_of

# A check speaks where its chance under independent draws is below this.
CHANCE = 0.001
# `deterministic` takes it that at least this share of questions, times 4 a (1-a) at accuracy a, has
# a success rate anywhere between 0 and 1 (evenly), however sure a model is of the others.
UNSURE = 0.05
# Success rates at which the greatest chance is looked for, even on the arcsine scale.
_RATES = np.sin(np.linspace(0, np.pi / 2, 402)[1:-1]) ** 2

Kind = Literal["same responses", "deterministic", "copies", "n by outcome"]


@dataclass(frozen=True, slots=True)
class Dependence:
    """What was seen that independent draws hardly ever show.

    Attributes:
        kind: "same responses": both sides have equal counts for every question. "deterministic":
            every question is answered always right or always wrong. "copies": n and c of every
            question in between are multiples of `copies`. "n by outcome": the questions with the
            fewest responses are never the unsolved ones.
        chance: The chance of it under independent draws, at most; below `CHANCE`.
        questions: How many questions it rests on.
        copies: How often each response seems to stand; None for the other kinds.
    """

    kind: Kind
    chance: float
    questions: int
    copies: int | None = None


def same_responses(
    before: Counts, after: Counts, counts: ArrayLike | None = None
) -> Dependence | None:
    """Whether the two sides are one and the same set of responses.

    Given the sum of both sides' counts, the chance that they are equal is hypergeometric, and
    greatest where the success rate did not change; under a curtailed plan it counts orders of
    drawing instead.

    Args:
        before: Counts before.
        after: Counts after, the same rows.
        counts: Shape (rows,): how many questions each row stands for; default one.

    Returns:
        The fact if all rows are equal and that is no chance; else None. The questions it rests on
        are those that are neither always right nor always wrong.

    Raises:
        InputError: Impossible counts.
    """
    n, c = checked_tally(before.n, before.c)
    n_after, c_after = checked_tally(after.n, after.c)
    times = counts_of(counts, len(n))
    if before.plan != after.plan or np.any(n != n_after) or np.any(c != c_after):
        return None
    rows = distinct(n, c)
    log_chances = (
        _log_equal_curtailed(rows.columns[0], rows.columns[1], before.plan)
        if isinstance(before.plan, CurtailedPlan)
        else 2 * log_choose(rows.columns[0], rows.columns[1])
        - log_choose(2 * rows.columns[0], 2 * rows.columns[1])
    )
    chance = float(np.exp(times @ log_chances[rows.inverse]))
    return _speaks(Dependence("same responses", chance, int(times[(c > 0) & (c < n)].sum())))


def deterministic(
    side: Counts, counts: ArrayLike | None = None, cluster: ArrayLike | None = None
) -> Dependence | None:
    """Whether a side was decoded without randomness, so that n responses are one.

    A model can be as sure of every question; so counts can't prove it. The chance given is that of
    seeing no question in between if as few as `UNSURE` of them were.

    Args:
        side: Its counts.
        counts: Shape (rows,): how many questions each row stands for; default one.
        cluster: Shape (rows,): labels; one question a cluster is counted, since questions of one
            source tend to be as sure as each other.

    Returns:
        The fact if every question with two responses or more is always right or always wrong and
        that is hardly chance; else None.

    Raises:
        InputError: Impossible counts.
    """
    n, c = checked_tally(side.n, side.c)
    times = counts_of(counts, len(n))
    several = (n > 1) & (times > 0)
    if not several.any() or np.any((c > 0) & (c < n) & several):
        return None
    n, c, times = n[several], c[several], times[several]
    accuracy = float(times @ (c > 0) / times.sum())
    if isinstance(side.plan, CurtailedPlan):
        rounds = -(-side.plan.stop_after // side.plan.round_size)
        earliest = min(rounds * side.plan.round_size, side.plan.cap)
        extreme: FloatArray = np.full(len(n), 1 / (earliest + 1) + 1 / (side.plan.cap + 1))
    else:
        extreme = 2 / (n + 1)
    logs = np.log1p(-UNSURE * 4 * accuracy * (1 - accuracy) * (1 - extreme))
    if cluster is not None:
        member = labels_of(np.asarray(cluster)[several], len(n))
        weight = np.bincount(member, weights=times)
        logs, times = np.bincount(member, weights=logs * times) / weight, np.ones(len(weight))
    chance = float(np.exp(times @ logs))
    return _speaks(Dependence("deterministic", chance, int(times.sum())))


def copies(side: Counts, counts: ArrayLike | None = None) -> Dependence | None:
    """Whether each response stands several times.

    Args:
        side: Its counts.
        counts: Shape (rows,): how many questions each row stands for; default one.

    Returns:
        The fact if a number above 1 divides n and c of every question that is neither always right
        nor always wrong and that is no chance; else None. The chance is, for a prime divisor, the
        product over those questions of the greatest chance, at any success rate, that c is a
        multiple; times the number of primes that divide every n.

    Raises:
        InputError: Impossible counts.
    """
    n, c = checked_tally(side.n, side.c)
    times = counts_of(counts, len(n))
    between = (c > 0) & (c < n) & (times > 0)
    if not between.any():
        return None
    n, c, times = n[between], c[between], times[between]
    divisor = int(np.gcd.reduce(np.concatenate([n, c])))
    if divisor == 1:
        return None
    sizes, place = np.unique(n, return_inverse=True)
    shown = np.bincount(place, weights=times)
    chances = []
    for prime in _primes(divisor):
        greatest = [_greatest_multiple(int(size), prime, side.plan) for size in sizes]
        chances.append(float(np.exp(shown @ np.log(greatest))))
    chance = min(1.0, min(chances) * len(_primes(int(np.gcd.reduce(n)))))
    return _speaks(Dependence("copies", chance, int(times.sum()), divisor))


def without_copies(side: Counts, copies: int) -> Counts:
    """The counts with each response standing once instead of `copies` times.

    Raises:
        InputError: Fewer than one copy, or counts that are not multiples of it.
    """
    n, c = checked_tally(side.n, side.c)
    if copies < 1 or np.any(n % copies) or np.any(c % copies):
        bad = int(np.argmax((n % copies > 0) | (c % copies > 0))) if copies >= 1 else 0
        raise InputError(
            "Every n and c must be a multiple of the number of copies.",
            seen={"copies": copies, "n": int(n[bad]), "c": int(c[bad])},
            remedy="Take a number that divides all of them, or leave copies out.",
        )
    return replace(side, n=n // copies, c=c // copies)


def n_by_outcome(
    side: Counts,
    unscored: ArrayLike | None = None,
    *,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Dependence | None:
    """Whether the number of responses depends on what came out, as it does under a curtailed plan.

    If n does not depend on outcomes, the unsolved questions are spread over the n at random, and
    rather more often where n is small. The chance that none of the `m` questions with fewer
    responses than any unsolved one is unsolved is then hypergeometric at most; it is multiplied by
    the number of values at which the line could have been drawn.

    Args:
        side: Its counts, with a plan that is fixed or unknown.
        unscored: Shape (rows,): responses that could not be scored; they were asked too.
        counts: Shape (rows,): how many questions each row stands for; default one.
        cluster: Shape (rows,): labels; a cluster is then one question, asked as often as its
            least asked one and unsolved if one of its questions is.

    Returns:
        The fact, or None; None under a curtailed plan, where n depends on outcomes as declared.

    Raises:
        InputError: Impossible counts.
    """
    n, c = checked_tally(side.n, side.c)
    times = counts_of(counts, len(n))
    if isinstance(side.plan, CurtailedPlan) or not len(n):
        return None
    asked = n if unscored is None else n + np.asarray(unscored, dtype=np.int64)
    unsolved = c == 0
    if cluster is not None:
        member = labels_of(cluster, len(n))
        least = np.full(int(member.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(least, member, asked)
        unsolved = np.bincount(member, weights=unsolved) > 0
        asked, times = least, np.ones(len(least))
    values = len(np.unique(asked))
    if values == 1 or not unsolved.any():
        return None
    total, failed = times.sum(), times[unsolved].sum()
    fewer = times[asked < asked[unsolved].min()].sum()
    log_chance = _log_choose(total - fewer, failed) - _log_choose(total, failed)
    chance = min(1.0, (values - 1) * float(np.exp(log_chance)))
    return _speaks(Dependence("n by outcome", chance, int(fewer)))


def _speaks(fact: Dependence) -> Dependence | None:
    return fact if fact.chance < CHANCE else None


def _log_choose(total: float, part: float) -> float:
    return float(
        special.gammaln(total + 1) - special.gammaln(part + 1) - special.gammaln(total - part + 1)
    )


def _primes(number: int) -> list[int]:
    """The primes that divide a number."""
    factors, factor = [], 2
    while factor * factor <= number:
        if number % factor == 0:
            factors.append(factor)
            while number % factor == 0:
                number //= factor
        factor += 1
    return [*factors, number] if number > 1 else factors


@cache
def _greatest_multiple(n: int, prime: int, plan: Plan | None) -> float:
    """The greatest chance, at any success rate, that c is a multiple, given n and 0 < c < n."""
    if isinstance(plan, CurtailedPlan):
        points = stopping_points(plan)
        here = (points.n == n) & (points.c > 0) & (points.c < n)
        right, log_paths = points.c[here], points.log_paths[here]
    else:
        right = np.arange(1, n)
        log_paths = log_choose(np.full(n - 1, n), right)
    logs = log_paths + np.log(_RATES)[:, None] * right + np.log1p(-_RATES)[:, None] * (n - right)
    chances = np.exp(logs - logs.max(axis=1, keepdims=True))
    share = chances[:, right % prime == 0].sum(axis=1) / chances.sum(axis=1)
    return float(min(1.0, 1.001 * share.max()))


def _log_equal_curtailed(n: IntArray, c: IntArray, plan: CurtailedPlan) -> FloatArray:
    """Log chance that both sides stop at (n, c), given the sums of n and of c."""
    points = stopping_points(plan)
    log_paths = np.full((plan.cap + 1, int(points.c.max()) + 1), -np.inf)
    log_paths[points.n, points.c] = points.log_paths
    out = np.empty(len(n))
    for row, (responses, right) in enumerate(zip(n.tolist(), c.tolist(), strict=True)):
        rest_n, rest_c = 2 * responses - points.n, 2 * right - points.c
        possible: NDArray[np.bool_] = (rest_n >= 0) & (rest_n <= plan.cap)
        possible &= (rest_c >= 0) & (rest_c < log_paths.shape[1])
        rest = log_paths[rest_n[possible], rest_c[possible]]
        every = special.logsumexp(points.log_paths[possible] + rest)
        out[row] = 2 * log_paths[responses, right] - every
    return out
