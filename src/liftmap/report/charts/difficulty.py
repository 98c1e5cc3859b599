"""Charts by base difficulty: changes, transitions, lost and gained, questions that moved."""

from __future__ import annotations

import altair as alt
import polars as pl

from liftmap.report.charts.style import (
    DIRECTION,
    DOWN,
    GREY,
    INK,
    UP,
    Panel,
    direction,
    finish,
    focus,
    in_order,
    in_points,
    interval_domain,
    measured,
    panels,
    signed_axis,
    zero,
)


def by_difficulty(table: pl.DataFrame) -> dict[str, Panel]:
    """Change by bin of difficulty before; a panel a checkpoint.

    Args:
        table: The rows of one k of the table `difficulty`. A bin is coloured only if its change
            survives that many bins (and arms) were looked at, where there is such a band.
    """
    return _bin_panels(table, "model", "change, points")


def contrast_by_difficulty(table: pl.DataFrame) -> dict[str, Panel]:
    """Lead of the second arm of a matched pair over the first by base difficulty; a panel a pair.

    Args:
        table: The table `contrast_difficulty`.
    """
    pair = pl.format("{} minus {}, seed {}", "after_arm", "before_arm", "seed").alias("pair")
    return _bin_panels(table.with_columns(pair), "pair", "lead, points")


def _bin_panels(table: pl.DataFrame, panel: str, title: str) -> dict[str, Panel]:
    banded = "band_low" in table.columns and table["band_low"].is_not_null().any()
    coloured = direction("band" if banded else "change")
    table = measured(in_points(table, "change", "band"), "change").with_columns(coloured)
    if table.is_empty():
        return {}
    labels = table.sort("bin")["label"].unique(maintain_order=True).to_list()
    scale = alt.Scale(domain=focus(table, "change", 0.0), nice=False)
    x = alt.X(
        "label:O",
        title=f"right responses before{_out_of(table)} (hardest first)",
        scale=alt.Scale(domain=labels),
        axis=alt.Axis(labelAngle=-40, grid=False),
    )
    colour = alt.Color("direction:N", scale=DIRECTION, legend=None)
    drawings: dict[str, Panel] = {}
    for name, rows in panels(table, panel):
        chart = alt.Chart(rows)
        bars = chart.mark_rule(strokeWidth=1.75, clip=True).encode(
            x=x,
            y=alt.Y("change_low:Q", scale=scale, title=title, axis=signed_axis()),
            y2="change_high:Q",
            color=colour,
        )
        dots = chart.mark_point(filled=True, size=50, opacity=1).encode(
            x=x,
            y=alt.Y("change:Q", scale=scale),
            color=colour,
            tooltip=[
                alt.Tooltip("label:N", title="right responses before"),
                alt.Tooltip("questions:Q", format=".1f"),
                alt.Tooltip("change:Q", format="+.1f", title="points"),
                alt.Tooltip("change_low:Q", format="+.1f", title="low"),
                alt.Tooltip("change_high:Q", format="+.1f", title="high"),
            ],
        )
        drawings[name] = finish([zero("y"), bars, dots], 190)
    return drawings


def _out_of(table: pl.DataFrame) -> str:
    """What the labels of bins are out of, where it is known and one number."""
    known = table.get_column("responses", default=pl.Series([None], dtype=pl.Int64))
    sizes = known.unique().drop_nulls()
    return f", of {sizes[0]}" if len(sizes) == 1 else ""


def transitions(table: pl.DataFrame) -> dict[str, Panel]:
    """Questions by bin before (rows) and after (columns), shaded by share of the row.

    Args:
        table: The rows of one kind of the table `transitions`.
    """
    shared = table.with_columns(
        share=pl.col("questions") / pl.col("questions").sum().over("model", "before_bin"),
    )
    return {
        name: _matrix(rows, "share", [0.0, 1.0], [f"{INK}00", f"{INK}99"])
        for name, rows in panels(shared, "model")
    }


def beyond_noise(table: pl.DataFrame) -> dict[str, Panel]:
    """The matrix at half of the responses over its noise floor, shaded where it exceeds it.

    Args:
        table: The table `transitions`.
    """
    cell = ["model", "before_bin", "after_bin"]
    noise = table.filter(pl.col("kind") == "noise").select(*cell, noise="questions")
    half = table.filter(pl.col("kind") == "half").join(noise, on=cell, how="left")
    side = (pl.col("after_bin") - pl.col("before_bin")).sign()
    half = half.with_columns(
        beyond=(pl.col("questions") - pl.col("noise")).clip(0) * side,
    )
    drawings: dict[str, Panel] = {}
    most = half["beyond"].abs().max()
    reach = max(float(most) if isinstance(most, float) else 0.0, 1.0)
    for name, rows in panels(half, "model"):
        drawings[name] = _matrix(
            rows, "beyond", [-reach, 0.0, reach], [f"{DOWN}99", "#ffffff00", f"{UP}99"]
        )
    return drawings


def _matrix(rows: pl.DataFrame, fill: str, values: list[float], colours: list[str]) -> Panel:
    """A grid of counts; with a column `noise`, that figure small beneath each count."""
    before = rows.sort("before_bin", descending=True)
    before_labels = before["before_label"].unique(maintain_order=True).to_list()
    after_labels = rows.sort("after_bin")["after_label"].unique(maintain_order=True).to_list()
    floor = "noise" in rows.columns
    some = pl.col("questions") >= (0.05 if floor else 0.5)
    if floor:
        some = some | (pl.col("noise") >= 0.05)
    decimals = 1 if floor else 0
    rows = rows.with_columns(
        count=pl.when(some).then(pl.col("questions").round(decimals).cast(pl.String)),
        floor=pl.when(some).then(pl.col("noise").round(1).cast(pl.String))
        if floor
        else pl.lit(None, pl.String),
    )
    if not floor:
        rows = rows.with_columns(pl.col("count").str.strip_suffix(".0"))
    x = alt.X(
        "after_label:O",
        title="right responses after",
        scale=alt.Scale(domain=after_labels),
        axis=alt.Axis(labelAngle=-40, grid=False, ticks=False),
    )
    y = alt.Y(
        "before_label:O",
        title="right responses before",
        scale=alt.Scale(domain=before_labels),
        axis=alt.Axis(grid=False, ticks=False),
    )
    chart = alt.Chart(rows)
    cells = chart.mark_rect(stroke="#edf0f3").encode(
        x=x,
        y=y,
        color=alt.Color(
            f"{fill}:Q",
            scale=alt.Scale(domain=values, range=colours, type="linear", clamp=True),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("before_label:N", title="before"),
            alt.Tooltip("after_label:N", title="after"),
            alt.Tooltip("questions:Q", format=".1f"),
            *([alt.Tooltip("noise:Q", format=".1f", title="noise alone")] if floor else []),
        ],
    )
    figures = alt.Chart(rows.filter(pl.col("count").is_not_null()))
    upper = figures.mark_text(fontSize=10.5, dy=-5 if floor else 0)
    texts = [upper.encode(x=x, y=y, text="count:N")]
    if floor:
        small = figures.mark_text(fontSize=9, dy=7, color="#4a5462")
        texts.append(small.encode(x=x, y=y, text="floor:N"))
    return finish([cells, *texts], 290)


def lost_gained(table: pl.DataFrame) -> dict[str, Panel]:
    """Questions lost and gained: estimated, from noise alone, and beyond noise; a panel each.

    Args:
        table: The table `lost_gained`.
    """
    parts = ["estimate", "noise", "excess"]
    names = {"estimate": "estimated", "noise": "noise alone", "excess": "beyond noise"}
    long = pl.concat(
        table.select(
            "model",
            "direction",
            pl.lit(names[part]).alias("part"),
            *(pl.col(f"{part}{end}").alias(f"value{end}") for end in ("", "_low", "_high")),
        )
        for part in parts
    )
    long = measured(long, "value")
    scale = alt.Scale(domain=interval_domain(long, "value", 0.0), nice=False)
    models = in_order(table, "model")
    drawings: dict[str, Panel] = {}
    for name, accent in (("gained", UP), ("lost", DOWN)):
        rows = long.filter(pl.col("direction") == name)
        if rows.is_empty():
            continue
        chart = alt.Chart(rows)
        y = alt.Y("model:N", sort=models, title=None, axis=alt.Axis(grid=True, ticks=False))
        offset = alt.YOffset("part:N", sort=list(names.values()))
        colour = alt.Color(
            "part:N",
            scale=alt.Scale(domain=list(names.values()), range=[INK, GREY, accent]),
            legend=None,
        )
        bars = chart.mark_rule(strokeWidth=1.5).encode(
            y=y,
            yOffset=offset,
            x=alt.X("value_low:Q", title=f"questions {name}", scale=scale),
            x2="value_high:Q",
            color=colour,
        )
        dots = chart.mark_point(filled=True, size=46, opacity=1).encode(
            y=y,
            yOffset=offset,
            x=alt.X("value:Q", scale=scale),
            color=colour,
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("part:N", title=name),
                alt.Tooltip("value:Q", format=".1f", title="questions"),
                alt.Tooltip("value_low:Q", format=".1f", title="low"),
                alt.Tooltip("value_high:Q", format=".1f", title="high"),
            ],
        )
        drawings[name] = finish([zero("x"), bars, dots], 42 * len(models))
    return drawings


def moved(table: pl.DataFrame) -> dict[str, Panel]:
    """Success rate before and after of each question that moved beyond noise; a panel a checkpoint.

    Args:
        table: The table `moved`.
    """
    ends = pl.DataFrame({"before": [0.0, 100.0], "after": [0.0, 100.0]})
    scale = alt.Scale(domain=[-2, 102], nice=False)
    ticks = alt.Axis(values=[0, 25, 50, 75, 100])
    x = alt.X("before:Q", title="right responses of the base, %", scale=scale, axis=ticks)
    y = alt.Y("after:Q", title="right responses after, %", scale=scale, axis=ticks)
    line = alt.Chart(ends).mark_line(color="#b6bec9", strokeWidth=1).encode(x=x, y=y)
    table = in_points(table, "before", "after")
    drawings: dict[str, Panel] = {}
    for name, rows in panels(table, "model"):
        dots = alt.Chart(rows.select("question_id", "text", "before", "after", "direction"))
        mark = dots.mark_point(filled=True, size=40, opacity=0.75).encode(
            x=x,
            y=y,
            color=alt.Color("direction:N", scale=DIRECTION, legend=None),
            tooltip=[
                alt.Tooltip("text:N", title="question"),
                alt.Tooltip("before:Q", format=".1f", title="before, %"),
                alt.Tooltip("after:Q", format=".1f", title="after, %"),
            ],
        )
        drawings[name] = finish([line, mark], 240)
    return drawings
