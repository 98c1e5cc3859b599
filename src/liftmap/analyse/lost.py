"""Lost and gained questions, and the verdict that sums up a comparison.

Analyses of the `analyse` stage; read tallies, give the tables `lost_gained` and `verdict`.
"""

from __future__ import annotations

import polars as pl

from liftmap.analyse.capability import curve
from liftmap.analyse.data import StudyData
from liftmap.analyse.table import MODEL_COLUMNS
from liftmap.comparison.columns import build, columns, estimate_schema
from liftmap.stats import lost as moves
from liftmap.stats.intervals import first_loss_k
from liftmap.stats.verdict import decide

LOST_SCHEMA = {
    **MODEL_COLUMNS,
    "direction": pl.String(),
    "k": pl.Int64(),
    **estimate_schema("estimate", "noise", "excess"),
    "n": pl.Int64(),
    "observed_at_n": pl.Int64(),
    "mcnemar_p": pl.Float64(),
}
VERDICT_SCHEMA = {
    **MODEL_COLUMNS,
    "label": pl.String(),
    "accuracy": pl.String(),
    "capability": pl.String(),
    "because": pl.String(),
    "needed": pl.Int64(),
    "questions": pl.Int64(),
    "k": pl.Int64(),
    "margin": pl.Float64(),
    "first_loss_k": pl.Int64(),
    "first_loss_possible": pl.List(pl.Int64()),
    "first_loss_never": pl.Boolean(),
}


def lost_gained(data: StudyData) -> pl.DataFrame:
    """Questions solved before and not after, and the reverse, with what noise alone gives.

    Returns:
        Two rows a checkpoint of an arm.

        - model, arm, seed: the checkpoint.
        - direction: lost (solved within k responses before, not within k after) or gained (the
          reverse).
        - k: number of tries: half of the responses that all questions have.
        - estimate, estimate_low, estimate_high: number of questions, without bias, with its
          interval.
        - noise, noise_low, noise_high: the number that two batches of the untrained base show.
        - excess, excess_low, excess_high: estimate minus noise; a net figure, negative where
          training made answers steadier.
        - n: number of responses that all questions have, on both sides.
        - observed_at_n: number of questions with a right response among all n before and none
          after (or the reverse), noise included; null where questions have unequal n.
        - mcnemar_p: two-sided p-value of the exact McNemar test of observed losses against
          gains; the same in both rows; null where observed_at_n is.
    """
    rows = []
    for model in data.arms:
        compared = data.compare(data.base, model)
        if compared.most < 2:
            continue
        found = moves.lost_gained(*compared.counts, **compared.intervals)
        seen = moves.observed(*compared.counts)
        for direction in ("lost", "gained"):
            net = getattr(found, direction)
            rows.append(
                {
                    **model.columns,
                    "direction": direction,
                    "k": found.k,
                    **columns(estimate=net.estimate, noise=net.noise, excess=net.excess),
                    "n": compared.most,
                    "observed_at_n": getattr(seen, direction, None),
                    "mcnemar_p": moves.mcnemar(*seen) if seen else None,
                }
            )
    return build(rows, LOST_SCHEMA)


def verdict(data: StudyData) -> pl.DataFrame:
    """One word for accuracy, one for capability, and the label that they give together.

    Returns:
        One row a checkpoint of an arm.

        - model, arm, seed: the checkpoint.
        - label: expanded, sharpened, sharpened at a cost, broadened, unchanged, degraded or
          inconclusive.
        - accuracy, capability: the change of pass@1 and of pass@k: within (the margin), up, down,
          or unsettled.
        - because: both statements with their numbers, in points (hundredths).
        - needed: about how many questions would settle what is unsettled; null if nothing is.
        - questions: number of questions compared.
        - k: number of tries of capability, the most that every question supports.
        - margin: equivalence margin, as a share.
        - first_loss_k: the smallest k of the table `capability` at which the estimated change is
          negative; null if there is none.
        - first_loss_possible: every k of that table that may be the first true loss, by the
          simultaneous band.
        - first_loss_never: whether it may be that no k shows a loss.
    """
    rows = []
    margin = data.config.analyse.margin
    for model in data.arms:
        compared = data.compare(data.base, model)
        points = curve(data, compared)
        if not points:
            continue
        found = decide(
            points[0].change, points[-1].change, margin=margin, questions=len(compared.rows)
        )
        loss = first_loss_k(
            [point.k for point in points],
            [point.change.estimate for point in points],
            [point.band_low for point in points],
            [point.band_high for point in points],
        )
        rows.append(
            {
                **model.columns,
                "label": found.label,
                "accuracy": found.accuracy,
                "capability": found.capability,
                "because": found.because,
                "needed": found.needed,
                "questions": len(compared.rows),
                "k": compared.most,
                "margin": margin,
                "first_loss_k": loss.estimate,
                "first_loss_possible": list(loss.possible),
                "first_loss_never": loss.never_possible,
            }
        )
    return build(rows, VERDICT_SCHEMA)
