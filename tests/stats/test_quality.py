import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from liftmap.errors import InputError
from liftmap.stats import intervals, quality

responses = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 4)), max_size=60)


@given(responses)
def test_area_is_the_share_of_pairs_in_which_the_right_response_is_higher(rows):
    values, right, question = (np.array([row[i] for row in rows]) for i in range(3))
    numbers, areas = quality.question_aucs(values, right, question)
    expected = {}
    for number in range(5):
        pairs = [
            (v > w) + 0.5 * (v == w)
            for v, r, q in rows
            for w, s, p in rows
            if q == p == number and r and not s
        ]
        if pairs:
            expected[number] = np.mean(pairs)
    assert numbers.tolist() == sorted(expected)
    np.testing.assert_allclose(areas, [expected[number] for number in numbers], atol=1e-14)


def test_agrees_with_scipy_and_ignores_differences_between_questions(rng):
    question = rng.integers(0, 200, 20_000)
    right = rng.random(20_000) < 0.5
    values = 100 * question + right + rng.normal(0, 1, 20_000)
    one = question == 7
    peer = stats.mannwhitneyu(values[one & right], values[one & ~right]).statistic
    numbers, areas = quality.question_aucs(values, right, question)
    pairs = (one & right).sum() * (one & ~right).sum()
    assert areas[numbers.tolist().index(7)] == pytest.approx(peer / pairs)
    # Two normals one standard deviation apart: the area is Phi(1 / sqrt 2).
    mean = intervals.mean(areas)
    assert len(numbers) == 200
    assert mean.low < stats.norm.cdf(1 / np.sqrt(2)) < mean.high


def test_unknown_values_are_left_out():
    values, right, question = [1, np.nan, 0, 2, 1], [1, 0, 0, 1, 0], [0, 0, 0, 1, 1]
    numbers, areas = quality.question_aucs(values, right, question)
    assert (numbers.tolist(), areas.tolist()) == ([0, 1], [1.0, 1.0])
    assert not len(quality.question_aucs([], [], [])[0])


def test_bad_input_is_named():
    with pytest.raises(InputError, match="one verdict"):
        quality.question_aucs([1.0], [True, False], [0, 0])
    with pytest.raises(InputError, match="numbered from 0"):
        quality.question_aucs([1.0], [True], [-1])
