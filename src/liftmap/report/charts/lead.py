"""The three figures that a page leads with: all curves on one plot, gain by difficulty, the matrix.

Read the tables `capability`, `difficulty` and `transitions`. A click on a bar or a cell filters the
list of questions, so what is drawn keeps the numbers of its bins.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from liftmap.report.charts.style import (
    DIRECTION,
    GREY,
    INK,
    LIGHT,
    UP,
    Panel,
    direction,
    domain,
    finish,
    focus,
    in_order,
    in_points,
    log_k,
    measured,
    panels,
    signed_axis,
    zero,
)

CURVES_HEIGHT = 300
# Pixels that a label takes in height.
_LINE = 14
MATRIX_KINDS = {"raw": "counts", "noise": "noise floor", "beyond": "beyond noise"}


def all_curves(capability: pl.DataFrame, before: str) -> dict[str, Panel]:
    """pass@k of the model before and of every model after on one plot, named at the line's end.

    The model that the page is about at the moment (its signal `arm`) is coloured, with its interval
    and the first k at which it no longer lies above the model before.

    Args:
        capability: The table `capability`, in shares.
        before: What the model before is called.
    """
    k = pl.col("k")
    doubling = (k & (k - 1) == 0) | (k == k.max().over("model"))
    table = in_points(capability, "before", "after").filter(~pl.col("extrapolated") & doubling)
    if table.is_empty():
        return {}
    models = in_order(table, "model")
    first = table.filter(pl.col("model") == models[0])
    ends = [f"{side}{end}" for side in ("before", "after") for end in ("", "_low", "_high")]
    bounds = domain([value for name in ends for value in table[name]])
    bounds = (max(0.0, bounds[0]), min(100.0, bounds[1]))
    most = int(first["k"].max())  # type: ignore[arg-type]
    x, scale = log_k(first), alt.Scale(domain=bounds, nice=False, zero=False)
    arm = alt.param(name="arm", value=models[0])
    chosen = "datum.model === arm"
    base = alt.Chart(first).encode(x=x)
    after = alt.Chart(table.select("model", "k", "after", "after_low", "after_high")).encode(x=x)
    colour = alt.condition(chosen, alt.value(UP), alt.value(INK))
    faint = alt.condition(chosen, alt.value(1.0), alt.value(0.35))
    layers = [
        base.mark_area(color=GREY, opacity=0.12).encode(
            y=alt.Y("before_low:Q", scale=scale), y2="before_high:Q"
        ),
        after.transform_filter(chosen)
        .mark_area(color=UP, opacity=0.12)
        .encode(y=alt.Y("after_low:Q", scale=scale), y2="after_high:Q"),
        base.mark_line(color=GREY, strokeWidth=2, strokeDash=[5, 3]).encode(
            y=alt.Y("before:Q", scale=scale, title="solved within k tries, %"),
            tooltip=_tips("before"),
        ),
        after.mark_line(strokeWidth=2).encode(
            y=alt.Y("after:Q", scale=scale),
            detail="model:N",
            color=colour,
            opacity=faint,
        ),
        after.mark_point(filled=True, size=22).encode(
            y=alt.Y("after:Q", scale=scale),
            color=colour,
            opacity=faint,
            tooltip=[alt.Tooltip("model:N"), *_tips("after")],
        ),
    ]
    meetings = _meetings(table)
    if len(meetings):
        layers.append(
            alt.Chart(meetings)
            .transform_filter(chosen)
            .mark_point(filled=False, size=140, color=UP, strokeWidth=1.5)
            .encode(
                x=x,
                y=alt.Y("after:Q", scale=scale),
                tooltip=[alt.Tooltip("k:Q", format="d", title="no longer above from k")],
            )
        )
    last = table.filter(pl.col("k") == pl.col("k").max().over("model"))
    names = [before, *last["model"]]
    heights = [float(first.filter(pl.col("k") == most)["before"][0]), *last["after"].to_list()]
    placed = pl.DataFrame({"model": names, "at": _apart(heights, bounds), "k": [most] * len(names)})
    layers.append(
        alt.Chart(placed)
        .mark_text(align="left", dx=6, fontSize=11, baseline="middle", clip=False)
        .encode(
            x=x,
            y=alt.Y("at:Q", scale=scale),
            text="model:N",
            color=alt.condition(chosen, alt.value(UP), alt.value("#4a5462")),
        )
    )
    panel = finish(layers, CURVES_HEIGHT).add_params(arm)
    room = 12 + 6 * max(map(len, names))
    return {"": panel.properties(padding={"left": 0, "top": 5, "bottom": 5, "right": room})}


def _tips(name: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("k:Q", format="d"),
        alt.Tooltip(f"{name}:Q", format=".1f", title=f"{name}, %"),
        alt.Tooltip(f"{name}_low:Q", format=".1f", title="low"),
        alt.Tooltip(f"{name}_high:Q", format=".1f", title="high"),
    ]


def _meetings(table: pl.DataFrame) -> pl.DataFrame:
    """The first k at which each model no longer lies above, of those that did at a smaller k."""
    ahead = pl.col("after") > pl.col("before")
    ordered = table.sort("model", "k", maintain_order=True)
    was_ahead = ahead.cast(pl.Int8).cum_max().over("model") > 0
    return (
        ordered.filter(was_ahead & ~ahead)
        .group_by("model", maintain_order=True)
        .first()
        .select("model", "k", "after")
    )


def _apart(heights: Sequence[float], bounds: tuple[float, float]) -> list[float]:
    """Heights of labels, moved so far that none covers another."""
    gap = _LINE * (bounds[1] - bounds[0]) / CURVES_HEIGHT
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    placed = [0.0] * len(heights)
    lowest = bounds[0] - gap
    for index in order:
        lowest = max(heights[index], lowest + gap)
        placed[index] = lowest
    # What was pushed over the top comes down again, with those beneath it.
    highest = bounds[1] + gap / 2
    for index in reversed(order):
        placed[index] = min(placed[index], highest)
        highest = placed[index] - gap
    return placed


def gain_by_difficulty(difficulty: pl.DataFrame) -> dict[str, Panel]:
    """Change of accuracy by difficulty before, hard questions left; a panel a model.

    Args:
        difficulty: The rows of accuracy of the table `difficulty`.
    """
    banded = bool(difficulty["band_low"].is_not_null().any())
    table = measured(in_points(difficulty, "change", "band"), "change").with_columns(
        direction("band" if banded else "change")
    )
    if table.is_empty():
        return {}
    table = table.with_columns(
        where=pl.struct("label", "responses").map_elements(_in_percent, return_dtype=pl.String),
        # What noise alone would give, in all bins at once.
        noise_low=pl.col("change") - pl.col("band_high"),
        noise_high=pl.col("change") - pl.col("band_low"),
    )
    scale = alt.Scale(domain=focus(table, "change", 0.0), nice=False)
    drawings: dict[str, Panel] = {}
    for name, rows in panels(table, "model"):
        x = alt.X(
            "where:O",
            title="right before, % of tries (hardest first)",
            sort=rows.sort("bin")["where"].to_list(),
            axis=alt.Axis(labelAngle=-40, grid=False),
        )
        chart = alt.Chart(rows).encode(x=x)
        layers = [zero("y")]
        if banded:
            layers.insert(
                0,
                chart.mark_bar(color=LIGHT, opacity=0.8, clip=True, size=22).encode(
                    y=alt.Y("noise_low:Q", scale=scale), y2="noise_high:Q"
                ),
            )
        colour = alt.Color("direction:N", scale=DIRECTION, legend=None)
        tips = [
            alt.Tooltip("where:N", title="right before"),
            alt.Tooltip("questions:Q", format=".1f"),
            alt.Tooltip("change:Q", format="+.1f", title="points"),
            alt.Tooltip("change_low:Q", format="+.1f", title="low"),
            alt.Tooltip("change_high:Q", format="+.1f", title="high"),
        ]
        layers += [
            chart.mark_rule(strokeWidth=2, clip=True).encode(
                y=alt.Y("change_low:Q", scale=scale, title="change, points", axis=signed_axis()),
                y2="change_high:Q",
                color=colour,
            ),
            chart.mark_point(filled=True, size=80, opacity=1, cursor="pointer").encode(
                y=alt.Y("change:Q", scale=scale), color=colour, tooltip=tips
            ),
            chart.mark_text(fontSize=10, color="#4a5462", baseline="top", dy=3).encode(
                y=alt.value(0), text=alt.Text("questions:Q", format=".0f")
            ),
        ]
        drawings[name] = finish(layers, 260)
    return drawings


def _in_percent(bin: dict[str, object]) -> str:
    """A bin's label in % of tries: `0.8-3` for 1-4 of 128."""
    label, out_of = str(bin["label"]), bin["responses"]
    if not isinstance(out_of, int):
        return label
    ends = [100 * int(end) / out_of for end in label.split("-")]
    texts = [f"{end:.1f}".removesuffix(".0") if end < 10 else f"{end:.0f}" for end in ends]
    return "\u2013".join(dict.fromkeys(texts))


def matrices(transitions: pl.DataFrame) -> dict[tuple[str, str], Panel]:
    """Where questions went, by bin before (rows) and after (columns): by model and kind.

    The kinds are those of `MATRIX_KINDS`: all responses counted; the noise floor, from one half of
    the responses before to the other; and what half a batch shows beyond that.

    Args:
        transitions: The table `transitions`.
    """
    cell = ["model", "before_bin", "after_bin"]
    noise = transitions.filter(pl.col("kind") == "noise")
    half = transitions.filter(pl.col("kind") == "half").join(
        noise.select(*cell, noise="questions"), on=cell, how="left"
    )
    beyond = half.with_columns(
        questions=pl.col("questions") - pl.col("noise"), kind=pl.lit("beyond")
    )
    table = pl.concat(
        [transitions.filter(pl.col("kind").is_in(["raw", "noise"])), beyond.drop("noise")]
    )
    return {
        (name, MATRIX_KINDS[kind]): _matrix(rows.filter(pl.col("kind") == kind), kind)
        for name, rows in panels(table, "model")
        for kind in MATRIX_KINDS
        if len(rows.filter(pl.col("kind") == kind))
    }


def _matrix(rows: pl.DataFrame, kind: str) -> Panel:
    """One matrix, its diagonal outlined, sums at the margins of what is a count."""
    before = in_order(rows.sort("before_bin", descending=True), "before_label")
    after = in_order(rows.sort("after_bin"), "after_label")
    signed = kind == "beyond"
    gone = pl.when(pl.col("after_bin") > pl.col("before_bin")).then(pl.lit("up"))
    rows = rows.with_columns(
        text=pl.when(pl.col("questions").abs() >= 0.5).then(
            pl.col("questions").round(0).cast(pl.Int64).cast(pl.String)
            if not signed
            else pl.format(
                "{}{}",
                pl.when(pl.col("questions") > 0).then(pl.lit("+")).otherwise(pl.lit("\u2212")),
                pl.col("questions").abs().round(0).cast(pl.Int64),
            )
        ),
        share=(pl.col("questions").clip(0) / pl.col("questions").clip(0).max()).fill_nan(0).sqrt()
        * 0.55,
        direction=gone.when(pl.col("after_bin") < pl.col("before_bin"))
        .then(pl.lit("down"))
        .otherwise(pl.lit("level")),
    )
    y = alt.Y(
        "before_label:O",
        title="right responses before",
        scale=alt.Scale(domain=before),
        axis=alt.Axis(grid=False, ticks=False),
    )
    x = alt.X(
        "after_label:O",
        title="right responses after",
        scale=alt.Scale(domain=after),
        axis=alt.Axis(labelAngle=-40, grid=False, ticks=False),
    )
    chart = alt.Chart(rows).encode(x=x, y=y)
    scale = DIRECTION if signed else alt.Scale(domain=["up", "down", "level"], range=[INK] * 3)
    layers = [
        chart.mark_rect(stroke="#edf0f3", cursor="pointer").encode(
            fill=alt.Fill("direction:N", scale=scale, legend=None),
            fillOpacity=alt.FillOpacity(
                "share:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None
            ),
            tooltip=[
                alt.Tooltip("before_label:N", title="before"),
                alt.Tooltip("after_label:N", title="after"),
                alt.Tooltip("questions:Q", format=".1f"),
            ],
        ),
        chart.transform_filter("datum.before_bin === datum.after_bin").mark_rect(
            filled=False, stroke="#8791a0", strokeWidth=1.5
        ),
        chart.transform_filter("isValid(datum.text)")
        .mark_text(fontSize=10.5)
        .encode(text="text:N"),
    ]
    return finish(layers, 290)
