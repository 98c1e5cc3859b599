"""What counts say of one question's success rate: worked cases, and truth in known worlds."""

from __future__ import annotations

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan
from liftmap.stats.law.measures import mixed_group
from liftmap.stats.law.posterior import expected_numbers, law_of_rates, posterior, within
from liftmap.stats.passk import FloatArray, IntArray


def counts_of(c: IntArray, n: int) -> Counts:
    return Counts(np.full(len(c), n), c)


def test_chance_is_taken_out_where_all_questions_are_alike() -> None:
    """Every rate is .5: of 2 responses none, one or both are right, and that says nothing."""
    c = np.repeat([0, 1, 2], [250, 500, 250])
    rates = law_of_rates(counts_of(c, 2), resamples=2, rng=np.random.default_rng(0)).rates
    assert rates == pytest.approx(0.5, abs=0.12)


def test_nothing_is_taken_out_where_questions_are_sure() -> None:
    c = np.repeat([0, 16], [50, 50])
    rates = law_of_rates(counts_of(c, 16), resamples=2, rng=np.random.default_rng(0)).rates
    assert rates == pytest.approx(c / 16, abs=0.01)


def test_a_posterior_is_a_law() -> None:
    rng = np.random.default_rng(1)
    law = law_of_rates(counts_of(rng.binomial(8, rng.random(100)), 8), resamples=2, rng=rng)
    shares = posterior(np.array([8, 8, 1000]), np.array([0, 8, 500]), law.law)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert (shares[:2] @ law.law.grid)[0] < (shares[:2] @ law.law.grid)[1]


def test_a_range_holds_its_ends() -> None:
    grid = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    assert within(0.0, 1.0, grid).tolist() == [1] * 5
    assert within(0.0, 0.0, grid)[0] == within(1.0, 1.0, grid)[-1] == 1
    assert within(0.2, 0.8, grid)[[0, 2, 4]].tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="between 0 and 1"):
        within(0.5, 0.2, grid)


@pytest.mark.parametrize("plan", [None, CurtailedPlan(stop_after=2, cap=16, round_size=4)])
def test_intervals_hold_the_numbers_of_known_worlds(plan: CurtailedPlan | None) -> None:
    """Among questions that their own counts have chosen, in at least 10 of 12 worlds."""
    held = np.zeros(2)
    for world in range(12):
        rng = np.random.default_rng(world)
        true = np.where(rng.random(150) < 0.3, 0, rng.beta(0.6, 0.8, 150))
        drawn = rng.random((150, 16)) < true[:, None]
        n = np.full(150, 8 if plan is None else 16)
        if plan is not None:
            ends = np.cumsum(drawn, axis=1)[:, 3::4] >= plan.stop_after
            n = np.where(ends.any(axis=1), 4 * (ends.argmax(axis=1) + 1), 16)
        c = np.array([row[:size].sum() for row, size in zip(drawn, n, strict=True)])
        law = law_of_rates(Counts(n, c, plan), resamples=20, rng=rng)
        chosen = (law.rates >= 0.05) & (law.rates <= 0.8)

        def inside(grid: FloatArray) -> FloatArray:
            return within(0.05, 0.8, grid)

        numbers = expected_numbers(law, chosen, [inside, mixed_group(8)])
        group = rng.binomial(8, true)
        truths = [(true >= 0.05) & (true <= 0.8), (group > 0) & (group < 8)]
        held += [
            number.low <= np.sum(truth & chosen) <= number.high
            for number, truth in zip(numbers, truths, strict=True)
        ]
    assert held.min() >= 10
