"""Response sets: one model's responses to one question set, with verdicts and scores beside them.

Part of the store. Everything lies in shards: a Parquet file for all responses to some questions,
and one of the same name for their verdicts and for their scores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from liftmap.errors import InputError, StoreError
from liftmap.files import keep_settings, read_json, read_parquet, write_json, write_parquet
from liftmap.records import (
    NO_COMPARISON,
    FixedPlan,
    Plan,
    Question,
    Response,
    Tally,
    plan_from,
)

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
RESPONSES, VERDICTS, SCORES = "responses", "verdicts", "scores"
SETTINGS, PROMPT, ACCOUNT = "settings.json", "prompt.json", "account.json"


@dataclass(frozen=True)
class ResponseSet:
    """One model's responses to one question set, with verdicts and scores beside them.

    Attributes:
        root: The study folder.
        model: The model's name in the study (`base`, `teacher`, `rlvr@1`).
        split: train, dev or test.
    """

    root: Path
    model: str
    split: str

    @property
    def path(self) -> Path:
        """The folder of the responses."""
        return self._folder(RESPONSES)

    def _folder(self, kind: str, *further: str) -> Path:
        return self.root.joinpath(kind, self.model, self.split, *further)

    def keep_settings(self, settings: Mapping[str, Any]) -> None:
        """Writes how the responses are drawn, or checks that it is as before."""
        keep_settings(self.path / SETTINGS, settings)

    def settings(self) -> dict[str, Any]:
        """How the responses were drawn."""
        settings: dict[str, Any] = read_json(self.path / SETTINGS)
        return settings

    def kept_settings(self) -> dict[str, Any]:
        """As `settings`; empty where none were kept."""
        return self.settings() if (self.path / SETTINGS).exists() else {}

    def keep_prompt(self, prompt: Mapping[str, Any]) -> None:
        """Writes how prompts end and what marks thoughts, unless that is known already.

        Args:
            prompt: `end`: the last characters of a prompt as the model reads it; `marks`: the tags
                of the model's template that have to do with thinking, each with its token or null.
        """
        if not (self.path / PROMPT).exists():
            write_json(self.path / PROMPT, prompt)

    def prompt(self) -> dict[str, Any] | None:
        """What `keep_prompt` wrote; None where it is not known, as with most servers."""
        if not (self.path / PROMPT).exists():
            return None
        prompt: dict[str, Any] = read_json(self.path / PROMPT)
        return prompt

    def keep_account(self, account: Mapping[str, Any]) -> None:
        """Writes what a server gave; see `sample.account`."""
        write_json(self.path / ACCOUNT, account)

    def account(self) -> dict[str, Any] | None:
        """What `keep_account` wrote; None where there is none."""
        if not (self.path / ACCOUNT).exists():
            return None
        account: dict[str, Any] = read_json(self.path / ACCOUNT)
        return account

    def wanted_shards(self) -> int:
        """How many shards there will be once all responses are drawn; 0 where it is not known."""
        return int(self.kept_settings().get("shards", 0))

    def shards(self) -> list[str]:
        """Names of the finished response shards, in order."""
        return shards_in(self.path)

    def write_responses(self, shard: str, responses: Iterable[Response] | pl.DataFrame) -> None:
        """Writes one shard of responses.

        Args:
            shard: `shard_name(index)`.
            responses: All responses of the shard, as records or as a `responses_frame`.
        """
        if not isinstance(responses, pl.DataFrame):
            responses = responses_frame(responses)
        write_parquet(self.path / shard, responses)

    def read_responses(
        self, shard: str | None = None, columns: list[str] | None = None
    ) -> pl.DataFrame:
        """The responses of one shard or of all; columns of `RESPONSE_SCHEMA`, or some of them."""
        return _read(self.path, shard, RESPONSE_SCHEMA, columns)

    def verdict_shards(self, verifier: str) -> list[str]:
        """Names of the finished verdict shards of a verifier."""
        return shards_in(self._folder(VERDICTS, verifier))

    def write_verdicts(self, verifier: str, shard: str, frame: pl.DataFrame) -> None:
        """Writes the verdicts of one response shard; columns of `VERDICT_SCHEMA`."""
        write_parquet(self._folder(VERDICTS, verifier) / shard, frame.cast(VERDICT_SCHEMA))

    def keep_verifier_settings(self, verifier: str, settings: Mapping[str, Any]) -> None:
        """Writes a verifier's options, or checks that they are as before."""
        keep_settings(self._folder(VERDICTS, verifier) / SETTINGS, settings)

    def verdicts_dir(self, verifier: str) -> Path:
        """Where a verifier's verdicts lie."""
        return self._folder(VERDICTS, verifier)

    def verifier_settings(self, verifier: str) -> dict[str, Any] | None:
        """A verifier's options and how it told thoughts from answers; None before it judged."""
        file = self.verdicts_dir(verifier) / SETTINGS
        settings: dict[str, Any] | None = read_json(file) if file.exists() else None
        return settings

    def read_verdicts(self, verifier: str, shard: str | None = None) -> pl.DataFrame:
        """The verdicts of a verifier on one shard or on all; columns of `VERDICT_SCHEMA`."""
        return _read(self._folder(VERDICTS, verifier), shard, VERDICT_SCHEMA)

    def verifiers(self) -> list[str]:
        """Names of the verifiers that have judged any of the responses."""
        folder = self._folder(VERDICTS)
        names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        return [name for name in names if self.verdict_shards(name)]

    def score_shards(self, under: str) -> list[str]:
        """Names of the finished score shards under a model."""
        return shards_in(self._folder(SCORES, under))

    def write_scores(self, under: str, shard: str, frame: pl.DataFrame) -> None:
        """Writes the scores of one response shard; columns of `SCORE_SCHEMA`, or `UNSPLIT`."""
        schema = pl.Schema({name: SCORE_SCHEMA[name] for name in frame.columns})
        write_parquet(self._folder(SCORES, under) / shard, frame.cast(schema))

    def keep_score_settings(self, under: str, settings: Mapping[str, Any]) -> None:
        """Writes how thought and answer are told apart in scores, or checks it is as before."""
        keep_settings(self._folder(SCORES, under) / SETTINGS, settings)

    def score_settings(self, under: str) -> dict[str, Any] | None:
        """What `keep_score_settings` wrote; None where scores don't tell thought from answer."""
        file = self._folder(SCORES, under) / SETTINGS
        settings: dict[str, Any] | None = read_json(file) if file.exists() else None
        return settings

    def read_scores(self, under: str) -> pl.DataFrame:
        """All log-likelihoods under another model; columns of `SCORE_SCHEMA`."""
        folder = self._folder(SCORES, under)
        frames = [read_parquet(folder / shard) for shard in self.score_shards(under)]
        if not frames:
            raise StoreError(f"{folder} holds no shards.", remedy="Run: liftmap score.")
        nothing = [pl.lit(None).alias(name) for name in SCORE_SCHEMA if name not in UNSPLIT]
        return pl.concat(
            (frame if set(SCORE_SCHEMA) <= set(frame.columns) else frame.with_columns(nothing))
            .select(SCORE_SCHEMA.names())
            .cast(SCORE_SCHEMA)
            for frame in frames
        )

    def tally(self, verifier: str, questions: Sequence[Question]) -> Tally:
        """Counts per question, in the order of `questions`.

        Raises:
            StoreError: There are no verdicts.
        """
        # Shard by shard, so that memory does not grow with the number of responses.
        parts = [self._counts(verifier, shard) for shard in self.verdict_shards(verifier)]
        if not parts:
            folder = self._folder(VERDICTS, verifier)
            raise StoreError(f"{folder} holds no shards.", remedy="Run: liftmap verify.")
        counts = pl.concat(parts).group_by("question_id").sum()
        asked = pl.DataFrame(
            {
                "question_id": [q.question_id for q in questions],
                "cluster": [q.cluster or None for q in questions],
            },
            schema_overrides={"cluster": pl.String},
        )
        rows = asked.join(counts, on="question_id", how="left", maintain_order="left")
        rows = rows.with_columns(pl.col(COUNTS).fill_null(0))
        return tally_of(rows, self.plan(rows["n"] + rows["unscored"], verifier))

    def plan(self, drawn: pl.Series, verifier: str) -> Plan | None:
        """How the responses were drawn.

        Args:
            drawn: Responses of each question; equal numbers are a fixed plan where no settings
                were kept.
            verifier: Whose verdicts are counted.

        Raises:
            InputError: The plan is curtailed by another verifier's verdicts: counts of this one's
                would be biased.
        """
        if (self.path / SETTINGS).exists():
            settings = self.settings()
            stopped_by = (settings.get("verifier") or {}).get("verifier", verifier)
            if stopped_by != verifier:
                raise InputError(
                    f"The responses of {self.model} stopped by the verdicts of {stopped_by}: those "
                    f"of {verifier} can't be used for rates.",
                    remedy="Use that verifier, or draw under the fixed plan.",
                )
            if "plan" in settings:
                return plan_from(settings["plan"])
        return FixedPlan(int(drawn[0])) if drawn.n_unique() == 1 else None

    def _counts(self, verifier: str, shard: str) -> pl.DataFrame:
        verdicts = read_parquet(self._folder(VERDICTS, verifier) / shard)
        reasons = read_parquet(self.path / shard, [*KEY, "finish_reason"])
        verdict = pl.col("verdict").cast(pl.String)
        return count_verdicts(
            verdicts.join(reasons, on=KEY).select(
                "question_id",
                right=pl.when(verdict != "unscored").then(verdict == "right"),
                truncated=pl.col("finish_reason").cast(pl.String) == "length",
                exhausted=exhausted_verifier(),
            )
        )


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


def response_set_at(path: Path) -> ResponseSet | None:
    """The response set whose folder this is, `STUDY/responses/MODEL/SPLIT`; None if it is none."""
    place = path.absolute()
    if len(place.parents) < 3 or place.parents[1].name != RESPONSES:
        return None
    return ResponseSet(place.parents[2], place.parent.name, place.name)


def shard_name(index: int) -> str:
    """File name of the shard at `index`."""
    return f"shard-{index:05d}.parquet"


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


def shards_in(folder: Path) -> list[str]:
    """Names of the shards in a folder, in order."""
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if re.fullmatch(r"shard-\d+\.parquet", p.name))


def _read(
    folder: Path, shard: str | None, schema: pl.Schema, columns: list[str] | None = None
) -> pl.DataFrame:
    names = [shard] if shard else shards_in(folder)
    if not names:
        raise StoreError(f"{folder} holds no shards.", remedy="Run the stage that writes them.")
    selected = pl.Schema({name: schema[name] for name in columns or schema})
    return pl.concat([read_parquet(folder / n, list(selected)).cast(selected) for n in names])
