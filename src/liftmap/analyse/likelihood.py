"""Were an arm's right responses already likely under the base?

Analysis of the `analyse` stage; reads responses with their scores under the base, gives the table
`likelihood`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.analyse.data import IntArray, StudyData
from liftmap.analyse.table import MODEL_COLUMNS, FloatArray, ratios_or_none
from liftmap.comparison.columns import build, columns, estimate_schema
from liftmap.records import StudyModel
from liftmap.testbed.language import STYLES

SCHEMA = {
    **MODEL_COLUMNS,
    "style": pl.String(),
    **estimate_schema("before", "after", "change"),
    "questions": pl.Int64(),
    "responses_before": pl.Int64(),
    "responses_after": pl.Int64(),
}


def likelihood(data: StudyData) -> pl.DataFrame:
    """Mean log-likelihood per token, under the base, of right responses of the base and of an arm.

    Only questions count to which both models gave right (and scored) responses, each with the same
    weight: first the mean over a question's responses, then the mean over questions. So an arm
    that solves more questions is not compared on other questions than the base.

    Returns:
        One row a checkpoint of an arm and a style; none where no responses were scored under the
        base.

        - model, arm, seed: the checkpoint.
        - style: "all"; for the kin testbed also each style of a response, both sides in that style.
        - before, before_low, before_high: mean natural log-probability per token (end token
          included), at most 0, of the base's own right responses under the base.
        - after, after_low, after_high: of the arm's right responses under the base.
        - change, change_low, change_high: after minus before; above 0: the arm gives what the base
          finds likelier than its own right responses.
        - questions: number of questions that count; with none the estimates are null.
        - responses_before, responses_after: right responses of either side to these questions.
    """
    styles = ["all", *(STYLES if data.is_kin else ())]
    before = _right(data, data.base, styles)
    rows = []
    for model in data.arms:
        after = _right(data, model, styles)
        if not after[1].any() or not before[1].any():
            continue
        both = (before[1] > 0) & (after[1] > 0)
        mean_before, mean_after = np.where(both, before[0], 0.0), np.where(both, after[0], 0.0)
        shared = both.astype(np.float64)
        estimates = ratios_or_none(
            np.hstack([mean_before, mean_after, mean_after - mean_before]),
            np.hstack([shared] * 3),
            data.intervals(),
        )
        for at, style in enumerate(styles):
            first, second, change = estimates[at :: len(styles)]
            rows.append(
                {
                    **model.columns,
                    "style": style,
                    **columns(before=first, after=second, change=change),
                    "questions": int(both[:, at].sum()),
                    "responses_before": int(before[1][both[:, at], at].sum()),
                    "responses_after": int(after[1][both[:, at], at].sum()),
                }
            )
    return build(rows, SCHEMA)


def _right(data: StudyData, model: StudyModel, styles: list[str]) -> tuple[FloatArray, IntArray]:
    """Mean log-likelihood under the base, and number, of each question's right responses.

    Both of shape (questions, styles); the mean is 0 where there is no response.
    """
    chosen = data.responses(model).filter(
        pl.col("right") & pl.col("log_likelihood_base").is_not_null()
    )
    parts = [chosen if s == "all" else chosen.filter(pl.col("style") == s) for s in styles]
    count = np.column_stack([data.count(part) for part in parts])
    total = np.column_stack([data.sums(part, "log_likelihood_base") for part in parts])
    return total / np.maximum(count, 1), count
