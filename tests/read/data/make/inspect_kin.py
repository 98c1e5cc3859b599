"""The inspect_ai tasks that the logs in ../inspect were made from."""

from __future__ import annotations

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import Sample, json_dataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    NOANSWER,
    PARTIAL,
    Score,
    Scorer,
    Target,
    accuracy,
    match,
    scorer,
)
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver

QUESTIONS = str(Path(__file__).with_name("questions.jsonl"))


def read(record: dict[str, str]) -> Sample:
    """A line of questions.jsonl as a sample."""
    return Sample(id=record["id"], input=record["question"], target=record["answer"])


@solver
def breaks_on(question: str, epoch: int) -> Solver:
    """Fails on one response to one question, as a lost connection would."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id == question and state.epoch == epoch:
            raise RuntimeError("the connection was lost")
        return state

    return solve


@scorer(metrics=[accuracy()])
def after_so() -> Scorer:
    """The name after the last `so`; every letter that a score can be occurs, and unscored too."""

    async def score(state: TaskState, target: Target) -> Score:
        words = state.output.completion.split()
        if "wait" in words:
            return Score.unscored(reason="scoring_failed")
        if words[-2:-1] != ["so"]:
            return Score(value=NOANSWER)
        if words[-1] != target.text:
            return Score(value=INCORRECT, answer=words[-1])
        # Half the credit for an answer without its working.
        return Score(value=CORRECT if len(words) > 2 else PARTIAL, answer=words[-1])

    return score


@scorer(metrics=[accuracy()])
def as_number() -> Scorer:
    """The same verdict as 0 or 1."""

    async def score(state: TaskState, target: Target) -> Score:
        words = state.output.completion.split()
        return Score(value=float(words[-1:] == [target.text]), answer=(words or [""])[-1])

    return score


@task
def kin_letters() -> Task:
    """Two epochs, verdicts as letters, one response that fails, several that are cut."""
    return Task(
        dataset=json_dataset(QUESTIONS, read),
        solver=[breaks_on("kin-please-Mia-neighbor", 2), generate()],
        scorer=after_so(),
        config=GenerateConfig(temperature=1.0, max_tokens=12),
        epochs=2,
        fail_on_error=False,
    )


@task
def kin_two_scorers() -> Task:
    """One epoch, two scorers: a number and a letter; questions numbered by their place."""
    return Task(
        dataset=json_dataset(QUESTIONS, lambda r: Sample(input=r["question"], target=r["answer"])),
        solver=generate(),
        scorer=[as_number(), match(location="end")],
        config=GenerateConfig(temperature=1.0, max_tokens=24, seed=4),
    )
