"""GRPO groups without a gradient: what the trainer logged, beside what the law predicts.

Analysis of the `analyse` stage; reads `metrics/<arm>.jsonl` and the counts of dev questions at
tracked steps (or of the base), gives the table `gradient`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.comparison.columns import Schema, build, columns, estimate_schema
from liftmap.errors import InputError
from liftmap.read.training_log import SCHEMA as LOG_SCHEMA
from liftmap.read.training_log import table_of_log
from liftmap.records import Tally
from liftmap.stats.law.groups import group_shares
from liftmap.store import steps_of_arm

GRPO = "grpo"
# TRL's own default of `num_generations`.
GROUP_SIZE = 8
LOGGED = ("reward", "entropy", "tokens", "truncated")
SHARES = ("no_gradient", "all_right", "all_wrong")
SCHEMA: Schema = {
    "model": pl.String(),
    "arm": pl.String(),
    "seed": pl.Int64(),
    "step": pl.Int64(),
    "group_size": pl.Int64(),
    **{name: pl.Float64() for name in SHARES},
    **estimate_schema(*(f"predicted_{name}" for name in SHARES)),
    "predicted_from": pl.String(),
    **{name: pl.Float64() for name in LOGGED},
}


def gradient(data: StudyData) -> pl.DataFrame:
    """Groups without a gradient by step: as logged, and as the law of success rates predicts.

    Returns:
        One row a checkpoint of a GRPO arm and a step that was logged or for which there is a
        prediction.

        - model, arm, seed: the checkpoint (`rlvr@1`), its arm and its training seed.
        - step: the optimiser step.
        - group_size: responses of a group.
        - no_gradient: logged share of groups, in [0, 1], whose rewards are all alike; null where it
          was not logged, and where TRL's `scale_rewards = "batch"` makes its log one of whole
          batches. A step is a mean over its few groups and scatters.
        - all_right, all_wrong: logged shares of groups all of whose responses are right, or wrong;
          null where they were not logged.
        - predicted_no_gradient, predicted_no_gradient_low, predicted_no_gradient_high: the first by
          the law of p, with its interval over questions; null where nothing was answered at this
          step.
        - predicted_all_right, predicted_all_right_low, predicted_all_right_high: likewise.
        - predicted_all_wrong, predicted_all_wrong_low, predicted_all_wrong_high: likewise.
        - predicted_from: whose counts the prediction takes: `dev` (dev questions answered at this
          step) or `base` (the base's test questions, step 0). The trainer's groups are of train
          questions: where these are harder or easier, the two differ. None is made with
          `analyse.law_resamples = 0`, and for an arm whose reward is not the verifier's verdict.
        - reward, entropy, tokens, truncated: as in `liftmap.read_training_log`.
    """
    rows = []
    for arm, seed, model in data.config.arm_models():
        if data.config.arms[arm].method != GRPO:
            continue
        settings = data.config.trl_settings(arm)
        size = int(settings.get("num_generations", GROUP_SIZE))
        by_step: dict[int, dict[str, Any]] = {}
        for row in _logged(data, arm, seed).iter_rows(named=True):
            if settings.get("scale_rewards") == "batch":
                row["no_gradient"] = None
            by_step[row["step"]] = {name: row[name] for name in (*SHARES, *LOGGED)}
        for step, source, tally in _counted(data, arm, seed):
            if predicted := _predicted(data, tally, size, source):
                by_step.setdefault(step, {}).update(predicted)
        head = {"model": model, "arm": arm, "seed": seed, "group_size": size}
        rows += [{**head, "step": step, **row} for step, row in sorted(by_step.items())]
    return build(rows, SCHEMA)


def _logged(data: StudyData, arm: str, seed: int) -> pl.DataFrame:
    """What the trainer of one seed logged."""
    entries = [entry for entry in data.folder.read_log(arm) if entry.get("seed") == seed]
    try:
        return table_of_log([*entries], str(data.folder.metrics_file(arm)))
    except InputError:
        return pl.DataFrame(schema=LOG_SCHEMA)


def _counted(data: StudyData, arm: str, seed: int) -> Iterator[tuple[int, str, Tally]]:
    """The tallies that predictions are made of: step, source, counts; they are about verdicts."""
    if data.config.arms[arm].reward != "verifier":
        return
    folder = steps_of_arm(data.folder, arm, seed)
    answered = folder.answered()
    for step in answered:
        target = folder.responses(step)
        questions = folder.folder(step).read_questions(target.split)
        yield step, "dev", target.tally(data.config.verify.verifier, questions)
    if 0 not in answered:
        yield 0, "base", data.tally(data.base)


def _predicted(data: StudyData, tally: Tally, size: int, source: str) -> dict[str, Any]:
    """The columns of a prediction; none where too few questions could be judged."""
    section = data.config.analyse
    judged = tally.subset(np.flatnonzero(tally.judged).astype(np.int64))
    labels = judged.cluster
    cluster = None if labels is None else np.unique(labels, return_inverse=True)[1]
    if len(judged.n) < 2 or section.law_resamples < 2:
        return {}
    shares = group_shares(
        judged.counts,
        size,
        rng=np.random.default_rng([section.seed, 4]),
        resamples=section.law_resamples,
        level=section.level,
        cluster=cluster,
    )
    estimates = {f"predicted_{name}": getattr(shares, name) for name in SHARES}
    return {"predicted_from": source, **columns(**estimates)}
