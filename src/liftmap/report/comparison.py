"""The page of a comparison: one HTML file that needs no network.

Reads a `Comparison`, draws the charts of a study's page from its tables, and writes the file whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from liftmap.comparison.result import Comparison
from liftmap.files import write_text
from liftmap.records import Estimate
from liftmap.report.charts import CHARTS, Chart, Legend, difficulty
from liftmap.report.charts.style import GREY, INK
from liftmap.report.comparison_terminal import notes
from liftmap.report.numbers import count, fixed
from liftmap.report.overview import Statement, axis_statement, margin_text
from liftmap.report.page import Figure, make_figure, render_page
from liftmap.report.tables import Grid, grid, transition_grid

# The page names so many ids of a piece of advice; all are in the JSON.
MOST_IDS = 500

Rows = Callable[[pl.DataFrame], pl.DataFrame]


def build_comparison_page(found: Comparison, path: Path) -> Path:
    """Writes the page of a comparison.

    Args:
        found: The comparison.
        path: The HTML file to write.

    Returns:
        Its path.

    Raises:
        StoreError: The file can't be written.
    """
    write_text(path, render_comparison(found))
    return path


def render_comparison(found: Comparison) -> str:
    """The page as text."""
    words = {
        "level": f"{fixed(100 * found.level, 1).removesuffix('.0')} %",
        "n": f"{found.k:,}",
        "half": str(found.lost.k),
        "margin": margin_text(found.margin),
    }
    specs: dict[str, dict[str, Any]] = {}
    sections: dict[str, list[Figure]] = {}
    tables = {
        name: table.with_columns(model=pl.lit("after"), arm=pl.lit("after"))
        for name, table in found.tables.items()
    }
    for name, chart in _charts(found).items():
        table = tables[chart.table]
        figure = make_figure(name, chart, table, words, specs)
        if figure.panels or figure.grid:
            sections.setdefault(chart.section, []).append(figure)
    lead = [one for one in found.guidance if found.is_published and one.kind == "lost"]
    return render_page(
        "comparison.html.j2",
        found=found,
        words=words,
        questions=count(found.questions),
        fixed=lead,
        guidance=[one for one in found.guidance if one not in lead],
        statements=_statements(found),
        notes=list(notes(found)),
        sections=sections,
        specs=specs,
        most_ids=MOST_IDS,
    )


def _statements(found: Comparison) -> list[Statement]:
    """The two statements of the verdict, in the words of a study's page."""
    at_k = next(point for point in found.capability if point.k == found.k)
    out = []
    for name, word, change in (
        ("accuracy", found.verdict.accuracy, found.accuracy.change),
        ("capability", found.verdict.capability, at_k.change),
    ):
        least, greatest = change.range or (change.low, change.high)
        whole = Estimate(change.estimate, min(change.low, least), max(change.high, greatest))
        out.append(Statement(word, axis_statement(name, word, whole, found.margin)))
    if found.verdict.needed is not None:
        last = max(i for i, one in enumerate(out) if one.word == "unsettled")
        text = f"{out[last].text}: about {count(found.verdict.needed)} questions would settle it"
        out[last] = Statement(out[last].word, text)
    return out


def _charts(found: Comparison) -> dict[str, Chart]:
    """The charts of a study's page that a comparison has figures for, in its own words."""
    legend: Legend = (("before", GREY, "line"), ("after", INK, "line"))
    curves = replace(
        CHARTS["curves"],
        reading="The left end is accuracy, the right end capability; where the curves meet, the "
        "model after solves no more than the one before given enough tries. Shades are {level} "
        "intervals.",
        legend=legend,
        rows=_in_order(_doubling, _kept("k", "before", "after")),
    )
    changes = replace(
        CHARTS["changes"],
        title="Change of pass@k",
        rows=_in_order(_doubling, _kept("k", "change", "band")),
    )
    by_difficulty = replace(
        CHARTS["difficulty"], title="Change of accuracy by difficulty before", rows=_without_ranges
    )
    raw = replace(CHARTS["transitions"], title="Where questions went: right responses")
    corrected = replace(
        raw,
        title="The same by success rates, noise taken out",
        reading="By the joint law of success rates before and after that fits all counts best; it "
        "takes out what noise moves and adds the roughness of a fitted law.",
        draw=lambda table: difficulty.transitions(table.with_columns(kind=pl.lit("raw"))),
        rows=lambda table: table.filter(pl.col("kind") == "corrected"),
        show=transition_grid,
    )
    lost = replace(
        CHARTS["lost-gained"],
        rows=lambda table: table.filter(pl.col("estimate").is_not_null()),
        show=_moves_grid,
    )
    at_n = Chart(
        "By difficulty",
        "Questions gained and lost with all {n} responses",
        "Observed is a count. How much of it noise explains the fitted law says: with its {level} "
        "interval, and with the range that the data leave open. Gross is what questions that "
        "became harder (or easier) alone add beyond noise.",
        "lost_gained",
        None,
        rows=lambda table: table.filter(pl.col("observed_at_n").is_not_null()),
        show=_at_n_grid,
    )
    out = {
        "curves": curves,
        "changes": changes,
        "difficulty": by_difficulty,
        "transitions": raw,
        "beyond-noise": CHARTS["beyond-noise"],
        "corrected": corrected,
        "lost-gained": lost,
        "lost-gained-at-n": at_n,
    }
    if found.is_published:
        # There is no band; by difficulty the law speaks in place of a second half of responses; and
        # what is lost within half of the responses rests on the law alone.
        del out["lost-gained"]
        out["changes"] = replace(
            changes,
            reading="The range is what the matrix leaves open, beside the {level} interval.",
            draw=None,
            legend=(),
            rows=_in_order(_doubling, _with_range),
            kinds={"range": "points"},
        )
        out["difficulty"] = replace(
            by_difficulty,
            reading="Questions by printed bin; success rates within it by the fitted law. Bars are "
            "{level} intervals; the table has the range that the matrix leaves open.",
            rows=_with_range,
            kinds={"range": "points"},
        )
    return out


def _doubling(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of a curve at powers of two, and of its last k."""
    k = pl.col("k")
    return table.filter((k & (k - 1) == 0) | (k == k.max()))


def _kept(*names: str) -> Rows:
    """Keeps the columns of these figures, without ranges, and the model's."""
    wanted = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    return lambda table: table.select(
        "model", "arm", *(name for name in wanted if name in table.columns)
    )


def _without_ranges(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(pl.exclude("^.*_least$", "^.*_greatest$"))


def _with_range(table: pl.DataFrame) -> pl.DataFrame:
    """The range of the change as a column of its own; bands and other ranges left out."""
    ends = {"change_least": "range_low", "change_greatest": "range_high"}
    return _without_ranges(table.rename(ends)).drop(
        "band_low", "band_high", "extrapolated", strict=False
    )


def _in_order(*steps: Rows) -> Rows:
    def run(table: pl.DataFrame) -> pl.DataFrame:
        for step in steps:
            table = step(table)
        return table

    return run


def _moves_grid(table: pl.DataFrame) -> Grid:
    names = ("estimate", "noise", "excess")
    return grid(table.select("direction", "k", *(_ends(names))))


def _at_n_grid(table: pl.DataFrame) -> Grid:
    names = ("noise", "excess", "gross")
    columns = [pl.col("observed_at_n").alias("observed")]
    for name in names:
        for end in ("", "_low", "_high"):
            columns.append(pl.col(f"{name}_at_n{end}").alias(f"{name}{end}"))
        columns.append(pl.col(f"{name}_at_n_least").alias(f"range_of_{name}_low"))
        columns.append(pl.col(f"{name}_at_n_greatest").alias(f"range_of_{name}_high"))
    kinds = {"range_of_excess": "signed1", "gross": "number1"}
    ranges = dict.fromkeys(("range_of_noise", "range_of_gross"), "number1")
    return grid(table.select("direction", "n", *columns, "mcnemar_p"), {**kinds, **ranges})


def _ends(names: tuple[str, ...]) -> list[str]:
    return [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
