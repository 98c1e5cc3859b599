"""pass@k beyond the number of responses, from the law; always marked as extrapolated.

Reads the joint law of `law` with its refits, gives pass@k before and after at any k. Up to n the
tally itself is better (`passk`). Beyond n the figure rests on how the law spreads its mass over
success rates below 1/n, which the counts hardly tell: so each figure comes with its identification
range, and a pass@k far beyond n is little more than that range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liftmap.records import Change
from liftmap.stats.law.counts import PairCounts
from liftmap.stats.law.estimates import estimate
from liftmap.stats.law.fit import JointLaw
from liftmap.stats.law.identification import identification_range
from liftmap.stats.law.measures import pass_change, passes_before, swapped
from liftmap.stats.passk import IntArray, checked_ks


@dataclass(frozen=True, slots=True)
class LawPass(Change):
    """pass@k by the law, a share of questions, each figure with its identification range.

    Attributes:
        k: Number of tries.
        extrapolated: Whether k is more than the responses that some question has.
    """

    k: int
    extrapolated: bool


def pass_at_k_of_law(
    pairs: PairCounts,
    law: JointLaw,
    refits: Sequence[JointLaw],
    ks: Sequence[int] | IntArray,
    *,
    level: float = 0.95,
    tolerance: float = 0.7,
) -> tuple[LawPass, ...]:
    """pass@k by the law, within n and beyond.

    Args:
        pairs: The counts.
        law: The law fitted to them.
        refits: Its refits to resamples (`law.refit_laws`), 2 or more.
        ks: Numbers of tries, each 1 or more.
        level: Chance that each interval should hold the true figure.
        tolerance: How far below the greatest log-likelihood the laws of the ranges may lie.

    Returns:
        One row for each k.

    Raises:
        InputError: A k below 1, fewer than two refits, or a level outside (0, 1).
    """
    tries = checked_ks(ks).tolist()
    measures = [
        measure
        for k in tries
        for measure in (passes_before(k), swapped(passes_before(k)), pass_change(k))
    ]
    ranges = identification_range(pairs, measures, law=law, tolerance=tolerance)
    reach = min(int(side.n[side.c == 0].min()) for side in (pairs.before, pairs.after))
    rows = []
    for index, k in enumerate(tries):
        before, after, change = (
            estimate(law, refits, measures[column], level=level, identified=ranges[column])
            for column in range(3 * index, 3 * index + 3)
        )
        rows.append(LawPass(before, after, change, k, extrapolated=k > reach))
    return tuple(rows)
