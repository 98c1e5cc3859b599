"""A study from end to end: base and arms in, everything on disk and a report out; resumable.

Stands above all stages and below the command line. Each stage looks at what is on disk and does
what is missing: an interrupted study goes on where it stopped, a finished one rebuilds its report.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from liftmap import __version__
from liftmap.analyse import analyse
from liftmap.config import BASE, TEACHER, StudyConfig, model_name
from liftmap.errors import StoreError
from liftmap.files import write_json
from liftmap.records import SPLITS, Checkpoint, FixedPlan
from liftmap.registry import find
from liftmap.report.build import build_report
from liftmap.sample import ENGINES, check_model, identity_of, make_engine
from liftmap.sample.templates import get_template
from liftmap.sections import VerifySection
from liftmap.store import StudyFolder
from liftmap.study_result import StudyResult
from liftmap.studyfile import load_config
from liftmap.tasks.sets import make_questions, make_test_set
from liftmap.train import GIVEN, check_trl_settings, get_method
from liftmap.train.arm import (
    read_checkpoint,
    refuse_other_weights_of,
    source_model,
    train_arm,
)
from liftmap.verify import make_verifier
from liftmap.verify.answer import answer, check_scripted
from liftmap.verify.run import rule_of_verdicts, verify
from liftmap.verify.thinking import answer_start

if TYPE_CHECKING:
    from liftmap.sample.score import Scorer

LIBRARIES = ("torch", "transformers", "trl", "numpy", "scipy", "polars", "altair")


def run_study(study: str | Path | StudyConfig, out: str | Path | None = None) -> StudyResult:
    """Runs all stages of a study that are not done yet, and builds the report.

    Args:
        study: A study file, the name of a shipped study, or a config.
        out: The study folder; None takes `studies/<name>`.

    Returns:
        Where everything is, and the tables.

    Raises:
        LiftmapError: Something that was asked for can't be done; see `liftmap.errors`. All that was
            computed before is kept.
    """
    config = study if isinstance(study, StudyConfig) else load_config(study)
    folder = StudyFolder(Path(out) if out is not None else Path("studies") / config.name)
    with open_study(folder, config) as run:
        run.prepare()
        run.sample_and_train()
        run.score()
        tables = run.analyse()
        report = run.report()
    seconds = {stage: seconds for stage, (seconds, _) in run.spent.items()}
    return StudyResult(folder.path, report, tables, seconds)


@contextmanager
def open_study(folder: StudyFolder, config: StudyConfig | None = None) -> Iterator[StudyRun]:
    """Opens a study folder for one process; the stages are methods of what it gives.

    Args:
        folder: The study folder.
        config: The settings; None reads those in the folder.

    Raises:
        StoreError: Another process works in the folder, or it is not a study folder.
        SettingsDifferError: The folder was made with other settings.
    """
    if config is None:
        if not folder.config_file.exists():
            raise StoreError(
                f"{folder.path} is not a study folder (it has no {folder.config_file.name}).",
                remedy="Name a folder that `liftmap study` made.",
            )
        config = folder.read_config()
        given = None
    else:
        given = config
    with folder.held():
        if given is not None:
            folder.keep_config(given)
        run = StudyRun(folder, config, _earlier_stages(folder))
        try:
            yield run
        finally:
            run.write_environment()


def _earlier_stages(folder: StudyFolder) -> list[dict[str, Any]]:
    """The wall times of the stages that earlier runs wrote.

    Raises:
        StoreError: The file is not as liftmap writes it.
    """
    file = folder.environment_file
    if not file.exists():
        return []
    written = folder.read_record(file)
    try:
        return [
            {
                "stage": str(row["stage"]),
                "seconds": float(row["seconds"]),
                "items": int(row["items"]),
            }
            for row in written["stages"]
        ]
    except (TypeError, KeyError, ValueError, OverflowError):
        raise StoreError(
            f"{file} is not as liftmap writes it.",
            remedy="Move it away: it holds the versions and wall times of earlier runs, and "
            "nothing depends on it.",
        ) from None


@dataclass
class StudyRun:
    """A study at work: its folder, its settings and what this run has spent.

    Attributes:
        folder: The study folder.
        config: The settings.
        earlier: Wall times of earlier runs, from `environment.json`.
        spent: Wall time in seconds and items done, by stage, of this run.
    """

    folder: StudyFolder
    config: StudyConfig
    earlier: list[dict[str, Any]] = field(default_factory=list)
    spent: dict[str, tuple[float, int]] = field(default_factory=dict)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[Callable[[int], None]]:
        """Adds the block's wall time to a stage; what it gives adds items done."""
        started = time.monotonic()
        done: list[int] = []
        try:
            yield done.append
        finally:
            seconds, items = self.spent.get(stage, (0.0, 0))
            self.spent[stage] = (seconds + time.monotonic() - started, items + sum(done))

    def prepare(self) -> None:
        """Checks all that can be checked before long work, and writes the questions.

        Raises:
            ConfigError: A task, engine, verifier, method or setting can't be used.
            InputError: The question sets overlap or are empty.
        """
        config = self.config
        with self._timed("questions"):
            template = get_template(config.sample.template)
            # The study file names a template's file; what it says must not change half-way.
            self.folder.keep_template(
                {"name": template.label, "text": template.text or template.messages}
            )
            find(ENGINES, config.sample.engine, "engine")
            make_verifier(config.verify.verifier, config.verify.options)
            for method in config.trl:
                get_method(method)
            for name, arm in config.enabled_arms().items():
                if arm.method != GIVEN:
                    get_method(arm.method)
                    if not all(read_checkpoint(self.folder, name, seed) for seed in arm.seeds):
                        check_trl_settings(
                            arm.method, config.trl_settings(name), f"arms.{name}.trl"
                        )
            for model in self._existing_models():
                check_model(model, config.sample)
            if not all(self.folder.has_questions(split) for split in SPLITS):
                for split, questions in make_questions(config.task).items():
                    self.folder.write_questions(split, questions)
            make_test_sets(self.folder, config)
            check_scripted(config.sample, self.folder.read_questions("test"), config.verify)

    def sample_and_train(self) -> None:
        """Base and teacher answer; then each arm is trained, and its checkpoints answer."""
        self.answer(BASE)
        if self.config.teacher is not None:
            self.answer(TEACHER)
        for arm in self.config.arms_in_order():
            for seed in self.config.arms[arm].seeds:
                self._train(arm, seed)
                self.answer(model_name(arm, seed))

    def train_with_sources(self, arm: str | None = None) -> list[str]:
        """Trains one arm, or all, and first whatever its training set is made from.

        Returns:
            Names of the checkpoints.

        Raises:
            UnknownNameError: The study has no such arm.
        """
        arms = self.config.arms_in_order()
        if arm is not None:
            find({name: name for name in arms}, arm, "arm")
            arms = [arm]
        trained = []
        for name in arms:
            for seed in self.config.arms[name].seeds:
                for source in self.config.sources(name):
                    if source in self.config.arms:
                        self.train_with_sources(source)
                    self.answer(source_model(self.config, source, seed))
                self._train(name, seed)
                if self.config.arms[name].method != GIVEN:
                    trained.append(model_name(name, seed))
        return trained

    def _train(self, arm: str, seed: int) -> None:
        if self.config.arms[arm].method != GIVEN:
            with self._timed(f"train {arm}"):
                train_arm(self.folder, self.config, arm, seed)

    def known_model(self, name: str) -> str:
        """The name itself.

        Raises:
            UnknownNameError: The study has no model of this name.
        """
        return find({model: model for model in self.model_names()}, name, "model")

    def trained_models(self) -> list[str]:
        """The models that can answer now."""
        return [
            name
            for name in self.model_names()
            if self._exists_already(name) or self._checkpoint(name) is not None
        ]

    def verify(self, verifier: str | None = None) -> int:
        """Judges all responses to train and test questions; gives how many it judged.

        Args:
            verifier: Another verifier with its default options; None takes the study's own.
        """
        section = self.config.verify
        if verifier is not None and verifier != section.verifier:
            section = VerifySection(verifier=verifier)
        judged = 0
        with self._timed("verify") as add:
            for split in (*SPLITS, *self.config.tests):
                questions = self.folder.read_questions(split)
                rule = self.config.verify_of(split) if verifier is None else section
                for name in self.folder.models(split):
                    judged += verify(self.folder.responses(name, split), questions, rule)
            add(judged)
        return judged

    def answer(self, name: str) -> None:
        """One model answers the test sets, and the train questions if a recipe needs them."""
        splits: list[str] = ["test"]
        checkpoint = self.config.arm_of(name)
        source = checkpoint[0] if checkpoint else name
        if any(source in self.config.sources(arm) for arm in self.config.arms_in_order()):
            splits.insert(0, "train")
        if name != TEACHER:
            splits += self.config.tests
        label, model = self._model(name)
        loaded: dict[str, Any] = {}

        def engine() -> Any:
            if not loaded:
                asked = [q for split in splits for q in self.folder.read_questions(split)]
                loaded["engine"] = make_engine(model, self.config.sample, asked)
                if self._checkpoint(name) is not None and checkpoint is not None:
                    refuse_other_weights_of(self.folder, *checkpoint, identity_of(loaded["engine"]))
            return loaded["engine"]

        try:
            self._answer_splits(name, label, splits, engine)
        finally:
            if hasattr(loaded.get("engine"), "close"):
                loaded["engine"].close()

    def _answer_splits(
        self, name: str, label: str, splits: list[str], engine: Callable[[], Any]
    ) -> None:
        section = self.config.sample
        for split in splits:
            questions = self.folder.read_questions(split)
            target = self.folder.responses(name, split)
            test = self.config.tests.get(split)
            count = section.n if test is None or test.n is None else test.n
            plan = FixedPlan(section.n_train) if split == "train" else section.plan_of(count)
            rule = self.config.verify_of(split)
            with self._timed("sample and verify") as add:
                add(answer(target, label, questions, plan, section, rule, engine))

    def _existing_models(self) -> list[str]:
        """The models that exist before the study and have yet to answer."""
        return [
            self._model(name)[1]
            for name in self.model_names()
            if self._exists_already(name) and not self.folder.responses(name, "test").shards()
        ]

    def _exists_already(self, name: str) -> bool:
        """Whether a model exists before the study: the base, the teacher, or a `given` arm's."""
        checkpoint = self.config.arm_of(name)
        return checkpoint is None or self.config.arms[checkpoint[0]].method == GIVEN

    def _checkpoint(self, name: str) -> Checkpoint | None:
        """The checkpoint of a model that an arm trains; None where it is not trained."""
        arm = self.config.arm_of(name)
        return None if arm is None else read_checkpoint(self.folder, *arm)

    def _model(self, name: str) -> tuple[str, str]:
        """How a model is called in the settings on disk, and what the engine loads."""
        config = self.config
        if name == BASE:
            return config.base.model, config.base.model
        if name == TEACHER and config.teacher is not None:
            return config.teacher.model, config.teacher.model
        arm = config.arm_of(name)
        given = config.arms[arm[0]].model if arm is not None else None
        if given is not None:
            return given, given
        checkpoint = self._checkpoint(name)
        if checkpoint is None:
            raise StoreError(
                f"{name} is not trained yet.", remedy=f"Run: liftmap train {self.folder.path}"
            )
        return checkpoint.path, str(self.folder.path / checkpoint.path)

    def model_names(self) -> list[str]:
        """Base, teacher and every arm's checkpoints, in the order of the report."""
        teacher = [TEACHER] if self.config.teacher is not None else []
        return [BASE, *teacher, *(model for _, _, model in self.config.arm_models())]

    def score(self) -> bool:
        """Log-likelihood under the base of every arm's test responses, and of the base's own.

        Returns:
            Whether the study has such scores.
        """
        if not self.config.score.enabled or self.config.sample.engine != "transformers":
            return False
        loaded: list[Scorer] = []

        def scorer() -> Scorer:
            from liftmap.sample.score import Scorer

            if not loaded:
                sample = self.config.sample
                loaded.append(
                    Scorer(
                        self.config.base.model,
                        self.config.score.batch_size,
                        sample.device,
                        sample.dtype,
                        sample.stop,
                    )
                )
            return loaded[0]

        # Imported here, so that an install without torch can do all other stages.
        from liftmap.sample.score import Thoughts, score

        questions = self.folder.read_questions("test")
        with self._timed("score") as add:
            for name in self.model_names():
                if name != TEACHER:
                    target = self.folder.responses(name, "test")
                    rule = rule_of_verdicts(target, self.config.verify)
                    thoughts = Thoughts(rule.to_plain(), partial(answer_start, rule))
                    template = self.config.sample.template
                    add(score(target, questions, BASE, template, scorer, thoughts))
        return True

    def analyse(self) -> dict[str, pl.DataFrame]:
        """Makes all tables."""
        with self._timed("analyse"):
            return analyse(self.folder, self.config)

    def report(self) -> Path:
        """Builds the report from the tables."""
        self.write_environment()
        with self._timed("report"):
            return build_report(self.folder, self.config)

    def write_environment(self) -> None:
        """Writes versions, machine and the wall time of every stage, earlier runs' added."""
        stages: dict[str, dict[str, Any]] = {row["stage"]: dict(row) for row in self.earlier}
        for name, (seconds, items) in self.spent.items():
            row = stages.setdefault(name, {"stage": name, "seconds": 0.0, "items": 0})
            row["seconds"] = round(row["seconds"] + seconds, 3)
            row["items"] += items
        rows = list(stages.values())
        total = round(sum(row["seconds"] for row in rows), 3)
        # With the settings once more: a damaged study.toml is made again of them.
        settings = self.folder.read_settings()
        write_json(
            self.folder.environment_file,
            {**environment(), "stages": rows, "seconds_total": total, "study": settings},
        )


def make_test_sets(folder: StudyFolder, config: StudyConfig) -> None:
    """Checks the further test sets of a study and writes the questions of those not there yet.

    Raises:
        ConfigError: A task, verifier or option can't be used.
        InputError: A set is empty, or shares a question with the train or dev questions.
    """
    for name, test in config.tests.items():
        rule = config.verify_of(name)
        make_verifier(rule.verifier, rule.options)
        if not folder.has_questions(name):
            trained_on = {split: folder.read_questions(split) for split in ("train", "dev")}
            folder.write_questions(name, make_test_set(name, test, trained_on))


def environment() -> dict[str, Any]:
    """Versions of liftmap and its libraries, and the machine."""
    versions = {"python": platform.python_version(), "liftmap": __version__}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    machine: dict[str, Any] = {"system": platform.platform(), "cores": os.cpu_count()}
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        machine["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return {"versions": versions, "machine": machine}
