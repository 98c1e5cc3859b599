"""Each question of a pair: how often it was solved before and after, and whether that is noise.

Beside `figures`, which speaks of all questions together: takes a matched pair, or the counts of two
sides, gives a table with a row a question. The list of a page, the viewer and a study's table
`moved` are made of it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.comparison.match import PairedTallies, StrArray
from liftmap.records import Counts
from liftmap.stats.bins import Bins, assign
from liftmap.stats.passk import accuracy
from liftmap.stats.question_change import change_p_values, false_discovery_rates

SCHEMA: dict[str, pl.DataType] = {
    "question_id": pl.String(),
    "before_n": pl.Int64(),
    "before_c": pl.Int64(),
    "after_n": pl.Int64(),
    "after_c": pl.Int64(),
    "before": pl.Float64(),
    "after": pl.Float64(),
    "change": pl.Float64(),
    "p_value": pl.Float64(),
    "q_value": pl.Float64(),
    "moved": pl.Boolean(),
    "lost": pl.Boolean(),
    "gained": pl.Boolean(),
    "before_bin": pl.Int64(),
    "after_bin": pl.Int64(),
}


def question_changes(pair: PairedTallies, level: float, bins: Bins | None = None) -> pl.DataFrame:
    """What each question of a matched pair did; the columns are those of `changes_of_counts`.

    Args:
        pair: The matched tallies.
        level: 1 - the share of false discoveries that is allowed, in (0, 1).
        bins: Bins of counts of right responses; None leaves their two columns null.
    """
    return changes_of_counts(
        pair.question_ids,
        pair.before.counts,
        pair.after.counts,
        level=level,
        dependent=pair.cluster is not None,
        bins=bins,
    )


def changes_of_counts(
    question_ids: StrArray,
    before: Counts,
    after: Counts,
    *,
    level: float,
    dependent: bool = False,
    bins: Bins | None = None,
) -> pl.DataFrame:
    """What each question did, by its own responses.

    Each question is tested by an exact test that knows the plan (`stats.question_change`); over all
    questions the share of false discoveries is held at 1 - level by Benjamini and Hochberg (1995,
    doi 10.1111/j.2517-6161.1995.tb02031.x), or where questions depend on each other by Benjamini
    and Yekutieli (2001, doi 10.1214/aos/1013699998), which holds it however they do.

    Args:
        question_ids: Shape (questions,).
        before: Counts before, the same questions.
        after: Counts after.
        level: 1 - the share of false discoveries that is allowed, in (0, 1).
        dependent: Whether questions may depend on each other, as those of a cluster do.
        bins: Bins of counts of right responses; None leaves their two columns null.

    Returns:
        One row a question, in their order.

        - question_id: the question.
        - before_n, before_c, after_n, after_c: scored and right responses of each side.
        - before, after: success rate in [0, 1], without bias under either plan.
        - change: after minus before.
        - p_value: two-sided, of the exact test.
        - q_value: least share of false discoveries at which the question would be listed.
        - moved: whether q_value is at most 1 - level.
        - lost, gained: solved at least once on one side and never on the other; how many of these
          are noise `Comparison.lost` says.
        - before_bin, after_bin: number of its bin, 0 the hardest.

    Raises:
        InputError: Counts that a curtailed plan can't produce.
    """
    sides = before, after
    p = change_p_values(*sides)
    q = false_discovery_rates(p, dependent=dependent)
    rates = [accuracy(side.n, side.c, side.plan) for side in sides]
    places = [
        np.full(len(side.n), -1) if bins is None else assign(side.c, side.n, bins) for side in sides
    ]
    table = pl.DataFrame(
        {
            "question_id": question_ids,
            "before_n": sides[0].n,
            "before_c": sides[0].c,
            "after_n": sides[1].n,
            "after_c": sides[1].c,
            "before": rates[0],
            "after": rates[1],
            "change": rates[1] - rates[0],
            "p_value": p,
            "q_value": q,
            "moved": q <= 1 - level,
            "lost": (sides[0].c > 0) & (sides[1].c == 0),
            "gained": (sides[0].c == 0) & (sides[1].c > 0),
            "before_bin": places[0],
            "after_bin": places[1],
        },
        schema=SCHEMA,
    )
    unknown = [pl.lit(None, pl.Int64).alias(name) for name in ("before_bin", "after_bin")]
    return table.with_columns(unknown) if bins is None else table
