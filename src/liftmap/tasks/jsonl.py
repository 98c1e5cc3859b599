"""The jsonl task: your own questions in a JSONL, JSON, CSV or Parquet file.

A task: options in, Questions out; reads one local file.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import polars as pl

from liftmap.errors import InputError, UnknownNameError
from liftmap.files import path_of
from liftmap.read.lines import parse
from liftmap.read.look import readable
from liftmap.records import SPLITS, Question, Split
from liftmap.registry import nearest
from liftmap.tasks.question_rows import (
    AnswerFrom,
    Duplicates,
    Row,
    Unanswered,
    check_reading,
    questions_of,
    select,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Rows = Iterator[tuple[str, Row]]
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def jsonl(
    split: Split = "test",
    *,
    path: str,
    question: str = "question",
    answer: str = "answer",
    answer_pattern: str | None = None,
    answer_from: AnswerFrom = "column",
    choices: Sequence[str] = (),
    context: str | None = None,
    id: str | None = None,
    cluster: str | None = None,
    metadata: Sequence[str] = (),
    unanswered: Unanswered = "error",
    duplicates: Duplicates = "error",
    limit: int | None = None,
    skip: int = 0,
    shuffle_seed: int | None = None,
) -> list[Question]:
    """The questions of a local file.

    Args:
        split: "train", "dev" or "test". A file has no splits: give each its own `path`, or write
            `{split}` in it, or take parts of one file by `skip` and `limit`.
        path: The file: .jsonl, .ndjson or .json (a list, or a line an object), .csv, .tsv or
            .parquet; JSON and CSV may be compressed (.gz, .zst).
        question: See `liftmap.tasks.question_rows.Reading`, which has all other options too.
        answer: The column of the gold answer, or of a solution that holds it.
        answer_pattern: A regular expression with one group: the answer in that column.
        answer_from: "column" or "boxed".
        choices: Columns of wrong answers.
        context: A column whose text is put before the question.
        id: A column of ids; None makes them from the content.
        cluster: A column that questions of one source share.
        metadata: Columns to keep.
        unanswered: "error", "drop" or "keep" rows without a gold answer.
        duplicates: "error", or "drop" all but the first.
        limit: At most so many questions, 1 or more.
        skip: Leave out so many before those.
        shuffle_seed: Order by a hash of this and the id; None keeps the file's order.

    Returns:
        The questions.

    Raises:
        InputError: The file is missing or damaged, or a row of it can't be used.
        ConfigError: An option can't be used.
        UnknownNameError: There is no such split.
    """
    if split not in SPLITS:
        raise UnknownNameError(
            "The jsonl task has no such split.", seen=split, remedy=f"Say {', '.join(SPLITS)}."
        )
    reading = check_reading(
        question=question,
        answer=answer,
        answer_pattern=answer_pattern,
        answer_from=answer_from,
        choices=choices,
        context=context,
        id=id,
        cluster=cluster,
        metadata=metadata,
        unanswered=unanswered,
        duplicates=duplicates,
        limit=limit,
        skip=skip,
        shuffle_seed=shuffle_seed,
    )
    file = path_of(str(path).replace("{split}", split))
    questions = questions_of(rows_of_file(file), reading, str(file))
    return select(questions, reading.limit, reading.skip, reading.shuffle_seed)


def rows_of_file(path: Path) -> Rows:
    """The rows of a file with their places, as `line 7`.

    Raises:
        InputError: There is no such file, its ending is unknown, or it is damaged.
    """
    if path.is_dir():
        raise InputError(
            f"{path} is a folder.", remedy="Name a file in it, or use the task hub for a data set."
        )
    if not path.exists():
        there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(
            f"{path} does not exist.",
            remedy=nearest(path.name, there) if there else "Check the path.",
        )
    endings = path.suffixes[-2:] if path.suffix in _OPENERS else path.suffixes[-1:]
    packed = endings[-1] if endings and endings[-1] in _OPENERS else ""
    reader = _READERS.get("".join(endings).removesuffix(packed).lower())
    if reader is None or (packed and reader is _parquet):
        raise InputError(
            f"{path} has an ending that the jsonl task does not know.",
            seen="".join(endings),
            remedy=f"Name a file that ends in {', '.join(_READERS)}; text also with .gz or .zst.",
        )
    with readable(path), _OPENERS.get(packed, Path.open)(path, "rb") as file:
        try:
            yield from reader(file, path)
        except gzip.BadGzipFile as error:  # an OSError, but not the disk's
            raise InputError(
                f"{path} is damaged: {error}.", remedy="Copy the file again."
            ) from None


def _json_lines(file: IO[bytes], path: Path) -> Rows:
    for number, line in enumerate(file, 1):
        text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        if text.strip():
            yield f"line {number}", parse(text, f"{path}, line {number}")


def _json(file: IO[bytes], path: Path) -> Rows:
    """A list of objects, or a line an object."""
    content = file.read().removeprefix(BYTE_ORDER_MARK)
    if not content.lstrip().startswith(b"["):
        yield from _json_lines(io.BytesIO(content), path)
        return
    try:
        items: list[Any] = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}.", remedy="Correct that place.") from None
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise InputError(f"{path}, item {number} is not a JSON object.", seen=str(item)[:60])
        yield f"item {number}", item


def _csv(file: IO[bytes], path: Path) -> Rows:
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    table = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        header = next(table, [])
        if len(set(header)) < len(header):
            raise InputError(f"{path} has two columns of one name.", seen=header[:20])
        for cells in table:
            place = f"line {table.line_num}"
            if cells and len(cells) != len(header):
                raise InputError(
                    f"{path}, {place}: {len(cells)} cells where the header has {len(header)}.",
                    seen=[cell[:40] for cell in cells[:6]],
                    remedy="Correct that line; a cell with a comma or a line break needs quotes.",
                )
            if cells:
                yield place, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{path}, line {table.line_num} is not CSV: {error}.", remedy="Correct that line."
        ) from None


def _parquet(file: IO[bytes], path: Path) -> Rows:
    for number, row in enumerate(pl.read_parquet(file).iter_rows(named=True), 1):
        yield f"row {number}", row


_READERS: dict[str, Callable[[IO[bytes], Path], Rows]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
}
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".zst": zstd.open}
