"""Which rows and columns of a table a chart draws and shows.

Used by the list of charts; takes a table of an analysis, gives a part of it.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

Rows = Callable[[pl.DataFrame], pl.DataFrame]


def all_rows(table: pl.DataFrame) -> pl.DataFrame:
    """The table as it is."""
    return table


def without(*names: str) -> Rows:
    """The table without these figures and their intervals."""
    columns = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    return lambda table: table.drop(columns, strict=False)


# Of the table `likelihood`: all of a response, its thought, its answer.
APART = ("", "thought_", "answer_")


def known_parts(table: pl.DataFrame) -> pl.DataFrame:
    """The columns of thought and answer only where something is known of them."""
    apart = table.select(pl.col(name) for name in table.columns if name.startswith(APART[1:]))
    return table.drop(name for name in apart.columns if apart[name].is_null().all())


def of_kinds(*kinds: str) -> Rows:
    """The rows of these kinds."""
    return lambda table: table.filter(pl.col("kind").is_in(kinds))


def doubling(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of a curve at powers of two, and of the largest k of each curve."""
    k, by = pl.col("k"), [x for x in ("model", "before_arm", "after_arm", "seed") if x in table]
    return table.filter((k & (k - 1) == 0) | (k == k.max().over(by)))


def curve_rows(*names: str) -> Rows:
    """A curve's columns of these figures, at powers of two."""
    columns = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    return lambda table: doubling(table).select("model", "arm", "k", *columns)


def change_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Changes of a curve with their range, at powers of two."""
    return with_range(doubling(table).drop("before", "after", "extrapolated"))


def both_estimands(table: pl.DataFrame) -> pl.DataFrame:
    """The curve on these questions beside that on questions like these, where both are known."""
    rows = doubling(table.filter(pl.col("these_before").is_not_null()))
    names = (f"{which}_{part}" for which in ("these", "like_these") for part in PARTS)
    ends = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    return rows.select("model", "arm", "k", *ends)


PARTS = ("before", "after", "change")


def with_range(table: pl.DataFrame) -> pl.DataFrame:
    """The range of the change as a column of its own, where there is one; other ranges left out."""
    ends = {"change_least": "range_low", "change_greatest": "range_high"}
    table = (
        table.select(pl.exclude(r"^(like_)?these_.*$"))
        .rename(ends)
        .select(pl.exclude(r"^.*_(least|greatest)$"))
    )
    empty = [x for x in ("range_low", "band_low") if x in table and table[x].is_null().all()]
    return table.drop(
        [f"{name.removesuffix('_low')}{end}" for name in empty for end in ("_low", "_high")]
    )


def of_k(accuracy: bool) -> Rows:
    """The rows by difficulty of accuracy, or of pass@k."""
    return lambda table: with_range(table.filter((pl.col("k") == 1) == accuracy))


def of_measure(name: str) -> Rows:
    """The rows of one measure of responses."""
    return lambda table: table.filter(pl.col("measure") == name)


def of_phrases(table: pl.DataFrame) -> pl.DataFrame:
    """The shares of responses with a phrase of any list."""
    of_own = pl.col("measure").str.starts_with("phrases:")
    return table.filter((pl.col("measure") == "reflection") | of_own)
