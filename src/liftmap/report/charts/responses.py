"""Charts of what responses look like: length, phrases, likelihood, quality, styles, knowledge."""

from __future__ import annotations

import altair as alt
import polars as pl

from liftmap.comparison.response_words import measure_text
from liftmap.config import BASE
from liftmap.report.charts.style import (
    DIRECTION,
    GREY,
    INK,
    Panel,
    direction,
    finish,
    focus,
    in_order,
    in_points,
    interval_domain,
    measured,
    signed_axis,
    zero,
)

ALL = "all"
INDICATORS = {
    "length": "length in tokens",
    "reflection": "holds a reflection phrase",
    "log_likelihood_base": "log-likelihood a token under the base",
    "log_likelihood_own": "log-likelihood a token under the model itself",
    "majority": "agrees with the model's majority answer",
}


def length(table: pl.DataFrame) -> dict[str, Panel]:
    """Tokens a response by base difficulty, base against checkpoint; a panel a checkpoint.

    Args:
        table: The table `length`.
    """
    return _against_base(table, "tokens", "tokens a response")


def reflection(table: pl.DataFrame) -> dict[str, Panel]:
    """Share of responses with a reflection phrase by base difficulty; a panel a checkpoint.

    Args:
        table: The table `length`.
    """
    return _against_base(in_points(table, "reflection"), "reflection", "with a phrase, %")


def length_of_two(table: pl.DataFrame) -> dict[str, Panel]:
    """Length of a response by difficulty before, of the two models of a comparison.

    Args:
        table: The rows of the measure length of the table `responses`.
    """
    units = table["unit"].unique(maintain_order=True).to_list()
    return _of_two(table, f"{units[0]} a response") if units else {}


def phrases_of_two(table: pl.DataFrame) -> dict[str, Panel]:
    """Share of responses with a phrase by difficulty before; a panel a list of phrases.

    Args:
        table: The rows of the shares with a phrase of the table `responses`.
    """
    shares = in_points(table, "before", "after")
    panels: dict[str, Panel] = {}
    for measure in in_order(shares, "measure"):
        rows = shares.filter(pl.col("measure") == measure)
        panels_drawn = _of_two(rows, "with a phrase, %")
        panels |= {measure_text(measure): panel for panel in panels_drawn.values()}
    return panels


def _of_two(table: pl.DataFrame, title: str) -> dict[str, Panel]:
    """One measure of the table `responses` as two models, the one before as the base."""
    sides = []
    for side, arm in (("before", BASE), ("after", "after")):
        figures = {f"value{end}": f"{side}{end}" for end in ("", "_low", "_high")}
        sides.append(
            table.filter(pl.col("verdict") != ALL).select(
                "label",
                "verdict",
                responses=f"responses_{side}",
                model=pl.lit(arm),
                arm=pl.lit(arm),
                **figures,
            )
        )
    panels = _against_base(pl.concat(sides), "value", title, "right responses before")
    # One panel, which needs no title of its own.
    return dict(zip([""], panels.values(), strict=False))


def _against_base(
    table: pl.DataFrame, name: str, title: str, by: str = "right responses of the base"
) -> dict[str, Panel]:
    rows = measured(table.filter(pl.col("label") != ALL), name)
    if rows.is_empty():
        return {}
    labels = in_order(table.filter(pl.col("label") != ALL), "label")
    scale = alt.Scale(domain=focus(rows, name), nice=False, zero=False)
    x = alt.X(
        "label:O",
        title=f"{by} (hardest first)",
        scale=alt.Scale(domain=labels),
        axis=alt.Axis(labelAngle=-40, grid=False),
    )
    who = alt.Scale(domain=["base", "arm"], range=[GREY, INK])
    drawings: dict[str, Panel] = {}
    for model in in_order(rows.filter(pl.col("arm") != BASE), "model"):
        some = rows.filter((pl.col("model") == model) | (pl.col("arm") == BASE)).with_columns(
            who=pl.when(pl.col("arm") == BASE).then(pl.lit("base")).otherwise(pl.lit("arm"))
        )
        chart = alt.Chart(some)
        colour = alt.Color("who:N", scale=who, legend=None)
        dash = alt.StrokeDash(
            "verdict:N",
            scale=alt.Scale(domain=["right", "wrong"], range=[[1, 0], [3, 3]]),
            legend=None,
        )
        offset = alt.XOffset("who:N", sort=["base", "arm"], scale=alt.Scale(range=[-3, 3]))
        y = alt.Y(f"{name}:Q", title=title, scale=scale)
        bars = chart.mark_rule(strokeWidth=1.25, opacity=0.6, clip=True).encode(
            x=x,
            xOffset=offset,
            y=alt.Y(f"{name}_low:Q", scale=scale, title=title),
            y2=f"{name}_high:Q",
            color=colour,
        )
        lines = chart.mark_line(strokeWidth=1.75).encode(
            x=x, xOffset=offset, y=y, color=colour, strokeDash=dash
        )
        dots = chart.mark_point(size=30, opacity=1, strokeWidth=1.5).encode(
            x=x,
            xOffset=offset,
            y=y,
            stroke=alt.Stroke("who:N", scale=who, legend=None),
            fill=alt.condition(
                alt.datum.verdict == "right",
                alt.Fill("who:N", scale=who, legend=None),
                alt.value("white"),
            ),
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("verdict:N"),
                alt.Tooltip("label:N", title=by),
                alt.Tooltip(f"{name}:Q", format=".1f"),
                alt.Tooltip("responses:Q", format=",d"),
            ],
        )
        drawings[model] = finish([bars, lines, dots], 210)
    return drawings


def likelihood(table: pl.DataFrame) -> dict[str, Panel]:
    """Change of the log-likelihood a token under the base, checkpoint minus base; a panel a style.

    Args:
        table: The table `likelihood`.
    """
    return _forest(table, "style", "change", "change, nats a token", 0.0, signed_axis(tickCount=5))


def quality(table: pl.DataFrame) -> dict[str, Panel]:
    """AUC within question of each indicator of a right response; a panel an indicator.

    Args:
        table: The table `quality`.
    """
    named = table.with_columns(pl.col("indicator").replace(INDICATORS))
    return _forest(
        named,
        "indicator",
        "auc",
        "AUC (.5: tells nothing)",
        0.5,
        alt.Axis(format=".2f", tickCount=5),
    )


def _forest(
    table: pl.DataFrame, panel: str, name: str, title: str, middle: float, axis: alt.Axis
) -> dict[str, Panel]:
    """One row a model with its interval, coloured by its side of `middle`."""
    rows = measured(table, name).with_columns(direction(name, middle))
    if rows.is_empty():
        return {}
    scale = alt.Scale(domain=interval_domain(rows, name, middle), nice=False, zero=False)
    models = in_order(table, "model")
    y = alt.Y(
        "model:N",
        title=None,
        scale=alt.Scale(domain=models),
        axis=alt.Axis(grid=True, ticks=False),
    )
    colour = alt.Color("direction:N", scale=DIRECTION, legend=None)
    drawings: dict[str, Panel] = {}
    for value in in_order(rows, panel):
        chart = alt.Chart(rows.filter(pl.col(panel) == value))
        x = alt.X(f"{name}_low:Q", title=title, scale=scale, axis=axis)
        bars = chart.mark_rule(strokeWidth=1.5).encode(y=y, x=x, x2=f"{name}_high:Q", color=colour)
        dots = chart.mark_point(filled=True, size=46, opacity=1).encode(
            y=y,
            x=alt.X(f"{name}:Q", scale=scale),
            color=colour,
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip(f"{name}:Q", format=".3f"),
                alt.Tooltip(f"{name}_low:Q", format=".3f", title="low"),
                alt.Tooltip(f"{name}_high:Q", format=".3f", title="high"),
            ],
        )
        drawings[value] = finish([zero("x", middle), bars, dots], 21 * len(models))
    return drawings


def styles(table: pl.DataFrame) -> dict[str, Panel]:
    """Share of response styles of each model; a panel a wording of the question.

    Args:
        table: The table `styles`.
    """
    table = measured(in_points(table, "share"), "share")
    models, names = in_order(table, "model"), in_order(table, "style")
    greys = ["#1b2430", "#6d7a8c", "#b4bdc9", "#dfe4ea"]
    scale = alt.Scale(domain=names, range=(greys * len(names))[: len(names)])
    drawings: dict[str, Panel] = {}
    for wording in in_order(table, "wording"):
        chart = alt.Chart(table.filter(pl.col("wording") == wording))
        bars = chart.mark_bar(size=13).encode(
            y=alt.Y(
                "model:N",
                title=None,
                scale=alt.Scale(domain=models),
                axis=alt.Axis(ticks=False, domain=False),
            ),
            x=alt.X(
                "share:Q",
                title="responses, %",
                scale=alt.Scale(domain=[0, 100]),
                axis=alt.Axis(grid=False),
            ),
            color=alt.Color("style:N", scale=scale, title=None),
            order=alt.Order("place:Q"),
            tooltip=["model:N", "style:N", alt.Tooltip("share:Q", format=".1f", title="%")],
        )
        place = f"indexof({names!r}, datum.style)"
        drawings[wording] = finish([bars.transform_calculate(place=place)], 21 * len(models))
    return drawings


def knowledge(table: pl.DataFrame) -> dict[str, Panel]:
    """Change of accuracy and capability by what the base knows; a panel a kind of question.

    Args:
        table: The table `knowledge`.
    """
    rows = measured(in_points(table, "change"), "change").with_columns(
        direction("change"), pl.format("pass@{}", "k").alias("measure")
    )
    if rows.is_empty():
        return {}
    models = in_order(table, "model")
    measures = rows.sort("k")["measure"].unique(maintain_order=True).to_list()
    scale = alt.Scale(domain=interval_domain(rows, "change", 0.0), nice=False)
    colour = alt.Color("direction:N", scale=DIRECTION, legend=None)
    shape = alt.Shape(
        "measure:N",
        scale=alt.Scale(domain=measures, range=["circle", "diamond", "square"][: len(measures)]),
        legend=None,
    )
    y = alt.Y(
        "model:N",
        title=None,
        scale=alt.Scale(domain=models),
        axis=alt.Axis(grid=True, ticks=False),
    )
    offset = alt.YOffset("measure:N", sort=measures)
    drawings: dict[str, Panel] = {}
    for kind in in_order(rows, "knowledge"):
        chart = alt.Chart(rows.filter(pl.col("knowledge") == kind))
        x = alt.X("change_low:Q", title="change, points", scale=scale, axis=signed_axis())
        bars = chart.mark_rule(strokeWidth=1.5).encode(
            y=y, yOffset=offset, x=x, x2="change_high:Q", color=colour
        )
        dots = chart.mark_point(filled=True, size=46, opacity=1).encode(
            y=y,
            yOffset=offset,
            x=alt.X("change:Q", scale=scale),
            color=colour,
            shape=shape,
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("measure:N"),
                alt.Tooltip("questions:Q", format=",d"),
                alt.Tooltip("change:Q", format="+.1f", title="points"),
            ],
        )
        drawings[kind] = finish([zero("x"), bars, dots], 30 * len(models))
    return drawings
