"""What became of the responses apart from right and wrong: cut off, unscored, without an answer.

Analysis of the `analyse` stage; reads responses and verdicts of all splits, gives the table
`rates`.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.table import MODEL_COLUMNS
from liftmap.comparison.columns import build
from liftmap.records import SPLITS
from liftmap.store import KEY

SCHEMA = {
    **MODEL_COLUMNS,
    "split": pl.String(),
    "responses": pl.Int64(),
    "truncated": pl.Float64(),
    "unscored": pl.Float64(),
    "no_answer": pl.Float64(),
}


def rates(data: StudyData) -> pl.DataFrame:
    """How many responses of each model were cut off, unscored, or held no answer.

    Returns:
        One row a model and a question set with verified responses; the steps of an arm that were
        only tried on dev are left out.

        - model, arm, seed: the model.
        - split: train, dev or test.
        - responses: number of verified responses.
        - truncated: share in [0, 1] cut by the token limit; scored as they stand.
        - unscored: share that the verifier failed to judge; they are in no other figure.
        - no_answer: share in which the verifier found no answer; they are wrong.
    """
    rows = []
    for split in SPLITS:
        answered = set(data.folder.models(split))
        for model in data.known_models:
            if model.model not in answered:
                continue
            if split == "test":
                parts = iter([data.responses(model).select("truncated", "right", "answer")])
            else:
                parts = _verified(data, model.model, split)
            counts = pl.concat([_counts(part) for part in parts] or [_counts(_NONE)]).sum()
            responses, *others = counts.row(0)
            if responses:
                names = ("truncated", "unscored", "no_answer")
                shares = {x: y / responses for x, y in zip(names, others, strict=True)}
                place = {"split": split, "responses": responses}
                rows.append({**model.columns, **place, **shares})
    return build(rows, SCHEMA)


_NONE = pl.DataFrame(schema={"truncated": pl.Boolean, "right": pl.Boolean, "answer": pl.String})


def _verified(data: StudyData, model: str, split: str) -> Iterator[pl.DataFrame]:
    """The verified responses to another split, a shard at a time: truncated, right, answer."""
    source = data.folder.responses(model, split)
    verifier = data.config.verify.verifier
    if not source.verdict_shards(verifier):
        return
    verdict = pl.col("verdict").cast(pl.String)
    verdicts = source.read_verdicts(verifier).select(
        *KEY,
        "answer",
        pl.when(verdict != "unscored").then(verdict == "right").alias("right"),
    )
    for shard in source.shards():
        responses = source.read_responses(shard).select(
            *KEY, truncated=pl.col("finish_reason").cast(pl.String) == "length"
        )
        yield responses.join(verdicts, on=KEY).select("truncated", "right", "answer")


def _counts(part: pl.DataFrame) -> pl.DataFrame:
    return part.select(
        responses=pl.len().cast(pl.Int64),
        truncated=pl.col("truncated").sum().cast(pl.Int64),
        unscored=pl.col("right").is_null().sum().cast(pl.Int64),
        no_answer=(pl.col("right").is_not_null() & (pl.col("answer") == "")).sum().cast(pl.Int64),
    )
