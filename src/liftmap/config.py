"""The settings of a study: one section a stage, checked before anything runs.

Stands below every stage; `studyfile` reads them from TOML. Unknown keys are errors, and values
can't change once read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from liftmap.records import CurtailedPlan, FixedPlan, Plan, SamplingSettings
from liftmap.registry import nearest

BASE = "base"
TEACHER = "teacher"
ArmName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]


class Section(BaseModel):
    """A part of the study file; unknown keys are errors, values can't change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSection(Section):
    """A model that exists already.

    Attributes:
        model: A hub id, a Hugging Face folder, `testbed:base`, `testbed:teacher`, or for the
            scripted engine `scripted:` and success rates, as `scripted:0,0.05,0.5,0.95`.
    """

    model: str


class TaskSection(Section):
    """Where the questions come from.

    Attributes:
        name: A name of `liftmap.tasks.TASKS`.
        options: Options of the task for all three splits.
        train: Further options of the train questions (arms train on these); likewise `dev`
            (checkpoints are chosen on these) and `test` (everything reported is measured on these).
    """

    name: str
    options: Mapping[str, Any] = Field(default_factory=dict)
    train: Mapping[str, Any] = Field(default_factory=dict)
    dev: Mapping[str, Any] = Field(default_factory=dict)
    test: Mapping[str, Any] = Field(default_factory=dict)


class ServerSection(Section):
    """How the `server` engine reaches an OpenAI-compatible server.

    Of these only `endpoint` and `extra` change what is asked.

    Attributes:
        urls: Where servers of the model answer, as `http://localhost:8000/v1`; several share the
            load.
        launch: A command that serves the model, run for as long as it is needed, as
            `vllm serve {model} --port {port}`; instead of `urls`.
        endpoint: chat or completions; None takes what the prompt is: a conversation or a text.
        key_variable: The environment variable that holds the key; servers of one's own need none.
        requests: Requests in flight for each server.
        per_request: The most responses that one request asks for (`n`); 0 lets the engine find out.
        log_probabilities: Whether to ask for the tokens' log-probabilities.
        timeout: Seconds that one request may take.
        start_timeout: Seconds that a launched server may take until it answers.
        retries: How often a failed request is sent again before the engine gives up.
        backoff: Seconds before the first of them; it doubles each time, up to a minute.
        extra: Further fields of each request, passed on as they are.
    """

    urls: tuple[str, ...] = ()
    launch: str | None = None
    endpoint: Literal["chat", "completions"] | None = None
    key_variable: str = "OPENAI_API_KEY"
    requests: int = Field(default=32, ge=1, le=1000)
    per_request: int = Field(default=0, ge=0)
    log_probabilities: bool = True
    timeout: float = Field(default=600, gt=0)
    start_timeout: float = Field(default=1800, gt=0)
    retries: int = Field(default=8, ge=0)
    backoff: float = Field(default=1.0, gt=0)
    extra: Mapping[str, Any] = Field(default_factory=dict)


class SampleSection(Section):
    """How models answer.

    Attributes:
        engine: A name of `liftmap.sample.ENGINES`.
        template: How a question becomes a prompt: a name of `sample.templates.TEMPLATES`, or a file
            of one's own (few-shot examples, say).
        n: Responses to each test question.
        n_train: Responses to each train question (recipes choose from these).
        n_dev: Responses to each dev question, for each saved step of an arm.
        plan: fixed draws n responses for each question. curtailed draws rounds of `round_size` and
            leaves a question once it has `stop_after` right ones, or n in all: much cheaper, and
            pass@k stays unbiased.
        stop_after: See `plan`.
        round_size: See `plan`.
        temperature: See `SamplingSettings`; likewise `top_p`, `top_k`, `max_tokens`, `seed`,
            `stop`.
        batch_size: The most rows in one forward pass; 0 lets the engine choose.
        device: For the `transformers` engine: cpu, cuda, cuda:1 ...; None takes the best there is.
        dtype: For the `transformers` engine: auto takes the precision that the weights were saved
            in, where the device computes in it.
        shard_responses: About how many responses one shard holds; a kill loses at most one shard.
        server: For the `server` engine.
    """

    engine: str = "transformers"
    template: str = "plain"
    n: int = Field(default=256, ge=1)
    n_train: int = Field(default=256, ge=1)
    n_dev: int = Field(default=32, ge=1)
    plan: Literal["fixed", "curtailed"] = "fixed"
    stop_after: int = Field(default=8, ge=1)
    round_size: int = Field(default=8, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    max_tokens: int = Field(default=512, ge=1)
    seed: int = 0
    stop: tuple[str, ...] = ()
    batch_size: int = Field(default=0, ge=0)
    device: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    shard_responses: int = Field(default=8192, ge=1)
    server: ServerSection = ServerSection()

    def plan_of(self, count: int) -> Plan:
        """The sampling plan that draws at most `count` responses for each question."""
        if self.plan == "fixed":
            return FixedPlan(count)
        return CurtailedPlan(self.stop_after, count, self.round_size)

    def settings(self) -> SamplingSettings:
        """The part of the section that decides what is drawn."""
        return SamplingSettings(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_tokens=self.max_tokens,
            seed=self.seed,
            stop=self.stop,
        )


class VerifySection(Section):
    """How responses are judged.

    Attributes:
        verifier: A name of `liftmap.verify.VERIFIERS`.
        options: Options of the verifier.
        think_end: The text that ends a model's thoughts, where they have no tags that are known;
            a response without it ends while thinking. What comes after it is judged.
    """

    verifier: str = "exact"
    options: Mapping[str, Any] = Field(default_factory=dict)
    think_end: str | None = Field(default=None, min_length=1)


class ResponsesSection(Section):
    """Which responses an arm is trained on.

    Attributes:
        of: Whose right responses: `base`, `teacher` or the name of another arm.
        per_question: At most this many right responses a question.
        matched_with: Another model; each question then gives as many responses as both models can
            give, so that two arms differ in whose responses they saw and in nothing else.
        base_right_at_least: Only questions that the base answered right at least this many times
            out of `sample.n_train`.
    """

    of: str
    per_question: int = Field(default=8, ge=1)
    matched_with: str | None = None
    base_right_at_least: int = Field(default=0, ge=0)


class ArmSection(Section):
    """One way to train, compared with the base.

    Attributes:
        method: A name of `liftmap.train.METHODS` (grpo, sft), or `given`: `model` exists already.
        enabled: Whether the study trains it.
        seeds: Training seeds; each gives a checkpoint.
        model: For `given`: the model to compare.
        responses: For `sft`: the training set.
        reward: For `grpo`: the verifier's verdict, a coin (a control), or whether the response has
            an answer at all (a control).
        trl: Settings passed to TRL's own config class as they are.
    """

    method: str
    enabled: bool = True
    seeds: tuple[int, ...] = Field(default=(1,), min_length=1)
    model: str | None = None
    responses: ResponsesSection | None = None
    reward: Literal["verifier", "random", "format"] = "verifier"
    trl: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_method(self) -> ArmSection:
        if self.method == "given" and self.model is None:
            raise ValueError("method 'given' needs the key 'model': what is compared")
        if self.method != "given" and self.model is not None:
            raise ValueError(f"method {self.method!r} takes no 'model'; only 'given' does")
        if self.method == "given" and self.trl:
            raise ValueError("method 'given' trains nothing and takes no 'trl'; remove the table")
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


class ScoreSection(Section):
    """Log-likelihood of the responses under the base.

    Attributes:
        enabled: Whether the study runs this stage.
        batch_size: The most distinct responses in one forward pass; 0 lets the stage choose.
    """

    enabled: bool = True
    batch_size: int = Field(default=0, ge=0)


class AnalyseSection(Section):
    """How the tables are estimated.

    Attributes:
        level: Coverage of all intervals, in (0, 1).
        resamples: Bootstrap resamples of the questions.
        margin: Equivalence margin of the verdict, as a share (.01 is one point).
        seed: Seed of the bootstrap.
    """

    level: float = Field(default=0.95, gt=0, lt=1)
    resamples: int = Field(default=1000, ge=50)
    margin: float = Field(default=0.01, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)


class StudyConfig(Section):
    """A whole study: base, teacher, task, arms, and how each stage works.

    Attributes:
        name: Title of the report and name of the default folder.
        base: The model that all arms start from.
        teacher: A model whose responses arms may learn from; sampled and verified like any other.
        task: Where the questions come from.
        sample: How models answer.
        verify: How responses are judged.
        trl: Settings of TRL by method (`[trl.sft]`), for all arms of that method; an arm's own
            table `trl` goes before them.
        arms: The arms by name, in the order of the report.
        score: Log-likelihood under the base.
        analyse: How the tables are estimated.
    """

    name: ArmName = "study"
    base: ModelSection
    teacher: ModelSection | None = None
    task: TaskSection
    sample: SampleSection = SampleSection()
    verify: VerifySection = VerifySection()
    trl: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    arms: Mapping[ArmName, ArmSection] = Field(min_length=1)
    score: ScoreSection = ScoreSection()
    analyse: AnalyseSection = AnalyseSection()

    @model_validator(mode="after")
    def _names_exist(self) -> StudyConfig:
        reserved = sorted({BASE, TEACHER} & set(self.arms))
        if reserved:
            raise ValueError(f"an arm can't be called {reserved[0]!r}; rename it")
        if not self.enabled_arms():
            raise ValueError("no arm is enabled; set 'enabled = true' in one of them")
        for name, arm in self.enabled_arms().items():
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
                f"arms.{arm}.responses.{key} is {source!r}, which is no enabled arm. "
                f"{nearest(source, known)}"
            )

    def enabled_arms(self) -> dict[str, ArmSection]:
        """The arms that the study trains, in the file's order."""
        return {name: arm for name, arm in self.arms.items() if arm.enabled}

    def trl_settings(self, name: str) -> dict[str, Any]:
        """What an arm passes to TRL: its method's settings, its own before them."""
        arm = self.arms[name]
        return {**self.trl.get(arm.method, {}), **arm.trl}

    def arm_models(self) -> list[tuple[str, int, str]]:
        """Every checkpoint of the study in the file's order: arm, seed, and the model's name."""
        return [
            (name, seed, model_name(name, seed))
            for name, arm in self.enabled_arms().items()
            for seed in arm.seeds
        ]

    def contrasts(self) -> list[tuple[str, str]]:
        """Pairs of arms matched with each other: they differ in whose responses they saw alone.

        The first of a pair is the one that saw the base's own responses, if one of them did.
        """
        pairs = []
        arms = {n: a.responses for n, a in self.enabled_arms().items() if a.responses is not None}
        for first, one in arms.items():
            for second, other in arms.items():
                crossed = one.matched_with == other.of and other.matched_with == one.of
                if crossed and one.of == BASE != other.of and self._alike(first, second):
                    pairs.append((first, second))
        return pairs

    def _alike(self, first: str, second: str) -> bool:
        """Whether two arms differ in nothing but whose responses they learn from."""
        one, other = (
            (
                self.arms[name].method,
                self.trl_settings(name),
                (self.arms[name].responses or ResponsesSection(of="")).model_copy(
                    update={"of": "", "matched_with": None}
                ),
            )
            for name in (first, second)
        )
        return one == other

    def sources(self, name: str) -> list[str]:
        """The models whose train responses the arm `name` needs (always with the base for sft)."""
        responses = self.arms[name].responses
        if responses is None:
            return []
        wanted = [BASE, responses.of, responses.matched_with]
        return list(dict.fromkeys(source for source in wanted if source is not None))

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


def to_plain(section: Section) -> dict[str, Any]:
    """A section as plain JSON values."""
    plain: dict[str, Any] = json.loads(section.model_dump_json())
    return plain
