r"""Compares an answer with the gold answer by math-verify; runs in the worker processes.

Second step of the `math` verifier: takes a question and an answer, gives a verdict. Numbers and
words are compared here, exactly, and everything else by math-verify (gold first, since it is not
symmetric), whose own time limits are off: the workers have theirs.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from math_verify import LatexExtractionConfig, parse, verify
from sympy import Expr, Intersection, Rational, Set, UnevaluatedExpr, Union
from sympy.core.relational import Relational

from liftmap.records import Question, Verdict
from liftmap.verify.answers import LONGEST, last_box
from liftmap.verify.latex import number_in, plain, words_in
from liftmap.verify.numbers import Number

# A decimal number is the gold number within this, and within this share of it.
ABSOLUTE, RELATIVE = Fraction(1, 2 * 10**6), Fraction(1, 1000)

_LETTER = re.compile(r"(?:\\text ?\{ ?)*\(? ?([A-J]) ?\)?(?: ?\})*")
_LETTER_FIRST = re.compile(
    r"(?:\\text\s*\{\s*)*\(?\s*([A-Z])\b(?!\s*\)?\s*(?:,|/|or\b|and\b)\s*\(?[A-Z]\b)"
)
_ASSIGNED = re.compile(r"^[a-zA-Z](?: ?_ ?(?:\w|\{ ?\w+ ?\}))? ?= ?")
_UNFINISHED = re.compile(r"[-+*/^_=<>]$|\\(?:times|cdot|pm|le|ge|cup|cap|in)$")
_IN_PARTS = re.compile(r"\d ?\\text ?\{[^{}]*[a-z]{2}[^{}]*\}[^a-z]*\d")
_BASE = re.compile(r"(?P<digits>[0-9A-Z]+)\s*_\s*\{?\s*(?P<base>\d\d?|[a-z]{3,})\s*\}?")

# They would warn, once a worker, that their time limits are off.
for _name in ("math_verify", "latex2sympy2_extended"):
    logging.getLogger(_name).setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold answer as it can be compared with; a part that it has not is None or empty."""

    plain: str
    number: Number | None
    words: tuple[str, ...] | None
    letter: str | None
    base: tuple[str, str] | None

    @property
    def parsed(self) -> list[Any]:
        """What math-verify reads it as; empty if it can't."""
        return _parsed_gold(self.plain)


def compare(question: Question, answer: str) -> Verdict:
    """Whether the answer is the gold answer.

    Args:
        question: Its `answer` is the gold answer, in LaTeX or plain.
        answer: What `answers.final_answer` found.

    Returns:
        right or wrong; an answer that can't be read is wrong. unscored if the gold answer can't be.
    """
    gold = _read_gold(question.answer)
    if gold is None:
        return Verdict("unscored", answer, "the gold answer can't be parsed")
    if len(answer) > LONGEST:
        return Verdict("wrong", answer, f"the answer has more than {LONGEST} characters")
    right = _same(gold, plain(answer))
    return Verdict("right" if right else "wrong", answer)


@lru_cache(maxsize=1024)
def _read_gold(text: str) -> Gold | None:
    said = plain(last_box(text) or text)
    letter, base = _LETTER.fullmatch(said), _BASE.fullmatch(said)
    gold = Gold(
        plain=said,
        number=number_in(said),
        words=words_in(said),
        letter=letter[1] if letter else None,
        base=(base["digits"], base["base"]) if base else None,
    )
    known = gold.number or gold.words or gold.letter or gold.base or (said and gold.parsed)
    return gold if known else None


@lru_cache(maxsize=1024)
def _parsed_gold(said: str) -> list[Any]:
    return _parsed(said)


def _same(gold: Gold, said: str) -> bool:
    if said == gold.plain:
        return True
    letter = _LETTER_FIRST.match(said)
    if gold.letter is not None and letter is not None and letter[1] == gold.letter:
        return True
    if gold.words is not None and words_in(said) == gold.words:
        return True
    base = _BASE.fullmatch(said)
    if gold.base is not None or base is not None:
        return _same_in_base(gold, said, base)
    number = number_in(said if "=" in gold.plain else _ASSIGNED.sub("", said))
    if gold.number is not None and number is not None:
        return _same_number(gold.number, number)
    # math-verify passes over an operator at the end, and over all that follows a word.
    parsed = [] if _UNFINISHED.search(said) or _IN_PARTS.search(said) else _parsed(said)
    if not parsed or not gold.parsed or _differ(gold.parsed[0], parsed[0]):
        return False
    return _verified(gold, said, parsed) and _near(gold, number, parsed)


def _parsed(said: str) -> list[Any]:
    """What math-verify reads an answer as; empty if it can't."""
    return parse(  # type: ignore[no-any-return]
        f"${said}$",
        [LatexExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=None,
    )


def _differ(gold: Any, said: Any) -> bool:
    """Whether two expressions have clearly different values at some point.

    Most wrong answers do, and sympy needs ten times as long to find no proof that they are equal.
    """
    for one in (gold, said):
        # math-verify has rules of its own for symbols and percentages.
        if not isinstance(one, Expr) or one.is_Symbol or one.has(UnevaluatedExpr):
            return False
    symbols = gold.free_symbols | said.free_symbols
    # By name: math-verify takes a symbol as real in one answer and as complex in another.
    names = sorted({str(symbol) for symbol in symbols})
    point = {symbol: Rational(17 + 6 * names.index(str(symbol)), 11) for symbol in symbols}
    try:
        one, other = (complex((x.subs(point) if point else x).evalf(15)) for x in (gold, said))
        return abs(one - other) > 1e-4 * max(1, abs(one), abs(other))
    except (ArithmeticError, TypeError, ValueError, AttributeError, RecursionError):
        return False


def _verified(gold: Gold, said: str, parsed: list[Any]) -> bool:
    return verify(  # type: ignore[no-any-return]
        _as_sets(gold.plain, gold.parsed, parsed),
        _as_sets(said, parsed, gold.parsed),
        allow_set_relation_comp=True,
        timeout_seconds=None,
    )


def _as_sets(said: str, parsed: list[Any], other: list[Any]) -> list[Any]:
    """Several inequalities as one set of numbers, where the other side is such a set.

    math-verify reads "x < 1 or x > 3" as a list of two inequalities, unequal to any interval.
    """
    joined = Intersection if " and " in said else Union
    if not (other and isinstance(other[0], Set) and not other[0].is_FiniteSet):
        return parsed
    out = []
    for one in parsed:
        parts = list(one.args) if getattr(one, "is_FiniteSet", False) else []
        if len(parts) > 1 and all(isinstance(part, Relational) for part in parts):
            out.append(joined(*(part.as_set() for part in parts)))
        else:
            out.append(one)
    return out


def _same_number(gold: Number, number: Number) -> bool:
    rounded = gold.rounded or number.rounded
    return any(
        one == two or (rounded and abs(one - two) <= min(ABSOLUTE, abs(one) * RELATIVE))
        for one in gold.values()
        for two in number.values()
    )


def _near(gold: Gold, number: Number | None, parsed: list[Any]) -> bool:
    """Whether a decimal and an expression that math-verify calls equal are close for their size.

    It rounds to six places, so that to it all small numbers are 0.
    """
    decimal, expression = (number, gold.parsed) if number else (gold.number, parsed)
    if decimal is None or not decimal.rounded or not getattr(expression[0], "is_number", False):
        return True
    value = Fraction(str(expression[0].evalf(30)))
    return any(abs(one - value) <= min(ABSOLUTE, abs(value) * RELATIVE) for one in decimal.values())


def _same_in_base(gold: Gold, said: str, base: re.Match[str] | None) -> bool:
    """Numerals that name their base: the digits must agree, and the bases where both name one."""
    digits, of = gold.base or (gold.plain, None)
    if base is None:
        return said == digits
    return base["digits"] == digits and of in (None, base["base"])
