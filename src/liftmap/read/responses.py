"""The reader of files with a row a response: question_id and whether it was correct.

CSV, Parquet or JSONL with the columns question_id and correct, and optionally answer, truncated and
cluster; texts, prompts and gold answers are found by their usual names, other columns left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from liftmap.errors import InputError
from liftmap.read.column_names import by_name, named, task_column
from liftmap.read.look import Glimpse
from liftmap.read.outcomes import (
    TEXTS,
    Outcomes,
    ReadOptions,
    from_rows,
    mean_tokens,
    refuse_torn_clusters,
)
from liftmap.read.response_table import as_text
from liftmap.read.tables import (
    labels,
    of_task,
    padded,
    padded_note,
    question_ids,
    read_table,
    refuse_first,
    require,
)
from liftmap.read.tabular import scan
from liftmap.read.verdict_column import WORDS

COLUMNS = ("question_id", "correct", "answer", "truncated", "cluster")
# How the words of a column become right (True), wrong (False) or unscored (None).
CORRECT: dict[str, bool | None] = {
    **dict.fromkeys(("1", "1.0"), True),
    **dict.fromkeys(("0", "0.0"), False),
    **{word: value == 1 for word, value in WORDS.items()},
    "unscored": None,
}
TRUNCATED: dict[str, bool | None] = {
    **dict.fromkeys(("true", "1", "1.0"), True),
    **dict.fromkeys(("false", "0", "0.0"), False),
}


def is_responses(file: Glimpse) -> bool:
    """A table with the columns question_id and correct, a row a response."""
    return (
        file.container in ("csv", "json", "parquet")
        and file.has("question_id", "correct")
        and file.kinds.get("correct") != "list"
    )


def read_responses(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads files with a row a response; several are parts of one set.

    Args:
        source: What the user named.
        files: Such files.
        options: The value of `correct` from which on a response is right. A verifier can't be used
            here: the verdicts are in the file.

    Raises:
        InputError: A file is damaged or empty; a value is missing or unknown; a question is in two
            clusters; a verifier was named.
    """
    if options.verifier is not None:
        raise InputError(
            f"{source} holds a verdict for each response and no gold answers to verify with.",
            seen=options.verifier,
            remedy="Leave --verifier out, or name the log that the verdicts were made from.",
        )
    options.refuse_metric(source)
    parts = [of_task(_read_file(file, options.right_at), file, options.task) for file in files]
    rows = pl.concat(parts, how="diagonal")
    if "cluster" in rows.columns:
        refuse_torn_clusters(source, rows)
    notes = padded_note(int(rows["padded"].sum()))
    if options.right_at is not None:
        notes.append(f"A response is right where correct is {options.right_at:g} or more.")
    task = options.task
    outcomes = from_rows(source, "responses", rows, _golds(files, rows, task), notes)
    return replace(
        outcomes,
        responses=_with_texts(files, rows, task),
        tokens=_tokens(files, rows, task),
    )


def _golds(files: Sequence[Glimpse], rows: pl.DataFrame, task: str | None) -> pl.DataFrame | None:
    """The gold answer of each question, where all files have a column of them."""
    golds = _column(files, "gold", pl.String(), task)
    if golds is None:
        return None
    both = rows.select("question_id").hstack([golds])
    one_gold = both.drop_nulls().unique().filter(~pl.col("question_id").is_duplicated())
    return one_gold.sort("question_id") if len(one_gold) else None


def _tokens(files: Sequence[Glimpse], rows: pl.DataFrame, task: str | None) -> pl.DataFrame | None:
    """The mean tokens of each question's responses, where all files have a column of them."""
    tokens = _column(files, "tokens", pl.Int64(), task)
    return None if tokens is None else mean_tokens(rows.select("question_id").hstack([tokens]))


def _column(
    files: Sequence[Glimpse], name: str, kind: pl.DataType, task: str | None
) -> pl.Series | None:
    """A column of the files by our name for it, a value a row; None where a file lacks it."""
    columns = [named(file.fields).get(name) for file in files]
    parts = [
        _scanned(file, [column], task)
        .select(pl.col(column).cast(kind, strict=False).alias(name))
        .collect()
        for file, column in zip(files, columns, strict=True)
        if column is not None
    ]
    return pl.concat(parts)[name] if len(parts) == len(files) else None


def _with_texts(
    files: Sequence[Glimpse], rows: pl.DataFrame, task: str | None
) -> pl.LazyFrame | None:
    """The rows with the texts that are in the files too: `Outcomes.responses`."""
    fields = {name for file in files for name in file.fields}
    names = named(fields)
    if "text" not in names:
        return None
    chosen: dict[str, str] = {
        ours: names[ours] for ours in ("text", "prompt", "tokens") if ours in names
    }
    texts = pl.concat(
        _chosen(_scanned(file, list(chosen.values()), task), chosen) for file in files
    )
    columns = ["question_id", "right", "answer"]
    if all("truncated" in by_name(file.fields) for file in files):
        # Where it is not known which were cut, that is not said of any.
        columns.append("truncated")
    verdicts = rows.select(
        pl.col(name).cast(TEXTS[name]) for name in columns if name in rows.columns
    )
    both = pl.concat([verdicts.lazy(), texts], how="horizontal")
    there = {*verdicts.columns, *chosen}
    return both.select(
        pl.col(name) if name in there else pl.lit(None, kind).alias(name)
        for name, kind in TEXTS.items()
    )


def _chosen(frame: pl.LazyFrame, chosen: Mapping[str, str]) -> pl.LazyFrame:
    """The columns under our names; a text may be written as the messages of a chat."""
    kinds = frame.collect_schema()
    return frame.select(
        (pl.col(theirs) if ours == "tokens" else as_text(kinds[theirs], theirs))
        .cast(TEXTS[ours], strict=False)
        .alias(ours)
        for ours, theirs in chosen.items()
    )


def _scanned(file: Glimpse, columns: list[str], task: str | None) -> pl.LazyFrame:
    """Columns of a file, those of one task's rows where one is asked for."""
    column = None if task is None else task_column(file.fields, file.names)
    if column is None:
        return scan(file, columns)
    rows = scan(file, list(dict.fromkeys([*columns, column])))
    return rows.filter(pl.col(column).cast(pl.String).str.strip_chars() == task)


def _read_file(file: Glimpse, right_at: float | None) -> pl.DataFrame:
    path = file.path
    columns_there = by_name(file.fields)
    names = {ours: columns_there[ours] for ours in COLUMNS if ours in columns_there}
    frame = read_table(file, COLUMNS, names)
    require(frame, path, ("question_id", "correct"))
    columns = [
        question_ids(frame, path),
        padded(frame),
        (
            _words(frame, path, "correct", CORRECT)
            if right_at is None
            else _graded(frame, path, right_at)
        ).alias("right"),
        pl.repeat(False, len(frame), dtype=pl.Boolean, eager=True).alias("truncated")
        if "truncated" not in frame.columns
        else _words(frame, path, "truncated", TRUNCATED),
        *(
            text
            for name in ("answer", "cluster")
            if (text := labels(frame, path, name)) is not None
        ),
    ]
    return pl.DataFrame(columns)


def _words(
    frame: pl.DataFrame, path: Path, column: str, meaning: dict[str, bool | None]
) -> pl.Series:
    """A column of booleans, 0 and 1, or words, as booleans.

    Raises:
        InputError: A value is missing or none of the known words.
    """
    values = frame[column]
    if values.dtype == pl.Boolean and not values.null_count():
        return values
    text = labels(frame, path, column)
    assert text is not None
    words = text.str.strip_chars().str.to_lowercase()
    known = ", ".join(meaning)
    remedy = f"Write one of {known}."
    if (
        column == "correct"
        and text.str.strip_chars().cast(pl.Float64, strict=False).is_not_null().all()
    ):
        remedy += " If it is graded, --right-at 1.0 counts a response as right from that value on."
    shown = frame.select(column)
    refuse_first(values.is_null(), path, f"{column} is missing", shown, remedy)
    refuse_first(~words.is_in(list(meaning)), path, f"{column} is not known", shown, remedy)
    return words.replace_strict(meaning, return_dtype=pl.Boolean)


def _graded(frame: pl.DataFrame, path: Path, right_at: float) -> pl.Series:
    """Whether a graded verdict reaches the value from which on it is right.

    Raises:
        InputError: A value is missing or not a number.
    """
    text = labels(frame, path, "correct")
    assert text is not None
    numbers = text.str.strip_chars().str.to_lowercase().replace({"true": "1", "false": "0"})
    values = numbers.cast(pl.Float64, strict=False)
    refuse_first(
        ~values.is_finite(),
        path,
        "correct is not a number",
        frame.select("correct"),
        "With --right-at each response needs one.",
    )
    return values >= right_at
