"""The sampling stage: one model answers one question set; shards on disk, resumable.

Reads questions; writes `responses/<model>/<split>/`. A shard holds all responses to some questions;
which questions is fixed by their order and the settings, so a resumed run draws the missing shards
as an uninterrupted one would have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl

from liftmap.console import console
from liftmap.errors import SettingsDifferError
from liftmap.files import first_difference
from liftmap.progress import progress
from liftmap.records import CurtailedPlan, FixedPlan, Plan, Question, Response
from liftmap.sample import Engine, identity_of, make_engine, prompt_facts
from liftmap.sample.account import account_of
from liftmap.sample.plans import curtailed
from liftmap.sample.templates import get_template, render_prompt
from liftmap.sections import SampleSection
from liftmap.store import ResponseSet, questions_digest, responses_frame, shard_name

# Judges a table of responses: a row for each, in order, with a column `verdict`.
Judge = Callable[[pl.DataFrame], pl.DataFrame]


def sample(
    target: ResponseSet,
    model: str,
    questions: list[Question],
    plan: Plan,
    section: SampleSection,
    engine: Callable[[], Engine] | None = None,
    judge: Judge | None = None,
    judged_by: Mapping[str, Any] | None = None,
) -> Generator[tuple[str, pl.DataFrame | None, int]]:
    """Draws all responses of a model that are not on disk yet, shard by shard.

    Args:
        target: Where they go.
        model: What the engine loads.
        questions: The questions, in a fixed order.
        plan: How many responses to each.
        section: Engine, template, sampling settings and shard size.
        engine: Gives an engine that is loaded already; None makes one when it is needed.
        judge: Gives verdicts, for the running accuracy; a curtailed plan can't do without.
        judged_by: Its settings; under a curtailed plan they decide what is drawn.

    Yields:
        For each shard drawn now, once it is on disk: its name, the verdicts if there is a judge,
        and the number of its responses.

    Raises:
        SettingsDifferError: The folder holds responses drawn in another way or by other weights.
        ModelError: The model can't be loaded.
        InputError: The template can't be filled.
        StoreError: A shard can't be written.
    """
    settings = replace(section.settings(), seed=model_seed(section.seed, target.model))
    per_shard = max(1, section.shard_responses // plan.most)
    starts = range(0, len(questions), per_shard)
    template = get_template(section.template)
    server = section.server
    settings_of_set = {
        "model": model,
        "engine": section.engine,
        "request": {"endpoint": server.endpoint, "extra": dict(server.extra)},
        "template": {"name": template.label, "text": template.text or template.messages},
        "plan": asdict(plan),
        "sampling": asdict(settings),
        "dtype": section.dtype,
        "verifier": judged_by if isinstance(plan, CurtailedPlan) else None,
        "shard_responses": section.shard_responses,
        "shards": len(starts),
        "questions": questions_digest(questions),
        "seed": section.seed,
    }
    later = ("seed", "weights")
    earlier_settings = target.settings() if target.has_settings() else {}
    if earlier_settings:
        # Before long work: are they the same as before?
        target.keep_settings({**settings_of_set, "weights": earlier_settings.get("weights")}, later)
    shards = {shard_name(i): questions[start : start + per_shard] for i, start in enumerate(starts)}
    finished = set(target.shards())
    missing = {name: part for name, part in shards.items() if name not in finished}
    if not missing:
        if section.engine == "server" and target.account() is None:
            target.keep_account(account_of(target))
        return
    prompts = {q.question_id: render_prompt(section.template, q) for q in questions}
    total, todo = len(questions), sum(len(part) for part in missing.values())
    what = f"{target.model} answers {len(questions)} {target.split} questions"
    drawing = engine() if engine else make_engine(model, section, questions)
    identity = identity_of(drawing)
    refuse_other_weights(target.path, target.model, earlier_settings, identity)
    target.keep_settings({**settings_of_set, "weights": identity}, later)
    facts = prompt_facts(drawing, next(iter(prompts.values())))
    if facts is not None:
        target.keep_prompt(facts)
    responses = right = scored = 0
    with progress(what, total * plan.most, "responses", done=(total - todo) * plan.most) as advance:
        for name, part in missing.items():
            asked = {q.question_id: prompts[q.question_id] for q in part}
            frames = []

            def kept(rows: Iterator[Response]) -> Iterator[Response]:
                for row in rows:
                    advance(1)
                    yield row

            if isinstance(plan, FixedPlan):
                rows = kept(drawing.generate(asked, plan.count, settings))
                frames.append(responses_frame(rows, template.label))
            else:
                if judge is None:
                    raise ValueError("a curtailed plan needs a judge")
                frames += curtailed(drawing, asked, plan, settings, judge, template.label, kept)
            frame = pl.concat(frames)
            target.write_responses(name, frame)
            verdicts = judge(frame) if judge else None
            responses += len(frame)
            if verdicts is not None:
                right += int((verdicts["verdict"] == "right").sum())
                scored += int((verdicts["verdict"] != "unscored").sum())
                # Easy questions give fewer responses under a curtailed plan: no accuracy, then.
                word = "accuracy" if isinstance(plan, FixedPlan) else "right"
                advance.note(f"{word} {100 * right / scored:.1f} %" if scored else "")
            # What a curtailed plan need not draw is done as well.
            advance(len(part) * plan.most - len(frame))
            yield name, verdicts, len(frame)
    if section.engine == "server":
        target.keep_account(account_of(target))
    if isinstance(plan, CurtailedPlan):
        fixed = todo * plan.cap
        console.print(
            f"{target.model}: the curtailed plan drew {responses:,} responses instead of {fixed:,} "
            f"({100 * responses / fixed:.0f} %).",
        )


def refuse_other_weights(
    place: Path, model: str, known: Mapping[str, Any], identity: Mapping[str, Any] | None
) -> None:
    """Refuses to go on with other weights than those that were at work before.

    Args:
        place: Where their results lie.
        model: The model's name in the study.
        known: The settings there; empty where nothing was made yet.
        identity: What `identity_of` says of the weights now.

    Raises:
        SettingsDifferError: They are others.
    """
    if not known:
        return
    if "weights" not in known:
        console.print(
            f"{model}: {place} was begun by an earlier version of liftmap, which did not keep "
            "which weights answered: whether they are still the same can't be checked.",
        )
        return
    difference = first_difference(known["weights"] or {}, dict(identity or {}))
    if difference:
        key, was, now = difference
        raise SettingsDifferError(
            f"{model} is not the model that began {place}: its {key} had the digest {was}, now "
            f"{now}.",
            remedy="Put the old weights back to go on, or name another folder (--out) for the new.",
        )


def model_seed(seed: int, model: str) -> int:
    """The sampling seed of one model of a study.

    Two models that drew with the same random numbers would err alike, and every statistic that
    takes before and after as independent given the question would be wrong.
    """
    digest = hashlib.sha256(f"{seed}/{model}".encode()).digest()
    return int.from_bytes(digest[:6], "big")
