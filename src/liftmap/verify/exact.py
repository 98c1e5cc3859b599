"""The exact verifier: the answer found in the response must be the gold answer, word for word.

A verifier of the `verify` stage; a pure function.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import normalize

from liftmap.errors import ConfigError
from liftmap.records import Question, Verdict
from liftmap.verify.marked import unwrapped

LAST_WORD = r"(\S+)\s*\Z"


def exact(question: Question, text: str, *, pattern: str = LAST_WORD) -> Verdict:
    """Compares the last match of a pattern in the response with the gold answer.

    Args:
        question: Its `answer` is the gold answer.
        text: The response.
        pattern: A regular expression with one group, the answer. By default
            the last word of what the response marks as its answer, or of all of it.

    Returns:
        right if the answer is the gold answer up to outer white space; else wrong, with the reason
        if there was no answer. unscored if the question has no gold answer: that is our failure.

    Raises:
        ConfigError: The pattern is no regular expression with one group.
    """
    gold = question.answer.strip()
    if not gold:
        return Verdict("unscored", reason="the question has no gold answer")
    found = compiled(pattern).findall(unwrapped(text) if pattern == LAST_WORD else text)
    if not found:
        return Verdict("wrong", reason="no answer")
    answer = found[-1].strip()
    if pattern == LAST_WORD and answer != gold:
        # The sentence's full stop, and quotes around a word, are no part of it.
        answer = answer.rstrip(".!").strip("\"'`*\u201c\u201d") or answer
    right = normalize("NFC", answer) == normalize("NFC", gold)
    return Verdict("right" if right else "wrong", answer=answer)


@lru_cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern of an option, compiled once; a ConfigError unless it has one group."""
    remedy = r"Write one group around the answer, as 'so (\S+)$'."
    try:
        compiled = re.compile(pattern)
    except TypeError:
        raise ConfigError(
            "verify.options.pattern is no text.", seen=pattern, remedy=remedy
        ) from None
    except re.error as error:
        raise ConfigError(
            f"verify.options.pattern is no regular expression: {error}.",
            seen=pattern,
            remedy=remedy,
        ) from None
    if compiled.groups != 1:
        raise ConfigError(
            f"verify.options.pattern has {compiled.groups} groups.", seen=pattern, remedy=remedy
        )
    return compiled
