"""Two tallies matched question by question: the questions that are compared, and what is left out.

Second step of the flow of `comparison`, between `load` and the figures: takes two tallies, gives
them on their common questions in the order of the ids, with the distinct rows of counts that all
figures are computed on: a million questions of 256 responses have at most some 66,000 of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.errors import InputError
from liftmap.records import Counts, Tally
from liftmap.stats.passk import IntArray, distinct

StrArray = NDArray[np.str_]

# Ids that a message names.
_NAMED = 3


class TooFewQuestionsError(InputError):
    """Two sides share too few questions that both can be judged on."""


@dataclass(frozen=True, slots=True, eq=False)
class PairedTallies:
    """Two tallies of the same questions, and their distinct rows.

    Attributes:
        before: The tally before, its questions in increasing order of their ids.
        after: The tally after, the same questions.
        row_of_question: Shape (questions,): the row of each question.
        rows: The counts before and after, a row for all questions that share them.
        counts: Shape (rows,): how many questions each row stands for.
        cluster: Shape (rows,): number of each row's cluster; None where there are none.
        drawn_from: The questions that a bootstrap draws from.
        warnings: What was left out, and why.
    """

    before: Tally
    after: Tally
    row_of_question: IntArray
    rows: tuple[Counts, Counts]
    counts: IntArray
    cluster: IntArray | None
    drawn_from: CommonQuestions
    warnings: tuple[str, ...]

    @property
    def questions(self) -> int:
        """Number of questions."""
        return len(self.row_of_question)

    @property
    def question_ids(self) -> StrArray:
        """Shape (questions,): the ids, increasing."""
        return self.before.question_ids

    @property
    def most(self) -> int:
        """The most tries that every question supports on both sides."""
        return min(side.most_tries for side in self.rows)

    @property
    def common_n(self) -> int | None:
        """The number of responses, where it is one for all questions and both sides."""
        before, after = self.rows
        if before.stops_early or after.stops_early:
            return before.most_tries if before.plan == after.plan else None
        sizes = {int(end) for side in self.rows for end in (side.n.min(), side.n.max())}
        return sizes.pop() if len(sizes) == 1 else None


@dataclass(frozen=True, slots=True, eq=False)
class CommonQuestions:
    """All questions that both sides answered, those that can't be judged included.

    Bootstrap weights are drawn for these, so that they depend on the questions and the seed alone.

    Attributes:
        number: How many there are.
        cluster: Shape (number,): number of each question's cluster, in the order of the ids; None
            where there are none.
        compared: Shape (questions,): places of the compared questions among them.
    """

    number: int
    cluster: IntArray | None
    compared: IntArray


def match(before: Tally, after: Tally, *, also: Sequence[Tally] = ()) -> PairedTallies:
    """Puts two tallies on the questions that both can be judged on.

    Questions on one side only, and those of which a side has no scored response or more unscored
    ones than scored, are left out and named in the warnings.

    Args:
        before: The tally before.
        after: The tally after.
        also: Tallies that have to judge a question too; they are not compared.

    Returns:
        The two sides.

    Raises:
        TooFewQuestionsError: Fewer than two questions are left, or all belong to one cluster.
    """
    before, after, warnings = _on_common_questions(before, after)
    cluster = cluster_codes(before.cluster if before.cluster is not None else after.cluster)
    judged = before.judged & after.judged
    if not judged.all():
        named = _named(before.question_ids[~judged])
        warnings.append(f"{named} with fewer scored responses than unscored ones: left out.")
    for tally in also:
        judged &= np.isin(before.question_ids, tally.question_ids[tally.judged])
    compared = np.flatnonzero(judged).astype(np.int64)
    if len(compared) < 2:
        raise TooFewQuestionsError(
            "A comparison needs two questions or more.",
            seen=len(compared),
            remedy="Give more questions with scored responses on both sides.",
        )
    drawn_from = CommonQuestions(len(before.n), cluster, compared)
    if len(compared) < len(before.n):
        before, after = before.subset(compared), after.subset(compared)
    columns = [before.n, before.c, after.n, after.c]
    if cluster is not None:
        columns.insert(0, cluster[compared])
        if len(np.unique(columns[0])) < 2:
            raise TooFewQuestionsError(
                "All questions belong to one cluster: nothing shows how far others would differ.",
                seen=drawn_from.number,
                remedy="Name another column with --cluster, or give none.",
            )
    groups = distinct(*columns)
    n_before, c_before, n_after, c_after = groups.columns[-4:]
    return PairedTallies(
        before=before,
        after=after,
        row_of_question=groups.inverse,
        rows=(Counts(n_before, c_before, before.plan), Counts(n_after, c_after, after.plan)),
        counts=groups.counts,
        cluster=None if cluster is None else groups.columns[0],
        drawn_from=drawn_from,
        warnings=(*warnings, *_about(before, after)),
    )


def _on_common_questions(before: Tally, after: Tally) -> tuple[Tally, Tally, list[str]]:
    """Both sides on the questions that both answered, by increasing id; and what was left out."""
    if np.array_equal(before.question_ids, after.question_ids) and all(
        np.all(tally.n + tally.unscored > 0) for tally in (before, after)
    ):
        ids = pl.Series(before.question_ids)
        if ids.is_sorted():
            return before, after, []
        order = ids.arg_sort().to_numpy().astype(np.int64)
        return before.subset(order), after.subset(order), []
    first, then = _answered(before), _answered(after)
    both = first.join(then, on="question_id", how="inner").sort("question_id")
    if not len(both):
        raise TooFewQuestionsError(
            "The two sides have no question in common.",
            seen={
                "before": before.question_ids[:_NAMED].tolist(),
                "after": after.question_ids[:_NAMED].tolist(),
            },
            remedy="Questions are matched by question_id: use the same ids on both sides.",
        )
    warnings = []
    for side, rest, name in ((first, then, "before"), (then, first, "after")):
        if len(side) > len(both):
            alone = side.join(rest, on="question_id", how="anti", maintain_order="left")
            warnings.append(f"{_named(alone['question_id'].to_numpy())} only {name}: left out.")
    sides = [
        tally.subset(both[column].to_numpy().astype(np.int64))
        for tally, column in ((before, "place"), (after, "place_right"))
    ]
    return sides[0], sides[1], warnings


def _answered(tally: Tally) -> pl.DataFrame:
    """Id and place of each question with a response."""
    frame = pl.DataFrame({"question_id": tally.question_ids}).with_row_index("place")
    return frame.filter(pl.Series(tally.n + tally.unscored > 0))


def cluster_codes(labels: StrArray | None) -> IntArray | None:
    """Numbers of clusters in the order of their labels; None where no two questions share one."""
    if labels is None:
        return None
    series = pl.Series(labels)
    if not series.is_duplicated().any():
        return None
    return (series.rank("dense").to_numpy() - 1).astype(np.int64)


def _named(ids: StrArray) -> str:
    """How many questions, and the first of them."""
    first = ", ".join(ids[:_NAMED].tolist())
    more = ", ..." if len(ids) > _NAMED else ""
    return f"{len(ids):,} question{'' if len(ids) == 1 else 's'} ({first}{more})"


def _about(before: Tally, after: Tally) -> list[str]:
    """What a reader has to know of the responses themselves."""
    warnings = []
    for tally, name in ((before, "before"), (after, "after")):
        scored, cut, unscored = (int(x.sum()) for x in (tally.n, tally.truncated, tally.unscored))
        if cut > 0.01 * scored:
            warnings.append(
                f"{100 * cut / scored:.1f} % of the responses {name} were cut off by the token "
                "limit; they count as they stand, mostly as wrong."
            )
        if unscored:
            warnings.append(
                f"{unscored:,} responses {name} are unscored and left out; the range beside a "
                "figure says what it would be if all unscored responses were wrong, or right."
            )
    if not (before.counts.stops_early or after.counts.stops_early):
        sizes = [int(end) for tally in (before, after) for end in (tally.n.min(), tally.n.max())]
        if len(set(sizes)) > 1:
            fewest = before if sizes[0] <= sizes[2] else after
            question = fewest.question_ids[int(fewest.n.argmin())]
            warnings.append(
                f"Questions have between {min(sizes):,} and {max(sizes):,} responses; everything "
                f"uses k up to the fewest ({min(sizes):,}, question {question}). Lost and gained "
                "questions at k = n and McNemar's test need equal numbers."
            )
    return warnings
