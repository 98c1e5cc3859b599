"""Kept, gained, lost and never there: shares without bias, rates without noise."""

from __future__ import annotations

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import Counts
from liftmap.stats.passk import FloatArray
from liftmap.stats.support import support


def _sides(p: FloatArray, q: FloatArray, n: int, rng: np.random.Generator) -> tuple[Counts, Counts]:
    return Counts(np.full(len(p), n), rng.binomial(n, p)), Counts(
        np.full(len(q), n), rng.binomial(n, q)
    )


def test_shares_add_up_and_are_those_of_a_worked_case() -> None:
    # One of two right: with k = 1 solved with chance 1/2, so every share of its pairs is 1/4.
    sides = (
        Counts(np.array([2, 2, 2]), np.array([1, 2, 0])),
        Counts(np.array([2, 2, 2]), np.array([1, 0, 2])),
    )
    result = support(*sides, 1)
    shares = (result.kept, result.gained, result.lost, result.never)
    assert [share.estimate for share in shares] == pytest.approx(
        [0.25 / 3, 1.25 / 3, 1.25 / 3, 0.25 / 3]
    )
    # Noise: A_1 - A_2 = 1/2 for the first question, 0 for the sure ones.
    assert result.noise.estimate == pytest.approx(0.5 / 3)
    assert result.retention.estimate == pytest.approx(1 - (1.25 - 0.5) / 1.5)
    assert result.discovery.estimate == pytest.approx((1.25 - 0.5) / 1.5)


def test_nothing_changed_keeps_everything_where_plain_rates_lose() -> None:
    rng = np.random.default_rng(8)
    held, plain = np.zeros(2), 0.0
    rounds = 300
    for _ in range(rounds):
        p = rng.beta(0.3, 1, 150)
        result = support(*_sides(p, p, 16, rng))
        held += [
            result.retention.low <= 1 <= result.retention.high,
            result.discovery.low <= 0 <= result.discovery.high,
        ]
        plain += result.kept.estimate / (result.kept.estimate + result.lost.estimate) / rounds
    assert np.all(held >= 0.94 * rounds)
    assert plain < 0.9


def test_true_rates_are_held() -> None:
    # A fifth of the questions dies, a tenth is found.
    rng = np.random.default_rng(9)
    held, rounds, k = np.zeros(2), 300, 8
    for _ in range(rounds):
        p = np.where(rng.random(300) < 0.3, 0.001, rng.beta(1, 1, 300))
        q = np.where(rng.random(300) < 0.2, p * 0.01, p)
        q = np.where((p == 0.001) & (rng.random(300) < 0.3), 0.5, q)
        result = support(*_sides(p, q, 16, rng), k)
        fail, fail_after = (1 - p) ** k, (1 - q) ** k
        lost = np.sum((1 - fail) * (fail_after - fail))
        found = np.sum(fail * (1 - fail_after) - fail * (1 - fail))
        retention, discovery = 1 - lost / np.sum(1 - fail), found / np.sum(1 - fail_after)
        held += [
            result.retention.low <= retention <= result.retention.high,
            result.discovery.low <= discovery <= result.discovery.high,
        ]
    assert np.all(held >= 0.95 * rounds)


def test_sides_that_solve_nothing_are_an_error() -> None:
    nothing = Counts(np.array([4, 4]), np.array([0, 0]))
    with pytest.raises(InputError, match="mass"):
        support(nothing, nothing)
