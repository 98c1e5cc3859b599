"""How each arm was trained, and which of its steps the dev questions chose.

Analysis of the `analyse` stage; reads `checkpoint.json` beside each checkpoint, gives the table
`training`.
"""

from __future__ import annotations

import math

import polars as pl
from scipy import special

from liftmap.analyse.data import StudyData
from liftmap.comparison.columns import build, columns, estimate_schema
from liftmap.records import Estimate

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


def wilson(share: float, n: int, level: float) -> Estimate:
    """A share of n draws with Wilson's score interval (1927, doi 10.1080/01621459.1927.10502953).

    Args:
        share: In [0, 1].
        n: Number of independent draws, 1 or more. For a mean of n values in [0, 1] the interval is
            at least as wide as for draws that are 0 or 1, which vary most.
        level: Coverage, in (0, 1).
    """
    z = float(special.ndtri((1 + level) / 2))
    half = z * math.sqrt(n * share * (1 - share) + z * z / 4)
    low, high = ((n * share + z * z / 2 + side) / (n + z * z) for side in (-half, half))
    return Estimate(share, max(0.0, low), min(1.0, high))
