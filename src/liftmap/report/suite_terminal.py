"""A suite of benchmarks in the terminal: what they come to first, then a row each.

Reads a `Suite`, gives rich renderables that fit 80 columns.
"""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from liftmap.comparison import gate_words, suite_words, words
from liftmap.comparison.rounding import NOTHING, count, interval, number_of_questions, points
from liftmap.comparison.suite_parts import Benchmark
from liftmap.comparison.suite_result import Suite
from liftmap.records import Estimate
from liftmap.report.comparison_terminal import GATE_STYLES, bullet


def suite_page(suite: Suite) -> Group:
    """The whole suite."""
    level = words.level_text(suite.level)
    names = f"{suite.before or 'before'} → {suite.after or 'after'}"
    parts: list[RenderableType] = [
        Text.assemble((suite.headline, "bold reverse"), f"  intervals cover {level}"),
        Text(names, "dim", overflow="fold"),
        *map(bullet, suite.sentences),
    ]
    if suite.gate:
        note = gate_words.gate_note(len(suite.gate), suite.level, "like-these")
        parts += [
            Text(),
            Text("Required", "bold"),
            *(
                Text(suite_words.gate_text(each), GATE_STYLES[each.answer.word])
                for each in suite.gate
            ),
            Text(note, "dim"),
        ]
    parts += [Text(), Text("Benchmarks, changes in points", "bold"), _table(suite)]
    if suite.warnings:
        parts += [Text(), Text("Note", "bold"), *map(bullet, suite.warnings)]
    return Group(*parts)


def _table(suite: Suite) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(
        ("", "questions", "accuracy", "k", "pass@k", "lost beyond noise", "changed")
    ):
        table.add_column(heading, justify="left" if place in (0, 6) else "right")
    for each in suite.benchmarks:
        table.add_row(*_row(each))
    return table


def _row(benchmark: Benchmark) -> list[str]:
    comparison = benchmark.comparison
    lost = comparison.lost.excess
    return [
        f"{benchmark.name} (old)" if benchmark.old else benchmark.name,
        count(comparison.questions),
        _change(comparison.accuracy.change),
        count(comparison.k),
        _change(comparison.at_k.change) if comparison.k > 1 else NOTHING,
        number_of_questions(lost, signed=True),
        suite_words.changed_text(benchmark) or NOTHING,
    ]


def _change(estimate: Estimate) -> str:
    return f"{points(estimate.estimate)} {interval(estimate.whole)}"
