"""The reader of tally files: a row a question, with the counts n and c.

CSV, Parquet or JSONL with the columns question_id, n, c and optionally unscored, truncated and
cluster; other columns are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from liftmap.errors import InputError
from liftmap.read.look import Glimpse
from liftmap.read.outcomes import Outcomes, ReadOptions, from_counts
from liftmap.read.tables import (
    labels,
    question_ids,
    read_table,
    refuse_first,
    require,
    whole_numbers,
)

COLUMNS = ("question_id", "n", "c", "unscored", "truncated", "cluster")


def is_tally(file: Glimpse) -> bool:
    """A table with the columns question_id, n and c."""
    return file.container in ("csv", "json", "parquet") and file.has("question_id", "n", "c")


def read_tally(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads tally files; several are parts of one tally.

    Args:
        source: What the user named.
        files: Tally files.
        options: A verifier can't be used here: there is nothing to verify.

    Raises:
        InputError: A file is damaged or empty; an id is missing or occurs twice; a count is
            missing, negative, a fraction or no number; c is more than n, or truncated more than n
            and unscored together; a verifier was named.
    """
    if options.verifier is not None:
        raise InputError(
            f"{source} is a tally: it holds no responses to verify.",
            seen=options.verifier,
            remedy="Leave --verifier out, or name the responses.",
        )
    options.refuse_metric(source)
    parts = [_read_file(file) for file in files]
    counts = pl.concat(parts)
    twice = counts.filter(pl.col("question_id").is_duplicated())
    if len(twice):
        name = twice["question_id"][0]
        places = counts.filter(question_id=name).select("file", "row").head(2).rows()
        raise InputError(
            f"{source}: a question occurs twice, "
            + " and ".join(f"in {file}, row {row}" for file, row in places)
            + ".",
            seen=name,
            remedy="A tally has one row for each question: remove or rename one.",
        )
    return from_counts(source, "tally", counts)


def _read_file(file: Glimpse) -> pl.DataFrame:
    path = file.path
    frame = read_table(path, file.container, COLUMNS)
    require(frame, path, ("question_id", "n", "c"))
    cluster = labels(frame, path, "cluster")
    counts = pl.DataFrame(
        [
            question_ids(frame, path),
            *(whole_numbers(frame, path, name) for name in COLUMNS[1:5]),
            pl.Series("cluster", [None] * len(frame), pl.String) if cluster is None else cluster,
        ]
    )
    refuse_first(
        counts["c"] > counts["n"],
        path,
        "c is more than n",
        counts.select("c", "n"),
        "c counts the right ones among the n scored responses.",
    )
    refuse_first(
        counts["truncated"] > counts["n"] + counts["unscored"],
        path,
        "truncated is more than there are responses",
        counts.select("truncated", "n", "unscored"),
        "truncated counts responses among the n scored and the unscored ones.",
    )
    return counts.with_columns(file=pl.lit(str(path)), row=pl.int_range(1, pl.len() + 1))
