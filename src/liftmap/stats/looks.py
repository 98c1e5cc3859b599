"""Looking more than once: intervals that hold at every look, not at one fixed beforehand.

Used by whoever compares while responses still come in. Gives the level at which the ordinary
intervals (`intervals`, the band) are to be made; they are then wider, and all looks together hold
with the level that was asked for.

An asymptotic confidence sequence (Waudby-Smith et al. 2021, arXiv 2103.06476, theorem 2.2) reaches,
after N questions asked in random order,

    s sqrt((N r + 1) / (N^2 r) log((N r + 1) / alpha^2))

on both sides of the mean. That is a number of standard errors, s / sqrt(N), as an interval at a
higher level has; r is chosen so that the reach is the least at the planned number of questions:
there 1.55 times that of a single look at 95 %.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from liftmap.errors import InputError

# Nearer to 1 a level has no digits left; it is reached below some hundredth of the plan.
_HIGHEST_LEVEL = 1 - 1e-12


def level_for_looks(asked: int, planned: int, level: float = 0.95) -> float:
    """The level at which intervals are made so that those of all looks hold together.

    Args:
        asked: Number of questions (or clusters) so far, asked in random order.
        planned: Number of questions planned; there the intervals are narrowest for their kind. More
            may be asked.
        level: Chance that the intervals of all looks hold the truth, between 0 and 1.

    Returns:
        A level above the one asked for. Resampled intervals can't tell such levels apart: use
        analytic ones, without weights.

    Raises:
        InputError: Numbers of questions below 1, or a level that is not between 0 and 1.
    """
    if asked < 1 or planned < 1 or not 0 < level < 1:
        raise InputError(
            "Looks need a question asked, a planned number, and a level between 0 and 1.",
            seen={"asked": asked, "planned": planned, "level": level},
            remedy="Give the number of questions that you mean to ask in the end.",
        )
    certainty = -2 * np.log1p(-level)
    # The reach is least where N r = log(N r + 1) - 2 log(alpha), a contraction.
    at_plan = certainty
    for _ in range(50):
        at_plan = np.log1p(at_plan) + certainty
    mass = at_plan * asked / planned
    reach = np.sqrt((1 + 1 / mass) * (np.log1p(mass) + certainty))
    return float(min(1 - 2 * special.ndtr(-reach), _HIGHEST_LEVEL))
