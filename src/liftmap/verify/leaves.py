r"""Compares answers that have no parts: numbers, expressions and words, with their units.

Used by the `math` verifier, in the worker processes. What can't be read here (sums, integrals) goes
to math-verify, unless there are words in it, which math-verify passes over.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from liftmap.verify.expressions import Expression, read_all
from liftmap.verify.latex import canonical
from liftmap.verify.numbers import Number, read_number
from liftmap.verify.peer import same_for_peer
from liftmap.verify.units import Dimensions, quantity
from liftmap.verify.values import ABSOLUTE, PERCENT_IS_ASKED, RELATIVE, same_value
from liftmap.verify.words import (
    denies,
    has_words,
    phrase,
    scaled,
    value_among_words,
    words_in,
)

# Off while a gold answer is compared with itself, to see how long its comparison takes.
EQUAL_TEXTS_ARE_EQUAL = ContextVar("EQUAL_TEXTS_ARE_EQUAL", default=True)
_DEGREE: Dimensions = (("degree", 1),)
_RADIAN: Dimensions = (("radian", 1),)
# A number next to a decimal number with so many digits may be what a float made of it.
FLOAT_DIGITS = 15
# math-verify passes over an operator at the end, and over all that follows a word.
_UNFINISHED = re.compile(r"[-+*/^_=<>]$|\\(?:times|cdot|pm|le|ge|in|cup|cap)$")
_IN_PARTS = re.compile(r"\d ?\\text ?\{[^{}]*[a-z]{2}[^{}]*\}[^a-z]*\d")
_UNIT_SIGNS = re.compile(r"\d[}\s]*\\(?:Omega|AA|mu|micro|ohm)(?![a-zA-Z])")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A number or an expression, its unit, and the scale that words as "million" give it."""

    text: str
    number: Number | None
    scale: int
    factor: Fraction
    dimensions: Dimensions | None

    def expressions(self, ratio: Fraction) -> tuple[Expression, ...]:
        """How its value may be read, times a ratio."""
        text = self.text
        if self.number is not None and not read_all(text):
            text = f"({self.number.value.numerator})/({self.number.value.denominator})"
        ratio *= self.scale
        if ratio != 1:
            text = f"({text})*({ratio.numerator})/({ratio.denominator})"
        return read_all(text)


def same_leaf(gold: str, said: str) -> bool:
    """Whether two answers without parts are equal: words, numbers with units, expressions."""
    if EQUAL_TEXTS_ARE_EQUAL.get() and canonical(gold) == canonical(said):
        return True
    if words_in(gold) is not None or words_in(said) is not None:
        return phrase(gold) == phrase(said)
    ours, theirs = _read(gold), _read(said)
    if ours and theirs:
        return any(_same_reading(one, other) for one in ours for other in theirs)
    if has_words(gold) or has_words(said):
        return phrase(gold) == phrase(said)
    return not (_UNFINISHED.search(said) or _IN_PARTS.search(said)) and same_for_peer(gold, said)


def _same_reading(gold: Leaf, said: Leaf) -> bool:
    ratio = Fraction(1)
    if {gold.dimensions, said.dimensions} == {_DEGREE, _RADIAN}:
        # 60 degrees are pi/3 radians; a number of radians without pi is not a number of degrees.
        return any(
            same_value(one, other) is True
            for one in gold.expressions(Fraction(1))
            for other in said.expressions(Fraction(1))
            if one.has_pi or other.has_pi
        )
    if gold.dimensions is not None and said.dimensions is not None:
        if gold.dimensions != said.dimensions:
            return False
        ratio = said.factor / gold.factor
    if gold.number is not None and said.number is not None:
        return _same_number(gold.number, gold.scale, said.number, said.scale * ratio)
    one, other = gold.expressions(Fraction(1)), said.expressions(ratio)
    return any(same_value(gold_, said_) is True for gold_ in one for said_ in other)


@lru_cache(maxsize=4096)
def _read(text: str) -> list[Leaf]:
    """The ways to read a leaf; none if it can't be read, or words deny it.

    Two where a letter is a unit or a factor: 5 m.
    """
    readings: list[Leaf] = []
    number = _number(text)
    if number is not None:
        degrees = re.search(r"\\degree$", text) is not None
        return [Leaf(text, number, 1, Fraction(1), _DEGREE if degrees else None)]
    split = quantity(text)
    if split.unit and not denies(split.unit):
        value = split.value
        if not has_words(value) and (_number(value) is not None or read_all(value)):
            readings.append(
                Leaf(value, _number(value), scaled(split.unit), split.factor, split.dimensions)
            )
    if not has_words(text) and read_all(text) and not _UNIT_SIGNS.search(text):
        readings.append(Leaf(text, None, 1, Fraction(1), None))
    if readings:
        return readings
    among = value_among_words(text)
    if among is None or has_words(among[0]):
        return []
    value, scale = among
    if _number(value) is None and not read_all(value):
        return []
    return [Leaf(value, _number(value), scale, split.factor, split.dimensions)]


def _number(text: str) -> Number | None:
    return read_number(text.replace(r"\degree", "").strip())


def _same_number(
    gold: Number, gold_scale: Fraction | int, said: Number, said_scale: Fraction | int
) -> bool:
    rounded = gold.rounded or said.rounded
    if rounded and any(
        one.value.denominator == 1 and not one.rounded and other.significant_digits() < FLOAT_DIGITS
        for one, other in ((gold, said), (said, gold))
    ):
        # 1 is not what 1.00000000001 is rounded to.
        rounded = False
    if gold.percent and said.percent:
        gold, said = replace(gold, percent=False), replace(said, percent=False)
    beside = gold.value if not (gold.percent or PERCENT_IS_ASKED.get()) else None
    return any(
        one == two or (rounded and abs(one - two) <= min(ABSOLUTE, abs(one) * RELATIVE))
        for one in (number * gold_scale for number in gold.values())
        for two in (number * said_scale for number in said.values(beside))
    )
