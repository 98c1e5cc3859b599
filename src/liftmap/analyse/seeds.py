"""What the checkpoints of one arm say about its way of training, other seeds included.

Analysis of the `analyse` stage; reads tallies, gives the table `seeds`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy import special

from liftmap.analyse.data import StudyData
from liftmap.comparison.columns import Schema, build, estimate_schema
from liftmap.comparison.match import PairedTallies
from liftmap.records import Estimate, StudyModel
from liftmap.stats.passk import FloatArray, pass_at_k
from liftmap.stats.seeds import change_over_seeds, tolerated_spread

FIGURES = ("accuracy", "capability")
SCHEMA: Schema = {
    "arm": pl.String(),
    "seeds": pl.Int64(),
    "k": pl.Int64(),
    **{
        f"{figure}_{end}": pl.Float64()
        for figure in FIGURES
        for end in ("mean", "sd", "min", "max")
    },
    **estimate_schema("accuracy_change", "capability_change"),
    **{f"{figure}_{kind}": pl.Float64() for figure in FIGURES for kind in ("spread", "tolerated")},
}


def seeds(data: StudyData) -> pl.DataFrame:
    """How far the checkpoints of one arm differ, and what that leaves of its way of training.

    Returns:
        One row an arm.

        - arm: its name.
        - seeds: number of its checkpoints (training seeds).
        - k: number of tries of capability, the most that all of them support.
        - accuracy_mean, accuracy_sd, accuracy_min, accuracy_max: mean, standard deviation (with
          seeds - 1; null for one seed), least and largest accuracy (pass@1) in [0, 1].
        - capability_mean, capability_sd, capability_min, capability_max: likewise for pass@k.
        - accuracy_change, accuracy_change_low, accuracy_change_high: with several seeds the mean
          change from the base, with an interval that covers other seeds and other questions
          (`stats.seeds`); with one seed its change and the interval of its comparison.
        - capability_change, capability_change_low, capability_change_high: likewise for pass@k.
        - accuracy_spread, capability_spread: with several seeds the estimated standard deviation of
          the change between checkpoints of one recipe, beyond what responses and questions explain.
        - accuracy_tolerated, capability_tolerated: with one seed the standard deviation between
          checkpoints of one recipe up to which its change would hold for the way of training; 0
          where it is not even sure for this checkpoint.
    """
    rows = []
    for arm in dict.fromkeys(model.arm for model in data.arms):
        models = [model for model in data.arms if model.arm == arm]
        # All checkpoints on the same questions.
        pairs = [
            data.pair(data.base, model, *(other for other in models if other != model))
            for model in models
        ]
        compared = [pair for pair in pairs if pair is not None]
        row: dict[str, Any] = {"arm": arm, "seeds": len(models), "k": 0}
        if len(compared) == len(models):
            row["k"] = min(pair.most for pair in compared)
            for name, tries in zip(FIGURES, (1, row["k"]), strict=True):
                row |= _spread(name, compared, tries)
                row |= (
                    _over_seeds(name, compared, tries, data.config.analyse.level)
                    if len(models) > 1
                    else _of_one(name, data, models[0])
                )
        rows.append(row)
    return build(rows, SCHEMA)


def _spread(name: str, pairs: list[PairedTallies], k: int) -> dict[str, float | None]:
    """How far the figures of the checkpoints lie apart."""
    shares = [float(pass_at_k(p.after.n, p.after.c, [k], p.after.plan).mean()) for p in pairs]
    return {
        f"{name}_mean": float(np.mean(shares)),
        f"{name}_sd": float(np.std(shares, ddof=1)) if len(shares) > 1 else None,
        f"{name}_min": min(shares),
        f"{name}_max": max(shares),
    }


def _over_seeds(
    name: str, pairs: list[PairedTallies], k: int, level: float
) -> dict[str, float | None]:
    """The change of the way of training, by several seeds."""
    first = pairs[0]
    cluster = None if first.cluster is None else first.cluster[first.row_of_question]
    change = change_over_seeds(
        np.stack([_changes(pair, k) for pair in pairs]), cluster=cluster, level=level
    )
    return {**_named(name, change.change), f"{name}_spread": change.spread}


def _changes(pair: PairedTallies, k: int) -> FloatArray:
    """The change of pass@k of each question."""
    before, after = (
        pass_at_k(side.n, side.c, [k], side.plan)[:, 0] for side in (pair.before, pair.after)
    )
    change: FloatArray = after - before
    return change


def _of_one(name: str, data: StudyData, model: StudyModel) -> dict[str, float | None]:
    """The change of one checkpoint, and how much checkpoints may vary before it says nothing."""
    comparison = data.comparison(data.base, model)
    if comparison is None:
        return {}
    figure = comparison.accuracy if name == "accuracy" else comparison.at_k
    change: Estimate = figure.change
    level = data.config.analyse.level
    # An interval need not have its figure in the middle: the end towards 0 is the one that counts.
    near = change.estimate - change.low if change.estimate > 0 else change.high - change.estimate
    error = near / float(special.ndtri((1 + level) / 2))
    return {
        **_named(name, change),
        f"{name}_tolerated": tolerated_spread(change.estimate, error, level),
    }


def _named(name: str, change: Estimate) -> dict[str, float | None]:
    """The columns of a change."""
    ends = {"": change.estimate, "_low": change.low, "_high": change.high}
    return {f"{name}_change{end}": value for end, value in ends.items()}
