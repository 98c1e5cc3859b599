"""Supervised fine-tuning on chosen responses, by TRL's SFTTrainer: all distillation arms.

A method of the `train` stage.
"""

from __future__ import annotations

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from liftmap.train import TrainingJob
from liftmap.train.trainer import as_completion, load_tokenizer, make_config, train_or_resume


def sft(job: TrainingJob) -> None:
    """Trains the base on the job's (prompt, response) pairs; the loss is on the response alone."""

    def build() -> SFTTrainer:
        config = make_config(
            SFTConfig, job.trl, f"arms.{job.arm}.trl", output_dir=str(job.folder), seed=job.seed
        )
        rows = {
            "prompt": [prompt for prompt, _ in job.pairs],
            "completion": [as_completion(prompt, text) for prompt, text in job.pairs],
        }
        return SFTTrainer(
            model=job.base,
            args=config,
            train_dataset=Dataset.from_dict(rows),
            processing_class=load_tokenizer(job),
        )

    train_or_resume(job, build)
