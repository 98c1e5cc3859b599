"""McNemar by cluster: the law of all sign flips, and its level where questions move together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from liftmap.errors import InputError
from liftmap.stats.mcnemar import mcnemar


def test_is_the_share_of_all_sign_flips_of_the_cluster_sums() -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        lost, gained = rng.integers(0, 4, (2, 12))
        cluster = rng.integers(0, 7, 12)
        sums = np.bincount(cluster, weights=gained - lost, minlength=7)
        flipped = np.array(list(itertools.product([-1, 1], repeat=7))) @ sums
        share = np.mean(np.abs(flipped) >= abs(sums.sum()))
        assert mcnemar(lost, gained, cluster) == pytest.approx(share)


@pytest.mark.parametrize(("lost", "gained"), [(3, 9), (0, 12), (62, 55), (5, 5), (0, 0)])
def test_clusters_of_one_question_give_the_exact_binomial_test(lost: int, gained: int) -> None:
    was_lost = np.arange(lost + gained) < lost
    alone = mcnemar(was_lost.astype(int), (~was_lost).astype(int), np.arange(lost + gained))
    expected = stats.binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert mcnemar(lost, gained) == pytest.approx(expected)
    assert alone == pytest.approx(expected)


def test_holds_its_level_where_questions_of_a_cluster_move_together() -> None:
    # 30 clusters of 20 questions; the odds of each cluster move up or down as a whole.
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(30), 20)
    rounds, by_question, by_cluster = 400, 0, 0
    for _ in range(rounds):
        before = rng.normal(0, 1, 600)
        after = before + rng.normal(0, 1.5, 30)[cluster]
        solved = rng.random((2, 600)) < 1 / (1 + np.exp(-np.array([before, after])))
        lost, gained = solved[0] & ~solved[1], ~solved[0] & solved[1]
        by_question += mcnemar(lost.sum(), gained.sum()) <= 0.05
        by_cluster += mcnemar(lost.astype(int), gained.astype(int), cluster) <= 0.05
    assert by_question > 0.2 * rounds
    assert by_cluster < 0.08 * rounds


def test_a_change_of_all_clusters_is_seen() -> None:
    assert mcnemar(np.full(12, 3), np.zeros(12, dtype=int), np.arange(12)) == pytest.approx(2**-11)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="whole numbers"):
        mcnemar([1, -1], [0, 0])
    with pytest.raises(InputError, match="cluster"):
        mcnemar([1, 1], [0, 0], ["a"])
