r"""Numbers as people and models write them: 1,000.5  -3/4  2\frac{1}{2}  50\%  6.02 \times 10^{23}.

Used by the verifiers `numeric` and `math`; pure functions of text. Values are exact fractions, so
nothing is rounded that the writer did not round.
"""

# ruff: noqa: RUF001 (signs that look like others are what this is about)
from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

# A number of more characters, or with a larger power of ten, is none: nobody means it.
LONGEST = 1000
LARGEST_POWER = 1000

_COMMA = r"(?:,|'|\{,\}|\\[,!]|,\\!)"
# Spaces that part thousands: plain, no-break, thin, narrow. Plain ones before a group of zeros, or
# after one or two digits, since "100 200 300" is a list.
_SPACED = (
    r"(?:\d{1,2}(?:[ \u00a0\u2009\u202f]\d{3})++|\d{3}(?:[\u00a0\u2009\u202f]\d{3})++"
    r"|\d{3}(?: 000)++)"
    r"(?![ \u00a0\u2009\u202f]?\d)"
)
# 12,34,567 counts in hundred thousands.
_INDIAN = r"\d{1,2}(?:,\d\d(?=,))++,\d{3}(?![\d,])"
_DECIMAL = (
    rf"(?:(?:\d{{1,3}}(?:{_COMMA}\d{{3}})++(?!\d)|{_INDIAN}|{_SPACED})"
    r"(?:\.\d++)?|\d++(?:\.\d++)?|\.\d++)"
)
SCALES = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_SCALE = rf"[\s~-]*(?:{'|'.join(SCALES)})s?\b"
_TEN = r"(?:\\times|\\cdot|×|·|\*|x)\s*10\s*(?:\^|\*\*)\s*(?:\{\s*[-−]?\d++\s*\}|[-−]?\d++)"
_PART = r"\s*(?:\{\s*[-−]?\d++\s*\}|\d)"
NUMBER = re.compile(
    rf"""(?<![\w.^])(?<!\^\{{)(?<![\w)}}\]]\*\*)(?<![\w)}}]\^-)(?<!\^\{{-)(?:(?P<sign>(?<![\w)}}\]])[-+−–])\s*)?
    (?:\\?[$€£¥₹]\s*)?(?P<minus>[-−])?
    (?:
        (?:(?P<whole>\d++)\s*)?\\[dtc]?frac(?P<above>{_PART})(?P<below>{_PART})
      | (?:(?P<count>\d++)[ ]+)?(?P<upper>\d++)\s?/\s?(?P<lower>\d++)(?!\.\d)
      | (?P<base>\d++)\s?(?:\^|\*\*)\s?(?P<exponent>\{{\s*[-−]?\d++\s*\}}|[-−]?\d++)
      | (?P<number>{_DECIMAL})(?P<power>e[-+]?\d++|\s*{_TEN})?(?P<scale>{_SCALE})?
    )(?!(?:st|nd|rd|th)\b)
    (?P<percent>\s*(?:\\?%|per\s?cent(?:age)?\b))?""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written.

    Attributes:
        value: Its value; of a percentage the number before the sign.
        percent: Whether it is a percentage.
        rounded: Whether it has a decimal point, so that it may be rounded.
        scale: The number that a word after it stands for, as "million"; it is in the value.
    """

    value: Fraction
    percent: bool
    rounded: bool
    scale: int = 1

    def significant_digits(self) -> int:
        """How many digits it has between zeros at either end; of a fraction without end 0."""
        ten, places = self.value, 0
        while ten.denominator != 1 and places < 40:
            ten, places = ten * 10, places + 1
        return 0 if ten.denominator != 1 else len(str(abs(ten.numerator)).rstrip("0"))

    def values(self, beside: Fraction | None = None) -> tuple[Fraction, ...]:
        """What it may stand for: 50 % is both 50 and 0.5, since questions ask for either.

        Args:
            beside: The gold number if that is no percentage and the question does not ask for one.
                Below 1 it is a share, so a percentage is a hundredth then: 0.5 % is not 0.5.
        """
        if not self.percent:
            return (self.value,)
        hundredth = self.value / 100
        return (hundredth,) if beside and abs(beside) < 1 else (self.value, hundredth)


def asks_for_percent(question: str) -> bool:
    """Whether a question speaks of percentages."""
    return re.search(r"%|\bper\s?cent", question, re.IGNORECASE) is not None


def last_number(text: str) -> str | None:
    """The last number in a text, as it is written there."""
    # Long texts end with their answer, and the start of a search costs no more than it must.
    for part in (text[-300:], text) if len(text) > 300 else (text,):
        found = None
        for match in NUMBER.finditer(part):
            found = match
        # Near the start of a part a number may be cut in two.
        if found is not None and (found.start() > 50 or part is text):
            return found.group().strip()
    return None


def read_number(text: str) -> Number | None:
    """The number that a text is, or None if it is anything else.

    Args:
        text: With white space around it or a full stop after it at most.
    """
    text = text.strip().removesuffix(".")
    if len(text) > LONGEST:
        return None
    if re.fullmatch(r"[-+]?\d{1,3}(?: \d{3})+(?:\.\d+)?", text):
        text = text.replace(" ", "")
    found = NUMBER.fullmatch(text)
    if found is None:
        return None
    value = _value(found)
    if value is None:
        return None
    if (found["sign"] in ("-", "−", "–")) != (found["minus"] is not None):
        value = -value
    rounded = found["number"] is not None and "." in found["number"]
    return Number(
        value, percent=found["percent"] is not None, rounded=rounded, scale=_scale(found["scale"])
    )


def _value(found: re.Match[str]) -> Fraction | None:
    """The value without its sign; None if it has none or is too large."""
    if found["number"] is not None:
        power = _integer(re.sub(r".*(?:e|\^|\*\*)", "", found["power"] or "0", flags=re.I | re.S))
        if abs(power) > LARGEST_POWER:
            return None
        plain = re.sub(rf"{_COMMA}|\s", "", found["number"])
        return Fraction(plain) * Fraction(10) ** power * _scale(found["scale"])
    if found["base"] is not None:
        base, power = int(found["base"]), _integer(found["exponent"])
        if abs(power) * len(found["base"]) > LARGEST_POWER or (base == 0 and power < 0):
            return None
        return Fraction(base) ** power
    if found["above"] is not None:
        above, below = _integer(found["above"]), _integer(found["below"])
        whole = int(found["whole"] or 0)
    else:
        above, below, whole = int(found["upper"]), int(found["lower"]), int(found["count"] or 0)
    return None if below == 0 else whole + Fraction(above, below)


def _scale(word: str | None) -> int:
    return SCALES[word.strip(" \t\n\r~-").lower().removesuffix("s")] if word else 1


def _integer(text: str) -> int:
    return int(text.strip(" {}\t\n").replace("−", "-"))
