"""What every page is made of: figures, the template, the style and the library of charts.

Stands below `build` (the page of a study) and `comparison` (that of two models); takes charts and
tables, gives text. A page is one file that needs no network: charts are drawn by the Vega library,
which it holds once; its content policy forbids it to fetch anything.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl
from markupsafe import Markup

from liftmap.comparison.rounding import count
from liftmap.comparison.words import level_text, margin_text
from liftmap.report.charts import Chart, Subject, charts
from liftmap.report.charts.style import Panel
from liftmap.report.tables import Grid, grid
from liftmap.report.templates import resource, templates


@dataclass(frozen=True)
class Figure:
    """A chart as the page shows it.

    Attributes:
        name: Unique on the page; goes into the address.
        title: States what is shown.
        reading: How to read it.
        legend: What marks mean.
        panels: Title and place (in the page's specifications) of each panel.
        size: How wide panels are: wide, big, few or empty; a class of the style sheet.
        grid: The table beneath; None where the page shows it elsewhere.
        file: Where the whole table is, in the study folder.
        short: Its name in the contents; empty for a figure that is not named there.
        kinds: The views of it that a reader can choose among; empty where there is one.
        panel_kinds: The view that each panel belongs to; empty likewise.
    """

    name: str
    title: str
    reading: str
    legend: Sequence[tuple[str, ...]]
    panels: Sequence[tuple[str, str]]
    size: str
    grid: Grid | None
    file: str
    short: str = ""
    kinds: tuple[str, ...] = ()
    panel_kinds: tuple[str, ...] = ()


# What the two sides are called on a page, in its titles and legends.
STUDY_SIDES = {"before": "the base", "after": "the arm"}
PAIR_SIDES = {"before": "the model before", "after": "the model after"}


def reading_words(
    sides: Mapping[str, str], *, level: float, margin: float, k: int, n: int, half: int
) -> dict[str, str]:
    """What titles, legends and sentences on how to read a chart are filled in with.

    Args:
        sides: What the two sides are called.
        level: Coverage of the intervals.
        margin: The equivalence margin, as a share.
        k: Tries of capability in the verdict.
        n: Responses a question.
        half: Tries of lost and gained questions.
    """
    return {
        **sides,
        "level": level_text(level),
        "margin": margin_text(margin),
        "k": count(k),
        "n": count(n),
        "half": count(half),
    }


def make_figures(
    tables: Mapping[str, pl.DataFrame],
    subject: Subject,
    words: Mapping[str, str],
    specs: dict[str, dict[str, Any]],
) -> dict[str, list[Figure]]:
    """The figures of a page by section; their specifications are added to `specs`.

    Args:
        tables: Tables by name; a chart whose table is missing or empty is left out.
        subject: What the page is about.
        words: From `reading_words`.
        specs: The specifications of the charts by name.
    """
    sections: dict[str, list[Figure]] = {}
    for name, chart in charts(subject).items():
        table = tables.get(chart.table)
        if table is None or table.is_empty():
            continue
        figure = make_figure(name, chart, table, words, specs)
        if figure.panels or figure.grid:
            sections.setdefault(chart.section, []).append(figure)
    return sections


def make_figure(
    name: str,
    chart: Chart,
    table: pl.DataFrame,
    words: Mapping[str, str],
    specs: dict[str, dict[str, Any]],
) -> Figure:
    """The figure of a chart; its specifications are added to `specs`."""
    table = chart.rows(table)
    drawings: dict[str, Panel] = chart.draw(table) if chart.draw and len(table) else {}
    shown = chart.show(table) if chart.show else grid(table, chart.kinds)
    heading = chart.title.format(**words)
    panels = [
        (title, place_panel(f"{name}-{place}", f"{heading}{title and ': ' + title}", panel, specs))
        for place, (title, panel) in enumerate(drawings.items())
    ]
    return Figure(
        name=name,
        title=chart.title.format(**words),
        reading=chart.reading.format(**words),
        legend=[(text.format(**words), *mark) for text, *mark in chart.legend] if panels else [],
        panels=panels,
        size=chart.size or ("few" if len(panels) < 3 else ""),
        grid=shown if shown.rows else None,
        file=f"tables/{chart.table}.parquet",
    )


def place_panel(name: str, description: str, panel: Panel, specs: dict[str, dict[str, Any]]) -> str:
    """Adds a chart to the page's specifications; gives its name.

    Args:
        name: Unique on the page.
        description: What screen readers say in place of the picture.
        panel: The chart.
        specs: The specifications by name.
    """
    spec = _finite(panel.to_dict(validate=False))
    spec["description"] = description
    specs[name] = spec
    return name


def _finite(value: Any) -> Any:
    """JSON values with null for what JSON can't say: nan and infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list) else value


def render_page(template: str, **values: Any) -> str:
    """A page from its template, with the style, the script and the library of charts."""
    script, library = resource("page.js"), _library()
    return (
        templates()
        .get_template(template)
        .render(
            **{"questions": None, "responses": "", **values},
            style=Markup(resource("page.css") + resource("question.css")),
            script=Markup(script),
            library=Markup(library),
            # No other script runs, wherever it may stand on the page.
            script_hashes=Markup(" ".join(map(_hash_of, (library, script)))),
        )
    )


def _hash_of(script: str) -> str:
    """What a content policy calls a script by."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the installed package."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # A script ends at this tag wherever it stands, even within a string.
    return bundle.replace("</script", "<\\/script")
