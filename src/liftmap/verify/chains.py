r"""Chains of equals signs and inequalities: x = 2+3 = 5, V = \pi r^2 h, b > a > c, 2x + y < 5.

Used by the `math` verifier, in the worker processes. A chain is reduced to what it says, so that
"3 = 4 = 5" is not 5; names on the left of values are told from equations.
"""

from __future__ import annotations

import re
from itertools import pairwise

from mpmath import mp

from liftmap.verify.equations import same_relation
from liftmap.verify.evaluation import value
from liftmap.verify.expressions import read_all
from liftmap.verify.forms import Form, form
from liftmap.verify.latex import canonical
from liftmap.verify.leaves import same_leaf
from liftmap.verify.numbers import read_number
from liftmap.verify.units import quantity

# What stands on the left of an equals sign and only names the value on its right.
_SUBSCRIPT = r"(?: ?_ ?(?:\w|\\[a-zA-Z]+|\{[^{}]*\}|\\text ?\{[^{}]*\}))?"
_NAME = re.compile(
    rf"(?:[a-zA-Z]|\\(?!pi\b|frac|sqrt|sin|cos|tan|log|ln|cdot|times|binom)[a-zA-Z]+){_SUBSCRIPT}'*"
)
_FUNCTION_OF = re.compile(
    rf"(?:[a-zA-Z]|\\text ?\{{[^{{}}\d]*\}}|\\[a-zA-Z]+){_SUBSCRIPT}(?:\^ ?\{{? ?-?\w+ ?\}}?|'+)* ?"
    r"\([^()=]*(?:\([^()]*\)[^()=]*)*\)"
)
# A quantity made of letters alone, as a+b, AB, x^2+y^2, |z|, \angle ABC, [ABC].
_QUANTITY = re.compile(
    r"(?:[a-zA-Z]|\\(?:angle|triangle|cdot|overline|frac|alpha|beta|gamma|theta|phi|lvert|text"
    r"|max|min|lambda|mu|sigma|Delta|operatorname|measuredangle|vec|hat|bar|Pr|mathbb|gcd|lim|to"
    r"|infty|mathcal|det)(?![a-zA-Z])|\^ ?\{?\d\}?|_ ?\{?\w+\}?|[\s+\-*/(){}\[\]|':,]"
    r"|\\[{}])+"
)
_WORDS = re.compile(r"\\text ?\{[^{}\d]*\}|[A-Z][a-z]{2,}(?: [a-z]+)*|[A-Z]{2,3}")
_FIGURE = re.compile(
    r"m? ?\\(?:measured)?(?:angle|triangle) ?\{? ?[A-Z][A-Z_'\d ]*\}?"
    r"|\| ?[A-Z](?: ?(?:\\(?:cup|cap|setminus|times))? ?[A-Z'])* ?\|"
    r"|\\(?:overline|vec|hat|bar|overrightarrow|tilde|widehat) ?\{? ?[a-zA-Z]+ ?\}?"
)
_IN_WORDS = re.compile(r"^(?!\\)[a-zA-Z]{3,}")
_OPERATION = re.compile(
    r"\\(?:lim|sum|prod|int|iint|oint|max|min|sup|inf|det|deg|dim|gcd)(?![a-zA-Z])"
)
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "subset": "superset", "superset": "subset"}


def reduced(answer: Form) -> Form:
    r"""What a chain of equals signs comes to: its last exact part, with the name before it.

    "3 = 4 = 5" comes to `FALSE`. "\frac{1}{3} \approx 0.33" comes to its first part, and
    "V = \pi r^2 h = 12\pi" to "V = 12\pi".
    """
    parts, signs = list(answer.parts), list(answer.signs)
    if not all(parts):
        return FALSE
    while len(parts) > 1 and signs[-1] == "~" and not is_name(parts[-2]):
        if not _rounds_to(parts[-2], parts[-1]):
            return FALSE
        parts.pop()
        signs.pop()
    constants = [part for part in parts if _is_constant(part)]
    if not all(same_leaf(one, other) for one, other in pairwise(constants)):
        return FALSE
    first, last = parts[0], parts[-1]
    if len(parts) == 1 or (_is_constant(first) and _is_constant(last)):
        return form(last)
    if len(parts) == 2 and _is_constant(first):
        return _equation(last, first) if is_name(last) else _equation(first, last)
    names = form(first)
    if names.kind in ("group", "list") and all(is_name(part) for part in names.parts):
        return _in_order(names, form(last))
    if len(parts) > 2:
        if not is_name(first) and all(same_leaf(one, other) for one, other in pairwise(parts)):
            return form(last)
        first = parts[-2] if _is_constant(first) else first
    return _equation(first, last)


def _in_order(names: Form, values: Form) -> Form:
    """The values of (y, x) = (5, 3) in the order of the alphabet, where the names are letters."""
    count = len(names.parts)
    if (
        values.kind != "group"
        or len(values.parts) != count
        or not all(re.fullmatch("[a-zA-Z]", name) for name in names.parts)
    ):
        return values
    pairs = sorted(zip(names.parts, values.parts, strict=True), key=lambda pair: pair[0])
    opening, closing = values.signs
    return form(f"{opening}{', '.join(value for _, value in pairs)}{closing}")


def rounded_to(answer: Form) -> str:
    r"""The decimal that a chain ends with, of "x = \pi \approx 3.14"; empty if it is not one."""
    if answer.kind != "chain" or answer.signs[-1] != "~" or reduced(answer) == FALSE:
        return ""
    return answer.parts[-1]


def _equation(left: str, right: str) -> Form:
    return Form("chain", (left, right), ("=",), f"{left} = {right}")


# What a chain comes to that is not true; it equals nothing.
FALSE = _equation("0", "1")


def _rounds_to(exact: str, rounded: str) -> bool:
    """Whether a decimal after an approximation sign is what is before it, rounded or cut off."""
    readings, decimal = read_all(quantity(exact).value), read_number(quantity(rounded).value)
    if not readings or decimal is None or readings[0].names:
        return True
    places = len(rounded.partition(".")[2].rstrip("0 .\\%")) if "." in rounded else 0
    try:
        number = value(readings[0], mp)
    except (ArithmeticError, ValueError):
        return True
    written = mp.mpf(decimal.value.numerator) / decimal.value.denominator
    return bool(abs(number - written) <= max(mp.mpf(10) ** -places, abs(written) / 100))


def _is_constant(text: str) -> bool:
    readings = read_all(quantity(text).value)
    return bool(readings) and not readings[0].names


def is_name(text: str) -> bool:
    r"""Whether a text only names something: x, x_{\max}, f(x), P(A), Area, AB."""
    text = text.strip()
    if text in ("e", "i"):
        return False
    return any(name.fullmatch(text) for name in (_NAME, _FUNCTION_OF, _FIGURE, _WORDS))


def assigned(answer: Form, *, gold: bool) -> tuple[str, str] | None:
    """The name and the value of an assignment.

    In an answer, letters before a number count as a name, as in m + n = 5; a gold answer of that
    form is an equation.
    """
    if answer.kind != "chain" or answer.signs not in (("=",), ("~",)):
        return None
    name, said = answer.parts
    quantity_of_letters = _OPERATION.match(name) or (not gold and _QUANTITY.fullmatch(name))
    if is_name(name) or (quantity_of_letters and _is_constant(said)):
        return canonical(name), said
    return None


def names_agree(gold: str, said: str) -> bool:
    """Whether two names may be of one thing: equal, one of them in words, or f(x) and y."""
    if gold == said or any(_IN_WORDS.search(name) for name in (gold, said)):
        return True
    functions = {name for name in (gold, said) if re.fullmatch(r"[a-zA-Z]\([a-z]\)", name)}
    return bool(functions) and {gold, said} - functions <= {"y"}


def flipped(answer: Form) -> Form:
    """The chain from right to left: b > a for a < b."""
    signs = tuple(_FLIPPED.get(sign, sign) for sign in answer.signs[::-1])
    return Form("chain", answer.parts[::-1], signs, answer.text)


def _same_ratio(gold: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Whether 3:4:5 and 6:8:10 are one ratio."""
    ours = [number.value for number in map(read_number, gold) if number is not None]
    theirs = [number.value for number in map(read_number, said) if number is not None]
    if len(ours) < len(gold) or len(theirs) < len(said) or not theirs[0]:
        return False
    return all(one * theirs[0] == other * ours[0] for one, other in zip(ours, theirs, strict=True))


def same_chain(gold: Form, said: Form) -> bool:
    """Whether two chains say the same, side by side or as equations and inequalities."""
    if len(gold.parts) != len(said.parts):
        return False
    if set(gold.signs) == set(said.signs) == {"such that"} and _same_ratio(gold.parts, said.parts):
        return True
    turns = set(said.signs) <= {"=", "!=", "~", "mod", *_FLIPPED}
    for turned in (said, flipped(said)) if turns else (said,):
        if turned.signs == gold.signs and all(map(same_leaf, gold.parts, turned.parts)):
            return True
    if len(gold.parts) != 2:
        return False
    turned = said if gold.signs == said.signs else flipped(said)
    if gold.signs != turned.signs or gold.signs[0] not in ("=", "!=", *_FLIPPED):
        return False
    sides = [read_all(part) for part in (*gold.parts, *turned.parts)]
    if not all(sides):
        return False
    one, two, three, four = (side[0] for side in sides)
    return same_relation((one, two), (three, four), equation=gold.signs[0] in ("=", "!="))
