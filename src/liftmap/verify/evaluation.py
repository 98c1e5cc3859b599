r"""Works out the value of an expression, to any number of digits.

Used by the `math` verifier, in the worker processes. Values are mpmath's: no two exact values are
too close to be told apart, and nothing is multiplied out: `9^{9^{9^9}}` is an error at once and
not a matter of hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from liftmap.verify.expressions import Expression, Node

# The largest exponent, and the largest number of which the factorial is taken.
LARGEST_EXPONENT = 10**12
LARGEST_FACTORIAL = 10**9
# Numbers of more digits are not rounded to integers.
LARGEST_ROUNDED = 2000
# Functions by mpmath's names, where these differ.
_MPMATH = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arccot": "acot", "arcsec": "asec",
    "arccsc": "acsc", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "sgn": "sign",
    "Re": "re", "Im": "im",
}  # fmt: skip


class TooLargeError(ValueError):
    """A power or a factorial is too large to be worked out."""


def value(
    expression: Expression,
    context: Any,
    at: Mapping[str, Any] | None = None,
    *,
    radians: bool = False,
    log_base: Any = None,
) -> Any:
    """The value of an expression.

    Args:
        expression: What `read` gave.
        context: `mpmath.mp`, or `mpmath.fp` for Python's floats.
        at: The value of each name.
        radians: Whether 60 degrees outside functions are pi/3, and not 60.
        log_base: The base of logarithms that name none; None for e.

    Raises:
        TooLargeError: A power or a factorial is too large.
        ArithmeticError: It has no value there.
    """
    names = at or {}

    def work(node: Node) -> Any:
        kind = node[0]
        if kind == "number":
            return context.mpf(node[1].numerator) / node[1].denominator
        if kind == "name":
            return names[node[1]]
        if kind == "constant":
            constants = {"pi": context.pi, "e": context.e, "i": context.mpc(0, 1)}
            return constants[node[1]] * 1 if node[1] in constants else context.inf
        if kind == "+":
            return work(node[1]) + work(node[2])
        if kind == "*":
            return work(node[1]) * work(node[2])
        if kind == "/":
            return work(node[1]) / work(node[2])
        if kind == "negative":
            return -work(node[1])
        if kind == "^":
            return _power(context, work(node[1]), work(node[2]), _odd_root(node[2]))
        if kind == "root":
            degree = work(node[2])
            return _power(context, work(node[1]), 1 / degree, _odd(degree))
        if kind == "degrees":
            return work(node[1]) * (context.pi / 180 if radians else 1)
        if kind == "angle":
            return work(node[1]) * context.pi / 180
        if kind == "function":
            return _function(context, node[1], work(node[2]), node[3] and work(node[3]), log_base)
        arguments = [work(argument) for argument in node[1:]]
        if kind == "factorial":
            if abs(arguments[0]) > LARGEST_FACTORIAL:
                raise TooLargeError("factorial")
            return context.factorial(arguments[0])
        if kind == "binomial":
            if abs(arguments[0]) > LARGEST_FACTORIAL:
                raise TooLargeError("binomial")
            return context.binomial(*arguments)
        if kind == "abs":
            return abs(arguments[0])
        if abs(arguments[0]) > 10**LARGEST_ROUNDED:
            raise TooLargeError(kind)
        return getattr(context, kind)(arguments[0])

    return work(expression.node)


def _odd(number: Any) -> bool:
    return bool(number == int(number.real) and int(number.real) % 2)


def _odd_root(node: Node) -> bool:
    """Whether an exponent is a fraction with an odd denominator, as in (-8)^{1/3}."""
    if node[0] == "/" and node[1][0] == node[2][0] == "number":
        ratio = Fraction(node[1][1]) / (Fraction(node[2][1]) or 1)
        return ratio.denominator > 1 and bool(ratio.denominator % 2) and bool(ratio.numerator % 2)
    return False


def _power(context: Any, base: Any, exponent: Any, odd_root: bool) -> Any:
    if abs(exponent) > LARGEST_EXPONENT and abs(base) != 1:
        raise TooLargeError("power")
    if odd_root and _is_real(base) and base.real < 0:
        return -context.power(-base.real, exponent)
    if base == 0 and (not _is_real(exponent) or exponent.real < 0):
        raise ZeroDivisionError
    return context.power(base, exponent)


def _is_real(number: Any) -> bool:
    return getattr(number, "imag", 0) == 0


def _function(context: Any, word: str, argument: Any, base: Any, log_base: Any) -> Any:
    if word == "exp":
        if abs(argument) > LARGEST_EXPONENT:
            raise TooLargeError("exp")
        return context.exp(argument)
    if word in ("ln", "log"):
        if argument == 0:
            raise ZeroDivisionError
        base = base if base is not None or word == "ln" else log_base
        return context.log(argument) if base is None else context.log(argument) / context.log(base)
    if word == "det":
        raise ArithmeticError
    return getattr(context, _MPMATH.get(word, word))(argument)
