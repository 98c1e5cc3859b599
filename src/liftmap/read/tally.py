"""The reader of tally files: a row a question, with the counts n and c.

CSV, Parquet or JSONL with the columns question_id, n, c and optionally unscored, truncated and
cluster; other columns are left alone. Names such as problem_id, num_samples and num_correct, or id,
n and c (passk-inference), are taken too.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from liftmap.errors import InputError
from liftmap.read.column_names import by_name, named
from liftmap.read.look import Glimpse
from liftmap.read.outcomes import Outcomes, ReadOptions, from_counts
from liftmap.read.tables import (
    labels,
    of_task,
    padded,
    padded_note,
    question_ids,
    read_table,
    refuse_first,
    require,
    whole_numbers,
)

COLUMNS = ("question_id", "n", "c", "unscored", "truncated", "cluster")


def is_tally(file: Glimpse) -> bool:
    """A table with the columns question_id, n and c, or others that mean the same."""
    if file.container not in ("csv", "json", "parquet"):
        return False
    return file.has("question_id", "n", "c") or names_in(file).keys() >= {"question_id", "n", "c"}


def names_in(file: Glimpse) -> dict[str, str]:
    """The file's column for each of ours: those that the user has named, then known ones."""
    columns = by_name(file.fields)
    taken = {ours: columns[ours] for ours in COLUMNS if ours in columns}
    own_names = named(file.fields, file.names)
    taken |= {ours: theirs for ours, theirs in own_names.items() if ours in COLUMNS[:3]}
    return taken | {ours: theirs for ours, theirs in file.names.items() if ours in COLUMNS}


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
    options.refuse_right_at(source)
    parts = [of_task(_read_file(file), file, options.task) for file in files]
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
    notes = _taken(files[0]) + padded_note(int(counts["padded"].sum()))
    return from_counts(source, "tally", counts, warnings=notes)


def _taken(file: Glimpse) -> list[str]:
    """Which columns were taken by other names than ours."""
    names = names_in(file)
    said = [f"`{names[x]}` as {x}" for x in COLUMNS if names.get(x, x) != x]
    return [f"Took {', '.join(said)} (--columns names others)."] if said else []


def _read_file(file: Glimpse) -> pl.DataFrame:
    path = file.path
    frame = read_table(file, COLUMNS, names_in(file))
    require(frame, path, ("question_id", "n", "c"))
    cluster = labels(frame, path, "cluster")
    counts = pl.DataFrame(
        [
            question_ids(frame, path),
            padded(frame),
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
