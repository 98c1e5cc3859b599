"""What the tables of a study share: the columns of a model, and one table under another.

Used by the analyses; reads and gives tables. `comparison.columns` builds tables of one's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from liftmap.comparison.columns import Schema

# The columns that open every table with a row a model.
MODEL_COLUMNS: Schema = {"model": pl.String(), "arm": pl.String(), "seed": pl.Int64()}


def stacked(
    parts: Iterable[tuple[Mapping[str, str | int | None], pl.DataFrame]],
    first: Schema,
    schema: Schema,
) -> pl.DataFrame:
    """Tables of one schema under each other, the same values in front of each row of a table.

    Args:
        parts: For each table the values in front, with the columns of `first`.
        first: The columns in front.
        schema: The columns of the tables.
    """
    frames = [
        table.select(*(pl.lit(values[x], kind).alias(x) for x, kind in first.items()), *schema)
        for values, table in parts
    ]
    return pl.concat([pl.DataFrame(schema={**first, **schema}), *frames])
