"""Ratios over groups of questions, some of which hold few questions or none.

Above `intervals`: reads arrays, gives estimates, without an interval where so few questions, drawn
again and again, would not show how far others differ.
"""

from __future__ import annotations

import numpy as np

from liftmap.records import Estimate
from liftmap.stats.intervals import IntervalOptions, ratios
from liftmap.stats.passk import FloatArray
from liftmap.stats.resampling import NO_PSEUDO, SHARE, Pseudo, clipped

# The fewest questions (or clusters) of a group that an interval is given for.
FEWEST = 5


def ratios_or_none(
    numerators: FloatArray,
    denominators: FloatArray,
    options: IntervalOptions,
    pseudo: Pseudo = NO_PSEUDO,
) -> list[Estimate | None]:
    """`stats.intervals.ratios`, with None for a column that no question belongs to.

    A column that fewer than `FEWEST` questions (or clusters) belong to keeps its estimate, without
    an interval (nan): so few, drawn again and again, don't show how far others would differ.

    Args:
        numerators: Shape (questions, columns).
        denominators: Shape (questions, columns), 0 or more.
        options: Weights, cluster and level.
        pseudo: Pseudo-questions, each with the mean denominator of the questions in the column.
            With `SHARE` the interval is cut to [0, 1].
    """
    cluster = options.get("cluster")
    member = np.arange(len(denominators)) if cluster is None else np.asarray(cluster)
    inside = denominators > 0
    held = inside.any(axis=0)
    results: list[Estimate | None] = [None] * denominators.shape[1]
    if not held.any():
        return results
    top, bottom = numerators[:, held], denominators[:, held]
    scale = inside[:, held].sum(axis=0) / bottom.sum(axis=0)
    estimates = ratios(top * scale, bottom * scale, pseudo=pseudo, **options)
    for column, estimate in zip(np.flatnonzero(held), estimates, strict=True):
        units = len(np.unique(member[inside[:, column]]))
        if units < FEWEST:
            results[column] = Estimate(estimate.estimate, float("nan"), float("nan"))
        else:
            results[column] = clipped(estimate, 0.0) if pseudo is SHARE else estimate
    return results
