r"""The numeric verifier: the number that the response gives as its answer must be the gold number.

A verifier of the `verify` stage; a pure function. The number is looked for where the response marks
its answer (`<answer>`, a box, "####", "the answer is"); without that it is the last one.
"""

# ruff: noqa: RUF001 (signs that look like others are what this is about)
from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from fractions import Fraction

from liftmap.errors import ConfigError
from liftmap.records import Question, Verdict
from liftmap.verify.answers import gives_up, last_box, without_closing
from liftmap.verify.exact import compiled
from liftmap.verify.marked import answer_tag, before_next_question
from liftmap.verify.number_words import with_digits
from liftmap.verify.numbers import (
    NUMBER,
    SCALES,
    Number,
    asks_for_percent,
    last_number,
    read_number,
)
from liftmap.verify.steps import NO_ANSWER
from liftmap.verify.units import quantity, with_unit

# Without a mark, the answer is the last number of so many characters.
PROSE_WITHIN = 2000
# A text so short and without words is the answer itself.
SHORT = 80
NO_NUMBER = "the answer is no number"
SEVERAL = "the answer is several numbers"

_HASHES = re.compile(r"####[ \t]*([^\n]*)")
_CUE = re.compile(
    r"\banswers?\b[^.:=\n]{0,60}?(?:\bis\b|\bare\b|[:=])[\s*:]*"
    r"(.*?)(?:\.(?=[\s*]|\Z)|\n|,?\s(?:because|since)\s|\Z)",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"=|≈|≃|\\approx|\\simeq|\\to\b|→")
# What stands between two numbers that are not one number with its unit: a list, a range, a sum.
_JOINED = re.compile(
    r"\s*(?:\\?%|[a-zA-Z°$€£]{1,12}\.?)?\s*"
    r"(?:,|;|/|&|\bor\b|\band\b|\bto\b|\bthrough\b|-|–|−|\+|\*|×|\\times|\\cdot|\\div|÷|±|\\pm"
    r"|\\text\s*\{\s*(?:or|and)\s*\}|\|)"
    r"(?:\s|and\b|or\b|about\b|\\?[$€£])*|\s+"
)
# What makes a number part of a formula, a ratio or a time of day: 2 sqrt(3), 3:2.
_FACTOR = re.compile(r"\s*(?:\*|\\(?:sqrt|pi|cdot|times)\b|√|π|sqrt|pi\b|:\s*\d|!|\^|'\s?\d)")
_OR = re.compile(
    r"\s*(?:\\?%|[a-zA-Z°$€£]{1,12})?\s*,?\s*\b(?:or|and/or)\b\s*(?:\w{2,12}\s+){0,2}(?:\\?[$€£])?"
)
_EITHER_SIGN = re.compile(r"(?:±|\\pm|\+/-|\+-)\s*\\?[$€£]?\s*\Z")
# A number that is denied, or only a bound.
_DENIED = re.compile(
    r"(?:\bnot|n't|\bnever|\binstead of|\brather than|\bcannot)\s+"
    r"(?:be\s+|equals?\s+(?:to\s+)?|just\s+|exactly\s+|about\s+|the answer\s+|\\?[$€£]){0,4}\Z",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"(?:\b(?:below|under|above|over|exceeds|less than|more than|fewer than|greater than|at least"
    r"|at most|up to|between|no more than)|[<>≤≥]|\\[lg]eq?|\\[lg]t)[\s}]*\\?[$€£]?\s*\Z",
    re.IGNORECASE,
)
_REFUTED = re.compile(
    r"\s*(?:\\?%|[a-zA-Z°$€£]{1,12})?\s*(?:is|are|was|would be)\s+(?:wrong|incorrect|false|not\b)",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\bbetween\s+\\?[$€£]?\Z", re.IGNORECASE)
# Numbers that count steps and items of a list; a number in bold; "minus 5".
_STEP = re.compile(r"\b(?:step|part|case|question|problem|example|day|item)\s+#?\d+", re.IGNORECASE)
_ITEM = re.compile(r"^[ \t]*(?:\*\*)?\d{1,2}[.)](?:\*\*)?(?=\s|\Z)", re.MULTILINE)
_BOLD = re.compile(r"\*\*[ \t]*(\\?[$€£]?[-−]?\.?\d[^*\n]{0,30}?)\.?\*\*(?!\s*:|\.[ \t]+\S)")
_MINUS = re.compile(r"(?<![\d)}])(\s|^)(?:minus|negative)\s+(?=\\?[$€£]?\.?\d)", re.IGNORECASE)
# Letters that stand for thousands, millions and billions where they are no unit: 70k, 1.5M, $2bn.
_LETTERED = re.compile(
    r"(?<![\w.,^])(\d[\d,]{0,30}(?:\.\d{1,30})?)(?:\s?(bn|mn|mil|k)|([KMB]|MM))(?![\w^²³/'])(?!\s?[²³^])"
)
_SCALE_OF = {"k": "thousand", "m": "million", "b": "billion"}
_UNIT_OF = {
    "k": re.compile(r"kelvin|temperature|\bK\b", re.IGNORECASE),
    "m": re.compile(r"\bmolar|\bM\b|\bmol\b|concentration", re.IGNORECASE),
    "b": re.compile(r"\bbytes?\b|\b[kMGT]B\b", re.IGNORECASE),
}
_AND_A_HALF = re.compile(r"(?<=\d) and (?:a|one)[ -]half\b")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
# The first line where it is a number with its unit, and what follows it explains.
_FIRST_LINE = re.compile(
    r"\A\s*(?:\*\*)?(\\?[$€£]?[-−]?\.?\d[\d,. ]*(?:%|[a-zA-Z°]+(?: [a-zA-Z]+)?)?)(?:\*\*)?[ \t.]*\n"
    r"(?=\s*(?:[-*•]\s+)?\S*\s?[a-zA-Z]{2}[^\n]*[a-zA-Z]{2})(?!.*=)",
    re.DOTALL,
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_EXPONENT = re.compile(r"(?<=\d)([⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")


def numeric(
    question: Question, text: str, *, pattern: str | None = None, tolerance: float = 0.0
) -> Verdict:
    """Compares two numbers exactly, or within a tolerance.

    Thousands separators, currency signs, units, fractions, mixed numbers, percentages, powers and
    "million" are understood; 50 % equals both 50 and 0.5. Several numbers as the answer are wrong,
    and so is one that is denied or only a bound.

    Args:
        question: Its `answer` is the gold number.
        text: The response.
        pattern: A regular expression with one group, the answer; its last match counts. By default
            what stands in the last <answer>, box or "####", whichever is last, or after the last
            "answer is"; without any the last number.
        tolerance: The largest difference that is still right, as a share of the gold number.

    Returns:
        right or wrong; wrong with the reason if there is no answer. unscored if the gold answer is
        no number.

    Raises:
        ConfigError: The pattern is no regular expression with one group, or the tolerance is no
            number of at least 0.
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not tolerance >= 0:
        raise ConfigError(
            "verify.options.tolerance must be a number of 0 or more.",
            seen=tolerance,
            remedy="Write for instance 0.01 for one percent of the gold number.",
        )
    text = _without_letters(text, question)
    if pattern is not None:
        matches = compiled(pattern).findall(text)
        said = _in_digits(_plain(matches[-1])).strip() if matches else ""
    else:
        said = _said(text) or ""
    gold = _only_number(_in_digits(_plain(_without_letters(question.answer, question))))
    if gold is None:
        return Verdict("unscored", said, "the gold answer is no number")
    if not said:
        return Verdict("wrong", reason=NO_ANSWER)
    number = _only_number(said)
    if number is None:
        several = len(_numbers(said)) > 1 or _EITHER_SIGN.search(said, 0, max(0, _first(said)))
        return Verdict("wrong", said, SEVERAL if several else NO_NUMBER)
    size = _size_beside(_plain(question.answer), _plain(text), said)
    right = size is not None and same(
        gold, replace(number, value=number.value * size), Fraction(tolerance), question.text
    )
    return Verdict("right" if right else "wrong", said)


def _size_beside(gold: str, text: str, said: str) -> Fraction | None:
    """How many of the gold answer's units one unit of the answer is; 1 where either is not known.

    None if they measure different things.
    """
    start = text.rfind(said)
    end = start + len(said)
    asked = quantity(gold)
    given = quantity(text[start : with_unit(text, start, end)]) if start >= 0 else quantity(said)
    if asked.dimensions is None or given.dimensions is None:
        return Fraction(1)
    return given.factor / asked.factor if given.dimensions == asked.dimensions else None


def same(gold: Number, answer: Number, tolerance: Fraction, question: str = "") -> bool:
    """Whether a number is the gold one within a share of it.

    A question that asks for a number of millions may be answered with or without the word.
    """
    beside = None if gold.percent or asks_for_percent(question) else gold.value
    asked = {
        n for word, n in SCALES.items() if re.search(rf"\b{word}s?\b", question, re.IGNORECASE)
    }

    def values(number: Number) -> set[Fraction]:
        values = set(number.values(beside))
        if gold.percent and answer.percent:
            values = {number.value}
        if number.scale in asked:
            values |= {value / number.scale for value in values}
        return values

    return any(
        abs(one - other) <= tolerance * abs(one) for one in values(gold) for other in values(answer)
    )


def _said(text: str) -> str | None:
    """What a response says its answer is, in plain signs; None if it says nothing."""
    head = before_next_question(text)
    return (_marked(head) if head else None) or _marked(text) or _last_in_prose(text)


def _marked(text: str) -> str | None:
    """What stands where the response marks its answer; a sentence only if it holds a number."""
    hashes = _HASHES.findall(text)
    places = {
        text.lower().rfind("<answer>"): answer_tag(text),
        max(text.rfind("\\boxed"), text.rfind("\\fbox")): last_box(text),
        text.rfind("####"): hashes[-1] if hashes else None,
    }
    cues = [
        said
        for said in (_in_digits(_plain(cue[1])) for cue in _CUE.finditer(text[-PROSE_WITHIN:]))
        if _first(said) >= 0
    ]
    marks = [_in_digits(_plain(said)) for _, said in sorted(places.items(), reverse=True) if said]
    bold: list[str] = _BOLD.findall(_plain(text[-PROSE_WITHIN:]))
    first_line = _FIRST_LINE.match(_plain(text[:PROSE_WITHIN]))
    for said in [*marks, *cues[-1:], *bold[-1:], first_line[1] if first_line else ""]:
        if said.strip():
            return (last_box(said) or said).strip()
    return None


def _last_in_prose(text: str) -> str | None:
    """The last number that is not denied; with the one before it if they are two answers."""
    tail = _in_digits(_plain(without_closing(text[-PROSE_WITHIN:])))
    if len(tail) <= SHORT and not re.search("[a-zA-Z]{2}", tail):
        return tail.strip() if _numbers(tail) else None
    tail = _STEP.sub(_blank, tail)
    if len(_ITEM.findall(tail)) > 1:
        tail = _ITEM.sub(_blank, tail)
    numbers = _numbers(tail)
    while numbers and not _is_given(tail, numbers[-1]):
        numbers.pop()
        if numbers and _RANGE.search(tail, 0, numbers[-1].start()):
            numbers.pop()
    if not numbers:
        return None if len(text) <= PROSE_WITHIN else last_number(_plain(text))
    last = numbers[-1]
    if gives_up(tail, last.end()):
        return None
    if len(numbers) > 1 and _RANGE.search(tail, 0, numbers[-2].start()):
        return tail[numbers[-2].start() : last.end()].strip()
    if len(numbers) > 1 and _OR.fullmatch(tail, numbers[-2].end(), last.start()):
        return tail[numbers[-2].start() : last.end()].strip()
    if sign := _EITHER_SIGN.search(tail[: last.start()]):
        return tail[sign.start() : last.end()].strip()
    return last.group().strip()


def _only_number(said: str) -> Number | None:
    """The number that a text gives, with a unit or an equation around it; None if not just one."""
    number = read_number(said)
    if number is not None:
        return number
    parts = [part.strip() for part in _EQUALS.split(said)]
    if len(parts) > 1:
        sides = [number for part in parts[::-1] if (number := _only_number(part)) is not None]
        return sides[0] if sides else None
    numbers = [found for found in _numbers(said) if _is_given(said, found)]
    if not numbers or _EITHER_SIGN.search(said[: numbers[0].start()]):
        return None
    first, *others = numbers
    if others and _JOINED.fullmatch(said, first.end(), others[0].start()):
        return None
    if _FACTOR.match(said, first.end()):
        return None
    return read_number(first.group())


def _is_given(text: str, number: re.Match[str]) -> bool:
    """Whether a number is given as a value: it is neither denied nor a bound."""
    before = text[max(0, number.start() - 40) : number.start()]
    return not (
        _DENIED.search(before) or _BOUND.search(before) or _REFUTED.match(text, number.end())
    )


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def _numbers(text: str) -> list[re.Match[str]]:
    return list(NUMBER.finditer(text))


def _first(text: str) -> int:
    """Where the first number of a text begins; -1 if there is none."""
    found = NUMBER.search(text)
    return found.start() if found else -1


def _without_letters(text: str, question: Question) -> str:
    """The text with 1.5M as "1.5 million"; not where the question or the gold has it as a unit."""

    def replaced(found: re.Match[str]) -> str:
        letter = (found[2] or found[3])[0].lower()
        about = f"{question.text} {question.answer}"
        return (
            found.group() if _UNIT_OF[letter].search(about) else f"{found[1]} {_SCALE_OF[letter]}"
        )

    return _LETTERED.sub(replaced, text)


def _in_digits(text: str) -> str:
    """A text without digits with its numbers in words as digits; "18th" as 18 if that is all."""
    if _first(text) >= 0:
        return text
    return (
        _ORDINAL.sub("", text) if re.search(r"\d", text) else _MINUS.sub(r"\1-", with_digits(text))
    )


def _plain(text: str) -> str:
    """The text in plain signs: full-width digits, raised exponents, vulgar fractions."""
    text = _AND_A_HALF.sub(".5", _MINUS.sub(r"\1-", text))
    if text.isascii():
        return text
    text = _EXPONENT.sub(lambda found: "^" + found[1].translate(_RAISED), text)
    text = re.sub(r"(?<=\d)(?=[¼½¾⅐-⅞])", " ", text)
    # The sign of a minus stays itself; a no-break space becomes plain.
    return unicodedata.normalize("NFKC", text).replace("⁄", "/").replace("﹣", "-")
