"""What all charts share: colours, axes, error bars, and the one size that fits any screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import polars as pl

from liftmap.config import TEACHER

INK = "#1b2430"
GREY = "#8791a0"
LIGHT = "#e3e7ec"
UP = "#0b62a8"
DOWN = "#c4500b"
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

Panel = alt.LayerChart

DIRECTION = alt.Scale(domain=["up", "down", "level"], range=[UP, DOWN, GREY])

_CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {
        "domainColor": "#b6bec9",
        "gridColor": "#edf0f3",
        "tickColor": "#b6bec9",
        "labelColor": "#4a5462",
        "labelFontSize": 11,
        "titleColor": "#4a5462",
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "legend": {
        "orient": "top",
        "labelColor": "#4a5462",
        "labelFontSize": 11,
        "titleColor": "#4a5462",
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "offset": 4,
    },
    "text": {"color": INK, "fontSize": 11},
}


def finish(layers: Sequence[alt.Chart], height: float) -> Panel:
    """Lays charts over each other, in house style, as wide as whatever holds them.

    Args:
        layers: From back to front.
        height: In pixels.
    """
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    chart = alt.LayerChart(layer=[*layers]).properties(
        width="container", height=height, autosize=fit
    )
    styled: Panel = chart.configure(**_CONFIG)
    return styled


def in_points(table: pl.DataFrame, *names: str) -> pl.DataFrame:
    """The table with shares (and their intervals, where there) multiplied by 100."""
    columns = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    return table.with_columns(pl.col([c for c in columns if c in table.columns]) * 100)


def direction(name: str, middle: float = 0.0) -> pl.Expr:
    """Whether the interval of column `name` lies above `middle`, below it, or holds it."""
    above, below = pl.col(f"{name}_low") > middle, pl.col(f"{name}_high") < middle
    up, down, level = (pl.lit(word) for word in ("up", "down", "level"))
    return pl.when(above).then(up).when(below).then(down).otherwise(level).alias("direction")


def measured(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows in which column `name` has a finite value and interval."""
    return table.filter(
        pl.all_horizontal(pl.col(name, f"{name}_low", f"{name}_high").is_finite().fill_null(False))
    )


def domain(values: Sequence[float], pad: float = 0.06) -> tuple[float, float]:
    """Ends of an axis that holds all finite `values` with a little room."""
    series = pl.Series(values, dtype=pl.Float64)
    series = series.filter(series.is_finite())
    if series.is_empty():
        return (-1.0, 1.0)
    low, high = float(series.min()), float(series.max())  # type: ignore[arg-type]
    room = pad * (high - low or 1.0)
    return (low - room, high + room)


def interval_domain(table: pl.DataFrame, name: str, *always: float) -> tuple[float, float]:
    """Ends of an axis that holds all intervals of column `name` and the values `always`."""
    rows = measured(table, name)
    return domain([*rows[f"{name}_low"].to_list(), *rows[f"{name}_high"].to_list(), *always])


def zero(axis: Literal["x", "y"], at: float = 0.0) -> alt.Chart:
    """A thin line across the chart at `at`."""
    mark = alt.Chart(pl.DataFrame({"at": [at]})).mark_rule(color="#9aa4b2", strokeWidth=1)
    line: alt.Chart = mark.encode(**{axis: alt.datum(at)})
    return line


def log_k(table: pl.DataFrame) -> alt.X:
    """The axis of k: doubling steps, labelled at the k that were measured."""
    ks = sorted(table["k"].unique().to_list())
    axis = alt.Axis(values=ks, format="d", grid=False, labelOverlap="greedy")
    scale = alt.Scale(type="log", base=2, domain=[ks[0], ks[-1]], nice=False)
    return alt.X("k:Q", title="k: responses drawn", scale=scale, axis=axis)


def in_order(table: pl.DataFrame, column: str) -> list[Any]:
    """Values of a column in order of first appearance."""
    return table[column].unique(maintain_order=True).to_list()


def panels(table: pl.DataFrame, column: str) -> list[tuple[str, pl.DataFrame]]:
    """The rows of each value of a column, in order of appearance; the teacher's come last."""
    names = sorted(in_order(table, column), key=lambda name: name == TEACHER)
    return [(name, table.filter(pl.col(column) == name)) for name in names]


def signed_axis(**more: Any) -> alt.Axis:
    """An axis of changes: signs on both sides of a plain 0."""
    text = "datum.value == 0 ? '0' : format(datum.value, '+~g')"
    return alt.Axis(labelExpr=text, **more)


def focus(table: pl.DataFrame, name: str, *always: float) -> tuple[float, float]:
    """Ends of an axis that holds all estimates of a column and all but its very wide intervals.

    A bin with two questions has an interval that would flatten everything else; one that is wider
    than four times the median is left to be cut off by the frame.
    """
    rows = measured(table, name).with_columns(wide=pl.col(f"{name}_high") - pl.col(f"{name}_low"))
    some = rows.filter(pl.col("wide") <= 4 * pl.col("wide").median())
    values = [*rows[name], *some[f"{name}_low"], *some[f"{name}_high"], *always]
    return domain(values)
