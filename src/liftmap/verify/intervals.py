r"""Sets of real numbers: intervals, unions, inequalities in one variable, {x : x > 2}.

Used by the `math` verifier, in the worker processes. A set is its ends and a rule that says whether
a number lies in it; two sets are equal if they agree at all ends, between them and beyond them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mpmath import mp

from liftmap.verify.equations import solutions
from liftmap.verify.evaluation import TooLargeError, value
from liftmap.verify.expressions import read
from liftmap.verify.forms import Form, expanded, form, has_sign, split

_DIGITS = 60
# Ends are one within this share of them; decimal ones within this.
_SHARE, _ROUNDED = mp.mpf(10) ** -30, mp.mpf(1) / 2000000
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!=", "=": "="}
_POSITIVE = re.compile(r"\\mathbb ?\{? ?R ?\}? ?(?:\^ ?\{? ?\+ ?\}?|_ ?\{? ?(?:\+|> ?0) ?\}?)")
_ALL = re.compile(r"\\mathbb ?\{? ?R ?\}?|\\R|\\Re|\\text ?\{ ?(?:all )?reals?(?: numbers?)? ?\}|R")
_EMPTY = re.compile(r"\\emptyset|\\\{ ?\\\}")

# (number, slack) -> whether the number lies in the set; ends are met within the slack.
Rule = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class RealSet:
    """A set of real numbers.

    Attributes:
        holds: Whether a number lies in it.
        ends: All numbers at which that may change.
        name: The variable that it was written with; empty for none.
        rounded: Whether an end is a decimal.
        plain_interval: Whether it is one pair in brackets, so that it may be a point as well.
    """

    holds: Rule
    ends: tuple[Any, ...] = ()
    name: str = ""
    rounded: bool = False
    plain_interval: bool = False


def same_set(gold: RealSet, said: RealSet) -> bool:
    """Whether two sets are equal; variables, where both name one, must agree."""
    if gold.name and said.name and gold.name != said.name:
        return False
    with mp.workdps(_DIGITS):
        ends = sorted(gold.ends + said.ends)
        size = max((abs(end) for end in ends), default=mp.mpf(1))
        slack = _ROUNDED if gold.rounded or said.rounded else _SHARE * max(size, mp.mpf(10) ** -20)
        distinct: list[Any] = []
        for end in ends:
            if not distinct or end - distinct[-1] > slack:
                distinct.append(end)
        tried = list(distinct)
        tried += [(one + other) / 2 for one, other in pairwise(distinct)]
        tried += [distinct[0] - 1, distinct[-1] + 1] if distinct else [mp.mpf(0)]
        return all(gold.holds(number, slack) == said.holds(number, slack) for number in tried)


def real_set(text: str) -> RealSet | None:
    """The set that a plain answer is; None if it is none that can be read here."""
    try:
        with mp.workdps(_DIGITS):
            if has_sign(text):
                signed = [part for part in map(real_set, expanded(text)) if part is not None]
                return joined(signed, "or") if len(signed) == 2 else None
            return _set(form(text), text)
    except (ArithmeticError, ValueError, TypeError, RecursionError):
        return None


def joined(parts: list[RealSet], how: str) -> RealSet:
    """The union ("or") or the intersection ("and") of sets."""
    holds = [part.holds for part in parts]
    every = all if how == "and" else any
    names = {part.name for part in parts} - {""}
    return RealSet(
        lambda number, slack: every(rule(number, slack) for rule in holds),
        sum((part.ends for part in parts), ()),
        name=names.pop() if len(names) == 1 else "",
        rounded=any(part.rounded for part in parts),
    )


def _set(shape: Form, text: str) -> RealSet | None:
    if shape.kind in ("union", "intersection", "list"):
        sets = [part for part in map(_part, shape.parts) if part is not None]
        if len(sets) < len(shape.parts):
            return None
        if len({part.name for part in sets} - {""}) > 1:
            return None
        if shape.kind == "list":
            return _listed(sets, shape)
        return joined(sets, "or" if shape.kind == "union" else "and")
    if shape.kind == "group" and len(shape.parts) == 2:
        return _interval(shape)
    if shape.kind == "set":
        return _points_or_builder(shape, text)
    if shape.kind == "chain":
        return _relation(shape)
    whole = shape.parts[0] if shape.parts else ""
    if _ALL.fullmatch(whole):
        return RealSet(lambda number, slack: True)
    if _POSITIVE.fullmatch(whole):
        return RealSet(_above(mp.mpf(0), False), (mp.mpf(0),))
    if _EMPTY.fullmatch(whole):
        return RealSet(lambda number, slack: False)
    parts, signs = split(
        whole, {r"\setminus": "-", r"\backslash": "-", "-": "-", r"\smallsetminus": "-"}
    )
    if len(signs) == 1 and all(parts):
        one, other = real_set(parts[0]), real_set(parts[1])
        if one is not None and other is not None:
            inside, outside = one.holds, other.holds
            return RealSet(
                lambda number, slack: inside(number, slack) and not outside(number, slack),
                one.ends + other.ends,
                rounded=one.rounded or other.rounded,
            )
    return None


def _part(text: str) -> RealSet | None:
    """A set in a list of sets; a number there is a point."""
    point = _end(text)
    if point is None:
        return real_set(text)
    number, rounded = point
    return RealSet(_rule("=", number), (number,), rounded=rounded, plain_interval=True)


def _listed(sets: list[RealSet], shape: Form) -> RealSet | None:
    """Several sets in a row: with "and" what they share, with "or" or a comma their union.

    "x > -1, x < 2" means both, while no number is both in "x < 1, x > 3": there a comma is "or".
    """
    if "or" in shape.signs:
        return joined(sets, "or")
    both = joined(sets, "and")
    if all(part.plain_interval or not part.name for part in sets):
        # "[2,3] and [5,6]" names two intervals.
        return joined(sets, "or")
    shared = not same_set(both, RealSet(lambda number, slack: False))
    return both if shared or "and" in shape.signs else joined(sets, "or")


def _interval(shape: Form) -> RealSet | None:
    low, high = _end(shape.parts[0]), _end(shape.parts[1])
    if low is None or high is None:
        return None
    if low[0] >= high[0]:
        # A point, such as (3, -1).
        return None
    one = _above(low[0], shape.signs[0] == "[")
    other = _below(high[0], shape.signs[1] == "]")
    return RealSet(
        lambda number, slack: one(number, slack) and other(number, slack),
        tuple(end for end, _ in (low, high) if not mp.isinf(end)),
        rounded=low[1] or high[1],
        plain_interval=True,
    )


def _points_or_builder(shape: Form, text: str) -> RealSet | None:
    inside = text.strip()[2:-2].strip()
    for bar in (r"\mid", ":", "|"):
        parts, _ = split(inside, {bar: bar})
        if len(parts) == 2:
            name = re.match(r"([a-zA-Z])(?= ?$| ?\\in)", parts[0])
            found = real_set(parts[1])
            if not name or found is None or found.name != name[1]:
                return None
            return RealSet(found.holds, found.ends, "", found.rounded)
    ends = [_end(part) for part in shape.parts]
    points = [end for end in ends if end is not None]
    if len(points) < len(ends):
        return None
    values = tuple(point for point, _ in points)
    return RealSet(
        lambda number, slack: any(abs(number - point) <= slack for point in values),
        values,
        rounded=any(rounded for _, rounded in points),
    )


def _relation(shape: Form) -> RealSet | None:
    r"""An inequality between one variable and numbers: -1 < x \le 2."""
    if shape.signs in (("in",), ("not in",)):
        of = real_set(shape.parts[1])
        if of is None or not re.fullmatch(r"[a-zA-Z]|\\[a-z]+", shape.parts[0]):
            return None
        holds = of.holds
        if shape.signs == ("not in",):
            return RealSet(lambda n, s: not holds(n, s), of.ends, shape.parts[0], of.rounded)
        return RealSet(holds, of.ends, shape.parts[0], of.rounded)
    if any(sign not in _FLIPPED for sign in shape.signs):
        return None
    names = [part for part in shape.parts if re.fullmatch(r"[a-zA-Z]|\\(?!pi|infty)[a-z]+", part)]
    if len(names) != 1 or names[0] in "ei":
        return _solved(shape)
    at = shape.parts.index(names[0])
    rules: list[RealSet] = []
    for place, part in enumerate(shape.parts):
        end = None if place == at else _end(part)
        if place != at and end is None:
            return _solved(shape)
        if end is None or abs(place - at) > 1:
            continue
        sign = shape.signs[at] if place > at else _FLIPPED[shape.signs[place]]
        ends = () if mp.isinf(end[0]) else (end[0],)
        rules.append(RealSet(_rule(sign, end[0]), ends, names[0], end[1]))
    return joined(rules, "and") if rules else None


def _solved(shape: Form) -> RealSet | None:
    """An equation or inequality in one variable, as |x - 1| < 2, by where its sides are equal."""
    sides = [read(part) for part in shape.parts]
    if len(shape.signs) != 1 or None in sides:
        return None
    left, right = (side for side in sides if side is not None)
    names = left.names | right.names
    if len(names) != 1:
        return None
    [name] = names
    sign = shape.signs[0]

    def holds(number: Any, slack: Any) -> bool:
        # Either side of an end is as good as the end; they are worked out as floats.
        try:
            difference = value(left, mp, {name: number}) - value(right, mp, {name: number})
        except ArithmeticError:
            return False
        if mp.im(difference) != 0:
            return False
        near = any(abs(number - end) <= slack for end in ends)
        return ("=" in sign) != (sign == "!=") if near else _rule(sign, mp.mpf(0))(difference, 0)

    ends = tuple(mp.mpf(end) for end in solutions((left, right), name))
    # Where none is found, it may be that floats are too small for the equation's powers.
    return RealSet(holds, ends, name, rounded=True) if ends else None


def _rule(sign: str, end: Any) -> Rule:
    if sign in ("<", "<="):
        return _below(end, sign == "<=")
    if sign in (">", ">="):
        return _above(end, sign == ">=")
    equal: Rule = lambda number, slack: bool(abs(number - end) <= slack)  # noqa: E731
    return equal if sign == "=" else lambda number, slack: not equal(number, slack)


def _above(end: Any, closed: bool) -> Rule:
    return lambda n, slack: bool(n > end + slack or (closed and abs(n - end) <= slack))


def _below(end: Any, closed: bool) -> Rule:
    return lambda n, slack: bool(n < end - slack or (closed and abs(n - end) <= slack))


def _end(text: str) -> tuple[Any, bool] | None:
    """A real constant, infinite ones included, and whether it is a decimal."""
    expression = read(text)
    if expression is None or expression.names:
        return None
    try:
        number = value(expression, mp)
    except TooLargeError:
        return None
    if mp.im(number) != 0 or mp.isnan(number):
        return None
    return mp.re(number), expression.rounded
