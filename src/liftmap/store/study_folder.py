"""Study folders: settings, questions, tables and the report; who holds the folder.

Part of the store. Other settings than those that made what is there are refused by name.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from liftmap.config import StudyConfig
from liftmap.errors import SettingsDifferError
from liftmap.files import (
    first_difference,
    keep_settings,
    names_in,
    read_parquet,
    read_toml,
    remove_unfinished,
    write_parquet,
    write_toml,
)
from liftmap.records import Question
from liftmap.store.checkpoint_folder import CheckpointFolder
from liftmap.store.locks import locked
from liftmap.store.response_set import RESPONSES, SCORES, VERDICTS, ResponseSet, shards_in

# What may change between two runs in one folder, since nothing on disk depends on it.
FREE_SECTIONS = ("analyse", "score")


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
        return self.path / RESPONSES

    @property
    def verdicts_dir(self) -> Path:
        """What verifiers say of the responses."""
        return self.path / VERDICTS

    @property
    def scores_dir(self) -> Path:
        """Log-likelihoods of the responses."""
        return self.path / SCORES

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
        if not self.responses_dir.is_dir():
            return []
        return sorted(m.name for m in self.responses_dir.iterdir() if shards_in(m / split))

    def forget(self, model: str) -> None:
        """Removes what a model answered, before other weights take its name.

        Args:
            model: The model; the answers of its saved steps (`<model>-step<N>`) go too.
        """
        for kind in (SCORES, VERDICTS, RESPONSES):
            for name in names_in(self.path / kind):
                if re.fullmatch(re.escape(model) + r"(-step\d+)?", name):
                    shutil.rmtree(self.path / kind / name)

    def has_results(self, arm: str) -> bool:
        """Whether an arm has trained or answered anything."""
        trained = (self.checkpoints_dir / arm).exists()
        return trained or any(name.startswith(f"{arm}@") for name in names_in(self.responses_dir))

    def checkpoint(self, arm: str, seed: int) -> CheckpointFolder:
        """Where an arm's checkpoint of one seed lies, and its trainer works."""
        return CheckpointFolder(self.checkpoints_dir / arm / str(seed))

    def metrics_file(self, arm: str) -> Path:
        """Log of an arm's training, one JSON object a line."""
        return self.path / "metrics" / f"{arm}.jsonl"

    def _questions_file(self, split: str) -> Path:
        return self.path / "questions" / f"{split}.parquet"

    def has_questions(self, split: str) -> bool:
        """Whether the questions of a split are written."""
        return self._questions_file(split).exists()

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
        write_parquet(self._questions_file(split), frame)

    def read_questions(self, split: str) -> list[Question]:
        """Reads a question set."""
        rows = read_parquet(self._questions_file(split)).to_dicts()
        return [Question(**{**row, "metadata": json.loads(row["metadata"])}) for row in rows]

    def write_table(self, name: str, frame: pl.DataFrame) -> None:
        """Writes an analysis."""
        write_parquet(self.tables_dir / f"{name}.parquet", frame)

    def read_table(self, name: str) -> pl.DataFrame:
        """Reads an analysis."""
        return read_parquet(self.tables_dir / f"{name}.parquet")

    def tables(self) -> list[str]:
        """Names of the analyses that are there."""
        return sorted(p.stem for p in self.tables_dir.glob("*.parquet"))

    def keep_template(self, settings: Mapping[str, Any]) -> None:
        """Writes the study's prompt template, or checks that it is as before."""
        keep_settings(self.path / "template.json", settings)

    def keep_task(self, split: str, settings: Mapping[str, Any]) -> None:
        """Writes what the questions of a folder without a study are, or checks it."""
        keep_settings(self.path / f"task-{split}.json", settings)

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
            difference = first_difference(_lasting(old, done), _lasting(new, done))
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
            StoreError: Another process holds it, or the file system has no locks.
        """
        with locked(self.path):
            remove_unfinished(self.path)
            yield


def _lasting(study: Mapping[str, Any], done: Sequence[str]) -> dict[str, Any]:
    """What of a study's settings the results on disk depend on; `done` are the arms that have any.

    TRL's settings by method count as part of each arm that they reach.
    """
    lasting = {
        key: value for key, value in study.items() if key not in (*FREE_SECTIONS, "trl", "arms")
    }
    # Where servers answer and how large batches are decides nothing that is drawn.
    sample = {
        k: v for k, v in lasting.get("sample", {}).items() if k not in ("server", "batch_size")
    }
    server = lasting.get("sample", {}).get("server", {})
    request = {k: v for k, v in server.items() if k in ("endpoint", "extra")}
    lasting["sample"] = {**sample, "server": request}
    arms: dict[str, Any] = {}
    for name in done:
        arm = dict(study["arms"].get(name, {}))
        shared = study.get("trl", {}).get(arm.get("method"), {})
        arms[name] = {k: v for k, v in arm.items() if k not in ("enabled", "seeds")}
        arms[name]["trl"] = {**shared, **arm.get("trl", {})}
    return lasting | {"arms": arms}
