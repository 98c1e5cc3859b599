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
from liftmap.stats.dependence import n_by_outcome
from liftmap.stats.passk import IntArray, distinct
from liftmap.stats.unscored import UNSCORED, Extremes, extremes_of_counts, extremes_of_orders

StrArray = NDArray[np.str_]
# Responses of each side in the order they were drawn, where it is known.
Orders = tuple[pl.DataFrame | None, pl.DataFrame | None]

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
        extremes: The counts of each row, before and after, if all responses that are unscored or
            exhausted the verifier were wrong, and right; None where there are none, and where they
            have no bound.
        bounded: False where such responses have no bound: under a curtailed plan, without the
            order in which responses were drawn.
    """

    before: Tally
    after: Tally
    row_of_question: IntArray
    rows: tuple[Counts, Counts]
    counts: IntArray
    cluster: IntArray | None
    drawn_from: CommonQuestions
    warnings: tuple[str, ...]
    extremes: tuple[Extremes, Extremes] | None = None
    bounded: bool = True

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


def match(
    before: Tally,
    after: Tally,
    *,
    also: Sequence[Tally] = (),
    orders: Orders = (None, None),
    min_responses: int | None = None,
) -> PairedTallies:
    """Puts two tallies on the questions that both can be judged on.

    Questions on one side only, those of which a side has no scored response or more unscored ones
    than scored, and those asked too seldom are left out and named in the warnings.

    Args:
        before: The tally before.
        after: The tally after.
        also: Tallies that have to judge a question too; they are not compared.
        orders: For each side its responses in the order they were drawn: question_id and right
            (null if unscored), and exhausted where known. Only under a curtailed plan are they
            needed, for the bounds of such responses; None where the order is unknown.
        min_responses: Questions asked fewer times on a side, unscored responses included, are left
            out, so that a few of them do not set k for all; default half of the side's median.
            Never by a side whose number of responses depends on outcomes: that would be biased.

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
    judged &= _asked_enough(before, after, cluster, judged, min_responses, warnings)
    for tally in also:
        judged &= np.isin(before.question_ids, tally.question_ids[tally.judged])
    compared = np.flatnonzero(judged).astype(np.int64)
    if len(compared) < 2:
        raise TooFewQuestionsError(
            " ".join(["A comparison needs two questions or more.", *warnings]),
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
    extremes, bounded = _extremes((before, after), orders)
    own = len(columns)
    for side in extremes:
        columns += [part for counts in side for part in (counts.n, counts.c)]
    groups = distinct(*columns)
    n_before, c_before, n_after, c_after = groups.columns[own - 4 : own]
    of_rows = iter(groups.columns[own:])
    bounds = [
        Extremes(*(Counts(next(of_rows), next(of_rows), tally.plan) for _ in range(2)))
        for tally in ((before, after) if extremes else ())
    ]
    return PairedTallies(
        before=before,
        after=after,
        row_of_question=groups.inverse,
        rows=(Counts(n_before, c_before, before.plan), Counts(n_after, c_after, after.plan)),
        counts=groups.counts,
        cluster=None if cluster is None else groups.columns[0],
        drawn_from=drawn_from,
        warnings=(*warnings, *_about(before, after, bounded)),
        extremes=(bounds[0], bounds[1]) if bounds else None,
        bounded=bounded,
    )


def _asked_enough(
    before: Tally,
    after: Tally,
    cluster: IntArray | None,
    judged: NDArray[np.bool_],
    least: int | None,
    warnings: list[str],
) -> NDArray[np.bool_]:
    """Which questions are asked often enough on both sides; says which are not."""
    enough = np.ones(len(judged), dtype=bool)
    limits = []
    for tally, name in ((before, "before"), (after, "after")):
        asked = tally.n + tally.unscored
        if tally.counts.stops_early or not judged.any():
            continue
        limit = -(-float(np.median(asked[judged])) // 2) if least is None else least
        few = judged & (asked < limit)
        if not few.any():
            continue
        if n_by_outcome(tally.counts, tally.unscored, cluster=cluster) is not None:
            warnings.append(
                f"{_named(tally.question_ids[few])} with fewer than {limit:,.0f} responses {name} "
                "stay in, and set k for all: how often a question was asked depends on what came "
                "out, so leaving some out would be biased."
            )
            continue
        enough &= ~few
        limits.append(f"{limit:,.0f} {name}")
    if limits:
        source = "half of the median" if least is None else "--min-responses"
        warnings.append(
            f"{_named(before.question_ids[judged & ~enough])} asked fewer times than "
            f"{' and '.join(limits)} ({source}): left out on both sides."
        )
    return enough


def _extremes(tallies: tuple[Tally, Tally], orders: Orders) -> tuple[tuple[Extremes, ...], bool]:
    """The extremes of each side by question, none where none are due; whether there are any."""
    if not any(tally.has_doubtful for tally in tallies):
        return (), True
    sides = []
    for tally, order in zip(tallies, orders, strict=True):
        extremes = extremes_of_counts(tally.counts, tally.unscored, tally.exhausted)
        if extremes is None and order is not None:
            extremes = _extremes_of_order(tally, order)
        if extremes is None:
            return (), False
        sides.append(extremes)
    return tuple(sides), True


def _extremes_of_order(tally: Tally, order: pl.DataFrame) -> Extremes:
    """The extremes of one side from its responses in the order they were drawn."""
    places = pl.DataFrame({"question_id": tally.question_ids}).with_row_index("question")
    rows = places.join(order, on="question_id", how="inner", maintain_order="left_right")
    outcomes = rows["right"].cast(pl.Int64).fill_null(UNSCORED)
    if "exhausted" in rows.columns:
        outcomes = outcomes.set(rows["exhausted"], UNSCORED)
    return extremes_of_orders(rows["question"], outcomes, len(tally.n), tally.plan)


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
            remedy="Questions are matched by question_id, or where there are no ids by a digest of "
            "the prompt: use the same ids, or the same prompts, on both sides.",
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


def _about(before: Tally, after: Tally, bounded: bool) -> list[str]:
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
            bound = (
                "the range beside a figure says what it would be if all unscored responses were "
                "wrong, or right, sampling error included."
                if bounded
                else "the counts of a curtailed plan alone give no bound for them, so no change is "
                "called up, down or within the margin. Compare the response sets instead."
            )
            are = "response {} is" if unscored == 1 else "responses {} are"
            warnings.append(
                f"{unscored:,} {are.format(name)} unscored and left out of all figures; {bound}"
            )
        exhausted = 0 if tally.exhausted is None else int(tally.exhausted.sum())
        if exhausted:
            bound = (
                "the range beside a figure says what it would be if all of them were right, "
                "sampling error included."
                if bounded
                else "the counts of a curtailed plan alone give no bound for them, so no change is "
                "called up, down or within the margin. Compare the response sets instead."
            )
            exhausting = "response" if exhausted == 1 else "responses"
            count = "counts" if exhausted == 1 else "count"
            warnings.append(
                f"{exhausted:,} {exhausting} {name} exhausted the verifier's time or memory and "
                f"{count} as wrong; {bound}"
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
