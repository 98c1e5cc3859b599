"""The settings of each stage, one section a stage, each field described where it stands.

Below every stage. `config` puts the sections together into a study, and the command line makes its
options, with their help, of the same fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from liftmap.records import CurtailedPlan, FixedPlan, Plan, SamplingSettings

# At so many steps beside its start a training is watched, unless it is said which.
TRACKED = 10


class Section(BaseModel):
    """A part of the study file; unknown keys are errors, values can't change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSection(Section):
    """A model that exists already."""

    model: str
    """A hub id, a Hugging Face folder, a .gguf file, testbed:base, testbed:teacher, or for the
    scripted engine success rates, as scripted:0,0.05,0.5,0.95."""


class TaskSection(Section):
    """Where the questions come from."""

    name: str
    """A task or a preset; see docs/tasks.md."""
    options: Mapping[str, Any] = Field(default_factory=dict)
    """Options of the task for all three splits."""
    train: Mapping[str, Any] = Field(default_factory=dict)
    """Further options of the train questions: arms train on these."""
    dev: Mapping[str, Any] = Field(default_factory=dict)
    """Further options of the dev questions: checkpoints are chosen on these."""
    test: Mapping[str, Any] = Field(default_factory=dict)
    """Further options of the test questions: everything reported is measured on these."""


class AskingSection(Section):
    """A section whose fields are options of the command line too.

    What stands below a field is then also at hand at run time, as the option's help. (For every
    section that would make each start .06 s slower.)
    """

    model_config = ConfigDict(use_attribute_docstrings=True)


class ServerSection(AskingSection):
    """How the `server` engine reaches an OpenAI-compatible server.

    Of these only `endpoint` and `extra` change what is asked.
    """

    urls: tuple[str, ...] = ()
    """Where a server of the model answers, as http://localhost:8000/v1; several share the load."""
    launch: str | None = None
    """A command that serves the model, run for as long as it is needed, as "vllm serve {model}
    --port {port}"; instead of URLs."""
    endpoint: Literal["chat", "completions"] | None = None
    """The server's endpoint; by default what the template makes: a conversation or a text."""
    key_variable: str = "OPENAI_API_KEY"
    """The environment variable that holds the server's key; your own servers need none."""
    requests: int = Field(default=32, ge=1, le=1000)
    """Requests in flight for each server."""
    per_request: int = Field(default=0, ge=0)
    """The most responses that one request asks for; 0 lets the engine find out."""
    log_probabilities: bool = True
    """Ask the server for the tokens' log-probabilities."""
    timeout: float = Field(default=600, gt=0)
    """Seconds that one request may take."""
    start_timeout: float = Field(default=1800, gt=0)
    """Seconds that a launched server may take until it answers."""
    retries: int = Field(default=8, ge=0)
    """How often a failed request is sent again before the engine gives up."""
    backoff: float = Field(default=1.0, gt=0)
    """Seconds before a failed request is sent again; doubled each time, up to a minute."""
    extra: Mapping[str, Any] = Field(default_factory=dict)
    """A further field of each request, passed on as it is."""


class SampleSection(AskingSection):
    """How models answer."""

    engine: str = "transformers"
    """transformers, server or scripted; see docs/sampling.md."""
    template: str = "plain"
    """How a question becomes a prompt: plain, chat, step-by-step, qwen-math, or a file of your own,
    with few-shot examples for instance."""
    n: int = Field(default=256, ge=1)
    """Responses to each question (in a study: to each test question); under the curtailed plan the
    most."""
    n_train: int = Field(default=256, ge=1)
    """Responses to each train question of a study; recipes choose from these."""
    n_dev: int = Field(default=32, ge=1)
    """Responses to each dev question of a study, for each saved step of an arm."""
    plan: Literal["fixed", "curtailed"] = "fixed"
    """fixed draws all responses to each question; curtailed draws rounds and leaves a question once
    it has enough right ones: much cheaper, and pass@k stays unbiased."""
    stop_after: int = Field(default=8, ge=1)
    """Right responses after which the curtailed plan leaves a question."""
    round_size: int = Field(default=8, ge=1)
    """Responses of one round of the curtailed plan."""
    temperature: float = Field(default=1.0, gt=0)
    """Divides the logits."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Nucleus mass; 1 keeps all."""
    top_k: int = Field(default=0, ge=0)
    """The number of likeliest tokens kept; 0 keeps all."""
    max_tokens: int = Field(default=512, ge=1)
    """The most tokens of a response; one that reaches it is truncated."""
    seed: int = 0
    """Fixes every response's randomness."""
    stop: tuple[str, ...] = ()
    """A string that ends a response, beside the model's own end tokens; not in its text."""
    batch_size: int = Field(default=0, ge=0)
    """The most rows in one forward pass; 0 lets the engine choose."""
    device: str | None = None
    """For the transformers engine: cpu, cuda, cuda:1 ...; by default the best there is."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """For the transformers engine: the precision; auto takes the one that the weights were saved
    in, where the device computes in it."""
    shard_responses: int = Field(default=8192, ge=1)
    """About how many responses one shard holds; a kill loses at most one shard."""
    server: ServerSection = ServerSection()
    """For the server engine."""

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
    """How responses are judged."""

    verifier: str = "exact"
    """A verifier; see docs/verifiers.md."""
    options: Mapping[str, Any] = Field(default_factory=dict)
    """Options of the verifier."""
    think_end: str | None = Field(default=None, min_length=1)
    """The text that ends a model's thoughts, where they have no tags that are known; a response
    without it ends while thinking."""


class TrackSection(Section):
    """When a model in training answers dev questions, and how many times.

    The start and the end of the training are always among the steps.
    """

    every: int | None = Field(default=None, ge=1)
    """Answers after each so many optimiser steps; by default, and without `steps`, so many that the
    training is watched at `TRACKED` steps beside its start."""
    steps: tuple[int, ...] = ()
    """Answers after these optimiser steps."""
    questions: int = Field(default=100, ge=2)
    """The most questions that are asked: the first of the dev questions."""
    n: int = Field(default=16, ge=2)
    """The most responses to each of them."""
    stop_after: int = Field(default=4, ge=1)
    """Right responses after which a question is left: the plan is the curtailed one."""
    round_size: int = Field(default=4, ge=1)
    """Responses of one round."""

    def steps_until(self, last: int) -> list[int]:
        """The steps of a training of `last` steps, in order.

        Raises:
            ValueError: One of `steps` lies outside the training.
        """
        beyond = [step for step in self.steps if not 0 <= step <= last]
        if beyond:
            raise ValueError(f"the training has the steps 0 to {last}; {beyond} are not among them")
        every = self.every or (None if self.steps else max(1, -(-last // TRACKED)))
        regular = range(0, last + 1, every) if every else ()
        return sorted({0, last, *self.steps, *regular})


class ScoreSection(Section):
    """Log-likelihood of the responses under the base."""

    enabled: bool = True
    """Whether the study runs this stage."""
    batch_size: int = Field(default=0, ge=0)
    """The most distinct responses in one forward pass; 0 lets the stage choose."""


class AnalyseSection(Section):
    """How the tables are estimated."""

    level: float = Field(default=0.95, gt=0, lt=1)
    """Coverage of all intervals."""
    resamples: int = Field(default=1000, ge=50)
    """Bootstrap resamples of the questions."""
    law_resamples: int = Field(default=50, ge=0)
    """Bootstrap refits of the joint law of success rates, for each arm against the base; with 0 the
    noise, excess and gross figures at k = n are not shown. One refit is too few."""
    margin: float = Field(default=0.01, gt=0, lt=1)
    """Equivalence margin of the verdict, as a share: 0.01 is one point."""
    seed: int = Field(default=0, ge=0)
    """Seed of the bootstrap."""
    questions: Literal["like-these", "fixed"] = "like-these"
    """What leads: figures on questions like these (others could be asked), or on these very ones
    (other responses could be drawn; capability at half of them). Both are always there."""

    min_responses: int | None = Field(default=None, ge=1)
    """Questions asked fewer times are left out; by default half of the median."""

    @field_validator("law_resamples")
    @classmethod
    def _none_or_several(cls, value: int) -> int:
        if value == 1:
            raise ValueError("one refit gives no interval; take 0, or 2 or more such as 50")
        return value


def to_plain(section: Section) -> dict[str, Any]:
    """A section as plain JSON values."""
    plain: dict[str, Any] = json.loads(section.model_dump_json())
    return plain
