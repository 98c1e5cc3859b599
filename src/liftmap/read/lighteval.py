"""The reader of lighteval details: `details_*.parquet`, written with --save-details.

Each row is a question with all its responses and the metrics over them. One response needs a metric
that is 0 or 1. Of several, `avg@n:n=64` and `pass@k:k=1&n=64` are the share of right ones among the
first n, and so are older names (`SHARE`); `maj@n`, `g-pass@k` and the like are one verdict for all,
which does not say how many were right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any

import polars as pl

from liftmap.errors import InputError
from liftmap.progress import progress
from liftmap.read.golds import golds_of
from liftmap.read.logs import Entry, outcomes_of
from liftmap.read.look import Glimpse, readable
from liftmap.read.metrics import Share
from liftmap.read.outcomes import Outcomes, ReadOptions

# Shares of right ones, as the tool's versions name them: `avg@n:n=4`, `avg@4`, `avg@n`,
# `pass@k:k=1&n=4`, `math_pass@1:4_samples`, `codegen_pass@1:4`, `pass@1`.
SHARE = re.compile(
    r"(?:.*[^a-z-])?"
    r"(?:avg@(?:n(?:[:_]n=(?P<n>\d+))?|(?P<avg>\d+)(?:_samples)?)"
    r"|pass@k[:_]k=1(?:[&_,]n=(?P<k>\d+))?|pass@k[:_]n=(?P<swapped>\d+)[&_,]k=1"
    r"|pass@1(?::(?P<old>\d+)(?:_?samples?)?)?)"
)
TEXT: tuple[pl.DataType, ...] = (pl.String(), pl.Null())
TEXTS: tuple[pl.DataType, ...] = (pl.List(pl.String), pl.List(pl.Null), pl.Null())
COLUMNS = {
    "name": TEXT,
    "query": TEXT,
    "choices": TEXTS,
    "task": TEXT,
    "text": TEXTS,
    "scored": TEXTS,
}
# Progress is worth a line above this many questions.
SHOWN_FROM = 5_000


def is_lighteval(file: Glimpse) -> bool:
    """A Parquet file with the columns doc, model_response and metric."""
    return file.container == "parquet" and file.has("doc", "model_response", "metric")


def read_lighteval(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads details of one task.

    Args:
        source: What the user named.
        files: `details_*.parquet` files.
        options: The metric, or what verifies the responses instead.

    Raises:
        InputError: See `logs.outcomes_of`; or a file is damaged or has other columns.
    """
    return outcomes_of(
        source, "lighteval", lambda: chain.from_iterable(map(_entries, files)), options
    )


def task_of_log(file: Glimpse) -> str:
    """The task that a details file is of; empty where it does not say it.

    Raises:
        InputError: The file is damaged.
    """
    with readable(file.path):
        rows = pl.scan_parquet(file.path.absolute(), glob=False).head(1)
        names = rows.select(pl.col("doc").struct.field("task_name").cast(pl.String)).collect()
    return str(names.item() or "") if len(names) else ""


def _entries(file: Glimpse) -> Iterator[Entry]:
    path = file.path
    doc, response = pl.col("doc").struct, pl.col("model_response").struct
    with readable(path):
        # Without the tokens and prompts, which are most of the file.
        rows = pl.scan_parquet(path.absolute(), glob=False).select(
            name=doc.field("id"),
            query=doc.field("query"),
            choices=doc.field("choices"),
            gold_index=doc.field("gold_index"),
            task=doc.field("task_name"),
            text=response.field("text"),
            scored=response.field("text_post_processed"),
            metric="metric",
        )
        table = rows.collect()
    for name, kinds in COLUMNS.items():
        if table.schema[name] not in kinds:
            raise InputError(
                f"{path} is no details file of lighteval: {name} is of another kind.",
                seen=str(table.schema[name]),
                remedy="Write it with lighteval 0.13 and --save-details.",
            )
    bar = progress(f"read {path.name}", len(table), "questions")
    with bar if len(table) > SHOWN_FROM else nullcontext() as advance:
        for number, row in enumerate(table.iter_rows(named=True), 1):
            yield _entry(str(path), f"row {number}", row)
            if advance:
                advance(1)


def _entry(file: str, row: str, values: dict[str, Any]) -> Entry:
    texts = values["scored"] or values["text"] or []
    # Likelihoods of choices: one response, without a text.
    count = len(texts) or 1
    metric = values["metric"] if isinstance(values["metric"], dict) else {}
    query, choices = values["query"] or "", values["choices"] or []
    return Entry(
        file=file,
        row=row,
        name=str(values["name"]),
        content=[query, choices],
        numbered=True,
        count=count,
        metrics={name: _value(name, value, count) for name, value in metric.items()},
        texts=texts or None,
        question=query,
        golds=_golds(choices, values["gold_index"]),
        choices=tuple(choice or "" for choice in choices),
        task=values["task"] or "",
    )


def _value(name: str, value: object, count: int) -> object:
    """A metric's value; marked as a share if it is that of right ones among the first n."""
    found = SHARE.fullmatch(name)
    if found is None or count == 1:
        return value
    # Without a number it is of all.
    among = int(next((n for n in found.groups() if n is not None), count))
    return Share(value, among) if 0 < among <= count else value


def _golds(choices: list[str | None], index: object) -> tuple[str, ...]:
    """The gold answers; a response may agree with any of them."""
    places = index if isinstance(index, list) else [index]
    return golds_of([choices[i] for i in places if isinstance(i, int) and 0 <= i < len(choices)])
