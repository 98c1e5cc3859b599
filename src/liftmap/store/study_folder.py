"""Study folders: settings, questions, tables and the report; who holds the folder.

Part of the store. Other settings than those that made what is there are refused by name.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from liftmap.config import StudyConfig
from liftmap.errors import SettingsDifferError, StoreError
from liftmap.files import (
    damaged,
    disk,
    first_difference,
    keep_settings,
    names_in,
    parquet_facts,
    read_json,
    read_parquet,
    read_toml,
    remove_unfinished,
    write_parquet,
    write_toml,
)
from liftmap.records import SPLITS, Question
from liftmap.seals import digest_of, digest_of_json
from liftmap.store.checkpoint_folder import CheckpointFolder
from liftmap.store.locks import locked
from liftmap.store.response_set import RESPONSES, SCORES, VERDICTS, ResponseSet
from liftmap.store.schema import begin, is_sealed
from liftmap.store.shards import shards_in
from liftmap.studyfile import parse_config

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

    def questions_file(self, split: str) -> Path:
        """The questions of a split."""
        return self.path / "questions" / f"{split}.parquet"

    def table_file(self, name: str) -> Path:
        """An analysis."""
        return self.tables_dir / f"{name}.parquet"

    def log_digest(self, arm: str, seed: int) -> str | None:
        """A digest of what the trainer of one seed logged; None where there is no log."""
        file = self.metrics_file(arm)
        if not file.exists():
            return None
        with disk(file):
            lines = file.read_bytes().splitlines(keepends=True)
        return digest_of(b"".join(line for line in lines if _seed_of(line) == seed))

    def read_log(self, arm: str) -> list[dict[str, Any]]:
        """What the trainer of an arm logged, a record a step; a line that a kill cut is left out.

        Raises:
            StoreError: The log can't be read, or isn't what a trainer that has ended wrote.
        """
        file = self.metrics_file(arm)
        if not file.exists():
            return []
        for name in names_in(self.checkpoints_dir / arm):
            record_file = CheckpointFolder(self.checkpoints_dir / arm / name).record_file
            record = self.read_record(record_file) if record_file.exists() else {}
            if record.get("log") not in (None, self.log_digest(arm, int(name))):
                raise damaged(file, f"the lines of the seed {name} are not those of its trainer")
        with disk(file):
            entries = map(_entry, file.read_bytes().splitlines())
        return [entry for entry in entries if entry]

    @property
    def template_file(self) -> Path:
        """The study's prompt template."""
        return self.path / "template.json"

    def task_file(self, split: str) -> Path:
        """What the questions of a folder without a study are."""
        return self.path / f"task-{split}.json"

    def records(self) -> list[Path]:
        """The JSON files of the folder that are there, but for the settings of shards."""
        homes = [
            self.checkpoint(arm, int(seed))
            for arm in names_in(self.checkpoints_dir)
            for seed in names_in(self.checkpoints_dir / arm)
        ]
        sets = [
            self.responses(model, split)
            for model in names_in(self.responses_dir)
            for split in names_in(self.responses_dir / model)
        ]
        files = [
            self.environment_file,
            self.template_file,
            *(self.task_file(split) for split in SPLITS),
            *(file for target in sets for file in (target.prompt_file, target.account_file)),
            *(f for home in homes for f in (home.record_file, home.trained_file, home.inputs_file)),
        ]
        return [file for file in files if file.exists()]

    def read_record(self, file: Path) -> Any:
        """Reads a JSON file of this folder.

        Raises:
            StoreError: It is missing or damaged.
        """
        return read_json(file, is_sealed(self.path))

    def read_settings(self) -> dict[str, Any]:
        """The resolved study as plain values.

        Raises:
            StoreError: It is missing or damaged, or was changed by hand.
        """
        settings: dict[str, Any] = read_toml(self.config_file, is_sealed(self.path))
        return settings

    def read_config(self) -> StudyConfig:
        """The resolved study; errors as `read_settings`.

        Raises:
            ConfigError: It says something that can't be run.
        """
        return parse_config(self.read_settings(), str(self.config_file))

    def has_questions(self, split: str) -> bool:
        """Whether the questions of a split are written."""
        return self.questions_file(split).exists()

    def write_questions(
        self, split: str, questions: Sequence[Question], task: Mapping[str, Any] | None = None
    ) -> None:
        """Writes a question set.

        Args:
            split: train, dev or test.
            questions: The questions.
            task: What `keep_task` keeps, in a folder without a study.
        """
        begin(self.path)
        frame = pl.DataFrame(
            {
                "question_id": [q.question_id for q in questions],
                "text": [q.text for q in questions],
                "answer": [q.answer for q in questions],
                "cluster": [q.cluster for q in questions],
                "metadata": [json.dumps(dict(q.metadata)) for q in questions],
            }
        )
        write_parquet(self.questions_file(split), frame, {"split": split, "task": task})

    def read_questions(self, split: str) -> list[Question]:
        """Reads a question set.

        Raises:
            StoreError: It is missing or damaged.
        """
        file = self.questions_file(split)
        _, facts = parquet_facts(file, is_sealed(self.path))
        if facts and facts.get("split") != split:
            raise damaged(file, f"it is a copy of the {facts.get('split')} questions")
        rows = read_parquet(file).to_dicts()
        return [Question(**{**row, "metadata": json.loads(row["metadata"])}) for row in rows]

    def write_table(self, name: str, frame: pl.DataFrame, tables: Collection[str] = ()) -> None:
        """Writes an analysis.

        Args:
            name: Its name.
            frame: Its rows.
            tables: The names of all tables that are made together.
        """
        facts = {"table": name, "study": self._study_digest(), "tables": sorted(tables)}
        write_parquet(self.table_file(name), frame, facts)

    def read_table(self, name: str) -> pl.DataFrame:
        """Reads an analysis.

        Raises:
            StoreError: It is missing or damaged, or was made with other settings of the study.
        """
        file = self.table_file(name)
        _, facts = parquet_facts(file, is_sealed(self.path))
        if facts and facts.get("table") != name:
            raise damaged(file, f"it is a copy of the table {facts.get('table')}")
        if facts and facts.get("study") != self._study_digest():
            raise StoreError(
                f"{file} was made with other settings than those in {self.config_file.name}.",
                remedy=f"Run: liftmap analyse {self.path}",
            )
        return read_parquet(file)

    def missing_tables(self) -> list[str]:
        """Tables that were made together with those that are there, and are not there."""
        there = self.tables()
        made: set[str] = set()
        for name in there:
            with suppress(StoreError):
                made |= set(parquet_facts(self.table_file(name))[1].get("tables", []))
        return sorted(made - set(there))

    def _study_digest(self) -> str | None:
        """The digest of the study's settings; None in a folder without a study."""
        if not self.config_file.exists():
            return None
        return digest_of_json(self.read_settings())

    def tables(self) -> list[str]:
        """Names of the analyses that are there."""
        ending = ".parquet"
        names = names_in(self.tables_dir)
        return [name.removesuffix(ending) for name in names if name.endswith(ending)]

    def keep_template(self, settings: Mapping[str, Any]) -> None:
        """Writes the study's prompt template, or checks that it is as before."""
        keep_settings(self.template_file, settings, is_sealed(self.path))

    def keep_task(self, split: str, settings: Mapping[str, Any]) -> None:
        """Writes what the questions of a folder without a study are, or checks it."""
        begin(self.path)
        keep_settings(self.task_file(split), settings, is_sealed(self.path))

    def keep_config(self, config: StudyConfig) -> None:
        """Writes the resolved study, or checks that the one on disk says the same.

        Arms, seeds and test sets may be added, and the analysis may change: nothing on disk depends
        on that.

        Raises:
            SettingsDifferError: They differ; the message names the first.
            StoreError: The folder can't be written.
        """
        new = config.model_dump(mode="json", exclude_none=True)
        file = self.config_file
        begin(self.path)
        if file.exists():
            old = self.read_settings()
            done = [name for name in old.get("arms", {}) if self.has_results(name)]
            asked = [name for name in old.get("tests", {}) if self.has_questions(name)]
            difference = first_difference(_lasting(old, done, asked), _lasting(new, done, asked))
            if difference:
                key, was, now = difference
                raise SettingsDifferError(
                    f"{self.path} was made with other settings: {key} was {was!r}, now {now!r}.",
                    remedy="Name another folder (--out), or put the setting back.",
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


def _entry(line: bytes) -> dict[str, Any]:
    """One logged step; empty for a line that a kill cut short."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _seed_of(line: bytes) -> object:
    return _entry(line).get("seed")


def _lasting(study: Mapping[str, Any], done: Sequence[str], asked: Sequence[str]) -> dict[str, Any]:
    """What of a study's settings the results on disk depend on.

    `done` are the arms that have results, `asked` the further test sets that have questions.

    TRL's settings by method count as part of each arm that they reach.
    """
    lasting = {
        key: value
        for key, value in study.items()
        if key not in (*FREE_SECTIONS, "trl", "arms", "tests")
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
    tests = {
        name: {k: v for k, v in study.get("tests", {}).get(name, {}).items() if k != "old"}
        for name in asked
    }
    return lasting | {"arms": arms, "tests": tests}
