"""The parts of a comparison as records: points of a curve, moves, matrices, advice, provenance.

Bottom of `comparison`: `figures`, `fitted` and `guidance` make these, `result` holds them, `tables`
and `words` show them. They hold facts; sentences are made in `words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from liftmap.records import Change, Estimate, FixedPlan, Plan
from liftmap.stats.bins import Bins
from liftmap.stats.law.estimates import Cover
from liftmap.stats.law.floor import Floor
from liftmap.stats.support import Support
from liftmap.stats.verdict import Conclusion, Withheld

Matrix = tuple[tuple[float, ...], ...]
# What a figure is about: questions like these (others could be asked), or these very questions
# (other responses to them could be drawn).
QuestionsAre = Literal["like-these", "fixed"]

# What a rule is about, and how it is answered.
Figure = Literal["accuracy", "pass@k", "lost"]
Answered = Literal["passed", "failed", "can't tell"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What one side of a comparison was made from.

    Attributes:
        name: What the side is called; never a local path.
        path: Where it was read, as the user gave it; None for what was not read from a file.
        format: The reader that knew it (a key of `liftmap.read.READERS`), or "matrix".
        model: The model, where the source says which.
        digest_of_counts: SHA-256 of all counts that were read; None for a matrix.
        digest_of_file: SHA-256 of the file; None where the source is not a single file.
        settings: How the responses were drawn, where the source says it.
        responses: What was compared; None until the sides are matched.
    """

    name: str
    path: str | None = None
    format: str = ""
    model: str | None = None
    digest_of_counts: str | None = None
    digest_of_file: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    responses: ComparedResponses | None = None

    def to_dict(self) -> dict[str, Any]:
        """The public JSON form."""
        compared = self.responses
        return {
            "name": self.name,
            "path": self.path,
            "format": self.format,
            "model": self.model,
            "digest": {"counts": self.digest_of_counts, "file": self.digest_of_file},
            "plan": None if compared is None else plan_to_dict(compared.plan),
            "responses": None if compared is None else compared.scored,
            "unscored": None if compared is None else compared.unscored,
            "truncated": None if compared is None else compared.truncated,
            "n": None
            if compared is None
            else dict(zip(("least", "median", "most"), compared.n, strict=True)),
            "settings": dict(self.settings),
        }


@dataclass(frozen=True, slots=True)
class ComparedResponses:
    """The responses of one side to the questions that are compared.

    Attributes:
        plan: How they were drawn; None when unknown (taken as fixed).
        scored: How many are right or wrong.
        unscored: How many could not be scored; None where it is unknown.
        truncated: How many of the scored ones were cut by the token limit; None likewise.
        n: Least, median and most scored responses of a question.
    """

    plan: Plan | None
    scored: int
    unscored: int | None
    truncated: int | None
    n: tuple[int, float, int]


def plan_to_dict(plan: Plan | None) -> dict[str, Any] | None:
    """A sampling plan as plain values; None where it is unknown."""
    if plan is None:
        return None
    if isinstance(plan, FixedPlan):
        return {"kind": "fixed", "count": plan.count}
    return {
        "kind": "curtailed",
        "stop_after": plan.stop_after,
        "cap": plan.cap,
        "round_size": plan.round_size,
    }


@dataclass(frozen=True, slots=True)
class CurvePoint(Change):
    """pass@k before and after at one number of tries, shares of 1.

    Attributes:
        k: Number of tries.
        band: Ends of the band that holds the change at all k at once; None where it is unknown.
        extrapolated: Whether k is beyond the responses, so that the law alone speaks.
        other: The same on the estimand that does not lead; None where it can't be had.
    """

    k: int
    band: tuple[float, float] | None = None
    extrapolated: bool = False
    other: Change | None = None


@dataclass(frozen=True, slots=True)
class Transitions:
    """Numbers of questions by bin before (rows) and bin after (columns), hardest first.

    Attributes:
        bins: The bins, of right responses out of their n.
        raw: All responses counted, noise included.
        half: Half of the before-responses to half of the after-responses; the bins are the same
            shares of `half_n`. None where a question has fewer than two responses.
        noise: Half of the before-responses to as many others of them: nothing was trained.
        corrected: By success rates instead of counts, from the joint law.
        half_n: Responses in each half; None where there is no half.
    """

    bins: Bins
    raw: Matrix
    half: Matrix | None
    noise: Matrix | None
    corrected: Matrix
    half_n: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Something that speaks against independent draws, or against a fair comparison.

    Attributes:
        kind: What it is; `check_words.check_text` says it in a sentence.
        side: Which side it is about.
        chance: Its chance under independent draws, at most; None where it is no matter of chance.
        evidence: The figures behind it.
    """

    kind: Literal[
        "same responses",
        "same file",
        "deterministic",
        "copies",
        "n by outcome",
        "few clusters",
        "repeated texts",
        "temperature 0",
        "settings",
        "prompts",
    ]
    side: Literal["before", "after", "both"]
    chance: float | None
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FloorAtN:
    """What the figures of the law come to where nothing changed; in questions.

    Attributes:
        excess: Of the excess.
        gross: Of the gross part.
        data_sets: Number of data sets drawn from a law in which nothing changed.
    """

    excess: Floor
    gross: Floor
    data_sets: int


@dataclass(frozen=True, slots=True)
class McNemar:
    """Whether a question is as likely to be lost as gained at k = n.

    Attributes:
        p: Two-sided p-value.
        method: How it was made: by questions, or by clusters where there are any.
    """

    p: float
    method: Literal["exact", "sign flips of clusters"]


@dataclass(frozen=True, slots=True)
class MovesAtN:
    """Questions that went one way at k = n; all figures in questions.

    Attributes:
        n: Number of tries: the responses of every question on both sides, or the cap of their plan.
        observed: Questions with a right response on one side and none on the other.
        noise: How many there would be if nothing had changed, by the law. None, with the next two,
            where the law was not refitted to resamples.
        excess: Observed less noise: a net figure.
        gross: The excess from questions that became harder (lost) or easier (gained) alone, by the
            law.
        floor: What excess and gross part come to where nothing changed.
    """

    n: int
    observed: int
    noise: Estimate | None = None
    excess: Estimate | None = None
    gross: Estimate | None = None
    floor: FloorAtN | None = None


@dataclass(frozen=True, slots=True)
class Moves:
    """Questions that went one way: lost or gained.

    Attributes:
        k: Number of tries; None where there are too few responses.
        estimate: Number of questions that moved, at k tries.
        noise: The number that two batches from the model before would show.
        excess: Estimate less noise; a net figure, below 0 where answers became steadier.
        at_n: The same with all n responses; None where n differs.
    """

    k: int | None
    estimate: Estimate | None
    noise: Estimate | None
    excess: Estimate | None
    at_n: MovesAtN | None


@dataclass(frozen=True, slots=True)
class Rule:
    """What is required of one figure.

    Attributes:
        figure: accuracy or pass@k, changes in points; lost, questions lost beyond noise.
        k: Number of tries of pass@k; 1 for accuracy, None for lost.
        sign: Whether the figure has to be at least or at most the bound.
        bound: In points, or questions.
    """

    figure: Figure
    k: int | None
    sign: Literal[">=", "<="]
    bound: float

    @property
    def text(self) -> str:
        """As it is written: `pass@16 >= -1`."""
        name = f"pass@{self.k}" if self.figure == "pass@k" else self.figure
        return f"{name} {self.sign} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A rule with its evidence.

    Attributes:
        rule: The rule.
        word: passed, where the whole interval keeps the rule; failed, where all of it breaks it;
            else can't tell.
        evidence: The figure in the units of the rule, with the interval that the word rests on;
            None where it can't be had.
        missing: Why there is no evidence, or why it can't be trusted; None where it can.
    """

    rule: Rule
    word: Answered
    evidence: Estimate | None
    missing: Withheld | Literal["k", "noise"] | None = None


@dataclass(frozen=True, slots=True)
class Guidance:
    """One piece of advice; `words.advice` says it in a sentence.

    Attributes:
        kind: lost, distil, rlvr, saturated or samples.
        evidence: The figures behind it; estimates, whole numbers, or lists of records of them.
        questions: The ids behind it, the most telling first; empty where it is about all questions
            or where questions have no ids.
        for_training: Whether it says what to train on next: only on train questions.
    """

    kind: str
    evidence: Mapping[str, Any]
    questions: tuple[str, ...] = ()
    for_training: bool = False


@dataclass(frozen=True, slots=True)
class GroupGradient:
    """The share of GRPO groups with right and wrong responses, which alone give a gradient.

    Attributes:
        size: Responses in a group.
        before: The share before.
        after: The share after.
    """

    size: int
    before: Estimate
    after: Estimate


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures beside accuracy and capability.

    Attributes:
        cover: Cover@tau by the law, for several tau; empty where the law was not refitted.
        groups: GRPO groups with a gradient, by size; empty likewise.
        support: Questions kept, gained, lost and never there; None with one response a question.
        guess_rate: Before: the share of questions solved if golds are shuffled among them; None
            where answers or golds are unknown.
        answer_entropy: Before: mean entropy of the answers to a question, in nats; None where
            answers are unknown.
    """

    cover: tuple[Cover, ...] = ()
    groups: tuple[GroupGradient, ...] = ()
    support: Support | None = None
    guess_rate: Estimate | None = None
    answer_entropy: Estimate | None = None


@dataclass(frozen=True, slots=True)
class EqualBudget(Change):
    """pass@k of both models for the same expected tokens a question, shares of 1.

    Attributes:
        tokens: The budget.
        k_before: Tries that it pays before; pass@k is interpolated in log k between whole numbers.
        k_after: Tries that it pays after.
    """

    tokens: float
    k_before: float
    k_after: int


@dataclass(frozen=True, slots=True)
class EqualTokens:
    """What the two models solve for the same tokens.

    Attributes:
        questions: Questions whose tokens are known on both sides.
        cost: Mean tokens of a response, averaged over questions: before, after, and their change.
        budgets: The comparison at each budget, rising; empty where no budget is within both curves.
    """

    questions: int
    cost: Change
    budgets: tuple[EqualBudget, ...]


@dataclass(frozen=True, slots=True)
class NullContrast:
    """One of the three changes between before, null and after.

    Attributes:
        name: From what to what.
        accuracy: pass@1 of the two.
        capability: pass@k at the largest k that all three support; k is 1 where that is all.
        verdict: The words of both.
    """

    name: str
    accuracy: CurvePoint
    capability: CurvePoint
    verdict: Conclusion


@dataclass(frozen=True, slots=True)
class NullComparison:
    """What something cheaper than training does, beside what training did.

    Attributes:
        null: What the null was made from.
        questions: Questions that before, null and after all answered.
        contrasts: before to after, before to null, null to after.
        reached: The null's change of accuracy as a share of training's; None where that is not
            clearly other than 0.
        warnings: What has to be known of the null's source.
    """

    null: Provenance
    questions: int
    contrasts: tuple[NullContrast, NullContrast, NullContrast]
    reached: Estimate | None
    warnings: tuple[str, ...] = ()
