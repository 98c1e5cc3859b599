"""The math verifier against a human's verdicts, and against answers that are made to break it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from liftmap.records import Question, Verdict
from liftmap.verify import Verifier, make_verifier
from liftmap.verify.pool import close_pool
from liftmap.verify.steps import exhausted

from .hostile import HOSTILE
from .math_cases import CASES, KNOWN_TO_DIFFER, Case
from .math_kinds import BOXED, GOLDS, KINDS, WITHOUT_BOX


def verdicts(verifier: Verifier, cases: list[tuple[str, str]]) -> list[Verdict]:
    return verifier.judge([(Question(str(i), "?", g), text) for i, (g, text) in enumerate(cases)])


def differing(cases: list[Case]) -> list[tuple[Case, str]]:
    found = verdicts(make_verifier("math", {}), [(gold, text) for gold, text, _ in cases])
    pairs = zip(cases, found, strict=True)
    return [(case, verdict.label) for case, verdict in pairs if verdict.label != case[2]]


def test_it_says_what_a_human_says() -> None:
    assert len(CASES) >= 200
    assert len({case[:2] for case in CASES}) == len(CASES)
    assert Counter(label for *_, label in CASES)["wrong"] >= 90
    assert differing(CASES) == []


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_on_which_verifiers_go_wrong(kind: str) -> None:
    assert len(KINDS[kind]) >= 10
    assert {label for *_, label in KINDS[kind]} == {"right", "wrong"}
    assert (
        differing([(gold, rf"\boxed{{{answer}}}", label) for gold, answer, label in KINDS[kind]])
        == []
    )


def test_answers_in_boxes() -> None:
    assert len(BOXED) >= 300
    assert differing([(gold, rf"\boxed{{{answer}}}", label) for gold, answer, label in BOXED]) == []


def test_answers_without_a_box() -> None:
    assert differing(WITHOUT_BOX) == []


def test_golds_of_the_benchmarks_are_right_for_themselves_and_nothing_near_is() -> None:
    own: list[Case] = [(gold, rf"\boxed{{{gold}}}", "right") for gold, _ in GOLDS]
    near: list[Case] = [(gold, rf"\boxed{{{answer}}}", "wrong") for gold, answer in GOLDS]
    assert differing(own + near) == []


def test_a_base_is_the_questions_if_that_speaks_of_one() -> None:
    math = make_verifier("math", {})
    for text, label in (("Write 18 in base 16.", "right"), ("How many?", "wrong")):
        assert math(Question(text, text, "12"), r"\boxed{12_{16}}").label == label


def test_a_question_given_back_is_no_answer() -> None:
    math = make_verifier("math", {})
    asked = Question("restated", r"Compute $47 \cdot 83$.", "3901")
    for text, label in ((r"47 \cdot 83", "wrong"), (r"47 \cdot 83 = 3901", "right")):
        assert math(asked, rf"\boxed{{{text}}}").label == label


def test_percentages_and_bases_are_what_the_question_asks_for() -> None:
    math = make_verifier("math", {})
    for number, text, gold, answer, label in (
        (1, "What percentage fails?", "0.15", r"0.15\%", "right"),
        (2, "What is the probability?", "0.15", r"0.15\%", "wrong"),
        (3, "Write 10010 in binary in base ten.", "18", "18_{16}", "wrong"),
        (4, "Write 10010 in binary in base ten.", "18", "18_{10}", "right"),
        (5, "Write 24 in base 16.", "18", "18_{16}", "right"),
    ):
        asked = Question(str(number), text, gold)
        assert math(asked, rf"\boxed{{{answer}}}").label == label, text


def test_where_it_says_otherwise_is_known() -> None:
    assert [case for case, _ in differing(KNOWN_TO_DIFFER)] == KNOWN_TO_DIFFER


@pytest.mark.slow
def test_hostile_answers_end_in_time_and_the_pool_lives() -> None:
    assert len(HOSTILE) >= 50
    verifier = make_verifier("math", {"seconds": 0.5})
    # Some at a time, so that each is a task of its own and none waits for the limit twice.
    for start in range(0, len(HOSTILE), 8):
        some = HOSTILE[start : start + 8]
        for case, verdict in zip(some, verdicts(verifier, some), strict=True):
            assert verdict.label == "wrong", (case[1][:80], verdict.reason)
            assert exhausted(verdict) or verdict.reason in ("", "no answer")
    good = verdicts(make_verifier("math", {}), [("7", r"\boxed{7.0}"), ("7", r"\boxed{8}")])
    assert [verdict.label for verdict in good] == ["right", "wrong"]


BUSY = "while True: pass"


@pytest.mark.long
def test_busy_cores_change_no_verdict() -> None:
    """All cases in one call while four loops keep the cores busy: each as alone, none unscored."""
    boxed = [(g, rf"\boxed{{{a}}}", label) for cases in KINDS.values() for g, a, label in cases]
    boxed += [(gold, rf"\boxed{{{answer}}}", label) for gold, answer, label in BOXED]
    golds = [(gold, rf"\boxed{{{gold}}}", "right") for gold, _ in GOLDS]
    near = [(gold, rf"\boxed{{{answer}}}", "wrong") for gold, answer in GOLDS]
    close_pool()
    loops = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(4)]
    try:
        assert differing([*CASES, *boxed, *WITHOUT_BOX, *golds, *near]) == []
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def test_reasons() -> None:
    math = make_verifier("math", {})
    question = Question("q", "?", r"\frac{\frac{")
    assert math(question, r"\boxed{1}").reason == "the gold answer can't be parsed"
    assert math(question, "no idea") == Verdict("wrong", reason="no answer")
