"""The floor of the law's figures: a loss counts where it stands above what no loss shows."""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
import pytest
from scipy import stats

from liftmap.errors import InputError
from liftmap.records import Counts
from liftmap.stats.bins import study_bins
from liftmap.stats.intervals import bootstrap_weights
from liftmap.stats.law.climb import climb_pairs, climb_tables
from liftmap.stats.law.counts import PairCounts, pair_counts, pair_counts_of_matrix
from liftmap.stats.law.estimates import cover_at_tau, expected, moves_at_n
from liftmap.stats.law.fit import fit_joint_law, law_grid, refit_laws
from liftmap.stats.law.floor import MovesFloor, World, draw_tables, fit_law_of_world, moves_floor
from liftmap.stats.law.identification import identification_range, limits_of_side, profile_tolerance
from liftmap.stats.law.measures import covers, gross_lost, noise
from liftmap.stats.passk import FloatArray


def _pairs(before: FloatArray, after: FloatArray, n: int, rng: np.random.Generator) -> PairCounts:
    size = np.full(len(before), n)
    return pair_counts(Counts(size, rng.binomial(n, before)), Counts(size, rng.binomial(n, after)))


def _figure_9a() -> PairCounts:
    path = resources.files("liftmap") / "data/published/fig9a_1.5b_math_train.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    return pair_counts_of_matrix([[float(x) for x in row[1:]] for row in rows[1:]], study_bins(256))


def _gross(pairs: PairCounts, k: int) -> float:
    return pairs.questions * expected(fit_joint_law(pairs), gross_lost(k))


def _floor(pairs: PairCounts, k: int, rng: np.random.Generator, world: World) -> MovesFloor:
    return moves_floor(pairs, fit_law_of_world(pairs, world), k, rng)


def test_data_sets_climbed_together_end_where_each_ends_alone(rng: np.random.Generator) -> None:
    pairs = _pairs(rng.beta(1, 1, 200), rng.beta(1, 1, 200), 8, rng)
    grid = law_grid(8)
    tables = pairs.before.likelihood(grid), pairs.after.likelihood(grid)
    even = np.full((len(grid), len(grid)), 1 / len(grid) ** 2)
    counts = np.zeros((3, pairs.before.rows, pairs.after.rows))
    for place, factor in enumerate((1, 2, 1)):
        counts[place, pairs.before_row, pairs.after_row] = factor * pairs.counts
    weights, heights = climb_tables(counts, tables, even, 100)
    alone, height = climb_pairs(pairs, tables, even, 100)
    for place in (0, 2):
        np.testing.assert_allclose(weights[place], alone, atol=1e-9)
        assert heights[place] == pytest.approx(height)
    assert heights[1] >= 2 * height - 0.02


@pytest.mark.parametrize("world", ["unchanged", "nothing fell", "nothing rose"])
def test_laws_of_a_world_hold_nothing_else(world: World, rng: np.random.Generator) -> None:
    pairs = _pairs(rng.beta(1, 1, 200), rng.beta(1, 1, 200), 8, rng)
    law = fit_law_of_world(pairs, world)
    change = np.sign(law.grid_after[None, :] - law.grid_before[:, None])
    allowed = {"unchanged": {0}, "nothing fell": {0, 1}, "nothing rose": {0, -1}}[world]
    assert law.weights.sum() == pytest.approx(1)
    assert not law.weights[~np.isin(change, list(allowed))].any()


def test_drawn_tables_have_the_chances_of_the_law(rng: np.random.Generator) -> None:
    pairs = _figure_9a()
    law = fit_law_of_world(pairs, "unchanged")
    drawn, tables = draw_tables(pairs, law, 50, rng)
    assert np.all(tables.sum(axis=(1, 2)) == 7500)
    before, after = (side.likelihood(law.grid_before) for side in (drawn.before, drawn.after))
    chances = 7500 * before @ law.weights @ after.T
    np.testing.assert_allclose(tables.mean(axis=0), chances, atol=5 * np.sqrt(chances.max() / 50))


def test_figure_9a_stands_above_its_floor() -> None:
    pairs = _figure_9a()
    for world in ("unchanged", "nothing fell"):
        floor = _floor(pairs, 256, np.random.default_rng(0), world)
        assert floor.excess_lost is not None
        assert 3 < floor.gross_lost.mean < 15
        assert floor.gross_lost.mean < floor.gross_lost.largest < 25
        assert _gross(pairs, 256) > floor.gross_lost.largest


def _times_above_the_floor(world: World, rises: bool, rounds: int) -> int:
    """How often gross loss lies above the largest of its floor in a world where nothing fell."""
    rng = np.random.default_rng([2, rises])
    above = 0
    for _ in range(rounds):
        before = rng.beta(0.4, 0.8, 150)
        after = np.maximum(before, rng.beta(0.8, 0.6, 150)) if rises else before
        pairs = _pairs(before, after, 8, rng)
        above += _gross(pairs, 8) > _floor(pairs, 8, rng, world).gross_lost.largest
    return above


@pytest.mark.parametrize("rises", [False, True])
def test_where_nothing_fell_gross_loss_seldom_leaves_its_floor(rises: bool) -> None:
    # 1 in 20 of 25 rounds, and three standard errors.
    assert _times_above_the_floor("unchanged", rises, 25) <= 4


@pytest.mark.long
@pytest.mark.parametrize("world", ["unchanged", "nothing fell"])
@pytest.mark.parametrize("rises", [False, True])
def test_gross_loss_leaves_its_floor_in_one_round_of_twenty(world: World, rises: bool) -> None:
    rounds = 400
    allowed = 0.05 * rounds + 3 * np.sqrt(0.05 * 0.95 * rounds)
    assert _times_above_the_floor(world, rises, rounds) <= allowed


def test_a_true_loss_leaves_the_floor() -> None:
    rng = np.random.default_rng(3)
    before = rng.beta(1, 1, 400)
    after = np.where(rng.random(400) < 0.1, 0.0, before)
    pairs = _pairs(before, after, 16, rng)
    floor = _floor(pairs, 16, rng, "unchanged")
    assert _gross(pairs, 16) > 2 * floor.gross_lost.largest
    # Below n there are no observed counts to take noise from.
    assert _floor(pairs, 8, rng, "unchanged").excess_lost is None


def test_noise_and_excess_at_n_unite_bootstrap_and_profile(rng: np.random.Generator) -> None:
    p = rng.beta(0.4, 0.8, 300)
    pairs = _pairs(p, p, 16, rng)
    law = fit_joint_law(pairs)
    weights = bootstrap_weights(len(pairs.counts), 20, rng, counts=pairs.counts)
    refits = refit_laws(pairs, law, weights)
    tolerances = [0.7, profile_tolerance(0.95)]
    assert tolerances[1] == pytest.approx(1.92, abs=0.001)
    narrow, profile = identification_range(pairs, [noise(16)] * 2, law=law, tolerance=tolerances)
    assert profile[0] < narrow[0] < narrow[1] < profile[1]
    plain = moves_at_n(pairs, law, refits, weights, which="lost")
    united = moves_at_n(pairs, law, refits, weights, which="lost", profile=profile)
    assert united.noise.low == min(plain.noise.low, 300 * profile[0])
    assert united.noise.high == max(plain.noise.high, 300 * profile[1])
    assert united.excess.low == pytest.approx(
        min(plain.excess.low, united.observed - 300 * profile[1])
    )
    assert united.excess.high == pytest.approx(
        max(plain.excess.high, united.observed - 300 * profile[0])
    )
    assert united.gross == plain.gross


def test_cover_unites_bootstrap_and_profile_and_holds_the_true_shares() -> None:
    rng = np.random.default_rng(4)
    rounds, held = 20, 0
    for _ in range(rounds):
        pairs = _pairs(rng.beta(0.6, 0.8, 100), rng.beta(0.8, 0.6, 100), 8, rng)
        law = fit_joint_law(pairs)
        weights = bootstrap_weights(len(pairs.counts), 10, rng, counts=pairs.counts)
        one, other = (
            limits_of_side(pairs, side, [covers(0.9, 8)], tolerance=profile_tolerance(0.95))[0]
            for side in ("before", "after")
        )
        refits = refit_laws(pairs, law, weights)
        [alone] = cover_at_tau(law, refits, [0.9])
        [united] = cover_at_tau(law, refits, [0.9], profiles=[(one, other)])
        assert united.before.low == min(alone.before.low, one[0])
        assert united.after.high == max(alone.after.high, other[1])
        assert united.change.low <= alone.change.low
        truth = 1 - stats.beta.cdf(0.9, 0.8, 0.6)
        held += united.after.low <= truth <= united.after.high
    assert held >= 18


def test_a_floor_needs_a_data_set(rng: np.random.Generator) -> None:
    pairs = _figure_9a()
    with pytest.raises(InputError, match="data set"):
        moves_floor(pairs, fit_law_of_world(pairs, "unchanged"), 256, rng, data_sets=0)
