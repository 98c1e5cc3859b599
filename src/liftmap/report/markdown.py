"""A comparison in Markdown: what a pull request, a job's summary or a model card shows.

Reads a `Comparison`, or the overview of a study, gives text in the Markdown that
GitHub and the model hub render.
"""

from __future__ import annotations

import polars as pl

from liftmap.comparison import gate_words, words
from liftmap.comparison.message import study_message
from liftmap.comparison.result import Comparison
from liftmap.comparison.rounding import change_text, count, number_of_questions, percent
from liftmap.records import Change
from liftmap.report.overview import arms_of, summary_rows

GATE_MARKS = {"passed": "✅", "failed": "❌", "can't tell": "❔"}


def comparison_markdown(comparison: Comparison) -> str:
    """The verdict, the two axes, what was required and what has to be known.

    Args:
        comparison: The comparison.

    Returns:
        Markdown that ends with a line break.
    """
    lines = [
        f"### {words.headline(comparison.verdict)}",
        "",
        f"{escaped(comparison.before.name)} → {escaped(comparison.after.name)}, "
        f"{count(comparison.questions)} questions, intervals cover "
        f"{words.level_text(comparison.level)}.",
        "",
        *(
            f"- {escaped(statement.text)}"
            for statement in (*comparison.statements, *comparison.other_statements)
        ),
        "",
    ]
    if comparison.gate:
        lines += ["| required | answer | evidence |", "|---|---|---|"]
        for each in comparison.gate:
            mark = f"{GATE_MARKS[each.word]} {each.word}"
            evidence = escaped(gate_words.gate_evidence(each))
            lines.append(f"| `{each.rule.text}` | {mark} | {evidence} |")
        note = gate_words.gate_note(
            len(comparison.gate), comparison.level, comparison.questions_are
        )
        lines += ["", escaped(note), ""]
    lines += ["| | before, % | after, % | change |", "|---|---|---|---|"]
    figures = {"accuracy": comparison.accuracy}
    if comparison.k > 1:
        point = comparison.at_k
        figures[f"pass@{comparison.k}"] = Change(point.before, point.after, point.change)
    for name, figure in figures.items():
        sides = (percent(figure.before.estimate), percent(figure.after.estimate))
        lines.append(f"| {name} | {sides[0]} | {sides[1]} | {change_text(figure.change)} |")
    if comparison.lost.excess is not None:
        text = number_of_questions(comparison.lost.excess, signed=True)
        k = comparison.lost.k
        lines.append(f"| lost beyond noise at k = {k}, questions | | | {text} |")
    notes = (*comparison.caveats, *comparison.warnings)
    if notes:
        lines += ["", *(f"- {escaped(note)}" for note in notes)]
    return "\n".join(lines) + "\n"


def study_markdown(name: str, overview: pl.DataFrame) -> str:
    """The summary table of a study.

    Args:
        name: The study's name.
        overview: The rows of `overview.summarise`.

    Returns:
        Markdown that ends with a line break.
    """
    lines = [f"### {escaped(name)}", ""]
    if len(overview):
        lines += [escaped(study_message(arms_of(overview))), ""]
    lines += [
        "| checkpoint | verdict | accuracy, % | change | capability, % | change | lost |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in summary_rows(overview):
        cells = [row.model, row.label, row.accuracy, row.accuracy_change]
        cells += [row.capability, row.capability_change, row.lost]
        lines.append(f"| {' | '.join(map(escaped, cells))} |")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """The text with what Markdown and HTML would read taken as it is."""
    table: dict[str, str | int | None] = {character: f"\\{character}" for character in "\\`*_[]|~#"}
    table |= {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    return " ".join(text.translate(str.maketrans(table)).split())
