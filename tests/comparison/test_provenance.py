"""What a result says of its input: names for people, digests and settings for a repetition."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from liftmap.comparison.compare import compare
from liftmap.comparison.load import load
from liftmap.comparison.provenance import digest_of_counts, name_of_model, provenance_of
from liftmap.store import StudyFolder

from .conftest import FEW, make_tally, make_world

ROWS = "question_id,n,c\nq2,4,1\nq10,4,3\nq1,4,4\n"


def _file(path: Path, rows: str = ROWS) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rows, "utf-8")
    return str(path)


def test_two_runs_differ_in_the_date_alone() -> None:
    sides = make_world(30, 8, 0)
    days = date(2026, 1, 1), date(2026, 1, 2)
    first, second = (compare(*sides, **FEW, date=day).to_dict() for day in days)
    assert (first.pop("date"), second.pop("date")) == ("2026-01-01", "2026-01-02")
    assert first == second


def test_the_digest_is_of_counts_by_id_and_of_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path / "base.csv")
    side = compare(path, path, **FEW).before
    by_id = "question_id,n,c,unscored\nq1,4,4,0\nq10,4,3,0\nq2,4,1,0\n"
    assert side.digest_of_counts == hashlib.sha256(by_id.encode()).hexdigest()
    assert side.digest_of_file == hashlib.sha256(ROWS.encode()).hexdigest()
    other = make_tally([1, 3, 4], 4, ids=["q2", "q10", "q1"], unscored=[0, 0, 1])
    assert digest_of_counts(other) != side.digest_of_counts


def test_a_digest_is_of_what_was_read_and_the_rest_of_what_was_compared(tmp_path: Path) -> None:
    whole = _file(tmp_path / "base.csv", ROWS + "q3,2,0\nq4,6,0\n")
    part = _file(tmp_path / "trained.csv")
    before = compare(whole, part, **FEW).to_dict()["before"]
    assert before["digest"]["counts"] == digest_of_counts(load(whole).tally)
    assert (before["responses"], before["n"]) == (12, {"least": 4, "median": 4.0, "most": 4})


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ("base.csv", "runs/7/trained.csv", ("base", "trained")),
        ("base/tally.csv", "trained/tally.csv", ("base/tally", "trained/tally")),
        ("a/run/tally.csv", "b/run/tally.csv", ("a/run/tally", "b/run/tally")),
        ("qwen-2.5.csv", "qwen-2.5.csv", ("qwen-2.5", "qwen-2.5")),
    ],
)
def test_a_name_is_a_name_and_the_path_stays_beside_it(
    tmp_path: Path, before: str, after: str, names: tuple[str, str]
) -> None:
    paths = _file(tmp_path / before), _file(tmp_path / after)
    comparison = compare(*paths, **FEW)
    assert (comparison.before.name, comparison.after.name) == names
    assert (comparison.before.path, comparison.after.path) == paths


def test_a_models_name_has_no_folders_of_this_machine(tmp_path: Path) -> None:
    assert name_of_model("org/model-7B") == "org/model-7B"
    assert name_of_model("scripted:0.5") == "scripted:0.5"
    assert name_of_model("/data/models/model-7B") == "model-7B"
    assert name_of_model("./model.gguf") == "model.gguf"
    (tmp_path / "merged").mkdir()
    assert name_of_model(str(tmp_path / "merged")) == "merged"


def test_a_response_set_says_model_and_settings(scripted_study: Path) -> None:
    folder = StudyFolder(scripted_study)
    targets = folder.responses("base", "test"), folder.responses("sharper@1", "test")
    before, after = provenance_of(targets, (load(targets[0]), load(targets[1])))
    assert (before.name, after.name) == ("base", "sharper@1")
    assert before.model == folder.responses("base", "test").settings()["model"]
    assert before.settings == after.settings
    assert before.settings["temperature"] == 1.0
    assert before.path is None


def test_a_table_is_called_by_its_side() -> None:
    table = pl.DataFrame({"question_id": ["a", "b"], "n": [2, 2], "c": [1, 2]})
    before, after = provenance_of((table, table), (load(table), load(table)))
    assert (before.name, after.name, before.format) == ("before", "after", "tally")
