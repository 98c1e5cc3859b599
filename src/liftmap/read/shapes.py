"""The readers of tables that people make by hand or with pandas, in the shapes that they have.

A row a response under other names than question_id and correct; a row a question with a list of
verdicts, or with one column a response (`r0`, `r1`, ...); `{question: [0, 1, ...]}`; a NumPy matrix
of questions x responses; a Hugging Face data set or a W&B table of any of these. Which columns were
taken is said; `--columns` names others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from pydantic_core import from_json

from liftmap.errors import InputError
from liftmap.read.column_names import (
    check_given,
    named,
    plain,
    suggestion,
    task_column,
    verdicts,
    wide,
)
from liftmap.read.counting import outcomes_of_table
from liftmap.read.look import Glimpse, readable
from liftmap.read.outcomes import Outcomes, ReadOptions
from liftmap.read.response_table import ResponseTable, Row, table_of_columns, table_of_rows
from liftmap.read.tabular import column_names, is_wandb_table, scan

TABLES = ("csv", "json", "parquet", "array", "dataset")
# Lists of these are one value for each response.
LISTED = ("text", "answer", "finish_reason", "tokens", "truncated")


def is_shape(file: Glimpse) -> bool:
    """A table with a verdict, or one column a response, and an id or a prompt."""
    if file.container not in TABLES:
        return False
    fields = column_names(file) if is_wandb_table(file) else list(file.fields)
    taken = named(fields, file.names)
    asked = "question_id" in taken or "prompt" in taken
    return asked and bool(verdicts(fields, file.names) or wide(fields))


def read_shape(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads such tables; several are parts of one.

    Args:
        source: What the user named.
        files: CSV, JSONL, Parquet, JSON lists, data sets or W&B tables.
        options: The verdict (as metric), the value from which on it is right, the steps, or the
            verifier.

    Raises:
        InputError: A column that was named is not there; see `counting.outcomes_of_table`.
    """
    fields = list(dict.fromkeys(name for file in files for name in column_names(file)))
    given = files[0].names
    if "unscored" in given:
        raise InputError(
            f"{source} is not a tally: unscored counts responses beside n and c.",
            seen=dict(given),
            remedy="Name n and c too, or leave it out: an empty verdict is unscored.",
        )
    for file in files:
        check_given(file.path, column_names(file), given)
    taken = named(fields, given)
    metrics = verdicts(fields, given)
    if options.metric in fields and options.metric not in metrics:
        metrics.append(str(options.metric))
    asked = taken.get("question_id") or taken.get("prompt")
    if asked is None or not (metrics or wide(fields)):
        raise InputError(
            f"{source} has no {'verdict' if asked else 'question'} under a name that is known.",
            seen=fields[:12],
            remedy=suggestion(fields) or "Name it with --columns question_id=...,correct=...",
        )
    if not metrics:
        table = _wide_table(files, asked, "question_id" in taken, wide(fields))
    else:
        if options.task is not None and (column := task_column(fields, given)):
            taken["task"] = column
        table = _long_table(files, taken, metrics)
    try:
        return outcomes_of_table(source, "table", table, options)
    except InputError:
        # Polars does not say where lists of one row have other lengths.
        for file in files:
            _refuse_torn_lists(file, [*metrics, *(taken[x] for x in LISTED if x in taken)])
        raise


def _refuse_torn_lists(file: Glimpse, names: Sequence[str]) -> None:
    """Raises for the first row whose lists, one value a response each, have other lengths.

    Raises:
        InputError: There is one.
    """
    with readable(file.path):
        frame = scan(file, list(dict.fromkeys(names)))
        for record in frame.collect().iter_rows(named=True):
            lengths = {name: _length(record[name]) for name in names}
            lists = {name: length for name, length in lengths.items() if length is not None}
            if len(set(lists.values())) > 1:
                (first, length), (name, other) = _apart(lists)
                raise InputError(
                    f"{file.path}, row {record['row']}: `{first}` has {length} values and "
                    f"`{name}` {other}.",
                    remedy="Lists of a row hold one value a response: write it again.",
                )


def _apart(lists: Mapping[str, int]) -> tuple[tuple[str, int], tuple[str, int]]:
    """The first list, and the first one of another length."""
    (first, length), *others = lists.items()
    return (first, length), next((name, n) for name, n in others if n != length)


def _length(cell: object) -> int | None:
    """How many values a cell holds; None where it is no list."""
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        try:
            cell = from_json(cell)
        except ValueError:
            return None
    return len(cell) if isinstance(cell, list) else None


def _long_table(
    files: Sequence[Glimpse], taken: dict[str, str], metrics: list[str]
) -> ResponseTable:
    """A row a response, or a list of verdicts a row."""
    columns: dict[str, str | pl.Expr] = {
        ours: theirs
        for ours, theirs in taken.items()
        if ours not in ("correct", "n", "c", "truncated", "step")
    }
    raw = []
    if "truncated" in taken and "finish_reason" not in columns:
        raw.append(taken["truncated"])
        cut = pl.col(taken["truncated"]).cast(pl.String).str.to_lowercase()
        columns["finish_reason"] = (
            pl.when(cut.is_in(["true", "1", "1.0"]))
            .then(pl.lit("length"))
            .when(cut.is_in(["false", "0", "0.0"]))
            .then(pl.lit("stop"))
        )
    if "step" in taken:
        raw.append(taken["step"])
        columns["step"] = pl.col(taken["step"]).cast(pl.Int64, strict=False)
    listed = [taken[name] for name in LISTED if name in taken]
    said = [f"took `{metrics[0]}` as the verdict"]
    if "question_id" in taken:
        said.append(f"`{taken['question_id']}` as the question")
    return table_of_columns(
        files,
        columns,
        metrics,
        raw=raw,
        verdict=plain(metrics[0]) in ("correct", "is_correct", "passed", "acc", "accuracy"),
        notes=[f"The table has no names of a tool: {', '.join(said)} (--columns names others)."],
        each=lambda frame: exploded(frame, metrics, listed),
    )


def exploded(frame: pl.LazyFrame, metrics: Sequence[str], listed: Sequence[str]) -> pl.LazyFrame:
    """The frame with a row a response, where verdicts are lists: Polars' own, or JSON as text."""
    head = frame.select(metrics).head(1).collect()
    if not len(head):
        return frame
    text = [name for name in metrics if head[name].dtype == pl.String]
    as_json = [name for name in text if str(head[name][0] or "").lstrip().startswith("[")]
    lists = [name for name in metrics if isinstance(head[name].dtype, pl.List)]
    if as_json:
        kinds = frame.collect_schema()
        also = [name for name in listed if kinds[name] == pl.String]
        first = frame.select(also).head(1).collect()
        as_json += [n for n in also if str(first[n][0] or "").lstrip().startswith("[")]
        frame = frame.with_columns(
            pl.col(name).str.json_decode(pl.List(pl.String)) for name in as_json
        )
    else:
        kinds = frame.collect_schema()
        lists += [n for n in listed if lists and isinstance(kinds[n], pl.List)]
    names = list(dict.fromkeys([*as_json, *lists]))
    if not names:
        return frame
    # What gives one value for all responses says nothing of each.
    whole = [name for name in metrics if name not in names]
    return frame.explode(names).with_columns(pl.lit(None, pl.String).alias(x) for x in whole)


def _wide_table(
    files: Sequence[Glimpse], asked: str, by_id: bool, names: list[str]
) -> ResponseTable:
    """One column a response; an empty cell is a response that was not asked for."""

    def each(frame: pl.LazyFrame) -> pl.LazyFrame:
        texts = frame.select(asked, "row", pl.col(names).cast(pl.String))
        cells = texts.unpivot(names, index=[asked, "row"], value_name="correct")
        return cells.filter((pl.col("correct").str.strip_chars() != "").fill_null(False))

    ours = "question_id" if by_id else "prompt"
    note = (
        f"took the {len(names)} columns {names[0]} ... {names[-1]} as one response each, and "
        f"`{asked}` as the question; an empty cell is a response that is not there"
    )
    return table_of_columns(
        files,
        {ours: asked},
        ["correct"],
        raw=names,
        notes=[f"The table has no names of a tool: {note} (--columns names others)."],
        each=each,
    )


def is_lists(file: Glimpse) -> bool:
    """A JSON object of lists alone: `{question: [0, 1, ...]}`."""
    kinds = [kind for kind in file.kinds.values() if kind != "cut"]
    return file.container == "json" and bool(kinds) and set(kinds) == {"list"}


def read_lists(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads JSON objects of lists.

    Args:
        source: What the user named.
        files: Such files.
        options: The value from which on a verdict is right.

    Raises:
        InputError: A list holds something else; see `counting.outcomes_of_table`.
    """
    table = table_of_rows(files, _list_rows, ["verdict"])
    return outcomes_of_table(source, "lists", table, options)


def _list_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    with readable(file.path):
        document = from_json(file.path.read_bytes())
    row = 0
    for question, verdicts_of in document.items():
        for value in verdicts_of if isinstance(verdicts_of, list) else [verdicts_of]:
            row += 1
            if isinstance(value, dict | list):
                raise InputError(
                    f"{file.path} is of no known format: its list `{question}` holds "
                    f"{'objects' if isinstance(value, dict) else 'lists'}, not verdicts.",
                    seen=str(value)[:80],
                    remedy="If each is a response, write that list into a file of its own, as "
                    f"JSON or a line each: jq -c '.{question}[]' {file.path.name}",
                )
            yield row, {"question_id": question, "metrics": {"verdict": value}}


def is_matrix(file: Glimpse) -> bool:
    """A NumPy array."""
    return file.container == "npy"


def read_matrix(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads a matrix of 0 and 1, a row a question; NaN is a response that is not there.

    Args:
        source: What the user named.
        files: `.npy` files; several are stacked.
        options: The value from which on a verdict is right.

    Raises:
        InputError: It is not such a matrix.
    """
    if len(files) > 1:
        raise InputError(
            f"{source} holds {len(files)} matrices, whose rows have no names.",
            seen=[file.path.name for file in files[:5]],
            remedy="Name one of them.",
        )
    matrix = _matrix(files[0])
    missing = int(np.isnan(matrix).sum()) if matrix.dtype.kind == "f" else 0
    notes = []
    if missing == 1:
        notes.append("1 cell is NaN: taken as a response that is not there.")
    elif missing:
        notes.append(f"{missing:,} cells are NaN: taken as responses that are not there.")
    table = replace(table_of_rows(files, _matrix_rows, ["verdict"]), notes=tuple(notes))
    return outcomes_of_table(source, "npy", table, options)


def _matrix(file: Glimpse) -> np.ndarray[Any, Any]:
    with readable(file.path):
        matrix: np.ndarray[Any, Any] = np.load(file.path, mmap_mode="r", allow_pickle=False)
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise InputError(
            f"{file.path} is not a matrix of questions x responses.",
            seen={"shape": matrix.shape, "dtype": str(matrix.dtype)},
            remedy="Save a 2-dimensional array of 0 and 1, a row a question.",
        )
    return matrix


def _matrix_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    for number, values in enumerate(_matrix(file)):
        for value in values.tolist():
            if value == value:
                yield number + 1, {"question_id": str(number), "metrics": {"verdict": value}}
