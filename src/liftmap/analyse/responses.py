"""One compact row for each response: what the tables need, without texts and tokens.

First step of the `analyse` stage: reads a response set's `responses/`, `verdicts/` and `scores/`
through the store, shard by shard, so that memory holds the texts of one shard at a time. What
depends on the text alone is found by `comparison.response_rows`, once for each distinct text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import polars as pl

from liftmap.comparison.phrases import reflection_phrases
from liftmap.comparison.response_rows import WRITTEN, answer_hash, facts_of_texts
from liftmap.config import BASE
from liftmap.errors import StoreError
from liftmap.records import ENDED_WHILE_THINKING
from liftmap.store import KEY, ResponseSet, exhausted_verifier
from liftmap.testbed.language import classify_style
from liftmap.verify.thinking import ThinkingRule, rule_from

RESPONSE_COLUMNS = {
    "question": pl.UInt32(),
    "response_index": pl.Int32(),
    "right": pl.Boolean(),
    "answer": pl.String(),
    "tokens": pl.Int32(),
    "truncated": pl.Boolean(),
    "unfinished": pl.Boolean(),
    "exhausted": pl.Boolean(),
    "thought_tokens": pl.Int32(),
    "answer_tokens": pl.Int32(),
    "thought_characters": pl.Int32(),
    "answer_characters": pl.Int32(),
    "reflection": pl.Boolean(),
    "thought_reflection": pl.Boolean(),
    "answer_reflection": pl.Boolean(),
    "text_hash": pl.UInt64(),
    "style": pl.String(),
    "log_likelihood_own": pl.Float64(),
    "log_likelihood_base": pl.Float64(),
    "thought_log_likelihood_base": pl.Float64(),
    "answer_log_likelihood_base": pl.Float64(),
}
Style = Callable[[str], str]

# Models of one study give many of the same texts.
kin_style: Style = lru_cache(maxsize=200_000)(classify_style)


def load_responses(
    source: ResponseSet,
    question_ids: list[str],
    verifier: str,
    style: Style | None = None,
) -> pl.DataFrame:
    """A model's verified responses, one row each.

    Args:
        source: The responses, with the verdicts and scores beside them.
        question_ids: The questions; responses to others are left out.
        verifier: Whose verdicts count.
        style: Names the style of a text; None where styles mean nothing.

    Returns:
        Columns of `RESPONSE_COLUMNS`, in the order of the shards: question (its place in
        `question_ids`), response_index, right (null if unscored), answer (as the verifier found
        it; empty if none), tokens (without the end token), truncated, unfinished (ended while
        thinking), exhausted (wrong since it exhausted the verifier), thought_tokens and
        answer_tokens (null where it is not known which token ends the thought), thought_characters
        and answer_characters, reflection (holds a reflection phrase), the same of thought and
        answer, text_hash (equal for equal texts), style (null without a `style`),
        log_likelihood_own and log_likelihood_base (mean natural log-probability per token, end
        token included, under the model itself and under the base; null if unknown),
        thought_log_likelihood_base and answer_log_likelihood_base (the
        same of the tokens of thought and of answer; null too where there are none, and where
        scores don't tell them apart by the rule of the verdicts).

    Raises:
        StoreError: There are no responses or no verdicts, or a shard is damaged.
    """
    ids = pl.DataFrame({"question_id": question_ids}).with_row_index("question")
    check_complete(source, verifier)
    rule = rule_from((source.verifier_settings(verifier) or {}).get("thinking"))
    ends = _end_tokens(source, rule)
    shards = [
        _reduced(source.read_responses(shard), ids, style, rule, ends) for shard in source.shards()
    ]
    verdict = pl.col("verdict").cast(pl.String)
    verdicts = _placed(source.read_verdicts(verifier), ids).select(
        *_PLACE,
        pl.when(verdict != "unscored").then(verdict == "right").alias("right"),
        "answer",
        unfinished=pl.col("reason") == ENDED_WHILE_THINKING,
        exhausted=exhausted_verifier(),
    )
    frame = pl.concat(shards).join(verdicts, on=_PLACE, how="inner", maintain_order="left")
    kinds = [f"{part}log_likelihood_base" for part in ("", "thought_", "answer_")]
    if source.score_shards(BASE):
        scores = _placed(source.read_scores(BASE), ids).select(
            *_PLACE,
            *(
                _per_token(f"{part}log_probability", pl.col(f"{part}token_count")).alias(kind)
                for part, kind in zip(("", "thought_", "answer_"), kinds, strict=True)
            ),
        )
        if rule_from((source.score_settings(BASE) or {}).get("thinking")) != rule:
            scores = scores.with_columns(pl.lit(None, pl.Float64).alias(kind) for kind in kinds[1:])
        frame = frame.join(scores, on=_PLACE, how="left", maintain_order="left")
    else:
        frame = frame.with_columns(pl.lit(None, pl.Float64).alias(kind) for kind in kinds)
    if source.model == BASE:
        # Under the base, the base's own log-probability is the score.
        frame = frame.with_columns(
            log_likelihood_own=pl.coalesce("log_likelihood_own", "log_likelihood_base"),
            log_likelihood_base=pl.coalesce("log_likelihood_own", "log_likelihood_base"),
        )
    return frame.select(pl.col(name).cast(kind) for name, kind in RESPONSE_COLUMNS.items())


def scored_rows(responses: pl.DataFrame) -> pl.DataFrame:
    """The rows of right and wrong responses, as `comparison.response_figures` takes them."""
    scored = responses.filter(pl.col("right").is_not_null())
    return scored.with_columns(answer_hash=answer_hash())


def check_complete(source: ResponseSet, verifier: str) -> None:
    """Refuses a set of which shards are missing: its figures would be of other questions.

    Raises:
        StoreError: Some shards of responses or of their verdicts are missing.
    """
    expected, finished = int(source.settings()["shards"]), source.shards()
    judged = source.verdict_shards(verifier)
    if len(finished) < expected or judged != finished:
        raise StoreError(
            f"{source.model} has {len(finished)} of {expected} shards of {source.split} responses "
            f"and {len(judged)} of their verdicts.",
            remedy="Run `liftmap study` on this folder again; it makes what is missing.",
        )


_PLACE = ["question", KEY[1]]


def _placed(frame: pl.DataFrame, ids: pl.DataFrame) -> pl.DataFrame:
    """The rows of known questions, with each question's place instead of its id."""
    placed = frame.join(ids, on="question_id", how="inner", maintain_order="left")
    return placed.drop("question_id")


def _end_tokens(source: ResponseSet, rule: ThinkingRule) -> frozenset[int]:
    """The tokens that end a thought, each a closing tag; empty where that is not known."""
    marks = (source.prompt() or {}).get("marks", {})
    tokens = [marks.get(closing) for _, closing in rule.tags]
    return frozenset(token for token in tokens if token is not None)


def _reduced(
    responses: pl.DataFrame,
    ids: pl.DataFrame,
    style: Style | None,
    rule: ThinkingRule,
    ends: frozenset[int],
) -> pl.DataFrame:
    """One shard of responses without its texts and tokens."""
    truncated = pl.col("finish_reason").cast(pl.String) == "length"
    texts = responses.select(WRITTEN).unique()
    facts = facts_of_texts(texts, rule, [reflection_phrases()]).with_columns(
        style=pl.col("text").map_elements(style, return_dtype=pl.String)
        if style
        else pl.lit(None, pl.String)
    )
    rows = responses.join(facts, on=WRITTEN, nulls_equal=True, maintain_order="left")
    finished = pl.Series(
        [
            _thought_tokens(tokens, ends) if state == "finished" else None
            for state, tokens in rows.select("state", "token_ids").iter_rows()
        ],
        dtype=pl.Int32,
    )
    thought_tokens = (
        pl.when(pl.col("state") == "none")
        .then(pl.when(pl.col("token_count").is_not_null()).then(0))
        .when(pl.col("state") == "unfinished")
        .then("token_count")
        .otherwise(finished)
    )
    rows = rows.with_columns(thought_tokens=thought_tokens.cast(pl.Int32))
    return _placed(rows, ids).select(
        *_PLACE,
        *("style", "reflection", "thought_reflection", "answer_reflection", "text_hash"),
        *("thought_tokens", "thought_characters", "answer_characters"),
        answer_tokens=pl.col("token_count") - pl.col("thought_tokens"),
        tokens="token_count",
        truncated=truncated,
        log_likelihood_own=_per_token(
            "log_probability", pl.col("token_count") + (~truncated).cast(pl.Int32)
        ),
    )


def _thought_tokens(tokens: Sequence[int], ends: frozenset[int]) -> int | None:
    """Tokens up to the last that ends a thought, itself among them; None if there is none."""
    places = [place for place, token in enumerate(tokens, 1) if token in ends]
    return places[-1] if places else None


def _per_token(total: str, tokens: pl.Expr) -> pl.Expr:
    """Mean log-probability per token; null where it is unknown or there is no token."""
    mean = pl.col(total).fill_nan(None) / tokens
    return pl.when((tokens > 0) & mean.is_finite()).then(mean)
