from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan
from liftmap.stats import bins, intervals, passk


def test_study_bins_and_their_scaling():
    study = bins.study_bins(256)
    assert study.labels == ("0", "1-4", "5-16", "17-32", "33-64", "65-128", "129-192", "193-256")
    assert study.labels_at(128)[:3] == ("0", "1-2", "3-8")
    assert bins.study_bins(16).labels == ("0", "1", "2", "3-4", "5-8", "9-12", "13-16")
    assert bins.study_bins(1).labels == ("0", "1")
    edges = np.array([0, 1, 4, 5, 16, 17, 192, 193, 256])
    assert bins.assign(edges, 256, study).tolist() == [0, 1, 1, 2, 2, 3, 6, 7, 7]
    assert bins.assign([2, 3], [128, 128], study).tolist() == [1, 2]


@given(st.integers(1, 400), st.integers(1, 400))
def test_assign_at_another_n_compares_shares(n, other):
    study = bins.study_bins(n)
    counts = np.arange(other + 1)
    shares = [last / n for last in study.last]
    expected = [next(i for i, s in enumerate(shares) if c <= other * s + 1e-9) for c in counts]
    assert bins.assign(counts, other, study).tolist() == expected


def test_custom_and_quantile_bins():
    custom = bins.custom_bins("0, 1-4,5 - 9,10", 10)
    assert custom.labels == ("0", "1-4", "5-9", "10")
    c = np.repeat([0, 3, 7, 10], [40, 30, 20, 10])
    halves = bins.quantile_bins(Counts(np.full(100, 10), c), 2)
    assert halves.labels == ("0-3", "4-10")
    rows = Counts([10] * 4, [0, 3, 7, 10])
    assert bins.quantile_bins(rows, 2, counts=[40, 30, 20, 10]) == halves


@pytest.mark.parametrize("text", ["", "0,2-10", "0-5,5-10", "0-5", "0-11", "a-10", "0,4-1,5-10"])
def test_bad_bins_are_named(text):
    with pytest.raises(InputError, match=r"not a bin|gap or overlap|end at n"):
        bins.custom_bins(text, 10)


@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 1), (6, 2), (7, 3)])
def test_cross_fit_is_the_mean_over_all_splits(n, k):
    thirds = bins.Bins(3, (0, 1, 3))
    size = n // 2
    for c in range(n + 1):
        right = np.arange(n) < c
        weights, before = np.zeros(3), np.zeros(3)
        splits = list(combinations(range(n), size))
        for half in splits:
            rest = np.delete(right, half)
            index = bins.assign(right[list(half)].sum(), size, thirds)
            weights[index] += 1 / len(splits)
            measured = passk.pass_at_k([len(rest)], [rest.sum()], [k])[0, 0]
            before[index] += measured / len(splits)
        fit = bins.cross_fitted_weights(Counts([n], [c]), thirds, k)
        np.testing.assert_allclose(fit.weights[0], weights, atol=1e-13)
        np.testing.assert_allclose(fit.before[0], before, atol=1e-13)


PLANS = [
    CurtailedPlan(stop_after=2, cap=8, round_size=2),
    CurtailedPlan(stop_after=3, cap=9, round_size=4),
    CurtailedPlan(stop_after=4, cap=10, round_size=3),
]


def paths(plan):
    """All sequences of cap outcomes with the n at which the plan stops each."""
    for path in product([0, 1], repeat=plan.cap):
        ends = range(plan.round_size, plan.cap, plan.round_size)
        yield path, next((t for t in ends if sum(path[:t]) >= plan.stop_after), plan.cap)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("k", [1, 2, 4])
def test_cross_fit_under_a_curtailed_plan_is_unbiased_by_enumeration(plan, k):
    thirds = bins.Bins(3, (0, 1, 3))
    points = sorted({(stop, sum(path[:stop])) for path, stop in paths(plan)})
    n, c = np.array(points).T
    fit = bins.cross_fitted_weights(Counts(n, c, plan), thirds, k)
    place = {point: i for i, point in enumerate(points)}
    size = int(bins.block_sizes(n[:1], plan)[0])
    for p in (0.02, 0.3, 0.8):
        expected_weights, expected_before = np.zeros(3), np.zeros(3)
        for path, stop in paths(plan):
            chance = p ** sum(path) * (1 - p) ** (plan.cap - sum(path))
            row = place[stop, sum(path[:stop])]
            expected_weights += chance * fit.weights[row]
            expected_before += chance * fit.before[row]
        index = bins.assign(np.arange(size + 1), size, thirds)
        truth = np.bincount(index, stats.binom.pmf(np.arange(size + 1), size, p), 3)
        np.testing.assert_allclose(expected_weights, truth, atol=1e-12)
        np.testing.assert_allclose(expected_before, truth * (1 - (1 - p) ** k), atol=1e-12)


def test_changes_by_bin_add_up_to_the_whole_change(rng):
    n, before = np.full(200, 32), rng.binomial(32, rng.beta(0.4, 0.6, 200))
    after = np.minimum(32, before + rng.integers(0, 5, 200))
    for k in (1, 8):
        sides = Counts(n, before), Counts(n, after)
        found = bins.change_by_bin(*sides, bins.study_bins(32), k=k)
        assert sum(one.questions for one in found) == pytest.approx(200)
        curves = [passk.pass_at_k(n, c, [k]).mean() for c in (before, after)]
        whole = sum(one.questions * one.change.estimate for one in found) / 200
        assert whole == pytest.approx(curves[1] - curves[0])
        for one in found:
            gap = one.after.estimate - one.before.estimate
            assert one.change.estimate == pytest.approx(gap)
            assert one.change.low < one.change.estimate < one.change.high


def test_a_bin_in_which_nothing_changed_keeps_an_interval(rng):
    n, before = np.full(60, 32), np.repeat([0, 16], [4, 56])
    after = np.where(before == 0, 0, rng.integers(8, 32, 60))
    weights = intervals.bootstrap_weights(60, 200, rng)
    for options in ({}, {"weights": weights}, {"k": 8}, {"k": 8, "weights": weights}):
        sides = Counts(n, before), Counts(n, after)
        hardest = bins.change_by_bin(*sides, bins.study_bins(32), **options)[0]
        assert hardest.change.estimate == pytest.approx(0, abs=1e-4)
        assert hardest.change.high - hardest.change.low > 0.05


def test_grouped_questions_give_the_same_changes(rng):
    n, before = np.full(300, 16), rng.binomial(16, rng.beta(0.4, 0.6, 300))
    after = rng.binomial(16, 0.5, 300)
    rows = passk.distinct(n, before, n, after)
    eighth = bins.study_bins(16)
    each = bins.change_by_bin(Counts(n, before), Counts(n, after), eighth)
    sides = Counts(*rows.columns[:2]), Counts(*rows.columns[2:])
    grouped = bins.change_by_bin(*sides, eighth, counts=rows.counts)
    for one, other in zip(each, grouped, strict=True):
        assert (one.label, one.questions) == (other.label, pytest.approx(other.questions))
        for name in ("before", "after", "change"):
            first, second = getattr(one, name), getattr(other, name)
            np.testing.assert_allclose([first.low, first.high], [second.low, second.high])


def test_mean_by_bin_of_the_success_rate_rises_with_the_bin(rng):
    n, rate = np.full(500, 64), rng.beta(0.4, 0.6, 500)
    fit = bins.cross_fitted_weights(Counts(n, rng.binomial(64, rate)), bins.study_bins(64))
    weights = intervals.bootstrap_weights(500, 200, rng)
    found = bins.mean_by_bin(fit, rate, weights=weights)
    means = [one.mean.estimate for one in found]
    assert means == sorted(means)
    # A half of 32 can't hold a share of 1 in 64 or less without being 0.
    assert [one.label for one in found] == ["0", *fit.bins.labels[2:]]
    for one in found:
        assert one.mean.low < one.mean.estimate < one.mean.high


@pytest.mark.parametrize("k", [0, 17])
def test_k_beyond_the_part_that_measures_is_named(k):
    with pytest.raises(InputError, match="did not bin"):
        bins.cross_fitted_weights(Counts([32], [3]), bins.study_bins(32), k)


def test_tallies_that_cannot_be_split_are_named():
    with pytest.raises(InputError, match="two of every question"):
        bins.cross_fitted_weights(Counts([4, 1], [1, 1]), bins.study_bins(4))
    with pytest.raises(InputError, match="cannot come from the sampling plan"):
        bins.cross_fitted_weights(Counts([4], [1], PLANS[0]), bins.study_bins(4))
    early = CurtailedPlan(1, 8, 2)
    with pytest.raises(InputError, match="stops too early"):
        bins.cross_fitted_weights(Counts([4], [1], early), bins.study_bins(4))


@pytest.mark.parametrize("n", [4, 5, 16])
def test_labels_of_split_bins_are_the_counts_that_fall_into_them(n):
    study = bins.study_bins(n)
    size, labels = bins.split_labels([n, n], study)
    assert size == n // 2
    fallen = [[] for _ in labels]
    for c in range(size + 1):
        fallen[int(bins.assign(c, size, study))].append(c)
    spans = [str(c[0]) if len(c) == 1 else f"{c[0]}-{c[-1]}" if c else "" for c in fallen]
    assert list(labels) == spans
    assert bins.split_labels([n, 2 * n], study) == (None, study.labels)
    assert bins.split_labels([2, 6], study, CurtailedPlan(2, 6, 2)).size == 1
