"""liftmap's own tasks, verifiers, methods, analyses and readers keep what plug-ins have to.

Engines are held to theirs in tests/sample/test_contract.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from liftmap.analyse import ANALYSES
from liftmap.read import READERS
from liftmap.read.look import files_of, glimpse
from liftmap.records import Question, VerdictLabel
from liftmap.tasks import TASKS
from liftmap.testing import (
    KIN_ANSWER,
    check_analysis,
    check_method,
    check_reader,
    check_task,
    check_verifier,
    small_study,
)
from liftmap.train import METHODS
from liftmap.verify import VERIFIERS

LOGS = Path(__file__).parent / "read" / "data" / "rollouts"


def test_tasks(tmp_path: Path) -> None:
    check_task(TASKS["kin"], limit=20)
    rows = [{"question": f"What is {i} + 1?", "answer": str(i + 1)} for i in range(9)]
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "others.jsonl").write_text('{"question": "What?", "answer": "1"}\n')

    def of_two_files(split: str = "test") -> list[Question]:
        name = "questions" if split == "test" else "others"
        return TASKS["jsonl"](split="test", path=str(tmp_path / f"{name}.jsonl"))

    assert len(check_task(of_two_files)) == 9


def asked(answer: str, text: str = "What?", **metadata: Any) -> Question:
    return Question("q", text, answer, metadata=metadata)


CASES: dict[str, tuple[dict[str, Any], list[tuple[Question, str, VerdictLabel]]]] = {
    "exact": (KIN_ANSWER, [(asked("ada"), "so ada", "right"), (asked("ada"), "so bob", "wrong")]),
    "numeric": ({}, [(asked("4"), "It is 4.", "right"), (asked("4"), "5", "wrong")]),
    "choice": (
        {},
        [
            (asked("B", "Which?\nA) one\nB) two"), "The answer is B.", "right"),
            (asked("B", "Which?\nA) one\nB) two"), "The answer is A.", "wrong"),
        ],
    ),
    "math": (
        {},
        [(asked("1/2"), "\\boxed{0.5}", "right"), (asked("1/2"), "\\boxed{2}", "wrong")],
    ),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_verifiers(name: str) -> None:
    options, cases = CASES[name]
    check_verifier(VERIFIERS[name], cases, options)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_study(tmp_path_factory.mktemp("contracts") / "small")


@pytest.mark.parametrize("name", sorted(ANALYSES))
def test_analyses(name: str, study: Path) -> None:
    check_analysis(ANALYSES[name], study)


@pytest.mark.parametrize("name", sorted(name for name in READERS if (LOGS / name).is_dir()))
def test_readers(name: str) -> None:
    # Beside the results some tools write summaries, which no reader knows.
    file = next(path for path in files_of(LOGS / name) if READERS[name].knows(glimpse(path)))
    assert len(check_reader(READERS[name], file).tally.n) == 4


TRL: dict[str, dict[str, Any]] = {
    "sft": {"max_steps": 2, "per_device_train_batch_size": 4},
    "grpo": {
        "max_steps": 1,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 8,
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(METHODS))
def test_methods(name: str, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    settings = {**TRL[name], "gradient_checkpointing": False}
    assert check_method(METHODS[name], tmp_path, settings)
