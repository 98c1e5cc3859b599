"""The page of a suite of benchmarks: one HTML file that needs no network.

Reads a `Suite`, draws the charts of its table, and writes the file whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from liftmap import __version__
from liftmap.comparison import gate_words, suite_words, words
from liftmap.comparison.rounding import count
from liftmap.comparison.suite_result import Suite
from liftmap.files import write_text
from liftmap.report.overview import Line
from liftmap.report.page import PAIR_SIDES, make_figures, reading_words, render_page
from liftmap.report.suite_markdown import suite_markdown


def build_suite_page(suite: Suite, path: Path) -> Path:
    """Writes the page of a suite.

    Args:
        suite: The suite.
        path: The HTML file to write.

    Returns:
        Its path.

    Raises:
        StoreError: The file can't be written.
    """
    write_text(path, render_suite(suite))
    return path


def render_suite(suite: Suite) -> str:
    """The page as text."""
    name = suite.after or "after"
    table = suite.table.with_columns(model=pl.lit(name), arm=pl.lit(name))
    k = max(each.comparison.k for each in suite.benchmarks)
    reading = reading_words(PAIR_SIDES, level=suite.level, margin=suite.margin, k=k, n=k, half=1)
    specs: dict[str, dict[str, Any]] = {}
    return render_page(
        "suite.html.j2",
        headline=suite.headline,
        before=suite.before or "before",
        after=name,
        facts=[
            f"{suite.before or 'before'} \N{RIGHTWARDS ARROW} {name}",
            f"{count(len(suite.benchmarks))} benchmarks",
            f"margin {words.margin_text(suite.margin)}",
            f"intervals {words.level_text(suite.level)}",
            f"liftmap {__version__}",
        ],
        markdown=suite_markdown(suite),
        sentences=suite.sentences,
        gate=[suite_words.gate_text(each) for each in suite.gate],
        gate_note=gate_words.gate_note(len(suite.gate), suite.level, "like-these"),
        lines=[
            Line(
                f"{each.name} (old)" if each.old else each.name,
                words.headline(each.comparison.verdict),
                each.comparison.statements,
            )
            for each in suite.benchmarks
        ],
        warnings=suite.warnings,
        sections=make_figures({"suite": table}, "suite", reading, specs),
        specs=specs,
    )
