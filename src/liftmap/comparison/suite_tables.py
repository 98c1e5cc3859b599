"""The figures of a suite as one Polars table; a study's table `suite` is these, a model in front.

Beside `tables`; used by `suite_result` and by the analysis of a study.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from liftmap.comparison.columns import Schema, build, columns, estimate_schema
from liftmap.comparison.suite_parts import Benchmark, PooledBenchmarks
from liftmap.records import Change
from liftmap.stats.verdict import Conclusion

_FIGURES = tuple(
    f"{name}_{part}"
    for name in ("accuracy", "capability")
    for part in ("before", "after", "change")
)
SUITE: Schema = {
    "benchmark": pl.String(),
    "of": pl.String(),
    "over": pl.String(),
    "old": pl.Boolean(),
    "benchmarks": pl.Int64(),
    "questions": pl.Int64(),
    "k": pl.Int64(),
    **estimate_schema(*_FIGURES, ranged=True),
    **estimate_schema("lost", "gained"),
    "label": pl.String(),
    "accuracy": pl.String(),
    "capability": pl.String(),
    "accuracy_p": pl.Float64(),
    "capability_p": pl.Float64(),
    "accuracy_p_holm": pl.Float64(),
    "capability_p_holm": pl.Float64(),
    "changed": pl.List(pl.String()),
    "margin": pl.Float64(),
}


def suite_table(
    benchmarks: Sequence[Benchmark], pooled: Sequence[PooledBenchmarks]
) -> pl.DataFrame:
    """A row a benchmark, then the pooled ones.

    Returns:
        - benchmark: its name; null in pooled rows.
        - of: benchmark; of pooled rows all, old or new: which benchmarks.
        - over: of pooled rows benchmarks or questions: what the mean is over.
        - old: whether the training was not for it; null in pooled rows of all.
        - benchmarks, questions: how many.
        - k: number of tries of capability, the most that all questions support.
        - accuracy_before, accuracy_after, accuracy_change, each with _low, _high, _least and
          _greatest: pass@1, shares of 1, and its change.
        - capability_before, capability_after, capability_change: pass@k likewise; null at k = 1.
        - lost, gained with _low and _high: questions beyond noise at half of the responses.
        - label, accuracy, capability: the verdict in words.
        - accuracy_p, capability_p: p-values that nothing changed; accuracy_p_holm and
          capability_p_holm: adjusted for all benchmarks.
        - changed: the axes whose change stands among all benchmarks.
        - margin: the equivalence margin, a share.
    """
    rows = [_benchmark_row(each) for each in benchmarks]
    return build([*rows, *map(_pooled_row, pooled)], SUITE)


def _benchmark_row(benchmark: Benchmark) -> dict[str, Any]:
    comparison = benchmark.comparison
    capability = comparison.at_k if comparison.k > 1 else None
    return {
        "benchmark": benchmark.name,
        "of": "benchmark",
        "over": None,
        "old": benchmark.old,
        "benchmarks": 1,
        "questions": comparison.questions,
        "k": comparison.k,
        **_figures(comparison.accuracy, capability),
        **columns(lost=comparison.lost.excess, gained=comparison.gained.excess),
        **_words(comparison.verdict),
        "accuracy_p_holm": benchmark.accuracy_p_holm,
        "capability_p_holm": benchmark.capability_p_holm,
        "changed": list(benchmark.changed),
    }


def _pooled_row(pooled: PooledBenchmarks) -> dict[str, Any]:
    return {
        "benchmark": None,
        "of": pooled.of,
        "over": pooled.over,
        "old": None if pooled.of == "all" else pooled.of == "old",
        "benchmarks": pooled.benchmarks,
        "questions": pooled.questions,
        "k": pooled.k,
        **_figures(pooled.accuracy, pooled.capability),
        **columns(lost=None, gained=None),
        **_words(pooled.verdict),
        "accuracy_p_holm": None,
        "capability_p_holm": None,
        "changed": None,
    }


def _figures(accuracy: Change, capability: Change | None) -> dict[str, float | None]:
    parts = {}
    for name, figure in (("accuracy", accuracy), ("capability", capability)):
        for part in ("before", "after", "change"):
            parts[f"{name}_{part}"] = None if figure is None else getattr(figure, part)
    return columns(ranged=True, **parts)


def _words(verdict: Conclusion) -> dict[str, Any]:
    return {
        "label": verdict.label,
        "accuracy": verdict.accuracy.word,
        "capability": verdict.capability.word,
        "accuracy_p": verdict.accuracy.p_value,
        "capability_p": verdict.capability.p_value,
        "margin": verdict.margin,
    }
