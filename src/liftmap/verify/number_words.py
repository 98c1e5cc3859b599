"""Numbers in words: twelve, twenty-five, one hundred and twenty, two dozen, minus three.

Used by the verifiers `numeric` and `math` where an answer holds no digits; pure functions of text.
"""

from __future__ import annotations

import re

_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: value for value, word in enumerate(_UNITS.split())}
_SMALL |= {word: 10 * value for value, word in enumerate(_TENS.split(), 2)}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SIZES = {"dozen": 12, "hundred": 100}
_WORD = "|".join(sorted([*_SMALL, *_SIZES, *_LARGE], key=len, reverse=True))
_NUMBER = re.compile(
    rf"(?<![\w-])(?:(?P<minus>minus|negative)\s+)?"
    rf"(?P<words>(?:an?\s+(?=hundred|dozen|{'|'.join(_LARGE)}))?(?:{_WORD})"
    rf"(?:(?:\s+and\s+|\s*-\s*|\s+)(?:{_WORD}))*)(?P<half>\s+and\s+a\s+half)?(?![\w-])",
    re.IGNORECASE,
)
# "one" that counts nothing: "no one", "this one", "one of them", "one can see".
_PRONOUN_BEFORE = re.compile(
    r"\b(?:no|any|some|every|each|this|that|these|which|the|other|another|last|first)\s+\Z",
    re.IGNORECASE,
)
_PRONOUN_AFTER = re.compile(
    r"\s+(?:of|can|could|has|would|should|must|may|might|gets?)\b", re.IGNORECASE
)


# "three quarters", "one half", and "half" at the beginning of a text.
_PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6}
_PARTS |= {"eighth": 8, "tenth": 10}
_FRACTION = re.compile(
    rf"(?<![\w-])(?<!\band )(?:(?P<count>an?|{'|'.join(list(_SMALL)[1:10])})[\s-]+|\A\s*)"
    rf"(?P<part>{'|'.join(_PARTS)})s?(?![\w-])",
    re.IGNORECASE,
)


def with_digits(text: str) -> str:
    """The text with its numbers in words as digits.

    Example: "It has twenty-five, or two dozen and one." is "It has 25, or 24 and 1."
    """

    def replaced(found: re.Match[str]) -> str:
        if found["words"].lower() == "one" and (
            _PRONOUN_BEFORE.search(text, 0, found.start())
            or _PRONOUN_AFTER.match(text, found.end())
        ):
            return found.group()
        value = _value(re.split(r"[\s-]+", found["words"].lower()))
        if value is None:
            return found.group()
        return f"{'-' if found['minus'] else ''}{value}{'.5' if found['half'] else ''}"

    def divided(found: re.Match[str]) -> str:
        count = (found["count"] or "a").lower()
        if not found["count"] and found["part"].lower() != "half":
            return found.group()
        return f"{_SMALL.get(count, 1)}/{_PARTS[found['part'].lower()]}"

    return _NUMBER.sub(replaced, _FRACTION.sub(divided, text))


def _value(words: list[str]) -> int | None:
    """The number that words say; None if they are several, as "two three"."""
    total = group = 0
    room = 1000  # what is added is smaller
    for word in words:
        if word in _SMALL:
            value = _SMALL[word]
            if value >= room:
                return None
            group += value
            room = 10 if value >= 20 else 0
        elif word in _SIZES:
            group = (group or 1) * _SIZES[word]
            room = _SIZES[word]
        elif word in _LARGE:
            total += (group or 1) * _LARGE[word]
            group, room = 0, 1000
    return total + group
