"""The spread between training seeds of one arm.

Analysis of the `analyse` stage; reads tallies, gives the table `seeds`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.comparison.columns import build
from liftmap.stats.passk import pass_at_k


def seeds(data: StudyData) -> pl.DataFrame:
    """How far the checkpoints of one arm differ: the spread that intervals over questions lack.

    Returns:
        One row an arm.

        - arm: its name.
        - seeds: number of its checkpoints (training seeds).
        - k: number of tries of capability, the most that all of them support.
        - accuracy_mean, accuracy_sd, accuracy_min, accuracy_max: mean, standard deviation (with
          seeds - 1; null for one seed), least and largest accuracy (pass@1) in [0, 1].
        - capability_mean, capability_sd, capability_min, capability_max: likewise for pass@k.
    """
    rows = []
    for arm in dict.fromkeys(model.arm for model in data.arms):
        pairs = [data.pair(data.base, model) for model in data.arms if model.arm == arm]
        compared = [pair for pair in pairs if pair is not None]
        k = min((pair.most for pair in compared), default=0)
        row: dict[str, object] = {"arm": arm, "seeds": len(pairs), "k": k}
        for name, tries in (("accuracy", 1), ("capability", k)):
            if not k:
                continue
            shares = [
                float(pass_at_k(pair.after.n, pair.after.c, [tries], pair.after.plan).mean())
                for pair in compared
            ]
            row[f"{name}_mean"] = np.mean(shares)
            row[f"{name}_sd"] = np.std(shares, ddof=1) if len(shares) > 1 else None
            row[f"{name}_min"], row[f"{name}_max"] = min(shares), max(shares)
        rows.append(row)
    figures = [f"{x}_{y}" for x in ("accuracy", "capability") for y in ("mean", "sd", "min", "max")]
    schema = {"arm": pl.String(), "seeds": pl.Int64(), "k": pl.Int64()}
    return build(rows, {**schema, **dict.fromkeys(figures, pl.Float64())})
