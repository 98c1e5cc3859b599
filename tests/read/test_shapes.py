"""Tables that people make by hand or with pandas: what is taken is said, else it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from liftmap.comparison.compare import compare
from liftmap.errors import ConfigError, InputError
from liftmap.read import Outcomes, read
from liftmap.read.column_names import parse_columns


def text_file(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def counts(found: Outcomes) -> dict[str, tuple[int, int]]:
    tally = found.tally
    pairs = zip(tally.n.tolist(), tally.c.tolist(), strict=True)
    return dict(zip(tally.question_ids.tolist(), pairs, strict=True))


TWO = {"a": (3, 2), "b": (3, 0)}
ROWS = [("a", 1), ("a", 0), ("a", 1), ("b", 0), ("b", 0), ("b", 0)]
# What is in the file, and what is said of it.
SHAPES = {
    "pandas index": (
        "t.csv",
        ",question_id,correct\n" + "".join(f"{i},{q},{c}.0\n" for i, (q, c) in enumerate(ROWS)),
        "",
    ),
    "wide": ("t.csv", "id,r0,r1,r2\na,1,0,1\nb,0,0,0\n", "3 columns r0 ... r2 as one response"),
    "wide, named samples": (
        "t.csv",
        "problem_id,sample_0,sample_1,sample_2,sample_10\na,True,False,True,\nb,False,False,False,\n",
        "columns sample_0 ... sample_10",
    ),
    "lists": (
        "t.jsonl",
        '{"qid": "a", "passed": [true, false, true]}\n{"qid": "b", "passed": [0, 0, 0]}\n',
        "took `passed` as the verdict, `qid` as the question",
    ),
    "lists by our names": (
        "t.jsonl",
        '{"question_id": "a", "correct": [1, 0, 1]}\n{"question_id": "b", "correct": [0, 0, 0]}\n',
        "took `correct` as the verdict",
    ),
    "a row a response": (
        "t.csv",
        "task_id,score\n" + "".join(f"{q},{c}\n" for q, c in ROWS),
        "took `score` as the verdict, `task_id` as the question",
    ),
    "a JSON list": (
        "t.json",
        json.dumps([{"idx": q, "is_correct": bool(c)} for q, c in ROWS]),
        "took `is_correct` as the verdict, `idx` as the question",
    ),
    "counts": (
        "t.csv",
        "problem_id,num_samples,num_correct\na,3,2\nb,3,0\n",
        "Took `problem_id` as question_id, `num_samples` as n, `num_correct` as c",
    ),
    "passk-inference": (
        "t.jsonl",
        '{"id": "a", "c": 2, "n": 3}\n{"id": "b", "c": 0, "n": 3}\n',
        "Took `id` as question_id",
    ),
    "lists by question": ("t.json", '{"a": [1, 0, true], "b": [0, 0, 0]}', ""),
    "semicolons": (
        "t.csv",
        "question_id;correct;note\n" + "".join(f"{q};{c};so, so\n" for q, c in ROWS),
        "The columns are parted by semicolons.",
    ),
    "tabs, counts": ("t.tsv", "id\tn\tc\na\t3\t2\nb\t3\t0\n", "parted by tabs"),
    "large letters": (
        "t.csv",
        "Task ID,IS CORRECT\n" + "".join(f"{q},{c}\n" for q, c in ROWS),
        "took `IS CORRECT` as the verdict, `Task ID` as the question",
    ),
    "counts in large letters": ("t.csv", "ID,N,C\na,3,2\nb,3,0\n", "Took `ID` as question_id, `N`"),
    "blanks around ids": (
        "t.csv",
        "question_id,correct\n" + "".join(f" {q} ,{c}\n" for q, c in ROWS),
        "Blanks around the ids of 6 rows are left out.",
    ),
    "blanks around other ids": (
        "t.csv",
        "id,score\n" + "".join(f"{q if c else q + ' '},{c}\n" for q, c in ROWS),
        "Blanks around the ids of 4 rows are left out.",
    ),
    "counts with blanks around ids": (
        "t.csv",
        "id,n,c\n a,3,2\nb,3,0\n",
        "around the id of 1 row are",
    ),
    "words": (
        "t.csv",
        "question_id,correct\n" + "".join(f"{q},{'Passed' if c else 'no'}\n" for q, c in ROWS),
        "",
    ),
    "a W&B table": (
        "t.table.json",
        json.dumps({"columns": ["id", "reward"], "data": [list(row) for row in ROWS]}),
        "took `reward` as the verdict, `id` as the question",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_read_and_said(tmp_path: Path, shape: str) -> None:
    name, text, said = SHAPES[shape]
    found = read(text_file(tmp_path / name, text))
    assert counts(found) == TWO
    assert said in " ".join(found.warnings)


def test_a_column_of_counts_in_large_letters_is_not_left_out(tmp_path: Path) -> None:
    path = text_file(tmp_path / "t.csv", "ID,N,C,Unscored,TRUNCATED\na,3,2,1,2\n")
    result = read(path)
    assert (result.tally.unscored.tolist(), result.tally.truncated.tolist()) == ([1], [2])
    assert "`Unscored` as unscored, `TRUNCATED` as truncated" in result.warnings[0]


def test_a_column_of_the_very_name_comes_first(tmp_path: Path) -> None:
    path = text_file(tmp_path / "t.csv", "ID,id,Score,score\nx,a,0,1\n")
    assert counts(read(path)) == {"a": (1, 1)}


FOREIGN = {
    "a list of records under a key": (
        "t.json",
        b'{"results": [{"id": "a", "passed": true}]}',
        r"its list `results` holds objects, not verdicts.*jq -c '\.results\[\]' t\.json",
    ),
    "UTF-16": (
        "t.csv",
        "id,score\na,1\n".encode("utf-16"),
        "not text in UTF-8: it begins as UTF-16",
    ),
    "Latin-1": ("t.csv", "id,score\né,1\n".encode("latin-1"), "not text in UTF-8.*CSV UTF-8"),
    "lists of other lengths": (
        "t.jsonl",
        b'{"id": "a", "passed": [1, 0], "text": ["x", "y"]}\n'
        b'{"id": "b", "passed": [1, 0], "text": ["x"]}\n',
        r"row 2: `passed` has 2 values and `text` 1",
    ),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_what_can_not_be_read_is_told_why(tmp_path: Path, case: str) -> None:
    name, content, said = FOREIGN[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read(tmp_path / name)


def test_parquet_lists_and_their_texts(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame(
        {
            "prompt": ["a ?", "b ?"],
            "responses": [["x", "y", "z"], ["x", "y", "z"]],
            "acc": [[True, False, True], [False, False, False]],
            "finish_reason": [["stop", "length", "stop"], ["stop", "stop", "stop"]],
        }
    ).write_parquet(path)
    found = read(path)
    assert sorted(counts(found).values()) == [(3, 0), (3, 2)]
    assert found.by_prompt
    assert found.tally.truncated.tolist() == [1, 0]


def test_a_matrix(tmp_path: Path) -> None:
    matrix = np.array([[1, 0, 1], [0, 0, np.nan]])
    np.save(tmp_path / "m.npy", matrix)
    result = read(tmp_path / "m.npy")
    assert counts(result) == {"0": (3, 2), "1": (2, 0)}
    assert "1 cell is NaN: taken as a response that is not there." in result.warnings
    np.save(tmp_path / "m.npy", matrix[0])
    with pytest.raises(InputError, match="not a matrix of questions x responses"):
        read(tmp_path / "m.npy")
    np.save(tmp_path / "m.npy", np.array([["a"]], dtype=object))
    with pytest.raises(InputError, match=r"m.npy"):
        read(tmp_path / "m.npy")


def test_a_data_set_of_hugging_face(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = {"id": [q for q, _ in ROWS], "reward": [float(c) for _, c in ROWS]}
    one = datasets.Dataset.from_dict(rows)
    one.save_to_disk(str(tmp_path / "one"))
    assert counts(read(tmp_path / "one")) == TWO
    datasets.DatasetDict(train=one, test=one).save_to_disk(str(tmp_path / "two"))
    with pytest.raises(InputError, match=r"several splits. Seen: \['train', 'test'\]"):
        read(tmp_path / "two")
    assert counts(read(tmp_path / "two" / "test")) == TWO


def test_columns_that_are_named(tmp_path: Path) -> None:
    path = text_file(
        tmp_path / "t.csv", "problem,solved,id\n" + "".join(f"{q},{c},9\n" for q, c in ROWS)
    )
    with pytest.raises(InputError, match=r"`solved` looks like a verdict and `id` like an id: "):
        read(path)
    columns = parse_columns("question_id=problem, correct=solved")
    assert counts(read(path, columns=columns)) == TWO
    with pytest.raises(InputError, match=r"no column solve .*Did you mean 'solved'"):
        read(path, columns={"correct": "solve"})
    tally = text_file(tmp_path / "n.csv", "name,tries,hits\na,3,2\nb,3,0\n")
    named = parse_columns("question_id=name,n=tries,c=hits")
    assert counts(read(tally, columns=named)) == TWO
    comparison = compare(tally, tally, columns=named, resamples=50, law_resamples=0)
    assert comparison.questions == 2


def test_clusters_and_texts_that_are_named(tmp_path: Path) -> None:
    lines = "".join(f"{q},{c},topic,{q * 3}\n" for q, c in ROWS)
    path = text_file(tmp_path / "t.csv", "id,reward,kind,out\n" + lines)
    found = read(path, columns={"cluster": "kind", "answer": "out"})
    assert found.tally.cluster is not None
    assert found.tally.cluster.tolist() == ["topic", "topic"]
    assert found.answers is not None
    assert found.answers["answer"].to_list() == ["aaa"] * 3 + ["bbb"] * 3
    text_file(path, "id,reward,kind\na,1,x\na,1,y\n")
    with pytest.raises(InputError, match=r"a question is in two clusters. Seen: 'a'"):
        read(path, columns={"cluster": "kind"})
    with pytest.raises(InputError, match="is not a tally: unscored counts responses beside n"):
        read(path, columns={"unscored": "kind"})


@pytest.mark.parametrize("text", ["correct", "correct=", "wrong=a", "corect=a"])
def test_columns_that_are_written_wrongly(text: str) -> None:
    with pytest.raises(ConfigError, match="--columns is written as question_id=COLUMN"):
        parse_columns(text)


def test_graded_rewards_need_a_limit(tmp_path: Path) -> None:
    path = text_file(tmp_path / "t.csv", "id,reward\na,0.3\na,1.0\nb,0.7\n")
    with pytest.raises(InputError, match=r"row 1: reward is neither.*Seen: '0.3'.*--right-at 1.0"):
        read(path)
    assert counts(read(path, right_at=0.7)) == {"a": (2, 1), "b": (1, 1)}
    ours = text_file(tmp_path / "o.csv", "question_id,correct\na,0.3\na,1\nb,0.7\n")
    with pytest.raises(InputError, match=r"row 1: correct is not known.*--right-at 1.0"):
        read(ours)
    assert counts(read(ours, right_at=0.7)) == {"a": (2, 1), "b": (1, 1)}
    with pytest.raises(InputError, match="--right-at is not a number"):
        read(ours, right_at=float("nan"))
    with pytest.raises(InputError, match="has no graded rewards"):
        read(text_file(tmp_path / "n.csv", "id,n,c\na,3,2\n"), right_at=1.0)


def test_two_verdicts_that_differ_are_refused(tmp_path: Path) -> None:
    path = text_file(tmp_path / "t.csv", "id,score,reward\na,0,1\nb,1,1\n")
    with pytest.raises(InputError, match=r"several columns that could be the verdict.*--metric"):
        read(path)
    assert counts(read(path, metric="reward")) == {"a": (1, 1), "b": (1, 1)}


def test_rows_without_a_question_are_refused(tmp_path: Path) -> None:
    path = text_file(tmp_path / "t.csv", "id,score\na,0\n,1\n")
    with pytest.raises(InputError, match=r"row 2 has neither an id nor a prompt"):
        read(path)


def test_what_is_left_out_of_a_folder_is_said(tmp_path: Path) -> None:
    text_file(tmp_path / "t.csv", "id,score\na,0\na,1\n")
    text_file(tmp_path / "summary.json", '{"mean": 0.5}')
    found = read(tmp_path)
    assert found.warnings[0] == (
        "1 file holds no responses that are known (summary.json): left out."
    )
