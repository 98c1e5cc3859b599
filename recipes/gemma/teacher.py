"""Makes the teacher of the Gemma recipe: the base, trained on worked solutions of other sums.

Run once, before the study, from the folder that holds `recipes`. Reads the study file and the base;
writes a Hugging Face folder. No question of the study is among those that it is trained on.

    python recipes/gemma/teacher.py models/gemma-teacher
"""

from __future__ import annotations

import re
import sys

import torch
from datasets import Dataset
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

from liftmap.sample.hf import resolve_model
from liftmap.sample.templates import render_prompt
from liftmap.studyfile import load_config
from liftmap.tasks.gym import gym

STUDY = "recipes/gemma/study.toml"
QUESTIONS = 640


def worked(expression: str) -> str:
    """What follows `expression=`: each step written out, as `7+4-6=` -> `11-6=5`."""
    terms = re.findall(r"[+-]?\d+", expression.replace(" ", ""))
    total = int(terms[0])
    steps = []
    for place, term in enumerate(terms[1:], start=2):
        total += int(term)
        steps.append(f"{total}{''.join(terms[place:])}")
    return "=".join(steps)


def main(out: str) -> None:
    """Trains the teacher and saves it."""
    config = load_config(STUDY)
    options = {**config.task.options, **config.task.train}
    used = options["size"]
    questions = gym("train", **{**options, "size": used + QUESTIONS})[used:]
    rows = {
        "prompt": [render_prompt(config.sample.template, q) for q in questions],
        "completion": [worked(str(q.metadata["expression"])) for q in questions],
    }
    path = resolve_model(config.base.model)
    tokenizer = AutoTokenizer.from_pretrained(path)
    tokenizer.eos_token = "\n"
    arguments = SFTConfig(
        output_dir=f"{out}-trainer",
        num_train_epochs=1,
        per_device_train_batch_size=16,
        learning_rate=1e-5,
        warmup_steps=4,
        save_strategy="no",
        logging_steps=10,
        report_to="none",
        seed=1,
        bf16=True,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=False,
        model_init_kwargs={"dtype": "float32"},
    )
    trainer = SFTTrainer(
        model=path,
        args=arguments,
        train_dataset=Dataset.from_dict(rows),
        processing_class=tokenizer,
    )
    trainer.train()
    trainer.save_model(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
