"""A study as the analyses see it: its test questions, its models, and what they answered.

Stands between the store and the analyses: reads a study folder, each response set once and only
when an analysis asks for it, and gives tallies and rows of responses on common questions, with the
bootstrap weights that all tables share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.analyse.responses import check_complete, kin_style, load_responses
from liftmap.analyse.table import FloatArray
from liftmap.config import BASE, TEACHER, StudyConfig
from liftmap.errors import StoreError
from liftmap.records import Counts, Question, Tally
from liftmap.stats.intervals import IntervalOptions, bootstrap_weights
from liftmap.stats.resampling import WeightArray
from liftmap.store import StudyFolder

IntArray = NDArray[np.int64]
StrArray = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class StudyModel:
    """A model of a study.

    Attributes:
        model: Its name in the study folder (`base`, `teacher`, `rlvr@1`).
        arm: `base`, `teacher` or the name of the arm.
        seed: The training seed; None for base and teacher.
    """

    model: str
    arm: str
    seed: int | None = None

    @property
    def columns(self) -> dict[str, str | int | None]:
        """Values of the columns model, arm and seed."""
        return {"model": self.model, "arm": self.arm, "seed": self.seed}


@dataclass(frozen=True, slots=True)
class Compared:
    """Two models' tallies on the questions that both can be judged on.

    Attributes:
        rows: Shape (questions,): places of these questions among those of the study.
        before: Tally of the model that one starts from.
        after: Tally of the trained one.
        most: The most tries k that every question supports on both sides.
        intervals: Weights, cluster and level for `stats.intervals`.
    """

    rows: IntArray
    before: Tally
    after: Tally
    most: int
    intervals: IntervalOptions

    @property
    def tallies(self) -> tuple[Tally, Tally]:
        """Before and after."""
        return self.before, self.after

    @property
    def counts(self) -> tuple[Counts, Counts]:
        """The counts before and after."""
        return self.before.counts, self.after.counts


@dataclass
class StudyData:
    """The test questions of a study and what all models answered; loaded when first asked for.

    Attributes:
        folder: The study folder.
        config: The study.
    """

    folder: StudyFolder
    config: StudyConfig
    _responses: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)
    _tallies: dict[str, Tally] = field(default_factory=dict, repr=False)

    @cached_property
    def questions(self) -> list[Question]:
        """The test questions, in the folder's order."""
        return self.folder.read_questions("test")

    @cached_property
    def cluster(self) -> StrArray | None:
        """Shape (questions,): cluster labels; None if every question is its own."""
        labels = [q.cluster or q.question_id for q in self.questions]
        return np.array(labels) if len(set(labels)) < len(labels) else None

    @cached_property
    def weights(self) -> WeightArray:
        """Shape (resamples, questions): the bootstrap weights that all tables share."""
        section = self.config.analyse
        rng = np.random.default_rng([section.seed, 0])
        return bootstrap_weights(len(self.questions), section.resamples, rng, self.cluster)

    def rng(self) -> np.random.Generator:
        """The randomness of a simultaneous band: the same for each."""
        return np.random.default_rng([self.config.analyse.seed, 1])

    @property
    def is_kin(self) -> bool:
        """Whether the questions are those of the kin testbed, whose styles and levels are known."""
        return self.config.task.name == "kin"

    @cached_property
    def models(self) -> list[StudyModel]:
        """The models with responses to the test questions: base, teacher, arms in their order.

        Raises:
            StoreError: The base has none.
        """
        found = set(self.folder.models("test"))
        if BASE not in found:
            raise StoreError(
                f"{self.folder.path} holds no responses of the base to the test questions.",
                seen=sorted(found),
                remedy="Sample and verify them first, or run the whole study.",
            )
        return [model for model in self.known_models if model.model in found]

    @property
    def known_models(self) -> list[StudyModel]:
        """The models that the study names, whether they have answered or not."""
        arms = [StudyModel(model, arm, seed) for arm, seed, model in self.config.arm_models()]
        return [StudyModel(BASE, BASE), StudyModel(TEACHER, TEACHER), *arms]

    @property
    def base(self) -> StudyModel:
        """The base."""
        return self.models[0]

    @property
    def arms(self) -> list[StudyModel]:
        """The checkpoints of the arms."""
        return [model for model in self.models if model.arm not in (BASE, TEACHER)]

    @property
    def afters(self) -> list[StudyModel]:
        """All models that are compared with the base: the teacher and the arms' checkpoints."""
        return self.models[1:]

    def responses(self, model: StudyModel) -> pl.DataFrame:
        """A model's verified responses to the test questions: the rows of `load_responses`.

        Raises:
            StoreError: The responses have no verdicts.
        """
        if model.model not in self._responses:
            self._responses[model.model] = load_responses(
                self.folder.responses(model.model, "test"),
                [q.question_id for q in self.questions],
                self.config.verify.verifier,
                kin_style if self.is_kin else None,
            )
        return self._responses[model.model]

    def tally(self, model: StudyModel) -> Tally:
        """Counts per test question.

        Raises:
            StoreError: Some of the responses, or their verdicts, are missing.
        """
        if model.model not in self._tallies:
            source, verifier = self.folder.responses(model.model, "test"), self.config.verify
            check_complete(source, verifier.verifier)
            self._tallies[model.model] = source.tally(verifier.verifier, self.questions)
        return self._tallies[model.model]

    def count(self, responses: pl.DataFrame) -> IntArray:
        """How many of these rows each question has: shape (questions,)."""
        places = responses["question"].to_numpy()
        return np.bincount(places, minlength=len(self.questions)).astype(np.int64)

    def sums(self, responses: pl.DataFrame, column: str) -> FloatArray:
        """The sum of a column over each question's rows: shape (questions,)."""
        places, values = (
            responses["question"].to_numpy(),
            responses[column].cast(pl.Float64),
        )
        return np.bincount(places, values.to_numpy(), minlength=len(self.questions)).astype(float)

    def compare(self, before: StudyModel, after: StudyModel, *others: StudyModel) -> Compared:
        """The two tallies on the questions that both (and all others) can be judged on.

        A question stays if at most half of each model's responses to it are unscored.
        """
        judged = np.all([self.tally(model).judged for model in (before, after, *others)], axis=0)
        rows = np.flatnonzero(judged).astype(np.int64)
        first, then = (self.tally(model).subset(rows) for model in (before, after))
        most = min(first.most_tries, then.most_tries) if len(rows) else 0
        return Compared(rows, first, then, most, self.intervals(rows))

    def intervals(self, rows: IntArray | None = None) -> IntervalOptions:
        """What `stats.intervals` needs for these questions; all of them by default."""
        chosen = np.arange(len(self.questions)) if rows is None else rows
        return {
            "weights": np.ascontiguousarray(self.weights[:, chosen]),
            "cluster": None if self.cluster is None else self.cluster[chosen],
            "level": self.config.analyse.level,
        }
