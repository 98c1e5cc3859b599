"""What a page leads with after its headline: three figures, each titled by what it shows.

Reads the tables of a comparison or of a study; `charts.lead` draws. The titles are made from the
numbers, so that they say what was measured and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from liftmap.comparison.rounding import count, fixed, points
from liftmap.report.charts import lead
from liftmap.report.charts.style import DOWN, GREY, INK, UP, Panel
from liftmap.report.page import Figure, place_panel
from liftmap.report.tables import grid, transition_grid


def lead_figures(
    tables: Mapping[str, pl.DataFrame],
    before: str,
    words: Mapping[str, str],
    specs: dict[str, dict[str, Any]],
) -> list[Figure]:
    """The three figures, those of which the tables know nothing left out.

    Args:
        tables: capability, difficulty, transitions and lost_gained, each with a column model.
        before: What the model before is called.
        words: From `page.reading_words`.
        specs: The specifications of the charts by name; those of these figures are added.
    """
    figures = [
        _curves(tables, before, words, specs),
        _difficulty(tables, words, specs),
        _matrix(tables, words, specs),
    ]
    return [figure for figure in figures if figure is not None and figure.panels]


def _table(tables: Mapping[str, pl.DataFrame], name: str) -> pl.DataFrame | None:
    table = tables.get(name)
    return None if table is None or table.is_empty() else table


def _placed(
    name: str, title: str, drawings: Mapping[str, Panel], specs: dict[str, dict[str, Any]]
) -> list[tuple[str, str]]:
    return [
        (of, place_panel(f"{name}-{place}", f"{title}{of and ': ' + of}", panel, specs))
        for place, (of, panel) in enumerate(drawings.items())
    ]


def _curves(
    tables: Mapping[str, pl.DataFrame],
    before: str,
    words: Mapping[str, str],
    specs: dict[str, dict[str, Any]],
) -> Figure | None:
    table = _table(tables, "capability")
    if table is None:
        return None
    models = table["model"].unique(maintain_order=True)
    title = "Solved within k tries"
    if len(models) == 1:
        ends = table.filter(~pl.col("extrapolated")).sort("k")
        first, last = ends.row(0, named=True), ends.row(-1, named=True)
        title = f"{points(first['change'])} points at one try"
        if last["k"] > 1:
            title += f", {points(last['change'])} at {count(last['k'])}"
    return Figure(
        "pass-at-k",
        title,
        f"The left end is accuracy, the right end capability. Shades are {words['level']} "
        "intervals; a ring marks the first k at which the line after no longer lies above.",
        (("before", GREY, "dash"), ("after", UP, "line")),
        _placed("pass-at-k", title, lead.all_curves(table, before), specs),
        "wide",
        None,
        "tables/capability.parquet",
        short="Accuracy and capability",
    )


def _difficulty(
    tables: Mapping[str, pl.DataFrame], words: Mapping[str, str], specs: dict[str, dict[str, Any]]
) -> Figure | None:
    table = _table(tables, "difficulty")
    if table is None:
        return None
    table = table.filter(pl.col("k") == 1)
    if table.is_empty():
        return None
    models = table["model"].unique(maintain_order=True)
    title = "Change of accuracy by difficulty"
    if len(models) == 1:
        title = _difficulty_title(table)
    return Figure(
        "gain-by-difficulty",
        title,
        "Binned by one half of the responses before and measured on the other, so luck in the "
        f"binning is no change. Bars are {words['level']} intervals, the grey stripe is what noise "
        "alone gives over all bins, figures on top count questions. Click a dot for its questions.",
        (("rose beyond noise", UP, "dot"), ("fell", DOWN, "dot"), ("neither", GREY, "dot")),
        _placed("gain-by-difficulty", title, lead.gain_by_difficulty(table), specs),
        "wide",
        grid(
            table.select(
                "model", "label", "questions", *_ends("before"), *_ends("after"), *_ends("change")
            )
        ),
        "tables/difficulty.parquet",
        short="By difficulty",
    )


def _ends(name: str) -> list[str]:
    return [f"{name}{end}" for end in ("", "_low", "_high")]


def _difficulty_title(table: pl.DataFrame) -> str:
    """How many bins rose and fell beyond noise, and which the most."""
    rose = table.filter(pl.col("survives") & (pl.col("change") > 0))
    fell = table.filter(pl.col("survives") & (pl.col("change") < 0))
    parts = []
    for name, rows, most in (("rise", rose, True), ("fall", fell, False)):
        if len(rows):
            row = rows.sort("change", descending=most).row(0, named=True)
            verb = name if len(rows) > 1 else f"{name}s"
            parts.append(
                f"{len(rows)} of {len(table)} bins {verb}, most the one with {row['label']} right "
                f"of {count(row['responses'])} before ({points(row['change'])} points)"
                if row["responses"] is not None
                else f"{len(rows)} of {len(table)} bins {verb} ({points(row['change'])} points)"
            )
    return "; ".join(parts) or "No bin of difficulty changes beyond noise"


def _matrix(
    tables: Mapping[str, pl.DataFrame], words: Mapping[str, str], specs: dict[str, dict[str, Any]]
) -> Figure | None:
    table = _table(tables, "transitions")
    if table is None:
        return None
    drawings = lead.matrices(table)
    models = table["model"].unique(maintain_order=True)
    moves = _table(tables, "lost_gained")
    title = "Where questions went"
    if len(models) == 1 and moves is not None:
        title = _moves_title(moves)
    panels = [
        (of, place_panel(f"matrix-{place}", f"{title}: {of}, {kind}", panel, specs))
        for place, ((of, kind), panel) in enumerate(drawings.items())
    ]
    return Figure(
        "matrix",
        title,
        f"Rows are right responses of {words['n']} before, columns after; the diagonal stayed. "
        f"Counts hold sampling noise; the noise floor and what goes beyond it take half of the "
        "responses. Click a cell for its questions.",
        (("beyond noise, up", UP, "square"), ("down", DOWN, "square"), ("count", INK, "square")),
        panels,
        "wide",
        transition_grid(table.filter(pl.col("kind").is_in(["raw", "half", "noise"]))),
        "tables/transitions.parquet",
        short="Where questions went",
        kinds=tuple(dict.fromkeys(kind for _, kind in drawings)),
        panel_kinds=tuple(kind for _, kind in drawings),
    )


def _moves_title(moves: pl.DataFrame) -> str:
    rows = {row["direction"]: row for row in moves.iter_rows(named=True)}
    parts = []
    for name in ("gained", "lost"):
        row = rows.get(name)
        if row is not None and row["estimate"] is not None:
            beyond = (
                f", {fixed(row['excess'], signed=True)} beyond noise"
                if row["excess"] is not None
                else ""
            )
            parts.append(f"{fixed(row['estimate'])} {name}{beyond}")
    if not parts:
        return "Where questions went"
    return f"{'; '.join(parts)} (k = {count(rows['lost']['k'])})"
