"""Tables as files: CSV, Parquet and JSONL, their columns checked value by value.

Gives the readers of tallies and of rows only the columns that they know; a value that can't be
used is named with its file and row. Rows count from 1, the header of a CSV file left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from liftmap.errors import InputError
from liftmap.read.column_names import task_column
from liftmap.read.look import Glimpse, readable
from liftmap.read.nan_lines import has_nan, scan_lines

# Above this a whole number is no longer exact as a float.
LARGEST = 2**53


def read_table(
    file: Glimpse, known: Sequence[str], names: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """The known columns of a table; CSV and JSONL give all of them as text.

    Args:
        file: CSV, JSON (one object a line) or Parquet.
        known: Columns wanted; those that the file lacks, or has no value in, are left out.
        names: The file's own names of some of them.

    Raises:
        InputError: The file is damaged, or has no row or none of the columns.
    """
    path, names = file.path, names or {}
    if file.container == "json":
        own_names = [names.get(name, name) for name in known]
        frame = _read_json_lines(path, own_names)
        frame = frame.rename({names.get(name, name): name for name in known})
    else:
        with readable(path):
            if file.container == "csv":
                header = _header(file)
                rows = pl.scan_csv(
                    path.absolute(), separator=file.separator, infer_schema=False, glob=False
                )
            else:
                rows = pl.scan_parquet(path.absolute(), glob=False)
                header = rows.collect_schema().names()
            _refuse_same_columns(path, header, [names.get(name, name) for name in known])
            columns = {name.strip(): name for name in rows.collect_schema().names()}
            chosen = [
                pl.col(columns[written]).alias(name)
                for name in known
                if (written := names.get(name, name)) in columns
            ]
            frame = rows.select(chosen).collect() if chosen else pl.DataFrame()
        if not chosen:
            raise InputError(
                f"{path} has none of the columns {', '.join(known)}.",
                seen=list(columns)[:12],
                remedy="Name another file, or rename its columns.",
            )
    if not len(frame):
        raise InputError(f"{path} holds no rows.", remedy="Name a file with at least one question.")
    return frame.select(s for s in frame if s.null_count() < len(frame) or s.name == known[0])


def _header(file: Glimpse) -> list[str]:
    """The names in the first line of a CSV file, as they are written."""
    first = pl.read_csv(
        file.path.absolute(),
        separator=file.separator,
        has_header=False,
        n_rows=1,
        infer_schema=False,
        glob=False,
    )
    return ["" if name is None else name for name in first.row(0)]


def _refuse_same_columns(path: Path, header: Sequence[str], known: Sequence[str]) -> None:
    """Raises where two columns could be meant by one name: the second would hide the first.

    Raises:
        InputError: Two names of known columns are equal but for blanks around them.
    """
    for name in known:
        same = [written for written in header if written.strip() == name]
        if len(same) > 1:
            raise InputError(
                f"{path} has the column {name} {len(same)} times, blanks around names left out.",
                seen=same,
                remedy="Leave one of them, or rename the others.",
            )


def _read_json_lines(path: Path, known: Sequence[str]) -> pl.DataFrame:
    if has_nan(path):
        return scan_lines(path, known).select(known).collect()
    try:
        # An open file: Polars would take the name for a pattern.
        with readable(path), path.open("rb") as file:
            return pl.read_ndjson(file, schema=dict.fromkeys(known, pl.String()))
    except InputError:
        # Polars does not say which line it stumbled on.
        name_bad_line(path)
        raise


def name_bad_line(path: Path) -> None:
    """Raises for the first line that is no JSON object; returns if there is none."""
    with readable(path), path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                fine = not line.strip() or isinstance(json.loads(line), dict)
                problem = "is no JSON object"
            except (ValueError, RecursionError) as error:
                fine, problem = False, f"is no JSON: {str(error) or 'nested too deeply'}"
            if not fine:
                raise InputError(
                    f"{path}, line {number} {problem}.",
                    seen=line.decode("utf-8", "replace").strip()[:80],
                    remedy="If the file was cut off, write it again; else correct that line.",
                )


def require(frame: pl.DataFrame, path: Path, columns: Sequence[str]) -> None:
    """Checks that columns are there.

    Raises:
        InputError: One is missing, or has no value at all.
    """
    for name in columns:
        if name not in frame.columns:
            raise InputError(
                f"{path}: the column {name} is missing or empty.",
                seen=frame.columns,
                remedy=f"Give each row a value of {name}.",
            )


def refuse_first(
    bad: pl.Series, path: Path, problem: str, values: pl.DataFrame, remedy: str
) -> None:
    """Names the first row that is bad, if there is one.

    Args:
        bad: Shape (rows,): whether the row can't be used; null counts as yes.
        path: The file.
        problem: What is wrong, after `row 3: `.
        values: The columns whose values are shown.
        remedy: What to do.

    Raises:
        InputError: A row is bad.
    """
    where = bad.fill_null(True).arg_true()
    if len(where):
        row = int(where[0])
        seen = values.row(row, named=True)
        raise InputError(
            f"{path}, row {row + 1}: {problem}.",
            seen=next(iter(seen.values())) if len(seen) == 1 else seen,
            remedy=remedy,
        )


def question_ids(frame: pl.DataFrame, path: Path) -> pl.Series:
    """The column question_id as text, without blanks around it.

    Raises:
        InputError: A row has none, or it is neither text nor a whole number.
    """
    ids = frame["question_id"]
    if not (ids.dtype.is_integer() or ids.dtype in (pl.String, pl.Categorical, pl.Enum)):
        raise InputError(
            f"{path}: question_id is neither text nor a whole number.",
            seen=str(ids.dtype),
            remedy="Write the ids as text.",
        )
    text = ids.cast(pl.String)
    refuse_first(
        text.str.strip_chars() == "",
        path,
        "question_id is missing",
        frame.select("question_id"),
        "Give each row the id of its question.",
    )
    return text.str.strip_chars()


def padded(frame: pl.DataFrame) -> pl.Series:
    """Whether each row's question_id has blanks around it, which `question_ids` leaves out."""
    ids = frame["question_id"].cast(pl.String)
    return (ids != ids.str.strip_chars()).alias("padded")


def padded_note(rows: int) -> list[str]:
    """What has to be said of rows whose ids had blanks around them."""
    where = "the id of 1 row" if rows == 1 else f"the ids of {rows:,} rows"
    return [f"Blanks around {where} are left out."] if rows else []


def whole_numbers(frame: pl.DataFrame, path: Path, column: str) -> pl.Series:
    """A column of counts; 0 throughout if it isn't there.

    Raises:
        InputError: A value is missing, no number, negative or fractional.
    """
    if column not in frame.columns:
        return pl.zeros(len(frame), pl.Int64, eager=True).alias(column)
    values = frame[column]
    shown = frame.select(column)
    remedy = f"{column} is a count: a whole number, at least 0."
    if values.dtype == pl.String:
        numbers = values.str.strip_chars().cast(pl.Float64, strict=False)
    elif values.dtype.is_numeric():
        numbers = values.cast(pl.Float64)
    else:
        raise InputError(
            f"{path}: {column} holds no numbers.", seen=str(values.dtype), remedy=remedy
        )
    refuse_first(values.is_null(), path, f"{column} is missing", shown, remedy)
    refuse_first(~numbers.is_finite(), path, f"{column} is no number", shown, remedy)
    refuse_first(numbers < 0, path, f"{column} is negative", shown, remedy)
    refuse_first(numbers.floor() != numbers, path, f"{column} is a fraction", shown, remedy)
    refuse_first(numbers > LARGEST, path, f"{column} is too large", shown, remedy)
    return numbers.cast(pl.Int64)


def labels(frame: pl.DataFrame, path: Path, column: str) -> pl.Series | None:
    """A column of text, or None if it isn't there.

    Raises:
        InputError: It holds lists or records.
    """
    if column not in frame.columns:
        return None
    if frame[column].dtype.is_nested() or frame[column].dtype == pl.Binary:
        raise InputError(
            f"{path}: {column} holds no text.",
            seen=str(frame[column].dtype),
            remedy=f"Write {column} as text.",
        )
    return frame[column].cast(pl.String)


def tasks_of_rows(file: Glimpse) -> pl.Series | None:
    """The task of each row of a table, in its order; None where no column says it."""
    column = task_column(file.fields, file.names)
    if column is None:
        return None
    frame = read_table(file, ("task",), {"task": column})
    return labels(frame, file.path, "task")


def of_task(rows: pl.DataFrame, file: Glimpse, task: str | None) -> pl.DataFrame:
    """The rows of a table that are of a task; all of them where none is asked for or named."""
    tasks = None if task is None else tasks_of_rows(file)
    return rows if tasks is None else rows.filter(tasks.str.strip_chars() == task)
