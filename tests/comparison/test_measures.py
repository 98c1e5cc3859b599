"""Measures beside accuracy and capability hold what is true of worlds with known answers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from liftmap.comparison.compare import compare, compare_pair
from liftmap.comparison.match import match
from liftmap.comparison.measure_words import measure_lines
from liftmap.comparison.options import Options

from .conftest import make_tally, make_world

REFITTED = {"resamples": 50, "law_resamples": 10}


def test_cover_and_groups_hold_the_truth_of_the_rates() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.choice([0.05, 0.3, 0.7, 1.0], 600), np.full(600, 0.7)
    found = compare(
        make_tally(rng.binomial(32, before), 32),
        make_tally(rng.binomial(32, after), 32),
        **REFITTED,
    ).measures
    assert found is not None
    half = next(each for each in found.cover if each.tau == 0.5)
    assert half.before.low <= np.mean(before >= 0.5) <= half.before.high
    assert half.after.low <= 1 <= half.after.high + 1e-9
    group = found.groups[0]
    assert group.before.low <= np.mean(1 - before**4 - (1 - before) ** 4) <= group.before.high


def test_an_unchanged_model_keeps_what_it_solves() -> None:
    found = compare(*make_world(800, 16, 6, changed=False), resamples=100, law_resamples=0).measures
    assert found is not None
    assert found.support is not None
    assert found.support.retention.low <= 1 <= found.support.retention.high
    assert found.support.discovery.low <= 0 <= found.support.discovery.high
    assert found.cover == found.groups == ()


def test_guessing_and_the_spread_of_answers_are_counted() -> None:
    # Two questions with gold 1, one with gold 2; every response is 1.
    pair = match(make_tally([4, 4, 0], 4), make_tally([4, 4, 4], 4))
    ids = [f"q{i:03}" for i in range(3)]
    rows = [(name, "1", name != "q002") for name in ids for _ in range(4)]
    answers = pl.DataFrame(rows, schema=["question_id", "answer", "right"], orient="row")
    golds = pl.DataFrame({"question_id": ids, "gold": ["1", "1", "2"]})
    options = Options(resamples=50, law_resamples=0)
    found = compare_pair(pair, options, answers=answers, golds=golds).measures
    assert found is not None
    assert found.guess_rate is not None
    # One other question of two has gold 1 for the first two, both others for the third.
    assert found.guess_rate.estimate == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert found.answer_entropy is not None
    assert found.answer_entropy.estimate == 0
    assert any("guessing" in line for line in measure_lines(found))


@pytest.mark.parametrize("n", [4, 256])
def test_cover_and_groups_are_neither_too_sure_nor_useless(n: int) -> None:
    rng = np.random.default_rng(1)
    rates = rng.beta(0.4, 0.6, 300)
    sides = [make_tally(rng.binomial(n, rates), n) for _ in range(2)]
    found = compare(*sides, **REFITTED).measures
    assert found is not None
    cover, group = found.cover[-1].before, found.groups[-1].before
    assert cover.low <= np.mean(rates >= 0.9) <= cover.high
    assert group.low <= np.mean(1 - rates**64 - (1 - rates) ** 64) <= group.high
    assert n < 256 or cover.high - cover.low < 0.15


def test_one_response_leaves_success_rates_open() -> None:
    found = compare(*make_world(60, 1, 6), **REFITTED).measures
    assert found is not None
    assert found.cover == found.groups == ()
