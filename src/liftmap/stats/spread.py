"""How far ratios of sums over questions may be off: centre, standard error, resampled values.

Part of `intervals` and of the p-values of `multiple`, which are the same thing turned round: reads
rows of values, gives what both are made of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from liftmap.errors import InputError
from liftmap.stats.passk import FloatArray
from liftmap.stats.resampling import (
    Draws,
    Pseudo,
    WeightArray,
    resampled_ratios,
    resampled_sums,
    unit_size,
    units_of,
)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """What an interval of ratios is made of; arrays have shape (columns,).

    Attributes:
        top: Shape (rows, columns): numerators of the rows.
        bottom: Shape (rows, columns) or (rows, 1): denominators.
        estimate: The ratios.
        centre: The middle of the analytic interval: the ratio with the pseudo-questions.
        error: Its standard error.
        freedom: Degrees of freedom of Student's t.
        expansion: By how much the variance of a resample falls short of the estimate's.
        pseudo: The pseudo-questions.
        size: Mean number of questions in a unit.
    """

    top: FloatArray
    bottom: FloatArray
    estimate: FloatArray
    centre: FloatArray
    error: FloatArray
    freedom: FloatArray
    expansion: FloatArray
    pseudo: Pseudo
    size: float

    @classmethod
    def of(
        cls,
        numerators: ArrayLike,
        denominators: ArrayLike,
        counts: ArrayLike | None,
        cluster: ArrayLike | None,
        pseudo: Pseudo,
    ) -> Spread:
        """From rows of values; the arguments are those of `intervals.ratios`.

        Raises:
            InputError: As in `intervals.ratios`.
        """
        top = np.asarray(numerators, dtype=np.float64)
        bottom = np.asarray(denominators, dtype=np.float64)
        _check(top, bottom)
        units = units_of(np.hstack([top, bottom]), counts, cluster)
        unit_top, unit_bottom = units.sums[:, : top.shape[1]], units.sums[:, top.shape[1] :]
        total_top, total_bottom = (units.multiplicity @ sums for sums in (unit_top, unit_bottom))
        if units.total < 2 or np.any(total_bottom <= 0):
            raise InputError(
                "An interval needs at least two questions (or clusters) and a group with mass.",
                seen={"units": units.total, "mass": total_bottom.tolist()},
                remedy="Give more questions, or leave the empty group out.",
            )
        size = unit_size(units, counts, len(top))
        scale = np.asarray(pseudo.scale, dtype=np.float64)
        # How many questions of equal weight would be as informative (Kish).
        effective = total_bottom**2 / (units.multiplicity @ unit_bottom**2)
        effective = effective + len(pseudo.values) * scale
        mass = pseudo.mass * scale * size
        whole = total_bottom + len(pseudo.values) * mass
        centre = (total_top + sum(pseudo.values) * scale * size) / whole
        squares = units.multiplicity @ (unit_top - centre * unit_bottom) ** 2
        for value in pseudo.values:
            squares = squares + (value * scale * size - centre * mass) ** 2
        expansion = effective / np.maximum(effective - 1, 1)
        shape = top.shape[1:]
        return cls(
            top,
            bottom,
            total_top / total_bottom,
            centre,
            np.sqrt(expansion * squares) / whole,
            np.broadcast_to(np.maximum(effective - 1, 1), shape),
            np.broadcast_to(expansion, shape),
            pseudo,
            size,
        )

    def draws(self, weights: WeightArray) -> list[Draws]:
        """The resampled ratios."""
        # One pass over the weights, which are much larger than what is summed.
        sums = resampled_sums(weights, np.hstack([self.top, self.bottom]))
        top, bottom = sums[:, : self.top.shape[1]], sums[:, self.top.shape[1] :]
        return resampled_ratios(top, bottom, self.pseudo, self.size)


def _check(top: FloatArray, bottom: FloatArray) -> None:
    """Whether numerators and denominators can have an interval.

    Raises:
        InputError: They don't fit each other, or are not finite.
    """
    if top.ndim != 2 or bottom.ndim != 2 or len(top) != len(bottom):
        raise InputError(
            "Values for an interval must be one row for each question.",
            seen=(top.shape, bottom.shape),
            remedy="Use mean and mean_change for one value a question.",
        )
    if not (np.all(np.isfinite(top)) and np.all(np.isfinite(bottom))):
        raise InputError(
            "Values for an interval must be finite.",
            seen=int(np.argmin(np.isfinite(top).all(axis=1) & np.isfinite(bottom).all(axis=1))),
            remedy="Leave out the rows without a value first.",
        )
