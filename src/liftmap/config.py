"""A whole study: its base, its arms, and how the arms hang together.

Below every stage; `studyfile` reads it from TOML, and `sections` has the settings of each stage.
Unknown keys are errors, values can't change once read, and what can't be run is refused before
anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from liftmap.records import SPLITS, Split
from liftmap.registry import nearest
from liftmap.sections import (
    AnalyseSection,
    ModelSection,
    SampleSection,
    ScoreSection,
    Section,
    TaskSection,
    TrackSection,
    VerifySection,
)

BASE = "base"
TEACHER = "teacher"
ArmName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]


class ResponsesSection(Section):
    """Which responses an arm is trained on."""

    of: str
    """Whose right responses: base, teacher or the name of another arm."""
    per_question: int = Field(default=8, ge=1)
    """At most this many right responses a question."""
    matched_with: str | None = None
    """Another model; each question then gives as many responses as both models can give, so that
    two arms differ in whose responses they saw and in nothing else."""
    base_right_at_least: int = Field(default=0, ge=0)
    """Only questions that the base answered right at least this many times out of n_train."""


class ArmSection(Section):
    """One way to train, compared with the base."""

    method: str
    """grpo, sft, or given: the model exists already."""
    enabled: bool = True
    """Whether the study trains it."""
    seeds: tuple[int, ...] = Field(default=(1,), min_length=1)
    """Training seeds; each gives a checkpoint."""
    model: str | None = None
    """For given: the model to compare."""
    responses: ResponsesSection | None = None
    """For sft: the training set."""
    reward: Literal["verifier", "random", "format"] = "verifier"
    """For grpo: the verifier's verdict, a coin (a control), or whether the response has an answer
    at all (a control)."""
    trl: Mapping[str, Any] = Field(default_factory=dict)
    """Settings passed to TRL's own config class as they are."""
    track: TrackSection | None = None
    """Lets the model in training answer dev questions: true, or a table that says when; see
    docs/callback.md."""

    @field_validator("track", mode="before")
    @classmethod
    def _true_is_a_section(cls, value: Any) -> Any:
        return {True: {}, False: None}[value] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _fits_method(self) -> ArmSection:
        if self.method == "given" and self.model is None:
            raise ValueError("method 'given' needs the key 'model': what is compared")
        if self.method != "given" and self.model is not None:
            raise ValueError(f"method {self.method!r} takes no 'model'; only 'given' does")
        if self.method == "given" and self.trl:
            raise ValueError("method 'given' trains nothing and takes no 'trl'; remove the table")
        if self.method == "given" and self.track is not None:
            raise ValueError("method 'given' trains nothing and takes no 'track'; remove it")
        if any(seed < 0 for seed in self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} must be 0 or more")
        if self.method == "sft" and self.responses is None:
            raise ValueError("method 'sft' needs a table 'responses' that says what to train on")
        if self.method in ("grpo", "given") and self.responses is not None:
            raise ValueError(f"method {self.method!r} takes no 'responses'; remove the table")
        if self.reward != "verifier" and self.method != "grpo":
            raise ValueError("only method 'grpo' takes a 'reward'; remove the key")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} hold the same seed twice")
        return self


class TestSection(Section):
    """A further test set: the base and every arm's checkpoints answer it."""

    __test__ = False

    task: str
    """A task or a preset; see docs/tasks.md."""
    options: Mapping[str, Any] = Field(default_factory=dict)
    """Options of the task."""
    split: Split = "test"
    """Which of the task's questions."""
    n: int | None = Field(default=None, ge=1)
    """Responses to each question; by default those of a test question of the study."""
    verify: VerifySection | None = None
    """How responses are judged; by default as the study's own."""
    old: bool = False
    """Whether the training was not for it: its change is forgetting."""


class StudyConfig(Section):
    """A whole study: base, teacher, task, arms, and how each stage works."""

    name: ArmName = "study"
    """Title of the report and name of the default folder."""
    base: ModelSection
    """The model that all arms start from."""
    teacher: ModelSection | None = None
    """A model whose responses arms may learn from; sampled and verified like any other."""
    task: TaskSection
    """Where the questions come from."""
    sample: SampleSection = SampleSection()
    """How models answer."""
    verify: VerifySection = VerifySection()
    """How responses are judged."""
    trl: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    """Settings of TRL by method ([trl.sft]), for all arms of that method; an arm's own table trl
    overrides them."""
    tests: Mapping[ArmName, TestSection] = Field(default_factory=dict)
    """Further test sets by name, beside the task's own test questions."""
    arms: Mapping[ArmName, ArmSection] = Field(min_length=1)
    """The arms by name, in the order of the report."""
    score: ScoreSection = ScoreSection()
    """Log-likelihood under the base."""
    analyse: AnalyseSection = AnalyseSection()
    """How the tables are estimated."""

    @model_validator(mode="after")
    def _names_exist(self) -> StudyConfig:
        taken = sorted({*SPLITS} & set(self.tests))
        if taken:
            raise ValueError(f"a test set can't be called {taken[0]!r}; rename it")
        reserved = sorted({BASE, TEACHER} & set(self.arms))
        if reserved:
            raise ValueError(f"an arm can't be called {reserved[0]!r}; rename it")
        if not self.enabled_arms():
            raise ValueError("no arm is enabled; set 'enabled = true' in one of them")
        for name, arm in self.enabled_arms().items():
            last = self.trl_settings(name).get("max_steps")
            if arm.track is not None and isinstance(last, int) and last > 0:
                try:
                    arm.track.steps_until(last)
                except ValueError as error:
                    raise ValueError(f"arms.{name}.track.steps: {error}") from None
            if arm.responses is None:
                continue
            for key in ("of", "matched_with"):
                source = getattr(arm.responses, key)
                if source is not None:
                    self._check_source(name, key, source)
            if arm.responses.base_right_at_least > self.sample.n_train:
                raise ValueError(
                    f"arms.{name}.responses.base_right_at_least is "
                    f"{arm.responses.base_right_at_least}, but the base gives only "
                    f"sample.n_train = {self.sample.n_train} responses; lower it"
                )
        self.arms_in_order()
        return self

    def _check_source(self, arm: str, key: str, source: str) -> None:
        known = [BASE, *([TEACHER] if self.teacher else []), *self.enabled_arms()]
        if source == TEACHER and self.teacher is None:
            raise ValueError(
                f"arms.{arm}.responses.{key} is 'teacher', but there is no [teacher]; "
                "add the section with its model"
            )
        if source not in known:
            raise ValueError(
                f"arms.{arm}.responses.{key} is {source!r}, which is not an enabled arm. "
                f"{nearest(source, known)}"
            )

    def enabled_arms(self) -> dict[str, ArmSection]:
        """The arms that the study trains, in the file's order."""
        return {name: arm for name, arm in self.arms.items() if arm.enabled}

    def verify_of(self, split: str) -> VerifySection:
        """How responses to a question set are judged."""
        test = self.tests.get(split)
        return self.verify if test is None or test.verify is None else test.verify

    def trl_settings(self, name: str) -> dict[str, Any]:
        """What an arm passes to TRL: its method's settings, overridden by its own."""
        arm = self.arms[name]
        return {**self.trl.get(arm.method, {}), **arm.trl}

    def arm_models(self) -> list[tuple[str, int, str]]:
        """Every checkpoint of the study in the file's order: arm, seed, and the model's name."""
        return [
            (name, seed, model_name(name, seed))
            for name, arm in self.enabled_arms().items()
            for seed in arm.seeds
        ]

    def arm_of(self, model: str) -> tuple[str, int] | None:
        """Arm and seed of a checkpoint, by the model's name; None for the base and the teacher."""
        return next(((arm, seed) for arm, seed, name in self.arm_models() if name == model), None)

    def contrasts(self) -> list[tuple[str, str]]:
        """Pairs of arms matched with each other: they differ in whose responses they saw alone.

        The first of a pair is the one that saw the base's own responses, if one of them did.
        """
        pairs = []
        arms = {n: a.responses for n, a in self.enabled_arms().items() if a.responses is not None}
        for first, own in arms.items():
            for second, theirs in arms.items():
                crossed = own.matched_with == theirs.of and theirs.matched_with == own.of
                if crossed and own.of == BASE != theirs.of and self._alike(first, second):
                    pairs.append((first, second))
        return pairs

    def _alike(self, first: str, second: str) -> bool:
        """Whether two arms differ in nothing but whose responses they learn from."""
        first_settings, second_settings = (
            (
                self.arms[name].method,
                self.trl_settings(name),
                (self.arms[name].responses or ResponsesSection(of="")).model_copy(
                    update={"of": "", "matched_with": None}
                ),
            )
            for name in (first, second)
        )
        return first_settings == second_settings

    def sources(self, name: str) -> list[str]:
        """The models whose train responses the arm `name` needs (always with the base for sft)."""
        responses = self.arms[name].responses
        if responses is None:
            return []
        models = [BASE, responses.of, responses.matched_with]
        return list(dict.fromkeys(model for model in models if model is not None))

    def arms_in_order(self) -> list[str]:
        """The enabled arms, each after the arms whose responses it learns from.

        Raises:
            ValueError: Arms wait for each other in a circle.
        """
        waiting = list(self.enabled_arms())
        done: list[str] = []
        while waiting:
            ready = [a for a in waiting if not set(self.sources(a)) & set(waiting)]
            if not ready:
                raise ValueError(
                    f"the arms {waiting} wait for each other's responses; break the circle"
                )
            done += ready
            waiting = [a for a in waiting if a not in ready]
        return done


def model_name(arm: str, seed: int) -> str:
    """Name of an arm's checkpoint among the models of a study."""
    return f"{arm}@{seed}"
