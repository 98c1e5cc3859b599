"""Question by question: what each one did under each checkpoint, and which moved beyond noise.

Analyses of the `analyse` stage; read comparisons and questions, give the tables `questions` and
`moved`.
"""

from __future__ import annotations

import json

import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.table import MODEL_COLUMNS, stacked
from liftmap.comparison.questions import SCHEMA, question_changes
from liftmap.records import StudyModel

MOVED_SCHEMA = {
    **MODEL_COLUMNS,
    "question_id": pl.String(),
    "text": pl.String(),
    "direction": pl.String(),
    "before": pl.Float64(),
    "after": pl.Float64(),
    "change": pl.Float64(),
    "p_value": pl.Float64(),
    "q_value": pl.Float64(),
    "metadata": pl.String(),
}


def questions(data: StudyData) -> pl.DataFrame:
    """What each question did, before and after, under each checkpoint.

    Returns:
        One row a checkpoint of an arm and a question that is compared.

        - model, arm, seed: the checkpoint.
        - question_id: the question.
        - before_n, before_c, after_n, after_c: scored and right responses of the base and of the
          checkpoint.
        - before, after: success rate in [0, 1], without bias under either plan.
        - change: after minus before.
        - p_value: two-sided, of an exact test that knows the plan.
        - q_value: least share of false discoveries, over the questions of a checkpoint, at which
          the question would be listed (Benjamini and Hochberg, or with clusters Benjamini and
          Yekutieli).
        - moved: whether q_value is at most 1 - `analyse.level`.
        - lost, gained: solved at least once on one side and never on the other; much of it is
          noise, as the table `lost_gained` says.
        - before_bin, after_bin: number of its bin of right responses, 0 the hardest.
    """
    return stacked(
        [(model.columns, table) for model, table in _tables(data)], MODEL_COLUMNS, SCHEMA
    )


def moved(data: StudyData) -> pl.DataFrame:
    """Questions whose success rate rose or fell beyond noise, with few false alarms.

    Returns:
        One row a checkpoint of an arm and a question of `questions` that moved; the falls first,
        the largest first.

        - model, arm, seed: the checkpoint.
        - question_id, text: the question.
        - direction: up or down.
        - before, after, change, p_value, q_value: as in `questions`.
        - metadata: what the task knows of the question, as a JSON object.
    """
    texts = pl.DataFrame(
        [
            (each.question_id, each.text, json.dumps(dict(each.metadata), ensure_ascii=False))
            for each in data.questions
        ],
        schema={"question_id": pl.String, "text": pl.String, "metadata": pl.String},
        orient="row",
    )
    up = pl.col("after") > pl.col("before")
    parts = [
        (
            model.columns,
            table.filter("moved")
            .sort("change", maintain_order=True)
            .join(texts, on="question_id", how="left", maintain_order="left")
            .with_columns(direction=pl.when(up).then(pl.lit("up")).otherwise(pl.lit("down"))),
        )
        for model, table in _tables(data)
    ]
    own = {name: kind for name, kind in MOVED_SCHEMA.items() if name not in MODEL_COLUMNS}
    return stacked(parts, MODEL_COLUMNS, own)


def _tables(data: StudyData) -> list[tuple[StudyModel, pl.DataFrame]]:
    """The questions of each checkpoint that can be compared with the base."""
    pairs = [(model, data.pair(data.base, model)) for model in data.arms]
    return [
        (model, question_changes(pair, data.config.analyse.level, data.bins))
        for model, pair in pairs
        if pair is not None
    ]
