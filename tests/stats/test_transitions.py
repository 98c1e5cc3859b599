from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan
from liftmap.stats import bins, transitions

THIRDS = bins.Bins(3, (0, 1, 3))

tallies = st.lists(
    st.integers(2, 40).flatmap(
        lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(2, 40))
    ),
    min_size=1,
    max_size=20,
)


@given(tallies, st.randoms(use_true_random=False))
def test_all_matrices_hold_all_questions_with_rows_that_match(rows, random):
    n_before, c_before, n_after = np.array(rows).T
    c_after = np.array([random.randint(0, n) for n in n_after])
    sides = Counts(n_before, c_before), Counts(n_after, c_after)
    raw = transitions.raw_matrix(*sides, THIRDS)
    counted = np.bincount(bins.assign(c_before, n_before, THIRDS), minlength=3)
    np.testing.assert_array_equal(raw.sum(axis=1), counted)
    half = transitions.half_matrix(*sides, THIRDS)
    sizes = transitions.half_sizes(*sides)
    noise = transitions.noise_matrix(sides[0], THIRDS, sizes=sizes)
    assert half.sum() == pytest.approx(len(rows))
    np.testing.assert_allclose(noise.sum(axis=1), half.sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(noise, noise.T, atol=1e-9)


@pytest.mark.parametrize(("n", "size"), [(6, 3), (7, 3), (6, 2), (7, 1)])
def test_noise_is_the_mean_over_all_pairs_of_parts(n, size):
    for c in range(n + 1):
        right = np.arange(n) < c
        expected, pairs = np.zeros((3, 3)), 0
        for first in combinations(range(n), size):
            for second in combinations(sorted(set(range(n)) - set(first)), size):
                found = [right[list(part)].sum() for part in (first, second)]
                expected[tuple(bins.assign(found, size, THIRDS))] += 1
                pairs += 1
        noise = transitions.noise_matrix(Counts([n], [c]), THIRDS, sizes=[size])
        np.testing.assert_allclose(noise, expected / pairs, atol=1e-13)


def test_half_is_the_mean_over_all_halves_of_both_sides():
    n, before, after = 6, 2, 4
    chances = []
    for c in (before, after):
        right = np.arange(n) < c
        halves = [right[list(half)].sum() for half in combinations(range(n), 3)]
        chances.append(np.bincount(bins.assign(halves, 3, THIRDS), minlength=3) / len(halves))
    sides = Counts([n], [before]), Counts([n], [after])
    half = transitions.half_matrix(*sides, THIRDS, counts=[5])
    np.testing.assert_allclose(half, 5 * np.outer(*chances), atol=1e-13)


def test_untrained_model_differs_from_its_noise_matrix_by_chance_alone(rng):
    n, rate = np.full(3000, 32), rng.beta(0.3, 0.5, 3000)
    before, again = rng.binomial(32, rate), rng.binomial(32, rate)
    study = bins.study_bins(32)
    half = transitions.half_matrix(Counts(n, before), Counts(n, again), study)
    noise = transitions.noise_matrix(Counts(n, before), study)
    assert np.abs(half - noise).max() < 4 * np.sqrt(noise.max())
    assert half[-1, 0] + half[0, -1] < 1


def test_curtailed_noise_and_half_are_those_of_the_first_responses():
    plan = CurtailedPlan(stop_after=3, cap=8, round_size=4)
    # The earliest stop is at 4, so the parts are the first two responses and the next two.
    expected, by_point = {}, {}
    for path in product([0, 1], repeat=8):
        stop = 4 if sum(path[:4]) >= 3 else 8
        parts = [sum(path[:2]), sum(path[2:4])]
        cell = expected.setdefault((stop, sum(path[:stop])), np.zeros((3, 3)))
        cell[tuple(bins.assign(parts, 2, THIRDS))] += 1
        by_point[stop, sum(path[:stop])] = by_point.get((stop, sum(path[:stop])), 0) + 1
    for (n, c), counts in expected.items():
        side = Counts([n], [c], plan)
        noise = transitions.noise_matrix(side, THIRDS)
        np.testing.assert_allclose(noise, counts / by_point[n, c], atol=1e-12)
        half = transitions.half_matrix(side, Counts([9], [9]), THIRDS)
        np.testing.assert_allclose(half[:, 2], noise.sum(axis=1), atol=1e-12)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="same questions"):
        transitions.raw_matrix(Counts([4, 4], [1, 1]), Counts([4], [1]), THIRDS)
    with pytest.raises(InputError, match="do not fit"):
        transitions.noise_matrix(Counts([6], [1]), THIRDS, sizes=[4])
