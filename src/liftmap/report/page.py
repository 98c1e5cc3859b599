"""What every page is made of: figures, the template, the style and the library of charts.

Stands below `build` (the page of a study) and `comparison` (that of two models); takes charts and
tables, gives text. A page is one file that needs no network: charts are drawn by the Vega library,
which it holds once; its content policy forbids it to fetch anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from liftmap.report.charts import Chart, Legend
from liftmap.report.charts.style import Panel
from liftmap.report.tables import Grid, grid


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
    """

    name: str
    title: str
    reading: str
    legend: Legend
    panels: Sequence[tuple[str, str]]
    size: str
    grid: Grid | None
    file: str


def make_figure(
    name: str,
    chart: Chart,
    table: pl.DataFrame,
    words: Mapping[str, str],
    specs: dict[str, dict[str, Any]],
) -> Figure:
    """The figure of a chart; its specifications are added to `specs`."""
    table = chart.rows(table)
    drawn: dict[str, Panel] = chart.draw(table) if chart.draw and len(table) else {}
    shown = chart.show(table) if chart.show else grid(table, chart.kinds)
    panels = []
    for place, (title, panel) in enumerate(drawn.items()):
        spec = _finite(panel.to_dict(validate=False))
        # Read out by screen readers in place of the picture.
        spec["description"] = f"{chart.title.format(**words)}{title and ': ' + title}"
        specs[f"{name}-{place}"] = spec
        panels.append((title, f"{name}-{place}"))
    return Figure(
        name=name,
        title=chart.title.format(**words),
        reading=chart.reading.format(**words),
        legend=chart.legend if panels else (),
        panels=panels,
        size=chart.size or ("few" if len(panels) < 3 else ""),
        grid=shown if shown.rows else None,
        file=f"tables/{chart.table}.parquet",
    )


def _finite(value: Any) -> Any:
    """JSON values with null for what JSON can't say: nan and infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list) else value


def render_page(template: str, **values: Any) -> str:
    """A page from its template, with the style, the script and the library of charts."""
    page = _templates().get_template(template)
    return page.render(
        **values,
        style=Markup(_resource("page.css")),
        script=Markup(_resource("page.js")),
        library=Markup(_library()),
    )


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the installed package."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # A script ends at this tag wherever it stands, even within a string.
    return bundle.replace("</script", "<\\/script")


def _resource(name: str) -> str:
    return files("liftmap.report").joinpath(name).read_text("utf-8")


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("liftmap", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}
    return environment
