"""Rows of response sets: their columns, and how verdicts become counts.

Part of the store; reads and writes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from liftmap.records import NO_COMPARISON, Plan, Question, Response, Tally

RESPONSE_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "response_index": pl.Int32(),
        "text": pl.String(),
        "token_ids": pl.List(pl.Int32()),
        "token_count": pl.Int32(),
        "finish_reason": pl.Categorical(),
        "log_probability": pl.Float64(),
        "reasoning": pl.String(),
        "error": pl.String(),
        "template": pl.Categorical(),
    }
)
VERDICT_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "response_index": pl.Int32(),
        "verdict": pl.Categorical(),
        "answer": pl.String(),
        "reason": pl.String(),
    }
)
SCORE_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "response_index": pl.Int32(),
        "log_probability": pl.Float64(),
        "token_count": pl.Int32(),
        "thought_log_probability": pl.Float64(),
        "thought_token_count": pl.Int32(),
        "answer_log_probability": pl.Float64(),
        "answer_token_count": pl.Int32(),
    }
)
# Those of the columns that all scores have; the others are null where thought and answer are not
# told apart, as in scores of earlier versions.
UNSPLIT = ["question_id", "response_index", "log_probability", "token_count"]
KEY = ["question_id", "response_index"]
COUNTS = ["n", "c", "unscored", "truncated", "exhausted"]


def responses_frame(responses: Iterable[Response], template: str = "") -> pl.DataFrame:
    """Responses as a table with the columns of `RESPONSE_SCHEMA`."""
    rows = list(responses)
    columns: dict[str, list[object]] = {
        "question_id": [r.question_id for r in rows],
        "response_index": [r.response_index for r in rows],
        "text": [r.text for r in rows],
        "token_ids": [r.token_ids for r in rows],
        "token_count": [_token_count(r) for r in rows],
        "finish_reason": [r.finish_reason for r in rows],
        "log_probability": [r.log_probability for r in rows],
        "reasoning": [r.reasoning for r in rows],
        "error": [r.error for r in rows],
        "template": [template] * len(rows),
    }
    return pl.DataFrame(columns, schema=RESPONSE_SCHEMA)


def _token_count(response: Response) -> int | None:
    if response.token_count is None:
        return len(response.token_ids)
    return response.token_count if response.token_count >= 0 else None


def questions_digest(questions: Sequence[Question]) -> str:
    """A short fingerprint of question ids, texts and order."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(f"{question.question_id}\x00{question.text}\x00".encode())
    return digest.hexdigest()[:16]


def golds_digest(questions: Iterable[Question]) -> str:
    """A short fingerprint of what verdicts depend on: ids, gold answers and metadata."""
    digest = hashlib.sha256()
    for question in questions:
        metadata = (
            json.dumps(dict(question.metadata), sort_keys=True) if question.metadata else "{}"
        )
        digest.update(f"{question.question_id}\x00{question.answer}\x00{metadata}\x00".encode())
    return digest.hexdigest()[:16]


def exhausted_verifier() -> pl.Expr:
    """Whether a verdict is wrong since the response exhausted the verifier's time or memory.

    Of a table with the columns verdict and reason.
    """
    wrong = pl.col("verdict").cast(pl.String) == "wrong"
    return wrong & pl.col("reason").str.starts_with(NO_COMPARISON)


def count_verdicts(rows: pl.DataFrame) -> pl.DataFrame:
    """Counts per question, in order of first appearance.

    Args:
        rows: A row a response: question_id, right (null if unscored), truncated, and where known
            exhausted.

    Returns:
        question_id; n, c, unscored, truncated, and where known exhausted as in `Tally`.
    """
    right = pl.col("right")
    flags = [name for name in ("truncated", "exhausted") if name in rows.columns]
    return rows.group_by("question_id", maintain_order=True).agg(
        n=right.count().cast(pl.Int64),
        c=right.sum().cast(pl.Int64),
        unscored=right.null_count().cast(pl.Int64),
        **{flag: pl.col(flag).sum().cast(pl.Int64) for flag in flags},
    )


def tally_of(counts: pl.DataFrame, plan: Plan | None) -> Tally:
    """The tally of a table of counts: the one place that makes a tally of rows.

    Args:
        counts: A row a question: question_id, n, c, unscored, truncated, cluster (null: the
            question is its own), and where known exhausted.
        plan: How the responses were drawn.

    Returns:
        The tally, without clusters where no question names one.
    """
    labels = counts.select(pl.coalesce("cluster", "question_id")).to_series()
    n, c, unscored, truncated = (
        counts[name].to_numpy().astype(np.int64) for name in ("n", "c", "unscored", "truncated")
    )
    return Tally(
        question_ids=counts["question_id"].to_numpy().astype(np.str_),
        n=n,
        c=c,
        unscored=unscored,
        truncated=truncated,
        cluster=None if counts["cluster"].is_null().all() else labels.to_numpy().astype(np.str_),
        plan=plan,
        exhausted=None
        if "exhausted" not in counts.columns
        else counts["exhausted"].to_numpy().astype(np.int64),
    )
