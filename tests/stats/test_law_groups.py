"""Groups without a gradient, as the law of success rates predicts them."""

from __future__ import annotations

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, FixedPlan
from liftmap.stats.law.groups import group_shares

RATES = np.array([0.0, 0.1, 0.3, 0.6, 0.9, 1.0])
PLAN = CurtailedPlan(stop_after=4, cap=16, round_size=4)


def curtailed(rates: np.ndarray, rng: np.random.Generator) -> Counts:
    """Counts of questions with these success rates under `PLAN`."""
    n, c = np.zeros(len(rates), int), np.zeros(len(rates), int)
    going = np.ones(len(rates), bool)
    while going.any():
        n[going] += PLAN.round_size
        c[going] += rng.binomial(PLAN.round_size, rates[going])
        going &= (c < PLAN.stop_after) & (n < PLAN.cap)
    return Counts(n, c, PLAN)


def test_the_truth_lies_in_the_intervals() -> None:
    truth = {
        "no_gradient": np.mean(RATES**8 + (1 - RATES) ** 8),
        "all_right": np.mean(RATES**8),
        "all_wrong": np.mean((1 - RATES) ** 8),
    }
    outside = dict.fromkeys(truth, 0)
    for seed in range(24):
        rng = np.random.default_rng(seed)
        counts = curtailed(rng.choice(RATES, size=80), rng)
        shares = group_shares(counts, 8, rng=rng, resamples=20)
        for name, value in truth.items():
            estimate = getattr(shares, name)
            outside[name] += not estimate.low <= value <= estimate.high
    # With chance 5 % each, five or more of 24 have a chance of 1 %.
    assert max(outside.values()) <= 4, outside


def test_many_responses_leave_no_doubt() -> None:
    rates = np.repeat(RATES, 200)
    rng = np.random.default_rng(1)
    n = np.full(len(rates), 256)
    shares = group_shares(Counts(n, rng.binomial(n, rates), FixedPlan(256)), 4, rng=rng)
    assert shares.all_right.estimate == pytest.approx(np.mean(rates**4), abs=0.01)
    assert shares.all_wrong.estimate == pytest.approx(np.mean((1 - rates) ** 4), abs=0.01)
    both = shares.all_right.estimate + shares.all_wrong.estimate
    assert shares.no_gradient.estimate == pytest.approx(both)


def test_a_group_of_one_is_always_alike() -> None:
    rng = np.random.default_rng(1)
    shares = group_shares(curtailed(rng.choice(RATES, size=40), rng), 1, rng=rng, resamples=5)
    assert shares.no_gradient.estimate == shares.no_gradient.low == 1


def test_a_group_has_a_response() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(InputError, match="one response or more"):
        group_shares(Counts(np.array([4, 4]), np.array([1, 2])), 0, rng=rng)
