"""What a pilot says of the questions: its law, its clusters, and how far plans may be off."""

from __future__ import annotations

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import Counts, FixedPlan
from liftmap.stats.moments import pass_of_rate
from liftmap.stats.pilot import fit_pilot, interval_of
from liftmap.stats.power import greatest_change, needed_questions

N = 16


def _pilot(p: np.ndarray, rng: np.random.Generator) -> Counts:
    return Counts(np.full(len(p), N), rng.binomial(N, p), FixedPlan(N))


def test_a_rise_is_always_within_reach(rng: np.random.Generator) -> None:
    """Questions without a right response may have p = 0 or a little more: nobody can tell."""
    counts = _pilot(np.repeat([0.0, 0.9], 50), rng)
    pilot = fit_pilot(counts, N, rng=rng, resamples=2)
    assert pilot.law.grid.min() == pytest.approx(1 / (10 * N))
    assert pilot.law.grid.max() == pytest.approx(1 - 1 / (10 * N))
    passed = float(pilot.law.weights @ pass_of_rate(pilot.law.grid, N))
    # Of half the questions a share of 1 - (1 - 1 / 160)^16 = 9.5 % is solved by such a rate.
    assert passed == pytest.approx(0.5 + 0.5 * 0.095, abs=0.02)
    assert greatest_change(pilot.law, N) == pytest.approx(1 - passed)
    for change in (0.001, 0.1, 0.99 * (1 - passed)):
        assert needed_questions(pilot.law, FixedPlan(N), N, change) is not None


def test_clusters_of_one_success_rate_are_seen_as_such(rng: np.random.Generator) -> None:
    sizes = rng.integers(5, 15, 80)
    labels = np.repeat(np.arange(80), sizes)
    alike = fit_pilot(
        _pilot(np.repeat(rng.beta(0.5, 0.5, 80), sizes), rng), 1, rng=rng, cluster=labels
    ).clusters
    mixed = fit_pilot(
        _pilot(rng.beta(0.5, 0.5, len(labels)), rng), 1, rng=rng, cluster=labels
    ).clusters
    assert alike.size == pytest.approx(sizes.mean())
    assert alike.size_of_question == pytest.approx((sizes**2).sum() / sizes.sum())
    assert alike.correlation > 0.9
    assert mixed.correlation < 0.05


def test_resamples_of_whole_clusters_differ_more(rng: np.random.Generator) -> None:
    """Ten clusters of fifty say as much of other questions as ten questions do."""
    p = np.repeat(rng.beta(0.5, 0.5, 10), 50)
    counts, labels = _pilot(p, rng), np.repeat(np.arange(10), 50)

    def spread(cluster: np.ndarray | None) -> float:
        refits = fit_pilot(counts, 1, rng=np.random.default_rng(0), cluster=cluster).refits
        return float(np.std([law.weights @ law.grid for law, _ in refits]))

    assert spread(labels) > 4 * spread(None)


def test_the_interval_holds_the_number_that_all_questions_give(rng: np.random.Generator) -> None:
    """Pilots of 150 questions; the number is that of a pilot of very many."""

    def needed(counts: Counts) -> tuple[float, float | None, float]:
        pilot = fit_pilot(counts, 4, rng=rng, resamples=20)
        numbers = [
            None if design is None else design.questions
            for design in (
                needed_questions(law, FixedPlan(N), 4, 0.03)
                for law in (pilot.law, *(law for law, _ in pilot.refits))
            )
        ]
        assert numbers[0] is not None
        return (*interval_of(numbers[0], numbers[1:], 0.95), numbers[0])

    truth = needed(_pilot(rng.beta(0.4, 0.8, 100_000), rng))[2]
    held = 0
    for _ in range(60):
        low, high, _ = needed(_pilot(rng.beta(0.4, 0.8, 150), rng))
        assert high is not None
        held += low <= truth <= high
    # Nominal 57 of 60; below 51 has a chance of .003.
    assert held >= 51


def test_intervals_without_a_high_end() -> None:
    assert interval_of(100, [90, 110, None, 95, 105], 0.95)[1] is None
    low, high = interval_of(100, [100.0] * 50, 0.95)
    assert (low, high) == pytest.approx((100, 100))


def test_a_single_cluster_and_a_single_resample_are_errors(rng: np.random.Generator) -> None:
    counts = _pilot(np.full(10, 0.5), rng)
    with pytest.raises(InputError, match="one cluster"):
        fit_pilot(counts, 1, rng=rng, cluster=["a"] * 10)
    with pytest.raises(InputError, match="two resamples"):
        fit_pilot(counts, 1, rng=rng, resamples=1)
