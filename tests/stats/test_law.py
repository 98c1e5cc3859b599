"""The joint law: what it recovers, what it says of the published matrix, what nobody can know."""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
import pytest
from scipy import stats as scipy_stats

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan
from liftmap.stats.bins import Bins, study_bins
from liftmap.stats.extrapolate import pass_at_k_of_law
from liftmap.stats.intervals import bootstrap_weights
from liftmap.stats.law import estimates as figures
from liftmap.stats.law import measures
from liftmap.stats.law.counts import PairCounts, grouped, pair_counts, pair_counts_of_matrix
from liftmap.stats.law.fit import fit_joint_law, fit_marginal_law, law_grid, refit_laws
from liftmap.stats.law.identification import identification_range
from liftmap.stats.law.program import greatest_likelihood, greatest_mean
from liftmap.stats.lost import mcnemar
from liftmap.stats.passk import FloatArray, fail_at_k, pass_at_k

N = 256


def _world(questions: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Success rates before and after: most rise, some of the hardest die, some can't be solved."""
    log_odds = rng.normal(1.0, 2.6, questions)
    before = 1 / (1 + np.exp(-log_odds))
    after = 1 / (1 + np.exp(-log_odds - 1.0 - rng.normal(0, 1.2, questions)))
    after[rng.random(questions) < 0.01] *= 0.01
    hopeless = rng.random(questions) < 0.015
    return np.where(hopeless, 0, before), np.where(hopeless, 0, after)


def _counts(
    before: FloatArray, after: FloatArray, rng: np.random.Generator, n: int = N
) -> tuple[Counts, Counts]:
    size = np.full(len(before), n)
    return Counts(size, rng.binomial(n, before)), Counts(size, rng.binomial(n, after))


def _figure_9a() -> FloatArray:
    path = resources.files("liftmap") / "data/published/fig9a_1.5b_math_train.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert tuple(rows[0][1:]) == study_bins(N).labels == tuple(row[0] for row in rows[1:])
    return np.array([[float(cell) for cell in row[1:]] for row in rows[1:]])


@pytest.fixture(scope="module")
def figure() -> PairCounts:
    return pair_counts_of_matrix(_figure_9a(), study_bins(N))


# --- the published matrix -----------------------------------------------------------------------


def test_figure_9a_observed_counts_and_noise_with_its_range(figure: PairCounts) -> None:
    matrix = _figure_9a()
    assert (matrix.sum(), matrix[0].sum(), matrix[:, 0].sum()) == (7500, 213, 220)
    law = fit_joint_law(figure)
    weights = bootstrap_weights(
        len(figure.counts), 20, np.random.default_rng(0), counts=figure.counts
    )
    refits = refit_laws(figure, law, weights)
    ranges = identification_range(
        figure, [measures.noise(N), measures.gross_lost(N)], law=law, tolerance=0.7
    )
    lost = figures.moves_at_n(figure, law, refits, weights, which="lost", ranges=ranges)
    gained = figures.moves_at_n(figure, law, refits, weights, which="gained")
    assert (lost.k, lost.observed, gained.observed) == (N, 62, 55)
    assert mcnemar(lost.observed, gained.observed) == pytest.approx(0.58, abs=0.005)
    assert 30 <= lost.noise.estimate <= 49
    assert lost.excess.estimate == pytest.approx(62 - lost.noise.estimate)
    # The figure fixes the noise share poorly: hardly any of the 62, or all of them.
    assert lost.noise.range is not None
    assert lost.noise.range[0] < 8
    assert lost.noise.range[1] > 62
    assert lost.excess.range == pytest.approx((62 - lost.noise.range[1], 62 - lost.noise.range[0]))
    assert lost.excess.low < 62 - lost.noise.estimate < lost.excess.high


def test_figure_9a_fixes_that_bins_5_to_64_lose_more_than_noise(figure: PairCounts) -> None:
    assert _figure_9a()[2:5, 0].sum() == 15
    law = fit_joint_law(figure)
    measure = measures.noise_from(5, 64, N)
    low, high = (7500 * end for end in identification_range(figure, [measure], law=law)[0])
    assert low <= 7500 * figures.expected(law, measure) <= high
    assert low > 0.1
    assert high < 3


def test_the_fit_reproduces_a_binned_matrix(figure: PairCounts) -> None:
    law = fit_joint_law(figure)
    before = figure.before.likelihood(law.grid_before)
    after = figure.after.likelihood(law.grid_after)
    chance = 7500 * before @ law.weights @ after.T
    np.testing.assert_allclose(chance.sum(axis=1), _figure_9a().sum(axis=1), rtol=0.02)
    # Expected chi-square of 64 cells, fewer the weights that were fitted.
    assert np.sum((chance - _figure_9a()) ** 2 / chance) < 64


# --- what is recovered from simulated counts ------------------------------------------------------


def test_recovers_lost_noise_and_excess_of_a_known_world(rng: np.random.Generator) -> None:
    before, after = _world(7500, rng)
    pairs = pair_counts(*_counts(before, after, rng))
    law = fit_joint_law(pairs)
    weights = bootstrap_weights(
        len(pairs.counts), 20, np.random.default_rng(1), counts=pairs.counts
    )
    refits = refit_laws(pairs, law, weights)
    # Against the questions drawn, not the world: what is left is the noise of the responses.
    gone_before, gone_after = (1 - before) ** N, (1 - after) ** N
    truth = {
        "noise": np.sum((1 - gone_before) * gone_before),
        "lost": np.sum((1 - gone_before) * gone_after),
        "gross": np.sum((1 - gone_before) * np.maximum(gone_after - gone_before, 0)),
    }
    moves = figures.moves_at_n(pairs, law, refits, weights, which="lost")
    assert moves.noise.estimate == pytest.approx(truth["noise"], abs=8)
    assert moves.noise.low < truth["noise"] < moves.noise.high
    assert moves.excess.low < truth["lost"] - truth["noise"] < moves.excess.high
    assert moves.gross.low < truth["gross"] < moves.gross.high
    total = figures.estimate(law, refits, measures.lost(N), scale=7500)
    assert total.low < truth["lost"] < total.high


def test_agrees_with_the_unbiased_estimators_up_to_half_of_n(rng: np.random.Generator) -> None:
    before, after = _world(3000, rng)
    sides = _counts(before, after, rng)
    n, c_before, c_after = sides[0].n, sides[0].c, sides[1].c
    law = fit_joint_law(pair_counts(*sides))
    k = N // 2
    once, twice = fail_at_k(n, c_before, [k, 2 * k]).T
    failed = fail_at_k(n, c_after, [k])[:, 0]
    exact = {
        measures.lost: (1 - once) * failed,
        measures.gained: once * (1 - failed),
        measures.noise: once - twice,
        measures.excess_lost: (1 - once) * failed - once + twice,
        measures.excess_gained: once * (1 - failed) - once + twice,
    }
    for measure, values in exact.items():
        error = values.std() / np.sqrt(3000)
        assert figures.expected(law, measure(k)) == pytest.approx(values.mean(), abs=2 * error)
    for k in (1, 16, N):
        expected = pass_at_k(n, c_before, [k]).mean(), pass_at_k(n, c_after, [k]).mean()
        found = measures.passes_before(k), measures.swapped(measures.passes_before(k))
        for measure, value in zip(found, expected, strict=True):
            assert figures.expected(law, measure) == pytest.approx(value, abs=0.002)


def test_no_change_gives_no_excess(rng: np.random.Generator) -> None:
    before, _ = _world(3000, rng)
    pairs = pair_counts(*_counts(before, before, rng))
    law = fit_joint_law(pairs)
    weights = bootstrap_weights(
        len(pairs.counts), 20, np.random.default_rng(1), counts=pairs.counts
    )
    refits = refit_laws(pairs, law, weights)
    for which in ("lost", "gained"):
        moves = figures.moves_at_n(pairs, law, refits, weights, which=which)
        assert moves.excess.low < 0 < moves.excess.high
        assert moves.gross.low == 0


def _matrix(before: FloatArray, after: FloatArray, ends: FloatArray) -> FloatArray:
    out = np.zeros((len(ends) + 1, len(ends) + 1))
    np.add.at(out, (np.searchsorted(ends, before), np.searchsorted(ends, after)), 1)
    return out


def test_corrected_matrix_takes_out_what_noise_moves(rng: np.random.Generator) -> None:
    before, after = _world(7500, rng)
    bins = study_bins(N)
    ends = (np.array(bins.last[:-1]) + 0.5) / N
    for then, share in ((before, 0.6), (after, 1.2)):
        sides = _counts(before, then, rng)
        law = fit_joint_law(pair_counts(*sides))
        found = figures.transition_matrix(law, bins)
        assert found.sum() == pytest.approx(7500)
        truth, raw = _matrix(before, then, ends), _matrix(sides[0].c / N, sides[1].c / N, ends)
        assert np.abs(found - truth).sum() < share * np.abs(raw - truth).sum()


def test_cover_finds_the_true_shares(rng: np.random.Generator) -> None:
    before, after = _world(7500, rng)
    pairs = pair_counts(*_counts(before, after, rng))
    law = fit_joint_law(pairs)
    weights = bootstrap_weights(len(pairs.counts), 10, rng, counts=pairs.counts)
    refits = refit_laws(pairs, law, weights)
    rows = figures.cover_at_tau(law, refits, [0.0, 0.1, 0.5, 0.9])
    assert (rows[0].before.estimate, rows[0].after.estimate) == pytest.approx((1, 1))
    for row in rows:
        for found, p in ((row.before, before), (row.after, after)):
            assert found.low - 1e-9 <= np.mean(p >= row.tau) <= found.high + 1e-9
        assert row.change.estimate == pytest.approx(row.after.estimate - row.before.estimate)
    with pytest.raises(InputError, match="tau"):
        figures.cover_at_tau(law, refits, [1.1])


def test_posterior_puts_the_questions_truly_lost_first(rng: np.random.Generator) -> None:
    before, after = _world(3000, rng)
    sides = _counts(before, after, rng)
    c_before, c_after = sides[0].c, sides[1].c
    pairs = pair_counts(*sides)
    law = fit_joint_law(pairs)
    each = figures.posterior_mean(pairs, law, measures.gross_lost(N))[pairs.pair_of_question]
    assert each.sum() == pytest.approx(
        3000 * figures.expected(law, measures.gross_lost(N)), rel=0.02
    )
    observed = (c_before > 0) & (c_after == 0)
    dead = after < before / 5
    first = np.argsort(-each)[:10]
    assert dead[first].mean() > max(dead[observed].mean(), 0.7)


# --- the fit itself -------------------------------------------------------------------------------


def test_maximum_is_the_maximum(rng: np.random.Generator) -> None:
    """No direction of the grid pulls at the maximum; both ways to find it agree."""
    before, after = _world(400, rng)
    pairs = pair_counts(*_counts(before, after, rng, n=16))
    grid = law_grid(16)
    law = fit_joint_law(pairs, rounds=5000)
    left = pairs.before.likelihood(grid)[pairs.before_row]
    right = pairs.after.likelihood(grid)[pairs.after_row]
    table = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
    chance = table @ law.weights.ravel()
    assert law.log_likelihood == pytest.approx(float(pairs.counts @ np.log(chance)), abs=1e-6)
    gap = float((table.T @ (pairs.counts / chance)).max()) - 400
    assert 0 <= gap < 1
    best = greatest_likelihood(table, pairs.counts)
    assert law.log_likelihood <= best + 1e-3
    assert best <= law.log_likelihood + gap + 1e-3


def test_range_is_the_range() -> None:
    """Two coins whose law has a closed form: the ends are where the likelihood has lost 0.7."""
    # One response each: only the mean of p is known, so p = 0 and 1 alone say all there is.
    table = np.array([[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]])
    counts = np.array([30.0, 70.0])
    best = greatest_likelihood(table, counts)
    assert best == pytest.approx(30 * np.log(0.3) + 70 * np.log(0.7), abs=1e-3)
    high = greatest_mean(table, counts, np.array([0.0, 0.5, 1.0]), best - 0.7)
    # The constraint binds: 30 log(1 - m) + 70 log(m) = best - 0.7.
    assert 30 * np.log(1 - high) + 70 * np.log(high) == pytest.approx(best - 0.7, abs=0.01)
    assert high > 0.7
    # The share of p = 1/2 is not fixed at all, up to what the mean allows.
    half = greatest_mean(table, counts, np.array([0.0, 1.0, 0.0]), best - 0.7)
    mean = 1 - half / 2
    assert 30 * np.log(1 - mean) + 70 * np.log(mean) == pytest.approx(best - 0.7, abs=0.01)
    none = -greatest_mean(table, counts, np.array([0.0, -1.0, 0.0]), best - 0.7)
    assert none == pytest.approx(0, abs=1e-4)


def test_range_grows_with_tolerance_and_holds_the_law(rng: np.random.Generator) -> None:
    before, after = _world(500, rng)
    pairs = pair_counts(*_counts(before, after, rng))
    law = fit_joint_law(pairs)
    kinds = [measures.noise(N), measures.excess_lost(N), measures.gross_lost(N)]
    wide = identification_range(pairs, kinds, law=law, tolerance=2.0)
    narrow = identification_range(pairs, kinds, law=law, tolerance=0.2)
    for measure, (low, high), (inner_low, inner_high) in zip(kinds, wide, narrow, strict=True):
        assert low <= inner_low <= figures.expected(law, measure) <= inner_high <= high


def test_unequal_n_and_curtailed_plans_give_the_same_law(rng: np.random.Generator) -> None:
    before, after = _world(4000, rng)
    plan = CurtailedPlan(stop_after=8, cap=N, round_size=16)
    answers = rng.random((2, 4000, N)) < np.stack([before, after])[:, :, None]
    right = answers.cumsum(axis=2)[:, :, 15::16]
    stop = np.where((right >= 8).any(axis=2), (right >= 8).argmax(axis=2), 15)
    c = np.take_along_axis(right, stop[:, :, None], axis=2)[:, :, 0]
    n = 16 * (stop + 1)
    pairs = pair_counts(Counts(n[0], c[0], plan), Counts(n[1], c[1], plan))
    law = fit_joint_law(pairs)
    for k in (1, 32, N):
        found = figures.expected(law, measures.passes_before(k))
        assert found == pytest.approx(np.mean(1 - (1 - before) ** k), abs=0.012)
    # The unsolved have all N responses, so lost questions can be counted at k = N.
    weights = bootstrap_weights(len(pairs.counts), 5, rng, counts=pairs.counts)
    refits = refit_laws(pairs, law, weights)
    moves = figures.moves_at_n(pairs, law, refits, weights, which="lost")
    assert moves.observed == np.sum((c[0] > 0) & (c[1] == 0))
    # Unscored responses: a few n differ.
    short = N - rng.integers(0, 5, 4000)
    uneven = pair_counts(
        Counts(short, rng.binomial(short, before)),
        Counts(np.full(4000, N), rng.binomial(N, after)),
    )
    other = fit_joint_law(uneven)
    assert figures.expected(other, measures.noise(64)) == pytest.approx(
        figures.expected(law, measures.noise(64)), abs=0.004
    )
    with pytest.raises(InputError, match="same n for every question"):
        figures.moves_at_n(uneven, other, (other, other), weights, which="lost")


def test_grouping_sums_over_all_outcomes(rng: np.random.Generator) -> None:
    pairs = pair_counts(*_counts(*_world(200, rng), rng, n=32))
    starts = np.array([0, 1, 2, 5, 20])
    coarse, group = grouped(pairs, starts, starts)
    grid = law_grid(32)
    np.testing.assert_allclose(coarse.before.likelihood(grid).sum(axis=0), 1, atol=1e-12)
    expected = scipy_stats.binom.cdf(4, 32, grid) - scipy_stats.binom.cdf(1, 32, grid)
    np.testing.assert_allclose(coarse.before.likelihood(grid)[2], expected, atol=1e-12)
    assert coarse.questions == 200
    np.testing.assert_array_equal(group[pairs.pair_of_question], coarse.pair_of_question)


def test_refits_by_question_and_by_pair_are_the_same(rng: np.random.Generator) -> None:
    pairs = pair_counts(*_counts(*_world(300, rng), rng, n=64))
    law = fit_joint_law(pairs)
    by_question = bootstrap_weights(300, 3, rng)
    by_pair = np.stack([np.bincount(pairs.pair_of_question, weights=row) for row in by_question])
    for one, other in zip(
        refit_laws(pairs, law, by_question), refit_laws(pairs, law, by_pair), strict=True
    ):
        np.testing.assert_allclose(one.weights, other.weights, atol=1e-12)
    again = refit_laws(pairs, law, np.ones((1, 300)))[0]
    assert (
        again.log_likelihood
        >= refit_laws(pairs, law, np.ones((1, 300)), rounds=5)[0].log_likelihood
    )


def test_marginal_law_is_the_law_of_one_side(rng: np.random.Generator) -> None:
    before, _ = _world(3000, rng)
    n = np.full(3000, 64)
    c = rng.binomial(64, before)
    law = fit_marginal_law(n, c)
    assert law.weights.sum() == pytest.approx(1)
    for k in (1, 8, 64):
        found = law.weights @ (1 - (1 - law.grid) ** k)
        assert found == pytest.approx(pass_at_k(n, c, [k]).mean(), abs=0.002)


# --- beyond n -------------------------------------------------------------------------------------


def test_extrapolation_is_marked_and_its_range_holds_the_truth(rng: np.random.Generator) -> None:
    before, after = _world(3000, rng)
    pairs = pair_counts(*_counts(before, after, rng, n=32))
    law = fit_joint_law(pairs)
    weights = bootstrap_weights(
        len(pairs.counts), 10, np.random.default_rng(1), counts=pairs.counts
    )
    refits = refit_laws(pairs, law, weights)
    rows = pass_at_k_of_law(pairs, law, refits, [1, 32, 33, 1024])
    assert [row.extrapolated for row in rows] == [False, False, True, True]
    for row in rows:
        for found, p in ((row.before, before), (row.after, after)):
            assert found.range is not None
            assert found.range[0] <= found.estimate <= found.range[1]
            assert found.range[0] - 0.01 <= np.mean(1 - (1 - p) ** row.k) <= found.range[1] + 0.01
        assert row.change.estimate == pytest.approx(row.after.estimate - row.before.estimate)
    widths = [row.before.range[1] - row.before.range[0] for row in rows]
    assert widths[3] > 3 * widths[1]


# --- bad input ------------------------------------------------------------------------------------


def test_bad_counts_are_errors() -> None:
    with pytest.raises(InputError, match="at least one scored response"):
        pair_counts(Counts([4, 0], [1, 0]), Counts([4, 4], [1, 1]))
    with pytest.raises(InputError, match="same questions"):
        pair_counts(Counts([4, 4], [1, 0]), Counts([4], [1]))
    with pytest.raises(InputError, match="never stops"):
        pair_counts(Counts([4], [1], CurtailedPlan(2, 8, 4)), Counts([8], [0]))
    for matrix in ([[1, 2], [3, -1]], [[1, 2], [3, 0.5]], [[0, 0], [0, 0]], [[1, 2, 3]]):
        with pytest.raises(InputError):
            pair_counts_of_matrix(matrix, Bins(8, (0, 8)))
    with pytest.raises(InputError, match="increase"):
        pair_counts_of_matrix([[1, 2], [3, 4]], Bins(8, (4, 4)))


def test_bad_requests_are_errors(figure: PairCounts) -> None:
    law = fit_joint_law(figure, rounds=10)
    with pytest.raises(InputError, match="tolerance"):
        identification_range(figure, [measures.noise(N)], tolerance=0)
    with pytest.raises(InputError, match="one column"):
        refit_laws(figure, law, np.ones((2, 3)))
    with pytest.raises(InputError, match="two refits"):
        figures.estimate(law, (law,), measures.noise(N))
    with pytest.raises(InputError, match="impossible"):
        fit_joint_law(figure, grid_before=np.array([0.0, 1.0]))
    wide = pair_counts_of_matrix([[5, 1], [2, 9]], Bins(8, (2, 8)))
    found = fit_joint_law(wide)
    with pytest.raises(InputError, match="bin of its own"):
        figures.moves_at_n(wide, found, (found, found), np.ones((2, 4)), which="lost")
