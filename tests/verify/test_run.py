"""Verdicts: right, wrong, unscored; and that the store's verdicts are the verifier's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from liftmap.errors import ConfigError, InputError, SettingsDifferError, UnknownNameError
from liftmap.records import ENDED_WHILE_THINKING, Question, Response, Verdict
from liftmap.sections import VerifySection
from liftmap.store import ResponseSet, shard_name
from liftmap.verify import Verifier, make_verifier
from liftmap.verify.run import judge_of, verdicts_frame, verify

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
    target.keep_settings({"shards": 2})

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


FIVE = Question("q", "2 + 3 ?", "5")
NUMERIC = VerifySection(verifier="numeric")


def _answered(
    path: Path, *texts: str, reasoning: str = "", prompt: dict[str, object] | None = None
) -> ResponseSet:
    target = ResponseSet(path, "base", "test")
    target.keep_settings({"shards": 1})
    if prompt is not None:
        target.keep_prompt(prompt)
    target.write_responses(
        shard_name(0),
        [
            Response("q", i, text, (), "stop", float("nan"), reasoning=reasoning)
            for i, text in enumerate(texts)
        ],
    )
    return target


def _verdicts(target: ResponseSet, section: VerifySection = NUMERIC) -> list[tuple[str, str]]:
    verify(target, [FIVE], section)
    return [
        (row["verdict"], row["reason"])
        for row in target.read_verdicts(section.verifier).sort("response_index").to_dicts()
    ]


RIGHT, UNFINISHED = ("right", ""), ("wrong", ENDED_WHILE_THINKING)


def test_a_thought_that_the_prompt_opened(tmp_path: Path) -> None:
    texts = ("6?</think>5", "It may be 5")
    opens = {"end": "assistant\n<think>\n", "marks": {"<think>": 1, "</think>": 2}}
    opened = _answered(tmp_path / "opened", *texts, prompt=opens)
    assert _verdicts(opened) == [RIGHT, UNFINISHED]
    closed = _answered(tmp_path / "closed", *texts, prompt={"end": "assistant\n", "marks": {}})
    assert _verdicts(closed) == [RIGHT, RIGHT]
    # Of a server's prompts nothing is known: the responses tell.
    assert _verdicts(_answered(tmp_path / "served", *texts)) == [RIGHT, UNFINISHED]
    assert _verdicts(_answered(tmp_path / "plain", "It is 5", "It may be 5")) == [RIGHT, RIGHT]


def test_a_servers_reasoning_is_thought(tmp_path: Path) -> None:
    given = _answered(tmp_path, "It is 5", "", reasoning="6? Or 5?")
    assert _verdicts(given) == [RIGHT, UNFINISHED]


def test_verdicts_under_another_rule_for_thoughts_are_not_mixed(tmp_path: Path) -> None:
    target = _answered(tmp_path, "6? So: 5", "It is 5")
    ends = VerifySection(verifier="numeric", think_end="So:")
    assert _verdicts(target, ends) == [RIGHT, UNFINISHED]
    with pytest.raises(SettingsDifferError, match="think_end was 'So:', now None"):
        verify(target, [FIVE], NUMERIC)
    # The rule does not hang on which responses are judged: it is kept with the verdicts.
    verify(target, [FIVE], VerifySection(verifier="choice"))
    kept = target.verifier_settings("choice")
    assert kept is not None
    assert kept["thinking"]["opened"] is False
    assert ["<think>", "</think>"] in kept["thinking"]["tags"]


def test_verdicts_from_before_thoughts_were_set_apart_are_not_added_to(tmp_path: Path) -> None:
    target = _answered(tmp_path, "It is 5")
    target.keep_verifier_settings("numeric", {"verifier": "numeric", "options": {}})
    with pytest.raises(SettingsDifferError, match=r"not yet set apart.*Move"):
        verify(target, [FIVE], NUMERIC)


def test_a_log_is_judged_in_parts_by_one_rule() -> None:
    judge = judge_of("numeric")

    def part(*texts: str) -> list[str]:
        frame = pl.DataFrame(
            {"question_id": ["q"] * len(texts), "response_index": range(len(texts)), "text": texts}
        )
        return judge(frame, {"q": FIVE})["reason"].to_list()

    assert part("6?</think>5", "It may be 5") == ["", ENDED_WHILE_THINKING]
    assert part("It may be 5") == [ENDED_WHILE_THINKING]
    assert judge_of("numeric", think_end="So:")(
        pl.DataFrame({"question_id": ["q"], "response_index": [0], "text": ["6? So: 5"]}),
        {"q": FIVE},
    )["verdict"].to_list() == ["right"]
