"""The words of liftmap as frozen records; every stage reads and writes these.

Stands at the bottom of the flow (tasks -> sample -> verify -> train -> analyse -> report) and
imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FinishReason = Literal["stop", "length", "failed"]
VerdictLabel = Literal["right", "wrong", "unscored"]
Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")
# The reason of a verdict on a response that ends while thinking: it has no answer, and is wrong.
ENDED_WHILE_THINKING = "ended while thinking"
# How the reason of a response begins that exhausted the verifier, and is wrong for it.
NO_COMPARISON = "no comparison in"
# A question of which more responses than this share could not be scored is left out.
MOST_UNSCORED = 0.5
# What a model is asked: a text that it goes on with, or a conversation of {"role", "content"} that
# its chat template puts into words.
Prompt = str | Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a task.

    Attributes:
        question_id: Unique within the task, stable between runs (made from the content).
        text: The question as the task states it, without a prompt template.
        answer: The gold answer that a verifier compares with.
        cluster: Questions of one source share it; they are resampled together. Empty: its own.
        metadata: What the task knows of the question (for the testbed: level, hops, wording ...).
    """

    question_id: str
    text: str
    answer: str
    cluster: str = ""
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How responses are drawn; every field changes what is drawn.

    Attributes:
        temperature: Divides the logits; more than 0.
        top_p: Nucleus mass in (0, 1]; 1 keeps all.
        top_k: The number of likeliest tokens kept; 0 keeps all.
        max_tokens: The most tokens a response may have; one that reaches it is truncated.
        seed: With question_id and response_index it fixes a response's randomness.
        stop: Strings that end a response, beside the model's own end tokens; not in its text.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 512
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """One response of a model to a question.

    Attributes:
        question_id: The question answered.
        response_index: 0 to n-1 among the responses of this model to this question.
        text: The response, without the prompt and without the end token.
        token_ids: The response's tokens, the end token left out; empty if a server keeps them.
        finish_reason: "stop" if the model ended it, "length" if max_tokens cut it (truncated),
            "failed" if the engine got none; it is then unscored.
        log_probability: Natural log of the probability of the tokens (with the end token if there
            is one) under the model itself, at temperature 1 and untruncated; nan if unknown.
        token_count: Tokens of the response; None takes the number of `token_ids`, -1 is unknown.
        reasoning: What a server gives apart from the text as the model's reasoning.
        error: Why it failed, or what was amiss with one that is used (the server went on after a
            stop string, or did not say how it ended); empty otherwise.
    """

    question_id: str
    response_index: int
    text: str
    token_ids: tuple[int, ...]
    finish_reason: FinishReason
    log_probability: float
    token_count: int | None = None
    reasoning: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier says of one response.

    Attributes:
        label: "right"; "wrong" (no answer and an unparsable answer included); or "unscored": the
            failure is ours alone (time-out, crash, broken gold answer), and it leaves n.
        answer: The answer found in the response; empty if there is none.
        reason: Why it is unscored, why no answer was found (`ENDED_WHILE_THINKING` among such
            reasons), or which limit of the verifier a wrong one reached (`NO_COMPARISON`); empty
            otherwise.
    """

    label: VerdictLabel
    answer: str = ""
    reason: str = ""

    @property
    def reward(self) -> float | None:
        """1 for right, 0 for wrong, None for unscored; the reward of reinforcement learning."""
        return {"right": 1.0, "wrong": 0.0, "unscored": None}[self.label]


@dataclass(frozen=True, slots=True)
class FixedPlan:
    """The sampling plan that draws `count` responses for each question."""

    count: int

    @property
    def most(self) -> int:
        """The most scored responses that a question gets."""
        return self.count

    @property
    def stops_early(self) -> bool:
        """Whether n tells of the outcomes: never."""
        return False

    def supported(self, n: NDArray[np.int64]) -> NDArray[np.int64]:
        """The most tries k that each question of these n supports: its n."""
        return n

    def tries(self, n: NDArray[np.int64]) -> int:
        """The most tries k that every question of these n supports; n has one question or more."""
        return int(n.min())


@dataclass(frozen=True, slots=True)
class CurtailedPlan:
    """The sampling plan that stops early on easy questions.

    Rounds of `round_size` scored responses; a question stops at the end of a round once it has
    `stop_after` right ones, or at `cap` responses.
    """

    stop_after: int
    cap: int
    round_size: int

    @property
    def most(self) -> int:
        """The most scored responses that a question gets."""
        return self.cap

    @property
    def stops_early(self) -> bool:
        """Whether n tells of the outcomes: always, since right responses end the drawing."""
        return True

    def supported(self, n: NDArray[np.int64]) -> NDArray[np.int64]:
        """The most tries k that each question supports: the cap, however early it stopped."""
        return 0 * n + self.cap

    def tries(self, n: NDArray[np.int64]) -> int:
        """The most tries k that every question supports: the cap, however early it stopped."""
        return self.cap


@dataclass(frozen=True, slots=True)
class MirroredPlan(CurtailedPlan):
    """A curtailed plan where c counts the wrong responses: right ones end the drawing.

    With it pass@k of the wrong responses is what pass^k is made of: of k responses all are right
    where none is wrong.
    """

    @property
    def earliest_end(self) -> int:
        """The fewest responses that a question gets: if all of them are right."""
        return min(self.cap, -(-self.stop_after // self.round_size) * self.round_size)

    def supported(self, n: NDArray[np.int64]) -> NDArray[np.int64]:
        """The most tries k that each question supports: more right ones in a row are never seen."""
        return 0 * n + self.earliest_end

    def tries(self, n: NDArray[np.int64]) -> int:
        """The most tries k that every question supports."""
        return self.earliest_end


Plan = FixedPlan | CurtailedPlan


def plan_from(settings: Mapping[str, int]) -> Plan:
    """The plan of a response set, from the key `plan` of its settings."""
    return CurtailedPlan(**settings) if "cap" in settings else FixedPlan(**settings)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """The counts of one side, a row each: what the statistics read.

    A row is a question, or stands for all questions with the same counts.

    Attributes:
        n: Shape (rows,): scored responses (right or wrong).
        c: Shape (rows,): right responses, 0 to n.
        plan: How the responses were drawn; None when unknown (taken as fixed).
    """

    n: NDArray[np.int64]
    c: NDArray[np.int64]
    plan: Plan | None = None

    @property
    def stops_early(self) -> bool:
        """Whether n tells of the outcomes, as under a curtailed plan."""
        return self.plan is not None and self.plan.stops_early

    @property
    def supported(self) -> NDArray[np.int64]:
        """Shape (rows,): the most tries k that each row supports."""
        return self.n if self.plan is None else self.plan.supported(self.n)

    @property
    def most(self) -> int:
        """The most responses that a row has or could have had, 1 at least; bins are out of it."""
        return self.plan.most if self.plan is not None else max(1, int(self.n.max(initial=1)))

    @property
    def most_tries(self) -> int:
        """The most tries k that every row supports; there is one row or more."""
        return int(self.n.min()) if self.plan is None else self.plan.tries(self.n)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts per question: the input of all statistics. All arrays have shape (questions,).

    Attributes:
        question_ids: Strings, unique.
        n: Scored responses (right or wrong), at least 0.
        c: Right responses, 0 to n.
        unscored: Responses that we failed to score; not in n.
        truncated: Responses cut by the token limit; they are in n.
        cluster: Cluster label of each question, or None when every question is its own.
        plan: How the responses were drawn; None when unknown (taken as fixed).
        exhausted: Responses that exhausted the verifier's time or memory; they are in n, as wrong,
            though one of them may be right. None where the source does not say: taken as none.
    """

    question_ids: NDArray[np.str_]
    n: NDArray[np.int64]
    c: NDArray[np.int64]
    unscored: NDArray[np.int64]
    truncated: NDArray[np.int64]
    cluster: NDArray[np.str_] | None = None
    plan: Plan | None = None
    exhausted: NDArray[np.int64] | None = None

    @property
    def counts(self) -> Counts:
        """The counts alone, a row a question."""
        return Counts(self.n, self.c, self.plan)

    @property
    def most_tries(self) -> int:
        """The most tries k that every question supports; there is one question or more."""
        return self.counts.most_tries

    @property
    def has_doubtful(self) -> bool:
        """Whether any response is unscored or exhausted the verifier, so that a range is due."""
        return bool(self.unscored.any() or (self.exhausted is not None and self.exhausted.any()))

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Shape (questions,): whether at most `MOST_UNSCORED` of the responses are unscored.

        False too where a question has no response at all.
        """
        return self.n > MOST_UNSCORED * (self.n + self.unscored)

    def subset(self, rows: NDArray[np.int64]) -> Tally:
        """The tally of some of its questions, in the order of `rows`."""
        return replace(
            self,
            question_ids=self.question_ids[rows],
            n=self.n[rows],
            c=self.c[rows],
            unscored=self.unscored[rows],
            truncated=self.truncated[rows],
            cluster=None if self.cluster is None else self.cluster[rows],
            exhausted=None if self.exhausted is None else self.exhausted[rows],
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        estimate: The point estimate.
        low: Lower end of the interval.
        high: Upper end of the interval.
        range: What the data do not fix (identification range), where that is wider than sampling
            error can say; None otherwise.
    """

    estimate: float
    low: float
    high: float
    range: tuple[float, float] | None = None

    @property
    def whole(self) -> Estimate:
        """The same with the interval widened to the range: all that the figure may be."""
        least, most = self.range or (self.low, self.high)
        return Estimate(self.estimate, min(self.low, least), max(self.high, most))

    def to_dict(self) -> dict[str, object]:
        """The public JSON form: estimate, low, high, and range where there is one."""
        out: dict[str, object] = {"estimate": self.estimate, "low": self.low, "high": self.high}
        if self.range is not None:
            out["range"] = list(self.range)
        return out


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before, after, and its change.

    Attributes:
        before: The figure before.
        after: The figure after.
        change: After minus before, paired by question.
    """

    before: Estimate
    after: Estimate
    change: Estimate


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
class Checkpoint:
    """A trained model on disk.

    Attributes:
        arm: The arm that made it.
        seed: The training seed.
        path: An ordinary Hugging Face folder.
        step: The optimiser step chosen on the dev questions.
    """

    arm: str
    seed: int
    path: str
    step: int
