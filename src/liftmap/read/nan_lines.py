"""JSONL in which NaN or Infinity stand, as Python's json writes them: they are no JSON.

Used by `tabular` and `tables` in place of Polars, which refuses such lines. Reads the lines one by
one, so it is slower, but in parts too.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from liftmap.read.lines import json_lines
from liftmap.read.look import readable

CONSTANTS = (b"NaN", b"Infinity")
# Where a value can stand. Inside a text it costs time alone.
_VALUE = re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity)\s*[,\]}]")
CHUNK_ROWS = 4096


def has_nan(path: Path) -> bool:
    """Whether NaN or Infinity may stand as a value in a file that is not empty."""
    with (
        readable(path),
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        # Looking for a constant is many times faster than looking for a pattern.
        starts = [place for name in CONSTANTS if (place := content.find(name)) >= 0]
        # Blanks may stand before a constant, few of them.
        return bool(starts) and _VALUE.search(content, max(min(starts) - 100, 0)) is not None


def scan_lines(path: Path, names: Sequence[str]) -> pl.LazyFrame:
    """Columns of such a file as text, and `row`: the number of each line from 1.

    Raises:
        InputError: When collected: a line is no JSON object.
    """
    schema = {"row": pl.UInt32(), **dict.fromkeys(names, pl.String())}

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        numbered = enumerate((record for _, record in json_lines(path)), 1)
        rows = islice(numbered, n_rows)
        while chunk := list(islice(rows, CHUNK_ROWS)):
            frame = pl.DataFrame(
                {
                    "row": [number for number, _ in chunk],
                    **{name: [_text(record.get(name)) for _, record in chunk] for name in names},
                },
                schema=schema,
            )
            frame = frame if with_columns is None else frame.select(with_columns)
            yield frame if predicate is None else frame.filter(predicate)

    return register_io_source(source, schema=schema)


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
