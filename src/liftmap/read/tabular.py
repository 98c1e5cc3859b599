"""Columns of whatever is a table: CSV, JSONL, a JSON list, Parquet, a data set, a W&B table.

Used by `response_table`; gives a LazyFrame with the columns that were asked for, and the number of
each row from 1. CSV and JSON give text, Parquet and data sets what they hold.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from pydantic_core import from_json

from liftmap.errors import InputError
from liftmap.read.look import Glimpse, readable
from liftmap.read.nan_lines import has_nan, scan_lines


def scan(file: Glimpse, names: Sequence[str]) -> pl.LazyFrame:
    """Some columns of a file.

    Args:
        file: The file.
        names: Columns; one that the file lacks is null throughout.

    Returns:
        The columns, and `row`: the number of each row from 1 (a CSV's header not counted).

    Raises:
        InputError: The file is damaged.
    """
    path = file.path
    with readable(path):
        if file.container == "json" and not is_wandb_table(file):
            if has_nan(path):
                return scan_lines(path, names)
            schema = dict.fromkeys(names, pl.String())
            # Polars takes the name of a file of lines for a pattern.
            return pl.scan_ndjson(
                glob.escape(str(path.absolute())),
                schema=schema,
                row_index_name="row",
                row_index_offset=1,
            )
        if file.container == "parquet":
            frame = pl.scan_parquet(path.absolute(), glob=False)
        elif file.container == "csv":
            frame = pl.scan_csv(
                path.absolute(), separator=file.separator, infer_schema=False, glob=False
            ).rename(lambda name: name.strip())
        elif file.container == "dataset":
            frame = pl.concat(map(_arrow, _arrow_files(path))).lazy()
        else:
            frame = _from_json(file, names).lazy()
        there = frame.collect_schema().names()
        return frame.select(
            pl.col(name) if name in there else pl.lit(None, pl.String()).alias(name)
            for name in names
        ).with_row_index("row", offset=1)


def column_names(file: Glimpse) -> list[str]:
    """All columns of a file, in their order where the file has one."""
    path = file.path
    with readable(path):
        if is_wandb_table(file):
            return [str(name) for name in _document(path).get("columns", [])]
        if file.container == "csv":
            frame = pl.scan_csv(
                path.absolute(), separator=file.separator, infer_schema=False, glob=False
            )
            return [name.strip() for name in frame.collect_schema().names()]
        if file.container in ("json", "array", "parquet"):
            return list(file.kinds)
        return sorted(file.fields)


def is_wandb_table(file: Glimpse) -> bool:
    """A JSON object with the lists columns and data, as W&B stores a table."""
    return (
        file.container == "json"
        and file.kinds.get("columns") == "list"
        and file.kinds.get("data") in ("list", "cut")
    )


def _document(path: Path) -> Any:
    return from_json(path.read_bytes())


def _from_json(file: Glimpse, names: Sequence[str]) -> pl.DataFrame:
    """Columns of a JSON list of objects, or of a W&B table, as text."""
    document = _document(file.path)
    if isinstance(document, dict):
        columns, rows = document.get("columns"), document.get("data")
        if not isinstance(columns, list) or not isinstance(rows, list):
            raise InputError(
                f"{file.path} is not a table of W&B.",
                seen=sorted(document)[:5],
                remedy="It needs columns and data.",
            )
        objects = [dict(zip(columns, row, strict=False)) for row in rows]
    else:
        objects = document
    for number, record in enumerate(objects, 1):
        if not isinstance(record, dict):
            raise InputError(
                f"{file.path}, row {number} is not a JSON object.",
                seen=str(record)[:60],
                remedy="Give each row its fields by name.",
            )
    return pl.DataFrame(
        {name: [_text(record.get(name)) for record in objects] for name in names},
        schema=dict.fromkeys(names, pl.String()),
    )


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _arrow_files(folder: Path) -> list[Path]:
    """The files of a data set, as its state lists them."""
    state = json.loads((folder / "state.json").read_text("utf-8"))
    return [folder / part["filename"] for part in state["_data_files"]]


def _arrow(path: Path) -> pl.DataFrame:
    with path.open("rb") as file:
        return pl.read_ipc_stream(file)
