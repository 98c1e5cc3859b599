"""The joint law of a comparison, fitted when a figure first asks for it, and what rests on it.

Stands between `stats.law` and the rest of `comparison`: takes counts and bootstrap resamples, gives
estimates that carry both their interval and what the data do not fix (identification range).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy import special

from liftmap.comparison.parts import FloorAtN, GroupGradient, MovesAtN
from liftmap.records import Estimate
from liftmap.stats.law import estimates as law_estimates
from liftmap.stats.law.counts import PairCounts
from liftmap.stats.law.estimates import Range, moves_at_n, united
from liftmap.stats.law.fit import JointLaw, fit_joint_law, refit_laws
from liftmap.stats.law.floor import MovesFloor, fit_law_of_world, moves_floor
from liftmap.stats.law.identification import (
    identification_range,
    limits_of_side,
    profile_tolerance,
)
from liftmap.stats.law.measures import (
    Measure,
    before,
    gross_gained,
    gross_lost,
    mixed_group,
    noise,
    noise_from,
    swapped,
)
from liftmap.stats.passk import IntArray
from liftmap.stats.resampling import WeightArray

# Laws under which the data are at least half as likely as under the best.
_ALIKE = 0.7
SIDES: tuple[Literal["before", "after"], ...] = ("before", "after")
# Responses in the GRPO groups that are looked at.
GROUP_SIZES = (4, 8, 16, 32, 64)


@dataclass(eq=False)
class FittedLaw:
    """A joint law and how far it may be off; each part is made when it is first asked for.

    Attributes:
        count: Gives the counts that the law is fitted to.
        draw: Gives the resamples of them, shape (refits, pairs).
        resamples: Number of resamples; with fewer than 2 no figure has an interval.
        level: Coverage of the intervals.
        seed: Seed of the data sets behind the floor.
    """

    count: Callable[[], PairCounts]
    draw: Callable[[PairCounts], WeightArray]
    resamples: int
    level: float
    seed: int = 0

    @property
    def has_intervals(self) -> bool:
        """Whether figures of the law have intervals; without them they are not shown."""
        return self.resamples >= 2

    @cached_property
    def pairs(self) -> PairCounts:
        """The counts."""
        return self.count()

    @property
    def most_responses(self) -> int:
        """The most responses of a question, on the side that has fewer."""
        return min(int(side.n.max()) for side in (self.pairs.before, self.pairs.after))

    @cached_property
    def law(self) -> JointLaw:
        """The law of greatest likelihood."""
        return fit_joint_law(self.pairs)

    @cached_property
    def weights(self) -> WeightArray:
        """Shape (refits, pairs): the resamples."""
        return self.draw(self.pairs)

    @cached_property
    def refits(self) -> tuple[JointLaw, ...]:
        """The law refitted to each resample."""
        return refit_laws(self.pairs, self.law, self.weights)

    def numbers(self, measures: Sequence[Measure], *, scale: float = 1.0) -> list[Estimate]:
        """Means of measures with intervals and ranges, times `scale`."""
        ranges = identification_range(self.pairs, measures, law=self.law)
        return [
            law_estimates.estimate(
                self.law, self.refits, measure, scale=scale, level=self.level, identified=ends
            )
            for measure, ends in zip(measures, ranges, strict=True)
        ]

    def share(self, measure: Measure) -> Estimate:
        """The mean of one measure with its interval, without a range."""
        return law_estimates.estimate(self.law, self.refits, measure, level=self.level)

    @cached_property
    def groups(self) -> tuple[GroupGradient, ...]:
        """The share of GRPO groups with a gradient at all, for each group size, before and after.

        Empty where the law has no intervals, and where questions have one response: that leaves
        everything open. Intervals are profile limits united with the bootstrap's.
        """
        if not self.has_intervals or self.most_responses < 2:
            return ()
        asked = [mixed_group(size) for size in GROUP_SIZES]
        measures = [before(measure) for measure in asked]
        tolerance = profile_tolerance(self.level)
        sides = [
            [
                united(self.share(measure), *ends)
                for measure, ends in zip(
                    of_side,
                    limits_of_side(self.pairs, side, asked, tolerance=tolerance),
                    strict=True,
                )
            ]
            for side, of_side in zip(SIDES, (measures, map(swapped, measures)), strict=True)
        ]
        return tuple(
            GroupGradient(size, *shares) for size, *shares in zip(GROUP_SIZES, *sides, strict=True)
        )

    def moves_at_n(self, n: int) -> tuple[MovesAtN, MovesAtN]:
        """Questions lost and gained at k = n, with noise, excess and gross part, and their floor.

        The intervals of noise and excess are profile limits united with the bootstrap's.
        """
        *ranges, profile = identification_range(
            self.pairs,
            [noise(n), gross_lost(n), gross_gained(n), noise(n)],
            law=self.law,
            tolerance=[_ALIKE, _ALIKE, _ALIKE, profile_tolerance(self.level)],
        )
        floor = moves_floor(
            self.pairs,
            fit_law_of_world(self.pairs, "unchanged"),
            n,
            np.random.default_rng([self.seed, 3]),
        )
        return (
            self._moves_at_n("lost", (ranges[0], ranges[1]), profile, floor),
            self._moves_at_n("gained", (ranges[0], ranges[2]), profile, floor),
        )

    def _moves_at_n(
        self,
        which: Literal["lost", "gained"],
        ranges: tuple[Range, Range],
        profile: Range,
        floor: MovesFloor,
    ) -> MovesAtN:
        moves = moves_at_n(
            self.pairs,
            self.law,
            self.refits,
            self.weights,
            which=which,
            level=self.level,
            ranges=ranges,
            profile=profile,
        )
        excess, gross = (
            (floor.excess_lost, floor.gross_lost)
            if which == "lost"
            else (floor.excess_gained, floor.gross_gained)
        )
        return MovesAtN(
            moves.k,
            moves.observed,
            moves.noise,
            moves.excess,
            moves.gross,
            None if excess is None else FloorAtN(excess, gross, floor.data_sets),
        )


@dataclass(frozen=True, slots=True)
class FirmlyLost:
    """Lost questions that noise can't explain, whatever the law.

    Attributes:
        least: Fewest right responses before among them.
        greatest: Most right responses before among them.
        observed: How many there are.
        noise: How many noise alone would give from `least` right responses up.
    """

    least: int
    greatest: int
    observed: int
    noise: Estimate


def firmly_lost(
    fitted: FittedLaw,
    n: int,
    right_before: IntArray,
    counts: IntArray,
    starts: Sequence[int],
    cluster: IntArray | None = None,
) -> FirmlyLost | None:
    """The largest group of lost questions that is surely more than noise.

    Questions with few right responses before are often lost by chance, and how often, the data
    hardly fix; from more right responses on chance gives next to none. So groups "at least c right
    before" are tried from small c up, and the first is taken whose size noise reaches with a chance
    of at most 1 - level (divided by the number of groups tried), even at the greatest noise that
    interval and identification range allow.

    Questions of one cluster may be lost together. So with clusters not lost questions are held
    against chance but clusters with a lost question: each has one with at most the chance that adds
    up to the noise, and clusters are independent.

    Args:
        fitted: The law, with intervals.
        n: Number of responses, of all questions on both sides.
        right_before: Shape (lost rows,): fewest right responses before of each row of lost
            questions (the count itself where it is known exactly).
        counts: Shape (lost rows,): how many questions each row stands for.
        starts: Values of c to try, increasing, each 1 or more.
        cluster: Shape (lost rows,): number of each row's cluster; None where there are none.

    Returns:
        The group; None if noise could explain all.
    """
    for start in starts:
        chosen = (right_before >= start) & (counts > 0)
        observed = round(float(counts[chosen].sum()))
        if not observed:
            return None
        [by_chance] = fitted.numbers([noise_from(start, n, n)], scale=fitted.law.questions)
        units = observed if cluster is None else len(np.unique(cluster[chosen]))
        # The chance that a Poisson number of this mean is as large or larger.
        chance = float(special.gammainc(units, by_chance.whole.high))
        if chance <= (1 - fitted.level) / len(starts):
            return FirmlyLost(start, int(right_before[chosen].max()), observed, by_chance)
    return None
