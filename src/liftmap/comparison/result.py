"""What a comparison found, as a record, as JSON, as tables and as a notebook shows it.

The end of the flow of `comparison`: `compare` and `published` fill the record, `report` prints it.
The JSON is a public format with a version; `docs/json.md` defines every field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from liftmap.comparison import tables
from liftmap.records import Change, Estimate
from liftmap.stats.bins import BinChange
from liftmap.stats.intervals import FirstLoss
from liftmap.stats.law.estimates import MovesAtN
from liftmap.stats.verdict import Finding

# Version of the JSON: changes when a field changes its meaning or goes.
SCHEMA = 1

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class CurvePoint(Change):
    """pass@k before and after at one number of tries, shares of 1.

    Attributes:
        k: Number of tries.
        band: Ends of the band that holds the change at all k at once; None where it is unknown.
        extrapolated: Whether k is beyond the responses, so that the law alone speaks.
    """

    k: int
    band: tuple[float, float] | None = None
    extrapolated: bool = False


@dataclass(frozen=True, slots=True)
class Transitions:
    """Numbers of questions by bin before (rows) and bin after (columns), hardest first.

    Attributes:
        bins: Labels: right responses out of n.
        raw: All responses counted, noise included.
        half: Half of the before-responses to half of the after-responses; the bins are the same
            shares of n / 2. None where a question has fewer than two responses.
        noise: Half of the before-responses to as many others of them: nothing was trained.
        corrected: By success rates instead of counts, from the joint law.
        half_n: Responses in each half; None where there is no half.
    """

    bins: tuple[str, ...]
    raw: Matrix
    half: Matrix | None
    noise: Matrix | None
    corrected: Matrix
    half_n: int | None = None


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
    """One piece of advice.

    Attributes:
        kind: lost, distil, rlvr, saturated or samples.
        text: What to do and why, in a sentence.
        evidence: The figures behind it; estimates, whole numbers, or lists of records of them.
        questions: The ids behind it, the most telling first; empty where it is about all questions
            or where questions have no ids.
    """

    kind: str
    text: str
    evidence: Mapping[str, Any]
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What changed from one model to another, with the sampling noise taken out.

    Attributes:
        questions: Number of questions compared.
        k: Number of tries of capability in the verdict.
        accuracy: pass@1.
        capability: pass@k for rising k; the first is accuracy.
        bins: Accuracy by difficulty before, hardest first; empty where responses are too few.
        transitions: From which difficulty to which questions moved.
        lost: Questions solved before and not after.
        gained: The reverse.
        mcnemar_p: Two-sided p-value that losses and gains at n are equally likely; None where n
            differs.
        first_loss_k: The first k at which after lies below before; None for a published matrix.
        verdict: The two statements and the label.
        guidance: What to do next.
        warnings: What the reader has to know of the input.
        margin: Equivalence margin of the verdict, a share.
        level: Coverage of the intervals.
        names: What was compared: before, after.
    """

    questions: int
    k: int
    accuracy: Change
    capability: tuple[CurvePoint, ...]
    bins: tuple[BinChange, ...]
    transitions: Transitions
    lost: Moves
    gained: Moves
    mcnemar_p: float | None
    first_loss_k: FirstLoss | None
    verdict: Finding
    guidance: tuple[Guidance, ...]
    warnings: tuple[str, ...]
    margin: float = 0.01
    level: float = 0.95
    names: tuple[str, str] = ("before", "after")

    @property
    def is_published(self) -> bool:
        """Whether it was made from a published matrix instead of counts per question."""
        return self.first_loss_k is None

    def to_dict(self) -> dict[str, Any]:
        """The public form as plain values; `docs/json.md` defines every field."""
        return {
            "schema": SCHEMA,
            "questions": self.questions,
            "k": self.k,
            "accuracy": _changed(self.accuracy),
            "capability": [
                {
                    "k": point.k,
                    **_changed(point),
                    "band": None if point.band is None else list(point.band),
                    **({"extrapolated": True} if point.extrapolated else {}),
                }
                for point in self.capability
            ],
            "bins": [
                {"label": one.label, "questions": one.questions, **_changed(one)}
                for one in self.bins
            ],
            "transitions": {
                "bins": list(self.transitions.bins),
                "raw": _rows(self.transitions.raw),
                "half": _rows(self.transitions.half),
                "noise": _rows(self.transitions.noise),
                "corrected": _rows(self.transitions.corrected),
            },
            "lost": _moves(self.lost),
            "gained": _moves(self.gained),
            "mcnemar_p": self.mcnemar_p,
            "first_loss_k": None
            if self.first_loss_k is None
            else {
                "estimate": self.first_loss_k.estimate,
                "possible": list(self.first_loss_k.possible),
                "never_possible": self.first_loss_k.never_possible,
            },
            "verdict": {
                "label": self.verdict.label,
                "accuracy": self.verdict.accuracy,
                "capability": self.verdict.capability,
                "because": self.verdict.because,
                "needed": self.verdict.needed,
            },
            "guidance": [
                {
                    "kind": one.kind,
                    "text": one.text,
                    "evidence": _plain(one.evidence),
                    "questions": list(one.questions),
                }
                for one in self.guidance
            ],
            "warnings": list(self.warnings),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The public form as text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The figures as Polars tables, with the columns of a study's tables.

        Returns:
            - capability: k; before, after and change with _low and _high, and with the ends of
              their range, _least and _greatest; band_low, band_high; extrapolated.
            - difficulty: bin (0 the hardest), label, questions; before, after and change likewise.
            - transitions: kind (raw, half, noise, corrected), before_bin, before_label, after_bin,
              after_label (for half and noise out of the responses of a half), questions.
            - lost_gained: direction (lost, gained), k; estimate, noise and excess with _low and
              _high; n, observed_at_n; noise_at_n, excess_at_n and gross_at_n with _low, _high,
              _least and _greatest; mcnemar_p.
            - verdict: label, accuracy, capability, because, needed, questions, k, margin,
              first_loss_k, first_loss_possible, first_loss_never.
            - guidance: kind, text, questions (a list of ids).
        """
        return {
            "capability": tables.capability(self.capability),
            "difficulty": tables.difficulty(self.bins),
            "transitions": tables.transitions(self.transitions),
            "lost_gained": tables.lost_gained(
                {"lost": self.lost, "gained": self.gained}, self.mcnemar_p
            ),
            "verdict": tables.verdict(self),
            "guidance": pl.DataFrame(
                [
                    {"kind": one.kind, "text": one.text, "questions": list(one.questions)}
                    for one in self.guidance
                ],
                schema={
                    "kind": pl.String(),
                    "text": pl.String(),
                    "questions": pl.List(pl.String()),
                },
            ),
        }

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        return tables.as_html(self)


def _changed(figure: Change) -> dict[str, Any]:
    return {
        "before": figure.before.to_dict(),
        "after": figure.after.to_dict(),
        "change": figure.change.to_dict(),
    }


def _rows(matrix: Matrix | None) -> list[list[float]] | None:
    return None if matrix is None else [list(row) for row in matrix]


def _moves(moves: Moves) -> dict[str, Any]:
    at_n = moves.at_n
    return {
        "k": moves.k,
        "estimate": _plain(moves.estimate),
        "noise": _plain(moves.noise),
        "excess": _plain(moves.excess),
        "at_n": None
        if at_n is None
        else {
            "observed": at_n.observed,
            "noise": at_n.noise.to_dict(),
            "excess": at_n.excess.to_dict(),
            "gross": at_n.gross.to_dict(),
        },
    }


def _plain(value: Any) -> Any:
    """Values that JSON can hold."""
    if isinstance(value, Estimate):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return value
