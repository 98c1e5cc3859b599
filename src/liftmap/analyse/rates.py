"""What became of responses but right and wrong: cut off, unscored, answerless, unfinished ones.

Analysis of the `analyse` stage; reads responses and verdicts of all splits, gives the table
`rates`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.table import MODEL_COLUMNS
from liftmap.comparison.columns import build
from liftmap.records import ENDED_WHILE_THINKING, SPLITS, StudyModel
from liftmap.stats.bins import assign
from liftmap.store import KEY, exhausted_verifier

SCHEMA = {
    **MODEL_COLUMNS,
    "split": pl.String(),
    "label": pl.String(),
    "responses": pl.Int64(),
    "truncated": pl.Float64(),
    "unscored": pl.Float64(),
    "no_answer": pl.Float64(),
    "ended_thinking": pl.Float64(),
    "exhausted": pl.Float64(),
}
SHARES = ("truncated", "unscored", "no_answer", "ended_thinking", "exhausted")


def rates(data: StudyData) -> pl.DataFrame:
    """How many responses of each model count otherwise, by what became of them.

    Returns:
        One row a model and a question set with verified responses, and for the test questions one
        for each bin of difficulty; the steps of an arm that were only tried on dev are left out.

        - model, arm, seed: the model.
        - split: train, dev or test.
        - label: bin of base difficulty, as right responses of the base out of all (such as "1-4");
          "all" for all questions together.
        - responses: number of verified responses.
        - truncated: share in [0, 1] cut by the token limit; scored as they stand.
        - unscored: share that the verifier failed to judge; they are in no other figure.
        - no_answer: share that ended and in which the verifier found no answer; they are wrong.
        - ended_thinking: share that ended while thinking, so that there is no answer; they are
          wrong too.
        - exhausted: share that exhausted the verifier's time or memory while the gold answer does
          not ("no comparison in ..."); they are wrong, and in none of the shares but `truncated`.
    """
    rows: list[dict[str, object]] = []
    for split in SPLITS:
        present = set(data.folder.models(split))
        for model in data.known_models:
            if model.model not in present:
                continue
            if split == "test":
                by_label = _by_difficulty(data, model)
            else:
                parts = [_counts(part) for part in _verified(data, model.model, split)]
                by_label = {"all": pl.concat(parts).sum() if parts else _counts(_NONE)}
            for label, counts in by_label.items():
                responses, *others = counts.row(0)
                if responses:
                    shares = {x: y / responses for x, y in zip(SHARES, others, strict=True)}
                    place = {"split": split, "label": label, "responses": responses}
                    rows.append({**model.columns, **place, **shares})
    return build(rows, SCHEMA)


_NONE = pl.DataFrame(
    schema={
        "truncated": pl.Boolean,
        "right": pl.Boolean,
        "answer": pl.String,
        "unfinished": pl.Boolean,
        "exhausted": pl.Boolean,
    }
)


def _by_difficulty(data: StudyData, model: StudyModel) -> dict[str, pl.DataFrame]:
    """Counts of a model's responses to all test questions, and to those of each bin."""
    base, bins = data.tally(data.base), data.bins
    known = np.flatnonzero(base.n)
    labels = np.full(len(base.n), "", dtype=object)
    labels[known] = [bins.labels[i] for i in assign(base.c[known], base.n[known], bins)]
    responses = data.responses(model)
    label = pl.Series(labels[responses["question"].to_numpy()].tolist(), dtype=pl.String)
    return {"all": _counts(responses)} | {
        name: _counts(responses.filter(label == name)) for name in bins.labels
    }


def _verified(data: StudyData, model: str, split: str) -> Iterator[pl.DataFrame]:
    """The verified responses to another split, a shard at a time; columns as `_NONE`."""
    source = data.folder.responses(model, split)
    verifier = data.config.verify.verifier
    if not source.verdict_shards(verifier):
        return
    verdict = pl.col("verdict").cast(pl.String)
    verdicts = source.read_verdicts(verifier).select(
        *KEY,
        "answer",
        (pl.col("reason") == ENDED_WHILE_THINKING).alias("unfinished"),
        exhausted_verifier().alias("exhausted"),
        pl.when(verdict != "unscored").then(verdict == "right").alias("right"),
    )
    for shard in source.shards():
        responses = source.read_responses(shard).select(
            *KEY, truncated=pl.col("finish_reason").cast(pl.String) == "length"
        )
        yield responses.join(verdicts, on=KEY).select(_NONE.columns)


def _counts(part: pl.DataFrame) -> pl.DataFrame:
    return part.select(
        responses=pl.len().cast(pl.Int64),
        truncated=pl.col("truncated").sum().cast(pl.Int64),
        unscored=pl.col("right").is_null().sum().cast(pl.Int64),
        no_answer=(
            pl.col("right").is_not_null()
            & (pl.col("answer") == "")
            & ~pl.col("unfinished")
            & ~pl.col("exhausted")
        )
        .sum()
        .cast(pl.Int64),
        ended_thinking=pl.col("unfinished").sum().cast(pl.Int64),
        exhausted=pl.col("exhausted").sum().cast(pl.Int64),
    )
