"""Charts of accuracy and capability: overview, pass@k, its change, contrast of two arms."""

from __future__ import annotations

import altair as alt
import polars as pl

from liftmap.report.charts import labels
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
    panels,
    signed_axis,
    zero,
)

HERO_HEIGHT = 420
# Opacity of an interval; several of one panel share it.
SHADE = 0.15
# Widths of the plot at which labels are kept apart, from a telephone's to the page's.
WIDTHS = (290, 400, 550, 700, 850, 1020)


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
    # Room above and below for the labels.
    room = 0.02 * (ys[1] - ys[0]) * min(len(table), 10)
    ys = (ys[0] - room, ys[1] + room)
    table = _with_labels(table, xs, ys)
    x = alt.X(
        "accuracy_change:Q",
        title="change of accuracy (pass@1), points → more reliable",
        scale=alt.Scale(domain=xs, nice=False),
        axis=signed_axis(grid=False, tickCount=8),
    )
    k = int(table["k"][0])
    y = alt.Y(
        "capability_change:Q",
        title=f"change of capability (pass@{k}), points → solves more",
        scale=alt.Scale(domain=ys, nice=False),
        axis=signed_axis(grid=False, tickCount=8),
    )
    ends = {"x": xs[0], "x2": xs[1], "y": ys[0], "y2": ys[1]}
    colour = alt.Color("direction:N", scale=DIRECTION, legend=None)
    points = alt.Chart(table)
    settled = alt.datum.capability != "unsettled"
    flag = alt.Chart(table)
    layers = [
        _zone({**ends, "x": -margin, "x2": margin}),
        _zone({**ends, "y": -margin, "y2": margin}),
        zero("x"),
        zero("y"),
        flag.mark_rule(color="#aab3bf", strokeWidth=1).encode(x=x, y=y, y2="label_y:Q"),
        points.mark_rule(strokeWidth=1.75).encode(
            x=alt.X("accuracy_change_low:Q"), x2="accuracy_change_high:Q", y=y, color=colour
        ),
        points.mark_rule(strokeWidth=1.75).encode(
            x=x, y=alt.Y("capability_change_low:Q"), y2="capability_change_high:Q", color=colour
        ),
        points.mark_point(size=85, filled=True, opacity=1).encode(
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
    size = alt.MarkDef("text", baseline="middle", fontSize=12, fontWeight=600).to_dict()
    del size["type"]
    right = flag.transform_filter(alt.datum.side == "right").mark_text(align="left", dx=3, **size)
    left = flag.transform_filter(alt.datum.side == "left").mark_text(align="right", dx=-3, **size)
    layers += [t.encode(x=x, y=alt.Y("label_y:Q"), text="model:N") for t in (right, left)]
    return {"": finish(layers, HERO_HEIGHT)}


def _zone(box: dict[str, float]) -> alt.Chart:
    """The stripe of changes that lie within the margin."""
    frame = pl.DataFrame({name: [value] for name, value in box.items()})
    mark = alt.Chart(frame).mark_rect(color=LIGHT, opacity=0.55)
    stripe: alt.Chart = mark.encode(x="x:Q", x2="x2:Q", y="y:Q", y2="y2:Q")
    return stripe


def _with_labels(
    table: pl.DataFrame, xs: tuple[float, float], ys: tuple[float, float]
) -> pl.DataFrame:
    """Adds where each label goes: its height and its side of the point."""
    per_y = HERO_HEIGHT / (ys[1] - ys[0])
    points = [
        labels.Point(
            row["model"],
            *(
                (row[f"accuracy_change{e}"] - xs[0]) / (xs[1] - xs[0])
                for e in ("", "_low", "_high")
            ),
            *((ys[1] - row[f"capability_change{e}"]) * per_y for e in ("", "_high", "_low")),
        )
        for row in table.to_dicts()
    ]
    flags = labels.place(points, WIDTHS, HERO_HEIGHT)
    return table.with_columns(
        direction("capability_change"),
        pl.Series("label_y", [ys[1] - flag.y / per_y for flag in flags]),
        pl.Series("side", [flag.side for flag in flags]),
    )


def curves(capability: pl.DataFrame, title: str = "solved within k, %") -> dict[str, Panel]:
    """pass@k of each arm's checkpoints against the base, with intervals; one panel an arm.

    Args:
        capability: The table `capability`, or `pass_hat`.
        title: What the vertical axis shows.
    """
    table = in_points(capability, "before", "after")
    ends = ("before_low", "before_high", "after_low", "after_high")
    bounds = domain([value for name in ends for value in table[name]])
    bounds = (max(0.0, bounds[0]), min(100.0, bounds[1]))
    drawings: dict[str, Panel] = {}
    for _, rows in panels(table, "arm"):
        models = in_order(rows, "model")
        first = rows.filter(pl.col("model") == models[0])
        y = alt.Scale(domain=bounds, nice=False, zero=False)
        base = _ribbon(first, "before", GREY, y, title)
        shade = SHADE / len(models)
        arms = [
            layer
            for model in models
            for layer in _ribbon(
                rows.filter(pl.col("model") == model), "after", INK, y, title, shade
            )
        ]
        drawings[", ".join(models)] = finish([*base, *arms], 210)
    return drawings


def _ribbon(
    rows: pl.DataFrame,
    name: str,
    colour: str,
    scale: alt.Scale,
    title: str,
    shade: float = SHADE,
) -> list[alt.Chart]:
    """A curve over k with its interval, shaded with this opacity."""
    x = log_k(rows)
    chart = alt.Chart(rows)
    axis = alt.Y(f"{name}:Q", title=title, scale=scale)
    band = _shade(chart, rows, colour, shade).encode(
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


def _shade(chart: alt.Chart, rows: pl.DataFrame, colour: str, opacity: float) -> alt.Chart:
    """The shade between two ends: an area, or a bar where there is one k alone."""
    shade: alt.Chart = (
        chart.mark_area(color=colour, opacity=opacity)
        if rows["k"].n_unique() > 1
        else chart.mark_rule(color=colour, opacity=opacity, strokeWidth=8)
    )
    return shade


def pass_hat(table: pl.DataFrame) -> dict[str, Panel]:
    """pass^k of each arm's checkpoints against the base, as `curves`."""
    return curves(table, "all of k right, %")


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
    drawings: dict[str, Panel] = {}
    for name, rows in panels(table, panel):
        x = log_k(rows)
        chart = alt.Chart(rows)
        y = alt.Y("change:Q", title=title, scale=scale, axis=signed_axis())
        band = _shade(chart, rows, INK, 0.12).encode(
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
        drawings[name] = finish([band, zero("y"), line, dots], 170)
    return drawings
