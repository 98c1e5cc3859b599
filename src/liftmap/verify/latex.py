r"""Makes what models write as a mathematical answer plain, before math-verify reads it.

Used by the `math` verifier, on gold answers and answers alike; pure functions of text. Only what
does not change the meaning goes: delimiters, spacing, sizes, Unicode signs, currency, degrees.
"""

# ruff: noqa: RUF001 (signs that look like others are what this is about)
from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from liftmap.verify.numbers import Number, read_number

_SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ",
    "÷": "/", "∕": "/", "⁄": "/", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∞": r"\infty ",
    "±": r"\pm ", "π": r"\pi ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "∪": r"\cup ",
    "∩": r"\cap ", "∈": r"\in ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "∅": r"\emptyset ",
    "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "¼": r"\frac{1}{4}",
    "¾": r"\frac{3}{4}", "°": "", "’": "'", "“": "", "”": "", "€": "", "£": "", "¥": "", "₹": "",
}  # fmt: skip
_SIGN_TABLE = str.maketrans(_SIGNS)
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ"
_RAISED_TABLE = str.maketrans(_RAISED, "0123456789+-n")


def _repeating(whole: str, first: str, repeated: str) -> str:
    """The fraction that a repeating decimal is."""
    below = 10 ** len(first) * (10 ** len(repeated) - 1)
    above = int(whole + first + repeated) - int(whole + first or 0)
    return rf"\frac{{{above}}}{{{below}}}"


# Each is replaced everywhere, in this order.
_REPLACED = [
    (re.compile(pattern), by)
    for pattern, by in (
        (rf"[{_RAISED}]+", lambda m: f"^{{{m.group().translate(_RAISED_TABLE)}}}"),
        (r"√\s*(\d+|[a-zA-Z])", r"\\sqrt{\1}"),
        (r"√", r"\\sqrt"),
        (r"\\(?:dfrac|tfrac|cfrac)", r"\\frac"),
        (r"\\varnothing", r"\\emptyset"),
        (r"\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])\s*\.?(?=\W|$)", ""),
        (r"\\(?:displaystyle|textstyle|limits|nolimits|boxed|fbox)(?![a-zA-Z])", ""),
        (r"(?<=\d)(?:\\[,!]|\{,\}|,\\!)(?=\d{3}(?!\d))", ","),
        (r"(?<!\\)\\(?:[,;:! ]|q?quad(?![a-zA-Z]))|~", " "),
        (r"(?<!\\)\\[()\[\]]", " "),
        (r"\\?\$", ""),
        (r"\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\degree(?:s\b)?|(?<=\d)\s*degrees?\b", ""),
        (r"\\(?:textbf|textit|textrm|mathrm|mathbf|mathit|mbox|rm|bf)(?=\s*\{)", r"\\text"),
        (r"\\text\s*\{\s*(?:,?\s*(and|or)|degrees?)\s*\}", r" \1 "),
        (r"\\[lr]angle(?![a-zA-Z])", lambda m: "(" if "l" in m.group()[1] else ")"),
        (r"\s+", " "),
        (r"^\s*(?:\\approx|=)\s*", ""),
        (r"[,\s]+(?:(?:where|for|with) )?[a-zA-Z] ?\\in ?\\mathbb ?\{ ?[ZNR] ?\}\s*$", ""),
        (r"(\d*)\.(\d{0,20})\\overline ?\{ ?(\d{1,20}) ?\}", lambda m: _repeating(*m.groups())),
    )
]
# One number among words, as in "there are 12 apples" or "5 \text{ cm}^2".
_AMONG_WORDS = re.compile(
    r"(?P<before>(?:[a-zA-Z]{2,}+[,:]?\s++)*+)(?P<number>[^a-zA-Z]*[\d}%])"
    r"(?P<after>(?:[\s-]*+[a-zA-Z]{2,}+\.?)*+)(?:\s*\^\s*\{?[23]\}?)?"
)
# Words that make another number of the one beside them.
_BEFORE = re.compile(
    r"(?i)\b(?:sqrt|root|log|ln|exp|mod|arc\w*|sin|cos|tan|cot|sec|csc|square|cube|half|twice|double"
    r"|triple|not|minus|negative|least|most|than|under|over|between|except|without|or|and)\b"
)
_AFTER = re.compile(
    r"(?i)\b(?:squared|cubed|factorial|tenths?|hundredths?|thousandths?|half|halves|thirds?"
    r"|quarters?|fourths?|fifths?|or|and|to|mod|if|pi|times|plus|minus|over)\b"
)
_SCALE = re.compile(r"(?i)\b(hundred|thousand|million|billion|trillion|dozen)s?\b")
_SCALES = {"hundred": 100, "dozen": 12}
_SCALES |= {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_TEXT = re.compile(r"\\text\s*\{([^{}]*)\}")


def plain(text: str) -> str:
    """The answer without what does not change its meaning."""
    text = "".join(
        character
        for character in text.translate(_SIGN_TABLE)
        if unicodedata.category(character) not in ("Cf", "Cs", "Co", "Cn")
        and (character.isspace() or unicodedata.category(character) != "Cc")
    )
    # Full-width forms of ASCII.
    text = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)
    for pattern, by in _REPLACED:
        text = pattern.sub(by, text)
    return text.strip(" *`").rstrip(".,;: ").strip()


def number_in(text: str) -> Number | None:
    """The number that a plain answer is, alone or as the only one among words or before a unit."""
    number = read_number(text)
    if number is not None:
        return number
    found = _AMONG_WORDS.fullmatch(_TEXT.sub(r" \1 ", text).strip())
    if found is None or _BEFORE.search(found["before"]) or _AFTER.search(found["after"]):
        return None
    number = read_number(found["number"])
    scale = _SCALE.search(found["after"])
    if number is None or scale is None:
        return number
    return replace(number, value=number.value * _SCALES[scale[1].lower()])


def words_in(text: str) -> tuple[str, ...] | None:
    r"""The words that a plain answer is, as of `\text{no solution}`; None if it is no words."""
    marked = "\\text" in text
    text = _TEXT.sub(r" \1 ", text)
    if re.search(r"[\d\\^_=<>+*/{}|\[\]]", text):
        return None
    words = tuple(w for w in re.findall(r"[^\W_]+", text.casefold()) if w not in ("a", "an", "the"))
    longest = max((len(word) for word in words), default=0)
    return words if longest >= (2 if marked else 4) else None
