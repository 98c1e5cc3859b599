"""One model's outcomes from whatever holds them: a file, a table, a tally, a response set.

First step of the flow of `comparison`, before `match`: reads through `liftmap.read`, gives
`Outcomes` with a tally whose counts are possible and whose ids are unique.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import polars as pl

from liftmap.errors import InputError
from liftmap.read import read, tables
from liftmap.read.column_names import named
from liftmap.read.look import glimpse
from liftmap.read.outcomes import Outcomes, ReadOptions, from_counts
from liftmap.read.study import outcomes_of
from liftmap.read.suites import BenchmarkFiles
from liftmap.records import Tally
from liftmap.stats.passk import checked_tally
from liftmap.store import ResponseSet
from liftmap.verify.run import judge_of

Source = str | Path | Tally | pl.DataFrame | ResponseSet | BenchmarkFiles


class JudgedBy(TypedDict):
    """Whose verdicts count; see `load`."""

    verifier: str | None
    metric: str | None
    think_end: str | None
    verifier_options: Mapping[str, Any] | None
    columns: Mapping[str, str] | None
    right_at: float | None


def load(
    source: Source,
    *,
    verifier: str | None = None,
    metric: str | None = None,
    cluster: str | None = None,
    think_end: str | None = None,
    verifier_options: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
    right_at: float | None = None,
) -> Outcomes:
    """One model's outcomes from whatever holds them.

    Args:
        source: A path that `liftmap.read` knows, one of the benchmarks that a folder holds, a
            response set of a study, a tally, or a table with the columns question_id, n and c (and
            unscored, truncated, cluster where there are).
        verifier: Whose verdicts count, where responses have several.
        metric: Which metric of a log gives the verdicts; see `liftmap.read.read`.
        cluster: Column of a table, or of a file that is one, whose equal values make questions one
            sampling unit; default the column `cluster`, where there is one.
        think_end: With a verifier: the text that ends the model's thoughts.
        verifier_options: With a verifier: its options; see `liftmap.read.read`.
        columns: Of a file that is a table: its own names for some of ours; see `liftmap.read.read`.
        right_at: The value from which on a graded reward counts as right.

    Returns:
        The outcomes, with a tally that is checked.

    Raises:
        LiftmapError: It can't be read, or its counts are impossible.
    """
    files = source if isinstance(source, BenchmarkFiles) else None
    if not isinstance(source, str | Path | BenchmarkFiles):
        given = ReadOptions(metric=metric, right_at=right_at)
        given.refuse_metric("What was given")
        given.refuse_right_at("What was given")
    if isinstance(source, Tally):
        outcomes = Outcomes("a tally", "tally", source)
    elif isinstance(source, pl.DataFrame):
        outcomes = _from_table(source, cluster or "cluster")
    elif isinstance(source, ResponseSet):
        outcomes = outcomes_of(source, verifier, None, verifier_options)
    else:
        place = source if isinstance(source, str | Path) else source.source
        judge = judge_of(verifier, verifier_options, think_end) if verifier else None
        outcomes = read(
            place,
            files=None if files is None else files.files,
            task=None if files is None else files.task,
            verifier=verifier,
            judge=judge,
            metric=metric,
            think_end=think_end,
            verifier_options=verifier_options,
            columns=columns,
            right_at=right_at,
        )
        if cluster is not None:
            table = Path(place) if files is None else files.files[0]
            clustered = _clustered(outcomes.tally, table, cluster, columns or {})
            outcomes = replace(outcomes, tally=clustered)
    _check(outcomes.tally)
    return outcomes


def _from_table(table: pl.DataFrame, cluster: str) -> Outcomes:
    """Outcomes of a Polars table of counts."""
    where = Path("the table")
    tables.require(table, where, ("question_id", "n", "c"))
    labels = tables.labels(table, where, cluster)
    counts = [tables.whole_numbers(table, where, x) for x in ("n", "c", "unscored", "truncated")]
    nothing = pl.Series("cluster", [None] * len(table), pl.String)
    return from_counts(
        "a table",
        "tally",
        pl.DataFrame(
            [
                tables.question_ids(table, where),
                *counts,
                nothing if labels is None else labels.alias("cluster"),
            ]
        ),
    )


def _clustered(tally: Tally, path: Path, column: str, columns: Mapping[str, str]) -> Tally:
    """The tally with its clusters from another column of the file."""
    file = glimpse(path)
    names = {"question_id": named(file.fields, columns).get("question_id", "question_id")}
    if file.container not in ("csv", "json", "parquet"):
        raise InputError(
            f"{path} is not a table, so it has no column of clusters.",
            seen=column,
            remedy="Leave --cluster out, or give a table with that column.",
        )
    table = tables.read_table(file, ("question_id", column), names)
    tables.require(table, path, ("question_id", column))
    labels = tables.labels(table, path, column)
    assert labels is not None
    known = pl.DataFrame([tables.question_ids(table, path), labels.alias("cluster")])
    rows = pl.DataFrame({"question_id": tally.question_ids}).join(
        known.unique("question_id", keep="first"),
        on="question_id",
        how="left",
        maintain_order="left",
    )
    own = rows.select(pl.coalesce("cluster", "question_id")).to_series()
    return replace(tally, cluster=own.to_numpy().astype(np.str_))


def _check(tally: Tally) -> None:
    """Whether the counts of a tally are possible and its ids unique.

    Raises:
        InputError: They are not, or there is no question.
    """
    ids = tally.question_ids
    checked_tally(tally.n, tally.c)
    if len(ids) != len(tally.n) or not len(ids):
        raise InputError(
            "A tally must hold one id and one pair of counts for each question, at least one.",
            seen={"ids": len(ids), "counts": len(tally.n)},
            remedy="Check how the tally was made.",
        )
    twice = pl.Series(ids).is_duplicated()
    if twice.any():
        raise InputError(
            "A tally holds the same question twice.",
            seen=str(ids[int(twice.arg_max() or 0)]),
            remedy="Give one row for each question_id.",
        )
