"""The exact verifier: the answer found in the response must be the gold answer, word for word.

A verifier of the `verify` stage; a pure function.
"""

from __future__ import annotations

import re
from functools import lru_cache

from liftmap.errors import ConfigError
from liftmap.records import Question, Verdict

LAST_WORD = r"(\S+)\s*\Z"


def exact(question: Question, text: str, *, pattern: str = LAST_WORD) -> Verdict:
    """Compares the last match of a pattern in the response with the gold answer.

    Args:
        question: Its `answer` is the gold answer.
        text: The response.
        pattern: A regular expression with one group, the answer. By default the last word.

    Returns:
        right if the answer is the gold answer up to outer white space; else wrong, with the reason
        if there was no answer. unscored if the question has no gold answer: that is our failure.

    Raises:
        ConfigError: The pattern is no regular expression with one group.
    """
    gold = question.answer.strip()
    if not gold:
        return Verdict("unscored", reason="the question has no gold answer")
    found = compiled(pattern).findall(text)
    if not found:
        return Verdict("wrong", reason="no answer")
    answer = found[-1].strip()
    return Verdict("right" if answer == gold else "wrong", answer=answer)


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
