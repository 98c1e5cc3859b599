"""Estimates as columns of a table: x, x_low, x_high, and where asked x_least, x_greatest.

Used by every table of a comparison and of a study; reads `Estimate`s, gives Polars schemas, values
and tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from liftmap.records import Change, Estimate

Schema = dict[str, pl.DataType]
Values = dict[str, float | None]


def estimate_schema(*names: str, ranged: bool = False) -> Schema:
    """Columns x, x_low and x_high for each name x, and x_least and x_greatest if `ranged`."""
    ends = ("", "_low", "_high", *(("_least", "_greatest") if ranged else ()))
    return {f"{name}{end}": pl.Float64() for name in names for end in ends}


def columns(*, ranged: bool = False, **estimates: Estimate | None) -> Values:
    """Values for the columns of each estimate; None where there is none.

    Args:
        ranged: Whether the table has the ends of the identification range.
        **estimates: The estimate of each name of `estimate_schema`.
    """
    values: Values = {}
    for name, estimate in estimates.items():
        values[name] = None if estimate is None else estimate.estimate
        values[f"{name}_low"] = None if estimate is None else estimate.low
        values[f"{name}_high"] = None if estimate is None else estimate.high
        if ranged:
            ends = (None, None) if estimate is None else estimate.range or (None, None)
            values[f"{name}_least"], values[f"{name}_greatest"] = ends
    return values


def change_columns(figure: Change | None, *, ranged: bool = False) -> Values:
    """Values for the columns before, after and change of one figure."""
    if figure is None:
        return columns(before=None, after=None, change=None, ranged=ranged)
    return columns(before=figure.before, after=figure.after, change=figure.change, ranged=ranged)


def build(rows: Iterable[Mapping[str, Any]], schema: Schema) -> pl.DataFrame:
    """A table of these rows with exactly this schema; nan and infinity become null."""
    frame = pl.DataFrame(list(rows), schema=schema)
    floats = [pl.col(name) for name, kind in schema.items() if kind == pl.Float64()]
    return frame.with_columns(pl.when(x.is_finite()).then(x) for x in floats)
