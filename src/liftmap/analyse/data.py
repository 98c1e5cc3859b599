"""A study as the analyses see it: its test questions, its models, and what they answered.

Stands between the store and the analyses: reads a study folder, each response set once and only
when an analysis asks for it, and gives tallies, rows of responses and comparisons. A comparison is
the one that `liftmap compare` makes of the same two response sets; whatever else is estimated from
questions takes the same bootstrap weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.analyse.responses import (
    check_complete,
    kin_style,
    load_responses,
    scored_rows,
)
from liftmap.comparison.bootstrap import question_weights, resampled_rows
from liftmap.comparison.checks import (
    checks_of_sources,
    proven_copies,
    without_copied_answers,
    without_copies,
)
from liftmap.comparison.compare import compare_pair, question_intervals
from liftmap.comparison.figures import banded, bin_draws
from liftmap.comparison.match import PairedTallies, TooFewQuestionsError, cluster_codes, match
from liftmap.comparison.options import Options
from liftmap.comparison.parts import Provenance
from liftmap.comparison.provenance import provenance_in_study
from liftmap.comparison.response_analyses import analyses_of_rows, text_options
from liftmap.comparison.result import Comparison
from liftmap.config import BASE, TEACHER, StudyConfig
from liftmap.errors import StoreError
from liftmap.read.outcomes import Outcomes
from liftmap.read.study import chance_rate, outcomes_of
from liftmap.records import Question, StudyModel, Tally
from liftmap.stats.bins import BinChange, Bins, study_bins
from liftmap.stats.intervals import IntervalOptions
from liftmap.stats.multiple import simultaneous_level
from liftmap.stats.passk import FloatArray
from liftmap.stats.resampling import WeightArray
from liftmap.store import ResponseSet, StudyFolder

IntArray = NDArray[np.int64]
StrArray = NDArray[np.str_]


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
    _outcomes: dict[str, Outcomes] = field(default_factory=dict, repr=False)
    _comparisons: dict[tuple[str, str], Comparison | None] = field(default_factory=dict, repr=False)
    _refusals: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    @cached_property
    def questions(self) -> list[Question]:
        """The test questions, in the folder's order."""
        return self.folder.read_questions("test")

    @cached_property
    def place_of(self) -> dict[str, int]:
        """The place of each question id among the questions."""
        return {question.question_id: place for place, question in enumerate(self.questions)}

    def places(self, pair: PairedTallies) -> IntArray:
        """Shape (compared questions,): their places among the questions of the study."""
        ids = pair.question_ids.tolist()
        return np.array([self.place_of[question_id] for question_id in ids], dtype=np.int64)

    @cached_property
    def cluster(self) -> StrArray | None:
        """Shape (questions,): cluster labels; None if every question is its own."""
        labels = [q.cluster or q.question_id for q in self.questions]
        return np.array(labels) if len(set(labels)) < len(labels) else None

    @cached_property
    def weights(self) -> WeightArray:
        """Shape (resamples, questions): the bootstrap weights that all tables share.

        Those of a comparison that leaves no question out are the same.
        """
        section = self.config.analyse
        order = pl.Series([q.question_id for q in self.questions]).arg_sort().to_numpy()
        codes = None if self.cluster is None else cluster_codes(self.cluster[order])
        weights = np.empty((section.resamples, len(order)), dtype=np.int32)
        weights[:, order] = question_weights(len(order), codes, section.resamples, section.seed)
        return weights

    @cached_property
    def bins(self) -> Bins:
        """The bins of difficulty: those of the study, out of the base's responses."""
        return study_bins(self.tally(self.base).counts.most)

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
        answered = set(self.folder.models("test"))
        if BASE not in answered:
            raise StoreError(
                f"{self.folder.path} holds no responses of the base to the test questions.",
                seen=sorted(answered),
                remedy="Sample and verify them first, or run the whole study.",
            )
        return [model for model in self.known_models if model.model in answered]

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

    @property
    def contrasts(self) -> list[tuple[StudyModel, StudyModel]]:
        """Checkpoints of matched arms, of one training seed each, that have responses.

        The first of a pair was trained on the base's own responses.
        """
        answered = {(model.arm, model.seed): model for model in self.arms}
        return [
            (first, answered[after, first.seed])
            for before, after in self.config.contrasts()
            for first in self.arms
            if first.arm == before and (after, first.seed) in answered
        ]

    def response_set(self, model: StudyModel) -> ResponseSet:
        """A model's responses to the test questions."""
        return self.folder.responses(model.model, "test")

    def responses(self, model: StudyModel) -> pl.DataFrame:
        """A model's verified responses to the test questions: the rows of `load_responses`.

        Raises:
            StoreError: The responses have no verdicts.
        """
        if model.model not in self._responses:
            self._responses[model.model] = load_responses(
                self.response_set(model),
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
            source, verifier = self.response_set(model), self.config.verify.verifier
            check_complete(source, verifier)
            self._tallies[model.model] = source.tally(verifier, self.questions)
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

    def pair(
        self, before: StudyModel, after: StudyModel, *also: StudyModel
    ) -> PairedTallies | None:
        """Two tallies on the questions that both (and all others named) can be judged on.

        Responses that their texts prove to stand several times count once, as in `compare`. None
        where the questions are fewer than two.
        """
        try:
            first, then = (
                without_copies(self.tally(model), self._copies(model)) for model in (before, after)
            )
            tallies = [self.tally(model) for model in also]
            orders = (self._order_of(before), self._order_of(after))
            return match(
                first,
                then,
                also=tallies,
                orders=orders,
                min_responses=self.config.analyse.min_responses,
            )
        except TooFewQuestionsError as error:
            self._refusals[before.model, after.model] = str(error)
            return None

    def comparison(self, before: StudyModel, after: StudyModel) -> Comparison | None:
        """The comparison of two models, with the settings of the study; made once.

        None where they share fewer than two questions that both can be judged on.
        """
        key = (before.model, after.model)
        if key not in self._comparisons:
            pair, section = self.pair(before, after), self.config.analyse
            # What the refits are for is shown of the arms alone.
            refitted = before == self.base and after in self.arms
            options = Options(
                margin=section.margin,
                level=section.level,
                seed=section.seed,
                law_resamples=section.law_resamples if refitted else 0,
                resamples=section.resamples,
                questions=section.questions,
            )
            self._comparisons[key] = (
                None
                if pair is None
                else self._with_responses(
                    before,
                    after,
                    pair,
                    options,
                    compare_pair(
                        pair,
                        options,
                        answers=without_copied_answers(
                            self._answers_of(before), self._copies(before)
                        ),
                        sides=(self._provenance(before), self._provenance(after)),
                        chance=chance_rate(self.questions),
                        golds=self._read(before).golds,
                        checks=checks_of_sources(
                            self._read(before),
                            self._read(after),
                            (self._copies(before), self._copies(after)),
                        ),
                        tokens=(self._read(before).tokens, self._read(after).tokens),
                    ),
                )
            )
        return self._comparisons[key]

    def _with_responses(
        self,
        before: StudyModel,
        after: StudyModel,
        pair: PairedTallies,
        options: Options,
        comparison: Comparison,
    ) -> Comparison:
        """The comparison with what the texts of both models say, as `compare` reads them."""
        places = pl.DataFrame({"question": self.places(pair)}, schema={"question": pl.UInt32})
        places = places.with_row_index("place")
        rows = [
            scored_rows(self.responses(model))
            .join(places, on="question", how="inner", maintain_order="left")
            .with_columns(question="place")
            for model in (before, after)
        ]
        responses = analyses_of_rows(
            (rows[0], rows[1]),
            pair,
            comparison.transitions.bins,
            question_intervals(pair, options),
            text_options(),
            (self._copies(before), self._copies(after)),
        )
        return replace(comparison, response_analyses=responses)

    @cached_property
    def banded_bins(self) -> dict[str, tuple[BinChange, ...]]:
        """The changes by difficulty of each checkpoint, with the band over bins and checkpoints.

        The bands of accuracy hold together, and those of pass@k.
        """
        pairs = {model.model: self.pair(self.base, model) for model in self.arms}
        changes: dict[str, list[BinChange]] = {}
        for solved in (False, True):
            family: list[tuple[str, PairedTallies, Sequence[BinChange], Bins]] = []
            draws = []
            for model in self.arms:
                comparison, pair = self.comparison(self.base, model), pairs[model.model]
                if comparison is None or pair is None:
                    continue
                bins = comparison.transitions.bins
                own = comparison.solved_bins if solved else comparison.bins
                changes.setdefault(model.model, [])
                if own:
                    family.append((model.model, pair, own, bins))
                    weights = resampled_rows(pair, self.weights[:, self.places(pair)])
                    draws.append(bin_draws(pair, bins, weights, own[0].k))
            if not family:
                continue
            level = simultaneous_level(np.hstack(draws), self.config.analyse.level)
            for name, pair, plain, bins in family:
                changes[name] += banded(plain, pair, bins, level, plain[0].k)
        return {name: tuple(bins) for name, bins in changes.items()}

    def refusal(self, before: StudyModel, after: StudyModel) -> str | None:
        """Why two models can't be compared; None where they can."""
        self.comparison(before, after)
        return self._refusals.get((before.model, after.model))

    def notes(self, model: StudyModel) -> tuple[str, ...]:
        """What has to be said of a model's responses: of its server, thoughts and limits."""
        return self._read(model).warnings

    def _copies(self, model: StudyModel) -> int:
        return proven_copies(self._read(model))

    def _provenance(self, model: StudyModel) -> Provenance:
        return provenance_in_study(self.response_set(model), self.tally(model))

    def _order_of(self, model: StudyModel) -> pl.DataFrame | None:
        """The responses in the order they were drawn, where bounds need it."""
        tally = self.tally(model)
        needed = tally.counts.stops_early and tally.has_doubtful
        return self._answers_of(model) if needed else None

    def _answers_of(self, model: StudyModel) -> pl.DataFrame | None:
        return self._read(model).answers

    def _read(self, model: StudyModel) -> Outcomes:
        """What a reader of the response set says of it, as `liftmap compare` reads it."""
        if model.model not in self._outcomes:
            outcomes = outcomes_of(self.response_set(model), self.config.verify.verifier)
            self._outcomes[model.model] = outcomes
        return self._outcomes[model.model]

    def intervals(self, places: IntArray | None = None) -> IntervalOptions:
        """What `stats.intervals` needs for these questions; all of them by default."""
        chosen = np.arange(len(self.questions)) if places is None else places
        return {
            "weights": self.weights[:, chosen].copy(),
            "cluster": None if self.cluster is None else self.cluster[chosen],
            "level": self.config.analyse.level,
        }
