"""pass^k and pass@k for the same tokens, in a comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from liftmap.comparison.compare import compare, compare_pair
from liftmap.comparison.equal_tokens import equal_tokens
from liftmap.comparison.match import match
from liftmap.comparison.options import Options
from liftmap.comparison.result import Comparison
from liftmap.records import CurtailedPlan, Tally
from liftmap.stats.passk import pass_at_k, pass_hat_k

from .conftest import FEW, make_tally, make_world


def test_pass_hat_has_the_figures_and_ends_of_the_curve(large: Comparison) -> None:
    ks = [point.k for point in large.capability]
    assert [point.k for point in large.pass_hat] == ks
    first = large.pass_hat[0]
    # At k = 1 it is accuracy.
    assert first.change.estimate == pytest.approx(large.accuracy.change.estimate)
    assert first.change.low == pytest.approx(large.accuracy.change.low, abs=0.002)
    before, after = make_world(400, 64, 3)
    for point in large.pass_hat[::20]:
        means = [pass_hat_k(t.n, t.c, [point.k]).mean() for t in (before, after)]
        assert point.before.estimate == pytest.approx(means[0])
        assert point.after.estimate == pytest.approx(means[1])
        assert point.band is not None
        assert point.band[0] <= point.change.low <= point.change.high <= point.band[1]
    assert large.table("pass_hat")["k"].to_list() == ks


def test_unscored_responses_open_a_range_of_pass_hat() -> None:
    tallies = make_tally([4, 2, 3, 0], 4, unscored=[0, 2, 0, 0]), make_tally([4, 4, 3, 1], 4)
    last = compare(*tallies, **FEW).pass_hat[1]
    assert last.before.range is not None
    assert last.before.range[0] < last.before.estimate < last.before.range[1]
    assert last.after.range is None


def curtailed_tally(rates: Any, seed: int) -> Tally:
    plan = CurtailedPlan(stop_after=4, cap=32, round_size=4)
    right = np.cumsum(np.random.default_rng(seed).random((len(rates), 32)) < rates[:, None], axis=1)
    enough = right[:, 3::4] >= plan.stop_after
    n = np.where(enough.any(axis=1), 4 * (enough.argmax(axis=1) + 1), 32)
    return make_tally(right[np.arange(len(n)), n - 1], n.tolist(), plan=plan)


def test_a_curtailed_plan_has_pass_hat_up_to_its_shortest_row() -> None:
    rates = np.random.default_rng(0).random(60)
    comparison = compare(curtailed_tally(rates, 1), curtailed_tally(rates, 2), **FEW)
    assert [point.k for point in comparison.pass_hat] == [1, 2, 3, 4]
    assert comparison.pass_hat[0].before.estimate == pytest.approx(
        comparison.accuracy.before.estimate
    )


def tokens(tally: Tally, mean: float, spread: float = 0.0, seed: int = 0) -> pl.DataFrame:
    noise = np.random.default_rng(seed).normal(0, spread, len(tally.n))
    return pl.DataFrame({"question_id": tally.question_ids, "tokens": mean + noise})


def test_at_equal_lengths_the_budgets_are_the_curve() -> None:
    before, after = make_world(100, 8, 0)
    pair = match(before, after)
    equal = equal_tokens(pair, (tokens(before, 50), tokens(after, 50)), level=0.95)
    assert equal is not None
    assert [(b.k_after, b.k_before, b.tokens) for b in equal.budgets] == [
        (k, k, 50 * k) for k in (1, 2, 4, 8)
    ]
    for budget in equal.budgets:
        change = pass_at_k(after.n, after.c, [budget.k_after]) - pass_at_k(
            before.n, before.c, [budget.k_after]
        )
        assert budget.change.estimate == pytest.approx(change.mean())


def test_longer_responses_are_held_against_more_of_the_short_ones() -> None:
    before, after = make_world(100, 8, 0)
    equal = equal_tokens(match(before, after), (tokens(before, 50), tokens(after, 75)), level=0.95)
    assert equal is not None
    assert [(b.k_after, b.k_before) for b in equal.budgets] == [(1, 1.5), (2, 3), (4, 6)]
    solved = pass_at_k(before.n, before.c, [1, 2, 3]).mean(axis=0)
    share = np.log(1.5) / np.log(2)
    first, second, _ = equal.budgets
    assert first.before.estimate == pytest.approx((1 - share) * solved[0] + share * solved[1])
    assert second.before.estimate == pytest.approx(solved[2])
    far = equal_tokens(match(before, after), (tokens(before, 5), tokens(after, 75)), level=0.95)
    assert far is not None
    assert far.budgets == ()


def test_intervals_take_in_that_costs_are_measured() -> None:
    """The change at equal tokens lies in its interval in at least 27 of 30 worlds."""
    held = 0
    for world in range(30):
        rng = np.random.default_rng(world)
        rates = rng.beta(1, 2, 20_000)
        cost = 20 + 100 * rng.random(20_000) * (1 - rates)
        asked = rng.choice(20_000, 60, replace=False)
        ids = [f"q{i}" for i in range(60)]
        before = make_tally(rng.binomial(16, rates[asked]), 16, ids=ids)
        after = make_tally(rng.binomial(16, rates[asked] ** 0.7), 16, ids=ids)
        frames = [
            pl.DataFrame({"question_id": ids, "tokens": c})
            for c in (cost[asked], cost[asked] ** 1.1)
        ]
        equal = equal_tokens(match(before, after), (frames[0], frames[1]), level=0.95)
        assert equal is not None
        budget = equal.budgets[1]
        tries = budget.k_after * (cost**1.1).mean() / cost.mean()
        low, high = int(tries), int(tries) + 1
        share = np.log(tries / low) / np.log(high / low)
        solved = [(1 - (1 - rates) ** k).mean() for k in (low, high)]
        true = (1 - (1 - rates**0.7) ** budget.k_after).mean() - (
            (1 - share) * solved[0] + share * solved[1]
        )
        held += budget.change.low <= true <= budget.change.high
    assert held >= 27


def test_without_tokens_there_is_nothing_to_compare(small: Comparison) -> None:
    assert small.equal_tokens is None
    before, after = make_world(20, 4, 0)
    comparison = compare_pair(
        match(before, after),
        Options(**FEW),
        tokens=(tokens(before, 10), tokens(after, 12)),
    )
    assert comparison.equal_tokens is not None
    [line] = [x for x in comparison.measure_lines if x.startswith("Tokens of a response")]
    assert "10.0 before, 12.0 after" in line
    assert comparison.table("equal_tokens")["k_after"].to_list() == [1, 2]
