"""The convex programmes behind `identification`, by an interior-point method.

Reads a table of likelihoods and counts, gives the greatest log-likelihood and the greatest mean of
a function over the laws that come close to it:

    maximise f.w  subject to  sum_r C_r log (L w)_r >= floor,  sum w = 1,  w >= 0.

Primal-dual steps with Mehrotra's predictor and corrector (Wright 1997, Primal-Dual Interior-Point
Methods, chapter 10). Eliminating everything but one unknown for each row of L leaves a system that
is small where there are few distinct observations, however fine the grid.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from liftmap.errors import InputError
from liftmap.stats.passk import FloatArray

_STEPS = 150
# The log-likelihood is found to this, and so is a mean in units of its greatest standard error.
_GAP = 1e-3


def greatest_likelihood(table: FloatArray, counts: FloatArray) -> float:
    """The greatest log-likelihood that a law on the grid can have.

    Args:
        table: Shape (rows, points): the chance L of each observation at each point of the grid.
        counts: Shape (rows,): how many questions show it, more than 0.

    Returns:
        The greatest sum of counts times log(table @ w), to 0.001.

    Raises:
        InputError: An observation that is impossible everywhere on the grid.
    """
    return _solve(table, counts, None, 0.0)[1]


def greatest_mean(table: FloatArray, counts: FloatArray, values: FloatArray, floor: float) -> float:
    """The greatest mean of `values` over laws of log-likelihood `floor` or more.

    Args:
        table: As in `greatest_likelihood`.
        counts: As in `greatest_likelihood`.
        values: Shape (points,): the function that is averaged.
        floor: Less than the greatest log-likelihood.

    Returns:
        The greatest mean, to about 0.001 of a standard error of such a mean.

    Raises:
        InputError: As in `greatest_likelihood`.
    """
    return float(values @ _solve(table, counts, values, floor)[0])


def _solve(
    table: FloatArray, counts: FloatArray, values: FloatArray | None, floor: float
) -> tuple[FloatArray, float]:
    """The best law and its log-likelihood; without values the likelihood itself is maximised.

    `inside` and `price` are the positive pairs whose products go to 0: each weight with the price
    of holding it at 0 or more, and last (with values) the likelihood above the floor with the price
    of the floor. `level` is the multiplier of sum w = 1.
    """
    if not np.all(table.max(axis=1) > 0):
        raise InputError(
            "Some counts are impossible at every success rate of the grid.",
            seen=int(np.argmin(table.max(axis=1))),
            remedy="Use a grid over [0, 1] with points between 0 and 1.",
        )
    questions, points = float(counts.sum()), table.shape[1]
    share, bound = counts / questions, values is not None
    # In these units the standard error of a mean is at most 1.
    objective, gap_allowed = np.zeros(points), _GAP / questions
    if values is not None:
        objective = values * np.sqrt(questions) / max(float(np.abs(values).max()), 1e-300)
        gap_allowed = _GAP
    inside = np.full(points + bound, 1 / points)
    slope = table.T @ (share / table.mean(axis=1))
    level = float((objective + slope).max()) + 1
    price = np.append(level - objective - slope, np.ones(int(bound)))
    for _ in range(_STEPS):
        law, likelihood_price = inside[:points], float(price[points]) if bound else 1.0
        chance = table @ law
        slope = table.T @ (share / chance)
        residual = objective + likelihood_price * slope - level + price[:points]
        short = [1 - law.sum()]
        if bound:
            short.append(floor / questions + inside[points] - share @ np.log(chance))
        gap = float(inside @ price)
        wrong = max(np.abs(residual).max(), np.abs(short).max() * questions)
        if gap < gap_allowed and wrong < _GAP:
            break
        curvature = chance**2 / (likelihood_price * share)
        normals = np.column_stack([-np.ones(points), slope][: 1 + bound])
        try:
            system = _System(inside, price, table, curvature, normals, residual, np.array(short))
        except LinAlgError:
            break  # rounding: the gap can't be made smaller
        move, pull, _ = system.step(-inside * price)
        reach = _reach(inside, move, price, pull)
        left = float((inside + reach * move) @ (price + reach * pull))
        centre = (left / gap) ** 3 * gap / len(inside)
        move, pull, rise = system.step(centre - inside * price - move * pull)
        reach = 0.99 * _reach(inside, move, price, pull)
        inside, price, level = inside + reach * move, price + reach * pull, level + reach * rise
    law = inside[:points] / inside[:points].sum()
    return law, float(counts @ np.log(table @ law))


class _System:
    """The linear equations of one Newton step, with all but one unknown a row eliminated."""

    def __init__(
        self,
        inside: FloatArray,
        price: FloatArray,
        table: FloatArray,
        curvature: FloatArray,
        normals: FloatArray,
        residual: FloatArray,
        short: FloatArray,
    ) -> None:
        """Factorises; raises LinAlgError when rounding leaves nothing to factorise."""
        points = table.shape[1]
        self.inside, self.price, self.table = inside, price, table
        self.normals, self.residual, self.short = normals, residual, short
        self.free = inside[:points] / price[:points]
        # A product of a matrix with its own transpose costs half of any other.
        scaled = table * np.sqrt(self.free)
        small = scaled @ scaled.T
        small[np.diag_indices_from(small)] += curvature
        self.factor = cho_factor(small)

    def step(self, products: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Moves of inside, price and level, by which residuals go to 0 to first order.

        The products of inside and price change by `products` to first order.
        """
        points = self.table.shape[1]
        law, inside, price = self.inside[:points], self.inside[points:], self.price[points:]
        columns = np.column_stack([self.residual + products[:points] / law, self.normals])
        columns *= self.free[:, None]
        columns -= self.free[:, None] * (
            self.table.T @ cho_solve(self.factor, self.table @ columns)
        )
        # The constraints: -sum w = -1, and slope . w - spare likelihood = floor, linearised.
        matrix = self.normals.T @ columns[:, 1:]
        right = self.short * np.array([-1.0, 1.0])[: len(self.short)]
        right -= self.normals.T @ columns[:, 0]
        if len(inside):
            matrix[1, 1] += inside[0] / price[0]
            right[1] += products[points] / price[0]
        multipliers = np.linalg.solve(matrix, right)
        move = columns[:, 0] + columns[:, 1:] @ multipliers
        pull = (products[:points] - self.price[:points] * move) / law
        spare = (products[points:] - inside * multipliers[1:]) / price
        return (
            np.append(move, spare),
            np.append(pull, multipliers[1:]),
            float(multipliers[0]),
        )


def _reach(inside: FloatArray, move: FloatArray, price: FloatArray, pull: FloatArray) -> float:
    """The longest step, 1 at most, that keeps all positive."""
    now, step = np.append(inside, price), np.append(move, pull)
    falling = step < 0
    return min(1.0, float((now[falling] / -step[falling]).min())) if falling.any() else 1.0
