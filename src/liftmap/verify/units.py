r"""Takes an answer's unit from its value: 4.5 \times 10^{33} \text{ erg}, 7 \mu\text{m}, 5 feet.

Used by the `math` verifier, in the worker processes; pure functions of plain text. Units are
compared where both answers name one that is known here, and converted where they measure the same.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

# What a unit measures: powers of length, mass, time and so on.
Dimensions = tuple[tuple[str, int], ...]
_Unit = tuple[Fraction, dict[str, int]]

_LENGTH, _MASS, _TIME = {"length": 1}, {"mass": 1}, {"time": 1}
_FORCE = {"mass": 1, "length": 1, "time": -2}
_ENERGY = {"mass": 1, "length": 2, "time": -2}
_POWER = {"mass": 1, "length": 2, "time": -3}
_PRESSURE = {"mass": 1, "length": -1, "time": -2}
_CURRENT = {"current": 1}
_CHARGE = {"current": 1, "time": 1}
_VOLTAGE = {"mass": 1, "length": 2, "time": -3, "current": -1}
_RESISTANCE = {"mass": 1, "length": 2, "time": -3, "current": -2}
_CAPACITANCE = {"mass": -1, "length": -2, "time": 4, "current": 2}
_INDUCTANCE = {"mass": 1, "length": 2, "time": -2, "current": -2}
_FIELD = {"mass": 1, "time": -2, "current": -1}
_FLUX = {"mass": 1, "length": 2, "time": -2, "current": -1}

# Symbols and names that take a prefix; the value is in units of SI.
_METRIC: list[tuple[str, str, str, dict[str, int]]] = [
    ("m", "meter metre", "1", _LENGTH), ("g", "gram gramme", "0.001", _MASS),
    ("s", "second", "1", _TIME), ("L l", "liter litre", "0.001", {"length": 3}),
    ("N", "newton", "1", _FORCE), ("J", "joule", "1", _ENERGY), ("W", "watt", "1", _POWER),
    ("Pa", "pascal", "1", _PRESSURE), ("A", "ampere amp", "1", _CURRENT),
    ("C", "coulomb", "1", _CHARGE), ("V", "volt", "1", _VOLTAGE),
    ("Ω ohm", "ohm", "1", _RESISTANCE), ("F", "farad", "1", _CAPACITANCE),
    ("H", "henry", "1", _INDUCTANCE), ("T", "tesla", "1", _FIELD), ("Wb", "weber", "1", _FLUX),
    ("Hz", "hertz", "1", {"time": -1}), ("eV", "electronvolt", "1.602176634e-19", _ENERGY),
    ("mol", "mole", "1", {"amount": 1}), ("cal", "calorie", "4.184", _ENERGY),
    ("pc", "parsec", "3.0856775814913673e16", _LENGTH), ("bar", "bar", "100000", _PRESSURE),
    ("M", "molar", "1000", {"amount": 1, "length": -3}),
]  # fmt: skip
_PREFIXES = {
    "k": ("kilo", "1e3"), "M": ("mega", "1e6"), "G": ("giga", "1e9"), "T": ("tera", "1e12"),
    "h": ("hecto", "1e2"), "d": ("deci", "1e-1"), "c": ("centi", "1e-2"), "m": ("milli", "1e-3"),
    "μ": ("micro", "1e-6"), "u": ("micro", "1e-6"), "n": ("nano", "1e-9"), "p": ("pico", "1e-12"),
    "f": ("femto", "1e-15"),
}  # fmt: skip
# Symbols and names that take none.
_PLAIN: list[tuple[str, str, dict[str, int]]] = [
    ("ft foot feet", "0.3048", _LENGTH), ("in inch inche", "0.0254", _LENGTH),
    ("yd yard", "0.9144", _LENGTH), ("mi mile", "1609.344", _LENGTH),
    ("Å angstrom", "1e-10", _LENGTH),
    ("au AU", "149597870700", _LENGTH), ("ly lightyear", "9460730472580800", _LENGTH),
    ("lb lbs", "0.45359237", _MASS), ("oz ounce", "0.028349523125", _MASS),
    ("ton tonne", "1000", _MASS), ("min minute", "60", _TIME), ("sec", "1", _TIME),
    ("h hr hour", "3600", _TIME), ("day d", "86400", _TIME), ("week wk", "604800", _TIME),
    ("month mo", "1", {"months": 1}), ("year yr", "12", {"months": 1}),
    ("hectare ha", "10000", {"length": 2}), ("acre", "4046.8564224", {"length": 2}),
    ("gallon gal", "0.003785411784", {"length": 3}), ("cc", "1e-6", {"length": 3}),
    ("erg", "1e-7", _ENERGY), ("dyn dyne", "1e-5", _FORCE), ("atm", "101325", _PRESSURE),
    ("mph", "0.44704", {"length": 1, "time": -1}),
    ("kph kmh kmph", "1/3.6", {"length": 1, "time": -1}),
    ("K kelvin", "1", {"kelvin": 1}), ("°C celsiu celsius", "1", {"celsius": 1}),
    ("°F fahrenheit", "1", {"fahrenheit": 1}), ("rad radian", "1", {"radian": 1}),
    ("dollar USD usd buck", "1", {"dollars": 1}), ("cent ¢", "0.01", {"dollars": 1}),
    ("euro EUR", "1", {"euros": 1}), ("sterling", "1", {"sterling": 1}),
    ("rupee", "1", {"rupees": 1}),
    ("AM am", "1", {"morning": 1}), ("PM pm", "1", {"afternoon": 1}),
    ("rpm", "1/60", {"time": -1}), ("gauss", "1e-4", _FIELD), ("kilogram kilo", "1", _MASS),
]  # fmt: skip
_POWER_WORDS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_POWERS_AFTER = {"squared": 2, "cubed": 3}
_IGNORED = {"of", "each", "about", "approximately"}
_TOKEN = re.compile(
    r"\\text ?\{(?:[^{}]|\{[^{}]*\})*\}|\\[a-zA-Z]+|[a-zA-Z]+|\^ ?(?:\{ ?-? ?\d ?\}|-?\d)|\s+|.",
    re.S,
)
_EXPONENT = re.compile(r"\^ ?\{? ?(-? ?\d) ?\}?")
_SIGN_UNITS = {r"\Omega": "Ω", r"\AA": "Å", r"\mu": "μ", r"\degree": "°", r"\ohm": "Ω"}
_SIGN_UNITS |= {r"\micro": "μ", r"\celsius": "°C", r"\angstrom": "Å"}
_JOINTS = {"/", r"\cdot", "*", ".", r"\times", "-"}
_UNIT_FRACTION = re.compile(
    r"\\frac ?\{ ?\\text ?\{([^{}]*)\} ?\} ?\{ ?\\text ?\{([^{}]*)\} ?(?:\} ?|(?=\^))"
)
# The most characters of a unit in a sentence, what may be one, and its words.
LONGEST_UNIT = 40
_AFTER_NUMBER = re.compile(r"\s?(?:[°μ]?[A-Za-zΩÅ¢]+(?:\^\{?-?\d\}?)?[ /]?){1,5}")
_ARTICLES = {"a", "an", "A"}
_UNIT_WORD = re.compile(r"[^\s/]+")
_WORD = re.compile(r"[°μ]?[A-Za-zΩÅμ¢]+|\^-?\d|[/()]")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value and its unit.

    Attributes:
        value: The text before the unit.
        unit: The unit's words; empty if there is none.
        factor: What one unit is in the first unit of what it measures; 1 if it is not known.
        dimensions: What it measures; None if it is not known, or there is none.
    """

    value: str
    unit: str = ""
    factor: Fraction = Fraction(1)
    dimensions: Dimensions | None = None


@lru_cache(maxsize=1)
def _known() -> dict[str, _Unit]:
    known: dict[str, _Unit] = {}
    for names, size, dimensions in _PLAIN:
        for name in names.split():
            known[name] = (_fraction(size), dimensions)
    for symbols, names, size, dimensions in _METRIC:
        for prefix, (word, scale) in {"": ("", "1"), **_PREFIXES}.items():
            unit = (Fraction(size) * Fraction(scale), dimensions)
            for symbol in symbols.split():
                known.setdefault(prefix + symbol, unit)
            for name in names.split():
                known.setdefault(word + name, unit)
    return known


def _fraction(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / Fraction(below or 1)


def quantity(text: str) -> Quantity:
    r"""The value and the unit at the end of a plain answer.

    Example: `9.8 \text{ m/s}^2` is the value `9.8` and the unit `m / s ^2`.
    """
    if text.isdigit() or not re.search(r"[a-zA-Z]", text):
        return Quantity(text)
    text = _UNIT_FRACTION.sub(r"\\text{\1/\2}", text)
    tokens = _TOKEN.findall(text)
    start = len(tokens)
    for place in range(len(tokens) - 1, -1, -1):
        token = tokens[place]
        if token.isspace() or token in _JOINTS or _EXPONENT.fullmatch(token):
            continue
        if not _is_unit(tokens, place):
            break
        start = place
    while start and (tokens[start - 1].isspace() or tokens[start - 1] == "/"):
        start -= 1
    value, unit = "".join(tokens[:start]).strip(), "".join(tokens[start:])
    if (
        not unit.strip()
        or not value
        or re.search(r"[-+*/^_=<>(\[{,|]$|\\(?:cdot|times|pm)$", value)
    ):
        return Quantity(text)
    words = _words(unit)
    found = _measure(words)
    if found is None:
        return Quantity(value, " ".join(words))
    factor, dimensions = found
    return Quantity(value, " ".join(words), factor, dimensions)


def with_unit(text: str, start: int, end: int) -> int:
    """Where a number of a sentence ends with its unit: the end of "5 feet" in "is 5 feet tall".

    Args:
        text: The sentence.
        start: Where the number begins.
        end: Where it ends.

    Returns:
        The end of the longest known unit that follows at once; `end` if none does.
    """
    longest = end
    following = _AFTER_NUMBER.match(text, end, end + LONGEST_UNIT)
    for word in _UNIT_WORD.finditer(following[0]) if following else ():
        if word[0] in _ARTICLES:
            break
        if quantity(text[start : end + word.end()]).dimensions is not None:
            longest = end + word.end()
    return longest


def _is_unit(tokens: list[str], place: int) -> bool:
    token, before = tokens[place], "".join(tokens[:place])
    after = "".join(tokens[place + 1 :]).strip()
    if token.startswith(r"\text"):
        words = _EXPONENT.sub("", token[5:])
        return bool(re.search(r"[a-zA-Z]", words)) and not re.search(r"\d", words)
    if token in (r"\mu", r"\micro"):
        return bool(re.match(r"\\text|[msgFCAVLJNW](?![a-zA-Z])", after))
    if token == r"\degree":
        return bool(re.match(r"(?:\\text ?\{ ?)?(?:[CF]\b|celsius|fahrenheit)", after, re.I))
    if token in _SIGN_UNITS:
        return bool(re.search(r"[\d}]\s*(?:\\text ?\{ ?[kMGmn] ?\} ?)?$", before))
    if not token.isalpha():
        return False
    known = token in _known() or _singular(token) in _known()
    if len(token) > 1:
        return token.lower() in (*_POWER_WORDS, *_POWERS_AFTER, "per", "unit", "units") or (
            (known and token not in ("in", "au", "cot", "pc"))
            or (token == "in" and before.endswith(" "))
        )
    # One letter is a unit after a number and a space, or beside another unit: 9.8 m/s^2.
    if re.search(r"\d\s*\\mu\s*$", before):
        return known
    number = re.search(r"(?:^|[^a-zA-Z])\d[\d.,]*\}?\s+$", before)
    return known and (
        number is not None
        or bool(re.search(r"[\d}] +(?:k?[a-zA-Z]{1,2}[/ ^\d*-]*|\\degree ?)+$", before))
    )


def _words(unit: str) -> list[str]:
    for sign, word in _SIGN_UNITS.items():
        unit = re.sub(rf"{re.escape(sign)}(?![a-zA-Z])\s*", word, unit)
    unit = _EXPONENT.sub(lambda m: f"^{m[1].replace(' ', '')} ", unit)
    unit = re.sub(
        r"\\text ?\{([^{}]*)\}", r"\1 ", re.sub(r"(?<=[°μ])\\text ?\{\s*", r"\\text{", unit)
    )
    unit = re.sub(r"([°μkMGmn])\s*(?=[ΩÅ])|([°μ])\s+", r"\1\2", unit)
    return _WORD.findall(unit.replace("\\cdot", " "))


def _measure(words: list[str]) -> tuple[Fraction, Dimensions] | None:
    """The size of a unit and what it measures; None if a word of it is not known."""
    factor, dimensions = Fraction(1), Counter[str]()
    sign, waiting = 1, 1
    place, seen = 0, False
    while place < len(words):
        word = words[place]
        place += 1
        if word in ("/", "per"):
            sign = -1
        elif word in ("(", ")") or word.lower() in _IGNORED:
            continue
        elif word.lower() in _POWER_WORDS:
            waiting = _POWER_WORDS[word.lower()]
        else:
            known = _lookup(word)
            if known is None:
                return None
            seen = True
            exponent, waiting = sign * waiting, 1
            if place < len(words) and words[place].lower() in _POWERS_AFTER:
                exponent *= _POWERS_AFTER[words[place].lower()]
                place += 1
            elif place < len(words) and words[place].startswith("^"):
                exponent *= int(words[place][1:])
                place += 1
            factor *= known[0] ** exponent
            for name, power in known[1].items():
                dimensions[name] += power * exponent
    if not seen:
        return None
    return factor, tuple(sorted((name, power) for name, power in dimensions.items() if power))


def _lookup(word: str) -> _Unit | None:
    known = _known()
    for form in (
        word,
        _singular(word),
        word.lower() if len(word) > 2 else word,
        _singular(word.lower()),
    ):
        if form in known and (len(word) > 2 or form == word):
            return known[form]
    return None


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
