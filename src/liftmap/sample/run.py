"""The sampling stage: one model answers one question set; shards on disk, resumable.

Reads questions; writes `responses/<model>/<split>/`. A shard holds all responses to some questions;
which questions is fixed by their order and the settings, so a resumed run draws the missing shards
as an uninterrupted one would have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, replace

from liftmap.config import SampleSection
from liftmap.progress import progress
from liftmap.records import Question
from liftmap.sample import Engine, make_engine, render_prompt
from liftmap.store import ResponseSet, shard_name


def sample(
    target: ResponseSet,
    model: str,
    questions: list[Question],
    count: int,
    section: SampleSection,
    engine: Callable[[], Engine] | None = None,
) -> int:
    """Draws all responses of a model that are not on disk yet.

    Args:
        target: Where they go.
        model: What the engine loads.
        questions: The questions, in a fixed order.
        count: Responses to each.
        section: Engine, template, sampling settings and shard size.
        engine: Gives an engine that is loaded already; None makes one when it is needed.

    Returns:
        How many responses were drawn now.

    Raises:
        SettingsDifferError: The folder holds responses drawn in another way.
        ModelError: The model can't be loaded.
        StoreError: A shard can't be written.
    """
    settings = replace(section.settings(), seed=model_seed(section.seed, target.model))
    per_shard = max(1, section.shard_responses // count)
    starts = range(0, len(questions), per_shard)
    target.keep_settings(
        {
            "model": model,
            "engine": section.engine,
            "template": section.template,
            "count": count,
            "sampling": asdict(settings),
            "shard_responses": section.shard_responses,
            "shards": len(starts),
            "questions": questions_digest(questions),
        }
    )
    shards = {shard_name(i): questions[start : start + per_shard] for i, start in enumerate(starts)}
    finished = set(target.shards())
    missing = {name: part for name, part in shards.items() if name not in finished}
    if not missing:
        return 0
    total = len(questions) * count
    todo = sum(len(part) for part in missing.values()) * count
    what = f"{target.model} answers {len(questions)} {target.split} questions"
    drawing = engine() if engine else make_engine(model, section, questions)
    with progress(what, total, "responses", done=total - todo) as advance:
        for name, part in missing.items():
            prompts = {q.question_id: render_prompt(section.template, q) for q in part}
            target.write_responses(name, drawing.generate(prompts, count, settings))
            advance(len(part) * count)
    return todo


def model_seed(seed: int, model: str) -> int:
    """The sampling seed of one model of a study.

    Two models that drew with the same random numbers would err alike, and every statistic that
    takes before and after as independent given the question would be wrong.
    """
    digest = hashlib.sha256(f"{seed}/{model}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def questions_digest(questions: list[Question]) -> str:
    """A short fingerprint of question ids, texts and order."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(f"{question.question_id}\x00{question.text}\x00".encode())
    return digest.hexdigest()[:16]
