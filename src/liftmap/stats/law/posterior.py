"""What one question's counts say of its success rate, once the law of all questions is known.

Beside `estimates`: reads counts of one model and a `MarginalLaw` of `fit`, gives the posterior of
each question's rate, and numbers of questions out of it. A question with 0 of 8 right is rarely
one of rate 0 where most questions are solved now and then: c/n moves towards the other questions by
as much as chance has moved it away (regression to the mean; empirical Bayes, Robbins 1956).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Counts, Estimate
from liftmap.stats.intervals import bootstrap_weights
from liftmap.stats.law.counts import PairCounts, pair_counts
from liftmap.stats.law.estimates import share_below
from liftmap.stats.law.fit import JointLaw, MarginalLaw, fit_marginal_law, refit_laws
from liftmap.stats.law.identification import limits_of_side, profile_tolerance
from liftmap.stats.law.measures import MeasureOfSide
from liftmap.stats.passk import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class LawOfRates:
    """The law of one model's success rates with its refits to resamples of the questions.

    Attributes:
        pairs: The counts that it was fitted to; the side after says nothing.
        n: Shape (pairs,): scored responses of each distinct pair of counts.
        c: Shape (pairs,): right ones.
        law: The law of greatest likelihood.
        refits: The same refitted to each resample.
    """

    pairs: PairCounts
    n: IntArray
    c: IntArray
    law: MarginalLaw
    refits: tuple[MarginalLaw, ...]

    @property
    def rates(self) -> FloatArray:
        """Shape (questions,): the posterior mean of each question's success rate."""
        assert self.pairs.pair_of_question is not None
        means: FloatArray = posterior(self.n, self.c, self.law) @ self.law.grid
        return means[self.pairs.pair_of_question]


def law_of_rates(
    counts: Counts,
    *,
    resamples: int,
    rng: np.random.Generator,
    cluster: ArrayLike | None = None,
) -> LawOfRates:
    """Fits the law of one model's success rates, and refits it to resamples of the questions.

    Args:
        counts: A row a question, each n 1 or more.
        resamples: Number of refits, 2 or more.
        rng: Source of all randomness.
        cluster: Shape (questions,): labels; whole clusters are drawn.

    Returns:
        The law and its refits.

    Raises:
        InputError: Impossible counts, or a question without a scored response.
    """
    law = fit_marginal_law(counts.n, counts.c, plan=counts.plan)
    # The second side says nothing: one response, right for certain.
    nothing = np.ones_like(counts.n)
    pairs = pair_counts(counts, Counts(nothing, nothing))
    if cluster is None:
        numbers = pairs.counts.astype(np.int64)
        weights = bootstrap_weights(len(numbers), resamples, rng, counts=numbers)
    else:
        weights = bootstrap_weights(len(counts.n), resamples, rng, cluster)
    joint = JointLaw(law.grid, np.ones(1), law.weights[:, None], law.questions, law.log_likelihood)
    refits = tuple(
        MarginalLaw(each.grid_before, each.weights[:, 0], each.questions, each.log_likelihood)
        for each in refit_laws(pairs, joint, weights)
    )
    assert pairs.pair_of_question is not None
    _, first = np.unique(pairs.pair_of_question, return_index=True)
    return LawOfRates(pairs, counts.n[first], counts.c[first], law, refits)


def posterior(n: IntArray, c: IntArray, law: MarginalLaw) -> FloatArray:
    """The chance of each success rate of the law's grid, given a question's counts.

    The plan cancels: how responses were drawn does not change what they say of the rate.

    Args:
        n: Shape (rows,): scored responses.
        c: Shape (rows,): right responses, 0 to n.
        law: The law that stands for all questions.

    Returns:
        Shape (rows, points), each row adding up to 1.
    """
    with np.errstate(divide="ignore"):
        log_prior = np.log(law.weights)
    log_chance = (
        special.xlogy(c[:, None], law.grid)
        + special.xlog1py((n - c)[:, None], -law.grid)
        + log_prior
    )
    chance = np.exp(log_chance - log_chance.max(axis=1, keepdims=True))
    shares: FloatArray = chance / chance.sum(axis=1, keepdims=True)
    return shares


def within(low: float, high: float, grid: FloatArray) -> FloatArray:
    """The share of each grid point's mass between two success rates, both included.

    Args:
        low: The least rate, 0 to `high`.
        high: The greatest rate, up to 1.
        grid: Shape (points,): the law's grid.

    Returns:
        Shape (points,), in [0, 1]: a point stands for the rates around it, as in `cover_at_tau`.

    Raises:
        InputError: Not 0 <= low <= high <= 1.
    """
    if not 0 <= low <= high <= 1:
        raise InputError(
            "A range of success rates lies between 0 and 1.",
            seen=(low, high),
            remedy="Write it as 0.05..0.8.",
        )
    below = share_below(grid, np.array([low, high]))
    shares: FloatArray = below[:, 1] - below[:, 0]
    # The points 0 and 1 stand for themselves.
    shares[0], shares[-1] = low == 0, high == 1
    return shares


def expected_numbers(
    rates: LawOfRates,
    chosen: NDArray[np.bool_],
    measures: Sequence[MeasureOfSide],
    *,
    level: float = 0.95,
    blurred: Sequence[MeasureOfSide] | None = None,
) -> list[Estimate]:
    """How many of the chosen questions have a property that success rates give a chance of.

    Args:
        rates: The law.
        chosen: Shape (questions,): which questions are asked about; their counts may have chosen
            them.
        measures: The chance of the property at each rate of an increasing grid from 0 to 1.
        level: Chance that an interval holds the number that there really is.
        blurred: The measures that profile limits are taken of; default the same. n responses can't
            tell on which side of a sharp edge a rate lies that is close to it.

    Returns:
        One estimate for each measure, from 0 to the number of chosen questions: the sum of the
        questions' posterior chances. The interval takes in that other questions would give another
        law (Student's t of the refits) or that other laws fit these counts as well (the profile
        limits, `identification.limits_of_side`), whichever reaches further, and that each question
        has the property or not (the variance of a sum of such chances).
    """
    pairs, law = rates.pairs, rates.law
    assert pairs.pair_of_question is not None
    questions = np.bincount(pairs.pair_of_question, weights=chosen, minlength=len(pairs.counts))
    total = float(questions.sum())
    posteriors = [posterior(rates.n, rates.c, each) for each in (law, *rates.refits)]

    def of_chosen(measure: MeasureOfSide) -> MeasureOfSide:
        """The chance of the property, and that the question's counts are chosen."""

        def value(grid: FloatArray) -> FloatArray:
            shown = pairs.before.likelihood(grid)[pairs.before_row]
            chance: FloatArray = measure(grid) * ((questions / pairs.counts) @ shown)
            return chance

        return value

    limits = limits_of_side(
        pairs,
        "before",
        [of_chosen(each) for each in blurred or measures],
        tolerance=profile_tolerance(level),
    )
    student = float(special.stdtrit(len(rates.refits) - 1, (1 + level) / 2))
    normal = float(special.ndtri((1 + level) / 2))
    estimates = []
    for measure, (least, greatest) in zip(measures, limits, strict=True):
        chances = [each @ measure(law.grid) for each in posteriors]
        numbers = np.array([questions @ chance for chance in chances])
        number = float(numbers[0])
        by_law = student * float(np.std(numbers[1:], ddof=1))
        by_chance = normal * float(np.sqrt(questions @ (chances[0] * (1 - chances[0]))))
        below, above = (
            float(np.hypot(max(by_law, reach), by_chance))
            for reach in (number - law.questions * least, law.questions * greatest - number)
        )
        estimates.append(Estimate(number, max(number - below, 0.0), min(number + above, total)))
    return estimates
