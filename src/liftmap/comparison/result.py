"""What a comparison found, as a record, as JSON, as tables and as a notebook shows it.

The end of the flow of `comparison`: `compare` and `published` fill the record, `report` shows it.
The JSON is a public format with a version; `docs/json.md` defines every field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import polars as pl

from liftmap.comparison import tables, words
from liftmap.comparison.parts import (
    CurvePoint,
    Guidance,
    Matrix,
    McNemar,
    Moves,
    Provenance,
    Transitions,
)
from liftmap.records import Change, Estimate
from liftmap.stats.bins import BinChange
from liftmap.stats.intervals import FirstLoss
from liftmap.stats.verdict import Conclusion

# Version of the JSON: changes when a field changes its meaning or goes.
SCHEMA = 1


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What changed from one model to another, with the sampling noise taken out.

    Attributes:
        before: What the side before was made from.
        after: What the side after was made from.
        questions: Number of questions compared.
        k: Number of tries of capability in the verdict.
        capability: pass@k for rising k; the first is accuracy.
        bins: Accuracy by difficulty before, hardest first; empty where responses are too few.
        solved_bins: The same of pass@k at half of the responses; empty likewise.
        transitions: From which difficulty to which questions moved.
        lost: Questions solved before and not after.
        gained: The reverse.
        mcnemar: McNemar's test that losses and gains at n are equally likely; None where n differs.
        first_loss_k: The first k at which after lies below before; None for a published matrix.
        verdict: The words of the two axes and the label.
        guidance: What to do next.
        warnings: What the reader has to know of the input.
        margin: Equivalence margin of the verdict, a share.
        level: Coverage of the intervals.
        seed: Seed of everything random.
        source: Whether it was made from counts per question or from a published matrix.
    """

    before: Provenance
    after: Provenance
    questions: int
    k: int
    capability: tuple[CurvePoint, ...]
    bins: tuple[BinChange, ...]
    solved_bins: tuple[BinChange, ...]
    transitions: Transitions
    lost: Moves
    gained: Moves
    mcnemar: McNemar | None
    first_loss_k: FirstLoss | None
    verdict: Conclusion
    guidance: tuple[Guidance, ...]
    warnings: tuple[str, ...]
    margin: float
    level: float
    seed: int
    source: Literal["counts", "matrix"] = "counts"

    @property
    def accuracy(self) -> Change:
        """pass@1."""
        first = self.capability[0]
        return Change(first.before, first.after, first.change)

    @property
    def at_k(self) -> CurvePoint:
        """pass@k at the k of the verdict."""
        return next(point for point in self.capability if point.k == self.k)

    @property
    def mcnemar_p(self) -> float | None:
        """The p-value of McNemar's test; None where n differs."""
        return None if self.mcnemar is None else self.mcnemar.p

    @property
    def is_published(self) -> bool:
        """Whether it was made from a published matrix instead of counts per question."""
        return self.source == "matrix"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the figures show besides the verdict, a sentence each."""
        return tuple(
            words.notes(self.transitions, self.lost, self.gained, self.mcnemar, self.first_loss_k)
        )

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
                {"label": change.label, "questions": change.questions, **_changed(change)}
                for change in self.bins
            ],
            "transitions": {
                "bins": list(self.transitions.bins.labels),
                "raw": _rows(self.transitions.raw),
                "half": _rows(self.transitions.half),
                "noise": _rows(self.transitions.noise),
                "corrected": _rows(self.transitions.corrected),
            },
            "lost": _moves(self.lost),
            "gained": _moves(self.gained),
            "mcnemar_p": self.mcnemar_p,
            "mcnemar": None
            if self.mcnemar is None
            else {"p": self.mcnemar.p, "method": self.mcnemar.method},
            "first_loss_k": None
            if self.first_loss_k is None
            else {
                "estimate": self.first_loss_k.estimate,
                "possible": list(self.first_loss_k.possible),
                "never_possible": self.first_loss_k.never_possible,
            },
            "verdict": _verdict(self.verdict),
            "guidance": [
                {
                    "kind": guidance.kind,
                    "text": words.advice(guidance),
                    "evidence": _plain(guidance.evidence),
                    "questions": list(guidance.questions),
                    "for_training": guidance.for_training,
                }
                for guidance in self.guidance
            ],
            "warnings": list(self.warnings),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The public form as text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The figures as Polars tables; a study's tables are these, a model in front.

        Returns:
            - capability: k; before, after and change with _low and _high, and with the ends of
              their range, _least and _greatest; band_low, band_high; extrapolated.
            - difficulty: k (1, and half of the responses), bin (0 the hardest), label, questions;
              before, after and change likewise.
            - transitions: kind (raw, half, noise, corrected), before_bin, before_label, after_bin,
              after_label (for half and noise out of the responses of a half), questions.
            - lost_gained: direction (lost, gained), k; estimate, noise and excess with _low and
              _high; n, observed_at_n; noise_at_n, excess_at_n and gross_at_n with _low, _high,
              _least and _greatest; mcnemar_p and mcnemar_method; floor_data_sets, and the floor of
              excess and gross: excess_floor, excess_floor_largest, gross_floor,
              gross_floor_largest.
            - verdict: label, accuracy, capability, because; for each axis what is needed if nothing
              changed and if it changed; questions, k, margin, few_tries, climbing, unsaturated_k,
              first_loss_k, first_loss_possible, first_loss_never,
              first_loss_informative.
            - guidance: kind, text, questions (a list of ids).
            - warnings: text.
        """
        return {name: self.table(name) for name in tables.SCHEMAS}

    def table(self, name: str) -> pl.DataFrame:
        """One of the tables of `tables`."""
        make = {
            "capability": lambda: tables.capability(self.capability),
            "difficulty": lambda: tables.difficulty((*self.bins, *self.solved_bins)),
            "transitions": lambda: tables.transitions(self.transitions),
            "lost_gained": lambda: tables.lost_gained(
                {"lost": self.lost, "gained": self.gained}, self.mcnemar
            ),
            "verdict": lambda: tables.verdict(self.verdict, self.questions, self.first_loss_k),
            "guidance": lambda: tables.guidance(self.guidance),
            "warnings": lambda: tables.warnings(self.warnings),
        }
        return make[name]()

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        figures = {"accuracy, %": self.accuracy}
        if self.k > 1:
            figures[f"pass@{self.k}, %"] = self.at_k
        return tables.as_html(
            words.headline(self.verdict),
            [statement.text for statement in words.statements(self.verdict)],
            self.questions,
            figures,
            {"lost": self.lost, "gained": self.gained},
            self.warnings,
        )


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
            "noise": _plain(at_n.noise),
            "excess": _plain(at_n.excess),
            "gross": _plain(at_n.gross),
            "floor": None if at_n.floor is None else _plain(asdict(at_n.floor)),
        },
    }


def _verdict(verdict: Conclusion) -> dict[str, Any]:
    axes = (verdict.accuracy, verdict.capability)
    # For each axis that is not settled the smaller of its two numbers, of these the largest.
    needed = [
        min(numbers)
        for axis in axes
        if (numbers := [n for n in (axis.needed_if_unchanged, axis.needed_if_changed) if n])
    ]
    return {
        "label": verdict.label,
        "accuracy": verdict.accuracy.word,
        "capability": verdict.capability.word,
        "because": "; ".join(statement.text for statement in words.statements(verdict)),
        "needed": max(needed, default=None),
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
