"""Change of pass@k within groups of questions that no measured response has formed.

Used by `knowledge` and `contrast_difficulty`; reads pass@k of each question before and after, gives
estimates. Groups that are formed by the responses before themselves are measured cross-fitted
instead, by `stats.bins.change_by_bin`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from liftmap.records import Change
from liftmap.stats.intervals import IntervalOptions
from liftmap.stats.passk import FloatArray
from liftmap.stats.resampling import CHANGE, NO_PSEUDO, SHARE, Pseudo, clipped
from liftmap.stats.small_groups import ratios_or_none


class GroupChange(NamedTuple):
    """pass@k of one group before and after.

    Attributes:
        questions: Number of questions in the group.
        figures: pass@k, in [0, 1]; None for an empty group. Without intervals (nan) where the
            group holds too few questions for one.
    """

    questions: int
    figures: Change | None


def change_by_group(
    before: FloatArray,
    after: FloatArray,
    member: NDArray[np.bool_],
    k: int,
    options: IntervalOptions,
) -> list[GroupChange]:
    """Means and change of pass@k in each group.

    As in `stats.bins.change_by_bin`, intervals of small groups count pseudo-questions: for
    accuracy (k = 1) two that spread as the changes of all questions do, else one solved and one
    not (before, after), or one gained and one lost (change).

    Args:
        before: Shape (questions,): pass@k before.
        after: Shape (questions,): pass@k after.
        member: Shape (questions, groups): whether the question is in the group.
        k: Number of tries.
        options: Weights, cluster and level.

    Returns:
        One record for each group.
    """
    change = after - before
    spread = float(np.std(change))
    pooled = Pseudo((spread, -spread), mass=0.0)
    floors = (NO_PSEUDO, NO_PSEUDO, pooled) if k == 1 else (SHARE, SHARE, CHANGE)
    inside = member.astype(np.float64)
    estimates = [
        [
            None if estimate is None else clipped(estimate, lowest)
            for estimate in ratios_or_none(values[:, None] * inside, inside, options, pseudo)
        ]
        for values, pseudo, lowest in zip(
            (before, after, change), floors, (0.0, 0.0, -1.0), strict=True
        )
    ]
    groups = []
    for questions, *figures in zip(member.sum(axis=0), *estimates, strict=True):
        known = [figure for figure in figures if figure is not None]
        groups.append(GroupChange(int(questions), Change(*known) if len(known) == 3 else None))
    return groups
