"""Study folders: the only module that knows their file names.

Every stage reads what the stages before it wrote here and adds its own; no file is rewritten but
the tables, the report and the log of an arm in training.

    study.toml (resolved)                    environment.json
    questions/<split>.parquet                tables/<table>.parquet
    responses/<model>/<split>/*.parquet      metrics/<arm>.jsonl
    verdicts/<model>/<split>/<verifier>/     checkpoints/<arm>/<seed>/
    scores/<model>/<split>/<under>/          report.html
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from liftmap.config import StudyConfig
from liftmap.errors import InputError, SettingsDifferError, StoreError
from liftmap.files import (
    disk,
    first_difference,
    keep_settings,
    read_json,
    read_parquet,
    read_toml,
    remove_unfinished,
    write_json,
    write_parquet,
    write_toml,
)
from liftmap.records import FixedPlan, Plan, Question, Response, Tally, plan_from

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
    }
)
KEY = ["question_id", "response_index"]
# What may change between two runs in one folder, since nothing on disk depends on it.
FREE = ("analyse", "score")


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
        return self._folder("responses")

    def _folder(self, kind: str, *further: str) -> Path:
        return self.root.joinpath(kind, self.model, self.split, *further)

    def keep_settings(self, settings: Mapping[str, Any]) -> None:
        """Writes how the responses are drawn, or checks that it is as before."""
        keep_settings(self._folder("responses") / "settings.json", settings)

    def settings(self) -> dict[str, Any]:
        """How the responses were drawn."""
        found: dict[str, Any] = read_json(self._folder("responses") / "settings.json")
        return found

    def keep_prompt(self, prompt: Mapping[str, Any]) -> None:
        """Writes how prompts end and what marks thoughts, unless that is known already.

        Args:
            prompt: `end`: the last characters of a prompt as the model reads it; `marks`: the tags
                of the model's template that have to do with thinking, each with its token or null.
        """
        if not (file := self._folder("responses") / "prompt.json").exists():
            write_json(file, prompt)

    def prompt(self) -> dict[str, Any] | None:
        """What `keep_prompt` wrote; None where it is not known, as with most servers."""
        file = self._folder("responses") / "prompt.json"
        found: dict[str, Any] | None = read_json(file) if file.exists() else None
        return found

    def wanted_shards(self) -> int:
        """How many shards there will be once all responses are drawn; 0 where it is not known."""
        if not (self._folder("responses") / "settings.json").exists():
            return 0
        return int(self.settings().get("shards", 0))

    def shards(self) -> list[str]:
        """Names of the finished response shards, in order."""
        return _shards(self._folder("responses"))

    def write_responses(self, shard: str, responses: Iterable[Response] | pl.DataFrame) -> None:
        """Writes one shard of responses.

        Args:
            shard: `shard_name(index)`.
            responses: All responses of the shard, as records or as a `responses_frame`.
        """
        if not isinstance(responses, pl.DataFrame):
            responses = responses_frame(responses)
        write_parquet(self._folder("responses") / shard, responses)

    def read_responses(
        self, shard: str | None = None, columns: list[str] | None = None
    ) -> pl.DataFrame:
        """The responses of one shard or of all; columns of `RESPONSE_SCHEMA`, or some of them."""
        return _read(self._folder("responses"), shard, RESPONSE_SCHEMA, columns)

    def verdict_shards(self, verifier: str) -> list[str]:
        """Names of the finished verdict shards of a verifier."""
        return _shards(self._folder("verdicts", verifier))

    def write_verdicts(self, verifier: str, shard: str, frame: pl.DataFrame) -> None:
        """Writes the verdicts of one response shard; columns of `VERDICT_SCHEMA`."""
        write_parquet(self._folder("verdicts", verifier) / shard, frame.cast(VERDICT_SCHEMA))

    def keep_verifier_settings(self, verifier: str, settings: Mapping[str, Any]) -> None:
        """Writes a verifier's options, or checks that they are as before."""
        keep_settings(self._folder("verdicts", verifier) / "settings.json", settings)

    def verifier_settings(self, verifier: str) -> dict[str, Any] | None:
        """A verifier's options and how it told thoughts from answers; None before it judged."""
        file = self._folder("verdicts", verifier) / "settings.json"
        found: dict[str, Any] | None = read_json(file) if file.exists() else None
        return found

    def read_verdicts(self, verifier: str, shard: str | None = None) -> pl.DataFrame:
        """The verdicts of a verifier on one shard or on all; columns of `VERDICT_SCHEMA`."""
        return _read(self._folder("verdicts", verifier), shard, VERDICT_SCHEMA)

    def verifiers(self) -> list[str]:
        """Names of the verifiers that have judged any of the responses."""
        folder = self._folder("verdicts")
        names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        return [name for name in names if self.verdict_shards(name)]

    def score_shards(self, under: str) -> list[str]:
        """Names of the finished score shards under a model."""
        return _shards(self._folder("scores", under))

    def write_scores(self, under: str, shard: str, frame: pl.DataFrame) -> None:
        """Writes the scores of one response shard; columns of `SCORE_SCHEMA`."""
        write_parquet(self._folder("scores", under) / shard, frame.cast(SCORE_SCHEMA))

    def read_scores(self, under: str) -> pl.DataFrame:
        """All log-likelihoods under another model; columns of `SCORE_SCHEMA`."""
        return _read(self._folder("scores", under), None, SCORE_SCHEMA)

    def tally(self, verifier: str, questions: Sequence[Question]) -> Tally:
        """Counts per question, in the order of `questions`.

        Raises:
            StoreError: There are no verdicts.
        """
        # Shard by shard, so that memory does not grow with the number of responses.
        parts = [self._counts(verifier, shard) for shard in self.verdict_shards(verifier)]
        if not parts:
            folder = self._folder("verdicts", verifier)
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
        rows = rows.with_columns(pl.col("n", "c", "unscored", "truncated").fill_null(0))
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
        if (self._folder("responses") / "settings.json").exists():
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
        verdicts = read_parquet(self._folder("verdicts", verifier) / shard)
        reasons = read_parquet(self._folder("responses") / shard, [*KEY, "finish_reason"])
        verdict = pl.col("verdict").cast(pl.String)
        return count_verdicts(
            verdicts.join(reasons, on=KEY).select(
                "question_id",
                right=pl.when(verdict != "unscored").then(verdict == "right"),
                truncated=pl.col("finish_reason").cast(pl.String) == "length",
            )
        )


def count_verdicts(rows: pl.DataFrame) -> pl.DataFrame:
    """Counts per question, in order of first appearance.

    Args:
        rows: A row a response: question_id, right (null if unscored), truncated.

    Returns:
        question_id; n, c, unscored and truncated as in `Tally`.
    """
    right = pl.col("right")
    return rows.group_by("question_id", maintain_order=True).agg(
        n=right.count().cast(pl.Int64),
        c=right.sum().cast(pl.Int64),
        unscored=right.null_count().cast(pl.Int64),
        truncated=pl.col("truncated").sum().cast(pl.Int64),
    )


def tally_of(counts: pl.DataFrame, plan: Plan | None) -> Tally:
    """The tally of a table of counts: the one place that makes a tally of rows.

    Args:
        counts: A row a question: question_id, n, c, unscored, truncated, cluster (null: the
            question is its own).
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
    )


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


def _shards(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if re.fullmatch(r"shard-\d+\.parquet", p.name))


def _read(
    folder: Path, shard: str | None, schema: pl.Schema, columns: list[str] | None = None
) -> pl.DataFrame:
    names = [shard] if shard else _shards(folder)
    if not names:
        raise StoreError(f"{folder} holds no shards.", remedy="Run the stage that writes them.")
    wanted = pl.Schema({name: schema[name] for name in columns or schema})
    return pl.concat([read_parquet(folder / n, list(wanted)).cast(wanted) for n in names])


@dataclass(frozen=True)
class StudyFolder:
    """A study on disk.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def config_file(self) -> Path:
        """The resolved study, all defaults filled in."""
        return self.path / "study.toml"

    @property
    def environment_file(self) -> Path:
        """Versions, machine and wall times of the stages."""
        return self.path / "environment.json"

    @property
    def report_file(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def responses_dir(self) -> Path:
        """Everything that models answered."""
        return self.path / "responses"

    @property
    def verdicts_dir(self) -> Path:
        """What verifiers say of the responses."""
        return self.path / "verdicts"

    @property
    def scores_dir(self) -> Path:
        """Log-likelihoods of the responses."""
        return self.path / "scores"

    @property
    def checkpoints_dir(self) -> Path:
        """The trained models."""
        return self.path / "checkpoints"

    @property
    def tables_dir(self) -> Path:
        """The analyses."""
        return self.path / "tables"

    def responses(self, model: str, split: str) -> ResponseSet:
        """The responses of a model to a question set."""
        return ResponseSet(self.path, model, split)

    def models(self, split: str) -> list[str]:
        """Names of the models with responses to a question set."""
        folder = self.path / "responses"
        if not folder.is_dir():
            return []
        return sorted(m.name for m in folder.iterdir() if _shards(m / split))

    def forget(self, model: str) -> None:
        """Removes what a model answered, before other weights take its name.

        Args:
            model: The model; the answers of its saved steps (`<model>-step<N>`) go too.
        """
        for kind in ("scores", "verdicts", "responses"):
            for folder in (self.path / kind).glob(f"{model}*"):
                if re.fullmatch(re.escape(model) + r"(-step\d+)?", folder.name):
                    shutil.rmtree(folder)

    def has_results(self, arm: str) -> bool:
        """Whether an arm has trained or answered anything."""
        trained = (self.path / "checkpoints" / arm).exists()
        return trained or any((self.path / "responses").glob(f"{arm}@*"))

    def checkpoint_dir(self, arm: str, seed: int) -> Path:
        """Where an arm's checkpoint of one seed lies, and its trainer works."""
        return self.path / "checkpoints" / arm / str(seed)

    def metrics_file(self, arm: str) -> Path:
        """Log of an arm's training, one JSON object a line."""
        return self.path / "metrics" / f"{arm}.jsonl"

    def has_questions(self, split: str) -> bool:
        """Whether the questions of a split are written."""
        return (self.path / "questions" / f"{split}.parquet").exists()

    def write_questions(self, split: str, questions: Sequence[Question]) -> None:
        """Writes a question set."""
        frame = pl.DataFrame(
            {
                "question_id": [q.question_id for q in questions],
                "text": [q.text for q in questions],
                "answer": [q.answer for q in questions],
                "cluster": [q.cluster for q in questions],
                "metadata": [json.dumps(dict(q.metadata)) for q in questions],
            }
        )
        write_parquet(self.path / "questions" / f"{split}.parquet", frame)

    def read_questions(self, split: str) -> list[Question]:
        """Reads a question set."""
        rows = read_parquet(self.path / "questions" / f"{split}.parquet").to_dicts()
        return [Question(**{**row, "metadata": json.loads(row["metadata"])}) for row in rows]

    def write_table(self, name: str, frame: pl.DataFrame) -> None:
        """Writes an analysis."""
        write_parquet(self.path / "tables" / f"{name}.parquet", frame)

    def read_table(self, name: str) -> pl.DataFrame:
        """Reads an analysis."""
        return read_parquet(self.path / "tables" / f"{name}.parquet")

    def tables(self) -> list[str]:
        """Names of the analyses that are there."""
        return sorted(p.stem for p in (self.path / "tables").glob("*.parquet"))

    def keep_config(self, config: StudyConfig) -> None:
        """Writes the resolved study, or checks that the one on disk says the same.

        Arms and seeds may be added, and the analysis may change: nothing on disk depends on that.

        Raises:
            SettingsDifferError: They differ; the message names the first.
            StoreError: The folder can't be written.
        """
        new = config.model_dump(mode="json", exclude_none=True)
        file = self.config_file
        if file.exists():
            old = read_toml(file)
            done = [name for name in old.get("arms", {}) if self.has_results(name)]
            found, compared = _lasting(old, done), _lasting(new, done)
            difference = first_difference(found, compared)
            if difference:
                key, was, now = difference
                raise SettingsDifferError(
                    f"{self.path} was made with other settings: {key} was {was!r}, now {now!r}.",
                    remedy="Name another folder (--out), put the setting back, or delete this one.",
                )
        write_toml(file, new)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the folder for this process; the system lets go when the process ends in any way.

        Raises:
            StoreError: Another process holds it.
        """
        lock = self.path / ".lock"
        with disk(lock):
            self.path.mkdir(parents=True, exist_ok=True)
            lock.touch()
        with lock.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    f"Another liftmap process works in {self.path}.",
                    remedy="Wait until it has ended, or stop it.",
                ) from None
            remove_unfinished(self.path)
            yield


def _lasting(study: Mapping[str, Any], done: Sequence[str]) -> dict[str, Any]:
    """What of a study's settings the results on disk depend on; `done` are the arms that have any.

    TRL's settings by method count as part of each arm that they reach.
    """
    kept = {key: value for key, value in study.items() if key not in (*FREE, "trl", "arms")}
    # Where servers answer and how large batches are decides nothing that is drawn.
    sample = {k: v for k, v in kept.get("sample", {}).items() if k not in ("server", "batch_size")}
    server = kept.get("sample", {}).get("server", {})
    request = {k: v for k, v in server.items() if k in ("endpoint", "extra")}
    kept["sample"] = {**sample, "server": request}
    arms: dict[str, Any] = {}
    for name in done:
        arm = dict(study["arms"].get(name, {}))
        shared = study.get("trl", {}).get(arm.get("method"), {})
        arms[name] = {k: v for k, v in arm.items() if k not in ("enabled", "seeds")}
        arms[name]["trl"] = {**shared, **arm.get("trl", {})}
    return kept | {"arms": arms}
