"""Charts of training: accuracy on the dev questions, and what the trainers logged, by step."""

from __future__ import annotations

import altair as alt
import polars as pl

from liftmap.report.charts.style import (
    GREY,
    INK,
    Panel,
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
