"""The two sides of a comparison, matched question by question.

First step of the flow of `comparison`: takes files, tables or tallies, gives one tally a side on
common questions, with the distinct rows of counts that all figures are computed on: a million
questions of 256 responses have at most some 66,000 of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.errors import InputError
from liftmap.read import read, tables
from liftmap.read.look import glimpse
from liftmap.read.outcomes import Outcomes, from_counts
from liftmap.records import CurtailedPlan, Plan, Tally
from liftmap.stats.passk import IntArray, checked_tally, distinct
from liftmap.verify.run import judge_of

Source = str | Path | Tally | pl.DataFrame
StrArray = NDArray[np.str_]

# A question of which more responses than this share could not be scored is left out.
MOST_UNSCORED = 0.5
# Ids that a message names.
_NAMED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Two tallies of the same questions, and their distinct rows.

    Attributes:
        before: The tally before; its question_ids are those of both sides, in its order.
        after: The tally after.
        row_of_question: Shape (questions,): the row of each question.
        rows: Four arrays (rows,): n and c before, n and c after.
        counts: Shape (rows,): how many questions each row stands for.
        cluster: Shape (rows,): number of each row's cluster; None where there are none.
        warnings: What was left out, and why.
    """

    before: Tally
    after: Tally
    row_of_question: IntArray
    rows: tuple[IntArray, IntArray, IntArray, IntArray]
    counts: IntArray
    cluster: IntArray | None
    warnings: tuple[str, ...]

    @property
    def questions(self) -> int:
        """Number of questions."""
        return len(self.row_of_question)

    @property
    def plans(self) -> tuple[Plan | None, Plan | None]:
        """How the responses before and after were drawn."""
        return self.before.plan, self.after.plan

    @property
    def most(self) -> int:
        """The most tries that every question supports on both sides."""
        return min(most_tries(self.before), most_tries(self.after))

    @property
    def common_n(self) -> int | None:
        """The number of responses, where it is one for all questions and both sides."""
        if self.plans[0] == self.plans[1] and isinstance(self.before.plan, CurtailedPlan):
            return self.before.plan.cap
        if any(isinstance(plan, CurtailedPlan) for plan in self.plans):
            return None
        found = {int(end) for n in (self.rows[0], self.rows[2]) for end in (n.min(), n.max())}
        return found.pop() if len(found) == 1 else None


def most_tries(tally: Tally) -> int:
    """The most tries k that every question of a tally supports."""
    return tally.plan.cap if isinstance(tally.plan, CurtailedPlan) else int(tally.n.min())


def load(
    source: Source,
    *,
    verifier: str | None = None,
    cluster: str | None = None,
    think_end: str | None = None,
) -> Outcomes:
    """One model's outcomes from whatever holds them.

    Args:
        source: A path that `liftmap.read` knows, a tally, or a table with the columns question_id,
            n and c (and unscored, truncated, cluster where there are).
        verifier: Whose verdicts count, where responses have several.
        cluster: Column of a table, or of a file that is one, whose equal values make questions one
            sampling unit; default the column `cluster`, where there is one.
        think_end: With a verifier: the text that ends the model's thoughts.

    Returns:
        The outcomes, with a tally that is checked.

    Raises:
        LiftmapError: It can't be read, or its counts are impossible.
    """
    if isinstance(source, Tally):
        found = Outcomes("a tally", "tally", source)
    elif isinstance(source, pl.DataFrame):
        found = _from_table(source, cluster or "cluster")
    else:
        judge = judge_of(verifier, think_end=think_end) if verifier else None
        found = read(source, verifier=verifier, judge=judge, think_end=think_end)
        if cluster is not None:
            found = replace(found, tally=_clustered(found.tally, Path(source), cluster))
    check(found.tally)
    return found


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


def _clustered(tally: Tally, path: Path, column: str) -> Tally:
    """The tally with its clusters from another column of the file."""
    container = glimpse(path).container
    if container not in ("csv", "json", "parquet"):
        raise InputError(
            f"{path} is no table, so it has no column of clusters.",
            seen=column,
            remedy="Leave --cluster out, or give a table with that column.",
        )
    table = tables.read_table(path, container, ("question_id", column))
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


def check(tally: Tally) -> None:
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


def match(before: Tally, after: Tally) -> Sides:
    """Puts two tallies on their common questions.

    Questions on one side only, and those of which a side has no scored response or more unscored
    ones than scored, are left out and named in the warnings.

    Args:
        before: The tally before.
        after: The tally after.

    Returns:
        The sides, in the order of the tally before.

    Raises:
        InputError: Fewer than two questions are left.
    """
    warnings = []
    if not np.array_equal(before.question_ids, after.question_ids):
        rows = _common(before.question_ids, after.question_ids)
        for here, kept, name in ((before, rows[0], "before"), (after, rows[1], "after")):
            alone = np.ones(len(here.n), dtype=bool)
            alone[kept] = False
            if alone.any():
                warnings.append(f"{_named(here.question_ids[alone])} only {name}: left out.")
        if not len(rows[0]):
            raise InputError(
                "The two sides have no question in common.",
                seen={
                    "before": before.question_ids[:_NAMED].tolist(),
                    "after": after.question_ids[:_NAMED].tolist(),
                },
                remedy="Questions are matched by question_id: use the same ids on both sides.",
            )
        before, after = _subset(before, rows[0]), _subset(after, rows[1])
    judged = np.ones(len(before.n), dtype=bool)
    for tally in (before, after):
        judged &= tally.n > MOST_UNSCORED * (tally.n + tally.unscored)
    if not judged.all():
        named = _named(before.question_ids[~judged])
        warnings.append(f"{named} with fewer scored responses than unscored ones: left out.")
        kept = np.flatnonzero(judged)
        before, after = _subset(before, kept), _subset(after, kept)
    if len(before.n) < 2:
        raise InputError(
            "A comparison needs two questions or more.",
            seen=len(before.n),
            remedy="Give more questions with scored responses on both sides.",
        )
    labels = before.cluster if before.cluster is not None else after.cluster
    counts = (before.n, before.c, after.n, after.c)
    if labels is None:
        found = distinct(*counts)
        rows4, cluster = found.columns, None
    else:
        codes = pl.Series(labels).rank("dense").to_numpy().astype(np.int64)
        found = distinct(codes, *counts)
        cluster, rows4 = found.columns[0], found.columns[1:]
        if len(np.unique(codes)) < 2:
            raise InputError(
                "All questions belong to one cluster: nothing shows how far others would differ.",
                seen=str(labels[0]),
                remedy="Name another column with --cluster, or give none.",
            )
    warnings += _about(before, after)
    return Sides(
        before=before,
        after=after,
        row_of_question=found.inverse,
        rows=(rows4[0], rows4[1], rows4[2], rows4[3]),
        counts=found.counts,
        cluster=cluster,
        warnings=tuple(warnings),
    )


def _common(before: StrArray, after: StrArray) -> tuple[IntArray, IntArray]:
    """Places of the common ids on both sides, in the order of the first."""
    one = pl.DataFrame({"id": before}).with_row_index("before")
    other = pl.DataFrame({"id": after}).with_row_index("after")
    both = one.join(other, on="id", how="inner", maintain_order="left")
    return both["before"].to_numpy().astype(np.int64), both["after"].to_numpy().astype(np.int64)


def _subset(tally: Tally, rows: IntArray) -> Tally:
    """The tally of some of its questions."""
    return replace(
        tally,
        question_ids=tally.question_ids[rows],
        n=tally.n[rows],
        c=tally.c[rows],
        unscored=tally.unscored[rows],
        truncated=tally.truncated[rows],
        cluster=None if tally.cluster is None else tally.cluster[rows],
    )


def _named(ids: StrArray) -> str:
    """How many questions, and the first of them."""
    first = ", ".join(ids[:_NAMED].tolist())
    more = ", ..." if len(ids) > _NAMED else ""
    return f"{len(ids):,} question{'' if len(ids) == 1 else 's'} ({first}{more})"


def _about(before: Tally, after: Tally) -> list[str]:
    """What a reader has to know of the responses themselves."""
    out = []
    for tally, name in ((before, "before"), (after, "after")):
        scored, cut, unscored = (int(x.sum()) for x in (tally.n, tally.truncated, tally.unscored))
        if cut > 0.01 * scored:
            out.append(
                f"{100 * cut / scored:.1f} % of the responses {name} were cut off by the token "
                "limit; they count as they stand, mostly as wrong."
            )
        if unscored:
            out.append(
                f"{unscored:,} responses {name} are unscored and left out; the range beside a "
                "figure says what it would be if all unscored responses were wrong, or right."
            )
    if not isinstance(before.plan, CurtailedPlan) and not isinstance(after.plan, CurtailedPlan):
        sizes = [int(end) for tally in (before, after) for end in (tally.n.min(), tally.n.max())]
        if len(set(sizes)) > 1:
            fewest = before if sizes[0] <= sizes[2] else after
            question = fewest.question_ids[int(fewest.n.argmin())]
            out.append(
                f"Questions have between {min(sizes):,} and {max(sizes):,} responses; everything "
                f"uses k up to the fewest ({min(sizes):,}, question {question}). Lost and gained "
                "questions at k = n and McNemar's test need equal numbers."
            )
    return out
