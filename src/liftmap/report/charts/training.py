"""Charts of training by step: dev accuracy, answers while training, logs, groups and the law."""

from __future__ import annotations

import altair as alt
import polars as pl

from liftmap.report.charts.style import (
    DOWN,
    GREY,
    INK,
    UP,
    Panel,
    domain,
    finish,
    in_order,
    in_points,
    interval_domain,
    measured,
    panels,
)

# Steps of a training over this many are one window of the running mean.
RUNNING = 12


def dev_accuracy(table: pl.DataFrame) -> dict[str, Panel]:
    """Accuracy on the dev questions at each saved step, the chosen one filled; one panel each.

    Args:
        table: The table `training`.

    Returns:
        Panels of the checkpoints that had more than one step to choose from.
    """
    rows = measured(in_points(table, "dev_accuracy"), "dev_accuracy")
    rows = rows.with_columns(pl.format("{}@{}", "arm", "seed").alias("model"))
    rows = rows.filter(pl.len().over("model") > 1)
    if rows.is_empty():
        return {}
    bounds = alt.Scale(domain=interval_domain(rows, "dev_accuracy"), nice=False, zero=False)
    drawings: dict[str, Panel] = {}
    for model in in_order(rows, "model"):
        some = rows.filter(pl.col("model") == model)
        chart = alt.Chart(some)
        steps = sorted(some["step"].unique().to_list())
        axis = alt.Axis(values=steps, format="d", grid=False, labelOverlap="greedy")
        x = alt.X("step:Q", title="optimiser step", axis=axis, scale=alt.Scale(zero=False))
        y = alt.Y("dev_accuracy:Q", title="dev accuracy, %", scale=bounds)
        bars = chart.mark_rule(color=GREY).encode(
            x=x, y=alt.Y("dev_accuracy_low:Q", scale=bounds), y2="dev_accuracy_high:Q"
        )
        line = chart.mark_line(color=GREY, strokeWidth=1.5).encode(x=x, y=y)
        dots = chart.mark_point(size=60, stroke=INK, strokeWidth=1.5, opacity=1).encode(
            x=x,
            y=y,
            fill=alt.condition(alt.datum.chosen, alt.value(INK), alt.value("white")),
            tooltip=[
                alt.Tooltip("step:Q", format="d"),
                alt.Tooltip("dev_accuracy:Q", format=".1f", title="dev accuracy, %"),
                alt.Tooltip("chosen:N"),
            ],
        )
        drawings[model] = finish([bars, line, dots], 190)
    return drawings


def steps(table: pl.DataFrame) -> dict[str, Panel]:
    """Accuracy and capability on dev questions while an arm was trained; a panel a checkpoint.

    Args:
        table: The table `steps`.
    """
    drawings: dict[str, Panel] = {}
    for model, rows in panels(in_points(table, "accuracy", "capability"), "model"):
        ends = [f"{name}_{end}" for name in ("accuracy", "capability") for end in ("low", "high")]
        y = alt.Y(title="solved, %", scale=alt.Scale(domain=_inside(rows, ends), nice=False))
        layers = []
        for name, color in (("capability", GREY), ("accuracy", INK)):
            layers += _with_band(measured(rows, name), name, color, y)
        drawings[model] = finish(layers, 190)
    return drawings


def gradient(table: pl.DataFrame) -> dict[str, Panel]:
    """Groups without a gradient, logged and predicted; a panel a checkpoint.

    Args:
        table: The table `gradient`.
    """
    drawings: dict[str, Panel] = {}
    shares = ("no_gradient", "all_right", "all_wrong")
    points = in_points(table, *shares, *(f"predicted_{name}" for name in shares))
    for model, rows in panels(points, "model"):
        y = alt.Y(title="groups, %", scale=alt.Scale(domain=(0, 100), nice=False))
        layers = []
        colors = zip(shares, (INK, UP, DOWN), strict=True)
        for name, color in colors:
            predicted = measured(rows, f"predicted_{name}")
            layers += _with_band(predicted, f"predicted_{name}", color, y)
            logged = rows.filter(pl.col(name).is_not_null())
            dots = alt.Chart(logged.select("step", name)).mark_point(
                shape="circle", size=14, color=color, filled=True, opacity=0.45
            )
            layers.append(dots.encode(x=_step_axis(), y=_of(y, name)))
        drawings[model] = finish(layers, 190)
    return drawings


def _with_band(rows: pl.DataFrame, name: str, color: str, y: alt.Y) -> list[alt.Chart]:
    """A line of column `name` by step, its points, and the shade of its intervals."""
    chart = alt.Chart(rows.select("step", name, f"{name}_low", f"{name}_high"))
    shade = chart.mark_area(color=color, opacity=0.13).encode(
        x=_step_axis(), y=_of(y, f"{name}_low"), y2=f"{name}_high:Q"
    )
    line = chart.mark_line(color=color, strokeWidth=1.75, point={"color": color, "size": 30})
    title = name.replace("_", " ")
    tooltip = [
        alt.Tooltip("step:Q", format="d"),
        alt.Tooltip(f"{name}:Q", format=".1f", title=f"{title}, %"),
    ]
    return [shade, line.encode(x=_step_axis(), y=_of(y, name), tooltip=tooltip)]


def _step_axis() -> alt.X:
    return alt.X("step:Q", title="optimiser step", axis=alt.Axis(format="d", grid=False))


def _of(y: alt.Y, name: str) -> alt.Y:
    """The same axis for a column."""
    axis = y.copy()
    axis.shorthand = f"{name}:Q"
    return axis


def _inside(rows: pl.DataFrame, columns: list[str]) -> tuple[float, float]:
    """Ends of an axis of percentages that holds all values of these columns."""
    low, high = domain([value for name in columns for value in rows[name].drop_nulls()])
    return max(0.0, low), min(100.0, high)


def metrics(table: pl.DataFrame) -> dict[str, Panel]:
    """The trainer's log by step, and its running mean; a panel a checkpoint.

    Args:
        table: The rows of `metrics.read_metrics`.
    """
    drawings: dict[str, Panel] = {}
    for model, rows in panels(table, "model"):
        measure = rows["measure"][0]
        window = max(1, len(rows) // RUNNING)
        rows = rows.sort("step").with_columns(
            mean=pl.col("value").rolling_mean(window, min_samples=1, center=True)
        )
        chart = alt.Chart(rows.select("step", "value", "mean"))
        x = alt.X("step:Q", title="optimiser step", axis=alt.Axis(format="d", grid=False))
        scale = alt.Scale(zero=False)
        each = chart.mark_line(color=GREY, strokeWidth=1, opacity=0.6).encode(
            x=x, y=alt.Y("value:Q", title=measure, scale=scale)
        )
        mean = chart.mark_line(color=INK, strokeWidth=1.75).encode(
            x=x, y=alt.Y("mean:Q", scale=scale)
        )
        drawings[f"{model}, {measure}"] = finish([each, mean], 150)
    return drawings
