"""Studies of known content, written by the real store and judged by the real verifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from liftmap.analyse.data import StudyData
from liftmap.config import StudyConfig
from liftmap.records import Question, Response
from liftmap.store import StudyFolder, shard_name
from liftmap.studyfile import parse_config
from liftmap.verify.run import rule_of_verdicts, verify


@dataclass
class Study:
    """A study folder that tests fill."""

    folder: StudyFolder
    config: StudyConfig
    questions: list[Question]

    @property
    def data(self) -> StudyData:
        return StudyData(self.folder, self.config)

    def answer(
        self,
        model: str,
        texts: Mapping[str, Sequence[str]],
        *,
        split: str = "test",
        own: float = float("nan"),
        under_base: Mapping[str, float] | None = None,
        parts: Mapping[str, tuple[float, int]] | None = None,
        cut: Sequence[str] = (),
    ) -> None:
        """Writes and judges a model's responses, two questions a shard.

        `own` is the log-probability per token under the model, `under_base` that of each text under
        the base, `parts` the log-probability per token and the number of tokens of its thought;
        texts in `cut` are truncated.
        """
        target = self.folder.responses(model, split)
        ids, scores = list(texts), []
        target.keep_settings({"shards": (len(ids) + 1) // 2})
        for index, start in enumerate(range(0, len(ids), 2)):
            rows = [
                (question_id, place, text, len(text.split()))
                for question_id in ids[start : start + 2]
                for place, text in enumerate(texts[question_id])
            ]
            target.write_responses(
                shard_name(index),
                [
                    Response(
                        question_id,
                        place,
                        text,
                        tuple(range(size)),
                        "length" if text in cut else "stop",
                        own * (size + (text not in cut)),
                    )
                    for question_id, place, text, size in rows
                ],
            )
            if under_base is not None:
                scored = [
                    {
                        "question_id": question_id,
                        "response_index": place,
                        "log_probability": under_base[text] * (size + 1),
                        "token_count": size + 1,
                    }
                    for question_id, place, text, size in rows
                ]
                if parts is not None:
                    for row, (_, _, text, size) in zip(scored, rows, strict=True):
                        likely, tokens = parts[text]
                        row["thought_log_probability"] = likely * tokens
                        row["thought_token_count"] = tokens
                        row["answer_log_probability"] = (
                            under_base[text] * (size + 1) - likely * tokens
                        )
                        row["answer_token_count"] = size + 1 - tokens
                scores.append((shard_name(index), pl.DataFrame(scored)))
        verify(target, self.questions, self.config.verify)
        rule = rule_of_verdicts(target, self.config.verify)
        if scores:
            told = {} if parts is None else {"thinking": rule.to_plain()}
            target.keep_score_settings("base", told)
        for shard, frame in scores:
            target.write_scores("base", shard, frame)

    def answer_at(self, model: str, rates: Sequence[float], n: int, seed: int) -> None:
        """Responses that are right at each question's rate: ` so ANSWER`, sometimes ` wait so`."""
        rng = np.random.default_rng(seed)
        texts = {}
        for question, rate in zip(self.questions, rates, strict=True):
            right, waits = rng.random(n) < rate, rng.random(n) < 0.3
            texts[question.question_id] = [
                (" wait so " if wait else " so ") + (question.answer if good else "nobody")
                for good, wait in zip(right, waits, strict=True)
            ]
        under_base = {text: -1.0 for given in texts.values() for text in given}
        self.answer(model, texts, own=-1.0, under_base=under_base)


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Study]:
    """A function of questions (and arms, task, verifier, `analyse` settings) that gives a study."""

    def make(
        questions: Sequence[Question],
        arms: Any = None,
        task: str = "jsonl",
        verify: Any = None,
        **analyse: Any,
    ) -> Study:
        plain = {
            "base": {"model": "scripted:0.5"},
            "teacher": {"model": "scripted:0.9"},
            "task": {"name": task},
            "arms": arms or {"rlvr": {"method": "grpo"}},
            "verify": verify or {},
            "analyse": {"resamples": 200, "law_resamples": 0, **analyse},
        }
        study = Study(StudyFolder(tmp_path / "study"), parse_config(plain, "a test"), [*questions])
        study.folder.write_questions("test", study.questions)
        return study

    return make


@pytest.fixture
def asked() -> Callable[..., list[Question]]:
    """A function of a number that gives so many questions q00, q01 ... with answers a00, a01 ..."""

    def ask(count: int, **fields: Any) -> list[Question]:
        return [Question(f"q{i:02}", f"text {i}", f"a{i:02}", **fields) for i in range(count)]

    return ask


@pytest.fixture
def matched() -> dict[str, Any]:
    """Arms of which two are matched with each other, and one has two seeds."""
    return {
        "rlvr": {"method": "grpo", "seeds": [1, 2]},
        "self": {"method": "sft", "responses": {"of": "base", "matched_with": "rlvr"}},
        "from-rlvr": {"method": "sft", "responses": {"of": "rlvr", "matched_with": "base"}},
    }
