"""Verdicts: right, wrong, unscored; and that the store's verdicts are the verifier's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from liftmap.errors import ConfigError, InputError, UnknownNameError
from liftmap.records import Question, Response, Verdict
from liftmap.sections import VerifySection
from liftmap.store import ResponseSet, shard_name
from liftmap.verify import Verifier, make_verifier
from liftmap.verify.run import verdicts_frame, verify

KIN = {"pattern": r"so (\S+)\s*$"}
QUESTION = Question(question_id="q", text="who ?", answer="Zack")


@pytest.mark.parametrize(
    ("text", "label", "answer"),
    [
        (" friend is Olga , so Zack", "right", "Zack"),
        (" so Zack", "right", "Zack"),
        (" so Olga", "wrong", "Olga"),
        (" so Olga so Zack", "right", "Zack"),
        (" friend is Zack , so", "wrong", ""),
        (" Zack", "wrong", ""),
        ("", "wrong", ""),
        (" so Zack , so", "wrong", ""),
        (" so Zacky", "wrong", "Zacky"),
    ],
)
def test_exact(text: str, label: str, answer: str) -> None:
    verdict = make_verifier("exact", KIN)(QUESTION, text)
    assert (verdict.label, verdict.answer) == (label, answer)
    assert verdict.reward == {"right": 1.0, "wrong": 0.0}[label]


def test_our_failure_is_unscored_and_has_no_reward() -> None:
    no_gold = make_verifier("exact", KIN)(Question("q", "who ?", " "), " so Zack")

    def broken(question: Question, text: str) -> Verdict:
        raise RuntimeError("boom")

    crashed = Verifier(broken)(QUESTION, "x")
    for verdict in (no_gold, crashed):
        assert verdict.label == "unscored"
        assert verdict.reward is None
    assert crashed.reason == "RuntimeError: boom"


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("exakt", {}, UnknownNameError, "mean 'exact'"),
        ("exact", {"patern": "x"}, ConfigError, "mean 'pattern'"),
        ("exact", {"pattern": "("}, ConfigError, "no regular expression"),
        ("exact", {"pattern": "so .*"}, ConfigError, "0 groups"),
        ("numeric", {"tolerance": -1}, ConfigError, "0 or more"),
        ("numeric", {"tolerance": "1"}, ConfigError, "0 or more"),
        ("numeric", {"pattern": ".*"}, ConfigError, "0 groups"),
        ("choice", {"letters": "ABA"}, ConfigError, "distinct"),
        ("choice", {"letters": ["A"]}, ConfigError, "distinct"),
        ("math", {"second": 5}, ConfigError, "mean 'seconds'"),
        ("math", {"seconds": 0}, ConfigError, "above 0"),
    ],
)
def test_options_are_checked_before_the_work(
    name: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_verifier(name, options)


def test_each_distinct_text_is_judged_once_and_every_row_gets_its_verdict() -> None:
    asked: list[tuple[str, str]] = []
    exact = make_verifier("exact", KIN)

    def counting(question: Question, text: str) -> Verdict:
        asked.append((question.question_id, text))
        return exact(question, text)

    questions = {q: Question(q, "who ?", gold) for q, gold in (("a", "Zack"), ("b", "Olga"))}
    responses = pl.DataFrame(
        {
            "question_id": ["a", "b", "a", "b", "a"],
            "response_index": [0, 0, 1, 1, 2],
            "text": [" so Zack", " so Zack", " so Zack", " so Olga", ""],
        }
    )
    frame = verdicts_frame(responses, questions, Verifier(counting))
    assert frame["verdict"].to_list() == ["right", "wrong", "right", "right", "wrong"]
    assert frame.select("question_id", "response_index").equals(
        responses.select("question_id", "response_index")
    )
    assert len(asked) == len(set(asked)) == 4


def test_failed_responses_are_unscored_with_their_error_and_never_judged() -> None:
    asked: list[str] = []

    def counting(question: Question, text: str) -> Verdict:
        asked.append(text)
        return Verdict("right", answer=text)

    responses = pl.DataFrame(
        {
            "question_id": ["q", "q", "q"],
            "response_index": [0, 1, 2],
            "text": ["one", "", "two"],
            "finish_reason": ["stop", "failed", "length"],
            "error": ["", "503 after 8 tries", ""],
        }
    )
    frame = verdicts_frame(responses, {"q": QUESTION}, Verifier(counting))
    assert frame["verdict"].to_list() == ["right", "unscored", "right"]
    assert frame["reason"].to_list() == ["", "503 after 8 tries", ""]
    assert asked == ["one", "two"]


def test_a_response_to_no_known_question_is_named() -> None:
    responses = pl.DataFrame({"question_id": ["x"], "response_index": [0], "text": [""]})
    with pytest.raises(InputError, match=r"not in the question set.*'x'"):
        verdicts_frame(responses, {"q": QUESTION}, make_verifier("exact", KIN))


def test_shards_are_judged_apart_and_only_those_that_are_missing(tmp_path: Path) -> None:
    target = ResponseSet(tmp_path, "base", "test")
    questions = [Question(f"q{i}", "2 + 3 ?", "5") for i in range(2)]

    def shard(index: int, failed: bool = False) -> None:
        responses = [
            Response(f"q{index}", i, f"so {i}", (), "failed" if failed else "stop", float("nan"))
            for i in range(6)
        ]
        target.write_responses(shard_name(index), responses)

    section = VerifySection(verifier="numeric")
    shard(0)
    assert verify(target, questions, section) == 6
    shard(1, failed=True)
    assert verify(target, questions, section) == 6
    assert verify(target, questions, section) == 0
    tally = target.tally("numeric", questions)
    assert tally.n.tolist() == [6, 0]
    assert tally.c.tolist() == [1, 0]
    assert tally.unscored.tolist() == [0, 6]
