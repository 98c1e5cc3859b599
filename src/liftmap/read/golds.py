r"""Gold answers out of what a log calls the target: a text, a worked solution, or several answers.

Used by the readers of logs; pure functions. A worked solution ends with its answer, after `####` as
in GSM8K or in a `\boxed{}` as in MATH. Of a list of answers any is right.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Sequence

_LAST_LINE = re.compile(r"(?:\A|\n)[ \t]*####[ \t]*(\S[^\n]*?)\s*\Z")
_BOX = re.compile(r"\\f?box(?:ed)?\s*\{")
_BRACE = re.compile(r"(?<!\\)[{}]")
_BETWEEN = re.compile(r"[\s$,.;]*(?:and|or)?[\s$,.;]*")
_LETTER = re.compile(r"[\s(\[*]*([A-Z])[\s)\].:*]*")


def golds_of(target: object) -> tuple[str, ...]:
    """The gold answers that a target names; a response that agrees with any of them is right.

    Args:
        target: A text, a number, a list of them, or a list of texts written as Python writes it,
            as evaluation tools do when they log one.

    Returns:
        Distinct answers in their order; none if the target is None or an empty list.
    """
    if target is None:
        return ()
    if isinstance(target, list | tuple):
        return tuple(dict.fromkeys(gold for one in target for gold in golds_of(one)))
    if isinstance(target, str):
        listed = _written_list(target)
        return (final_answer(target),) if listed is None else golds_of(listed)
    return (str(target),)


def _written_list(text: str) -> list[str] | None:
    """The list of texts that a text is; a list of numbers is an answer of its own."""
    if not re.match(r"\s*\[\s*['\"]", text):
        return None
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    listed = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return value if listed else None


def final_answer(solution: str) -> str:
    r"""The answer at the end of a worked solution; the whole text if it marks none.

    That is what follows `####` on the last line, or else what the last \boxed{} holds. Boxes with
    nothing but "and", "or" or a comma between them are one answer.
    """
    if found := _LAST_LINE.search(solution):
        return found[1]
    boxes: list[str] = []
    end = 0
    for start in _BOX.finditer(solution):
        if start.start() < end:
            continue
        close = _closing(solution, start.end())
        content = solution[start.end() : close].strip() if close is not None else ""
        if close is None or not content:
            continue
        if not _BETWEEN.fullmatch(solution, end, start.start()):
            boxes.clear()
        boxes.append(content)
        end = close + 1
    return ", ".join(boxes) or solution


def _closing(text: str, start: int) -> int | None:
    """Where the brace that is open at `start` closes."""
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace.group() == "{" else -1
        if not depth:
            return brace.start()
    return None


def letters_of(choices: Sequence[str]) -> str:
    """The letters of so many choices, A first; empty if there are fewer than 2, or too many."""
    return string.ascii_uppercase[: len(choices)] if 2 <= len(choices) <= 26 else ""


def letter_of(gold: str, choices: Sequence[str]) -> str:
    """The letter of a gold answer of multiple choice.

    Args:
        gold: The letter, the text of a choice, or its place in the list, from 0.
        choices: The texts of the choices, A first.

    Returns:
        The letter; `gold` itself where it is not clear which choice it is.
    """
    letters = letters_of(choices)
    found = _LETTER.fullmatch(gold)
    if found and found[1] in letters:
        return found[1]
    texts = [choice.strip() for choice in choices]
    named = {letters[i] for i, text in enumerate(texts) if text == gold.strip()} if letters else {}
    if gold.strip().isdecimal() and int(gold) < len(letters):
        named = {*named, letters[int(gold)]}
    return min(named) if len(named) == 1 else gold
