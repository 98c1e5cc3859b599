"""Tallies and rows in CSV, Parquet and JSONL: what was written is read, and faults are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liftmap.errors import InputError, UnknownNameError
from liftmap.read import read
from liftmap.records import FixedPlan

FORMATS = ("csv", "parquet", "jsonl")


def write(frame: pl.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        frame.write_csv(path)
    elif path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_ndjson(path)
    return path


def text_file(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


@st.composite
def tallies(draw: st.DrawFn) -> pl.DataFrame:
    """Tables that are tallies; ids that look like numbers, have commas, quotes and spaces."""
    ids = st.one_of(
        st.sampled_from(["007", "1.50", "a,b", 'a"b', "x\ny", "naïve ∑", "true", "null"]),
        st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=6),
    )
    names = draw(st.lists(ids, min_size=1, max_size=8, unique=True))
    n = draw(st.lists(st.integers(1, 300), min_size=len(names), max_size=len(names)))
    c = [draw(st.integers(0, most)) for most in n]
    return pl.DataFrame(
        {"question_id": names, "note": "x", "c": c, "n": n, "unscored": [1] * len(n)}
    )


@settings(max_examples=40, deadline=None)
@given(tallies(), st.sampled_from(FORMATS))
def test_a_tally_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, frame: pl.DataFrame, ending: str
) -> None:
    found = read(write(frame, tmp_path_factory.mktemp("tally") / f"t.{ending}"))
    assert found.format == "tally"
    assert found.tally.question_ids.tolist() == frame["question_id"].to_list()
    for name in ("n", "c", "unscored"):
        column = getattr(found.tally, name)
        assert column.tolist() == frame[name].to_list()
        assert column.dtype == np.int64
    assert found.tally.truncated.sum() == 0
    assert found.tally.cluster is None
    one = frame["n"].n_unique() == 1
    assert found.tally.plan == (FixedPlan(frame["n"][0] + 1) if one else None)


@pytest.mark.parametrize("ending", FORMATS)
def test_rows_are_counted_by_question(tmp_path: Path, ending: str) -> None:
    rows = pl.DataFrame(
        {
            "text": ["..."] * 6,
            "question_id": [2, 1, 2, 2, 1, 2],
            "correct": ["true", "wrong", "unscored", "Right", "0", "FALSE"],
            "truncated": [True, False, False, True, False, False],
            "answer": ["4", None, "5", "4", "", "6"],
            "cluster": ["b", "a", "b", "b", "a", "b"],
        }
    )
    found = read(write(rows, tmp_path / f"rows.{ending}"))
    tally = found.tally
    assert (found.format, tally.question_ids.tolist()) == ("responses", ["2", "1"])
    assert tally.n.tolist() == [3, 2]
    assert tally.c.tolist() == [2, 0]
    assert tally.unscored.tolist() == [1, 0]
    assert tally.truncated.tolist() == [2, 0]
    assert tally.cluster is not None
    assert tally.cluster.tolist() == ["b", "a"]
    assert found.answers is not None
    assert found.answers["right"].to_list() == [True, False, None, True, False, False]
    assert found.answers["answer"].to_list()[:4] == ["4", None, "5", "4"]


@pytest.mark.parametrize(
    "correct",
    [[True, False], [1, 0], [1.0, 0.0], ["right", "wrong"], ["1", "0"]],
    ids=["bool", "int", "float", "words", "digits"],
)
@pytest.mark.parametrize("ending", FORMATS)
def test_every_way_to_write_correct_means_the_same(
    tmp_path: Path, ending: str, correct: list[Any]
) -> None:
    rows = pl.DataFrame({"question_id": ["a", "a"], "correct": correct})
    tally = read(write(rows, tmp_path / f"rows.{ending}")).tally
    assert (tally.n.tolist(), tally.c.tolist()) == ([2], [1])


def test_kinds_may_mix_in_json_lines(tmp_path: Path) -> None:
    path = text_file(
        tmp_path / "rows.jsonl",
        '{"question_id": 7, "correct": true}\n\n{"question_id": "7", "correct": "unscored"}\n'
        '{"question_id": "7", "correct": 0, "truncated": true}\n',
    )
    # A truncated that some rows lack could mean anything.
    with pytest.raises(InputError, match=r"row 1: truncated is missing"):
        read(path)
    path.write_text(path.read_text().replace(', "truncated": true', ""))
    tally = read(path).tally
    assert (tally.n.tolist(), tally.c.tolist(), tally.unscored.tolist()) == ([2], [1], [1])


# What is in the file, and what the message has to say of it.
FAULTS: dict[str, tuple[str, str]] = {
    "more right than there are": ("question_id,n,c\na,4,2\nb,4,5", r"row 2: c is more.*'c': 5"),
    "negative": ("question_id,n,c\na,-4,2", r"row 1: n is negative. Seen: '-4'"),
    "a fraction": ("question_id,n,c\na,4,2\nb,4,1.5", r"row 2: c is a fraction. Seen: '1.5'"),
    "no number": ("question_id,n,c\na,4,two", r"row 1: c is no number. Seen: 'two'"),
    "NaN": ("question_id,n,c\na,4,NaN", r"row 1: c is no number. Seen: 'NaN'"),
    "infinite": ("question_id,n,c\na,inf,1", r"row 1: n is no number. Seen: 'inf'"),
    "too large": ("question_id,n,c\na,1e300,1", r"row 1: n is too large"),
    "a missing count": ("question_id,n,c\na,4,2\nb,4", r"row 2: c is missing"),
    "a missing id": ("question_id,n,c\na,4,2\n,4,1", r"row 2: question_id is missing"),
    "an id twice": ("question_id,n,c\na,4,2\nb,4,1\na,4,1", r"row 1 and .*row 3. Seen: 'a'"),
    "more cut than there are": (
        "question_id,n,c,truncated\na,4,2,5",
        r"row 1: truncated is more than there are responses",
    ),
    "a header alone": ("question_id,n,c\n", "holds no rows"),
    "nothing": ("", "is empty"),
    "blanks": (" \n\n", "is empty"),
    "other columns": ("a,b\n1,4", r"is of no known format. Seen: \['a', 'b'\]"),
    "a verdict by another name": (
        "problem,solved\na,1",
        r"`solved` looks like a verdict and `problem` like the prompt: "
        r"`--columns correct=solved,prompt=problem`",
    ),
    "prose": ("Dear reader", "is of no known format"),
    "too many fields": ("question_id,n,c\na,4,2,9,9", "is damaged"),
    "no response scored": ("question_id,n,c,unscored\na,0,0,4", "holds no scored response"),
    "an unknown word": ("question_id,correct\na,1\na,maybe", r"row 2: correct.*Seen: 'maybe'"),
    "a missing verdict": ("question_id,correct\na,1\na,", r"row 2: correct is missing"),
    "a column twice": ("question_id,n,c,c\na,4,2,3", r"column c 2 times.*Seen: \['c', 'c'\]"),
    "columns equal but for blanks": (
        "question_id,n,c, c \na,4,2,3",
        r"column c 2 times, blanks around names left out. Seen: \['c', ' c '\]",
    ),
    "two clusters": ("question_id,correct,cluster\na,1,x\na,1,y", "in two clusters. Seen: 'a'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_file_row_and_value(tmp_path: Path, fault: str) -> None:
    text, message = FAULTS[fault]
    path = text_file(tmp_path / "given.csv", text)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"question_id": "a", "n": 4, "c": 1}\n{"question_id": "b", "n"', r"line 2 is no JSON"),
        (
            '{"question_id": "a", "n": 4, "c": 1}\n{"question_id": "b", "n": NaN}',
            r"row 2: n is no number. Seen: 'NaN'",
        ),
        ('{"question_id": "a", "n": 4, "c": 1}\n[1, 2]', r"line 2 is no JSON object"),
        ('{"question_id": "a", "n": 4, "c": true}', r"row 1: c is no number. Seen: 'true'"),
        ('{"question_id": "a", "n": [4], "c": 1}', r"row 1: n is no number"),
        ('{"question_id": "a", "n": 4, "c": null}', "the column c is missing or empty"),
    ],
)
def test_faults_of_json_lines(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(text_file(tmp_path / "given.jsonl", lines))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1.5, 2.0], r"row 1: c is a fraction. Seen: 1.5"),
        ([1.0, float("nan")], r"row 2: c is no number. Seen: nan"),
        ([True, False], "c holds no numbers. Seen: 'Boolean'"),
        ([[1], [2]], r"c holds no numbers. Seen: 'List\(Int64\)'"),
    ],
)
def test_faults_of_parquet_columns(tmp_path: Path, column: list[Any], message: str) -> None:
    frame = pl.DataFrame({"question_id": ["a", "b"], "n": [4, 4], "c": column})
    with pytest.raises(InputError, match=message):
        read(write(frame, tmp_path / "t.parquet"))


def test_columns_that_nobody_reads_may_repeat(tmp_path: Path) -> None:
    path = text_file(tmp_path / "t.csv", ",,question_id,n, c\n0,0,a,4,2\n")
    assert read(path).tally.c.tolist() == [2]


def test_a_truncated_parquet_file_is_named(tmp_path: Path) -> None:
    frame = pl.DataFrame({"question_id": ["a", "b"], "n": [4, 4], "c": [1, 2]})
    path = write(frame, tmp_path / "t.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"t.parquet is damaged: .*Copy or write the file again"):
        read(path)


def test_a_folder_is_read_as_one(tmp_path: Path) -> None:
    text_file(tmp_path / "1.csv", "question_id,n,c\na,4,2\n")
    text_file(tmp_path / "2.csv", "question_id,n,c\nb,4,1\n")
    text_file(tmp_path / "results.json", '{"results": {}}')
    assert read(tmp_path).tally.question_ids.tolist() == ["a", "b"]
    text_file(tmp_path / "3.csv", "question_id,correct\nb,1\n")
    with pytest.raises(InputError, match=r"mix of 2 formats.*1.csv \(tally\).*3.csv \(responses\)"):
        read(tmp_path)
    (tmp_path / "3.csv").unlink()
    (tmp_path / "other").mkdir()
    text_file(tmp_path / "other" / "3.csv", "question_id,n,c\nc,4,1\n")
    with pytest.raises(InputError, match="holds logs in 2 folders"):
        read(tmp_path)
    (tmp_path / "other" / "3.csv").unlink()
    text_file(tmp_path / "1.csv", "question_id,n,c\nb,4,2\n")
    with pytest.raises(InputError, match=r"2.csv, row 1.*Seen: 'b'"):
        read(tmp_path)


def test_what_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.csv does not exist"):
        read(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="holds no file that could be a log"):
        read(tmp_path)
    path = text_file(tmp_path / "t.csv", "question_id,n,c\na,4,2\n")
    with pytest.raises(UnknownNameError, match="Did you mean 'tally'"):
        read(path, format="tallly")
    with pytest.raises(InputError, match="is a tally: it holds no responses to verify"):
        read(path, verifier="math")
