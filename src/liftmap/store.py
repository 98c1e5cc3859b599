"""Study folders: the only module that knows their file names.

Every stage reads what the stages before it wrote here and adds its own. A file is written whole
under a temporary name and renamed into place, so a kill leaves either all of it or none.

    study.toml (resolved)                    environment.json
    questions/<split>.parquet                tables/<table>.parquet
    responses/<model>/<split>/*.parquet      metrics/<arm>.jsonl
    verdicts/<model>/<split>/<verifier>/     checkpoints/<arm>/<seed>/
    scores/<model>/<split>/<under>/          report.html
"""

from __future__ import annotations

import errno
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tomli_w

from liftmap.errors import SettingsDifferError, StoreError
from liftmap.records import FixedPlan, Question, Response, Tally

RESPONSE_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "response_index": pl.Int32(),
        "text": pl.String(),
        "token_ids": pl.List(pl.Int32()),
        "token_count": pl.Int32(),
        "finish_reason": pl.Categorical(),
        "log_probability": pl.Float64(),
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


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turns the system's errors about `path` into one message with a remedy."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoreError(
            f"{error.filename or path} does not exist.",
            remedy="Run the stage that writes it first, or check the path.",
        ) from None
    except PermissionError as error:
        raise StoreError(
            f"{error.filename or path} can't be written or read: no permission.",
            remedy="Choose another folder with --out, or change its rights.",
        ) from None
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None
    except Exception as error:
        # Polars, safetensors and torch wrap the system's error in one of their own.
        if any(os.strerror(code) in str(error) for code in (errno.ENOSPC, errno.EFBIG, errno.EIO)):
            raise _unusable(path, str(error)) from None
        raise


def _unusable(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"{path} could not be written or read: {reason}.",
        remedy="All finished shards are safe. Make room or choose another disk, then run the same "
        "command again.",
    )


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed onto it when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole.

    Raises:
        StoreError: The disk is full or the folder can't be written.
    """
    with _replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def write_json(path: Path, value: object) -> None:
    """Writes a JSON file whole; errors as `write_text`."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_toml(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a TOML file whole; TOML has no null. Errors as `write_text`."""
    write_text(path, tomli_w.dumps(value))


def write_parquet(path: Path, frame: pl.DataFrame) -> None:
    """Writes a Parquet file whole; errors as `write_text`."""
    with _replacing(path) as temporary:
        frame.write_parquet(temporary, compression="zstd", compression_level=1)


def read_parquet(path: Path) -> pl.DataFrame:
    """Reads a Parquet file.

    Raises:
        StoreError: It is missing or damaged.
    """
    with disk(path):
        if not path.exists():
            raise FileNotFoundError(2, "missing", str(path))
        try:
            return pl.read_parquet(path)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise StoreError(
                f"{path} is damaged: {str(error).splitlines()[0]}.",
                remedy="Delete that file and run the same command again; only it is made anew.",
            ) from None


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        StoreError: It is missing or damaged.
    """
    with disk(path):
        text = path.read_text("utf-8")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise StoreError(
            f"{path} is damaged: {error}.", remedy="Delete it and run the same command again."
        ) from None


def read_toml(path: Path) -> Any:
    """Reads a TOML file; errors as `read_json`."""
    with disk(path):
        text = path.read_text("utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StoreError(
            f"{path} is damaged: {error}.", remedy="Correct that line, or name another folder."
        ) from None


def keep_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Writes `settings`, or checks that those already there are the same.

    Args:
        path: The settings file of a folder.
        settings: Plain JSON values; nested dictionaries are compared key by key.

    Raises:
        SettingsDifferError: The folder was made with others; the message names the first.
        StoreError: The folder can't be written.
    """
    wanted = json.loads(json.dumps(settings))
    if not path.exists():
        write_json(path, wanted)
        return
    found = read_json(path)
    difference = first_difference(found, wanted)
    if difference:
        key, old, new = difference
        raise SettingsDifferError(
            f"{path.parent} was made with other settings: {key} was {old!r}, now {new!r}.",
            remedy="Name another folder (--out), put the setting back, or delete the folder.",
        )


def first_difference(old: Any, new: Any, key: str = "") -> tuple[str, Any, Any] | None:
    """Place and values of the first difference between two JSON values, or None."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(n for n in new if n not in old)]:
            place = f"{key}.{name}" if key else name
            found = first_difference(old.get(name), new.get(name), place)
            if found:
                return found
        return None
    return None if old == new else (key, old, new)


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

    def _folder(self, kind: str, *further: str) -> Path:
        return self.root.joinpath(kind, self.model, self.split, *further)

    def keep_settings(self, settings: Mapping[str, Any]) -> None:
        """Writes how the responses are drawn, or checks that it is as before."""
        keep_settings(self._folder("responses") / "settings.json", settings)

    def settings(self) -> dict[str, Any]:
        """How the responses were drawn."""
        found: dict[str, Any] = read_json(self._folder("responses") / "settings.json")
        return found

    def shards(self) -> list[str]:
        """Names of the finished response shards, in order."""
        return _shards(self._folder("responses"))

    def write_responses(self, shard: str, responses: Iterable[Response]) -> None:
        """Writes one shard of responses; its name is `shard_name(index)`."""
        write_parquet(self._folder("responses") / shard, responses_frame(responses))

    def read_responses(self, shard: str | None = None) -> pl.DataFrame:
        """The responses of one shard or of all; columns of `RESPONSE_SCHEMA`."""
        return _read(self._folder("responses"), shard, RESPONSE_SCHEMA)

    def verdict_shards(self, verifier: str) -> list[str]:
        """Names of the finished verdict shards of a verifier."""
        return _shards(self._folder("verdicts", verifier))

    def write_verdicts(self, verifier: str, shard: str, frame: pl.DataFrame) -> None:
        """Writes the verdicts of one response shard; columns of `VERDICT_SCHEMA`."""
        write_parquet(self._folder("verdicts", verifier) / shard, frame.cast(VERDICT_SCHEMA))

    def keep_verifier_settings(self, verifier: str, settings: Mapping[str, Any]) -> None:
        """Writes a verifier's options, or checks that they are as before."""
        keep_settings(self._folder("verdicts", verifier) / "settings.json", settings)

    def read_verdicts(self, verifier: str) -> pl.DataFrame:
        """All verdicts of a verifier; columns of `VERDICT_SCHEMA`."""
        return _read(self._folder("verdicts", verifier), None, VERDICT_SCHEMA)

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
        frame = self.read_verdicts(verifier).join(
            self.read_responses().select(*KEY, "finish_reason"), on=KEY
        )
        verdict = pl.col("verdict").cast(pl.String)
        counts = frame.group_by("question_id").agg(
            n=(verdict != "unscored").sum(),
            c=(verdict == "right").sum(),
            unscored=(verdict == "unscored").sum(),
            truncated=(pl.col("finish_reason").cast(pl.String) == "length").sum(),
        )
        ids = pl.DataFrame({"question_id": [q.question_id for q in questions]})
        rows = ids.join(counts, on="question_id", how="left", maintain_order="left").fill_null(0)
        labels = [q.cluster or q.question_id for q in questions]
        total = rows["n"] + rows["unscored"]
        same = total.n_unique() == 1
        return Tally(
            question_ids=rows["question_id"].to_numpy().astype(np.str_),
            n=rows["n"].to_numpy().astype(np.int64),
            c=rows["c"].to_numpy().astype(np.int64),
            unscored=rows["unscored"].to_numpy().astype(np.int64),
            truncated=rows["truncated"].to_numpy().astype(np.int64),
            cluster=np.array(labels) if len(set(labels)) < len(labels) else None,
            plan=FixedPlan(int(total[0])) if same and len(total) else None,
        )


def shard_name(index: int) -> str:
    """File name of the shard at `index`."""
    return f"shard-{index:05d}.parquet"


def responses_frame(responses: Iterable[Response]) -> pl.DataFrame:
    """Responses as a table with the columns of `RESPONSE_SCHEMA`."""
    rows = list(responses)
    columns: dict[str, list[object]] = {
        "question_id": [r.question_id for r in rows],
        "response_index": [r.response_index for r in rows],
        "text": [r.text for r in rows],
        "token_ids": [r.token_ids for r in rows],
        "token_count": [len(r.token_ids) for r in rows],
        "finish_reason": [r.finish_reason for r in rows],
        "log_probability": [r.log_probability for r in rows],
    }
    return pl.DataFrame(columns, schema=RESPONSE_SCHEMA)


def _shards(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if re.fullmatch(r"shard-\d+\.parquet", p.name))


def _read(folder: Path, shard: str | None, schema: pl.Schema) -> pl.DataFrame:
    names = [shard] if shard else _shards(folder)
    if not names:
        raise StoreError(f"{folder} holds no shards.", remedy="Run the stage that writes them.")
    return pl.concat([read_parquet(folder / n).cast(schema) for n in names])


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

    def responses(self, model: str, split: str) -> ResponseSet:
        """The responses of a model to a question set."""
        return ResponseSet(self.path, model, split)

    def models(self, split: str) -> list[str]:
        """Names of the models with responses to a question set."""
        folder = self.path / "responses"
        if not folder.is_dir():
            return []
        return sorted(m.name for m in folder.iterdir() if _shards(m / split))

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
