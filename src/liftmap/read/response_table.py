"""One table for the responses of every tool: its columns, and how a reader makes one.

A tool's reader gives a `ResponseTable`: a Polars LazyFrame with a row a response, from columns that
the file has (`table_of_columns`, for flat files: Polars reads them in parts) or from Python rows
(`table_of_rows`, for nested ones). `counting` reads the columns that a tally needs; texts and
prompts stay in the file until something asks for them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from liftmap.errors import InputError
from liftmap.read.lines import json_lines
from liftmap.read.look import Glimpse, readable
from liftmap.read.tables import name_bad_line
from liftmap.read.tabular import scan

# The columns of the table; a reader gives those that its files have, the others are null.
SCHEMA: dict[str, pl.DataType] = {
    # Where the response is: FILE_ROWS x the number of its file + its row or line, from 1.
    "place": pl.Int64(),
    # The training step that the model was at, the task and the model, where the files say them.
    "step": pl.Int64(),
    "task": pl.String(),
    "model": pl.String(),
    # Null where the files have no ids: it is then a digest of the prompt.
    "question_id": pl.String(),
    # The prompt as one text, messages of a chat one below the other.
    "prompt": pl.String(),
    "text": pl.String(),
    # What the model thought, where it is apart from the text.
    "reasoning": pl.String(),
    # The answer that the tool found in the text.
    "answer": pl.String(),
    # The gold answer; a list of them is written as a list.
    "gold": pl.String(),
    # "length" if the token limit cut the response, another word if not; null if unknown.
    "finish_reason": pl.String(),
    "tokens": pl.Int64(),
    # Questions of one cluster are resampled together.
    "cluster": pl.String(),
    # The response has no verdict for a cause that isn't the model's.
    "failed": pl.Boolean(),
}
FILE_ROWS = 1 << 32
# Before the names of columns that hold what a metric says: as text, whatever the file has.
METRIC = "metric: "
# Rows that are looked at for the names of their metrics.
HEAD_ROWS = 1000
CHUNK_ROWS = 4096
DIGEST_DIGITS = 16

Row = Mapping[str, Any]
RowsOf = Callable[[Glimpse], Iterator[tuple[int, Row]]]

# Marks of chat templates, which tell nothing of the question.
_MARKS = re.compile(r"<\|[^<>|]*\|>")
# Files that hold one step, as tools name them: 100.jsonl, val_data_step100.jsonl,
# completions_00100.parquet, global_step_100_evals/..., step_100/...
_STEP_FILE = re.compile(r"(?:.*step_?|completions_)?(\d+)")
_STEP_FOLDER = re.compile(r"(?:global_)?step_(\d+)(?:_evals)?")


@dataclass(frozen=True, slots=True)
class ResponseTable:
    """The responses in some files.

    Attributes:
        frame: Columns of `SCHEMA`, and a column of text, `METRIC` + its name, for each metric.
        metrics: Names of what gives a number or a word to each response, the likeliest verdict
            first.
        files: The files, in the order of their numbers.
        verdict: Whether the first metric is the tool's own verdict, so that no other is meant.
        numbered: Whether question_id is merely a place in a data set; the id then holds a digest of
            the prompt too.
        notes: What has to be said of how the files were read.
        flat: Whether Polars reads the files itself.
    """

    frame: pl.LazyFrame
    metrics: tuple[str, ...]
    files: tuple[str, ...]
    verdict: bool = True
    numbered: bool = False
    notes: tuple[str, ...] = ()
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Identified:
    """A table's responses with their ids.

    Attributes:
        frame: The table with question_id for each row, and three columns more: `response`, the
            number of the row, `asked`, the digest of its prompt, and `padded`, whether its own id
            had blanks around it.
        by_prompt: Whether that digest is the id.
        has_texts: Whether there are texts.
    """

    frame: pl.LazyFrame
    by_prompt: bool
    has_texts: bool


def table_of_columns(
    files: Sequence[Glimpse],
    columns: Mapping[str, str | pl.Expr],
    metrics: Sequence[str],
    *,
    raw: Sequence[str] = (),
    verdict: bool = True,
    numbered: bool = False,
    steps: Callable[[Glimpse], int | None] | None = None,
    notes: Sequence[str] = (),
    each: Callable[[pl.LazyFrame], pl.LazyFrame] = lambda frame: frame,
) -> ResponseTable:
    """A table of flat files, which Polars reads in parts.

    Args:
        files: CSV, JSONL, Parquet, JSON lists, or what else `tabular.scan` reads.
        columns: By name in `SCHEMA`: the file's column, or an expression of its columns.
        metrics: The file's columns that could be verdicts.
        raw: Further columns of the files that the expressions use.
        verdict: As in `ResponseTable`.
        numbered: As in `ResponseTable`.
        steps: The training step of a file, where the rows do not say it.
        notes: As in `ResponseTable`.
        each: Changes the rows of a file before the columns are taken: explodes lists, say.
    """
    named = [column for column in columns.values() if isinstance(column, str)]
    columns_to_read = list(dict.fromkeys([*named, *metrics, *raw]))
    frames = []
    for number, file in enumerate(files):
        with readable(file.path):
            frame = each(scan(file, columns_to_read))
            kinds = frame.collect_schema()
        taken = {
            name: as_text(kinds[column], column) if isinstance(column, str) else column
            for name, column in columns.items()
        }
        step = steps(file) if steps is not None else None
        if step is not None:
            taken["step"] = pl.lit(step)
        taken["place"] = pl.col("row").cast(pl.Int64) + number * FILE_ROWS
        frames.append(
            frame.select(
                *(
                    taken.get(name, pl.lit(None)).cast(kind, strict=False).alias(name)
                    for name, kind in SCHEMA.items()
                ),
                *(as_text(kinds[metric], metric).alias(METRIC + metric) for metric in metrics),
            )
        )
    return ResponseTable(
        pl.concat(frames),
        tuple(metrics),
        tuple(str(file.path) for file in files),
        verdict=verdict,
        numbered=numbered,
        notes=tuple(notes),
        flat=any(file.container == "json" for file in files),
    )


def as_text(kind: pl.DataType, column: str) -> pl.Expr:
    """A column as text: messages one below the other, numbers and booleans as JSON has them."""
    value = pl.col(column)
    if isinstance(kind, pl.List) and isinstance(kind.inner, pl.Struct):
        names = [field.name for field in kind.inner.fields]
        if "content" in names:
            return value.list.eval(pl.element().struct.field("content")).list.join("\n")
    if isinstance(kind, pl.List):
        return "[" + value.cast(pl.List(pl.String), strict=False).list.join(", ") + "]"
    if isinstance(kind, pl.Struct):
        return value.struct.json_encode()
    return value.cast(pl.String, strict=False)


def table_of_rows(
    files: Sequence[Glimpse],
    rows_of: RowsOf,
    metrics: Sequence[str] = (),
    *,
    verdict: bool = True,
    numbered: bool = False,
) -> ResponseTable:
    """A table of nested files, a Python row a response.

    Args:
        files: The files.
        rows_of: The rows of a file, one a response, with their numbers. A row has keys of `SCHEMA`
            (without `place`) and `metrics`, a value by name.
        metrics: Names of metrics that come first; those of the first rows follow.
        verdict: As in `ResponseTable`.
        numbered: As in `ResponseTable`.
    """
    seen = dict.fromkeys(metrics)
    for _, row in islice(_placed(files, rows_of), HEAD_ROWS):
        seen.update(dict.fromkeys(row.get("metrics", ())))
    names = tuple(name for name in seen if name)
    schema = SCHEMA | {METRIC + name: pl.String() for name in names}

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        chosen = {name: schema[name] for name in with_columns or schema}
        rows: Iterator[tuple[int, Row]] = islice(_placed(files, rows_of), n_rows)
        while chunk := list(islice(rows, CHUNK_ROWS)):
            frame = pl.DataFrame([_column(chunk, name).cast(kind) for name, kind in chosen.items()])
            yield frame if predicate is None else frame.filter(predicate)

    return ResponseTable(
        register_io_source(source, schema=schema),
        names,
        tuple(str(file.path) for file in files),
        verdict=verdict,
        numbered=numbered,
    )


def _placed(files: Sequence[Glimpse], rows_of: RowsOf) -> Iterator[tuple[int, Row]]:
    for number, file in enumerate(files):
        with readable(file.path):
            for row, values in rows_of(file):
                yield number * FILE_ROWS + row, values


def _column(chunk: list[tuple[int, Row]], name: str) -> pl.Series:
    """One column of some rows; a value of another kind is written as text, or null."""
    if name == "place":
        return pl.Series(name, [place for place, _ in chunk], pl.Int64)
    if name.startswith(METRIC):
        metric = name.removeprefix(METRIC)
        values = [written(row.get("metrics", {}).get(metric)) for _, row in chunk]
        return pl.Series(name, values, pl.String)
    kind = SCHEMA[name]
    cells: list[Any] = [row.get(name) for _, row in chunk]
    if kind == pl.String:
        return pl.Series(name, [written(value) for value in cells], kind)
    if kind == pl.Boolean:
        return pl.Series(name, [value is True for value in cells], kind)
    whole = [v if type(v) is int and abs(v) < FILE_ROWS else None for v in cells]
    return pl.Series(name, whole, kind)


def written(value: object) -> str | None:
    """A value as text: as JSON has it, without the quotes of a text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def step_in_name(file: Glimpse) -> int | None:
    """The training step that a file's name, or a folder above it, is made of; None: it has none."""
    if named := _STEP_FILE.fullmatch(file.path.stem):
        return int(named[1])
    folders = (_STEP_FOLDER.fullmatch(folder.name) for folder in file.path.parents)
    return next((int(named[1]) for named in folders if named), None)


def files_of_steps(
    files: Sequence[Glimpse], steps: tuple[int, int] | None, column: str | None = None
) -> Sequence[Glimpse]:
    """The files that can hold some steps, so that the others need not be read.

    Args:
        files: The files.
        steps: The first and the last step; None: all.
        column: The column of the rows that says the step too: a file whose first row says otherwise
            than its name is read.

    Returns:
        Those files; all of them where none can.
    """
    if steps is None:
        return files
    of_steps = [
        file
        for file in files
        if (step := step_in_name(file)) is None
        or steps[0] <= step <= steps[1]
        or (column is not None and _first_value(file, column) != str(step))
    ]
    return of_steps or files


def _first_value(file: Glimpse, column: str) -> str | None:
    """What the first row of a file has in a column; None where that can't be read."""
    with readable(file.path):
        if file.container == "json":
            # Only this line: a file that is still being written has no whole last one.
            first = next((row for _, row in json_lines(file.path)), {})
            return written(first.get(column))
        values = scan(file, [column]).select(pl.col(column).cast(pl.String)).head(1).collect()
    return values.item() if len(values) else None


def identified(table: ResponseTable) -> Identified:
    """The responses with an id each, by the prompt where the files have no ids.

    The id is the file's; where it is merely a place in a data set, eight digits of a digest of the
    prompt follow; where the files have none, it is the digest.
    """
    own = pl.col("question_id").str.strip_chars().replace("", None)
    padded = pl.col("question_id") != pl.col("question_id").str.strip_chars()
    asked = pl.col("prompt").map_batches(digests, return_dtype=pl.String(), is_elementwise=True)
    first = collected(table, table.frame.select("question_id", "text").head(HEAD_ROWS))
    by_prompt = not table.numbered and bool(first["question_id"].is_null().all())
    if table.numbered:
        parts = pl.concat_str(own, asked.str.head(8), separator="-", ignore_nulls=True)
        own = pl.when(own.is_not_null()).then(parts)
    frame = table.frame.with_columns(
        question_id=asked if by_prompt else own, asked=asked, padded=padded
    )
    return Identified(
        frame.with_row_index("response"), by_prompt, bool(first["text"].is_not_null().any())
    )


def collected(table: ResponseTable, frame: pl.LazyFrame) -> pl.DataFrame:
    """The rows of a frame that comes of the table; what can't be read is put into words.

    Raises:
        InputError: A file is damaged; the message names the line where that is known.
    """
    path = Path(table.files[0])
    try:
        with readable(path if len(table.files) == 1 else path.parent):
            return frame.collect(engine="streaming")
    except InputError:
        # Polars does not say which line it stumbled on.
        for name in table.files:
            if name.endswith((".jsonl", ".json")) and table.flat:
                name_bad_line(Path(name))
        raise


def place_text(table: ResponseTable, place: int) -> str:
    """A place as file and row."""
    return f"{table.files[place // FILE_ROWS]}, row {place % FILE_ROWS}"


def digests(prompts: pl.Series) -> pl.Series:
    """The digest of each prompt, the same for prompts that differ in blanks or template marks.

    Returns:
        Hexadecimal digits of SHA-256; null where there is no prompt.
    """
    distinct = prompts.drop_nulls().unique()
    digests = [_digest(prompt) for prompt in distinct]
    return prompts.replace_strict(
        distinct, pl.Series(digests, dtype=pl.String), return_dtype=pl.String(), default=None
    )


def _digest(prompt: str) -> str | None:
    text = " ".join(_MARKS.sub(" ", prompt).split())
    if not text:
        return None
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:DIGEST_DIGITS]
