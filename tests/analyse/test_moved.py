"""Moved questions: the exact test agrees with scipy's, and noise alone moves few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from liftmap.analyse.moved import fisher_p_values, moved
from liftmap.records import Counts


def test_p_values_equal_scipys():
    rng = np.random.default_rng(0)
    n0, n1 = rng.integers(1, 40, 150), rng.integers(1, 40, 150)
    c0, c1 = rng.binomial(n0, 0.3), rng.binomial(n1, 0.5)
    ours = fisher_p_values(Counts(n0, c0), Counts(n1, c1))
    for at in range(150):
        table = [[c0[at], n0[at] - c0[at]], [c1[at], n1[at] - c1[at]]]
        assert ours[at] == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-9)


@pytest.mark.parametrize("p", [0.02, 0.3, 0.5])
def test_noise_alone_is_seldom_called_a_move(p):
    n0, n1 = 24, 31
    c0, c1 = (each.ravel() for each in np.meshgrid(np.arange(n0 + 1), np.arange(n1 + 1)))
    chance = stats.binom.pmf(c0, n0, p) * stats.binom.pmf(c1, n1, p)
    sides = Counts(np.full_like(c0, n0), c0), Counts(np.full_like(c1, n1), c1)
    found = fisher_p_values(*sides)
    for level in (0.01, 0.05, 0.2):
        assert chance[found <= level].sum() <= level


def test_moves_are_found(make_study, asked):
    count = 60
    study = make_study(asked(count))
    rates = np.random.default_rng(1).uniform(0.2, 0.8, count)
    lifted = rates.copy()
    lifted[:5], lifted[5:9] = 1, 0
    study.answer_at("base", rates, 64, seed=1)
    study.answer_at("rlvr@1", lifted, 64, seed=3)
    table = moved(study.data)
    meant = [f"q{i:02}" for i in range(9)]
    directions = dict(zip(table["question_id"], table["direction"], strict=True))
    assert [directions.get(name) for name in meant] == ["up"] * 5 + ["down"] * 4
    assert len(table) <= 11
    assert table["change"].is_sorted()
    assert (table["p_value"] <= table["q_value"]).all()
    assert (table["q_value"] <= 0.05).all()
