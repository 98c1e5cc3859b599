"""What a suite of benchmarks found, as a record, as JSON and as a table.

The end of the flow of `suite`. The JSON is a public format; `docs/json.md` defines every field.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date as Date
from typing import Any

import polars as pl

from liftmap import __version__
from liftmap.comparison import suite_words as words
from liftmap.comparison.pooled import Over
from liftmap.comparison.result import SCHEMA, today
from liftmap.comparison.suite_gate import SuiteAnswer
from liftmap.comparison.suite_parts import Benchmark, Group, PooledBenchmarks
from liftmap.comparison.suite_tables import suite_table
from liftmap.read.suites import LeftOut
from liftmap.records import Change


@dataclass(frozen=True, slots=True, eq=False)
class Suite:
    """What changed on several benchmarks.

    Attributes:
        benchmarks: The comparisons, by name.
        pooled: The pooled figures: over benchmarks and over questions; of old and new benchmarks
            too, where some are old.
        before: What the model before is called.
        after: What the model after is called.
        left_out: What was not compared, and why.
        level: Coverage of the intervals.
        margin: Equivalence margin of the verdicts, a share.
        seed: Seed of everything random.
        family: Number of p-values that Holm's method adjusted.
        gate: The answers to what was required; empty where nothing was.
        date: The day it was made, by UTC.
    """

    benchmarks: tuple[Benchmark, ...]
    pooled: tuple[PooledBenchmarks, ...]
    before: str
    after: str
    left_out: tuple[LeftOut, ...]
    level: float
    margin: float
    seed: int
    family: int
    gate: tuple[SuiteAnswer, ...] = ()
    date: Date = field(default_factory=today)

    def group(self, of: Group, over: Over = "benchmarks") -> PooledBenchmarks | None:
        """The pooled figures of a group; None where there is none."""
        return next((each for each in self.pooled if (each.of, each.over) == (of, over)), None)

    @property
    def has_old(self) -> bool:
        """Whether some benchmarks are old."""
        return any(each.old for each in self.benchmarks)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the suite comes to, a sentence each: pooled, forgotten, changed."""
        return (
            *words.pooled_sentences(self.pooled),
            *words.forgetting(self.pooled),
            words.changed_note(self.family, self.level),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was not compared, and what the reader has to know of each benchmark."""
        return (
            *map(words.left_out_text, self.left_out),
            *(
                f"{each.name}: {text}"
                for each in self.benchmarks
                for text in each.comparison.warnings
            ),
        )

    @property
    def headline(self) -> str:
        """How many benchmarks changed, such as `2 of 3 benchmarks changed`."""
        return words.headline(self.benchmarks)

    @property
    def table(self) -> pl.DataFrame:
        """A row a benchmark, then the pooled ones; `suite_tables.suite_table` has the columns."""
        return suite_table(self.benchmarks, self.pooled)

    def to_dict(self) -> dict[str, Any]:
        """The public form as plain values; `docs/json.md` defines every field."""
        return {
            "schema": SCHEMA,
            "liftmap": __version__,
            "date": self.date.isoformat(),
            "before": self.before or None,
            "after": self.after or None,
            "level": self.level,
            "margin": self.margin,
            "seed": self.seed,
            "family": self.family,
            "benchmarks": [
                {
                    "name": each.name,
                    "old": each.old,
                    "changed": list(each.changed),
                    "p_holm": {
                        "accuracy": each.accuracy_p_holm,
                        "capability": each.capability_p_holm,
                    },
                    "comparison": each.comparison.to_dict(),
                }
                for each in self.benchmarks
            ],
            "pooled": [
                {
                    "of": each.of,
                    "over": each.over,
                    "benchmarks": each.benchmarks,
                    "questions": each.questions,
                    "k": None if each.capability is None else each.k,
                    "accuracy": _changed(each.accuracy),
                    "capability": None if each.capability is None else _changed(each.capability),
                    "verdict": {
                        "label": each.verdict.label,
                        "accuracy": each.verdict.accuracy.word,
                        "capability": each.verdict.capability.word,
                        "p": {
                            "accuracy": each.verdict.accuracy.p_value,
                            "capability": each.verdict.capability.p_value,
                        },
                    },
                    "text": words.pooled_text(each),
                }
                for each in self.pooled
            ],
            "gate": [
                {
                    "rule": each.rule.text,
                    "benchmark": each.benchmark,
                    "answer": each.answer.word,
                    "evidence": None
                    if each.answer.evidence is None
                    else each.answer.evidence.to_dict(),
                    "missing": each.answer.missing,
                    "text": words.gate_text(each),
                }
                for each in self.gate
            ],
            "left_out": [
                {"name": each.name, "reason": each.reason, "text": words.left_out_text(each)}
                for each in self.left_out
            ],
            "sentences": list(self.sentences),
            "warnings": list(self.warnings),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The public form as text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)


def _changed(figure: Change) -> dict[str, Any]:
    return {
        "before": figure.before.to_dict(),
        "after": figure.after.to_dict(),
        "change": figure.change.to_dict(),
    }
