"""Sampling: the transformers engine against Hugging Face `generate`, on the shipped base.

Both draw 256 responses to each of the same questions at temperature 1, up to 24 tokens, and decode
them. `generate` gets `num_return_sequences` and its best of several batch sizes.
"""

from __future__ import annotations

from functools import partial

import torch

from bench.timing import Row, rate
from liftmap.records import SamplingSettings
from liftmap.sample.transformers_engine import TransformersEngine
from liftmap.tasks.kin import kin

COUNT = 256
QUESTIONS = 64
SETTINGS = SamplingSettings(max_tokens=24, seed=1)
BATCHES = (256, 512, 1024, 2048, 4096)


def run() -> list[Row]:
    engine = TransformersEngine("testbed:base")
    prompts = {q.question_id: q.text for q in kin("test", limit=QUESTIONS)}
    few = dict(list(prompts.items())[:16])
    ours = rate(lambda: len(list(engine.generate(prompts, COUNT, SETTINGS))))
    others = {batch: rate(partial(_generate, engine, few, batch), repeats=1) for batch in BATCHES}
    best = max(others, key=lambda batch: others[batch])
    other = rate(partial(_generate, engine, prompts, best), repeats=2)
    what = f"sample {COUNT} responses a question, testbed base"
    return [Row(what, "responses", ours, other, f"generate, batch {best}")]


@torch.inference_mode()
def _generate(engine: TransformersEngine, prompts: dict[str, str], batch: int) -> int:
    tokenizer, drawn = engine.tokenizer, 0
    texts = list(prompts.values())
    together = max(1, batch // COUNT)
    for start in range(0, len(texts), together):
        ids = tokenizer(texts[start : start + together], padding=True, return_tensors="pt")
        out = engine.model.generate(
            **ids.to(engine.device),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            max_new_tokens=SETTINGS.max_tokens,
            num_return_sequences=COUNT,
        )
        drawn += len(tokenizer.batch_decode(out[:, ids["input_ids"].shape[1] :]))
    return drawn
