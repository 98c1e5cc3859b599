"""The lead of one matched arm over the other by the base's difficulty.

Analysis of the `analyse` stage; reads tallies, gives the table `contrast_difficulty`. Difficulty is
the base's share of right responses, and neither arm is measured on the base's.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.analyse.compared import PAIR_COLUMNS
from liftmap.analyse.data import StudyData
from liftmap.analyse.groups import change_by_group
from liftmap.comparison.columns import build, change_columns, estimate_schema
from liftmap.stats.bins import assign
from liftmap.stats.passk import accuracy

SCHEMA = {
    **PAIR_COLUMNS,
    "k": pl.Int64(),
    "bin": pl.Int64(),
    "label": pl.String(),
    "questions": pl.Float64(),
    **estimate_schema("before", "after", "change"),
}


def contrast_difficulty(data: StudyData) -> pl.DataFrame:
    """Accuracy of two matched arms by the base's difficulty.

    The base bins with all its responses: neither arm is measured on them.

    Returns:
        One row a pair of arms, a seed and a bin that holds questions.

        - before_arm: the arm trained on the base's own responses.
        - after_arm: the arm trained on another model's responses to the same questions.
        - seed: the training seed of both.
        - k: number of tries, always 1 (accuracy).
        - bin: number of the bin, 0 the hardest.
        - label: its counts of right responses of the base out of n, such as "1-4".
        - questions: number of questions in the bin.
        - before, before_low, before_high: accuracy of before_arm in [0, 1], with its interval;
          bins with fewer than five questions have none.
        - after, after_low, after_high: accuracy of after_arm.
        - change, change_low, change_high: after minus before, paired by question.
    """
    rows = []
    for first, second in data.contrasts:
        pair = data.pair(first, second, data.base)
        if pair is None:
            continue
        places, base = data.places(pair), data.tally(data.base)
        bin_of = assign(base.c[places], base.n[places], data.bins)
        member = bin_of[:, None] == np.arange(len(data.bins))
        before, after = (accuracy(side.n, side.c, side.plan) for side in (pair.before, pair.after))
        groups = change_by_group(before, after, member, 1, data.intervals(places))
        for index, group in enumerate(groups):
            if not group.questions:
                continue
            arms = {"before_arm": first.arm, "after_arm": second.arm, "seed": first.seed}
            place = {"k": 1, "bin": index, "label": data.bins.labels[index]}
            figures = {"questions": group.questions, **change_columns(group.figures)}
            rows.append({**arms, **place, **figures})
    return build(rows, SCHEMA)
