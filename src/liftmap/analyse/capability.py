"""Capability: pass@k of each model against the base, for all numbers of tries; k = 1 is accuracy.

Analyses of the `analyse` stage; read tallies, give the tables `capability`, `contrast` and `seeds`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from liftmap.analyse.data import Compared, StudyData, StudyModel
from liftmap.analyse.table import MODEL_COLUMNS
from liftmap.comparison.columns import build, columns, estimate_schema
from liftmap.records import Estimate
from liftmap.stats.intervals import ratios, simultaneous_band
from liftmap.stats.passk import pass_at_k
from liftmap.stats.resampling import CHANGE, NO_PSEUDO, SHARE, clipped

_CURVE = {
    "k": pl.Int64(),
    **estimate_schema("before", "after", "change"),
    "band_low": pl.Float64(),
    "band_high": pl.Float64(),
}


def tries(most: int) -> list[int]:
    """The numbers of tries that tables and charts show: powers of two, and `most` itself."""
    return sorted({2**power for power in range(most.bit_length()) if 2**power <= most} | {most})


def capability(data: StudyData) -> pl.DataFrame:
    """pass@k before and after, on all questions.

    Returns:
        One row a model other than the base and a number of tries.

        - model, arm, seed: the model after; the teacher stands here too, without a seed.
        - k: number of tries: 1, 2, 4 ... and the most that every question supports.
        - before, before_low, before_high: pass@k of the base in [0, 1] (Chen et al. 2021, arXiv
          2107.03374, equation 1), with the bootstrap interval over questions.
        - after, after_low, after_high: likewise of the model.
        - change, change_low, change_high: after minus before, paired by question.
        - band_low, band_high: band that holds the change at all these k at once.
    """
    rows = [
        {**model.columns, **point.columns}
        for model in data.afters
        for point in curve(data, data.compare(data.base, model))
    ]
    return build(rows, {**MODEL_COLUMNS, **_CURVE})


def contrast(data: StudyData) -> pl.DataFrame:
    """pass@k of two arms that differ in nothing but whose responses they were trained on.

    The arms are `StudyConfig.contrasts`; checkpoints of the same training seed are compared, so a
    seed that only one of the arms has is left out.

    Returns:
        One row a pair of arms, a seed and a number of tries.

        - before_arm: the arm trained on the base's own responses.
        - after_arm: the arm trained on another model's responses to the same questions.
        - seed: the training seed of both.
        - k: number of tries, as in `capability`.
        - before, before_low, before_high: pass@k of before_arm in [0, 1], with its interval.
        - after, after_low, after_high: pass@k of after_arm.
        - change, change_low, change_high: after minus before, paired by question.
        - band_low, band_high: band that holds the change at all these k at once.
    """
    rows = [
        {"before_arm": one.arm, "after_arm": other.arm, "seed": one.seed, **point.columns}
        for one, other in contrasted(data)
        for point in curve(data, data.compare(one, other))
    ]
    schema = {
        "before_arm": pl.String(),
        "after_arm": pl.String(),
        "seed": pl.Int64(),
        **_CURVE,
    }
    return build(rows, schema)


def contrasted(data: StudyData) -> list[tuple[StudyModel, StudyModel]]:
    """Checkpoints of matched arms, of one training seed each, that have responses."""
    found = {(model.arm, model.seed): model for model in data.arms}
    return [
        (one, found[after, one.seed])
        for before, after in data.config.contrasts()
        for one in data.arms
        if one.arm == before and (after, one.seed) in found
    ]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """pass@k before and after at one number of tries.

    Attributes:
        k: Number of tries.
        before: pass@k before, in [0, 1].
        after: pass@k after.
        change: After minus before.
        band_low: Low end of the band that holds the change at all k at once.
        band_high: High end of it.
    """

    k: int
    before: Estimate
    after: Estimate
    change: Estimate
    band_low: float
    band_high: float

    @property
    def columns(self) -> dict[str, float | None]:
        """Values of the columns of a table."""
        return {
            "k": self.k,
            **columns(before=self.before, after=self.after, change=self.change),
            "band_low": self.band_low,
            "band_high": self.band_high,
        }


def curve(data: StudyData, compared: Compared) -> list[CurvePoint]:
    """The pass@k curves before and after, from k = 1 to the most that every question supports."""
    if not compared.most:
        return []
    ks, options = tries(compared.most), compared.intervals
    before, after = (pass_at_k(t.n, t.c, ks, t.plan) for t in compared.tallies)
    low, high = simultaneous_band(
        before,
        after,
        rng=data.rng(),
        resamples=data.config.analyse.resamples,
        cluster=options["cluster"],
        level=options["level"],
    )
    everyone = np.ones((len(before), 1))
    points = []
    for at, k in enumerate(ks):
        one, other = before[:, [at]], after[:, [at]]
        # As in `stats.bins`: pseudo-questions keep intervals honest where few questions differ;
        # accuracies (k = 1) differ on most.
        share, change = (NO_PSEUDO, NO_PSEUDO) if k == 1 else (SHARE, CHANGE)
        points.append(
            CurvePoint(
                k,
                clipped(ratios(one, everyone, pseudo=share, **options)[0], 0.0),
                clipped(ratios(other, everyone, pseudo=share, **options)[0], 0.0),
                clipped(ratios(other - one, everyone, pseudo=change, **options)[0], -1.0),
                float(low[at]),
                float(high[at]),
            )
        )
    return points


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
        compared = [data.compare(data.base, model) for model in data.arms if model.arm == arm]
        k = min(one.most for one in compared)
        row: dict[str, object] = {"arm": arm, "seeds": len(compared), "k": k}
        for name, tried in (("accuracy", 1), ("capability", k)):
            if not k:
                continue
            found = [
                float(pass_at_k(one.after.n, one.after.c, [tried], one.after.plan).mean())
                for one in compared
            ]
            row[f"{name}_mean"] = np.mean(found)
            row[f"{name}_sd"] = np.std(found, ddof=1) if len(found) > 1 else None
            row[f"{name}_min"], row[f"{name}_max"] = min(found), max(found)
        rows.append(row)
    figures = [f"{x}_{y}" for x in ("accuracy", "capability") for y in ("mean", "sd", "min", "max")]
    schema = {"arm": pl.String(), "seeds": pl.Int64(), "k": pl.Int64()}
    return build(rows, {**schema, **dict.fromkeys(figures, pl.Float64())})
