"""The page of a comparison: one HTML file that needs no network.

Reads a `Comparison`, draws the charts of a study's page from its tables, and writes the file whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from liftmap.comparison import response_words, words
from liftmap.comparison.parts import Guidance
from liftmap.comparison.result import Comparison
from liftmap.comparison.rounding import count
from liftmap.files import write_text
from liftmap.report.overview import Line
from liftmap.report.page import PAIR_SIDES, make_figures, reading_words, render_page

# The page names so many ids of a piece of advice; all are in the JSON.
MOST_IDS = 500


def build_comparison_page(comparison: Comparison, path: Path) -> Path:
    """Writes the page of a comparison.

    Args:
        comparison: The comparison.
        path: The HTML file to write.

    Returns:
        Its path.

    Raises:
        StoreError: The file can't be written.
    """
    write_text(path, render_comparison(comparison))
    return path


def render_comparison(comparison: Comparison) -> str:
    """The page as text."""
    reading = reading_words(
        PAIR_SIDES,
        level=comparison.level,
        margin=comparison.margin,
        k=comparison.k,
        n=comparison.transitions.bins.n,
        half=comparison.lost.k or 1,
    )
    specs: dict[str, dict[str, Any]] = {}
    tables = {
        name: table.with_columns(model=pl.lit("after"), arm=pl.lit("after"))
        for name, table in comparison.tables.items()
    }
    verdict, guidance = comparison.verdict, comparison.guidance
    lead = [piece for piece in guidance if comparison.is_published and piece.kind == "lost"]
    return render_page(
        "comparison.html.j2",
        command="reanalyse" if comparison.is_published else "compare",
        before=comparison.before.name,
        after=comparison.after.name,
        headline=words.headline(verdict),
        lines=[
            Line(
                "after",
                words.headline(verdict),
                comparison.statements,
                (
                    *(f"{statement.text}." for statement in comparison.other_statements),
                    *comparison.caveats,
                ),
            )
        ],
        words=reading,
        questions=count(comparison.questions),
        measured=comparison.k > 1,
        draws="questions" if comparison.questions_are == "like-these" else "responses",
        warnings=comparison.warnings,
        lead=_advice(lead),
        guidance=_advice([piece for piece in guidance if piece not in lead]),
        advice_title=words.advice_title(guidance),
        measures=comparison.measure_lines,
        gate=[words.gate_text(each) for each in comparison.gate],
        gate_note=words.gate_note(len(comparison.gate), comparison.level, comparison.questions_are),
        notes=comparison.notes,
        response_notes=()
        if comparison.responses is None
        else response_words.note_texts(comparison.responses),
        sections=make_figures(tables, comparison.source, reading, specs),
        specs=specs,
        most_ids=MOST_IDS,
    )


def _advice(guidance: list[Guidance]) -> list[tuple[str, tuple[str, ...]]]:
    """Each piece in words, and the ids behind it."""
    return [(words.advice(piece), piece.questions) for piece in guidance]
