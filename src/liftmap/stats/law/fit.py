"""The joint law of (p_before, p_after) over questions, and the law of p on one side.

Reads the distinct pairs of `counts`, gives weights on a grid over [0,1]^2; `estimates` and
`identification` say what the weights mean. The law is the nonparametric maximum-likelihood estimate
(Kiefer and Wolfowitz 1956, doi 10.1214/aoms/1177728066; Laird 1978, doi 10.1080/
01621459.1978.10480103) by EM (`climb`).

The likelihood is nearly flat in many directions: laws that the data can't tell apart say different
things about p below 1/n. EM starts from equal weights on the grid and so ends at a spread-out law
among them; `identification` says how far the others reach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from liftmap.errors import InputError
from liftmap.records import Counts, Plan
from liftmap.stats.law.climb import climb_pairs, climb_tables
from liftmap.stats.law.counts import PairCounts, grouped, pair_counts
from liftmap.stats.passk import FloatArray, IntArray, checked_tally

# Grid points below 3 right responses of n, in responses of n.
_LOW = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
# Beyond this cost of one EM round (cells of its tables) neighbouring counts are put together.
_LARGE = 200_000
# Exact counts are put together to so many standard errors where a law is fitted many times.
REFIT_ERRORS = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class JointLaw:
    """How success rates before and after are spread over questions, jointly.

    Attributes:
        grid_before: Shape (points before,): success rates in [0, 1], increasing, with 0 and 1.
        grid_after: Shape (points after,): the same after.
        weights: Shape (points before, points after): share of questions, 0 or more, sum 1.
        questions: Number of questions that the law was fitted to.
        log_likelihood: Natural log of the chance of the counts as fitted (of groups of counts,
            where those were fitted), summed over questions.
    """

    grid_before: FloatArray
    grid_after: FloatArray
    weights: FloatArray
    questions: int
    log_likelihood: float


@dataclass(frozen=True, slots=True, eq=False)
class MarginalLaw:
    """How success rates of one model are spread over questions.

    Attributes:
        grid: Shape (points,): success rates in [0, 1], increasing, with 0 and 1.
        weights: Shape (points,): share of questions, 0 or more, sum 1.
        questions: Number of questions that the law was fitted to.
        log_likelihood: As in `JointLaw`.
    """

    grid: FloatArray
    weights: FloatArray
    questions: int
    log_likelihood: float


def law_grid(n: int) -> FloatArray:
    """Success rates that hold 0 and 1, about one standard error of c/n apart, denser near 0.

    Args:
        n: Responses to a question, 1 or more.

    Returns:
        Shape (points,), increasing; 41 to 73 points.
    """
    # The arcsine scale has the same standard error, 1 / (2 sqrt n), everywhere.
    points = int(np.clip(np.ceil(2.8 * np.sqrt(n)), 33, 65))
    even = np.sin(np.linspace(0, np.pi / 2, points)) ** 2
    low = np.array(_LOW) / n
    grid = np.unique(np.concatenate([even, low[low < 1]]))
    grid[0], grid[-1] = 0.0, 1.0
    return grid


def fit_joint_law(
    pairs: PairCounts,
    *,
    grid_before: FloatArray | None = None,
    grid_after: FloatArray | None = None,
    start: FloatArray | None = None,
    rounds: int = 400,
) -> JointLaw:
    """The joint law by maximum likelihood.

    Args:
        pairs: The counts, exact or binned.
        grid_before: Success rates before; default `law_grid` of the largest n.
        grid_after: Success rates after; default the same.
        start: Shape (points before, points after): weights to begin from, where a weight of 0
            stays 0; default equal weights.
        rounds: EM rounds at most; it ends earlier when ten rounds gain less than 0.01 in
            log-likelihood.

    Returns:
        The law. Where one round would cost too much (n above some 450, or a great many different
        n), neighbouring counts are put together to at most half a standard error first.

    Raises:
        InputError: A grid outside [0, 1], or on which some pair is impossible, or a start that
            does not fit the grids.
    """
    before = law_grid(int(pairs.before.n.max())) if grid_before is None else grid_before
    after = law_grid(int(pairs.after.n.max())) if grid_after is None else grid_after
    if _cost(pairs) > _LARGE and pairs.pair_of_question is not None:
        pairs = error_groups(pairs, 0.5)[0]
    tables = pairs.before.likelihood(before), pairs.after.likelihood(after)
    shape = (len(before), len(after))
    weights = np.full(shape, 1 / np.prod(shape)) if start is None else start / start.sum()
    if weights.shape != shape or np.any(weights < 0):
        raise InputError(
            "The weights to begin from must be 0 or more, one for each pair of grid points.",
            seen=weights.shape,
            remedy=f"Give an array of shape {shape}.",
        )
    weights, log_likelihood = climb_pairs(pairs, tables, weights, rounds)
    return JointLaw(before, after, weights, pairs.questions, log_likelihood)


def refit_laws(
    pairs: PairCounts, law: JointLaw, weights: ArrayLike, *, rounds: int = 60
) -> tuple[JointLaw, ...]:
    """The law refitted to bootstrap resamples of the questions, from the fitted law on.

    Args:
        pairs: The counts that the law was fitted to.
        law: The fitted law; each refit begins there, with a tenth of the mass spread evenly so
            that no point is shut out.
        weights: Shape (resamples, pairs) or (resamples, questions): how many questions each row
            stands for in each resample (`intervals.bootstrap_weights`; with clusters, of the
            questions).
        rounds: EM rounds at most, per resample.

    Returns:
        One law per resample. Exact counts are put together to at most one standard error, which
        leaves the spread of the law's figures as it is and makes refits several times faster.

    Raises:
        InputError: Weights with another number of columns, or a resample without questions.
    """
    draws = np.asarray(weights)
    question = pairs.pair_of_question
    if draws.ndim != 2 or draws.shape[1] not in (
        len(pairs.counts),
        -1 if question is None else len(question),
    ):
        raise InputError(
            "Bootstrap weights must have one column for each pair or each question.",
            seen=draws.shape,
            remedy=f"Draw them for {len(pairs.counts)} pairs with bootstrap_weights.",
        )
    group = np.arange(len(pairs.counts))
    if question is not None:
        pairs, group = error_groups(pairs, REFIT_ERRORS)
        if draws.shape[1] != len(group):
            group = group[question]
    tables = pairs.before.likelihood(law.grid_before), pairs.after.likelihood(law.grid_after)
    start = 0.9 * law.weights + 0.1 / law.weights.size
    counts = np.zeros((len(draws), pairs.before.rows, pairs.after.rows))
    for table, draw in zip(counts, draws, strict=True):
        table[pairs.before_row, pairs.after_row] = np.bincount(
            group, weights=draw, minlength=len(pairs.counts)
        )
    if not np.all(counts.any(axis=(1, 2))):
        raise InputError(
            "A bootstrap resample holds no question.",
            seen=0.0,
            remedy="Draw the weights with bootstrap_weights.",
        )
    laws, log_likelihoods = climb_tables(counts, tables, start, rounds)
    return tuple(
        replace(law, weights=weights, log_likelihood=log_likelihood)
        for weights, log_likelihood in zip(laws, log_likelihoods.tolist(), strict=True)
    )


def fit_marginal_law(
    n: ArrayLike,
    c: ArrayLike,
    *,
    plan: Plan | None = None,
    grid: FloatArray | None = None,
    rounds: int = 2000,
) -> MarginalLaw:
    """The law of p of one model by maximum likelihood.

    Args:
        n: Shape (questions,): scored responses, 1 or more.
        c: Shape (questions,): right responses.
        plan: How the responses were drawn; None is taken as fixed.
        grid: Success rates; default `law_grid` of the largest n.
        rounds: EM rounds at most.

    Returns:
        The law.

    Raises:
        InputError: No question, impossible counts, or a question without a scored response.
    """
    # Before and after the same, the second side with a grid of one point that says nothing.
    responses, right = checked_tally(n, c)
    nothing = np.ones_like(responses)
    pairs = pair_counts(Counts(responses, right, plan), Counts(nothing, nothing))
    law = fit_joint_law(pairs, grid_before=grid, grid_after=np.ones(1), rounds=rounds)
    return MarginalLaw(law.grid_before, law.weights[:, 0], law.questions, law.log_likelihood)


def error_groups(pairs: PairCounts, errors: float) -> tuple[PairCounts, IntArray]:
    """Exact counts put together to at most so many standard errors of c; see `grouped`."""
    return grouped(
        pairs, *(_error_starts(int(s.n.max()), errors) for s in (pairs.before, pairs.after))
    )


def _error_starts(n: int, errors: float) -> IntArray:
    starts = [0]
    while starts[-1] <= n:
        p = (starts[-1] + 0.5) / (n + 1)
        starts.append(starts[-1] + max(1, int(errors * np.sqrt(n * p * (1 - p)))))
    return np.array(starts[:-1])


def _cost(pairs: PairCounts) -> int:
    """What one EM round costs, in cells; the smaller of the dense and the sparse way."""
    return min(pairs.before.rows * pairs.after.rows, 16 * len(pairs.counts))
