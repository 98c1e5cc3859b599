"""Charts of accuracy and capability: overview, pass@k, its change, contrast of two arms."""

from __future__ import annotations

import altair as alt
import polars as pl

from liftmap.report.charts.style import (
    DIRECTION,
    GREY,
    INK,
    LIGHT,
    Panel,
    direction,
    domain,
    finish,
    in_order,
    in_points,
    interval_domain,
    log_k,
    measured,
    zero,
)

HERO_HEIGHT = 420
# Vertical distance between labels, in pixels.
LABEL_STEP = 15


def hero(overview: pl.DataFrame) -> dict[str, Panel]:
    """Change of accuracy against change of capability, one point a checkpoint, in points.

    Args:
        overview: The rows of `overview.summarise`.

    Returns:
        One panel; empty if no checkpoint has both changes with intervals.
    """
    table = in_points(overview, "accuracy_change", "capability_change", "margin")
    table = measured(measured(table, "accuracy_change"), "capability_change")
    if table.is_empty():
        return {}
    margin = float(table["margin"][0])
    xs = interval_domain(table, "accuracy_change", 0, margin, -margin)
    ys = interval_domain(table, "capability_change", 0, 2.5 * margin, -2.5 * margin)
    table = _with_labels(table, xs, ys)
    x = alt.X(
        "accuracy_change:Q",
        title="change of accuracy (pass@1), points",
        scale=alt.Scale(domain=xs, nice=False),
        axis=alt.Axis(format="+.0f", grid=False),
    )
    k = int(table["k"][0])
    y = alt.Y(
        "capability_change:Q",
        title=f"change of capability (pass@{k}), points",
        scale=alt.Scale(domain=ys, nice=False),
        axis=alt.Axis(format="+.0f", grid=False),
    )
    ends = {"x": xs[0], "x2": xs[1], "y": ys[0], "y2": ys[1]}
    colour = alt.Color("direction:N", scale=DIRECTION, legend=None)
    points = alt.Chart(table)
    settled = alt.datum.capability != "unsettled"
    layers = [
        _zone({**ends, "x": -margin, "x2": margin}),
        _zone({**ends, "y": -margin, "y2": margin}),
        zero("x"),
        zero("y"),
        points.mark_rule(color="#b6bec9", strokeWidth=1).encode(
            x=alt.X("label_x:Q"), y=y, y2="label_y:Q"
        ),
        points.mark_rule(strokeWidth=1.5).encode(
            x=alt.X("accuracy_change_low:Q"), x2="accuracy_change_high:Q", y=y, color=colour
        ),
        points.mark_rule(strokeWidth=1.5).encode(
            x=x, y=alt.Y("capability_change_low:Q"), y2="capability_change_high:Q", color=colour
        ),
        points.mark_point(size=80, filled=True, opacity=1).encode(
            x=x,
            y=y,
            fill=alt.condition(
                settled,
                alt.Fill("direction:N", scale=DIRECTION, legend=None),
                alt.value("white"),
            ),
            stroke=alt.Stroke("direction:N", scale=DIRECTION, legend=None),
            strokeWidth=alt.value(1.75),
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("label:N", title="verdict"),
                alt.Tooltip("accuracy_change:Q", format="+.1f", title="accuracy, points"),
                alt.Tooltip("capability_change:Q", format="+.1f", title="capability, points"),
            ],
        ),
    ]
    for side in ("left", "right"):
        text = points.transform_filter(alt.datum.side == side).mark_text(
            align="right" if side == "left" else "left",
            dx=-5 if side == "left" else 5,
            baseline="middle",
            fontSize=12,
            fontWeight=600,
        )
        layers.append(text.encode(x=alt.X("label_x:Q"), y=alt.Y("label_y:Q"), text="model:N"))
    return {"": finish([*layers], HERO_HEIGHT)}


def _zone(box: dict[str, float]) -> alt.Chart:
    """The stripe of changes that lie within the margin."""
    frame = pl.DataFrame({name: [value] for name, value in box.items()})
    mark = alt.Chart(frame).mark_rect(color=LIGHT, opacity=0.55)
    stripe: alt.Chart = mark.encode(x="x:Q", x2="x2:Q", y="y:Q", y2="y2:Q")
    return stripe


def _with_labels(
    table: pl.DataFrame, xs: tuple[float, float], ys: tuple[float, float]
) -> pl.DataFrame:
    """Adds where each label goes: beside its accuracy interval, no two at one height.

    Heights are kept apart for labels on either side alike, for on a narrow screen they would meet.
    """
    table = table.with_columns(direction("capability_change")).sort("capability_change")
    pixel = (ys[1] - ys[0]) / HERO_HEIGHT
    heights = _spread(table["capability_change"].to_list(), LABEL_STEP * pixel, ys)
    right = pl.col("accuracy_change") <= (xs[0] + xs[1]) / 2
    return table.with_columns(
        pl.Series("label_y", heights),
        pl.when(right).then(pl.lit("right")).otherwise(pl.lit("left")).alias("side"),
        pl.when(right)
        .then("accuracy_change_high")
        .otherwise("accuracy_change_low")
        .alias("label_x"),
    )


def _spread(values: list[float], step: float, ends: tuple[float, float]) -> list[float]:
    """Sorted values moved apart, as little as need be, until neighbours are `step` apart."""
    out = list(values)
    for _ in range(20 * len(out)):
        for i in range(len(out) - 1):
            short = step - (out[i + 1] - out[i])
            if short > 0:
                out[i] -= short / 2
                out[i + 1] += short / 2
    lift = max(0.0, ends[0] + step / 2 - out[0])
    return [value + lift for value in out]


def curves(capability: pl.DataFrame) -> dict[str, Panel]:
    """pass@k of each arm's checkpoints against the base, with intervals; one panel an arm.

    Args:
        capability: The table `capability`.
    """
    table = in_points(capability, "before", "after")
    bounds = domain([*table["before_low"], *table["after_high"], *table["after_low"]])
    bounds = (max(0.0, bounds[0]), min(100.0, bounds[1]))
    out: dict[str, Panel] = {}
    for arm in in_order(table, "arm"):
        rows = table.filter(pl.col("arm") == arm)
        first = rows.filter(pl.col("model") == rows["model"][0])
        y = alt.Scale(domain=bounds, nice=False, zero=False)
        base = _ribbon(first, "before", GREY, y)
        arms = [
            layer
            for model in in_order(rows, "model")
            for layer in _ribbon(rows.filter(pl.col("model") == model), "after", INK, y)
        ]
        out[arm] = finish([*base, *arms], 210)
    return out


def _ribbon(rows: pl.DataFrame, name: str, colour: str, scale: alt.Scale) -> list[alt.Chart]:
    """A curve over k with its interval."""
    x = log_k(rows)
    chart = alt.Chart(rows)
    axis = alt.Y(f"{name}:Q", title="solved within k, %", scale=scale)
    band = chart.mark_area(color=colour, opacity=0.14).encode(
        x=x, y=alt.Y(f"{name}_low:Q", scale=scale), y2=f"{name}_high:Q"
    )
    line = chart.mark_line(color=colour, strokeWidth=2, point={"color": colour, "size": 18})
    tips = [
        alt.Tooltip("model:N", title="compared"),
        alt.Tooltip("k:Q", format="d"),
        alt.Tooltip(f"{name}:Q", format=".1f", title=f"{name}, %"),
        alt.Tooltip(f"{name}_low:Q", format=".1f", title="low"),
        alt.Tooltip(f"{name}_high:Q", format=".1f", title="high"),
    ]
    return [band, line.encode(x=x, y=axis, tooltip=tips)]


def changes(capability: pl.DataFrame) -> dict[str, Panel]:
    """Change of pass@k with its simultaneous band over all k; one panel a checkpoint, in points.

    Args:
        capability: The table `capability`.
    """
    return _change_panels(capability, "model", "change, points")


def contrast(table: pl.DataFrame) -> dict[str, Panel]:
    """Lead of the second arm of a matched pair over the first, by k, in points; a panel a pair.

    Args:
        table: The table `contrast`.
    """
    named = table.with_columns(
        pl.format("{} minus {}, seed {}", "after_arm", "before_arm", "seed").alias("pair")
    )
    return _change_panels(named, "pair", "lead, points")


def _change_panels(table: pl.DataFrame, panel: str, title: str) -> dict[str, Panel]:
    table = in_points(table, "change").with_columns(pl.col("band_low", "band_high") * 100)
    above, below = pl.col("band_low") > 0, pl.col("band_high") < 0
    words = pl.when(above).then(pl.lit("up")).when(below).then(pl.lit("down"))
    table = table.with_columns(words.otherwise(pl.lit("level")).alias("direction"))
    bounds = domain([*table["band_low"], *table["band_high"], 0.0])
    scale = alt.Scale(domain=bounds, nice=False)
    out: dict[str, Panel] = {}
    for name in in_order(table, panel):
        rows = table.filter(pl.col(panel) == name)
        x = log_k(rows)
        chart = alt.Chart(rows)
        y = alt.Y("change:Q", title=title, scale=scale, axis=alt.Axis(format="+.0f"))
        band = chart.mark_area(color=INK, opacity=0.12).encode(
            x=x, y=alt.Y("band_low:Q", scale=scale), y2="band_high:Q"
        )
        line = chart.mark_line(color=INK, strokeWidth=1.5).encode(x=x, y=y)
        dots = chart.mark_point(filled=True, size=46, opacity=1).encode(
            x=x,
            y=y,
            color=alt.Color("direction:N", scale=DIRECTION, legend=None),
            tooltip=[
                alt.Tooltip("k:Q", format="d"),
                alt.Tooltip("change:Q", format="+.1f", title="points"),
                alt.Tooltip("band_low:Q", format="+.1f", title="band, low"),
                alt.Tooltip("band_high:Q", format="+.1f", title="band, high"),
            ],
        )
        out[name] = finish([band, zero("y"), line, dots], 170)
    return out
