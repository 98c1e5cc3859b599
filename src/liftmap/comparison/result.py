"""What a comparison found, as a record, as JSON, as tables and as a notebook shows it.

The end of the flow of `comparison`: `compare` and `published` fill the record, `report` shows it.
The JSON is a public format with a version; `docs/json.md` defines every field.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from datetime import date as Date
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import polars as pl

from liftmap import __version__
from liftmap.comparison import (
    check_words,
    gate_words,
    measure_words,
    response_tables,
    result_json,
    tables,
    words,
)
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.message import MeasuredAxis, message
from liftmap.comparison.parts import (
    Answer,
    Check,
    CurvePoint,
    EqualTokens,
    Guidance,
    McNemar,
    Measures,
    Moves,
    NullComparison,
    Provenance,
    QuestionsAre,
    Transitions,
)
from liftmap.comparison.questions import question_changes
from liftmap.comparison.response_parts import ResponseAnalyses
from liftmap.errors import InputError
from liftmap.read.outcomes import TEXTS, Outcomes
from liftmap.records import Change, Estimate
from liftmap.stats.bins import BinChange
from liftmap.stats.intervals import FirstLoss
from liftmap.stats.verdict import Conclusion

# Version of the JSON: changes when a field changes its meaning or goes.
SCHEMA = 2


def _presenter(name: str) -> ModuleType:
    """A module of `report`, which stands above: looked up by name when a result is shown."""
    return import_module(f"liftmap.report.{name}")


def today() -> Date:
    """The day by UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
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
        looks: Number of questions planned, where the intervals hold at every look; None for one.
        questions_are: What `before`, `after` and `change` of a figure, and the verdict, are about:
            questions like these, or these questions.
        other_verdict: The verdict on the other of the two; None where it can't be had.
        capability_at_64: The change of pass@64 by the law, where k is small or the curve before
            still climbs; None else.
        chance: Share of right responses that guessing gives; None where it is unknown.
        date: The day it was made, by UTC.
        checks: What speaks against independent draws; in words they are among the warnings.
        measures: Measures beside accuracy and capability; None where none was made.
        gate: The answers to what was required; empty where nothing was.
        response_analyses: What the texts of both sides say of the responses; None where they were
            not looked at.
        pass_hat: pass^k (all of k tries are right) for rising k; empty for a published matrix, and
            where responses are too few for the reading that leads.
        equal_tokens: What the two solve for the same tokens; None where tokens are not known.
        nulls: What was given as null, beside before and after.
        pair: The matched tallies that it was made from; None for a published matrix.
        outcomes: What was read of the two sides, texts among it where a source has them; None where
            tallies were given.
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
    looks: int | None = None
    questions_are: QuestionsAre = "like-these"
    other_verdict: Conclusion | None = None
    capability_at_64: Estimate | None = None
    chance: float | None = None
    date: Date = field(default_factory=today)
    checks: tuple[Check, ...] = ()
    measures: Measures | None = None
    gate: tuple[Answer, ...] = ()
    response_analyses: ResponseAnalyses | None = None
    pass_hat: tuple[CurvePoint, ...] = ()
    equal_tokens: EqualTokens | None = None
    nulls: tuple[NullComparison, ...] = ()
    pair: PairedTallies | None = field(default=None, repr=False)
    outcomes: tuple[Outcomes, Outcomes] | None = field(default=None, repr=False)

    @property
    def message(self) -> str:
        """What changed in two plain sentences, what is open said as open."""
        return message(self.before.name, self.after.name, *self.axes)

    @property
    def axes(self) -> tuple[MeasuredAxis, MeasuredAxis | None]:
        """Accuracy and capability with their shares; the second is None where k is 1."""
        verdict, at_k = self.verdict, self.at_k
        accuracy = MeasuredAxis(verdict.accuracy, self.accuracy.before, self.accuracy.after)
        if verdict.capability.change is None:
            return accuracy, None
        return accuracy, MeasuredAxis(verdict.capability, at_k.before, at_k.after)

    def __repr__(self) -> str:
        """One line: the two sides, the label and the two changes."""
        return (
            f"Comparison({self.before.name!r}, {self.after.name!r}, {self.questions} questions: "
            f"{words.headline(self.verdict)}; {words.because(self.verdict, self.questions_are)})"
        )

    @property
    def charts(self) -> dict[str, Any]:
        """The charts of the page by name, as Altair charts."""
        charts: dict[str, Any] = _presenter("notebook").comparison_charts(self)
        return charts

    def save(self, path: str | Path, chart: str = "pass-at-k") -> Path:
        """Writes one of the charts as a figure.

        Args:
            path: A file that ends in .svg, .png or .pdf.
            chart: One of the names of `charts`.

        Raises:
            InputError: There is no such chart, or the file has another ending.
        """
        saved: Path = _presenter("notebook").save_chart(self.charts, path, chart)
        return saved

    def to_markdown(self) -> str:
        """The result for a pull request or a model card."""
        text: str = _presenter("markdown").comparison_markdown(self)
        return text

    def to_latex(self) -> str:
        """Accuracy and capability as a table for a paper; it needs the package booktabs."""
        text: str = _presenter("notebook").comparison_latex(self)
        return text

    def to_pandas(self) -> dict[str, Any]:
        """`tables` as pandas DataFrames by name; pandas has to be installed."""
        return {name: table.to_pandas() for name, table in self.tables.items()}

    def responses(self, question_id: str) -> pl.DataFrame:
        """What both sides answered to a question, a row a response.

        Args:
            question_id: The question.

        Returns:
            Columns side (before, after) and those of `read.outcomes.TEXTS`: question_id, right
            (null if unscored), prompt, text, reasoning, answer, tokens, truncated.

        Raises:
            InputError: Neither source has texts, or neither has this question.
        """
        sides = zip(("before", "after"), self.outcomes or (), strict=False)
        texts = [
            each.responses.filter(pl.col("question_id") == question_id)
            .select(pl.lit(side).alias("side"), *TEXTS)
            .collect()
            for side, each in sides
            if each.responses is not None
        ]
        if not texts or not any(map(len, texts)):
            raise InputError(
                "There are no texts of responses to this question."
                if texts
                else "Neither side was read from a source that has texts.",
                seen=question_id,
                remedy="Ids are in `question_table()`; docs/formats.md says which formats have "
                "texts.",
            )
        return pl.concat(texts)

    def question_table(self) -> pl.DataFrame:
        """What each question did, a row each; `question_changes` defines the columns.

        Raises:
            InputError: It was made from a published matrix, which has no questions.
        """
        if self.pair is None:
            raise InputError(
                "A published matrix has counts of questions, not the questions.",
                remedy="Compare the results themselves, if they are to be had.",
            )
        return question_changes(self.pair, self.level, self.transitions.bins)

    @property
    def accuracy(self) -> Change:
        """pass@1."""
        first = self.capability[0]
        return Change(first.before, first.after, first.change)

    @property
    def other_are(self) -> QuestionsAre:
        """What the estimand that does not lead is about."""
        return "fixed" if self.questions_are == "like-these" else "like-these"

    @property
    def other_points(self) -> tuple[CurvePoint, ...]:
        """The curve on the estimand that does not lead, as far as it can be had."""
        return tuple(
            CurvePoint(point.other.before, point.other.after, point.other.change, point.k)
            for point in self.capability
            if point.other is not None
        )

    @property
    def statements(self) -> tuple[words.Statement, words.Statement]:
        """The two axes in words."""
        return words.statements(self.verdict, self.questions_are)

    @property
    def other_statements(self) -> tuple[words.Statement, ...]:
        """The two axes in words on the other estimand; empty where it can't be had."""
        if self.other_verdict is None:
            return ()
        return words.statements(self.other_verdict, self.other_are, leads=False)

    @property
    def caveats(self) -> tuple[str, ...]:
        """How far the verdict reaches, a sentence each."""
        return tuple(
            words.caveats(
                self.verdict,
                at_64=self.capability_at_64,
                chance=self.chance,
                looks=self.looks,
                level=self.level,
                questions_are=self.questions_are,
                one_response=self.lost.k is None and not self.is_published,
                these_missing=self.other_verdict is None and not self.is_published,
            )
        )

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

    @property
    def measure_lines(self) -> tuple[str, ...]:
        """Measures beside the verdict's, a line each."""
        return (
            *measure_words.pass_hat_lines(self.pass_hat),
            *measure_words.equal_tokens_lines(self.equal_tokens),
            *(line for null in self.nulls for line in measure_words.null_lines(null)),
            *measure_words.measure_lines(self.measures),
        )

    def to_dict(self) -> dict[str, Any]:
        """The public form as plain values; `docs/json.md` defines every field."""
        return {
            "schema": SCHEMA,
            "liftmap": __version__,
            "date": self.date.isoformat(),
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "questions": self.questions,
            "k": None if self.k == 1 else self.k,
            "level": self.level,
            "margin": self.margin,
            "seed": self.seed,
            "looks": self.looks,
            "questions_are": self.questions_are,
            "chance": self.chance,
            "capability_climbs": self.verdict.climbing,
            "capability_at_64_by_law": result_json.plain(self.capability_at_64),
            "accuracy": self._both(self.capability[0]),
            "capability": [
                {
                    "k": point.k,
                    **self._both(point),
                    "band": None if point.band is None else list(point.band),
                    **({"extrapolated": True} if point.extrapolated else {}),
                }
                for point in self.capability
            ],
            "pass_hat_k": [
                {
                    "k": point.k,
                    **self._both(point),
                    "band": None if point.band is None else list(point.band),
                }
                for point in self.pass_hat
            ],
            "equal_tokens": None
            if self.equal_tokens is None
            else {
                "questions": self.equal_tokens.questions,
                "tokens_of_a_response": result_json.plain_change(self.equal_tokens.cost),
                "budgets": [
                    {
                        "tokens": each.tokens,
                        "k_before": each.k_before,
                        "k_after": each.k_after,
                        **result_json.plain_change(each),
                    }
                    for each in self.equal_tokens.budgets
                ],
            },
            "nulls": [result_json.plain_null(null) for null in self.nulls],
            "bins": [
                {
                    "label": change.label,
                    "questions": change.questions,
                    **result_json.plain_change(change),
                    "band": None if change.band is None else list(change.band),
                    "survives": change.survives,
                    "responses": change.responses,
                }
                for change in self.bins
            ],
            "transitions": {
                "bins": list(self.transitions.bins.labels),
                "raw": result_json.plain_matrix(self.transitions.raw),
                "half": result_json.plain_matrix(self.transitions.half),
                "noise": result_json.plain_matrix(self.transitions.noise),
                "corrected": result_json.plain_matrix(self.transitions.corrected),
            },
            "lost": result_json.plain_moves(self.lost),
            "gained": result_json.plain_moves(self.gained),
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
            "verdict": {
                **result_json.plain_verdict(self.verdict, self.questions_are),
                result_json.KEYS[self.other_are]: None
                if self.other_verdict is None
                else result_json.plain_verdict(self.other_verdict, self.other_are, leads=False),
            },
            "gate": [
                {
                    "rule": each.rule.text,
                    "answer": each.word,
                    "evidence": result_json.plain(each.evidence),
                    "missing": each.missing,
                    "text": gate_words.gate_text(each),
                }
                for each in self.gate
            ],
            "guidance": [
                {
                    "kind": guidance.kind,
                    "text": words.advice(guidance),
                    "evidence": result_json.plain(guidance.evidence),
                    "questions": list(guidance.questions),
                    "for_training": guidance.for_training,
                }
                for guidance in self.guidance
            ],
            "caveats": list(self.caveats),
            "warnings": list(self.warnings),
            "measures": None
            if self.measures is None
            else result_json.plain_measures(self.measures),
            "checks": [
                {
                    "kind": check.kind,
                    "side": check.side,
                    "chance": check.chance,
                    "evidence": result_json.plain(check.evidence),
                    "text": check_words.check_text(check),
                }
                for check in self.checks
            ],
            "responses": None
            if self.response_analyses is None
            else response_tables.to_dict(self.response_analyses),
        }

    def _both(self, point: CurvePoint) -> dict[str, Any]:
        """A figure as it leads, and on each of the two estimands."""
        other = None if point.other is None else result_json.plain_change(point.other)
        leading = None if point.extrapolated else result_json.plain_change(point)
        keys = result_json.KEYS
        named = {keys[self.questions_are]: leading, keys[self.other_are]: other}
        return {
            **result_json.plain_change(point),
            **{key: named[key] for key in keys.values()},
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The public form as text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The figures as Polars tables; a study's tables are these, a model in front.

        Returns:
            - capability: k; before, after and change with _low and _high, and with the ends of
              their range, _least and _greatest; band_low, band_high; extrapolated; the same figures
              as these_... on these questions, like_these_... on questions like these.
            - difficulty: k (1, and half of the responses), bin (0 the hardest), label, questions;
              before, after and change likewise; band_low, band_high (over all bins), survives;
              responses (that put a question into a bin: label is out of them).
            - transitions: kind (raw, half, noise, corrected), before_bin, before_label, after_bin,
              after_label (for half and noise out of the responses of a half), questions.
            - lost_gained: direction (lost, gained), k; estimate, noise and excess with _low and
              _high; n, observed_at_n; noise_at_n, excess_at_n and gross_at_n with _low, _high,
              _least and _greatest; mcnemar_p and mcnemar_method; floor_data_sets, and the floor of
              excess and gross: excess_floor, excess_floor_largest, gross_floor,
              gross_floor_largest.
            - verdict: label, accuracy, capability, because; for each axis what is needed if nothing
              changed and if it changed, and its p; questions, k, margin, level, few_tries,
              climbing, unsaturated_k, first_loss_k, first_loss_possible, first_loss_never;
              questions_are; other_accuracy, other_capability, other_k, other_because (the other
              estimand); caveats (a list of sentences); first_loss_informative.
            - guidance: kind, text, questions (a list of ids).
            - warnings: text.
            - responses: label (bin of difficulty before; all), verdict (right, wrong, all), measure
              (length, reflection, phrases:NAME, thinking, truncated, copies, distinct), unit;
              before, after and change with _low and _high; responses_before, responses_after.
              Empty where texts are missing, as the next.
            - indicators: indicator; before, after and change (of the area under the ROC curve)
              likewise; questions_before, questions_after.
            - pass_hat: pass^k, with the columns of capability.
            - equal_tokens: tokens, k_before, k_after; before, after and change of pass@k with _low
              and _high.
            - nulls: null, questions, contrast (from what to what), k, word; before, after and
              change with _low and _high.
        """
        return {name: self.table(name) for name in tables.SCHEMAS}

    def table(self, name: str) -> pl.DataFrame:
        """One of the tables of `tables`."""
        make = {
            "capability": lambda: tables.capability(self.capability, self.questions_are),
            "difficulty": lambda: tables.difficulty((*self.bins, *self.solved_bins)),
            "transitions": lambda: tables.transitions(self.transitions),
            "lost_gained": lambda: tables.lost_gained(
                {"lost": self.lost, "gained": self.gained}, self.mcnemar
            ),
            "verdict": lambda: tables.verdict(
                self.verdict,
                self.other_verdict,
                self.questions_are,
                self.questions,
                self.first_loss_k,
                self.caveats,
                self.level,
            ),
            "guidance": lambda: tables.guidance(self.guidance),
            "warnings": lambda: tables.warnings(self.warnings),
            "responses": lambda: response_tables.responses(self.response_analyses),
            "indicators": lambda: response_tables.indicators(self.response_analyses),
            "pass_hat": lambda: tables.capability(self.pass_hat, self.questions_are),
            "equal_tokens": lambda: tables.equal_tokens(self.equal_tokens),
            "nulls": lambda: tables.nulls(self.nulls),
        }
        return make[name]()

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        figures = {"accuracy, %": self.accuracy}
        if self.k > 1:
            figures[f"pass@{self.k}, %"] = self.at_k
        return tables.as_html(
            words.headline(self.verdict),
            [statement.text for statement in self.statements],
            self.questions,
            figures,
            {"lost": self.lost, "gained": self.gained},
            self.warnings,
        )
