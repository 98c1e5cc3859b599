"""Reinforcement learning with verifiable rewards, by TRL's GRPOTrainer.

A method of the `train` stage. The reward is the verifier that also measures; two controls replace
it by a coin and by "has an answer at all".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from liftmap.train import TrainingJob
from liftmap.train.trainer import load_tokenizer, make_config, train_or_resume

Reward = Callable[..., list[float | None]]


def grpo(job: TrainingJob) -> None:
    """Trains the base by GRPO on the job's questions."""

    def build() -> GRPOTrainer:
        config = make_config(
            GRPOConfig, job.trl, f"arms.{job.arm}.trl", output_dir=str(job.folder), seed=job.seed
        )
        rows = {
            "prompt": [job.prompts[q.question_id] for q in job.questions],
            "question_id": [q.question_id for q in job.questions],
        }
        return GRPOTrainer(
            model=job.base,
            reward_funcs=make_reward(job),
            args=config,
            train_dataset=Dataset.from_dict(rows),
            processing_class=load_tokenizer(job),
        )

    train_or_resume(job, build)


def make_reward(job: TrainingJob) -> Reward:
    """The job's reward as TRL calls it: completions and the data set's columns in, numbers out.

    Returns:
        A function that gives 1, 0, or None where our verifier failed (TRL leaves such a response
        out of the reward).
    """
    questions = {q.question_id: q for q in job.questions}

    def verifier(completions: Sequence[Any], question_id: Sequence[str], **_: Any) -> Any:
        texts = [_cut(_text(completion), job.stop) for completion in completions]
        pairs = [(questions[q], text) for q, text in zip(question_id, texts, strict=True)]
        return [verdict.reward for verdict in job.verifier.judge(pairs)]

    def random(completions: Sequence[Any], trainer_state: Any = None, **_: Any) -> Any:
        # Keyed by the step, so that a resumed run tosses what an uninterrupted one would have.
        step = trainer_state.global_step if trainer_state is not None else 0
        rng = np.random.default_rng([job.seed, step])
        return rng.integers(2, size=len(completions)).astype(float).tolist()

    def format(completions: Sequence[Any], question_id: Sequence[str], **_: Any) -> Any:
        texts = [_cut(_text(completion), job.stop) for completion in completions]
        pairs = [(questions[q], text) for q, text in zip(question_id, texts, strict=True)]
        return [float(bool(verdict.answer)) for verdict in job.verifier.judge(pairs)]

    rewards: dict[str, Reward] = {"verifier": verifier, "random": random, "format": format}
    return rewards[job.reward]


def _text(completion: Any) -> str:
    """The text of a completion; after a conversation TRL gives it as a list of messages."""
    if isinstance(completion, str):
        return completion
    return "".join(str(message["content"]) for message in completion)


def _cut(text: str, stop: Sequence[str]) -> str:
    """The text up to the first stop string: what sampling would have kept of it."""
    places = [at for string in stop if (at := text.find(string)) >= 0]
    return text[: min(places)] if places else text
