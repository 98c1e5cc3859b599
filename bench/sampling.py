"""Sampling: the transformers engine against Hugging Face `generate`, and memory.

Both draw the same number of responses to each of the same questions at temperature 1, and decode
them. `generate` gets `num_return_sequences`, the same end tokens and its best of several batch
sizes. On the shipped base, and where `make test-real` has put it on Gemma 3 270M (bfloat16), with
short answers that end at a line's end and with 40 tokens each.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from bench.timing import Row, rate
from liftmap.records import SamplingSettings
from liftmap.sample.transformers_engine import TransformersEngine
from liftmap.tasks.gym import gym
from liftmap.tasks.kin import kin

SETTINGS = SamplingSettings(max_tokens=24, seed=1)
BATCHES = (256, 512, 1024, 2048, 4096)
GEMMA = Path(".venv-real/gemma-3-270m-q4_k_m.gguf")
GEMMA_BATCHES = (64, 128)
SHOTS = "3+4+2=9\n8-3+5=10\n9-5=4\n"


def run() -> list[Row]:
    engine = TransformersEngine("testbed:base")
    prompts = {q.question_id: q.text for q in kin("test", limit=64)}
    rows = [
        _against_generate(f"sample {n} responses a question, testbed base", engine, prompts, n)
        for n in (64, 256)
    ]
    if GEMMA.exists():
        rows += _gemma()
    return [*rows, _memory()]


def _gemma() -> list[Row]:
    engine = TransformersEngine(str(GEMMA))
    asked = gym("test", "chain_sum", 8, 7, {"min_terms": 2, "max_terms": 3, "max_digits": 1})
    sums = {
        q.question_id: f"{SHOTS}{str(q.metadata['expression']).replace(' ', '')}=" for q in asked
    }
    stories = {q.question_id: f"Once upon a time there were {q.answer} " for q in asked}
    short = replace(SETTINGS, max_tokens=12, stop=("\n",))
    long = replace(SETTINGS, max_tokens=40)
    return [
        _against_generate(f"sample 64 {what}, Gemma 3 270M", engine, texts, 64, settings)
        for what, texts, settings in (
            ("short answers a question", sums, short),
            ("texts of 40 tokens a question", stories, long),
        )
    ]


def _against_generate(
    what: str,
    engine: TransformersEngine,
    prompts: Mapping[str, str],
    count: int,
    settings: SamplingSettings = SETTINGS,
) -> Row:
    small = engine.model.config.vocab_size < 10_000
    few = dict(list(prompts.items())[: 16 if small else 2])
    ours = rate(lambda: len(list(engine.generate(prompts, count, settings))))
    draw = partial(_generate, engine, settings=settings, count=count)
    others = {
        batch: rate(partial(draw, few, batch), repeats=1)
        for batch in (BATCHES if small else GEMMA_BATCHES)
    }
    best = max(others, key=lambda batch: others[batch])
    other = rate(partial(draw, prompts if small else few, best), repeats=2 if small else 1)
    return Row(what, "responses", ours, other, f"generate, batch {best}")


@torch.inference_mode()
def _generate(
    engine: TransformersEngine,
    prompts: Mapping[str, str],
    batch: int,
    settings: SamplingSettings,
    count: int,
) -> int:
    tokenizer, drawn = engine.tokenizer, 0
    texts = list(prompts.values())
    together = max(1, batch // count)
    for start in range(0, len(texts), together):
        ids = tokenizer(texts[start : start + together], padding=True, return_tensors="pt")
        out = engine.model.generate(
            **ids.to(engine.device),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            max_new_tokens=settings.max_tokens,
            num_return_sequences=count,
            eos_token_id=engine.ends_of(settings.stop).tolist(),
            pad_token_id=tokenizer.pad_token_id or 0,
        )
        drawn += len(tokenizer.batch_decode(out[:, ids["input_ids"].shape[1] :]))
    return drawn


# Draws and verifies so many scripted responses to each of 400 questions; prints its peak memory.
PEAK = """
import sys, tempfile
from liftmap import Asking, sample_model
from liftmap.sections import SampleSection
with tempfile.TemporaryDirectory() as folder:
    sampling = SampleSection(engine="scripted", n=int(sys.argv[1]))
    sample_model("scripted:0,0.05,0.5,0.95", Asking("kin", sampling=sampling), folder)
# The system's own count also holds the peak of the process that started this one.
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def _memory() -> Row:
    """Peak memory with 102,400 and with four times as many responses; the ratio should be 1."""
    few, many = (
        int(
            subprocess.run(
                [sys.executable, "-c", PEAK, n], stdout=subprocess.PIPE, check=True
            ).stdout
        )
        for n in ("256", "1024")
    )
    what = "peak memory, sample and verify 409,600 responses"
    return Row(what, "KiB", many, few, "102,400 responses", per_second=False)
