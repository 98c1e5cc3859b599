"""GRPO groups without a gradient: what the law of success rates predicts for groups of a size.

Beside `estimates`; reads the counts of one model, gives the shares of groups that are all right or
all wrong. A group whose responses are all alike has advantages of 0 (Shao et al. 2024, arXiv
2402.03300, section 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from liftmap.errors import InputError
from liftmap.records import Counts, Estimate
from liftmap.stats.intervals import bootstrap_weights
from liftmap.stats.law.counts import pair_counts
from liftmap.stats.law.estimates import estimate, united
from liftmap.stats.law.fit import fit_joint_law, refit_laws
from liftmap.stats.law.identification import limits_of_side, profile_tolerance
from liftmap.stats.law.measures import MeasureOfSide, before, mixed_group, unsolved


@dataclass(frozen=True, slots=True)
class GroupShares:
    """Shares of the groups of one size, in [0, 1], over questions like those that were asked.

    Attributes:
        no_gradient: All responses alike, right or wrong.
        all_right: All right.
        all_wrong: All wrong.
    """

    no_gradient: Estimate
    all_right: Estimate
    all_wrong: Estimate


def group_shares(
    counts: Counts,
    size: int,
    *,
    rng: np.random.Generator,
    resamples: int = 50,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
) -> GroupShares:
    """What a law of success rates predicts for groups of `size` responses to one question.

    With success rate p a group is all right with chance p^size and all wrong with (1-p)^size; the
    figures are their means over the law. They are means over many groups: a step of a training has
    few, and scatters about them.

    Args:
        counts: The counts of the model, a row a question, each n 1 or more.
        size: Responses of a group, 1 or more.
        rng: Source of the bootstrap.
        resamples: Refits of the law, 2 or more.
        level: Coverage of the intervals: the bootstrap's, united with the profile limits.
        cluster: Shape (questions,): labels of clusters, which are drawn as a whole.

    Raises:
        InputError: A size below 1, no question, impossible counts, or fewer than two refits.
    """
    if size < 1:
        raise InputError("A group has one response or more.", seen=size, remedy="Such as 8.")
    # The other side says nothing: one response each, at a success rate of 1.
    nothing = np.ones_like(counts.n)
    pairs = pair_counts(counts, Counts(nothing, nothing))
    law = fit_joint_law(pairs, grid_after=np.ones(1))
    weights = bootstrap_weights(len(counts.n), resamples, rng, cluster)
    refits = refit_laws(pairs, law, weights)
    mixed = mixed_group(size)
    asked: list[MeasureOfSide] = [
        lambda p: 1 - mixed(p),
        lambda p: p**size,
        lambda p: unsolved(p, size),
    ]
    limits = limits_of_side(pairs, "before", asked, tolerance=profile_tolerance(level))
    return GroupShares(
        *(
            united(estimate(law, refits, before(measure), level=level), *ends)
            for measure, ends in zip(asked, limits, strict=True)
        )
    )
