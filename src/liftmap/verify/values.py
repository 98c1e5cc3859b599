r"""Whether two expressions have the same value, whatever they are written like.

Used by the `math` verifier, in the worker processes. Constants are compared to hundreds of digits,
and rational ones of any size by their residues; expressions with variables at points drawn from
a fixed seed; decimals as rounded.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

from mpmath import mp

from liftmap.verify.evaluation import TooLargeError, value
from liftmap.verify.expressions import Expression, Node

# A decimal number is the gold number within this, and within this share of it.
ABSOLUTE, RELATIVE = Fraction(1, 2 * 10**6), Fraction(1, 1000)
# Digits to which constants are worked out, one after another until they are told apart.
DIGITS = (40, 160, 640)
# The points at which expressions with variables are compared, and how many are drawn for that.
POINTS, MOST_DRAWS = 6, 18
RANGES = ((0.4, 2.7), (-0.95, -0.05), (1.3, 8.1), (-3.3, 3.3), (0.1, 0.9), (-0.95, 0.95))
# Digits there, beside those of a large value, and the most that are tried.
POINT_DIGITS, MOST_DIGITS = 30, 20_000
# Large primes; numbers are equal if their remainders by all of them are.
_PRIMES = (2305843009213693951, 1000000000000000003, 4611686018427387847)
# The largest factorial that is worked out by residues.
_LARGEST_BY_RESIDUE = 200_000
# Whether the question speaks of percentages; if not, 0.5 % is not the gold answer 0.5.
PERCENT_IS_ASKED = ContextVar("PERCENT_IS_ASKED", default=False)
_FAILURES = (ArithmeticError, TypeError, ValueError, AttributeError, RecursionError, KeyError)


def same_value(gold: Expression, said: Expression) -> bool | None:
    """Whether two expressions are equal; None if it can't be told, as where one has no value.

    A percentage stands for the number before the sign or a hundredth of it, a logarithm without
    a base for the natural or the decimal one, and 60 degrees is 60 or, beside pi, pi/3.
    """
    if gold.node == said.node and gold.percent == said.percent:
        return True
    answer: bool | None = None
    both = gold.percent and said.percent
    for options in _readings(gold, said):
        for gold_scale in (1, 100) if gold.percent and not both else (1,):
            for said_scale in (1, 100) if said.percent and not both else (1,):
                same = _same(gold, said, gold_scale, said_scale, *options)
                if same:
                    return True
                answer = same if answer is None else answer
    return answer


def _readings(gold: Expression, said: Expression) -> Iterator[tuple[dict[str, Any], ...]]:
    """How degrees and logarithms may be read: options of `value` for each side."""
    yield {}, {}
    if gold.has_log or said.has_log:
        yield {"log_base": 10}, {"log_base": 10}
    if gold.degrees and not said.degrees and said.has_pi:
        yield {"radians": True}, {}
    if said.degrees and not gold.degrees and gold.has_pi:
        yield {}, {"radians": True}


def _same(
    gold: Expression,
    said: Expression,
    gold_scale: int,
    said_scale: int,
    gold_options: dict[str, Any],
    said_options: dict[str, Any],
) -> bool | None:
    rounded = gold.rounded or said.rounded
    try:
        if not (gold.names or said.names):
            return _same_constants(
                partial(_scaled, gold, gold_scale, {}, gold_options),
                partial(_scaled, said, said_scale, {}, said_options),
                gold,
                said,
                rounded=rounded,
                scaled=gold_scale != said_scale or bool(gold_options or said_options),
            )
        used = []
        for at in points(gold.names | said.names):
            try:
                near, real = _agree_at(
                    partial(_scaled, gold, gold_scale, at, gold_options),
                    partial(_scaled, said, said_scale, at, said_options),
                    rounded=rounded,
                )
            except ArithmeticError:
                continue
            # Where a root leaves the real numbers, its branch is a convention.
            if real and not near:
                return False
            used.append((real, near))
            if sum(real for real, _ in used) == POINTS:
                break
        reals = [near for real, near in used if real] or [near for _, near in used]
        return all(reals) if reals else None
    except TooLargeError:
        return _same_residues(gold.node, said.node)
    except _FAILURES:
        return None


def _scaled(expression: Expression, scale: int, at: dict[str, Any], options: dict[str, Any]) -> Any:
    return value(expression, mp, at, **options) / scale


def _agree_at(
    gold_value: Callable[[], Any], said_value: Callable[[], Any], *, rounded: bool
) -> tuple[bool, bool]:
    """Whether two values agree, and whether both are real; a large value gets more digits."""
    digits = POINT_DIGITS
    while True:
        with mp.workdps(digits):
            one, other = gold_value(), said_value()
            real = mp.im(one) == 0 and mp.im(other) == 0
            size = max(abs(one), abs(other))
            if rounded or size < mp.mpf(10) ** (digits // 3):
                return _near(one, other, 6 if rounded else digits // 2), real
            if abs(one - other) > size / 1000:
                return False, real
            needed = int(mp.log10(size)) + POINT_DIGITS
            if needed > MOST_DIGITS:
                raise TooLargeError("value")
            if digits > POINT_DIGITS:
                return abs(one - other) <= size * mp.mpf(10) ** (POINT_DIGITS // 2 - needed), real
            digits = needed


def points(names: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Points at which expressions are compared: small, middling, large and negative values."""
    rng = random.Random(7)
    ordered = sorted(names)
    for draw in range(MOST_DRAWS):
        low, high = RANGES[draw % len(RANGES)]
        yield {name: mp.mpf(rng.uniform(low, high)) for name in ordered}


def _same_constants(
    gold_value: Callable[[], Any],
    said_value: Callable[[], Any],
    gold: Expression,
    said: Expression,
    *,
    rounded: bool,
    scaled: bool,
) -> bool | None:
    before = None
    for digits in DIGITS:
        with mp.workdps(digits):
            one, other = gold_value(), said_value()
            if mp.isinf(one) or mp.isinf(other):
                return bool(one == other)
            if mp.isnan(one) or mp.isnan(other):
                return None
            difference, size = abs(one - other), max(abs(one), abs(other))
            if rounded:
                limit = min(mp.mpf(1) / 2000000, abs(one) / 1000)
                return bool(difference <= limit)
            if difference > size * mp.mpf(10) ** (-digits // 4):
                # What is left of terms that cancel is noise: it shrinks as digits are added.
                noise = size < mp.mpf(10) ** (-digits // 2)
                if not noise or (before is not None and abs(before - size) < size / 1000):
                    return False
            elif digits > DIGITS[0]:
                exact = None if scaled else _same_residues(gold.node, said.node)
                return exact is not False
            before = size
    return True


def _near(one: Any, other: Any, digits: int) -> bool:
    return bool(abs(one - other) <= max(abs(one), abs(other), 10**-digits) * mp.mpf(10) ** -digits)


def _same_residues(gold: Node, said: Node) -> bool | None:
    """Whether two rational numbers are equal, whatever their size; None if one is not rational."""
    try:
        return all(_residue(gold, p) == _residue(said, p) for p in _PRIMES)
    except (ValueError, RecursionError):
        return None


def _residue(node: Node, prime: int) -> int:
    """A rational number modulo a prime."""
    kind = node[0]
    if kind == "number":
        return int(node[1].numerator * pow(node[1].denominator, -1, prime) % prime)
    if kind == "negative":
        return -_residue(node[1], prime) % prime
    if kind in ("+", "*", "/"):
        one, other = _residue(node[1], prime), _residue(node[2], prime)
        if kind == "/":
            return one * pow(other, -1, prime) % prime
        return (one + other if kind == "+" else one * other) % prime
    if kind == "^":
        exponent = _small(node[2])
        if exponent is None:
            if prime not in _PRIMES:
                raise ValueError("a tower of powers")
            # By Fermat, exponents count modulo prime - 1.
            exponent = _residue(node[2], prime - 1)
        return pow(_residue(node[1], prime), exponent, prime)
    if kind == "factorial":
        return _factorial(_small(node[1]), prime)
    if kind == "binomial":
        n, k = _small(node[1]), _small(node[2])
        if n is None or k is None or not 0 <= k <= n:
            raise ValueError("binomial")
        below = _factorial(k, prime) * _factorial(n - k, prime)
        return _factorial(n, prime) * pow(below, -1, prime) % prime
    raise ValueError(kind)


def _small(node: Node) -> int | None:
    """The integer that a node is if it is written as one; None if not."""
    if node[0] == "negative":
        number = _small(node[1])
        return None if number is None else -number
    if node[0] == "number" and node[1].denominator == 1:
        return int(node[1])
    return None


@lru_cache(maxsize=256)
def _factorial(n: int | None, prime: int) -> int:
    if n is None or not 0 <= n <= _LARGEST_BY_RESIDUE:
        raise ValueError("factorial")
    product = 1
    for factor in range(2, n + 1):
        product = product * factor % prime
    return product
