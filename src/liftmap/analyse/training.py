"""How each arm was trained, and which of its steps the dev questions chose.

Analysis of the `analyse` stage; reads `checkpoint.json` beside each checkpoint, gives the table
`training`.
"""

from __future__ import annotations

import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.comparison.columns import build, columns, estimate_schema
from liftmap.stats.shares import wilson

SCHEMA = {
    "arm": pl.String(),
    "seed": pl.Int64(),
    "method": pl.String(),
    "step": pl.Int64(),
    **estimate_schema("dev_accuracy"),
    "chosen": pl.Boolean(),
    "training_questions": pl.Int64(),
    "training_responses": pl.Int64(),
    "seconds": pl.Float64(),
}


def training(data: StudyData) -> pl.DataFrame:
    """Every saved step of every arm with its accuracy on the dev questions.

    Returns:
        One row a checkpoint of an arm and a step that was tried; arms that were not trained here
        (method given) have none.

        - arm, seed: the arm and its training seed.
        - method: how it was trained (grpo, sft ...).
        - step: the optimiser step; null where no step was tried on dev.
        - dev_accuracy, dev_accuracy_low, dev_accuracy_high: accuracy in [0, 1] on the dev
          questions, with Wilson's interval as if each question were one response: a little wide,
          since several responses to a question say more than one.
        - chosen: whether this step became the checkpoint that is compared.
        - training_questions, training_responses: size of the training set.
        - seconds: wall time of the training.
    """
    rows = []
    for arm, seed, _ in data.config.arm_models():
        file = data.folder.checkpoint(arm, seed).record_file
        if not file.exists():
            continue
        checkpoint = data.folder.read_record(file)
        shared = {key: checkpoint.get(key) for key in SCHEMA if key in checkpoint and key != "step"}
        shared |= {"arm": arm, "seed": seed}
        for tried in checkpoint.get("dev") or [{"step": checkpoint.get("step")}]:
            accuracy = None
            if tried.get("accuracy") is not None:
                level = data.config.analyse.level
                accuracy = wilson(tried["accuracy"], tried["questions"], level)
            rows.append(
                {
                    **shared,
                    "step": tried["step"],
                    **columns(dev_accuracy=accuracy),
                    "chosen": tried["step"] == checkpoint.get("step"),
                }
            )
    return build(rows, SCHEMA)
