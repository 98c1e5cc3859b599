"""The gym verifier: the data set's own scorer, and nothing that an answer says is ever run."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import reasoning_gym

from liftmap.errors import ConfigError
from liftmap.records import Question
from liftmap.tasks.gym import gym
from liftmap.verify import make_verifier
from liftmap.verify.gym import EVALUATED
from liftmap.verify.pool import close_pool


def test_right_is_the_full_score_alone() -> None:
    [question] = gym("test", "chain_sum", 1, 7)
    verifier = make_verifier("gym", {"pattern": r"(-?\d+)\s*\Z"})
    answers = [f"so {question.answer}", f"{question.answer} or so", f"{question.answer}9", "", "no"]
    labels = [verdict.label for verdict in verifier.judge([(question, a) for a in answers])]
    assert labels == ["right", "wrong", "wrong", "wrong", "wrong"]


@pytest.mark.parametrize("name", sorted(EVALUATED))
def test_answers_are_never_run(name: str, tmp_path: Path) -> None:
    [question] = gym("test", name, 1, 7)
    mark = tmp_path / "mark"
    attacks = [
        f"exec('open({str(mark)!r}, \"w\")') or 1",
        f"__import__('os').system('touch {mark}')",
        "exit()",
        "().__class__.__base__.__subclasses__()",
        "x.__class__",
        "[" + f"open('{mark}','w')" + "]",
    ]
    verdicts = make_verifier("gym", {}).judge([(question, a) for a in (*attacks, question.answer)])
    assert [v.label for v in verdicts[:-1]] == ["wrong"] * len(attacks)
    # Items of one data set hang on Python's random hashes, so another process makes others.
    unsure = {"right", "unscored"} if name == "polynomial_multiplication" else {"right"}
    assert verdicts[-1].label in unsure
    assert not mark.exists()


def test_loading_the_package_is_not_scoring() -> None:
    questions = gym("test", "countdown", 2, 3)
    close_pool()
    verdicts = make_verifier("gym", {"seconds": 1.0}).judge([(q, q.answer) for q in questions])
    assert [(v.label, v.reason) for v in verdicts] == [("right", "")] * 2


def test_an_answer_that_takes_for_ever_is_wrong() -> None:
    [question] = gym("test", "countdown", 1, 7)
    verifier = make_verifier("gym", {"seconds": 1.0})
    bomb, right = verifier.judge([(question, "9**9**9**9"), (question, question.answer)])
    assert (bomb.label, bomb.reason) == ("wrong", "no comparison in 1 s of CPU")
    assert right.label == "right"


def test_every_scorer_that_evaluates_answers_is_known() -> None:
    """A later reasoning-gym may evaluate answers elsewhere; then this fails."""
    folder = Path(os.fspath(reasoning_gym.__file__)).parent
    evaluates = re.compile(r"(?<!def )\b(?:eval|(?:sympy\.|sp\.)?parse_expr)\((?:str\()?answer\b")
    found = {
        path.stem for path in folder.rglob("*.py") if evaluates.search(path.read_text("utf-8"))
    }
    assert found == set(EVALUATED)


def test_questions_that_the_scorer_cannot_know() -> None:
    verdict = make_verifier("gym", {})(Question("q", "1 + 1 =", "2"), "2")
    assert (verdict.label, verdict.reason) == ("unscored", "not a question of the gym task")
    [question] = gym("test", "chain_sum", 1, 7)
    other = Question("q", "another", question.answer, metadata=question.metadata)
    assert (
        make_verifier("gym", {})(other, "2").reason == "reasoning-gym makes another question here"
    )
    with pytest.raises(ConfigError, match="groups"):
        make_verifier("gym", {"pattern": "x"})


@pytest.mark.parametrize(
    "wrapped",
    [
        "{}", "**{}**", r"\boxed{{{}}}", "<answer>{}</answer>", "{}<|im_end|>", "```\n{}\n```",
        "`{}`", "First I add.\nThe final answer is {}", "<think>no: 7</think>\n{}",
    ],
)  # fmt: skip
def test_what_marks_an_answer_is_no_part_of_it(wrapped: str) -> None:
    [question] = gym("test", "chain_sum", 1, 5)
    near = str(int(question.answer) + 1)
    verdicts = make_verifier("gym", {}).judge(
        [(question, wrapped.format(text)) for text in (question.answer, near)]
    )
    assert [verdict.label for verdict in verdicts] == ["right", "wrong"]
