"""Which questions a model can solve at all: kept, gained, lost, never there.

Reads counts of both sides, gives shares of questions and two rates. "Support" at k is what k tries
solve (Wu et al. 2025, arXiv 2507.14843: support retention rate and net discovery rate, there from
one batch of k responses a side). A second batch of the *same* model would lose and gain questions
too; here that no-change twin is estimated from the side before and taken out, so that a model in
which nothing changed has a retention of 1 and a discovery of 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np

from liftmap.records import Counts, Estimate
from liftmap.stats.intervals import IntervalOptions, ratios
from liftmap.stats.lost import losses
from liftmap.stats.passk import FloatArray, fail_at_k
from liftmap.stats.resampling import CHANGE, SHARE, Pseudo, clipped


@dataclass(frozen=True, slots=True)
class Support:
    """Shares of questions by whether k tries solve them; all without bias for k up to n/2.

    Attributes:
        k: Number of tries.
        kept: Solved before and after.
        gained: Solved after only.
        lost: Solved before only.
        never: Solved by neither.
        noise: The share that would be lost, and the one that would be gained, if nothing changed.
        retention: 1 less the excess of lost over noise as a share of what was solved before; above
            1 where training made answers steadier.
        discovery: The excess of gained over noise as a share of what is solved after.
    """

    k: int
    kept: Estimate
    gained: Estimate
    lost: Estimate
    never: Estimate
    noise: Estimate
    retention: Estimate
    discovery: Estimate


def support(
    before: Counts, after: Counts, k: int | None = None, **options: Unpack[IntervalOptions]
) -> Support:
    """Kept, gained, lost and never there at k tries, with noise taken out of the two rates.

    Args:
        before: Counts before.
        after: Counts after, the same rows.
        k: Number of tries; 2k at most the least n before (or its cap), k the least n after.
            Default: half of the least n on either side.
        **options: weights, counts, cluster and level, as in `intervals.mean`.

    Returns:
        Shares and rates with intervals, the rates cut to what an excess of shares can be.

    Raises:
        InputError: As in `lost.losses`; fewer than two questions; or no question is solved on a
            side.
    """
    each = losses(before, after, k)
    failed = fail_at_k(before.n, before.c, [each.k], before.plan)[:, 0]
    failed_after = fail_at_k(after.n, after.c, [each.k], after.plan)[:, 0]
    solved, solved_after = 1 - failed, 1 - failed_after
    everyone = np.ones(len(solved))

    def rate(top: FloatArray, bottom: FloatArray, pseudo: Pseudo) -> Estimate:
        return ratios(top[:, None], bottom[:, None], pseudo=pseudo, **options)[0]

    kept, gained, lost, never, noise = (
        clipped(rate(share, everyone, SHARE), 0.0)
        for share in (
            solved * solved_after,
            each.gained,
            each.lost,
            failed * failed_after,
            each.noise,
        )
    )
    loss = clipped(rate(each.lost - each.noise, solved, CHANGE), -1.0)
    discovery = clipped(rate(each.gained - each.noise, solved_after, CHANGE), -1.0)
    retention = Estimate(1 - loss.estimate, 1 - loss.high, 1 - loss.low)
    return Support(each.k, kept, gained, lost, never, noise, retention, discovery)
