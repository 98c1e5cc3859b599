"""How much spread the interval of a change counts at the least.

Part of `intervals`: reads changes per question (of pass@k, after minus before) and says how large
the two pseudo-questions are, one up and one down, that stand for changes no question happened to
show.

**Why a floor.** If x of the Q questions change by one on average and the others not at all, none of
them is drawn with a chance of about exp(-x). So an interval that holds 95 % in every such world
must, on data that show no change, reach as far as 3/Q (x = 3). Two pseudo-questions of +-1 (Bonett
and Price 2012, doi 10.3102/1076998611411915) reach 2.8/Q: no rule can be much narrower there.

**Why not always all of it.** Adding their variance to that of many small changes widens the
interval although the small changes alone reach as far. So half of the spread of small changes
counts against the pseudo-questions: with changes d and a floor v, each is

    w = sqrt(max(0, v^2 - sum of d^2 (1 - |d|) / 4)).

Changes of one (rare, all or nothing: pass@n) leave them whole, and so does data without change;
broad changes, such as those of accuracy, make them vanish. Simulated over rare jumps beside normal
noise (30, 100 and 300 questions, 8,000 rounds) the worst coverage is 94.2 %, that of +-1 94.3 %,
Student's t 63 %, at 4 to 6 % less width than +-1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from liftmap.records import Counts, CurtailedPlan
from liftmap.stats.passk import FloatArray, IntArray, checked_ks
from liftmap.stats.resampling import Units, counts_of

# Up to so many questions (or clusters) the interval of accuracy counts whole pseudo-questions.
FEW_UNITS = 100
# The share of the small changes' spread that counts against the pseudo-questions.
_CREDIT = 0.5


def change_floor(
    ks: Sequence[int] | IntArray,
    before: Counts,
    after: Counts,
    *,
    units: int,
    counts: ArrayLike | None = None,
) -> FloatArray:
    """The floor of a change of pass@k at each k, for `mean_changes` and `simultaneous_band`.

    For k above 1 a question's change may be one: the floor is 1. For accuracy many responses make
    it the size of their noise, sqrt(2/n); with few questions, which may all be sure ones, it is 1
    again, and it falls from there like 100 over their number.

    Args:
        ks: Numbers of tries, each 1 or more.
        before: The counts before; rows are questions, or stand for `counts` of them.
        after: The counts after, the same rows.
        units: Number of questions, or of clusters.
        counts: Shape (rows,): how many questions each row stands for; default one.

    Returns:
        Shape (ks,), each above 0 and at most 1.
    """
    tries = checked_ks(ks)
    multiplicity = counts_of(counts, len(before.n))
    scarcity = (_scarcity(before, multiplicity) + _scarcity(after, multiplicity)) / 2
    accuracy = max(min(1.0, np.sqrt(2 * scarcity)), min(1.0, FEW_UNITS / units))
    return np.where(tries == 1, accuracy, 1.0)


def _scarcity(side: Counts, multiplicity: FloatArray) -> float:
    """One over the harmonic mean of n; under a curtailed plan, over the least a question gets."""
    if isinstance(side.plan, CurtailedPlan):
        return 1 / side.plan.stop_after
    return float(np.average(1 / np.maximum(side.n, 1), weights=multiplicity))


def pseudo_size(units: Units, changes: FloatArray, floor: ArrayLike, size: float) -> FloatArray:
    """How large the pseudo-questions of each column are, next to a change of one.

    Args:
        units: The sampling units.
        changes: Shape (units, columns): sums of the changes over each unit's questions.
        floor: Shape () or (columns,), 0 to 1: their size where no question changed a little.
        size: Mean number of questions in a unit.

    Returns:
        Shape (columns,), 0 to 1.
    """
    share = np.abs(changes) / size
    return size_beside(floor, units.multiplicity @ (share**2 * np.maximum(1 - share, 0)))


def size_beside(floor: ArrayLike, small: ArrayLike) -> FloatArray:
    """The same from the sum of d^2 (1 - |d|) over units, `small`, however it is known."""
    least = np.asarray(floor, dtype=np.float64) ** 2 - _CREDIT * np.asarray(small) / 2
    scale: FloatArray = np.sqrt(np.maximum(least, 0.0))
    return scale
