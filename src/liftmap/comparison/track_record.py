"""A training run over its steps, as a record, as JSON and as tables.

End of the flow of `track`: `track` fills the record, `report` shows it; sentences are made in
`track_words`. docs/track.md defines every field of the JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from liftmap import __version__
from liftmap.comparison import track_words
from liftmap.comparison.columns import Schema, build, columns, estimate_schema
from liftmap.comparison.gate_words import gate_text
from liftmap.comparison.track_log import LOG
from liftmap.comparison.track_parts import (
    Ends,
    StepAnswer,
    StepMoves,
    TrackFigures,
    TrackStep,
    direction_of,
)
from liftmap.records import Estimate

# Version of the JSON: changes when a field changes its meaning or goes.
SCHEMA = 1


@dataclass(frozen=True, slots=True, eq=False)
class Track(TrackFigures):
    """A run over its steps; the fields are those of `TrackFigures`."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the run shows, a sentence each; the first says it all."""
        return tuple(track_words.sentences(self))

    @property
    def caveats(self) -> tuple[str, ...]:
        """How far that reaches, a sentence each."""
        return tuple(track_words.caveats(self))

    def to_dict(self) -> dict[str, Any]:
        """The public form as plain values; docs/track.md defines every field."""
        return {
            "schema": SCHEMA,
            "liftmap": __version__,
            "date": self.date.isoformat(),
            "questions": self.questions,
            "ks": list(self.ks),
            "k": None if self.k == 1 else self.k,
            "level": self.level,
            "margin": self.margin,
            "seed": self.seed,
            "questions_are": self.questions_are,
            "length_unit": self.length_unit,
            "changed": self.changed,
            "sentences": list(self.sentences),
            "base": _step(self.base),
            "steps": [_step(step) for step in self.steps],
            "chosen": None
            if self.chosen is None
            else {
                "step": self.chosen.step,
                "share_of_halves": self.chosen.share,
                "accuracy": self.chosen.accuracy.to_dict(),
                "capability": self.chosen.capability.to_dict(),
                "accuracy_seen": self.chosen.accuracy_seen.to_dict(),
                "capability_seen": self.chosen.capability_seen.to_dict(),
            },
            "turning": None
            if self.turning is None
            else {
                "step": self.turning.step,
                "accuracy": self.turning.accuracy.to_dict(),
                "capability": self.turning.capability.to_dict(),
            },
            "gate": [
                {
                    "step": each.step,
                    "rule": each.answer.rule.text,
                    "answer": each.answer.word,
                    "evidence": _plain(each.answer.evidence),
                    "missing": each.answer.missing,
                    "text": gate_text(each.answer),
                }
                for each in self.gate
            ],
            "gate_at": self.gate_at if self.gate else None,
            "caveats": list(self.caveats),
            "warnings": list(self.warnings),
            "training_log": None if self.training_log is None else self.training_log.to_dicts(),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The public form as text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The figures as Polars tables.

        Returns:
            - passes: step, name, k; value with _low and _high; change from the base with _low and
              _high (this step and k alone), band_low and band_high (all at once), direction (up,
              down or null, by the band). The base has no change.
            - moves: step, direction (lost, gained), k; excess with _low and _high, band_low,
              band_high, in questions.
            - responses: step; length with _low and _high, unit; entropy (nats) and truncated (a
              share) likewise.
            - gate: step, rule, answer, evidence with _low and _high, missing.
            - log: step, logged and what the trainer logged (`track_log.LOG`).
            - warnings: text.
        """
        return {
            "passes": build(_passes(self.all_steps), PASSES),
            "moves": build(_moves(self.steps), MOVES),
            "responses": build(_responses(self.all_steps, self.length_unit), RESPONSES),
            "gate": build(_answers(self.gate), GATE),
            "log": build([], LOG) if self.training_log is None else self.training_log,
            "warnings": build([{"text": text} for text in self.warnings], {"text": pl.String()}),
        }


PASSES: Schema = {
    "step": pl.Int64(),
    "name": pl.String(),
    "k": pl.Int64(),
    **estimate_schema("value", "change"),
    "band_low": pl.Float64(),
    "band_high": pl.Float64(),
    "direction": pl.String(),
}
MOVES: Schema = {
    "step": pl.Int64(),
    "direction": pl.String(),
    "k": pl.Int64(),
    **estimate_schema("excess"),
    "band_low": pl.Float64(),
    "band_high": pl.Float64(),
}
RESPONSES: Schema = {
    "step": pl.Int64(),
    **estimate_schema("length"),
    "unit": pl.String(),
    **estimate_schema("entropy", "truncated"),
}
GATE: Schema = {
    "step": pl.Int64(),
    "rule": pl.String(),
    "answer": pl.String(),
    **estimate_schema("evidence"),
    "missing": pl.String(),
}


def _passes(steps: Sequence[TrackStep]) -> list[dict[str, Any]]:
    return [
        {
            "step": step.number,
            "name": step.side.name,
            "k": figure.k,
            **columns(value=figure.value, change=figure.change),
            **_ends(figure.band),
            "direction": direction_of(figure.band),
        }
        for step in steps
        for figure in step.passes
    ]


def _moves(steps: Sequence[TrackStep]) -> list[dict[str, Any]]:
    return [
        {
            "step": step.number,
            "direction": direction,
            "k": moves.k,
            **columns(excess=moves.excess),
            **_ends(moves.band),
        }
        for step in steps
        for direction, moves in (("lost", step.lost), ("gained", step.gained))
        if moves is not None
    ]


def _responses(steps: Sequence[TrackStep], unit: str) -> list[dict[str, Any]]:
    return [
        {
            "step": step.number,
            **columns(length=step.length, entropy=step.entropy, truncated=step.truncated),
            "unit": None if step.length is None else unit,
        }
        for step in steps
    ]


def _answers(gate: Sequence[StepAnswer]) -> list[dict[str, Any]]:
    return [
        {
            "step": each.step,
            "rule": each.answer.rule.text,
            "answer": each.answer.word,
            **columns(evidence=each.answer.evidence),
            "missing": each.answer.missing,
        }
        for each in gate
    ]


def _ends(band: Ends | None) -> dict[str, float | None]:
    low, high = band or (None, None)
    return {"band_low": low, "band_high": high}


def _step(step: TrackStep) -> dict[str, Any]:
    return {
        "step": step.number,
        "side": step.side.to_dict(),
        "passes": [
            {
                "k": figure.k,
                "value": figure.value.to_dict(),
                "change": _plain(figure.change),
                "band": _listed(figure.band),
                "direction": direction_of(figure.band),
            }
            for figure in step.passes
        ],
        "lost": _moved(step.lost),
        "gained": _moved(step.gained),
        "length": _plain(step.length),
        "entropy": _plain(step.entropy),
        "truncated": _plain(step.truncated),
        "withheld": step.withheld,
        "comparison": None if step.comparison is None else step.comparison.to_dict(),
    }


def _moved(moves: StepMoves | None) -> dict[str, Any] | None:
    if moves is None:
        return None
    return {"k": moves.k, "excess": moves.excess.to_dict(), "band": _listed(moves.band)}


def _listed(band: Ends | None) -> list[float] | None:
    return None if band is None else list(band)


def _plain(estimate: Estimate | None) -> dict[str, object] | None:
    return None if estimate is None else estimate.to_dict()
