"""Two steps of TRL's GRPO on the testbed's base model, which write their completions.

    python make/tools/trl_completions.py MODEL OUT

OUT then holds completions_00001.parquet and completions_00002.parquet. Four questions of
make/questions.jsonl, four completions each; the rewards are 1 for a right answer, and the share of
short words.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer


def correct(completions: list[str], answer: list[str], **_: Any) -> list[float]:
    pairs = zip(completions, answer, strict=True)
    return [float(text.split()[-1:] == [gold]) for text, gold in pairs]


def shortness(completions: list[str], **_: Any) -> list[float]:
    return [
        sum(len(word) < 4 for word in text.split()) / max(1, len(text.split()))
        for text in completions
    ]


def main(model: str, out: Path) -> None:
    lines = (Path(__file__).parent.parent / "questions.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines][:4]
    questions = Dataset.from_list(
        [{"prompt": row["question"], "answer": row["answer"]} for row in rows]
    )
    with TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder,
            per_device_train_batch_size=16,
            num_generations=4,
            max_completion_length=24,
            max_steps=2,
            logging_steps=1,
            log_completions=True,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            bf16=False,
            seed=1,
        )
        trainer = GRPOTrainer(
            AutoModelForCausalLM.from_pretrained(model),
            reward_funcs=[shortness, correct],
            args=config,
            train_dataset=questions,
            processing_class=AutoTokenizer.from_pretrained(model),
        )
        trainer.train()
        out.mkdir(parents=True, exist_ok=True)
        for file in (Path(folder) / "completions").glob("*.parquet"):
            shutil.copy(file, out)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
