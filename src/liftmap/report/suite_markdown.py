"""A suite of benchmarks in Markdown: what a pull request or a job's summary shows.

Beside `markdown`; reads a `Suite`, gives text in the Markdown that GitHub renders.
"""

from __future__ import annotations

import polars as pl

from liftmap.comparison import gate_words, words
from liftmap.comparison.suite_result import Suite
from liftmap.report.charts.benchmarks import suite_grid
from liftmap.report.markdown import GATE_MARKS, escaped


def suite_markdown(suite: Suite) -> str:
    """What the suite comes to, what was required, and a row a benchmark.

    Args:
        suite: The suite.

    Returns:
        Markdown that ends with a line break.
    """
    names = f"{escaped(suite.before or 'before')} → {escaped(suite.after or 'after')}"
    lines = [
        f"### {suite.headline}",
        "",
        f"{names}, intervals cover {words.level_text(suite.level)}.",
        "",
        *(f"- {escaped(text)}" for text in suite.sentences),
        "",
    ]
    if suite.gate:
        lines += ["| required | benchmark | answer | evidence |", "|---|---|---|---|"]
        for each in suite.gate:
            mark = f"{GATE_MARKS[each.answer.word]} {each.answer.word}"
            about = "mean over benchmarks" if each.benchmark is None else escaped(each.benchmark)
            evidence = escaped(gate_words.gate_evidence(each.answer))
            rule = each.rule.rule.text
            lines.append(f"| `{rule}` | {about} | {mark} | {evidence} |")
        note = gate_words.gate_note(len(suite.gate), suite.level, "like-these")
        lines += ["", escaped(note), ""]
    lines += table_lines(suite)
    if suite.warnings:
        lines += ["", *(f"- {escaped(text)}" for text in suite.warnings)]
    return "\n".join(lines) + "\n"


def table_lines(suite: Suite) -> list[str]:
    """The table of the suite as lines of Markdown."""
    grid = suite_grid(suite.table.with_columns(model=pl.lit(suite.after)))
    rule = ["---:" if numeric else "---" for numeric in grid.numeric]
    rows = [[escaped(cell) for cell in row] for row in grid.rows]
    return [f"| {' | '.join(cells)} |" for cells in (grid.headings, rule, *rows)]
