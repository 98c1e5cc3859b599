r"""The choice verifier: the letter that the response settles on must be the gold letter.

A verifier of the `verify` stage for multiple choice; a pure function.
"""

# ruff: noqa: RUF001 (signs that look like others are what this is about)
from __future__ import annotations

import re
from functools import lru_cache

from liftmap.errors import ConfigError
from liftmap.records import Question, Verdict
from liftmap.verify.answers import last_box
from liftmap.verify.steps import NO_ANSWER

PROSE_WITHIN = 2000
# "A" and "I" are words too: what may follow them when they are letters of an answer.
_AFTER_A_LETTER = r"(?!\s+(?!because\b|since\b|as\b|and\b|or\b|which\b|with\b|is\b)[a-z])"


def choice(question: Question, text: str, *, letters: str = "ABCDEFGHIJ") -> Verdict:
    r"""Compares the letter that the response settles on with the gold letter.

    The letter is looked for in the last \boxed{}, then after the last "answer is", "answer:",
    "option" or "choice", then alone on the last line. A response that names several, as "A or B",
    is wrong.

    Args:
        question: Its `answer` is the gold letter, as "B" or "(B)".
        text: The response.
        letters: The letters that there are, upper case.

    Returns:
        right or wrong; wrong with the reason if there is no answer. unscored if the gold answer is
        none of the letters.

    Raises:
        ConfigError: `letters` holds anything but distinct upper-case letters.
    """
    patterns = _patterns(str(letters))
    gold = patterns["whole"].fullmatch(question.answer)
    if gold is None:
        return Verdict("unscored", reason="the gold answer is no letter of the choices")
    found = _settled(text, patterns)
    if not found:
        return Verdict("wrong", reason=NO_ANSWER)
    answer = " or ".join(found)
    return Verdict("right" if answer == gold["letter"].upper() else "wrong", answer)


def _settled(text: str, patterns: dict[str, re.Pattern[str]]) -> list[str]:
    """The distinct letters that a response settles on, in their order."""
    box = last_box(text)
    if box is not None:
        found = patterns["box"].match(box)
        if found is not None:
            return _letters(found["letters"], patterns)
    tail = text[-PROSE_WITHIN:]
    cues = list(patterns["cue"].finditer(tail))
    if cues:
        return _letters(cues[-1]["letters"], patterns)
    lines = tail.strip().splitlines()
    last = patterns["line"].fullmatch(lines[-1].strip()) if lines else None
    return _letters(last["letters"], patterns) if last else []


def _letters(text: str, patterns: dict[str, re.Pattern[str]]) -> list[str]:
    return list(dict.fromkeys(patterns["letter"].findall(text)))


@lru_cache
def _patterns(letters: str) -> dict[str, re.Pattern[str]]:
    if not re.fullmatch("[A-Z]+", letters) or len(set(letters)) < len(letters):
        raise ConfigError(
            "verify.options.letters must be distinct upper-case letters.",
            seen=letters,
            remedy="Write them in one word, as 'ABCD'.",
        )
    wrapped = r"(?:\\(?:text|textbf|mathbf|mathrm|bf)\s*\{?\s*)?"
    one = rf"(?:{wrapped}\(?(?<![A-Za-z])[{letters}](?![A-Za-z'’])\)?\}}?)"
    several = rf"(?P<letters>{one}(?:\s*(?:,|/|&|\band\b|\bor\b|,\s*and|,\s*or)\s*{one})*)"
    lead = r"\s*(?:\*\*|\*|__|`|\"|“|\$|\\\()*\s*"
    cue = (
        r"(?i:\b(?:answers?|options?|choices?)\b[^.\n]{0,40}?(?:\bis\b|\bare\b|[:=])\s*:?|####"
        r"|\b(?:option|choice|answer))(?i:\s*(?:option|choice|letter))?"
    )
    return {
        "letter": re.compile(rf"(?<![A-Za-z])[{letters}](?![A-Za-z])"),
        "whole": re.compile(rf"\s*[(\[]?(?P<letter>[{letters}{letters.lower()}])[)\].:]?\s*"),
        "box": re.compile(rf"\s*{several}(?![\w])"),
        "cue": re.compile(rf"{cue}{lead}{several}{_AFTER_A_LETTER}"),
        "line": re.compile(rf"(?i:so|thus|therefore|hence)?,?{lead}{several}[.):\s*_`\"”$]*"),
    }
