"""What a study left behind, for Python and for notebooks: tables, charts, texts, a report.

Above `report`, below `study`, which gives one: reads nothing until it is asked for something.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from liftmap.config import BASE
from liftmap.errors import InputError
from liftmap.read.outcomes import TEXTS
from liftmap.read.study import outcomes_of
from liftmap.report.markdown import study_markdown
from liftmap.report.notebook import charts_of, save_chart, study_latex
from liftmap.report.overview import summarise, summary_rows
from liftmap.store import StudyFolder


@dataclass(frozen=True)
class StudyResult:
    """What a study left behind.

    Attributes:
        folder: The study folder.
        report: The report, one HTML file.
        tables: The analyses by name (see `liftmap.analyse`).
        seconds: Wall time of this run by stage.
    """

    folder: Path
    report: Path
    tables: dict[str, pl.DataFrame] = field(repr=False)
    seconds: dict[str, float] = field(repr=False)

    @property
    def charts(self) -> dict[str, Any]:
        """The charts of the report by name, as Altair charts."""
        return charts_of(self.tables, BASE, "study")

    def save(self, path: str | Path, chart: str = "pass-at-k") -> Path:
        """Writes one of the charts as a figure.

        Args:
            path: A file that ends in .svg, .png or .pdf.
            chart: One of the names of `charts`.

        Raises:
            InputError: There is no such chart, or the file has another ending.
        """
        return save_chart(self.charts, path, chart)

    def to_markdown(self) -> str:
        """The summary table, for a pull request or a model card."""
        return study_markdown(self.folder.name, summarise(self.tables))

    def to_latex(self) -> str:
        """Accuracy and capability of every checkpoint as a table; it needs the package booktabs."""
        return study_latex(self.tables)

    def to_pandas(self) -> dict[str, Any]:
        """`tables` as pandas DataFrames by name; pandas has to be installed."""
        return {name: table.to_pandas() for name, table in self.tables.items()}

    def responses(self, question_id: str) -> pl.DataFrame:
        """What every model answered to a test question, a row a response.

        Args:
            question_id: The question.

        Returns:
            Columns model and those of `read.outcomes.TEXTS`.

        Raises:
            InputError: There is no such test question.
        """
        folder = StudyFolder(self.folder)
        rows = [
            outcomes_of(folder.responses(model, "test"))
            .responses.filter(pl.col("question_id") == question_id)  # type: ignore[union-attr]
            .select(pl.lit(model).alias("model"), *TEXTS)
            .collect()
            for model in folder.models("test")
        ]
        if not any(map(len, rows)):
            raise InputError(
                "The study has no such test question.",
                seen=question_id,
                remedy="Ids are in the table `questions`.",
            )
        return pl.concat(rows)

    def _repr_html_(self) -> str:
        """How a notebook shows it: the summary table and where the report lies."""
        rows = "".join(
            f"<tr><td>{escape(row.model)}</td><td>{escape(row.label)}</td>"
            f"<td>{row.accuracy}</td><td>{row.accuracy_change}</td>"
            f"<td>{row.capability}</td><td>{row.capability_change}</td></tr>"
            for row in summary_rows(summarise(self.tables))
        )
        heads = ["checkpoint", "verdict", "accuracy, %", "change", "capability, %", "change"]
        head = "".join(f"<th>{text}</th>" for text in heads)
        return (
            f"<div><p><b>{escape(self.folder.name)}</b>: {escape(str(self.report))}</p>"
            f"<table><tr>{head}</tr>{rows}</table></div>"
        )
