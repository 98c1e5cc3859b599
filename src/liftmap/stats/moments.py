"""Means and variances of changes and of estimates at given success rates: parts of `power`.

Reads a grid of success rates, sampling plans and how training is taken to move questions; gives
tables that depend on these alone and not on the law of p, so that they serve all refits of it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special

from liftmap.records import CurtailedPlan, Plan
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.passk import FloatArray, pass_at_k

# The normal law of the own part of a change, by Gauss-Hermite quadrature.
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_NODE_WEIGHTS /= _NODE_WEIGHTS.sum()
# Success rates at which the moments of a plan are computed; in between they are interpolated.
ANGLES = np.linspace(0, np.pi / 2, 801)
# Shifts of the log-odds at which changes are computed, dense around 0; beyond the farthest every
# question that can be solved is.
SHIFTS = 30.0 * np.sign(np.linspace(-1, 1, 161)) * np.linspace(-1, 1, 161) ** 2


def pass_of_rate(p: FloatArray, k: int) -> FloatArray:
    """pass@k of a question with success rate p, any shape."""
    chance: FloatArray = -np.expm1(special.xlog1py(k, -p))
    return chance


class Moves(NamedTuple):
    """Mean and mean square of the true change of pass@k, both (shifts, grid points)."""

    mean: FloatArray
    square: FloatArray


class Noise(NamedTuple):
    """What a plan adds at each shift and success rate, all (shifts, grid points).

    Attributes:
        variance: Of both estimates given p.
        cube: Mean of |d|^3, where d is the change of the estimates; its upper bound
            sqrt(mean of d^2 times mean of d^4), which is exact where estimates are 0 or 1.
        responses: Expected responses of both models.
    """

    variance: FloatArray
    cube: FloatArray
    responses: FloatArray


class PlanMoments(NamedTuple):
    """At each of `ANGLES`.

    Attributes:
        variance: Of the estimate of pass@k.
        powers: Shape (4, angles): means of the estimate and of its powers.
        mean_n: Expected n.
    """

    variance: FloatArray
    powers: FloatArray
    mean_n: FloatArray


@lru_cache(maxsize=8)
def moves_at(grid: tuple[float, ...], k: int, spread: float) -> Moves:
    """What each of `SHIFTS` does to questions of each success rate.

    Args:
        grid: Success rates before.
        k: Number of tries.
        spread: Standard deviation of the questions' own changes of log-odds, 0 or more.

    Returns:
        The moments of the change.
    """
    before = np.array(grid)
    change = pass_of_rate(_after(before, spread), k) - pass_of_rate(before, k)[:, None]
    return Moves(change @ _NODE_WEIGHTS, change**2 @ _NODE_WEIGHTS)


@lru_cache(maxsize=128)
def noise_at(plan: Plan, grid: tuple[float, ...], k: int, spread: float) -> Noise:
    """What a plan adds in error, and costs; arguments as in `moves_at`."""
    before, after = arcsine(np.array(grid)), _angles_after(grid, spread)
    moments = plan_moments(plan, k)
    variance, responses = (
        np.interp(before, ANGLES, part) + np.interp(after, ANGLES, part) @ _NODE_WEIGHTS
        for part in (moments.variance, moments.mean_n)
    )
    x = [np.interp(before, ANGLES, power)[:, None] for power in moments.powers]
    y = [np.interp(after, ANGLES, power) for power in moments.powers]
    square = np.maximum(y[1] - 2 * y[0] * x[0] + x[1], 0)
    fourth = y[3] - 4 * y[2] * x[0] + 6 * y[1] * x[1] - 4 * y[0] * x[2] + x[3]
    cube = np.sqrt(square * np.clip(fourth, 0, square)) @ _NODE_WEIGHTS
    return Noise(variance, cube, responses)


def _after(before: FloatArray, spread: float) -> FloatArray:
    """Success rates after, (shifts, grid points, nodes)."""
    shifted = special.logit(before)[:, None] + SHIFTS[:, None, None]
    rates: FloatArray = special.expit(shifted + spread * _NODES)
    return rates


@lru_cache(maxsize=4)
def _angles_after(grid: tuple[float, ...], spread: float) -> FloatArray:
    return arcsine(_after(np.array(grid), spread))


def arcsine(p: FloatArray) -> FloatArray:
    """The scale on which the standard error of a success rate is the same everywhere."""
    angle: FloatArray = np.arcsin(np.sqrt(p))
    return angle


@lru_cache(maxsize=256)
def plan_moments(plan: Plan, k: int) -> PlanMoments:
    """The moments of the estimate of pass@k under a plan, exact.

    Raises:
        InputError: k below 1 or above the plan's responses.
    """
    if isinstance(plan, CurtailedPlan):
        n, c, log_paths = stopping_points(plan)
    else:
        c = np.arange(plan.count + 1)
        n = np.full(plan.count + 1, plan.count)
        log_paths = special.gammaln(n + 1) - special.gammaln(c + 1) - special.gammaln(n - c + 1)
    estimate = pass_at_k(n, c, [k], plan)[:, 0]
    p = np.sin(ANGLES)[:, None] ** 2
    chance = np.exp(log_paths + special.xlogy(c, p) + special.xlog1py(n - c, -p))
    powers = np.stack([chance @ estimate**power for power in (1, 2, 3, 4)])
    return PlanMoments(powers[1] - powers[0] ** 2, powers, chance @ n)
