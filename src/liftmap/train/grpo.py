"""Reinforcement learning with verifiable rewards, by TRL's GRPOTrainer.

A method of the `train` stage. The reward is the verifier that also measures; two controls replace
it by a coin and by "has an answer at all".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from transformers import AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from liftmap.train import TrainingJob
from liftmap.train.trainer import make_config, train_or_resume
from liftmap.verify.run import judge

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
            processing_class=AutoTokenizer.from_pretrained(job.base, padding_side="left"),
        )

    train_or_resume(job, build)


def make_reward(job: TrainingJob) -> Reward:
    """The job's reward as TRL calls it: completions and the data set's columns in, numbers out.

    Returns:
        A function that gives 1, 0, or None where our verifier failed (TRL leaves such a response
        out of the reward).
    """
    questions = {q.question_id: q for q in job.questions}

    def verifier(completions: Sequence[str], question_id: Sequence[str], **_: Any) -> Any:
        return [
            judge(job.verifier, questions[q], text).reward
            for q, text in zip(question_id, completions, strict=True)
        ]

    def random(completions: Sequence[str], trainer_state: Any = None, **_: Any) -> Any:
        # Keyed by the step, so that a resumed run tosses what an uninterrupted one would have.
        step = trainer_state.global_step if trainer_state is not None else 0
        rng = np.random.default_rng([job.seed, step])
        return rng.integers(2, size=len(completions)).astype(float).tolist()

    def format(completions: Sequence[str], question_id: Sequence[str], **_: Any) -> Any:
        return [
            float(bool(judge(job.verifier, questions[q], text).answer))
            for q, text in zip(question_id, completions, strict=True)
        ]

    rewards: dict[str, Reward] = {"verifier": verifier, "random": random, "format": format}
    return rewards[job.reward]
