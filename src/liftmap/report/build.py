"""Builds the page: reads a study's tables, settings and environment, writes report.html whole.

The last step of the `report` stage; `page` makes what all pages share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from liftmap.comparison.message import study_message
from liftmap.comparison.provenance import name_of_model
from liftmap.comparison.rounding import count, duration, estimate_of
from liftmap.comparison.words import level_text, margin_text
from liftmap.config import BASE, StudyConfig
from liftmap.errors import StoreError
from liftmap.files import disk, write_html
from liftmap.read.outcomes import Outcomes
from liftmap.read.study import outcomes_of
from liftmap.report.charts import HERO, lift
from liftmap.report.dials import Dial, lost, reach_of, reliable, solves
from liftmap.report.embedded import Embedded, embed
from liftmap.report.evidence import Run
from liftmap.report.findings import findings, rules
from liftmap.report.lead import lead_figures
from liftmap.report.markdown import study_markdown
from liftmap.report.metrics import read_metrics
from liftmap.report.overview import (
    Tables,
    arms_of,
    label_of,
    lines,
    said_once,
    spread,
    summarise,
    summary_rows,
)
from liftmap.report.page import (
    STUDY_SIDES,
    make_figure,
    make_figures,
    reading_words,
    render_page,
)
from liftmap.report.question_list import QUESTION_NOTE, ListedModel, question_data, tell
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
    texts = {each.question_id: each.text for each in folder.read_questions("test")}
    read = {
        model: outcomes_of(folder.responses(model, "test"), config.verify.verifier)
        for model in [BASE, *(name for _, _, name in config.arm_models())]
        if model in folder.models("test")
    }
    write_html(folder.report_file, render(tables, config, environment, texts, read))
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


def render(
    tables: Tables,
    config: StudyConfig,
    environment: Mapping[str, Any],
    texts: Mapping[str, str] | None = None,
    read: Mapping[str, Outcomes] | None = None,
) -> str:
    """The page as text; errors as `build_report`.

    Args:
        tables: The study's tables by name.
        config: The study.
        environment: versions, machine and stages as in environment.json; may be empty.
        texts: The test questions by id; None leaves the list with ids alone.
        read: What was read of base and checkpoints, by model; None leaves out their responses.
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
    of_arms = {
        name: table.filter(pl.col("arm").is_in(overview["arm"].implode()))
        for name, table in tables.items()
        if name in _LEAD
    }
    leading = lead_figures(of_arms, "base", words, specs)
    sections = make_figures(tables, "study", words, specs)
    checkpoints, shared_notes = said_once(lines(overview))
    listed = _listed(tables, overview)
    questions = question_data(listed, _bin_labels(tables), texts or {}) if listed else None
    responses = _responses_of(listed, questions, read or {})
    return render_page(
        "page.html.j2",
        config=config,
        message=study_message(arms_of(overview)) if len(overview) else config.name,
        arms=_dials(overview, section.margin),
        tallies=tell(listed),
        facts=_facts(config, overview, environment),
        markdown=study_markdown(config.name, overview),
        lead_figures=leading,
        questions=questions,
        question_notes=[QUESTION_NOTE, responses.note],
        responses=responses.data,
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


# The tables that the second screen is made of.
_LEAD = ("capability", "difficulty", "transitions", "lost_gained")


@dataclass(frozen=True)
class ArmRow:
    """A checkpoint on the first screen.

    Attributes:
        name: The checkpoint.
        label: The verdict's label with its k.
        dials: Of accuracy, capability and questions lost.
    """

    name: str
    label: str
    dials: tuple[Dial, Dial, Dial]


def _dials(overview: pl.DataFrame, margin: float) -> list[ArmRow]:
    """The dials of every checkpoint; those of one column share their line."""
    rows, arms = overview.to_dicts(), arms_of(overview)
    losses = [None if row["lost"] is None else estimate_of(row, "lost") for row in rows]
    reaches = [
        reach_of([arm.accuracy.axis.change for arm in arms], margin),
        reach_of([arm.capability.axis.change for arm in arms if arm.capability], margin),
        reach_of(losses, 0.0),
    ]
    return [
        ArmRow(
            arm.name,
            label_of(row),
            (
                reliable(arm.accuracy, margin, reaches[0]),
                solves(arm.capability, margin, reaches[1]),
                lost(loss, reaches[2]),
            ),
        )
        for arm, row, loss in zip(arms, rows, losses, strict=True)
    ]


def _listed(tables: Tables, overview: pl.DataFrame) -> list[ListedModel]:
    """The questions of each checkpoint, where the tables have them."""
    table = tables.get("questions")
    if table is None or table.is_empty():
        return []
    return [
        ListedModel(name, rows)
        for name in overview["model"]
        if len(rows := table.filter(pl.col("model") == name))
    ]


def _responses_of(
    listed: list[ListedModel], questions: dict[str, Any] | None, read: Mapping[str, Outcomes]
) -> Embedded:
    """The responses that the page holds."""
    if questions is None or BASE not in read or any(each.name not in read for each in listed):
        return Embedded()
    after = [(each.name, read[each.name]) for each in listed]
    return embed(listed, questions["ids"], (BASE, read[BASE]), after)


def _bin_labels(tables: Tables) -> list[str]:
    """Labels of the bins that all responses are counted in, by their number."""
    table = tables.get("transitions")
    if table is None:
        return []
    raw = table.filter(pl.col("kind") == "raw").unique("before_bin").sort("before_bin")
    places, labels = raw["before_bin"].to_list(), raw["before_label"].to_list()
    named = dict(zip(places, labels, strict=True))
    return [named.get(place, "") for place in range(max(places, default=-1) + 1)]


def _facts(
    config: StudyConfig, overview: pl.DataFrame, environment: Mapping[str, Any]
) -> list[str]:
    """What was studied, in one line: models, task, numbers, settings, version."""
    sample = config.sample
    facts = [f"base {name_of_model(config.base.model)}"]
    if config.teacher:
        facts.append(f"teacher {name_of_model(config.teacher.model)}")
    facts += [
        f"task {config.task.name}",
        f"{count(overview['questions'].max())} test questions",  # type: ignore[arg-type]
        f"{count(sample.n)} responses each",
        f"temperature {sample.temperature:g}",
        f"verifier {config.verify.verifier}",
        f"margin {margin_text(config.analyse.margin)}",
        f"intervals {level_text(config.analyse.level)}",
        *(
            f"{name} {version}"
            for name, version in environment.get("versions", {}).items()
            if name == "liftmap"
        ),
        f"liftmap study {config.name}",
    ]
    return facts


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
