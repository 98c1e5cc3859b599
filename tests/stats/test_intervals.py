import numpy as np
import pytest
from scipy import stats

from liftmap.errors import InputError
from liftmap.stats import intervals, passk


def ends(estimate):
    return np.array([estimate.low, estimate.high])


def test_weights_count_questions_rows_and_clusters(rng):
    plain = intervals.bootstrap_weights(9, 200, rng)
    assert plain.shape == (200, 9)
    assert np.all(plain.sum(axis=1) == 9)
    counts = np.array([5, 1, 4, 1, 9])
    grouped = intervals.bootstrap_weights(5, 40_000, rng, counts=counts)
    assert np.all(grouped.sum(axis=1) == 20)
    np.testing.assert_allclose(grouped.mean(axis=0), counts, rtol=0.03)
    covariance = 20 * (np.diag(counts / 20) - np.outer(counts, counts) / 400)
    np.testing.assert_allclose(np.cov(grouped.T), covariance, atol=0.15)
    labels = np.array(["a", "b", "a", "c"])
    clustered = intervals.bootstrap_weights(4, 200, rng, cluster=labels)
    np.testing.assert_array_equal(clustered[:, 0], clustered[:, 2])
    assert np.all(clustered[:, [0, 1, 3]].sum(axis=1) == 3)


def test_analytic_mean_is_students_t(rng):
    values = rng.random(40)
    half = stats.t.ppf(0.95, 39) * values.std(ddof=1) / np.sqrt(40)
    found = intervals.mean(values, level=0.9)
    assert found.estimate == pytest.approx(values.mean())
    np.testing.assert_allclose(ends(found), [values.mean() - half, values.mean() + half])


def test_floor_is_the_interval_of_the_change_with_two_pseudo_questions(rng):
    change = rng.choice([-1.0, 0.0, 1.0], 30, p=[0.1, 0.7, 0.2])
    found = intervals.mean_change(0 * change, change, floor=1.0)
    assert found.estimate == pytest.approx(change.mean())
    np.testing.assert_allclose(ends(found), ends(intervals.mean(np.append(change, [1, -1]))))


def test_broad_changes_need_no_floor(rng):
    change = rng.uniform(-0.6, 0.6, 120)
    np.testing.assert_allclose(
        ends(intervals.mean_change(0 * change, change, floor=1.0)), ends(intervals.mean(change))
    )


def test_floor_keeps_an_interval_where_no_question_changed(rng):
    same = np.ones(60)
    weights = intervals.bootstrap_weights(60, 500, rng)
    assert ends(intervals.mean_change(same, same)).tolist() == [0, 0]
    for options in ({}, {"weights": weights}):
        low, high = ends(intervals.mean_change(same, same, floor=True, **options))
        assert low == pytest.approx(-high)
        assert 0.04 < high < 0.06


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("floor", [False, True])
def test_bootstrap_and_analytic_agree(rng, clustered, floor):
    questions = 400
    cluster = np.repeat(np.arange(100), 4) if clustered else None
    shared = np.repeat(rng.normal(0, 0.2, 100), 4)
    before = rng.random(questions)
    after = before + shared + rng.normal(0.1, 0.3, questions)
    weights = intervals.bootstrap_weights(questions, 4000, rng, cluster=cluster)
    options = {"cluster": cluster, "floor": floor}
    analytic = ends(intervals.mean_change(before, after, **options))
    bootstrap = ends(intervals.mean_change(before, after, weights=weights, **options))
    np.testing.assert_allclose(bootstrap, analytic, atol=0.08 * (analytic[1] - analytic[0]))


def test_clusters_of_one_size_are_units():
    rng = np.random.default_rng(3)
    values = rng.random(60)
    cluster = np.arange(60) % 12
    found = intervals.mean(values, cluster=cluster)
    by_cluster = np.array([values[cluster == label].mean() for label in range(12)])
    np.testing.assert_allclose(ends(found), ends(intervals.mean(by_cluster)))


def test_rows_with_counts_stand_for_questions(rng):
    values, counts = np.array([0.0, 0.3, 1.0]), np.array([50, 20, 30])
    each = np.repeat(values, counts)
    np.testing.assert_allclose(
        ends(intervals.mean(values, counts=counts)), ends(intervals.mean(each))
    )
    weights = intervals.bootstrap_weights(3, 4000, rng, counts=counts)
    grouped = intervals.mean(values, counts=counts, weights=weights)
    np.testing.assert_allclose(ends(grouped), ends(intervals.mean(each)), atol=0.015)
    change = np.stack([values, values**2], axis=1)
    small = intervals.simultaneous_band(
        change * 0, change, rng=np.random.default_rng(1), counts=counts
    )
    large = intervals.simultaneous_band(
        np.zeros((100, 2)), np.repeat(change, counts, axis=0), rng=np.random.default_rng(1)
    )
    np.testing.assert_allclose(small, large)


def test_many_columns_are_the_single_columns(rng):
    before, after = rng.random((50, 3)), rng.random((50, 3))
    weights = intervals.bootstrap_weights(50, 300, rng)
    for options in ({}, {"weights": weights}, {"weights": weights, "floor": True}):
        together = intervals.mean_changes(before, after, **options)
        single = [intervals.mean_change(before[:, i], after[:, i], **options) for i in range(3)]
        for one, other in zip(together, single, strict=True):
            assert one.estimate == pytest.approx(other.estimate, abs=1e-12)
            np.testing.assert_allclose(ends(one), ends(other), atol=1e-12)


def test_band_at_one_k_is_the_interval_and_at_many_lies_between_it_and_bonferroni(rng):
    n, before = np.full(300, 64), rng.binomial(64, rng.beta(0.4, 0.6, 300))
    after = np.minimum(64, before + rng.integers(0, 9, 300))
    ks = np.arange(1, 65)
    curves = [passk.pass_at_k(n, c, ks) for c in (before, after)]
    low, high = intervals.simultaneous_band(*curves, rng=rng, resamples=20_000)
    pointwise = intervals.mean_changes(*curves, floor=True)
    strict = intervals.mean_changes(*curves, floor=True, level=1 - 0.05 / 64)
    width = high - low
    assert np.all(width > 1.1 * np.array([e.high - e.low for e in pointwise]))
    assert np.all(width < np.array([e.high - e.low for e in strict]))
    one = intervals.simultaneous_band(*(c[:, :1] for c in curves), rng=rng, resamples=50_000)
    np.testing.assert_allclose(np.ravel(one), ends(pointwise[0]), rtol=0.03)


def test_band_holds_the_true_curve_as_often_as_it_says():
    rng = np.random.default_rng(11)
    ks, rounds, questions, n = np.array([1, 2, 4, 8, 16, 32, 64]), 400, 1000, 64
    missed, truth = 0, true_change(ks)
    for _ in range(rounds):
        rate = rng.beta(0.3, 0.5, questions)
        lifted = 1 - (1 - rate) ** 1.5
        curves = [
            passk.pass_at_k(np.full(questions, n), rng.binomial(n, p), ks) for p in (rate, lifted)
        ]
        low, high = intervals.simultaneous_band(*curves, rng=rng, resamples=400)
        missed += bool(np.any((truth < low) | (truth > high)))
    # 5 % are expected; 8.6 % is three standard errors above.
    assert missed / rounds < 0.086


def true_change(ks):
    grid = stats.beta.ppf((np.arange(20_000) + 0.5) / 20_000, 0.3, 0.5)[:, None]
    return ((1 - grid) ** ks - (1 - grid) ** (1.5 * ks)).mean(axis=0)


def test_first_loss_set_by_hand():
    ks = [1, 2, 4, 8]
    found = intervals.first_loss_k(
        ks, [0.1, -0.1, -0.2, -0.3], [0.05, -0.2, -0.4, -0.5], [0.2, 0.1, -0.1, -0.2]
    )
    assert (found.estimate, found.possible, found.never_possible) == (2, (2, 4), False)
    never = intervals.first_loss_k(ks, [0.1] * 4, [0.05, 0.05, -0.1, -0.1], [0.2] * 4)
    assert (never.estimate, never.possible, never.never_possible) == (None, (4, 8), True)
    at_once = intervals.first_loss_k(ks, [-0.1] * 4, [-0.2] * 4, [-0.05] * 4)
    assert (at_once.estimate, at_once.possible, at_once.never_possible) == (1, (1,), False)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: intervals.mean([0.5]), "at least two questions"),
        (lambda: intervals.mean([0.5, 0.2], cluster=["a", "a"]), "at least two questions"),
        (lambda: intervals.mean([0.5, np.nan]), "finite"),
        (lambda: intervals.mean([0.5, 1.0], level=95), "between 0 and 1"),
        (lambda: intervals.mean([0.5, 1.0], counts=[1]), "each row"),
        (lambda: intervals.mean([0.5, 1.0], cluster=["a"]), "one label"),
        (lambda: intervals.mean([0.5, 1.0], weights=np.ones((5, 3), np.int32)), "one column"),
        (lambda: intervals.bootstrap_weights(0, 10, np.random.default_rng(0)), "at least one"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
