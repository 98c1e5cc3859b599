"""Builds the page: reads a study's tables, settings and environment, writes report.html whole.

The last step of the `report` stage. The page is one file that needs no network: charts are drawn by
the Vega library, which it holds once; its content policy forbids it to fetch anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from liftmap.config import StudyConfig
from liftmap.errors import StoreError
from liftmap.files import disk, read_json, write_text
from liftmap.report.charts import HERO, Chart, Legend, charts, lift
from liftmap.report.charts.style import Panel
from liftmap.report.evidence import Run
from liftmap.report.findings import findings, rules
from liftmap.report.metrics import read_metrics
from liftmap.report.numbers import count, duration, fixed
from liftmap.report.overview import Tables, lines, margin_text, spread, summarise, summary_rows
from liftmap.report.tables import Grid, grid
from liftmap.store import StudyFolder

# Classes of the style sheet for what is seen of a finding or a claim.
MARKS = {
    "appears here": "yes",
    "does not appear here": "no",
    "not settled here": "open",
    "not tested here": "untested",
    "holds": "yes",
    "fails": "no",
    "unsettled": "open",
    None: "untested",
}


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


def build_report(folder: StudyFolder, config: StudyConfig) -> Path:
    """Writes the report of a study.

    Args:
        folder: The study folder, with its tables; environment.json is shown if it is there.
        config: The study.

    Returns:
        The path of the report, one HTML file.

    Raises:
        StoreError: There are no tables, or a file is damaged or can't be written.
        InputError: The tables of accuracy and capability are missing.
    """
    tables = {**read_tables(folder), "metrics": read_metrics(folder, config)}
    file = folder.environment_file
    environment: dict[str, Any] = read_json(file) if file.exists() else {}
    write_text(folder.report_file, render(tables, config, environment))
    return folder.report_file


def read_tables(folder: StudyFolder) -> dict[str, pl.DataFrame]:
    """All tables of a study by name.

    Raises:
        StoreError: There are none, or one is damaged.
    """
    names = folder.tables()
    if not names:
        raise StoreError(
            f"{folder.path} holds no tables.",
            remedy=f"Make them first: liftmap analyse {folder.path}",
        )
    return {name: folder.read_table(name) for name in names}


def render(tables: Tables, config: StudyConfig, environment: Mapping[str, Any]) -> str:
    """The page as text; errors as `build_report`.

    Args:
        tables: The study's tables by name.
        config: The study.
        environment: versions, machine and stages as in environment.json; may be empty.
    """
    overview = summarise(tables)
    words = _reading_words(overview, config)
    specs: dict[str, dict[str, Any]] = {}
    # The summary table stands under this chart in place of its own.
    hero = replace(_figure("overview", HERO, overview, words, specs), grid=None)
    sections: dict[str, list[Figure]] = {}
    for name, chart in charts().items():
        table = tables.get(chart.table)
        if table is None or table.is_empty():
            continue
        figure = _figure(name, chart, table, words, specs)
        if figure.panels or figure.grid:
            sections.setdefault(chart.section, []).append(figure)
    page = _template().get_template("page.html.j2")
    return page.render(
        config=config,
        scope=_scope(tables, overview, config),
        lines=lines(overview),
        summary=summary_rows(overview),
        hero=hero,
        findings=findings(Run(tables, overview, config)),
        rules=rules(config),
        sections=sections,
        marks=MARKS,
        specs=specs,
        words=words,
        settings=tomli_w.dumps(config.model_dump(mode="json", exclude_none=True)),
        environment=_environment(environment),
        style=Markup(_resource("page.css")),
        script=Markup(_resource("page.js")),
        library=Markup(_library()),
    )


def save_picture(folder: StudyFolder, path: Path) -> None:
    """Saves the overview chart of a study as a picture.

    Args:
        folder: The study folder, with its tables.
        path: A file whose name ends in .png, .svg or .pdf.

    Raises:
        StoreError: There are no tables, or the picture can't be written.
        InputError: The tables of accuracy and capability are missing.
    """
    chart = lift.hero(summarise(read_tables(folder)))
    if not chart:
        raise StoreError(
            f"The tables of {folder.path} hold no change with an interval, so there is no picture.",
            remedy="Analyse a study with at least one arm and several questions.",
        )
    with disk(path):
        chart[""].properties(width=760, background="white").save(str(path), scale_factor=2)


def _figure(
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


def _reading_words(overview: pl.DataFrame, config: StudyConfig) -> dict[str, str]:
    """What the sentences on how to read a chart are filled in with."""
    n = int(overview["k"].max() or config.sample.n)  # type: ignore[arg-type]
    return {
        "level": f"{fixed(100 * config.analyse.level, 1).removesuffix('.0')} %",
        "n": str(n),
        "half": str(n // 2),
        "margin": margin_text(config.analyse.margin),
    }


def _scope(tables: Tables, overview: pl.DataFrame, config: StudyConfig) -> dict[str, Any]:
    """What the page says of the whole study before any figure."""
    seeds = {len(arm.seeds) for arm in config.enabled_arms().values()}
    return {
        "questions": count(overview["questions"].max()),  # type: ignore[arg-type]
        "one_seed": seeds == {1},
        "spread": spread(tables),
    }


def _environment(found: Mapping[str, Any]) -> dict[str, Any]:
    """Versions, machine and wall times as the page prints them."""
    stages = [
        (row["stage"], duration(row["seconds"]), count(row["items"]) if row.get("items") else "")
        for row in found.get("stages", [])
    ]
    return {
        "versions": {str(k): str(v) for k, v in found.get("versions", {}).items()},
        "machine": {str(k): str(v) for k, v in found.get("machine", {}).items()},
        "stages": stages,
        "total": duration(found.get("seconds_total")),
    }


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
def _template() -> Environment:
    environment = Environment(
        loader=PackageLoader("liftmap", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}
    return environment
