"""The trainers' logs as a table: reward of reinforcement learning, loss of anything else, by step.

Reads metrics/<arm>.jsonl of a study folder; the page draws it. Only these two are shown: what else
a trainer logs stays in the files.
"""

from __future__ import annotations

import polars as pl

from liftmap.config import StudyConfig, model_name
from liftmap.store import StudyFolder

SCHEMA = {
    "model": pl.String(),
    "arm": pl.String(),
    "seed": pl.Int64(),
    "step": pl.Int64(),
    "measure": pl.String(),
    "value": pl.Float64(),
}


def read_metrics(folder: StudyFolder, config: StudyConfig) -> pl.DataFrame:
    """What the trainers logged.

    Returns:
        One row a checkpoint of an arm and a logged step: model, arm, seed, step (of the optimiser),
        measure (reward, the mean over the responses of the step; or loss) and value. An arm whose
        trainer logs a reward has reward alone. Empty without logs.

    Raises:
        StoreError: A log can't be read or is damaged.
    """
    rows = []
    for arm in config.enabled_arms():
        entries = folder.read_log(arm)
        measure = "reward" if any("reward" in entry for entry in entries) else "loss"
        rows += [
            {"model": model_name(arm, e["seed"]), "arm": arm, "seed": e["seed"]}
            | {"step": e["step"], "measure": measure, "value": float(e[measure])}
            for e in entries
            if isinstance(e.get(measure), int | float) and {"seed", "step"} <= e.keys()
        ]
    return pl.DataFrame(rows, schema=SCHEMA)
