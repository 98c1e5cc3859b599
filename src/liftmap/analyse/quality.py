"""What tells a right response from a wrong one to the same question?

Analysis of the `analyse` stage; reads responses, gives the table `quality`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.table import MODEL_COLUMNS, ratios_or_none
from liftmap.comparison.columns import build, columns, estimate_schema
from liftmap.config import BASE
from liftmap.stats.quality import question_aucs
from liftmap.stats.resampling import SHARE

SCHEMA = {
    **MODEL_COLUMNS,
    "indicator": pl.String(),
    **estimate_schema("auc"),
    "questions": pl.Int64(),
}
INDICATORS = ("length", "reflection", "log_likelihood_base", "log_likelihood_own", "majority")


def quality(data: StudyData) -> pl.DataFrame:
    """How well each indicator tells right from wrong responses to the same question.

    Returns:
        One row a model (base and arms) and an indicator.

        - model, arm, seed: the model whose responses are told apart.
        - indicator: length (tokens), reflection (whether the response holds a reflection phrase),
          log_likelihood_base and log_likelihood_own (mean log-probability per token under the
          base and under the model itself, which for the base are one and stand once, as
          log_likelihood_base), or majority (whether the answer is one of the model's most common
          to the question, its own vote counted; no answer never is).
        - auc, auc_low, auc_high: mean over questions of the chance in [0, 1] that a right response
          has a higher value than a wrong one, ties counting half: .5 tells nothing, above it high
          values go with right responses, below it low ones. Null where the indicator is unknown.
        - questions: number of questions with both right and wrong responses, which alone count.
    """
    rows = []
    for model in [data.base, *data.arms]:
        scored = _with_majority(data.responses(model).filter(pl.col("right").is_not_null()))
        right, place = scored["right"].to_numpy(), scored["question"].to_numpy()
        named = [x for x in INDICATORS if (model.arm, x) != (BASE, "log_likelihood_own")]
        aucs = np.zeros((len(data.questions), len(named)))
        known = np.zeros_like(aucs)
        for at, name in enumerate(named):
            column = "tokens" if name == "length" else name
            values = scored[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
            questions, own_aucs = question_aucs(values, right, place)
            aucs[questions, at], known[questions, at] = own_aucs, 1.0
        estimates = ratios_or_none(aucs, known, data.intervals(), SHARE)
        for at, (name, auc) in enumerate(zip(named, estimates, strict=True)):
            place_of = {"indicator": name, "questions": int(known[:, at].sum())}
            rows.append({**model.columns, **place_of, **columns(auc=auc)})
    return build(rows, SCHEMA)


def _with_majority(scored: pl.DataFrame) -> pl.DataFrame:
    """Adds the column majority: whether the answer is among its question's most common ones."""
    common = (
        scored.filter(pl.col("answer") != "")
        .group_by("question", "answer")
        .len()
        .filter(pl.col("len") == pl.col("len").max().over("question"))
        .select("question", "answer", majority=True)
    )
    joined = scored.join(common, on=["question", "answer"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("majority").fill_null(False))
