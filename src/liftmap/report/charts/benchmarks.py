"""Charts of several benchmarks: each one's change, and new benchmarks against old ones."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from liftmap.comparison.rounding import (
    NOTHING,
    count,
    estimate_of,
    interval,
    number_of_questions,
    p_value,
    percent,
    points,
)
from liftmap.report.charts.style import (
    DIRECTION,
    GREY,
    Panel,
    direction,
    finish,
    in_points,
    interval_domain,
    measured,
    panels,
    signed_axis,
    zero,
)
from liftmap.report.tables import Grid

ROW_HEIGHT = 26
POOLED = "mean over benchmarks"


def by_benchmark(table: pl.DataFrame) -> dict[str, Panel]:
    """The change of accuracy and of pass@k on each benchmark and over all, in points.

    Args:
        table: The rows of `suite_tables.suite_table`, with the columns model and arm.

    Returns:
        A panel an axis; of several models, a panel each of accuracy alone.
    """
    rows = in_points(_shown(table), "accuracy_change", "capability_change")
    models = panels(rows, "model")
    if len(models) > 1:
        drawn = {model: _changes(part, "accuracy_change") for model, part in models}
    else:
        drawn = {
            "accuracy": _changes(rows, "accuracy_change"),
            "pass@k": _changes(rows, "capability_change"),
        }
    return {title: panel for title, panel in drawn.items() if panel is not None}


def _shown(table: pl.DataFrame) -> pl.DataFrame:
    """The benchmarks and the mean over all of them, with what each is called."""
    rows = table.filter(
        (pl.col("of") == "benchmark") | ((pl.col("of") == "all") & (pl.col("over") == "benchmarks"))
    )
    old = pl.col("old").fill_null(False)
    return rows.with_columns(
        name=pl.when(pl.col("benchmark").is_null())
        .then(pl.lit(POOLED))
        .when(old)
        .then(pl.col("benchmark") + " (old)")
        .otherwise(pl.col("benchmark"))
    )


def _changes(rows: pl.DataFrame, name: str) -> Panel | None:
    rows = measured(rows, name)
    if rows.is_empty():
        return None
    rows = rows.with_columns(direction(name))
    x = alt.X(
        f"{name}:Q",
        title="change, points",
        scale=alt.Scale(domain=interval_domain(rows, name, 0), nice=False),
        axis=signed_axis(grid=True, tickCount=6),
    )
    y = alt.Y("name:N", title=None, sort=rows["name"].to_list(), axis=alt.Axis(labelLimit=220))
    colour = alt.Color("direction:N", scale=DIRECTION, legend=None)
    chart = alt.Chart(rows)
    layers = [
        zero("x"),
        chart.mark_rule(strokeWidth=1.75).encode(
            x=alt.X(f"{name}_low:Q"), x2=f"{name}_high:Q", y=y, color=colour
        ),
        chart.mark_point(size=70, filled=True, opacity=1).encode(
            x=x,
            y=y,
            color=colour,
            tooltip=["name:N", alt.Tooltip(f"{name}:Q", format="+.1f", title="points")],
        ),
    ]
    return finish(layers, ROW_HEIGHT * (rows["name"].n_unique() + 1))


def new_against_old(table: pl.DataFrame) -> dict[str, Panel]:
    """The mean change of accuracy on new benchmarks against that on old ones, in points.

    Args:
        table: As in `by_benchmark`.

    Returns:
        One panel with a point a model; empty where no benchmark is old.
    """
    over = table.filter(pl.col("over") == "benchmarks")
    ends = {end: f"accuracy_change{end}" for end in ("", "_low", "_high")}
    sides = [
        over.filter(pl.col("of") == of).select(
            "model", **{f"{of}{end}": pl.col(name) for end, name in ends.items()}
        )
        for of in ("new", "old")
    ]
    rows = in_points(sides[0].join(sides[1], on="model", maintain_order="left"), "new", "old")
    rows = measured(measured(rows, "new"), "old")
    if rows.is_empty():
        return {}
    rows = rows.with_columns(direction("old"))

    def axis(name: str, title: str) -> dict[str, Any]:
        return {
            "title": title,
            "scale": alt.Scale(domain=interval_domain(rows, name, 0), nice=False),
            "axis": signed_axis(grid=False, tickCount=6),
        }

    x = alt.X("new:Q", **axis("new", "new benchmarks: change of accuracy, points"))
    y = alt.Y("old:Q", **axis("old", "old benchmarks: change, points → kept"))
    colour = alt.Color("direction:N", scale=DIRECTION, legend=None)
    chart = alt.Chart(rows)
    layers = [
        zero("x"),
        zero("y"),
        chart.mark_rule(strokeWidth=1.75).encode(
            x=alt.X("new_low:Q"), x2="new_high:Q", y=y, color=colour
        ),
        chart.mark_rule(strokeWidth=1.75).encode(
            x=x, y=alt.Y("old_low:Q"), y2="old_high:Q", color=colour
        ),
        chart.mark_point(size=80, filled=True, opacity=1).encode(x=x, y=y, color=colour),
        chart.mark_text(align="left", dx=8, dy=-8, color=GREY).encode(x=x, y=y, text="model:N"),
    ]
    return {"": finish(layers, 320)}


def suite_grid(table: pl.DataFrame) -> Grid:
    """A row a benchmark, then the pooled ones, as text."""
    several = table["model"].n_unique() > 1
    headings = [
        *(["model"] if several else []),
        "benchmark",
        "questions",
        "k",
        "accuracy, %",
        "change, points",
        "pass@k, %",
        "change, points",
        "lost beyond noise",
        "gained",
        "label",
        "Holm's p",
    ]
    rows = []
    for row in table.to_dicts():
        p = [row[f"{name}_p_holm"] for name in ("accuracy", "capability")]
        smallest = min((value for value in p if value is not None), default=None)
        rows.append(
            [
                *([row["model"]] if several else []),
                row_name(row),
                count(row["questions"]),
                count(row["k"]),
                *_cells(row, "accuracy"),
                *_cells(row, "capability"),
                *(
                    NOTHING
                    if row[name] is None
                    else number_of_questions(estimate_of(row, name), signed=True)
                    for name in ("lost", "gained")
                ),
                row["label"] or NOTHING,
                p_value(smallest),
            ]
        )
    numeric = [name not in ("model", "benchmark", "label") for name in headings]
    return Grid(headings, numeric, rows)


def row_name(row: dict[str, Any]) -> str:
    """What a row of the table is called: a benchmark, or what it is the mean over."""
    if row["benchmark"] is not None:
        return f"{row['benchmark']} (old)" if row["old"] else str(row["benchmark"])
    group = "" if row["of"] == "all" else f"{row['of']} "
    if row["over"] == "benchmarks":
        return f"mean over {group}benchmarks"
    return f"mean over questions{f' of {group}benchmarks' if group else ''}"


def _cells(row: dict[str, Any], name: str) -> tuple[str, str]:
    if row[f"{name}_change"] is None:
        return NOTHING, NOTHING
    change = estimate_of(row, f"{name}_change").whole
    before, after = (estimate_of(row, f"{name}_{side}").estimate for side in ("before", "after"))
    return (
        f"{percent(before)} → {percent(after)}",
        f"{points(change.estimate)} {interval(change)}",
    )
