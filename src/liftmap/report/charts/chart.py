"""One figure of the report as a record: its words, its table, and what draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from liftmap.report.charts.rows import Rows, all_rows
from liftmap.report.charts.style import Panel
from liftmap.report.tables import Grid

# What a page is about: a study, two models counted question by question, a published matrix, or
# two models on several benchmarks.
Subject = Literal["study", "counts", "matrix", "suite"]
Mark = Literal["line", "dash", "dot", "ring", "diamond", "square"]
Legend = tuple[tuple[str, str, Mark], ...]


@dataclass(frozen=True)
class Chart:
    """One figure of the report.

    Attributes:
        section: Heading under which it stands; sections come in the order of their first chart.
        title: States what is shown.
        reading: One sentence on how to read it. Filled in is what `page.reading_words` gives:
            {level}, {margin}, {k}, {n}, {half}, and {before} and {after}, what the two sides are
            called, such as "the base" and "the arm".
        table: The table it draws and shows beneath.
        draw: Gives the panels by title from the table; None where the table speaks for itself.
        legend: What marks mean: text (filled in likewise), colour, shape.
        kinds: How columns are written where it isn't as `tables.KINDS` says.
        rows: The rows that it draws and shows; all by default.
        show: Makes the printed table of these rows; None takes `tables.grid`.
        size: Width of a panel: "" shares a row with others, "big" takes more, "wide" all of it.
        subjects: The kinds of page that it stands on.
    """

    section: str
    title: str
    reading: str
    table: str
    draw: Callable[[pl.DataFrame], dict[str, Panel]] | None
    legend: Legend = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    rows: Rows = all_rows
    show: Callable[[pl.DataFrame], Grid] | None = None
    size: Literal["", "big", "wide"] = ""
    subjects: tuple[Subject, ...] = ("study",)
