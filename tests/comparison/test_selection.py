"""A training set by success rate: what is picked, what is refused, what trainers read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from liftmap.cli import main
from liftmap.comparison.selection import select
from liftmap.errors import ConfigError, InputError
from liftmap.tasks.jsonl import jsonl

from .conftest import make_tally

QUICK: dict[str, Any] = {"law_resamples": 2}
# Right responses out of 8 to each of 40 questions: none, some, all.
RIGHT = [0] * 14 + [4] * 12 + [8] * 14


def rollouts(order: int = 0) -> pl.DataFrame:
    """A row a response, as people write them, with texts; in some order of questions."""
    questions = np.random.default_rng(order).permutation(len(RIGHT)) if order else range(len(RIGHT))
    return pl.DataFrame(
        [
            {
                "question_id": f"q{question}",
                "prompt": f"What is {question} + 1?",
                "response": f"I think {question} + {draw}",
                "ground_truth": str(question + 1),
                "correct": draw < RIGHT[question],
            }
            for question in questions
            for draw in range(8)
        ]
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rollouts.jsonl"
    rollouts().write_ndjson(path)
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_what_is_written_is_read_again_with_prompt_and_gold(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "train.jsonl"
    selection = select(source, (0.05, 0.8), out=out, **QUICK)
    assert set(selection.question_ids) == {f"q{i}" for i in range(14, 26)}
    questions = jsonl("train", path=str(out), question="prompt", id="question_id")
    assert [(q.question_id, q.text, q.answer) for q in questions] == [
        (f"q{i}", f"What is {i} + 1?", str(i + 1)) for i in range(14, 26)
    ]
    assert [(row["n"], row["c"]) for row in rows(out)] == [(8, 4)] * 12
    assert selection.written is not None
    assert list(rows(out)[0]) == list(selection.written.columns)


def test_responses_come_with_their_prompt_as_many_as_asked(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "sft.jsonl"
    select(source, (0.05, 1), out=out, responses="right", per_question=2, **QUICK)
    written = pl.DataFrame(rows(out))
    assert written["right"].all()
    assert written.group_by("question_id").len()["len"].to_list() == [2] * 26
    given = rollouts().select("prompt", completion="response")
    assert len(written.join(given, on=["prompt", "completion"], how="semi")) == len(written)
    select(source, (0.05, 1), out=out, responses="all", **QUICK)
    assert len(rows(out)) == 8 * 26


def test_a_draw_depends_on_seed_and_ids_alone(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    rollouts(order=7).write_ndjson(other)
    drawn = [
        set(select(path, (0.05, 1), most=9, seed=seed, **QUICK).question_ids)
        for path, seed in ((source, 0), (other, 0), (source, 1))
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 9


def test_chance_puts_fewer_questions_in_than_by_plain_rates() -> None:
    """Of many questions that are hardly ever solved, some show one right response of eight."""
    true = np.repeat([0.03, 0.6], [400, 100])
    tally = make_tally(np.random.default_rng(3).binomial(8, true), 8)
    by_law, raw = (select(tally, (0.1, 1.0), raw=x, law_resamples=20) for x in (False, True))
    assert len(by_law.question_ids) < 120
    assert len(raw.question_ids) > 160
    # How many of those that c/n picks are right is not hidden.
    within = raw.promise.within
    assert within.low <= 100 <= within.high < len(raw.question_ids)


def test_questions_of_a_test_set_are_refused(tmp_path: Path, capsys: Any) -> None:
    model, run = "scripted:0,0.4,0.7,1", str(tmp_path / "run")
    ask = ["--task", "kin", "--option", "limit=30", "--n", "8", "--out", run]
    for split in ("train", "test"):
        assert main(["sample", "--model", model, *ask, "--split", split]) == 0
    out = str(tmp_path / "train.jsonl")
    place = f"{run}/responses/scripted-0-0.4-0.7-1"
    assert main(["select", f"{place}/test", "--out", out]) == 2
    assert "test questions" in " ".join(capsys.readouterr().err.split())
    assert not Path(out).exists()
    insisted = ["--out", out, "--test-questions-too", "--json", "-"]
    assert main(["select", f"{place}/test", *insisted]) == 0
    assert any("test questions" in note for note in json.loads(capsys.readouterr().out)["warnings"])
    assert main(["select", f"{place}/train", "--out", out]) == 0
    asked = {question.text for question in jsonl("train", path=out, question="prompt")}
    assert asked
    # The same questions in a file of their own, and in a study's, are known again.
    for known in (out, f"{run}/questions/train.parquet", f"{place}/train"):
        assert main(["select", f"{place}/train", "--not-in", known]) == 2
        assert "stand in --not-in" in " ".join(capsys.readouterr().err.split())
    assert main(["select", f"{place}/train", "--not-in", f"{place}/test"]) == 0


def test_known_questions_are_left_out_by_id_and_by_prompt(source: Path, tmp_path: Path) -> None:
    known = tmp_path / "known.jsonl"
    pl.DataFrame(
        {"id": ["q14", "other", "x"], "question": ["?", "<|user|>  What is\n15 + 1?", "Why?"]}
    ).write_ndjson(known)
    selection = select(source, not_in=[known], **QUICK)
    assert selection.known_ids == ("q14", "q15")
    assert not {"q14", "q15"} & set(selection.question_ids)
    both = select(source, not_in=[known], test_questions_too=True, **QUICK)
    assert {"q14", "q15"} < set(both.question_ids)


def test_a_bare_number_is_an_id_only_where_prompts_are_missing(tmp_path: Path) -> None:
    """Data sets number their questions from 0 alike."""
    source, known = tmp_path / "source.jsonl", tmp_path / "known.jsonl"
    number = pl.col("question_id").str.strip_prefix("q")
    rollouts().with_columns(number).write_ndjson(source)
    pl.DataFrame({"id": ["14", "15"], "prompt": ["Who?", "Where?"]}).write_ndjson(known)
    assert select(source, not_in=[known], **QUICK).known_ids == ()
    pl.DataFrame({"id": ["14", "15"], "level": [1, 2]}).write_ndjson(known)
    assert select(source, not_in=[known], **QUICK).known_ids == ("14", "15")


def test_what_can_not_be_done_is_said(source: Path, tmp_path: Path) -> None:
    tally = make_tally([0, 4, 2, 3])
    with pytest.raises(InputError, match="no texts"):
        select(tally, responses="right")
    with pytest.raises(InputError, match="No question has a success rate"):
        select(tally, (0.99, 1.0), raw=False, **QUICK)
    with pytest.raises(ConfigError, match="rate is out of range"):
        select(tally, (0.8, 0.2))
    with pytest.raises(ConfigError, match="per_question"):
        select(tally, per_question=2)
    (tmp_path / "n.jsonl").write_text('{"level": 3}\n')
    with pytest.raises(InputError, match="no column that names its questions"):
        select(source, not_in=[tmp_path / "n.jsonl"], **QUICK)
    out = tmp_path / "ids.jsonl"
    from liftmap.comparison.selection_record import notes

    told = notes(select(tally, (0.05, 0.8), out=out, **QUICK))
    assert any("no prompts" in note for note in told)
    assert any("does not say which split" in note for note in told)
    assert set(rows(out)[0]) == {"question_id", "rate", "n", "c"}
