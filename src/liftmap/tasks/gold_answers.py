"""Finds the gold answer in a column that holds more: a worked solution, a line of its own.

Used by `rows`; pure functions of texts.
"""

from __future__ import annotations

import re

from liftmap.errors import ConfigError

_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])[ \t]*")


def last_boxed(text: str) -> str | None:
    r"""What the last \boxed{...} of a text holds, with its braces balanced.

    \fbox counts too, and so does \boxed without braces, as `$\boxed 2$`: MATH has such solutions.

    Returns:
        The content without outer white space; None if there is no box or its brace never closes.
    """
    boxes = list(_BOX.finditer(text))
    if not boxes:
        return None
    start = boxes[-1].end()
    if not text.startswith("{", start):
        return re.split(r"[$\n]", text[start:], maxsplit=1)[0].strip() or None
    depth, place = 0, start
    while place < len(text):
        mark = text[place]
        if mark == "\\":  # \{ and \} are signs, not braces
            place += 1
        elif mark == "{":
            depth += 1
        elif mark == "}":
            depth -= 1
            if not depth:
                return text[start + 1 : place].strip() or None
        place += 1
    return None


def last_match(pattern: re.Pattern[str], text: str) -> str | None:
    """The group of a pattern's last match, without outer white space; None if there is none."""
    matches = pattern.findall(text)
    return (matches[-1].strip() or None) if matches else None


def compile_answer_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern that says where the answer stands.

    Raises:
        ConfigError: It is not a regular expression with one group.
    """
    remedy = "Write one group around the answer, as '#### (.+)'."
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"answer_pattern is not a regular expression: {error}.", seen=pattern, remedy=remedy
        ) from None
    if compiled.groups != 1:
        raise ConfigError(
            f"answer_pattern has {compiled.groups} groups.", seen=pattern, remedy=remedy
        )
    return compiled
