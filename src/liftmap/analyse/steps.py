"""What became of each arm while it was trained: accuracy, capability and lost questions by step.

Analysis of the `analyse` stage; reads what an arm with `track` answered at its steps
(`store.steps_folder`), gives the table `steps`. Each step is compared with step 0 by the one
comparison that `liftmap compare` makes. The questions are dev questions, so nothing here is a
result on the test questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.comparison.columns import Schema, build, columns, estimate_schema
from liftmap.comparison.compare import compare
from liftmap.comparison.match import TooFewQuestionsError
from liftmap.store import StepsFolder, steps_of_arm

SCHEMA: Schema = {
    "model": pl.String(),
    "arm": pl.String(),
    "seed": pl.Int64(),
    "step": pl.Int64(),
    "questions": pl.Int64(),
    **estimate_schema("accuracy", "accuracy_change"),
    "k": pl.Int64(),
    **estimate_schema("capability", "capability_change"),
    "lost_k": pl.Int64(),
    **estimate_schema("lost"),
    "tokens": pl.Int64(),
    "seconds": pl.Float64(),
}


def steps(data: StudyData) -> pl.DataFrame:
    """Every step at which an arm answered dev questions while it was trained.

    Returns:
        One row a checkpoint of an arm and a step that is answered whole; arms without `track` have
        none. Each interval is about its own step: over many steps the largest change is partly
        luck.

        - model, arm, seed: the checkpoint (`rlvr@1`), its arm and its training seed.
        - step: the optimiser step; 0 is the base.
        - questions: dev questions that could be judged at this step and at step 0.
        - accuracy, accuracy_low, accuracy_high: pass@1 in [0, 1].
        - accuracy_change, accuracy_change_low, accuracy_change_high: its change since step 0; null
          at step 0.
        - k: number of tries of capability.
        - capability, capability_low, capability_high: pass@k in [0, 1].
        - capability_change, capability_change_low, capability_change_high: its change likewise.
        - lost_k: number of tries of the next figure.
        - lost, lost_low, lost_high: questions solved within lost_k responses at step 0 and not at
          this step, beyond what noise alone shows; null at step 0.
        - tokens: response tokens that answering took.
        - seconds: wall time that answering took.
    """
    rows = []
    for arm, seed, model in data.config.arm_models():
        folder = steps_of_arm(data.folder, arm, seed)
        for row in _rows(data, folder):
            rows.append({"model": model, "arm": arm, "seed": seed, **row})
    return build(rows, SCHEMA)


def _rows(data: StudyData, folder: StepsFolder) -> Iterator[dict[str, Any]]:
    section = data.config.analyse
    answered = folder.answered()
    if 0 not in answered:
        return
    for step in answered:
        record = folder.read_record(step) or {}
        price = {"step": step, "tokens": record.get("tokens"), "seconds": record.get("seconds")}
        try:
            comparison = compare(
                folder.responses(0),
                folder.responses(step),
                verifier=data.config.verify.verifier,
                margin=section.margin,
                level=section.level,
                seed=section.seed,
                resamples=section.resamples,
                law_resamples=0,
            )
        except TooFewQuestionsError:
            yield {**price, "questions": 0}
            continue
        first, last = comparison.accuracy, comparison.at_k
        moved = step > 0
        yield {
            **price,
            "questions": comparison.questions,
            "k": comparison.k,
            "lost_k": comparison.lost.k,
            **columns(
                accuracy=first.after,
                accuracy_change=first.change if moved else None,
                capability=last.after,
                capability_change=last.change if moved else None,
                lost=comparison.lost.excess if moved else None,
            ),
        }
