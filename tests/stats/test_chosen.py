"""The best of several: what it seems worth, and what it is worth on other questions."""

from __future__ import annotations

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.stats.chosen import cross_fitted_choice


def test_a_choice_among_equals_seems_better_than_it_is() -> None:
    seemed, fair = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        changes = rng.normal(0, 1, (60, 8))
        choice = cross_fitted_choice(changes[None], changes[:, :, None], rng, splits=20)
        seemed.append(changes.mean(axis=0)[choice.place])
        fair.append(choice.worth.mean())
    # The largest of eight means of 60: 1.42 standard errors of 1 / sqrt(60).
    assert np.mean(seemed) == pytest.approx(1.42 / np.sqrt(60), abs=0.02)
    assert np.mean(fair) == pytest.approx(0, abs=3 * np.std(fair) / np.sqrt(200))


def test_a_candidate_that_is_plainly_best_is_worth_what_it_seems() -> None:
    rng = np.random.default_rng(1)
    changes = rng.normal([0.0, 1.0, 0.2], 0.1, (40, 3))
    choice = cross_fitted_choice(changes[None], changes[:, :, None], rng)
    assert choice.place == 1
    assert choice.shares.tolist() == [0, 1, 0]
    assert np.allclose(choice.worth[:, :, 0], changes[:, [1]])


def test_ties_go_to_the_next_score_and_then_to_the_first_candidate() -> None:
    rng = np.random.default_rng(0)
    first, then = np.ones((6, 4)), np.tile([0.0, 2.0, 2.0, 1.0], (6, 1))
    figures = np.zeros((6, 4, 1))
    assert cross_fitted_choice(np.stack([first, then]), figures, rng).place == 1
    assert cross_fitted_choice(first[None], figures, rng).place == 0


def test_clusters_stay_whole() -> None:
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(2), 5)
    # Each cluster likes one candidate; the other half has to report the other's liking.
    liking = np.where(cluster[:, None] == [[0, 1]], 1.0, -1.0)
    choice = cross_fitted_choice(liking[None], liking[:, :, None], rng, cluster=cluster)
    assert np.all(choice.worth == -1)
    with pytest.raises(InputError, match="two questions"):
        cross_fitted_choice(np.zeros((1, 5, 2)), np.zeros((5, 2, 1)), rng, cluster=np.zeros(5))
