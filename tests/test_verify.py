"""Verdicts: right, wrong, unscored; and that the store's verdicts are the verifier's."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from liftmap.errors import ConfigError, UnknownNameError
from liftmap.records import Question, Verdict
from liftmap.verify import make_verifier
from liftmap.verify.run import judge, verdicts_frame

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

    crashed = judge(broken, QUESTION, "x")
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
    frame = verdicts_frame(responses, questions, counting)
    assert frame["verdict"].to_list() == ["right", "wrong", "right", "right", "wrong"]
    assert frame.select("question_id", "response_index").equals(
        responses.select("question_id", "response_index")
    )
    assert len(asked) == len(set(asked)) == 4
