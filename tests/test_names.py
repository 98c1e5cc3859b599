"""Names are not patterns: what a file or folder is called changes nothing that is read of it."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tomli_w

import liftmap
from liftmap.cli import main
from liftmap.read import read
from liftmap.tasks.hub import hub
from liftmap.tasks.jsonl import jsonl

from .conftest import SCRIPTED

LOGS = Path(__file__).parent / "read" / "data"
# A name, and one that it would match if it were a pattern, a home, or markup.
NAMES = {
    "x[1]": "x1",
    "a*": "ab",
    "q?": "qq",
    "~": "home",
    "~nobody": "nobody",
    "{a,b}": "a",
    "two words": "two",
    "žluťoučký-東": "z",
    "x[/bold]": "x",
    ":smile:": "smile",
}
COUNTS = pl.DataFrame({"question_id": ["a", "b", "c"], "n": [8, 8, 8], "c": [1, 4, 8]})
ROWS = pl.DataFrame({"question_id": ["a", "a", "b", "b"], "correct": ["true", "false"] * 2})
FORMATS = {
    "csv": pl.DataFrame.write_csv,
    "jsonl": pl.DataFrame.write_ndjson,
    "parquet": pl.DataFrame.write_parquet,
}


@pytest.fixture(params=NAMES)
def named(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """A folder of a hostile name and the one that it might be taken for, as relative paths."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder, decoy = Path(request.param), Path(NAMES[request.param])
    folder.mkdir(parents=True)
    decoy.mkdir(exist_ok=True)
    return folder, decoy


def write(frame: pl.DataFrame, path: Path, ending: str) -> None:
    with path.with_suffix(f".{ending}").open("wb") as file:
        FORMATS[ending](frame, file)


@pytest.mark.parametrize("ending", FORMATS)
def test_tables_are_read_from_the_file_that_is_named(named: tuple[Path, Path], ending: str) -> None:
    folder, decoy = named
    for frame, name in ((COUNTS, "tally"), (ROWS, "rows")):
        write(frame, folder / name, ending)
        write(
            frame.reverse().with_columns(question_id=pl.lit("decoy")).head(1), decoy / name, ending
        )
        tally = read(folder / f"{name}.{ending}").tally
        assert set(tally.question_ids.tolist()) == set(frame["question_id"])
    assert read(folder / f"tally.{ending}").tally.c.tolist() == [1, 4, 8]


def test_a_file_may_have_such_a_name_too(named: tuple[Path, Path]) -> None:
    folder, decoy = named
    for ending in FORMATS:
        file = Path(str(folder) + "." + ending)
        write(COUNTS, Path("plain"), ending)
        Path(f"plain.{ending}").rename(file)
        write(COUNTS.head(1), decoy, ending)
        assert read(file).tally.c.tolist() == [1, 4, 8], file
        assert read(str(file)).tally.c.tolist() == [1, 4, 8], file


def test_logs_are_read_from_the_folder_that_is_named(named: tuple[Path, Path]) -> None:
    folder, decoy = named
    logs = sorted(LOGS.glob("[il]*/*kin[_-][aelc]*"))
    assert len(logs) >= 4
    for place, log in enumerate(logs):
        shutil.copy(log, folder / log.name)
        (decoy / log.name).write_bytes(logs[place - 1].read_bytes())
        expected, found = read(log).tally, read(folder / log.name).tally
        for field in ("question_ids", "n", "c"):
            assert np.array_equal(getattr(expected, field), getattr(found, field)), log.name


def test_questions_are_read_from_the_file_that_is_named(named: tuple[Path, Path]) -> None:
    folder, decoy = named
    questions = pl.DataFrame({"question": ["1 + 1?", "1 + 2?"], "answer": ["2", "3"]})
    for ending in FORMATS:
        write(questions, folder / "test", ending)
        write(questions.head(1), decoy / "test", ending)
        assert [q.answer for q in jsonl("test", path=f"{folder}/test.{ending}")] == ["2", "3"]
    for place, frame in ((folder, questions), (decoy, questions.head(1))):
        (place / "set").mkdir()
        write(frame, place / "set" / "test-0", "jsonl")
    assert [q.answer for q in hub("test", path=f"./{folder}/set")] == ["2", "3"]


@pytest.mark.slow
@pytest.mark.parametrize("named", ["x[1]", "a*", "q?", "~", "x[/bold]"], indirect=True)
def test_every_command_works_in_such_a_folder(
    named: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, decoy = named
    few = {"test": {"limit": 12}, "train": {"limit": 3}, "dev": {"limit": 2}}
    study = SCRIPTED | {
        "task": {"name": "kin", **few},
        "sample": SCRIPTED["sample"] | {"n": 8, "shard_responses": 48},
        "analyse": {"resamples": 50, "law_resamples": 0},
    }
    (folder / "study.toml").write_text(tomli_w.dumps(study))
    write(COUNTS, folder / "before", "csv")
    write(COUNTS.with_columns(c=pl.Series([3, 5, 8])), folder / "after", "csv")
    write(COUNTS.head(2), decoy / "before", "csv")
    (folder / "matrix.csv").write_text(",0,1-8\n0,3,2\n1-8,1,4\n")
    ask = ["--task", "kin", "--option", "limit=12", "--n", "8", "--out", f"{folder}/run"]
    quick = ["--law-resamples", "0", "--resamples", "50"]
    rates = "scripted:0,0.5,1"
    commands: list[list[str]] = [
        ["study", f"{folder}/study.toml", "--out", f"{folder}/st"],
        *([command, f"{folder}/st"] for command in ("train", "score", "analyse", "report")),
        ["sample", f"{folder}/st"],
        ["verify", f"{folder}/st", "--verifier", "choice"],
        ["audit", f"{folder}/st", "--first", "exact", "--second", "choice"],
        ["sample", "--model", rates, *ask],
        ["compare", rates, "scripted:1", *ask, *quick],
        ["check", f"{folder}/st"],
        ["check", f"{folder}/run"],
        ["plan", f"{folder}/before.csv"],
        ["reanalyse", f"{folder}/matrix.csv", "--n", "8", "--report", f"{folder}/m.html"],
        ["compare", f"{folder}/st:base", f"{folder}/st:sharper@1", *quick],
    ]
    for command in commands:
        assert main(command) == 0, (command, capsys.readouterr().err)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
    files = ["--json", f"{folder}/c.json", "--report", f"{folder}/c.html"]
    sides = [f"{folder}/before.csv", f"{folder}/after.csv"]
    assert main(["compare", *sides, *quick, *files]) == 0
    comparison = json.loads((folder / "c.json").read_text())
    assert comparison["before"]["path"] == sides[0]
    assert comparison["accuracy"]["before"]["estimate"] == pytest.approx(13 / 24)
    assert (folder / "c.html").exists()
    assert not [path for path in decoy.rglob("*") if path.is_file() and path.name != "before.csv"]
    # A file that isn't there is named as it is called, whatever else is beside it; only `~` is
    # then the home that it stands for.
    (folder / "before.csv").unlink()
    if str(folder) == "~":
        return
    assert main(["compare", *sides]) == 2
    message = "".join(capsys.readouterr().err.split())
    assert f"{folder}/before.csvdoesnotexist".replace(" ", "") in message


def test_every_call_of_polars_takes_names_as_they_are() -> None:
    """`glob=False`, or something other than a name: an open file or bytes."""
    for path in sorted(Path(liftmap.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "pl"
                and node.func.attr.startswith(("read_", "scan_"))
            ):
                plain = any(word.arg == "glob" for word in node.keywords)
                source = node.args[0]
                opened = isinstance(source, ast.Name) and source.id in ("file", "content")
                escaped = ast.unparse(source).startswith("glob.escape(")
                assert plain or opened or escaped, f"{path}:{node.lineno}"
