"""What is said of a source's responses under a model, as frozen records and as JSON.

The end of the flow of `scoring`: `source_score.score` fills it, `report.scored_terminal` shows it,
docs/scoring.md defines its fields.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from liftmap.records import Change, Estimate
from liftmap.scoring.asked_responses import PromptsFrom
from liftmap.scoring.divergence import Doubt
from liftmap.store import SourceSide

SCHEMA = 1
VerdictGroup = Literal["all", "right", "wrong"]
EntropyKind = Literal["exact", "sampled"]


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """A model that the responses were scored under.

    Attributes:
        name: As the user named it.
        engine: "transformers" (in this process) or "server".
        weights: What tells it from others.
        counts_end: Whether the end of a response counts as a token.
    """

    name: str
    engine: str
    weights: Mapping[str, Any]
    counts_end: bool


@dataclass(frozen=True, slots=True)
class ScoredSource:
    """The responses that were scored.

    Attributes:
        source: As the user named it.
        format: The reader that knew it.
        side: "source", or "other": the responses of the other model.
        model: Who gave them, where the source says it.
        prompts_from: Where the prompts come from.
        template: What made them.
        sampling: How responses were drawn, as far as the source says.
        responses: How many there are.
        scored: How many have a score under every model.
        left_out: How many have none, by the reason.
        retokenised: How many have another number of tokens than the source says, and how many it
            says one of.
        doubts: Why a difference of log-likelihoods on them is not called KL; empty where it is.
    """

    source: str
    format: str
    side: SourceSide
    model: str | None
    prompts_from: PromptsFrom
    template: str
    sampling: Mapping[str, Any]
    responses: int
    scored: int
    left_out: Mapping[str, int]
    retokenised: tuple[int, int]
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class LikelihoodRow:
    """How likely a model finds a group of responses.

    Attributes:
        verdict: Which responses: all, the right or the wrong ones.
        bin: The bin of difficulty by its counts; None: all questions.
        responses: How many.
        questions: Questions that they belong to.
        log_likelihood: Mean natural log-probability per token, at most 0: of each response, then
            each question, then all. None where there is no response; ends are nan with fewer than
            five questions.
        perplexity: e to the minus of that.
        entropy: Mean over tokens of the entropy of the model's next-token distribution, in nats;
            None from a server.
    """

    verdict: VerdictGroup
    bin: str | None
    responses: int
    questions: int
    log_likelihood: Estimate | None
    perplexity: Estimate | None
    entropy: Estimate | None


@dataclass(frozen=True, slots=True)
class LikelihoodTable:
    """How likely one model finds the responses of one source.

    Attributes:
        side: Whose responses.
        under: The model.
        rows: The groups.
    """

    side: SourceSide
    under: str
    rows: tuple[LikelihoodRow, ...]


@dataclass(frozen=True, slots=True)
class DivergenceRow:
    """How much likelier the model that drew some responses finds them than another does.

    Attributes:
        bin: The bin of difficulty by its counts; None: all questions.
        responses: How many.
        questions: Questions that they belong to.
        k1_response: Estimate k1 of a whole response, in nats.
        k1_token: The same divided by the mean number of tokens.
        k3_response: Estimate k3, summed over the tokens of a response; None where the tokens of
            both models are not known one by one, or not the same.
        k3_token: The same divided by the mean number of tokens.
    """

    bin: str | None
    responses: int
    questions: int
    k1_response: Estimate | None
    k1_token: Estimate | None
    k3_response: Estimate | None
    k3_token: Estimate | None


@dataclass(frozen=True, slots=True)
class Divergence:
    """One direction of the divergence of two models.

    Attributes:
        side: Whose responses it was estimated on.
        drawn_from: The model that drew them.
        under: The other model.
        recorded: Whether the drawing model's log-probabilities are those that the source recorded.
        doubts: Why it is a likelihood difference and not the KL divergence of `drawn_from` from
            `under`; empty where it is that.
        rows: All questions, then each bin.
    """

    side: SourceSide
    drawn_from: str
    under: str
    recorded: bool
    doubts: tuple[Doubt, ...]
    rows: tuple[DivergenceRow, ...]

    @property
    def is_kl(self) -> bool:
        """Whether it estimates the KL divergence."""
        return not self.doubts


@dataclass(frozen=True, slots=True)
class SampledEntropy:
    """The entropy of a model per token, from how likely it found its own responses.

    Attributes:
        model: The model.
        side: Its responses.
        responses: How many.
        entropy: Minus the mean log-probability per token of responses drawn from the model's own
            distribution, in nats.
    """

    model: str
    side: SourceSide
    responses: int
    entropy: Estimate | None


@dataclass(frozen=True, slots=True)
class RangeRow:
    """Share of responses that lie within the range of the other model's own.

    Attributes:
        verdict: Which responses of the source.
        bin: The bin of difficulty by its counts; None: all questions.
        responses: How many.
        questions: Questions that they belong to.
        share: The share of 1, of each question, then the mean.
    """

    verdict: VerdictGroup
    bin: str | None
    responses: int
    questions: int
    share: Estimate | None


@dataclass(frozen=True, slots=True)
class WithinRange:
    """Were the responses of the source in the other model's distribution?

    A response lies within the range unless its log-likelihood per token under the other model is
    among the lowest `tail` of those of that model's own responses to the same question, itself
    counted among them.

    Attributes:
        tail: The share of a model's own responses that would lie outside, at most.
        least: Responses of the other model that a question needs.
        questions_left_out: Questions of the source with fewer.
        rows: The groups.
    """

    tail: float
    least: int
    questions_left_out: int
    rows: tuple[RangeRow, ...]


@dataclass(frozen=True, slots=True)
class RightCompared:
    """Log-likelihood per token under the model of right responses of both, on shared questions.

    Attributes:
        questions: Questions to which both gave right responses.
        change: Before: the other model's own; after: the source's.
    """

    questions: int
    change: Change


@dataclass(frozen=True, slots=True)
class SourceScoring:
    """Everything that `score` says.

    Attributes:
        under: The model that `--under` names.
        own: The model that gave the responses, where it was named.
        sources: The responses that were scored: the source's, then the other model's.
        questions: Questions with scored responses of the source.
        bins_of: The results whose counts made the bins of difficulty; None: the source's own.
        likelihoods: A table for each source and model.
        divergences: One for each direction that can be had.
        sampled_entropies: Of each model whose own responses are there.
        within_range: None without responses of the other model, or with too few.
        right_compared: None without responses of the other model, or common questions.
        level: Coverage of the intervals.
        resamples: Bootstrap resamples of the questions.
        seed: Seed of the bootstrap.
        folder: Where the scores of every response lie; None where they were not kept.
        warnings: What a reader has to know.
    """

    under: ScoredModel
    own: ScoredModel | None
    sources: tuple[ScoredSource, ...]
    questions: int
    bins_of: str | None
    likelihoods: tuple[LikelihoodTable, ...]
    divergences: tuple[Divergence, ...]
    sampled_entropies: tuple[SampledEntropy, ...]
    within_range: WithinRange | None
    right_compared: RightCompared | None
    level: float
    resamples: int
    seed: int
    folder: str | None
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The public form as plain values; docs/scoring.md defines every field."""
        return {"schema": SCHEMA, **{name: _plain(getattr(self, name)) for name in self.__slots__}}

    def to_json(self, indent: int | None = 2) -> str:
        """The public form as text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    """A record as plain values: its fields by name, nan as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Estimate):
        return {"estimate": value.estimate, "low": _plain(value.low), "high": _plain(value.high)}
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, Divergence):
        fields = {name: _plain(getattr(value, name)) for name in value.__slots__}
        return {"estimates": "KL" if value.is_kl else "likelihood difference", **fields}
    if hasattr(value, "__slots__") and not isinstance(value, str):
        return {name: _plain(getattr(value, name)) for name in value.__slots__}
    return value
