"""Every response of a source scored under one model, shard by shard.

Second step of the flow of `scoring`: reads `AskedResponses`, writes `scores/<side>/<model>/`
through the store. A shard that is there is not made again, once it is known to be of these
responses; so a stopped run loses one shard at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from liftmap.errors import StoreError
from liftmap.progress import progress
from liftmap.sample.sampling import refuse_other_weights
from liftmap.sample.token_scores import Item, TokenScorer, TokenScores
from liftmap.scoring.asked_responses import AskedResponses, digest_of_rows
from liftmap.store import SourceScores, SourceSide, shard_name

NO_PROMPT = "no prompt"
NO_TOKENS = "no tokens"
KEPT = ("question_id", "response_index", "right", "tokens", "truncated")


@dataclass(frozen=True)
class Pass:
    """One source scored under one model.

    Attributes:
        scores: Where the scores lie.
        rows: A row a response, in the order of the source: question_id, response_index, right,
            tokens (as the source counts them) and truncated, has_reasoning, and log_probability
            where the source records it.
        weights: What tells the model from others.
    """

    scores: SourceScores
    rows: pl.DataFrame
    weights: dict[str, Any]


@dataclass
class ScoredSide:
    """The responses of one source, and what every model says of them.

    Attributes:
        side: Which source.
        asked: The responses.
        passes: By role: "under", and "own" where there is one.
    """

    side: SourceSide
    asked: AskedResponses
    passes: dict[str, Pass] = field(default_factory=dict)

    def rows(self, role: str) -> pl.DataFrame:
        """The responses with their scores under a model, in the order of the source.

        Returns:
            The columns of `Pass.rows`, with `recorded` for the log-probability that the source
            records, and log_probability, token_count, ended, entropy and error under the model.
        """
        of_pass = self.passes[role]
        columns = ("log_probability", "token_count", "ended", "entropy", "error")
        shards = [of_pass.scores.read(shard).select(columns) for shard in of_pass.scores.shards()]
        facts = of_pass.rows.rename({"log_probability": "recorded"}, strict=False)
        return pl.concat([facts, pl.concat(shards)], how="horizontal")


def score_responses(
    asked: AskedResponses,
    scores: SourceScores,
    settings: dict[str, Any],
    shard_responses: int,
    scorer: Callable[[], TokenScorer],
) -> Pass:
    """Scores all responses that have no score under this model yet.

    Args:
        asked: The responses.
        scores: Where the scores go.
        settings: How they are made, as JSON values; a folder with others is refused.
        shard_responses: Responses of one shard.
        scorer: Gives the model; called only when something is missing.

    Raises:
        SettingsDifferError: The folder holds scores that were made in another way, or under other
            weights.
        StoreError: A shard is of other responses, or can't be read or written.
        ModelError: The model can't be used.
    """
    earlier = scores.settings()
    described = {**settings, "shard_responses": shard_responses}
    if earlier:
        # Before long work.
        scores.keep_settings({**described, "weights": earlier.get("weights")})
    finished = set(scores.shards())
    weights: dict[str, Any] = dict(earlier.get("weights") or {})
    loaded: TokenScorer | None = None
    columns = []
    number = -1
    what = f"{asked.source}: log-likelihood under {scores.model}"
    with progress(what, asked.responses, "responses") as advance:
        for number, frame in enumerate(asked.shards(shard_responses)):
            shard, made_of = shard_name(number), digest_of_rows(frame)
            columns.append(_facts(frame))
            if shard in finished:
                scores.check(shard, made_of)
            else:
                if loaded is None:
                    loaded = scorer()
                    weights = dict(loaded.identity())
                    refuse_other_weights(scores.folder.path, scores.model, earlier, weights)
                    scores.keep_settings({**described, "weights": weights})
                scores.write(shard, score_frame(asked, frame, loaded), made_of)
            advance(len(frame))
    strange = finished - {shard_name(index) for index in range(number + 1)}
    if strange:
        raise StoreError(
            f"{scores.folder.path} holds scores of more responses than {asked.source} has.",
            seen=min(strange),
            remedy="Name another folder (--out).",
        )
    return Pass(scores, pl.concat(columns), weights)


def _facts(frame: pl.DataFrame) -> pl.DataFrame:
    """What is kept in memory of the responses of a shard: no texts."""
    recorded = ["log_probability"] if "log_probability" in frame.columns else []
    has_reasoning = pl.col("reasoning").str.len_chars().fill_null(0) > 0
    return frame.select(*KEPT, *recorded, has_reasoning=has_reasoning)


def score_frame(asked: AskedResponses, frame: pl.DataFrame, scorer: TokenScorer) -> pl.DataFrame:
    """The scores of some responses; each distinct response to a prompt is scored once.

    Returns:
        A row a response, the columns of `store.SOURCE_SCORE_SCHEMA`.
    """
    stopped = frame.select((~pl.col("truncated")).fill_null(False)).to_series()
    places: dict[tuple[str, str | None, str, bool], int] = {}
    place_of = [
        places.setdefault(key, len(places))
        for key in zip(frame["question_id"], frame["prompt"], frame["text"], stopped, strict=True)
    ]
    results: list[TokenScores] = [TokenScores(error=NO_PROMPT)] * len(places)
    items: list[Item] = []
    counts = []
    for place, (question_id, prompt, text, ended) in enumerate(places):
        made = asked.prompt_of(question_id, prompt)
        if made:
            counts.append(place)
            items.append((made, text, ended))
    for place, result in zip(counts, scorer.score_tokens(items), strict=True):
        results[place] = result
    lists = [result.log_probabilities for result in results]
    columns = [
        pl.Series("token_log_probabilities", lists, pl.List(pl.Float32)),
        pl.Series("token_count", [len(values) for values in lists], pl.Int32),
        pl.Series("ended", [result.ended for result in results], pl.Boolean),
        pl.Series("entropy", [result.entropy for result in results], pl.Float64),
        pl.Series("segmentation", [result.segmentation for result in results], pl.UInt64),
        pl.Series("error", [result.error for result in results], pl.String),
    ]
    # Summed as float64.
    total = pl.col("token_log_probabilities").cast(pl.List(pl.Float64)).list.sum()
    distinct = pl.DataFrame(columns).with_columns(
        log_probability=pl.when(pl.col("error") == "").then(total)
    )
    keys = frame.select("question_id", "response_index")
    return pl.concat([keys, distinct[place_of]], how="horizontal")
