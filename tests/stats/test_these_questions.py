"""Estimates on these very questions: variance without bias, coverage, and where there is none."""

import numpy as np
import pytest
from scipy import stats

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, FixedPlan
from liftmap.stats import verdict
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.passk import pass_at_k
from liftmap.stats.these_questions import (
    changes_on_these_questions,
    conditional_variance,
    most_tries,
)

PLAN = CurtailedPlan(stop_after=3, cap=32, round_size=4)


def fixed(n, *c):
    return Counts(np.full(len(c), n), np.array(c), FixedPlan(n))


def outcomes(plan, p):
    """Every outcome of a plan as counts, and its chance at success rate p."""
    if isinstance(plan, FixedPlan):
        c = np.arange(plan.count + 1)
        return Counts(np.full(len(c), plan.count), c, plan), stats.binom.pmf(c, plan.count, p)
    n, c, log_paths = stopping_points(plan)
    return Counts(n, c, plan), np.exp(log_paths + c * np.log(p) + (n - c) * np.log1p(-p))


@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("plan", [FixedPlan(32), FixedPlan(9), PLAN, CurtailedPlan(1, 16, 2)])
def test_the_variance_is_unbiased_by_exact_enumeration(plan, p):
    side, chances = outcomes(plan, p)
    ks = [k for k in (1, 2, 4, 8, 16) if 2 * k <= plan.most]
    estimates = pass_at_k(side.n, side.c, ks, plan)
    true = chances @ estimates**2 - (chances @ estimates) ** 2
    np.testing.assert_allclose(chances @ conditional_variance(side, ks), true, atol=1e-12)
    assert np.all(true > 0)


def test_the_variance_of_accuracy_is_the_binomial_one():
    n, c = 20, np.arange(21)
    found = conditional_variance(fixed(n, *c), [1])[:, 0]
    np.testing.assert_allclose(found, c * (n - c) / (n**2 * (n - 1)), atol=1e-15)


def test_an_estimate_by_hand():
    [found] = changes_on_these_questions([1], fixed(10, 2, 10), fixed(10, 9, 10))
    figure = found.figure
    assert (figure.before.estimate, figure.after.estimate) == pytest.approx((0.6, 0.95))
    variances = [16 / 900 / 4, 9 / 900 / 4]
    half = stats.norm.ppf(0.975) * sum(variances) ** 0.5
    assert figure.change.low == pytest.approx(0.35 - half)
    assert figure.change.high == pytest.approx(0.35 + half)
    assert figure.after.high == 1
    assert found.k == 1


def test_each_side_counts_at_least_one_question_with_a_single_right_response():
    ks = [1, 8, 32]
    for sure in (fixed(64, *[0] * 30), fixed(64, *[64] * 30)):
        found = changes_on_these_questions(ks, sure, sure)
        for k, change in zip(ks, found, strict=True):
            error = (2 * (k / 64) ** 2) ** 0.5 / 30
            assert change.figure.change.high == pytest.approx(1.959964 * error)
    n = np.full(30, 32)
    stopped = Counts(n, np.zeros(30, dtype=np.int64), PLAN)
    [change] = changes_on_these_questions([4], stopped, stopped)
    assert change.figure.change.high == pytest.approx(1.959964 * 2**0.5 * 4 / 32 / 30)


def test_too_few_responses_have_no_variance():
    few, enough = fixed(7, 1, 2), fixed(8, 1, 2)
    assert changes_on_these_questions([1], few, enough) is None
    assert (most_tries(few, enough), most_tries(enough, enough)) == (None, 4)
    assert most_tries(fixed(256, 3), Counts(np.array([4]), np.array([4]), PLAN)) == 16
    with pytest.raises(InputError, match="half of the responses"):
        changes_on_these_questions([5], enough, enough)
    with pytest.raises(InputError, match="same questions"):
        changes_on_these_questions([1], enough, fixed(8, 1))
    with pytest.raises(InputError, match="between 0 and 1"):
        changes_on_these_questions([1], enough, enough, level=95)


def test_rows_stand_for_questions():
    ks = [1, 4]
    grouped = changes_on_these_questions(ks, fixed(16, 0, 5), fixed(16, 3, 9), counts=[3, 2])
    each = changes_on_these_questions(ks, fixed(16, 0, 0, 0, 5, 5), fixed(16, 3, 3, 3, 9, 9))
    for one, other in zip(grouped, each, strict=True):
        assert one.figure.change.low == pytest.approx(other.figure.change.low)
        assert one.spread == pytest.approx(other.spread)


def test_needed_counts_responses():
    before, after = fixed(16, *range(2, 14)), fixed(16, *range(3, 15))
    [measured] = changes_on_these_questions([1], before, after)
    facts = verdict.conclude(measured, None)
    assert facts.accuracy.word == "unsettled"
    needed = facts.accuracy.needed_if_changed
    n = np.full(12, needed)
    sides = (Counts(n, np.rint(c / 16 * n).astype(np.int64)) for c in (before.c, after.c))
    [much] = changes_on_these_questions([1], *sides)
    # 2.80 standard errors is where 80 % of intervals leave out 0.
    half = (much.figure.change.high - much.figure.change.low) / 2
    assert much.figure.change.estimate / half == pytest.approx(2.802 / 1.960, rel=0.05)


def drawn(rates, plan, rng):
    """Counts of responses with these success rates under a plan."""
    right = rng.random((len(rates), plan.most)) < rates[:, None]
    if isinstance(plan, FixedPlan):
        return Counts(np.full(len(rates), plan.count), right.sum(axis=1), plan)
    ends = right.cumsum(axis=1)[:, plan.round_size - 1 :: plan.round_size]
    done = ends >= plan.stop_after
    last = np.where(done.any(axis=1), done.argmax(axis=1), ends.shape[1] - 1)
    return Counts((last + 1) * plan.round_size, ends[np.arange(len(rates)), last], plan)


@pytest.mark.parametrize("plan", [FixedPlan(64), CurtailedPlan(8, 64, 8)])
def test_these_questions_are_covered_by_an_interval_far_narrower_than_questions_like_these(plan):
    rng = np.random.default_rng(1)
    before = rng.beta(0.3, 0.5, 30)
    after = 1 - (1 - before) ** 1.4
    ks = [1, 4, 16]
    true = [np.mean((1 - before) ** k - (1 - after) ** k) for k in ks]
    held = np.zeros(3)
    rounds = 1000
    for _ in range(rounds):
        sides = drawn(before, plan, rng), drawn(after, plan, rng)
        for at, measured in enumerate(changes_on_these_questions(ks, *sides)):
            change = measured.figure.change
            held[at] += change.low <= true[at] <= change.high
            assert change.high - change.low < 0.2
    # 95 % less three standard errors; above 98 % an interval would be too wide.
    assert np.all((held / rounds > 0.93) & (held / rounds < 0.985))
