"""Results in a notebook or a paper: charts by name, a figure in a file, a table in LaTeX.

Reads a comparison or the tables of a study, gives Altair charts, files and text. `Comparison` and
`StudyResult` have these as methods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from liftmap.comparison.message import Arm, MeasuredAxis
from liftmap.comparison.result import Comparison
from liftmap.comparison.rounding import count, interval, percent, points
from liftmap.errors import InputError
from liftmap.files import disk
from liftmap.records import Estimate
from liftmap.registry import nearest
from liftmap.report.charts import Subject, charts
from liftmap.report.charts.lead import all_curves, gain_by_difficulty, matrices
from liftmap.report.charts.style import Panel
from liftmap.report.overview import arms_of, summarise

# Pixels of a figure in a file, and how many dots a pixel of a PNG has.
FIGURE_WIDTH = 560
PNG_SCALE = 2
FORMATS = (".svg", ".png", ".pdf")


def comparison_charts(comparison: Comparison) -> dict[str, Panel]:
    """The charts of a comparison by name: pass-at-k, gain-by-difficulty, matrix ... .

    Args:
        comparison: The comparison.

    Returns:
        Altair charts; those of which the comparison knows nothing are left out.
    """
    name = comparison.after.name
    tables = {
        table_name: table.with_columns(model=pl.lit(name), arm=pl.lit(name))
        for table_name, table in comparison.tables.items()
    }
    return charts_of(tables, comparison.before.name, comparison.source)


def charts_of(
    tables: Mapping[str, pl.DataFrame], before: str, subject: Subject
) -> dict[str, Panel]:
    """The charts of some tables by name; one of several panels has the panel's name behind it.

    Args:
        tables: The tables by name, each with a column model.
        before: What the model before is called.
        subject: What they are about.
    """
    panels: dict[str, Panel] = {}
    if len(tables.get("capability", ())):
        _add(panels, "pass-at-k", all_curves(tables["capability"], before))
    if len(tables.get("difficulty", ())):
        of_accuracy = tables["difficulty"].filter(pl.col("k") == 1)
        if len(of_accuracy):
            _add(panels, "gain-by-difficulty", gain_by_difficulty(of_accuracy))
    if len(tables.get("transitions", ())):
        named = {
            f"{of}, {kind}": panel for (of, kind), panel in matrices(tables["transitions"]).items()
        }
        _add(panels, "matrix", named)
    for name, chart in charts(subject).items():
        table = tables.get(chart.table)
        if chart.draw is None or table is None or table.is_empty():
            continue
        rows = chart.rows(table)
        if len(rows):
            _add(panels, name, chart.draw(rows))
    return panels


def _add(drawn: dict[str, Panel], name: str, panels: Mapping[str, Panel]) -> None:
    for title, panel in panels.items():
        drawn[f"{name}: {title}" if len(panels) > 1 and title else name] = panel


def save_chart(drawn: Mapping[str, Panel], path: str | Path, chart: str) -> Path:
    """Writes one chart as a figure.

    Args:
        drawn: Charts by name.
        path: A file that ends in .svg, .png or .pdf.
        chart: Which one.

    Returns:
        The path.

    Raises:
        InputError: There is no such chart, or the file has another ending.
        StoreError: The file can't be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            "A figure is saved as SVG, PNG or PDF.",
            seen=path.name,
            remedy=f"Let the file end in one of {', '.join(FORMATS)}.",
        )
    if chart not in drawn:
        raise InputError("There is no such chart.", seen=chart, remedy=nearest(chart, list(drawn)))
    with disk(path):
        figure = drawn[chart].properties(width=FIGURE_WIDTH, background="white")
        # Of the three only PNG has dots.
        scale = PNG_SCALE if path.suffix.lower() == ".png" else 1
        figure.save(str(path), scale_factor=scale)
    return path


def comparison_latex(comparison: Comparison) -> str:
    """Accuracy and capability as a booktabs table for a paper.

    Args:
        comparison: The comparison.

    Returns:
        LaTeX of a `tabular`, which needs the package booktabs.
    """
    arm = Arm(comparison.after.name, *comparison.axes)
    return _latex([arm], comparison.level, comparison.questions)


def study_latex(tables: Mapping[str, pl.DataFrame]) -> str:
    """Accuracy and capability of every checkpoint as a booktabs table for a paper.

    Args:
        tables: The study's tables by name.

    Returns:
        LaTeX of a `tabular`, which needs the package booktabs.

    Raises:
        InputError: The tables of accuracy and capability are missing.
    """
    overview = summarise(tables)
    questions = int(overview["questions"].max() or 0)  # type: ignore[arg-type]
    level = float(overview["level"][0]) if len(overview) else 0.95
    return _latex(arms_of(overview), level, questions)


def _latex(arms: Sequence[Arm], level: float, questions: int) -> str:
    k = max((arm.capability.axis.k for arm in arms if arm.capability), default=1)
    lines = [
        f"% {count(questions)} questions; brackets are {100 * level:g} % intervals of the change.",
        r"\begin{tabular}{lrrlrrl}",
        r"\toprule",
        rf"& \multicolumn{{3}}{{c}}{{pass@1, \%}} & \multicolumn{{3}}{{c}}{{pass@{k}, \%}} \\",
        r"\cmidrule(lr){2-4}\cmidrule(lr){5-7}",
        r"model & before & after & change & before & after & change \\",
        r"\midrule",
    ]
    for arm in arms:
        cells = [_escaped(arm.name), *_cells(arm.accuracy), *_cells(arm.capability)]
        lines.append(f"{' & '.join(cells)} \\\\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _cells(measured: MeasuredAxis | None) -> list[str]:
    if measured is None or measured.axis.change is None:
        return ["--", "--", "--"]
    change: Estimate = measured.axis.change
    by = f"${points(change.estimate)}$ ${interval(change)}$"
    return [
        percent(measured.before.estimate),
        percent(measured.after.estimate),
        by.replace("\u2212", "-").replace("\u00a0", r"\,").replace("\u202f", r"\,"),
    ]


_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def _escaped(text: str) -> str:
    return "".join(
        _LATEX.get(character, f"\\{character}" if character in "&%$#_{}" else character)
        for character in text
    )
