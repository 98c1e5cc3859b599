"""How analyses build their tables: schemas, and estimates with their intervals as columns.

Used by every analysis; reads `Estimate`s and arrays, gives Polars tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.records import Change, Estimate
from liftmap.stats.intervals import IntervalOptions, ratios
from liftmap.stats.resampling import NO_PSEUDO, SHARE, Pseudo

Schema = dict[str, pl.DataType]
FloatArray = NDArray[np.float64]

# The fewest questions (or clusters) of a group that an interval is given for.
FEWEST = 5
# The columns that open every table with a row a model.
MODEL_COLUMNS: Schema = {"model": pl.String(), "arm": pl.String(), "seed": pl.Int64()}


def estimate_schema(*names: str) -> Schema:
    """Columns x, x_low and x_high for each name x."""
    return {column: pl.Float64() for x in names for column in (x, f"{x}_low", f"{x}_high")}


def columns(**estimates: Estimate | None) -> dict[str, float | None]:
    """Values for the columns x, x_low and x_high of each estimate x; None where there is none."""
    out: dict[str, float | None] = {}
    for name, estimate in estimates.items():
        out[name] = None if estimate is None else estimate.estimate
        out[f"{name}_low"] = None if estimate is None else estimate.low
        out[f"{name}_high"] = None if estimate is None else estimate.high
    return out


def change_columns(figures: Change | None) -> dict[str, float | None]:
    """Values for the columns before, after and change with their intervals."""
    if figures is None:
        return columns(before=None, after=None, change=None)
    return columns(before=figures.before, after=figures.after, change=figures.change)


def build(rows: Iterable[Mapping[str, Any]], schema: Schema) -> pl.DataFrame:
    """A table of these rows with exactly this schema; what is no finite number becomes null."""
    frame = pl.DataFrame(list(rows), schema=schema)
    floats = [pl.col(name) for name, kind in schema.items() if kind == pl.Float64()]
    return frame.with_columns(pl.when(x.is_finite()).then(x) for x in floats)


def ratios_or_none(
    numerators: FloatArray,
    denominators: FloatArray,
    options: IntervalOptions,
    pseudo: Pseudo = NO_PSEUDO,
) -> list[Estimate | None]:
    """`stats.intervals.ratios`, with None for a column that no question belongs to.

    A column that fewer than `FEWEST` questions (or clusters) belong to keeps its estimate, without
    an interval (nan): so few, drawn again and again, don't show how far others would differ.

    Args:
        numerators: Shape (questions, columns).
        denominators: Shape (questions, columns), 0 or more.
        options: Weights, cluster and level.
        pseudo: Pseudo-questions, each with the mean denominator of the questions in the column.
            With `SHARE` the interval is cut to [0, 1].
    """
    cluster = options.get("cluster")
    member = np.arange(len(denominators)) if cluster is None else np.asarray(cluster)
    inside = denominators > 0
    held = inside.any(axis=0)
    out: list[Estimate | None] = [None] * denominators.shape[1]
    if not held.any():
        return out
    top, bottom = numerators[:, held], denominators[:, held]
    scale = inside[:, held].sum(axis=0) / bottom.sum(axis=0)
    found = ratios(top * scale, bottom * scale, pseudo=pseudo, **options)
    for column, estimate in zip(np.flatnonzero(held), found, strict=True):
        units = len(np.unique(member[inside[:, column]]))
        if units < FEWEST:
            out[column] = Estimate(estimate.estimate, float("nan"), float("nan"))
        else:
            out[column] = within(estimate, 0.0) if pseudo is SHARE else estimate
    return out


def within(estimate: Estimate, lowest: float) -> Estimate:
    """The interval cut to what a share (lowest 0) or a change of one (lowest -1) can be."""
    return Estimate(estimate.estimate, max(estimate.low, lowest), min(estimate.high, 1.0))
