from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan
from liftmap.stats import curtailed, intervals, lost


def test_noise_is_the_share_of_disjoint_pairs_that_solve_once_and_then_fail():
    n, k = 6, 2
    for c in range(n + 1):
        right = np.arange(n) < c
        moved = [
            right[list(first)].any() and not right[list(second)].any()
            for first in combinations(range(n), k)
            for second in combinations(sorted(set(range(n)) - set(first)), k)
        ]
        each = lost.losses(Counts([n], [c]), Counts([n], [c]), k)
        assert each.noise[0] == pytest.approx(np.mean(moved), abs=1e-14)


@pytest.mark.parametrize("plan", [None, CurtailedPlan(stop_after=2, cap=12, round_size=3)])
def test_unbiased_over_all_tallies(plan):
    k, p_before, p_after = 4, 0.3, 0.1
    if plan is None:
        n, c = np.full(13, 12), np.arange(13)
        log_paths = np.log(stats.binom.pmf(c, 12, 0.5)) + 12 * np.log(2)
    else:
        n, c, log_paths = curtailed.stopping_points(plan)
    chances = [
        np.exp(log_paths + c * np.log(p) + (n - c) * np.log1p(-p)) for p in (p_before, p_after)
    ]
    rows = np.repeat(np.arange(len(n)), len(n)), np.tile(np.arange(len(n)), len(n))
    sides = (Counts(n[chosen], c[chosen], plan) for chosen in rows)
    each = lost.losses(*sides, k)
    weight = chances[0][rows[0]] * chances[1][rows[1]]
    fail_before, fail_after = (1 - p_before) ** k, (1 - p_after) ** k
    assert weight @ each.lost == pytest.approx((1 - fail_before) * fail_after)
    assert weight @ each.gained == pytest.approx(fail_before * (1 - fail_after))
    assert weight @ each.noise == pytest.approx((1 - fail_before) * fail_before)


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 3)), min_size=1),
)
def test_swapping_sides_swaps_what_was_observed(rows):
    before, after, counts = np.array(rows).T
    n = np.full(len(before), 8)
    first, then = Counts(n, before), Counts(n, after)
    there = lost.observed(first, then, counts)
    back = lost.observed(then, first, counts)
    assert (there.lost, there.gained) == (back.gained, back.lost)
    assert there.lost == sum(m for b, a, m in rows if b > 0 and a == 0)


def test_nothing_is_observed_at_unequal_n_or_under_a_curtailed_plan():
    assert lost.observed(Counts([8, 8], [1, 1]), Counts([8, 7], [0, 1])) is None
    plan = CurtailedPlan(2, 8, 2)
    assert lost.observed(Counts([8], [1], plan), Counts([8], [0])) is None


def test_excess_is_estimate_less_noise_and_net_gain_is_the_change(rng):
    n, before = np.full(300, 64), rng.binomial(64, rng.beta(0.4, 0.6, 300))
    after = rng.binomial(64, np.clip(before / 64 + rng.normal(0, 0.1, 300), 0, 1))
    weights = intervals.bootstrap_weights(300, 300, rng)
    for options in ({}, {"weights": weights}):
        found = lost.lost_gained(Counts(n, before), Counts(n, after), **options)
        assert found.k == 32
        for moves in (found.lost, found.gained):
            excess = moves.estimate.estimate - moves.noise.estimate
            assert moves.excess.estimate == pytest.approx(excess)
            assert 0 <= moves.estimate.low <= moves.estimate.estimate <= moves.estimate.high


def test_mcnemar_agrees_with_statsmodels_and_the_published_matrix():
    assert lost.mcnemar(0, 0) == 1.0
    for first, second in [(62, 55), (3, 0), (10, 25), (7, 7)]:
        theirs = mcnemar([[5, first], [second, 9]], exact=True).pvalue
        assert lost.mcnemar(first, second) == pytest.approx(min(theirs, 1.0))
    assert lost.mcnemar(62, 55) == pytest.approx(0.58, abs=0.005)


def test_two_halves_of_one_model_seldom_show_an_excess_loss():
    rng = np.random.default_rng(7)
    rounds, questions, n = 400, 300, np.full(300, 32)
    false = 0
    for _ in range(rounds):
        rate = rng.beta(0.2, 0.4, questions)
        sides = (Counts(n, rng.binomial(32, rate)) for _ in range(2))
        found = lost.lost_gained(*sides)
        false += found.lost.excess.low > 0
    # 2.5 % are expected at most; 4.9 % is three standard errors above.
    assert false / rounds < 0.049


@pytest.mark.parametrize("way", ["analytic", "bootstrap"])
def test_intervals_of_the_excess_hold_the_truth(way):
    rng = np.random.default_rng(8)
    rounds, questions, n = 300, 120, np.full(120, 128)
    held = 0
    # Half of the questions are always solved within k, the others never; of the first kind a
    # share of .02 is lost: little more than one question, and none in a third of the rounds.
    truth = 0.5 * 0.02
    for _ in range(rounds):
        before = np.where(rng.random(questions) < 0.5, 0.9, 0.0)
        after = np.where(rng.random(questions) < 0.02, 0.0, before)
        sides = Counts(n, rng.binomial(128, before)), Counts(n, rng.binomial(128, after))
        options = {}
        if way == "bootstrap":
            options["weights"] = intervals.bootstrap_weights(questions, 200, rng)
        excess = lost.lost_gained(*sides, **options).lost.excess
        held += excess.low <= questions * truth <= excess.high
    # 95 % at least are wanted; 91.2 % is three standard errors below.
    assert held / rounds > 0.912


def test_bad_input_is_named():
    with pytest.raises(InputError, match="2k responses"):
        lost.losses(Counts([8], [1]), Counts([8], [1]), 5)
    with pytest.raises(InputError, match="same questions"):
        lost.losses(Counts([8], [1]), Counts([8, 8], [1, 1]))
