"""The response analyses of a pair as records and as plain values; they hold facts.

Bottom of the response analyses: `response_analyses` makes these, `result` holds them,
`response_tables` and `response_words` show them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from liftmap.comparison.response_figures import Unit
from liftmap.records import Estimate

Side = Literal["before", "after"]
SIDES: tuple[Side, Side] = ("before", "after")
Verdict = Literal["right", "wrong", "all"]
NoteKind = Literal[
    "no texts",
    "unreadable",
    "some texts",
    "tokens unknown",
    "truncation unknown",
    "answers unknown",
    "no thoughts",
    "curtailed",
    "few responses",
    "unequal n",
]


@dataclass(frozen=True, slots=True)
class ResponseNote:
    """What could not be told of the responses, or only in part.

    Attributes:
        kind: Which of these.
        side: The side that it is about; None for both.
        evidence: The figures behind it.
        reason: Why texts can't be read.
    """

    kind: NoteKind
    side: Side | None = None
    evidence: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResponseFigure:
    """One figure of responses before, after, and its change; an end that is nan is not known.

    Attributes:
        before: The figure before; None where no response tells it.
        after: The figure after.
        change: After minus before, questions paired; None where either is.
    """

    before: Estimate | None
    after: Estimate | None
    change: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """The public JSON form."""
        return {name: _plain(getattr(self, name)) for name in ("before", "after", "change")}


@dataclass(frozen=True, slots=True)
class ResponseGroup:
    """The responses to the questions of one bin that have one verdict.

    Attributes:
        label: Bin of difficulty before, as right responses before; "all" for all questions.
        verdict: right, wrong, or all (of these two).
        responses: Number of responses before and after.
        figures: The figures by measure; see `response_figures.measures_of`, and distinct.
    """

    label: str
    verdict: Verdict
    responses: tuple[int, int]
    figures: Mapping[str, ResponseFigure]


@dataclass(frozen=True, slots=True)
class Indicator:
    """How well one indicator tells right from wrong responses to the same question.

    Attributes:
        name: The indicator.
        questions: Number of questions with both right and wrong responses, before and after.
        auc: The mean over these questions of the chance that a right response has the higher value.
    """

    name: str
    questions: tuple[int, int]
    auc: ResponseFigure


@dataclass(frozen=True, slots=True)
class ResponseAnalyses:
    """What the texts say of the responses of both sides.

    Attributes:
        missing: The sides without texts that can be read; nothing else is then known.
        unit: What length is counted in.
        tokenizer: The tokenizer that counted the tokens; None takes those of the sources.
        phrases: Number of phrases by list.
        distinct_of: Number of responses that the distinct answers are counted among; None where
            they can't be.
        groups: The figures by bin and verdict.
        indicators: How well indicators tell right from wrong.
        notes: What could not be told.
    """

    missing: tuple[Side, ...] = ()
    unit: Unit | None = None
    tokenizer: str | None = None
    phrases: Mapping[str, int] = field(default_factory=dict)
    distinct_of: int | None = None
    groups: tuple[ResponseGroup, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    notes: tuple[ResponseNote, ...] = ()

    def group(self, verdict: Verdict, label: str = "all") -> ResponseGroup:
        """The group of a bin and a verdict."""
        return next(g for g in self.groups if (g.label, g.verdict) == (label, verdict))


def _plain(estimate: Estimate | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    ends = (estimate.low, estimate.high)
    low, high = (end if math.isfinite(end) else None for end in ends)
    return {"estimate": estimate.estimate, "low": low, "high": high}
