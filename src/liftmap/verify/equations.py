r"""Whether two equations or inequalities say the same: x^2/9 + y^2/4 = 1 and 4x^2 + 9y^2 = 36.

Used by the `math` verifier, in the worker processes. Both sides' difference is worked out at points
drawn from a fixed seed. If the two differences have one ratio everywhere, the equations are one. If
not, points are looked for that solve one equation, and they must solve the other, both ways.
"""

from __future__ import annotations

import math
import random
from typing import Any

from mpmath import fp

from liftmap.verify.evaluation import TooLargeError, value
from liftmap.verify.expressions import Expression

# The points at which ratios are compared; those that must have a value; how far ratios may differ.
DRAWS, LEAST = 24, 3
SHARE = 1e-7
# Lines along which solutions are looked for, and how many solutions of each equation are enough.
LINES, ENOUGH = 60, 8
# A solution of one equation solves the other if its sides differ by no more than this share.
SOLVED = 1e-6
_GRID = sorted(
    {step / 8 + 0.0173 for step in range(-64, 65)}
    | {sign * 8.5 * 1.35**step for step in range(18) for sign in (1, -1)}
)
_FAILURES = (ArithmeticError, ValueError, TypeError, KeyError, AttributeError, RecursionError)

Sides = tuple[Expression, Expression]
Point = dict[str, float]


def same_relation(gold: Sides, said: Sides, *, equation: bool) -> bool:
    """Whether two equations, or two inequalities of the same direction, are one.

    Args:
        gold: The two sides of the gold answer.
        said: The two sides of the answer, in the order of the gold answer's relation.
        equation: Whether they are equations; the ratio of inequalities must be positive.
    """
    names = sorted({name for side in (*gold, *said) for name in side.names})
    if not names or {n for s in gold for n in s.names} != {n for s in said for n in s.names}:
        return False
    try:
        ratio = _one_ratio(gold, said, names)
    except TooLargeError:
        return False
    if ratio is not None:
        return equation or ratio > 0
    return equation and _same_solutions(gold, said, names)


def _one_ratio(gold: Sides, said: Sides, names: list[str]) -> float | None:
    """The ratio of the two differences if it is one and the same everywhere."""
    rng = random.Random(11)
    ratios: list[float] = []
    seen: set[float] = set()
    for draw in range(DRAWS):
        low, high = ((0.3, 2.9), (-4.1, 4.1), (2.2, 17.0))[draw % 3]
        at = {name: rng.uniform(low, high) for name in names}
        one, other = _difference(gold, at), _difference(said, at)
        if one is None or other is None:
            if (one is None) != (other is None):
                return None
            continue
        # Where the sides nearly agree, what is left is rounding.
        if abs(one[0]) < 1e-6 * one[1] or abs(other[0]) < 1e-6 * other[1]:
            continue
        ratios.append(other[0] / one[0])
        seen.add(one[0])
        if abs(ratios[-1] - ratios[0]) > SHARE * abs(ratios[0]):
            return None
    # Differences that don't vary have lost what matters to rounding: x^{1000000} - 1 is -1.
    return ratios[0] if len(ratios) >= LEAST and len(seen) >= LEAST else None


def _difference(sides: Sides, at: Point) -> tuple[float, float] | None:
    """Left minus right side at a point, and their size; None where they have no real value."""
    try:
        left, right = (value(side, fp, at) for side in sides)
        if isinstance(left, complex) or isinstance(right, complex):
            left, right = complex(left), complex(right)
            if abs(left.imag) > 1e-12 or abs(right.imag) > 1e-12:
                return None
            left, right = left.real, right.real
        found = float(left - right), float(abs(left) + abs(right))
    except TooLargeError:
        raise
    except _FAILURES:
        return None
    return found if math.isfinite(found[1]) else None


def _same_solutions(gold: Sides, said: Sides, names: list[str]) -> bool:
    """Whether points that solve either equation solve the other; there must be some of each."""
    return _solves(gold, said, names) and _solves(said, gold, names)


def solutions(sides: Sides, name: str) -> list[float]:
    """The values of its one variable at which an equation's sides meet or touch."""
    return [point[name] for point in _solutions(sides, {}, name)]


def _solves(one: Sides, other: Sides, names: list[str]) -> bool:
    rng = random.Random(13)
    solutions = 0
    for line in range(LINES):
        free = names[line % len(names)]
        low, high = ((-2.5, 2.5), (0.1, 1.1), (-9.0, 9.0))[line // len(names) % 3]
        at = {name: rng.uniform(low, high) for name in names}
        for point in _solutions(one, at, free):
            solutions += 1
            there = _difference(other, point)
            if there is None or abs(there[0]) > SOLVED * max(1.0, there[1]):
                return False
        if solutions >= ENOUGH or len(names) == 1:
            break
    # One variable has few solutions, and they are all there are.
    return solutions >= (1 if len(names) == 1 else LEAST)


def _solutions(sides: Sides, at: Point, free: str) -> list[Point]:
    """Where an equation is solved along one line; found by changes of sign."""
    points: list[Point] = []
    before: list[tuple[float, float]] = []
    for place in _GRID:
        there = _difference(sides, {**at, free: place})
        if there is None:
            before = []
            continue
        before = [*before[-2:], (place, there[0])]
        if len(before) < 2:
            continue
        root = None
        if before[-2][1] * before[-1][1] < 0:
            root = _root(sides, at, free, before[-2], before[-1])
        elif (
            len(before) == 3
            and not at
            and abs(before[1][1]) < min(abs(before[0][1]), abs(before[2][1]))
        ):
            root = _touching(sides, free, before[0][0], before[2][0])
        if root is not None:
            points.append({**at, free: root})
    return points


def _touching(sides: Sides, free: str, low: float, high: float) -> float | None:
    """Where the sides touch without crossing, by thirds; None if they don't."""
    for _ in range(100):
        third = (high - low) / 3
        sizes = [_difference(sides, {free: low + third}), _difference(sides, {free: high - third})]
        if None in sizes:
            return None
        one, other = (abs(size[0]) for size in sizes if size is not None)
        low, high = (low, high - third) if one < other else (low + third, high)
    there = _difference(sides, {free: low})
    return low if there is not None and abs(there[0]) <= 1e-12 * max(1.0, there[1]) else None


def _root(
    sides: Sides, at: Point, free: str, low: tuple[float, float], high: tuple[float, float]
) -> float | None:
    """The solution between two places by bisection; None if the sign changes at a gap."""
    (left, sign), (right, _) = low, high
    for _ in range(80):
        middle = (left + right) / 2
        there = _difference(sides, {**at, free: middle})
        if there is None:
            return None
        if there[0] == 0:
            return middle
        if (there[0] < 0) == (sign < 0):
            left = middle
        else:
            right = middle
    there = _difference(sides, {**at, free: right})
    small: Any = there is not None and abs(there[0]) <= 1e-9 * max(1.0, there[1])
    return right if small else None
