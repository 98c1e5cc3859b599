"""Charts of a run over its steps: pass@k, questions lost and gained, what responses are like.

Each takes one table of `Track.tables` and gives its panels.
"""

from __future__ import annotations

import altair as alt
import polars as pl

from liftmap.report.charts.style import (
    DIRECTION,
    INK,
    Panel,
    domain,
    finish,
    in_points,
    measured,
    signed_axis,
    zero,
)

HEIGHT = 220


def changes(passes: pl.DataFrame) -> dict[str, Panel]:
    """Change of accuracy, and of pass@k at the largest k, against the step, with the band.

    Args:
        passes: The table `passes`.

    Returns:
        A panel for each of the two, in points, on one scale.
    """
    table = in_points(passes.filter(pl.col("change").is_not_null()), "change", "band")
    table = table.with_columns(colour=pl.col("direction").fill_null("level"))
    ends = passes["k"].unique().sort()
    chosen = table.filter(pl.col("k").is_in([ends[0], ends[-1]]))
    titles = {k: "accuracy (pass@1)" if k == 1 else f"pass@{k}" for k in ends}
    bounds = domain(
        [*chosen["change"], *chosen["band_low"].drop_nulls(), *chosen["band_high"].drop_nulls(), 0]
    )
    return {
        titles[k]: _banded(chosen.filter(pl.col("k") == k), "change", "change, points", bounds)
        for k in dict.fromkeys((ends[0], ends[-1]))
    }


def moves(table: pl.DataFrame) -> dict[str, Panel]:
    """Questions lost and gained beyond noise against the step, with the band.

    Args:
        table: The table `moves`.
    """
    # More lost than noise explains is bad; fewer means that answers became steadier.
    bad = pl.when(pl.col("direction") == "lost").then(pl.lit("down")).otherwise(pl.lit("up"))
    beyond = pl.col("band_low").fill_null(0) > 0
    table = table.with_columns(colour=pl.when(beyond).then(bad).otherwise(pl.lit("level")))
    bounds = domain(
        [*table["excess"], *table["band_low"].drop_nulls(), *table["band_high"].drop_nulls(), 0]
    )
    return {
        direction: _banded(
            table.filter(pl.col("direction") == direction), "excess", "questions", bounds
        )
        for direction in ("lost", "gained")
        if direction in table["direction"]
    }


def _banded(rows: pl.DataFrame, name: str, title: str, bounds: tuple[float, float]) -> Panel:
    """A line over steps in its band; the column `colour` says how a point is coloured."""
    chart, x = alt.Chart(rows), _steps(rows)
    scale = alt.Scale(domain=bounds, nice=False)
    y = alt.Y(f"{name}:Q", title=title, scale=scale, axis=signed_axis())
    shade = (
        chart.mark_area(color=INK, opacity=0.12)
        if len(rows) > 1
        else chart.mark_rule(color=INK, opacity=0.12, strokeWidth=8)
    )
    band = shade.encode(x=x, y=alt.Y("band_low:Q", scale=scale), y2="band_high:Q")
    line = chart.mark_line(color=INK, strokeWidth=1.5).encode(x=x, y=y)
    dots = chart.mark_point(filled=True, size=46, opacity=1).encode(
        x=x,
        y=y,
        color=alt.Color("colour:N", scale=DIRECTION, legend=None),
        tooltip=[
            alt.Tooltip("step:Q", format="d"),
            alt.Tooltip(f"{name}:Q", format="+.1f", title=title),
            alt.Tooltip("band_low:Q", format="+.1f", title="band, low"),
            alt.Tooltip("band_high:Q", format="+.1f", title="band, high"),
        ],
    )
    return finish([band, zero("y"), line, dots], HEIGHT)


def responses(table: pl.DataFrame) -> dict[str, Panel]:
    """Mean length, entropy of answers and share cut off against the step, with intervals.

    Args:
        table: The table `responses`.

    Returns:
        A panel for each of them that is known.
    """
    unit = table["unit"].drop_nulls()
    titles = {
        "length": f"mean length, {unit[0]}" if len(unit) else "mean length",
        "entropy": "entropy of answers, nats",
        "truncated": "cut off, %",
    }
    table = in_points(table, "truncated")
    drawings: dict[str, Panel] = {}
    for name, title in titles.items():
        rows = measured(table, name)
        if rows.is_empty():
            continue
        chart, x = alt.Chart(rows), _steps(rows)
        scale = alt.Scale(zero=False)
        y = alt.Y(f"{name}:Q", title=title, scale=scale)
        bars = chart.mark_rule(color=INK, opacity=0.5).encode(
            x=x, y=alt.Y(f"{name}_low:Q", scale=scale), y2=f"{name}_high:Q"
        )
        line = chart.mark_line(color=INK, strokeWidth=1.5, point={"color": INK, "size": 24})
        tips = [
            alt.Tooltip("step:Q", format="d"),
            alt.Tooltip(f"{name}:Q", format=".2f", title=title),
        ]
        drawings[title] = finish([bars, line.encode(x=x, y=y, tooltip=tips)], 150)
    return drawings


def _steps(rows: pl.DataFrame) -> alt.X:
    steps = rows["step"].unique().sort().to_list()
    axis = alt.Axis(values=steps, format="d", grid=False, labelOverlap="greedy")
    return alt.X("step:Q", title="training step", axis=axis, scale=alt.Scale(zero=False))
