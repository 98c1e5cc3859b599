"""The commands compare, reanalyse and plan: pages, files, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from liftmap.cli import main

from .conftest import make_world

LOGS = Path(__file__).parent.parent / "read" / "data" / "lm_eval"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Tally files of 80 questions with 16 responses each."""
    paths = []
    for name, tally in zip(("before", "after"), make_world(80, 16, 6), strict=True):
        path = tmp_path / f"{name}.csv"
        columns = {"question_id": tally.question_ids, "n": tally.n, "c": tally.c}
        source = [f"s{i // 2}" for i in range(80)]
        pl.DataFrame({**columns, "source": source}).write_csv(path)
        paths.append(str(path))
    return paths[0], paths[1]


def test_compare_prints_a_page_and_writes_files(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result, page = tmp_path / "out.json", tmp_path / "out.html"
    words = ["compare", *files, "--json", str(result), "--report", str(page)]
    assert main([*words, "--resamples", "100", "--law-resamples", "5"]) == 0
    found = json.loads(result.read_text("utf-8"))
    out = capsys.readouterr().out
    assert f"\n{found['verdict']['label']} at k = 16" in out
    assert "Accuracy by difficulty before" not in out
    assert main([*words, "--resamples", "100", "--law-resamples", "5", "--full"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(found["verdict"]["label"])
    assert "Accuracy by difficulty before" in out
    assert "<html" in page.read_text("utf-8")


def test_a_log_with_one_verdict_for_several_responses_is_verified_here(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = str(next(LOGS.glob("*repeats*")))
    assert main(["compare", log, log]) == 2
    assert "Name --verifier" in capsys.readouterr().err.replace("\n", " ")
    assert main(["compare", log, log, "--verifier", "exact", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["k"] == 8, "eight responses to each question"
    assert 0 < found["accuracy"]["before"]["estimate"] < 1
    assert main(["compare", log, log, "--verifier", "exakt"]) == 2


def test_questions_on_one_side_only_are_named_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, ids in (("before", "abc"), ("after", "abd")):
        rows = "".join(f"{question_id},4,2\n" for question_id in ids)
        (tmp_path / f"{name}.csv").write_text("question_id,n,c\n" + rows)
    paths = [str(tmp_path / f"{name}.csv") for name in ("before", "after")]
    assert main(["compare", *paths, "--json", "-"]) == 0
    captured = capsys.readouterr()
    assert "(c) only before: left out" in captured.err
    assert "(d) only after: left out" in captured.err
    assert json.loads(captured.out)["questions"] == 2


def test_json_alone_on_standard_output(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", *files, "--json", "-", "--k", "4", "--margin", "0.05", "--seed", "3"]
    words += ["--bins", "0,1-8,9-16", "--level", "0.9", "--cluster", "source"]
    assert main([*words, "--resamples", "100", "--law-resamples", "5"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["k"], found["lost"]["k"]) == (4, 4)
    assert found["transitions"]["bins"] == ["0", "1-8", "9-16"]


def test_clusters_of_a_named_column_widen_intervals(files: tuple[str, str]) -> None:
    from liftmap.comparison.load import load

    tally = load(files[0], cluster="source").tally
    assert tally.cluster is not None
    assert tally.cluster[:3].tolist() == ["s0", "s0", "s1"]
    assert load(files[0]).tally.cluster is None


def test_reanalyse_and_plan_print_pages(
    figure_9a: Path, files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--resamples", "100", "--law-resamples", "5"]
    result = tmp_path / "out.json"
    words = ["reanalyse", str(figure_9a), "--n", "256", "--json", str(result)]
    assert main([*words, *few]) == 0
    assert capsys.readouterr().out.startswith("What the matrix does fix")
    assert json.loads(result.read_text("utf-8"))["mcnemar_p"] == pytest.approx(0.58, abs=0.005)
    assert main(["plan", files[0], "--change", "0.1", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["questions"] == 80


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare", "none.csv", "AFTER"], "none.csv does not exist"),
        (
            ["compare", "BEFORE", "AFTER", "--k", "17"],
            "above the 16 responses that every question has on both sides. Of 80 questions 80 have",
        ),
        (["compare", "ONE", "AFTER"], "two questions or more"),
        (["compare", "TWICE", "AFTER"], "has the column c 2 times"),
        (["compare", "BEFORE", "AFTER", "--level", "95"], "level is out of range"),
        (["compare", "BEFORE", "AFTER", "--cluster", "scource"], "scource"),
        (["compare", "BEFORE", "BAD"], "c is more than n"),
        (["reanalyse", "MATRIX", "--n", "128"], "must end at n = 128"),
        (["reanalyse", "BEFORE", "--n", "16"], "same bins"),
        (["plan", "BEFORE", "--change", "0"], "must not be 0"),
    ],
)
def test_mistakes_end_with_status_2(
    words: list[str],
    message: str,
    files: tuple[str, str],
    figure_9a: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("question_id,n,c\nq000,4,5\nq001,4,1\n")
    one = tmp_path / "one.csv"
    one.write_text("question_id,n,c\nq000,4,2\n")
    twice = tmp_path / "twice.csv"
    twice.write_text("question_id,n,c, c\nq000,4,2,3\nq001,4,1,1\n")
    known = {
        "BEFORE": files[0],
        "AFTER": files[1],
        "BAD": str(bad),
        "ONE": str(one),
        "TWICE": str(twice),
        "MATRIX": str(figure_9a),
    }
    assert main([known.get(word, word) for word in words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in " ".join(captured.err.split())
    assert "Traceback" not in captured.err
