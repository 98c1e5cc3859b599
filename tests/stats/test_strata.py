"""Means over strata: one stratum is a plain mean, and intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.stats.intervals import bootstrap_weights, mean_changes
from liftmap.stats.resampling import CHANGE
from liftmap.stats.strata import Stratum, pooled_mean


def _stratum(values: np.ndarray, share: float, seed: int, resamples: int = 1000) -> Stratum:
    rng = np.random.default_rng(seed)
    weights = bootstrap_weights(len(values), resamples, rng).astype(np.float64)
    return Stratum(values, share, weights=weights)


def test_one_stratum_is_a_plain_mean_change() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0.1, 0.4, 60)
    weights = bootstrap_weights(60, 4000, rng).astype(np.float64)
    [plain] = mean_changes(np.zeros((60, 1)), values[:, None], weights=weights, floor=1.0)
    pseudo = CHANGE._replace(scale=1.0)
    single = pooled_mean([Stratum(values, 1.0, weights=weights, pseudo=pseudo)], rng).interval(0.95)
    assert single.estimate == pytest.approx(plain.estimate)
    # The floor's share of the spread of small changes makes the plain one a little narrower.
    assert single.low == pytest.approx(plain.low, abs=0.012)
    assert single.high == pytest.approx(plain.high, abs=0.012)


def test_bootstrap_and_analytic_intervals_agree_and_shares_count() -> None:
    rng = np.random.default_rng(5)
    parts = [rng.normal(mean, 0.3, size) for mean, size in ((0.2, 80), (-0.1, 300))]
    drawn = pooled_mean(
        [_stratum(v, s, i, 4000) for i, (v, s) in enumerate(zip(parts, (0.5, 0.5), strict=True))],
        rng,
    )
    analytic = pooled_mean([Stratum(v, 0.5) for v in parts], rng)
    assert drawn.estimate == pytest.approx((parts[0].mean() + parts[1].mean()) / 2)
    first, second = drawn.interval(0.9), analytic.interval(0.9)
    assert first.low == pytest.approx(second.low, abs=0.006)
    assert first.high == pytest.approx(second.high, abs=0.006)
    error = np.sqrt(sum(0.25 * v.var(ddof=1) / len(v) for v in parts))
    assert analytic.error == pytest.approx(error)


@pytest.mark.parametrize("sizes", [(20, 300), (15, 15, 15, 15)])
def test_the_interval_holds_the_truth_and_its_p_value_is_the_interval(
    sizes: tuple[int, ...],
) -> None:
    rng = np.random.default_rng(11)
    rounds, holds, below = 400, 0, 0
    for _ in range(rounds):
        strata = [Stratum(rng.exponential(1.0, size) - 1.0, 1 / len(sizes)) for size in sizes]
        pooled = pooled_mean(strata, rng)
        interval = pooled.interval(0.95)
        holds += interval.low <= 0 <= interval.high
        below += pooled.p_value < 0.05
        assert (pooled.p_value < 0.05) == (not interval.low <= 0 <= interval.high)
    assert holds / rounds > 0.91
    assert below == rounds - holds


def test_no_stratum_and_unlike_resamples_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="stratum"):
        pooled_mean([], rng)
    with pytest.raises(InputError, match="resamples"):
        pooled_mean([_stratum(rng.normal(size=9), 0.5, 1, size) for size in (60, 80)], rng)
