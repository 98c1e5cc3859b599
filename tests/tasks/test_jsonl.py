"""The jsonl task: formats, options, ids, and what it refuses."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from liftmap.errors import ConfigError, InputError, UnknownNameError
from liftmap.tasks.gold_answers import last_boxed
from liftmap.tasks.ids import question_id
from liftmap.tasks.jsonl import jsonl

ROWS: list[dict[str, Any]] = [
    {"question": "What is 2 + 2?", "answer": 4, "level": 1, "source": "a"},
    {"question": 'Say "né", then\nstop.', "answer": "né", "level": 2, "source": "a"},
    {"question": "Half of 1?", "answer": 0.5, "level": 3, "source": "b"},
]


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def written(folder: Path, rows: list[dict[str, Any]], name: str = "q.jsonl") -> str:
    path = folder / name
    path.write_text(lines(rows))
    return str(path)


def in_all_formats(folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    text = [{**row, "answer": str(row["answer"])} for row in rows]
    table = pl.DataFrame(text)
    table.write_csv(folder / "q.csv")
    table.write_csv(folder / "q.tsv", separator="\t")
    table.write_parquet(folder / "q.parquet")
    (folder / "q.json").write_text(json.dumps(rows))
    (folder / "marked.json").write_bytes(b"\xef\xbb\xbf" + lines(rows).encode())
    (folder / "q.jsonl").write_bytes(b"\xef\xbb\xbf" + lines(rows).replace("\n", "\r\n").encode())
    (folder / "q.jsonl.gz").write_bytes(gzip.compress(lines(rows).encode()))
    (folder / "q.jsonl.zst").write_bytes(zstd.compress(lines(rows).encode()))
    (folder / "q.csv.gz").write_bytes(gzip.compress((folder / "q.csv").read_bytes()))
    return sorted(str(p) for p in folder.iterdir())


def test_ids_do_not_depend_on_format_or_order(tmp_path: Path) -> None:
    wanted = {question_id(row["question"], str(row["answer"])) for row in ROWS}
    files = in_all_formats(tmp_path, ROWS)
    assert len(files) == 9
    for file in files:
        found = jsonl(path=file)
        assert [(q.text, q.answer) for q in found] == [
            (row["question"], str(row["answer"])) for row in ROWS
        ], file
        assert {q.question_id for q in found} == wanted
    random.Random(1).shuffle(shuffled := list(ROWS))
    found = jsonl(path=written(tmp_path, shuffled, "other.jsonl"), shuffle_seed=3)
    assert found == jsonl(path=files[0], shuffle_seed=3)


def test_an_id_is_what_it_has_always_been() -> None:
    # Stored responses are joined by it, so it must never change:
    # printf 'What is 2 + 2?\\0004' | sha256sum
    assert question_id("What is 2 + 2?", "4") == "56bb929bfd4be22f"


@given(st.text(), st.text())
def test_an_id_does_not_see_white_space_and_composition(text: str, answer: str) -> None:
    try:
        text.encode(), answer.encode()
    except UnicodeEncodeError:
        return
    assert question_id(f" {text}\r\n", answer) == question_id(text, f"\t{answer} ")
    assert question_id(text + "e\u0301", answer) == question_id(text + "\u00e9", answer)
    assert question_id(text + "x", answer) != question_id(text, answer)
    assert question_id(text + "x", answer) != question_id(text, "x" + answer)


def test_columns_and_metadata(tmp_path: Path) -> None:
    rows = [
        {"q": "Why?", "a": ["1", "2"], "k": 7, "of": "s1", "about": {"b": [1]}, "note": None},
        {"q": "How?", "a": True, "k": 8, "of": "s1", "about": {}, "note": "short"},
    ]
    names = {"question": "q", "answer": "a", "id": "k", "cluster": "of"}
    first, second = jsonl(path=written(tmp_path, rows), metadata=["k", "about", "note"], **names)
    assert (first.question_id, first.answer, first.cluster) == ("7", "1, 2", "s1")
    assert first.metadata == {"k": 7, "about": '{"b": [1]}'}
    assert (second.answer, second.metadata["note"]) == ("true", "short")


def test_skip_and_limit_after_the_shuffle(tmp_path: Path) -> None:
    rows = [{"question": f"{i}?", "answer": i} for i in range(20)]
    path = written(tmp_path, rows)
    assert [q.answer for q in jsonl(path=path, skip=3, limit=2)] == ["3", "4"]
    whole = jsonl(path=path, shuffle_seed=0)
    assert [q.answer for q in whole] != [str(i) for i in range(20)]
    assert whole != jsonl(path=path, shuffle_seed=1)
    first, rest = (
        jsonl(path=path, shuffle_seed=0, limit=5),
        jsonl(path=path, shuffle_seed=0, skip=5),
    )
    assert first + rest == whole


def test_a_path_may_name_the_split(tmp_path: Path) -> None:
    for split in ("train", "test"):
        written(tmp_path, [{"question": f"Of {split}?", "answer": "1"}], f"{split}.jsonl")
    path = str(tmp_path / "{split}.jsonl")
    assert jsonl("train", path=path)[0].text == "Of train?"
    assert jsonl("test", path=path)[0].text == "Of test?"


def test_the_answer_inside_a_solution(tmp_path: Path) -> None:
    rows = [{"question": "Sum?", "answer": "First #### 3\nthen 3 + 4 = 7\n#### 7 "}]
    assert jsonl(path=written(tmp_path, rows), answer_pattern="#### (.+)")[0].answer == "7"
    rows = [{"question": "Sum?", "answer": r"So \boxed{3}, no: $\boxed{\frac{1}{\{x\}}}$."}]
    found = jsonl(path=written(tmp_path, rows), answer_from="boxed")
    assert found[0].answer == r"\frac{1}{\{x\}}"


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        (r"\boxed{4}", "4"),
        (r"\boxed{\boxed{5}}", "5"),
        (r"\fbox{6} and more text", "6"),
        (r"$\boxed 7$, that is.", "7"),
        (r"$\boxed\frac12$", r"\frac12"),
        (r"\boxed{ \left\{ x \right. }", r"\left\{ x \right."),
        (r"\boxed {8}", "8"),
        (r"\boxed{}", None),
        (r"\boxed{1} then \boxed{\frac{1}{2}", None),
        (r"\boxedtext{9}", None),
        ("no box", None),
    ],
)
def test_the_last_box(solution: str, answer: str | None) -> None:
    assert last_boxed(solution) == answer


def test_a_million_braces_are_no_trouble() -> None:
    assert last_boxed("\\boxed" + "{" * 10**6) is None
    assert last_boxed("\\boxed" + "{" * 10**5 + "x" + "}" * 10**5) is not None


def test_choices_are_lettered_by_content(tmp_path: Path) -> None:
    row = {"question": "Largest?", "answer": "9", "w1": "1", "w2": "2", "w3": "3"}
    (asked,) = jsonl(path=written(tmp_path, [row]), choices=["w1", "w2", "w3"])
    text, *options = asked.text.split("\n")[0:1] + asked.text.split("\n")[2:]
    assert text == "Largest?"
    assert sorted(options) == sorted(
        f"{letter}) {option[3:]}" for letter, option in zip("ABCD", options, strict=True)
    )
    assert {option[3:] for option in options} == {"9", "1", "2", "3"}
    assert f"{asked.answer}) 9" in options
    assert asked.metadata["answer_text"] == "9"
    (again,) = jsonl(path=written(tmp_path, [row]), choices=["w3", "w1", "w2"])
    assert again == asked
    many = [{**row, "question": f"Largest, {i}?"} for i in range(200)]
    letters = [q.answer for q in jsonl(path=written(tmp_path, many), choices=["w1", "w2", "w3"])]
    # Expected 50 each, standard deviation 6: four of them either way.
    assert all(26 < letters.count(letter) < 74 for letter in "ABCD")


def test_rows_without_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [*ROWS, {"question": "Open?", "answer": None}]
    path = written(tmp_path, rows)
    with pytest.raises(
        InputError, match=r"line 4: the answer column 'answer' is empty.*unanswered"
    ):
        jsonl(path=path)
    assert [q.answer for q in jsonl(path=path, unanswered="keep")][-1] == ""
    capsys.readouterr()
    assert len(jsonl(path=path, unanswered="drop")) == 3
    assert "1 without an answer" in capsys.readouterr().err
    bare = written(tmp_path, [{"question": "Open?"}], "bare.jsonl")
    assert jsonl(path=bare, unanswered="keep")[0].answer == ""
    with pytest.raises(InputError, match="line 1 has no column 'answer'"):
        jsonl(path=bare)


def test_duplicates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = written(tmp_path, [*ROWS, {"question": " What is  2 + 2?", "answer": "4"}])
    with pytest.raises(InputError, match=r"q\.jsonl: line 1 and line 4 hold the same question"):
        jsonl(path=same)
    capsys.readouterr()
    assert [q.text for q in jsonl(path=same, duplicates="drop")] == [r["question"] for r in ROWS]
    assert "1 asked before" in capsys.readouterr().err
    other = written(tmp_path, [*ROWS, {"question": "Half of 1?", "answer": "1/2"}])
    with pytest.raises(InputError, match=r"line 3 and line 4 ask .* and give different answers"):
        jsonl(path=other)
    with pytest.raises(InputError, match="line 1 and line 2 have the same id 'a'"):
        jsonl(path=written(tmp_path, ROWS), id="source")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("q.jsonl", '{"question": "a", "answer": 1}\n{"question"\n', "line 2 is no JSON"),
        ("q.jsonl", "[1]\n", "line 1 is no JSON object"),
        ("q.jsonl", "", "gives no question"),
        ("q.json", "[1]", "item 1 is not a JSON object"),
        ("q.json", '[{"question":', "is not JSON"),
        ("q.jsonl", '{"question": "  ", "answer": 1}', "line 1: the question is empty"),
        ("q.jsonl", '{"question": {"x": 1}, "answer": 1}', "column 'question' holds no text"),
        ("q.jsonl", '{"questoin": "a", "answer": 1}', "no column 'question'.*mean 'questoin'"),
        ("q.jsonl", b'{"question": "\xff", "answer": 1}', "line 1 is no JSON"),
        ("q.csv", "question,answer\na,1\nb,2,3\n", "line 3: 3 cells where the header has 2"),
        ("q.csv", 'question,answer\na,"1\n', "line 2 is not CSV"),
        ("q.csv", "question,question\na,1\n", "two columns of one name"),
        ("q.csv", b"question,answer\n\xff,1\n", "is damaged"),
        ("q.parquet", "PAR1", "is damaged"),
        ("q.jsonl.gz", "no gzip", "is damaged"),
        ("q.jsonl.zst", "no zstd", "is damaged"),
        ("q.parquet.gz", "x", "ending that the jsonl task does not know"),
        ("q.xlsx", "x", "ending that the jsonl task does not know"),
    ],
)
def test_files_that_are_refused(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message):
        jsonl(path=str(tmp_path / name))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    written(tmp_path, ROWS, "questions.jsonl")
    with pytest.raises(InputError, match=r"does not exist.*mean 'questions\.jsonl'"):
        jsonl(path=str(tmp_path / "question.jsonl"))
    with pytest.raises(InputError, match=r"does not exist\. Check the path"):
        jsonl(path=str(tmp_path / "no" / "question.jsonl"))
    with pytest.raises(InputError, match="is a folder"):
        jsonl(path=str(tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "option limit can't be used.*Seen: 0"),
        ({"skip": -1}, "option skip can't be used.*Seen: -1"),
        ({"duplicates": "no"}, "option duplicates can't be used"),
        ({"unanswered": "ignore"}, "option unanswered can't be used"),
        ({"metadata": "level"}, "option metadata can't be used"),
        ({"answer_pattern": "("}, "answer_pattern is not a regular expression"),
        ({"answer_pattern": "####"}, "answer_pattern has 0 groups"),
        ({"answer_pattern": "(x)", "answer_from": "boxed"}, "keep one"),
    ],
)
def test_options_that_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        jsonl(path=written(tmp_path, ROWS), **options)


def test_rows_that_do_not_fit_the_options(tmp_path: Path) -> None:
    path = written(tmp_path, ROWS)
    with pytest.raises(InputError, match=r"has no column 'levle'.*mean 'level'"):
        jsonl(path=path, metadata=["levle"])
    with pytest.raises(InputError, match="line 1: answer_pattern finds nothing"):
        jsonl(path=path, answer_pattern="#### (.+)")
    with pytest.raises(InputError, match="line 1: there is no complete"):
        jsonl(path=path, answer_from="boxed")
    with pytest.raises(InputError, match="skip leaves none of the 3 questions"):
        jsonl(path=path, skip=3)
    with pytest.raises(InputError, match="the right one is among the wrong ones"):
        jsonl(path=path, choices=["answer"])
    with pytest.raises(InputError, match="line 1: the id column 'source' is empty"):
        jsonl(path=written(tmp_path, [{**ROWS[0], "source": None}]), id="source")
    with pytest.raises(UnknownNameError, match="no such split"):
        jsonl("validation", path=path)  # type: ignore[arg-type]
