"""Each question of a pair: how often it was solved before and after, and whether that is noise.

Beside `figures`, which speaks of all questions together: takes a matched pair, gives a table with a
row a question. The list of a page, the viewer and a study's table `moved` are made of it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.comparison.match import PairedTallies
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
    """What each question did.

    Each question is tested on its own responses by an exact test that knows the plan
    (`stats.question_change`); over all questions the share of false discoveries is held at
    1 - level by Benjamini and Hochberg (1995, doi 10.1111/j.2517-6161.1995.tb02031.x), or where
    questions have clusters by Benjamini and Yekutieli (2001, doi 10.1214/aos/1013699998), which
    holds it however questions of a cluster depend on each other.

    Args:
        pair: The matched tallies.
        level: 1 - the share of false discoveries that is allowed, in (0, 1).
        bins: Bins of counts of right responses; None leaves their two columns null.

    Returns:
        One row a question, in the order of the ids.

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
    """
    sides = pair.before.counts, pair.after.counts
    p = change_p_values(*sides)
    q = false_discovery_rates(p, dependent=pair.cluster is not None)
    before, after = (accuracy(side.n, side.c, side.plan) for side in sides)
    places = [
        np.full(len(side.n), -1) if bins is None else assign(side.c, side.n, bins) for side in sides
    ]
    table = pl.DataFrame(
        {
            "question_id": pair.question_ids,
            "before_n": sides[0].n,
            "before_c": sides[0].c,
            "after_n": sides[1].n,
            "after_c": sides[1].c,
            "before": before,
            "after": after,
            "change": after - before,
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
