"""The contamination check: models that know questions by heart, ones that don't, and bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from liftmap.ask import Asking
from liftmap.cli import main
from liftmap.errors import InputError, SettingsDifferError, UnknownNameError
from liftmap.probing import probe
from liftmap.sections import SampleSection, ServerSection

from .sample.faulty_server import MODEL, FaultyServer

SCRIPTED = SampleSection(engine="scripted", max_tokens=64)
KIN = Asking("kin", options={"limit": 40}, sampling=SCRIPTED)


def test_a_model_that_knows_the_questions_is_found(tmp_path: Path) -> None:
    result = probe("scripted:by-heart,0.9", KIN, tmp_path)
    assert result.word == "contaminated"
    for point in result.points:
        assert point.task.completed.estimate == point.task.overlap.estimate == 1
        assert point.fresh is not None
        assert point.completed is not None
        assert point.fresh.completed.estimate == 0
        assert point.completed.low > 0.5
    assert [point.share for point in result.points] == [0.4, 0.6, 0.8]


def test_one_that_does_not_know_them_is_not(tmp_path: Path) -> None:
    result = probe("scripted:0.9", KIN, tmp_path)
    assert result.word == "no sign"
    for point in result.points:
        assert point.task.completed.estimate == 0
        # It answers right nevertheless: it is right at its rate, whatever it is shown.
        assert point.task.right is not None
        assert point.task.right.estimate > 0.7
        assert point.right is not None
        assert point.right.low < 0 < point.right.high


def test_the_testbeds_base_has_no_question_by_heart(tmp_path: Path) -> None:
    """A real model, in this process."""
    asking = Asking("kin", options={"limit": 12}, sampling=SampleSection(max_tokens=24))
    result = probe("testbed:base", asking, tmp_path)
    assert result.word == "no sign"
    assert result.points[0].task.questions == 12
    assert 0 <= result.points[2].task.overlap.estimate <= 1


def test_a_served_model_is_probed_too(tmp_path: Path) -> None:
    with FaultyServer() as server:
        section = SampleSection(
            engine="server", max_tokens=16, server=ServerSection(urls=(server.url,), requests=4)
        )
        result = probe(MODEL, Asking("kin", options={"limit": 6}, sampling=section), tmp_path)
    assert result.word == "no sign"
    assert result.points[0].task.questions == 6


def test_the_same_call_goes_on_and_another_is_refused(tmp_path: Path) -> None:
    first = probe("scripted:by-heart,0.9", KIN, tmp_path)
    shards = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("responses/**/*.parquet")}
    assert shards
    assert probe("scripted:by-heart,0.9", KIN, tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in shards} == shards
    with pytest.raises(SettingsDifferError):
        probe("scripted:by-heart,0.9", KIN, tmp_path, seed=1)


def questions(path: Path, texts: list[str]) -> str:
    rows = {"question": texts, "answer": [str(i) for i in range(len(texts))]}
    pl.DataFrame(rows).write_ndjson(path)
    return str(path)


def test_a_task_that_makes_no_fresh_questions_takes_them_from_a_file(tmp_path: Path) -> None:
    old = questions(tmp_path / "old.jsonl", [f"How much is {i} and then {i}?" for i in range(30)])
    new = questions(tmp_path / "new.jsonl", [f"Say, what is {i} plus one?" for i in range(40)])
    asking = Asking("jsonl", options={"path": old}, sampling=SCRIPTED)
    alone = probe("scripted:by-heart,1", asking, tmp_path / "alone")
    assert alone.word == "can't tell"
    assert alone.points[0].fresh is None
    assert "no fresh questions" in alone.notes[0]
    both = probe("scripted:by-heart,1", asking, tmp_path / "both", fresh=new)
    assert both.word == "contaminated"
    assert both.points[0].fresh is not None
    assert both.points[0].fresh.questions == 30
    with pytest.raises(InputError, match="None of the fresh questions is new"):
        probe("scripted:1", asking, tmp_path / "same", fresh=old)
    with pytest.raises(UnknownNameError, match="no task"):
        probe("scripted:1", asking, tmp_path / "none", fresh="no-such-task")


def test_questions_of_one_word_can_not_be_shown_in_part(tmp_path: Path, capsys: Any) -> None:
    some = questions(tmp_path / "some.jsonl", ["Why?", "What is it?", "Who was it then?"])
    asking = Asking("jsonl", options={"path": some}, sampling=SCRIPTED)
    result = probe("scripted:1", asking, tmp_path / "some")
    assert result.points[0].task.questions == 2
    assert "fewer than two words: 1" in " ".join(capsys.readouterr().err.split())
    short = questions(tmp_path / "short.jsonl", ["Why?", "Who?"])
    asking = Asking("jsonl", options={"path": short}, sampling=SCRIPTED)
    with pytest.raises(InputError, match="two words or more"):
        probe("scripted:1", asking, tmp_path / "short")


def test_the_command(tmp_path: Path, capsys: Any) -> None:
    out = ["--task", "kin", "--option", "limit=10", "--out", str(tmp_path / "run")]
    assert main(["probe", "--model", "scripted:by-heart,1", *out]) == 0
    assert "knows questions by heart" in " ".join(capsys.readouterr().out.split())
    assert main(["probe", "--model", "scripted:by-heart,1", *out, "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["word"] == "contaminated"
    assert set(result["points"][0]["difference"]) == {"completed", "overlap", "right"}
    assert main(["probe", "--task", "kin"]) == 2
    assert main(["probe", "--model", "scripted:1", *out, "--level", "2"]) == 2
