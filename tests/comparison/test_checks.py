"""Responses that are not independent draws, or not drawn alike, are spoken of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from liftmap.comparison.checks import (
    checks_of_sources,
    different_settings,
    proven_copies,
    without_copied_answers,
)
from liftmap.comparison.compare import compare
from liftmap.comparison.result import Comparison
from liftmap.errors import InputError
from liftmap.read.outcomes import Outcomes

from .conftest import FEW, make_tally, make_world


def _kinds(comparison: Comparison) -> set[tuple[str, str]]:
    return {(check.kind, check.side) for check in comparison.checks}


def test_independent_draws_are_not_suspected() -> None:
    comparison = compare(*make_world(300, 16, 4), **FEW)
    assert comparison.checks == ()


def test_the_same_file_twice_is_noticed() -> None:
    before, _ = make_world(100, 16, 4)
    comparison = compare(before, before, **FEW)
    assert ("same responses", "both") in _kinds(comparison)
    assert any("the same responses twice" in text for text in comparison.warnings)


def test_one_file_on_both_sides_is_noticed_however_few_its_questions(tmp_path: Path) -> None:
    text = "question_id,n,c\nq1,2,1\nq2,2,0\nq3,2,2\n"
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    for path in (one, other):
        path.write_text(text)
    comparison = compare(one, tmp_path / "." / "one.csv", **FEW)
    assert _kinds(comparison) == {("same file", "both")}
    assert compare(one, other, **FEW).checks == (), "two models may have the same few counts"


def test_copied_answers_vote_once() -> None:
    answers = pl.DataFrame(
        {
            "question_id": ["q000"] * 4 + ["q001"] * 4,
            "answer": ["1", "2", "1", "2", "3", "3", "3", "3"],
            "right": [True, False, True, False, True, True, True, True],
        }
    )
    once = without_copied_answers(answers, 2)
    assert once is not None
    assert once["answer"].to_list() == ["1", "2", "3", "3"]
    assert without_copied_answers(answers, 1) is answers


def test_copies_are_noticed_and_counted_once_if_asked() -> None:
    before, after = make_world(100, 8, 4)
    doubled = make_tally(2 * before.c, 16)
    suspected = compare(doubled, after, **FEW)
    assert _kinds(suspected) == {("copies", "before")}
    [check] = suspected.checks
    assert check.evidence["copies"] == 2
    assert check.chance is not None
    assert check.chance < 0.001
    assert suspected.lost.noise is None, "noise is that of independent draws"
    assert suspected.other_verdict is not None
    assert suspected.other_verdict.accuracy.withheld == "copies"
    assert suspected.verdict.accuracy.withheld is None, "whole questions are drawn"
    told = compare(doubled, after, copies=(2, 1), **FEW)
    assert told.checks == ()
    assert told.accuracy == compare(before, after, **FEW).accuracy
    with pytest.raises(InputError, match="multiple of the number of copies"):
        compare(doubled, after, copies=(2, 2 * 8 + 1), **FEW)


def test_decoding_without_randomness_is_noticed() -> None:
    rng = np.random.default_rng(0)
    sides = (make_tally(16 * rng.integers(0, 2, 200), 16) for _ in range(2))
    assert {("deterministic", "before"), ("deterministic", "after")} <= _kinds(
        compare(*sides, **FEW)
    )


def test_a_recorded_temperature_of_0_makes_one_response_of_many() -> None:
    sure = make_tally([4, 0, 4, 4], 4)
    greedy = Outcomes("log", "lm-eval", sure, settings={"temperature": 0.0})
    assert proven_copies(greedy) == 4
    assert proven_copies(replace(greedy, settings={"temperature": 0.6})) == 1
    unsure = replace(greedy, tally=make_tally([4, 0, 3, 4], 4))
    assert proven_copies(unsure) == 1
    checks = checks_of_sources(greedy, unsure, (4, 1))
    assert [(check.kind, check.evidence["counted_once"]) for check in checks] == [
        ("temperature 0", True),
        ("temperature 0", False),
    ]


def test_topping_up_the_unsolved_is_noticed() -> None:
    before, after = make_world(300, 16, 4)
    n = np.where(before.c == 0, 32, 16)
    comparison = compare(make_tally(before.c, n.tolist()), after, **FEW)
    assert ("n by outcome", "before") in _kinds(comparison)
    assert any("Declare the plan" in text for text in comparison.warnings)
    words = (comparison.verdict.accuracy.word, comparison.verdict.capability.word)
    assert words == ("unsettled", "unsettled")
    assert comparison.to_dict()["verdict"]["withheld"]["capability"] == "n by outcome"
    assert comparison.lost.excess is None


def test_few_clusters_are_named() -> None:
    before, after = make_world(60, 16, 4)
    cluster = [f"c{place % 10}" for place in range(60)]
    comparison = compare(make_tally(before.c, 16, cluster=cluster), after, **FEW)
    assert any("only 10 clusters" in text for text in comparison.warnings)


def test_settings_that_differ_are_compared_where_both_are_known() -> None:
    before = {"temperature": 1.0, "top_p": 1.0, "template": "ab"}
    assert different_settings(before, {"temperature": 0.6, "top_p": 1.0}) == {
        "temperature": [1.0, 0.6]
    }


@pytest.mark.parametrize("copies", [(0, 1), (1, -2)])
def test_a_response_stands_once_at_least(copies: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="copies is out of range"):
        compare(*make_world(20, 8, 4), **FEW, copies=copies)
