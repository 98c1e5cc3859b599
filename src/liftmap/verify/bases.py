r"""Numerals that name their base: 1011_2, 2A_{16}, 12_{\text{eight}}.

Used by the `math` verifier, in the worker processes; pure functions of plain text.
"""

from __future__ import annotations

import re

_NUMERAL = re.compile(
    r"(?P<digits>[0-9A-Z]+)\s*_\s*\{?\s*(?:\\text ?\{)?\s*(?P<base>\d\d?|[a-z]{3,})\s*\}*"
)
_BASE_NAMES = {"two": 2, "bin": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_BASE_NAMES |= {"eight": 8, "oct": 8, "nine": 9, "ten": 10, "dec": 10, "hex": 16}
# Nobody writes a decimal number of four or more digits with zeros and ones alone, or hardly ever.
_BINARY = re.compile(r"[01]{4,}")
_ASKS_FOR_DECIMAL = re.compile(
    r"(?i)\b(?:in|to|into|as)\s+(?:an?\s+)?(?:base[- ](?:ten|10)\b|(?:the\s+)?decimal\b)"
)
_SPEAKS_OF_BASE = re.compile(
    r"(?i)\bbas(?:e|is)\b|binary|octal|hexadecimal|ternary|decimal|[0-9]_\{?\d"
)


def same_in_base(gold: str, said: str, question: str) -> bool | None:
    """Whether two numerals are one: their digits must agree, and their bases where both name one.

    A base that the gold answer does not name is the question's if the question speaks of bases;
    else, or if it asks for base ten, the gold answer is a decimal number.

    Returns:
        None if neither names a base.
    """
    gold_numeral, said_numeral = _NUMERAL.fullmatch(gold), _NUMERAL.fullmatch(said)
    if said_numeral is None:
        return None if gold_numeral is None else said == gold_numeral["digits"]
    base = _base(said_numeral)
    if gold_numeral is not None:
        return gold_numeral["digits"] == said_numeral["digits"] and _base(gold_numeral) == base
    decimal = _ASKS_FOR_DECIMAL.search(question) and base != 10
    if (not decimal and _SPEAKS_OF_BASE.search(question)) or (
        base == 2 and _BINARY.fullmatch(gold)
    ):
        return gold == said_numeral["digits"]
    if not gold.isdigit() or not isinstance(base, int) or not 2 <= base <= 36:
        return False
    try:
        return int(said_numeral["digits"], base) == int(gold)
    except ValueError:
        return False


def _base(numeral: re.Match[str]) -> int | str:
    base = numeral["base"]
    if base.isdigit():
        return int(base)
    return next((value for name, value in _BASE_NAMES.items() if base.startswith(name)), base)
