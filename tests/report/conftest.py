"""A whole study without a model: made-up responses in every role, judged and analysed for real.

Responses are in the words of the kin world, at success rates that are set for each question and
arm; everything after sampling (verdicts, scores, tables) is the real line's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from liftmap.analyse import analyse
from liftmap.config import StudyConfig
from liftmap.files import write_json
from liftmap.records import Question, Response
from liftmap.store import StudyFolder, shard_name
from liftmap.studyfile import parse_config
from liftmap.tasks.kin import kin
from liftmap.verify.run import verify

Rates = NDArray[np.float64]


@dataclass(frozen=True)
class Law:
    """How an arm differs from the base.

    Attributes:
        lift: What is added to the logit of what the base solves at all.
        learned: Share of the questions beyond the base that it learns.
        careful: Share of careful responses; they are longer and some reflect.
    """

    lift: float
    learned: float
    careful: float


LAWS = {
    "base": Law(0.0, 0.0, 0.4),
    "teacher": Law(2.0, 0.9, 1.0),
    "rlvr": Law(0.9, 0.0, 0.8),
    "self": Law(0.6, 0.0, 0.5),
    "from-rlvr": Law(0.8, 0.0, 0.8),
    "reasoning-only": Law(0.8, 0.02, 1.0),
    "solved-once": Law(1.0, 0.25, 1.0),
    "knowledge": Law(1.4, 0.8, 1.0),
    "random-reward": Law(0.0, 0.0, 0.4),
}
DEMO_ARMS = ("rlvr", "self", "from-rlvr", "reasoning-only", "solved-once", "knowledge")


def make_config(
    arms: Sequence[str] = DEMO_ARMS, seeds: Sequence[int] = (1,), n: int = 32, **analysis: Any
) -> StudyConfig:
    """A study with these arms, each in its role."""

    def sft(of: str, **more: Any) -> dict[str, Any]:
        return {"method": "sft", "seeds": [*seeds], "responses": {"of": of, **more}}

    known: dict[str, dict[str, Any]] = {
        "rlvr": {"method": "grpo", "seeds": [*seeds]},
        "self": sft("base", matched_with="rlvr"),
        "from-rlvr": sft("rlvr", matched_with="base"),
        "reasoning-only": sft("teacher", base_right_at_least=3),
        "solved-once": sft("teacher", base_right_at_least=1),
        "knowledge": sft("teacher"),
        "random-reward": {"method": "grpo", "reward": "random", "seeds": [*seeds]},
    }
    plain = {
        "name": "made-up",
        "base": {"model": "testbed:base"},
        "teacher": {"model": "testbed:teacher"},
        "task": {"name": "kin"},
        "sample": {"n": n, "n_train": n},
        "verify": {"verifier": "exact", "options": {"pattern": r"so (\S+)\s*$"}},
        "arms": {name: known[name] for name in arms},
        "analyse": {"resamples": 200, "law_resamples": 0, **analysis},
    }
    return parse_config(plain, "the test")


def write_study(
    path: Path, config: StudyConfig, questions: int, seed: int = 0
) -> tuple[StudyFolder, dict[str, pl.DataFrame]]:
    """Writes a study's responses, verdicts and scores, and analyses them.

    Returns:
        The folder, and its tables.
    """
    rng = np.random.default_rng(seed)
    folder, asked = StudyFolder(path), kin("test", questions)
    folder.write_questions("test", asked)
    levels = np.array([float(q.metadata["level"]) for q in asked])
    base = np.where(levels == 0, 0.0, rng.beta(0.2 + 1.5 * levels, 1.6))
    names = [("base", "base"), ("teacher", "teacher")]
    names += [(model, arm) for arm, _, model in config.arm_models()]
    for model, arm in names:
        law = LAWS[arm]
        answer(folder, config, model, asked, _lifted(rng, base, law), law.careful, rng)
    for arm, seed_, _ in config.arm_models():
        steps = [30, 60, 90] if config.arms[arm].method == "grpo" else [40]
        dev = [
            {"step": s, "accuracy": 0.5 + s / 900, "questions": 80, "responses": 2560}
            for s in steps
        ]
        write_json(
            folder.checkpoint(arm, seed_).record_file,
            {"arm": arm, "seed": seed_, "method": config.arms[arm].method, "step": steps[-1]}
            | {"dev": dev, "training_questions": 380, "training_responses": 2900}
            | {"seconds": 61.5},
        )
    write_json(
        folder.environment_file,
        {
            "versions": {"python": "3.11.2", "liftmap": "0.1.0", "torch": "2.13.0"},
            "machine": {"processor": "a <fast> one", "cores": 2},
            "stages": [
                {"stage": "sample and verify", "seconds": 92.3, "items": 102400},
                {"stage": "train rlvr", "seconds": 122.9, "items": 0},
            ],
            "seconds_total": 215.2,
        },
    )
    return folder, analyse(folder, config)


def _lifted(rng: np.random.Generator, base: Rates, law: Law) -> Rates:
    """Success rates of an arm on questions that the base answers right at the rates `base`."""
    inside = np.clip(base, 1e-3, 1 - 1e-3)
    jitter = rng.normal(0, 0.3, len(base)) if law.lift else 0.0
    lifted = 1 / (1 + np.exp(-(np.log(inside / (1 - inside)) + law.lift + jitter)))
    learned = (base < 0.01) & (rng.random(len(base)) < law.learned)
    return np.where(base == 0, np.where(learned, 0.6, 0.0), lifted)


def answer(
    folder: StudyFolder,
    config: StudyConfig,
    model: str,
    questions: Sequence[Question],
    rates: Rates,
    careful: float,
    rng: np.random.Generator,
) -> None:
    """Writes one model's responses with verdicts and scores."""
    target, n = folder.responses(model, "test"), config.sample.n
    responses = []
    for question, rate in zip(questions, rates, strict=True):
        right, style = rng.random(n) < rate, rng.random(n)
        for index in range(n):
            person = (
                question.answer if right[index] else "Ann" if question.answer != "Ann" else "Bob"
            )
            text = f" so {person}"
            if style[index] < careful:
                wait = "wait let me check , " if style[index] < careful / 4 else ""
                text = f" boss is Zack , {wait}friend is {person} , so {person}"
            elif style[index] < careful + 0.6 * (1 - careful):
                text = f" friend {person} so {person}"
            size = len(text.split())
            likely = -(0.3 + 0.2 * rng.random()) * (size + 1)
            responses.append(
                Response(question.question_id, index, text, tuple(range(size)), "stop", likely)
            )
    target.keep_settings({"shards": 1})
    target.write_responses(shard_name(0), responses)
    scored = {
        "question_id": [r.question_id for r in responses],
        "response_index": [r.response_index for r in responses],
        "log_probability": [r.log_probability * 1.1 for r in responses],
        "token_count": [len(r.token_ids) + 1 for r in responses],
    }
    target.keep_score_settings("base", {})
    target.write_scores("base", shard_name(0), pl.DataFrame(scored))
    verify(target, list(questions), config.verify)


@dataclass(frozen=True)
class Made:
    """A study that was made up: its folder, settings and tables."""

    folder: StudyFolder
    config: StudyConfig
    tables: dict[str, pl.DataFrame]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The demo's arms, one seed each."""
    config = make_config()
    folder, tables = write_study(tmp_path_factory.mktemp("report") / "made", config, 80)
    return Made(folder, config, tables)


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two arms with three seeds each, and no teacher's arm."""
    config = make_config(("rlvr", "random-reward"), (1, 2, 3))
    folder, tables = write_study(tmp_path_factory.mktemp("report") / "seeded", config, 60)
    return Made(folder, config, tables)
