"""Nulls: a null that does all of it, one that does none, and what can't be said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from liftmap.cli import main
from liftmap.comparison.compare import compare
from liftmap.errors import InputError
from liftmap.records import Tally

from .conftest import FEW, make_tally


def drawn(power: float, seed: int, n: int = 32, questions: int = 200) -> Tally:
    """Responses of a world whose rates are sharpened by a power, as a low temperature does."""
    rates = np.random.default_rng(0).beta(1, 1.2, questions)
    sharp = rates**power / (rates**power + (1 - rates) ** power)
    return make_tally(np.random.default_rng(seed).binomial(n, sharp), n)


@pytest.fixture(scope="module")
def sharpened() -> Any:
    """Training that raised every rate, with two nulls: nothing, and the same as training."""
    rates = np.random.default_rng(0).beta(1, 1.2, 200)
    rng = np.random.default_rng(5)
    after = [make_tally(rng.binomial(32, rates**0.5), 32) for _ in range(2)]
    return compare(drawn(1, 1), after[0], null=[drawn(1, 2), after[1]], **FEW)


def test_the_change_of_training_stands_beside_that_of_each_null(sharpened: Any) -> None:
    nothing, same = sharpened.nulls
    for null in (nothing, same):
        names = [contrast.name for contrast in null.contrasts]
        assert names == ["before to after", "before to null", "null to after"]
        training = null.contrasts[0]
        assert training.accuracy.change.estimate == pytest.approx(
            sharpened.accuracy.change.estimate
        )
        whole, part, rest = (each.accuracy.change.estimate for each in null.contrasts)
        assert part + rest == pytest.approx(whole)
        assert null.reached.estimate == pytest.approx(part / whole)
    assert nothing.reached.low < 0.1
    assert nothing.reached.high < 0.4
    assert same.reached.low < 1 < same.reached.high
    assert nothing.contrasts[2].verdict.accuracy.word == "up"
    assert same.contrasts[1].verdict.accuracy.word == "up"
    assert same.contrasts[2].verdict.accuracy.word != "up"


def test_it_is_told_in_words_tables_and_json(sharpened: Any) -> None:
    lines = [line for line in sharpened.measure_lines if line.startswith("Null null")]
    assert len(lines) == 2
    assert "200 questions: reaches" in lines[0]
    table = sharpened.table("nulls")
    assert table["k"].to_list() == [1, 32] * 6
    single, two = json.loads(sharpened.to_json())["nulls"]
    assert len(single["contrasts"]) == len(two["contrasts"]) == 3
    assert two["reached"]["low"] <= 1 <= two["reached"]["high"]


def test_a_null_with_one_response_has_accuracy_alone() -> None:
    comparison = compare(drawn(1, 1), drawn(2, 2), null=drawn(9, 3, n=1), **FEW)
    [null] = comparison.nulls
    assert all(contrast.capability.k == 1 for contrast in null.contrasts)
    assert comparison.k == 32
    assert json.loads(comparison.to_json())["nulls"][0]["contrasts"][0]["capability"] is None


def test_only_common_questions_count_and_too_few_are_refused() -> None:
    before, after, null = drawn(1, 1), drawn(1, 2), drawn(1, 3)
    some = null.subset(np.arange(40))
    comparison = compare(before, after, null=some, **FEW)
    assert comparison.questions == 200
    assert comparison.nulls[0].questions == 40
    assert comparison.nulls[0].reached is None, "nothing changed, so no share of it is reached"
    with pytest.raises(InputError, match="too few questions with both sides"):
        compare(before, after, null=null.subset(np.arange(1)), **FEW)


def test_the_command_takes_several_nulls(tmp_path: Path, capsys: Any) -> None:
    for name, tally in {"a": drawn(1, 1), "b": drawn(2, 2), "cold": drawn(2, 3)}.items():
        columns = {"question_id": tally.question_ids, "n": tally.n, "c": tally.c}
        pl.DataFrame(columns).write_csv(tmp_path / f"{name}.csv")
    sides = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    quick = ["--resamples", "50", "--law-resamples", "0"]
    nulls = ["--null", str(tmp_path / "cold.csv"), "--null", sides[0]]
    page = tmp_path / "page.html"
    assert main(["compare", *sides, *quick, *nulls, "--report", str(page)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Null cold, 200 questions: reaches" in shown
    assert "Against nulls" in page.read_text("utf-8")
    assert main(["compare", *sides, "--null", str(tmp_path / "no.csv")]) == 2
