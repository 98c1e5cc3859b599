"""Builds the page: reads a study's tables, settings and environment, writes report.html whole.

The last step of the `report` stage; `page` makes what all pages share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from liftmap.comparison.rounding import count, duration
from liftmap.config import StudyConfig
from liftmap.errors import StoreError
from liftmap.files import disk, write_html
from liftmap.report.charts import HERO, lift
from liftmap.report.evidence import Run
from liftmap.report.findings import findings, rules
from liftmap.report.metrics import read_metrics
from liftmap.report.overview import Tables, lines, said_once, spread, summarise, summary_rows
from liftmap.report.page import (
    STUDY_SIDES,
    make_figure,
    make_figures,
    reading_words,
    render_page,
)
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
    environment: dict[str, Any] = folder.read_record(file) if file.exists() else {}
    write_html(folder.report_file, render(tables, config, environment))
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
    missing = folder.missing_tables()
    if missing:
        raise StoreError(
            f"Tables of {folder.path} are missing.",
            seen=missing,
            remedy=f"Make them again: liftmap analyse {folder.path}",
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
    k = int(overview["k"].max() or config.sample.n)  # type: ignore[arg-type]
    section = config.analyse
    words = reading_words(
        STUDY_SIDES, level=section.level, margin=section.margin, k=k, n=k, half=k // 2
    )
    specs: dict[str, dict[str, Any]] = {}
    # The summary table stands under this chart in place of its own.
    hero = replace(make_figure("overview", HERO, overview, words, specs), grid=None)
    sections = make_figures(tables, "study", words, specs)
    checkpoints, shared_notes = said_once(lines(overview))
    return render_page(
        "page.html.j2",
        config=config,
        scope=_scope(tables, overview),
        lines=checkpoints,
        shared_notes=shared_notes,
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


def _scope(tables: Tables, overview: pl.DataFrame) -> dict[str, Any]:
    """What the page says of the whole study before any figure."""
    return {
        "questions": count(overview["questions"].max()),  # type: ignore[arg-type]
        "spread": spread(tables),
    }


def _environment(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Versions, machine and wall times as the page prints them."""
    stages = [
        (row["stage"], duration(row["seconds"]), count(row["items"]) if row.get("items") else "")
        for row in environment.get("stages", [])
    ]
    return {
        "versions": {str(k): str(v) for k, v in environment.get("versions", {}).items()},
        "machine": {str(k): str(v) for k, v in environment.get("machine", {}).items()},
        "stages": stages,
        "total": duration(environment.get("seconds_total")),
    }
