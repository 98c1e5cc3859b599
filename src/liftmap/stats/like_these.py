"""Estimates on questions like these: other questions could have been asked.

What a comparison leads with, put together from `intervals` and `floors`: reads the counts of both
sides, gives pass@k before, after and its change with intervals, in the form that `verdict.conclude`
takes. `these_questions` does the same where the questions are the ones that matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np

from liftmap.errors import InputError
from liftmap.records import Change, Counts
from liftmap.stats.floors import change_floor
from liftmap.stats.intervals import IntervalOptions, change_pseudo, ratios, standard_errors
from liftmap.stats.passk import IntArray, pass_at_k
from liftmap.stats.resampling import CHANGE, NO_PSEUDO, SHARE, clipped, counts_of, labels_of
from liftmap.stats.verdict import MeasuredChange


def changes_on_questions_like_these(
    ks: Sequence[int] | IntArray,
    before: Counts,
    after: Counts,
    **options: Unpack[IntervalOptions],
) -> list[MeasuredChange]:
    """pass@k before, after, and its change, over questions like those that were asked.

    Args:
        ks: Numbers of tries, each 1 or more, at most what every question supports on both sides.
        before: The counts before; rows are questions, or stand for several.
        after: The counts after, the same rows.
        **options: weights, counts, cluster and level, as in `intervals.mean`.

    Returns:
        One record for each k. Figures count two pseudo-questions, one right and one wrong; changes
        those of `floors`; the wider interval two of +-1 whatever the changes. With clusters each of
        them is a cluster of mean size.

    Raises:
        InputError: Impossible counts, sides that do not fit, k too large, or fewer than two
            questions (or clusters).
    """
    counts, cluster = options.get("counts"), options.get("cluster")
    solved = [pass_at_k(side.n, side.c, ks, side.plan) for side in (before, after)]
    if len(solved[0]) != len(solved[1]):
        raise InputError(
            "Before and after must be the same questions.",
            seen=(len(solved[0]), len(solved[1])),
            remedy="Match the questions by id first.",
        )
    change = solved[1] - solved[0]
    questions = float(counts_of(counts, len(change)).sum())
    units = (
        questions if cluster is None else float(labels_of(cluster, len(change)).max(initial=0)) + 1
    )
    ones = np.ones((len(change), 1))
    floor = change_floor(ks, before, after, units=int(units), counts=counts)
    pseudo = change_pseudo(change, floor, counts=counts, cluster=cluster)
    sides = [ratios(side, ones, pseudo=SHARE, **options) for side in solved]
    changes = ratios(change, ones, pseudo=pseudo, **options)
    analytic: IntervalOptions = {**options, "weights": None}
    wider = ratios(change, ones, pseudo=CHANGE, **analytic)
    spread = np.sqrt(questions) * standard_errors(
        change, ones, counts=counts, cluster=cluster, pseudo=NO_PSEUDO
    )
    return [
        MeasuredChange(
            int(k),
            Change(clipped(first, 0.0), clipped(second, 0.0), clipped(moved, -1.0)),
            spread=float(deviation),
            wider=clipped(wide, -1.0),
            unit=questions / units,
        )
        for k, first, second, moved, wide, deviation in zip(
            ks, *sides, changes, wider, spread, strict=True
        )
    ]
