"""The parts of a comparison as records: points of a curve, moves, matrices, advice, provenance.

Bottom of `comparison`: `figures`, `fitted` and `guidance` make these, `result` holds them, `tables`
and `words` show them. They hold facts; sentences are made in `words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from liftmap.records import Change, Estimate, Plan
from liftmap.stats.bins import Bins

Matrix = tuple[tuple[float, ...], ...]
# What a figure is about: questions like these (others could be asked), or these very questions
# (other responses to them could be drawn).
QuestionsAre = Literal["like-these", "fixed"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What one side of a comparison was made from.

    Attributes:
        name: As the user named it.
        format: The reader that knew it (a key of `liftmap.read.READERS`), or "matrix".
        plan: How the responses were drawn; None when unknown (taken as fixed).
        responses: Fewest and most scored responses of a compared question; None where unknown.
        digest: Fingerprint of the input; None where none was taken.
    """

    name: str
    format: str = ""
    plan: Plan | None = None
    responses: tuple[int, int] | None = None
    digest: str | None = None


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
    """

    n: int
    observed: int
    noise: Estimate | None = None
    excess: Estimate | None = None
    gross: Estimate | None = None


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
class Guidance:
    """One piece of advice; `words.advice` says it in a sentence.

    Attributes:
        kind: lost, distil, rlvr, saturated or samples.
        evidence: The figures behind it; estimates, whole numbers, or lists of records of them.
        questions: The ids behind it, the most telling first; empty where it is about all questions
            or where questions have no ids.
    """

    kind: str
    evidence: Mapping[str, Any]
    questions: tuple[str, ...] = ()
