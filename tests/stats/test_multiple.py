"""Many bins, many arms: the error rate of the whole family."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from liftmap.errors import InputError
from liftmap.records import Counts
from liftmap.stats import intervals
from liftmap.stats.bins import change_by_bin, study_bins
from liftmap.stats.multiple import (
    holm,
    p_values,
    resampled_changes_by_bin,
    simultaneous_level,
)


def test_independent_figures_need_sidaks_level_and_equal_ones_none(rng):
    draws = rng.normal(size=(200_000, 20))
    assert 1 - simultaneous_level(draws) == pytest.approx(1 - 0.95 ** (1 / 20), rel=0.05)
    same = np.repeat(draws[:, :1], 20, axis=1)
    assert 1 - simultaneous_level(3 + 5 * same) == pytest.approx(0.05, rel=0.05)
    assert simultaneous_level(draws[:, :1]) == 0.95


def test_figures_that_never_vary_still_count(rng):
    draws = np.column_stack([rng.normal(size=20_000), np.zeros((20_000, 3))])
    assert 1 - simultaneous_level(draws) == pytest.approx(0.05 / 4, rel=0.1)
    assert simultaneous_level(np.zeros((100, 4))) == pytest.approx(1 - 0.05 / 4)
    gaps = np.where(rng.random((20_000, 4)) < 0.2, np.nan, rng.normal(size=(20_000, 4)))
    assert 0.05 / 4 <= 1 - simultaneous_level(gaps) < 0.03


@pytest.mark.parametrize("resampled", [False, True])
@pytest.mark.parametrize("kind", ["broad", "jumps", "few", "none"])
def test_p_values_are_the_intervals_turned_round(rng, resampled, kind):
    change = {
        "broad": rng.normal(0.06, 0.2, (40, 1)),
        "jumps": rng.choice([-1.0, 0.0, 1.0], (40, 1), p=[0.05, 0.65, 0.3]),
        "few": np.append(np.zeros(36), [1, 1, -1, 0.5])[:, None],
        "none": np.zeros((40, 1)),
    }[kind]
    weights = intervals.bootstrap_weights(40, 2000, rng) if resampled else None
    for floor in (0.0, 1.0):
        pseudo = intervals.change_pseudo(change, floor)
        options = {"weights": weights, "pseudo": pseudo}
        ones = np.ones((40, 1))
        [p] = p_values(change, ones, **options)
        assert 0 <= p <= 1
        for level in (1 - 1.02 * p, 1 - 0.98 * p):
            # Beyond what 2,000 resamples can tell the analytic p-value stands in.
            if not 0.02 < 1 - level < 0.98:
                continue
            [found] = intervals.ratios(change, ones, level=level, **options)
            assert (found.low > 0 or found.high < 0) == (level < 1 - p)


def test_p_values_are_uniform_where_nothing_changed(rng):
    change = rng.normal(0, 0.2, (60, 2000))
    p = p_values(change, np.ones((60, 1)))
    assert stats.kstest(p, "uniform").pvalue > 0.01
    known = stats.ttest_1samp(change, 0).pvalue
    np.testing.assert_allclose(p, known, rtol=1e-9)


def test_holm_is_that_of_statsmodels(rng):
    for p in (rng.random(7), rng.random(7) ** 6, np.array([0.01, 0.01, 0.5]), np.zeros(2)):
        np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    assert holm([0.01, np.nan, 0.03]).tolist() == pytest.approx([0.02, np.nan, 0.03], nan_ok=True)


def test_holm_over_arms_where_nothing_changed_is_wrong_as_seldom_as_one_test():
    rng = np.random.default_rng(1)
    arms, rounds = 6, 2000
    shared = rng.normal(0, 0.15, (100, 1, rounds))
    change = (shared + rng.normal(0, 0.15, (100, arms, rounds))).reshape(100, -1)
    p = p_values(change, np.ones((100, 1))).reshape(arms, rounds)
    assert np.mean((p < 0.05).any(axis=0)) > 0.12
    survives = np.mean([(holm(column) < 0.05).any() for column in p.T])
    assert survives < 0.065


def false_bins(rng, rounds, arms, questions, n):
    """Shares of rounds in which some bin of some arm leaves out 0: bare, and at once."""
    bins = study_bins(n)
    wrong = np.zeros(2)
    size = np.full(questions, n)
    for _ in range(rounds):
        rate = rng.beta(0.4, 0.5, questions)
        weights = intervals.bootstrap_weights(questions, 400, rng)
        before = Counts(size, rng.binomial(n, rate))
        after = [Counts(size, rng.binomial(n, rate)) for _ in range(arms)]
        draws = np.hstack([resampled_changes_by_bin(before, a, bins, weights) for a in after])
        draws = draws[:, np.isfinite(draws).any(axis=0)]
        for at, level in enumerate((0.95, simultaneous_level(draws))):
            found = [
                one.change for a in after for one in change_by_bin(before, a, bins, level=level)
            ]
            wrong[at] += any(e.low > 0 or e.high < 0 for e in found)
    return wrong / rounds


@pytest.mark.slow
def test_bins_of_unchanged_arms_are_seldom_coloured():
    bare, at_once = false_bins(np.random.default_rng(2), 100, arms=6, questions=300, n=64)
    assert bare > 0.4
    # 5 % and three standard errors.
    assert at_once < 0.115


@pytest.mark.long
@pytest.mark.parametrize(("questions", "n"), [(60, 64), (300, 256), (1500, 64)])
def test_bins_of_six_unchanged_arms_hold_at_once(questions, n):
    _, at_once = false_bins(np.random.default_rng(3), 600, 6, questions, n)
    assert at_once < 0.077


def test_resampled_changes_are_those_of_the_bins(rng):
    size = np.full(80, 16)
    before, after = (Counts(size, rng.binomial(16, rng.random(80))) for _ in range(2))
    bins = study_bins(16)
    once = np.ones((1, 80), dtype=np.int32)
    [change] = resampled_changes_by_bin(before, after, bins, once)
    found = change_by_bin(before, after, bins)
    estimates = [one.change.estimate for one in found]
    np.testing.assert_allclose(change[np.isfinite(change)], estimates)


@pytest.mark.parametrize("call", [lambda: simultaneous_level(np.ones((0, 3))), lambda: holm([2])])
def test_bad_input_is_named(call):
    with pytest.raises(InputError):
        call()
