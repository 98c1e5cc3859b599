"""Reinforcement learning with verifiable rewards, by TRL's GRPOTrainer.

A method of the `train` stage. The reward is the verifier that also measures; two controls replace
it by a coin and by "has an answer at all".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from liftmap.records import Verdict
from liftmap.sample.hf import prompt_facts
from liftmap.train import TrainingJob
from liftmap.train.trainer import load_tokenizer, make_config, train_or_resume
from liftmap.verify import Verifier

Reward = Callable[..., list[float | None]]


def grpo(job: TrainingJob) -> None:
    """Trains the base by GRPO on the job's questions."""

    def build() -> GRPOTrainer:
        config = make_config(
            GRPOConfig, job.trl, f"arms.{job.arm}.trl", output_dir=str(job.folder), seed=job.seed
        )
        tokenizer = load_tokenizer(job)
        rows = {
            "prompt": [job.prompts[q.question_id] for q in job.questions],
            "question_id": [q.question_id for q in job.questions],
        }
        return GRPOTrainer(
            model=job.base,
            reward_funcs=make_reward(
                replace(job, verifier=_for_base(job, tokenizer)), config.num_generations
            ),
            args=config,
            train_dataset=Dataset.from_dict(rows),
            processing_class=tokenizer,
        )

    train_or_resume(job, build)


def _for_base(job: TrainingJob, tokenizer: Any) -> Verifier:
    """The job's verifier, which tells thoughts from answers as the base's prompts mark them."""
    facts = prompt_facts(tokenizer, next(iter(job.prompts.values())))
    return Verifier(job.verifier.rule, job.verifier.thinking.under(facts))


def make_reward(job: TrainingJob, group_size: int = 1) -> Reward:
    """The job's reward as TRL calls it: completions and the data set's columns in, numbers out.

    Args:
        job: The job.
        group_size: Responses of a group, which stand one after the other; from 2 on the shares of
            groups that are all right and all wrong are logged, which TRL does not tell apart.

    Returns:
        A function that gives 1, 0, or None where our verifier failed (TRL leaves such a response
        out of the reward).
    """
    questions = {q.question_id: q for q in job.questions}

    def judge(completions: Sequence[Any], question_id: Sequence[str]) -> list[Verdict]:
        texts = [_cut(_text(completion), job.stop) for completion in completions]
        pairs = [(questions[q], text) for q, text in zip(question_id, texts, strict=True)]
        return job.verifier.judge(pairs, [_reasoning(completion) for completion in completions])

    def verifier(
        completions: Sequence[Any],
        question_id: Sequence[str],
        log_metric: Callable[[str, float], None] | None = None,
        **_: Any,
    ) -> Any:
        scores = [verdict.reward for verdict in judge(completions, question_id)]
        # Spread over devices, the responses of one of them need not be whole groups.
        if log_metric is not None and group_size > 1 and len(scores) % group_size == 0:
            for name, share in shares_alike(scores, group_size).items():
                log_metric(name, share)
        return scores

    def random(completions: Sequence[Any], trainer_state: Any = None, **_: Any) -> Any:
        # Keyed by the step, so that a resumed run tosses what an uninterrupted one would have.
        step = trainer_state.global_step if trainer_state is not None else 0
        rng = np.random.default_rng([job.seed, step])
        return rng.integers(2, size=len(completions)).astype(float).tolist()

    def format(completions: Sequence[Any], question_id: Sequence[str], **_: Any) -> Any:
        return [float(bool(verdict.answer)) for verdict in judge(completions, question_id)]

    rewards: dict[str, Reward] = {"verifier": verifier, "random": random, "format": format}
    return rewards[job.reward]


def shares_alike(rewards: Sequence[float | None], group_size: int) -> dict[str, float]:
    """The shares of groups whose rewards are all 1, and all 0, by the names they are logged under.

    Args:
        rewards: 1, 0, or None for a response that counts in no group.
        group_size: Responses of a group; groups stand one after the other.
    """
    groups = [
        {reward for reward in rewards[start : start + group_size] if reward is not None}
        for start in range(0, len(rewards), group_size)
    ]
    return {
        "groups/all_right": groups.count({1.0}) / len(groups),
        "groups/all_wrong": groups.count({0.0}) / len(groups),
    }


def _text(completion: Any) -> str:
    """The text of a completion; after a conversation TRL gives it as a list of messages."""
    if isinstance(completion, str):
        return completion
    return "".join(str(message.get("content") or "") for message in completion)


def _reasoning(completion: Any) -> str:
    """The thoughts that TRL gives apart from the text, for models whose replies it parses."""
    if isinstance(completion, str):
        return ""
    keys = ("reasoning_content", "reasoning", "thinking")
    return "".join(str(message.get(key) or "") for message in completion for key in keys)


def _cut(text: str, stop: Sequence[str]) -> str:
    """The text up to the first stop string: what sampling would have kept of it."""
    places = [at for string in stop if (at := text.find(string)) >= 0]
    return text[: min(places)] if places else text
