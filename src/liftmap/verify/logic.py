r"""Statements and sets that are made of names: P \wedge \neg Q, A \cup (B \cap C).

Used by the `math` verifier, in the worker processes; pure functions of text. Statements are equal
if they are built alike, whatever the order around "and", "or", "if and only if", \cup and \cap: one
that only follows from the other is another answer.
"""

# ruff: noqa: RUF001 (signs that look like others are what this is about)
from __future__ import annotations

import re
from typing import Any

# A name, or an operation and its operands.
Statement = tuple[Any, ...]

_SIGNS = {
    "not": r"\\(?:neg|lnot|sim)(?![a-zA-Z])|[¬~]",
    "and": r"\\(?:wedge|land)(?![a-zA-Z])|∧",
    "or": r"\\(?:vee|lor)(?![a-zA-Z])|∨",
    "either": r"\\oplus(?![a-zA-Z])|⊕",
    "iff": r"\\(?:(?:long)?leftrightarrow|(?:Long)?Leftrightarrow|iff)(?![a-zA-Z])|[↔⇔]",
    "if": r"\\(?:to|(?:long)?rightarrow|(?:Long)?[Rr]ightarrow|implies)(?![a-zA-Z])|[→⇒]",
    "union": r"\\cup(?![a-zA-Z])|∪",
    "intersection": r"\\cap(?![a-zA-Z])|∩",
    "less": r"\\(?:setminus|smallsetminus|backslash)(?![a-zA-Z])|∖",
    "open": r"\(",
    "close": r"\)",
    "name": r"\\(?:emptyset|varnothing)(?![a-zA-Z])"
    r"|[a-zA-Z](?:_\{?\w\}?)?(?![a-zA-Z])(?:'|\^\{?c\}?)?",
}
_TOKEN = re.compile(r"\s*(?:" + "|".join(f"(?P<{k}>{v})" for k, v in _SIGNS.items()) + r")\s*")
# From the weakest to the strongest; what joins its operands in any order.
_LEVELS = (("iff",), ("if",), ("or", "either"), ("and",), ("union", "less"), ("intersection",))
_ANY_ORDER = {"iff", "or", "either", "and", "union", "intersection"}
_LAYOUT = re.compile(r"\\(?:left|right|,|;|!|:|quad|displaystyle)(?![a-zA-Z])|\$|\\[()\[\]]")
LONGEST = 300


class _UnreadableError(ValueError):
    """It is no statement of names."""


def statement(text: str) -> Statement | None:
    """A statement or a set as it is built; None if a text is none, or a name alone.

    Args:
        text: An answer as it was written.
    """
    if len(text) > LONGEST:
        return None
    tokens: list[tuple[str, str]] = []
    text = _LAYOUT.sub(" ", text).strip().rstrip(".")
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            return None
        tokens.append((str(token.lastgroup), token.group().strip()))
        place = token.end()
    try:
        read = _Reader(tokens).whole()
    except (_UnreadableError, RecursionError):
        return None
    return read if read[0] != "name" else None


class _Reader:
    """A recursive-descent parser over the tokens of one statement."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.place = 0

    def whole(self) -> Statement:
        read = self.level(0)
        if self.place < len(self.tokens):
            raise _UnreadableError
        return read

    def peek(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    def level(self, number: int) -> Statement:
        if number == len(_LEVELS):
            return self.single()
        read = self.level(number + 1)
        while self.peek() in _LEVELS[number]:
            sign = self.peek()
            self.place += 1
            # "If" goes with what is on its right: P \to (Q \to R).
            right_side = self.level(number if sign == "if" else number + 1)
            read = _joined(sign, read, right_side)
        return read

    def single(self) -> Statement:
        kind = self.peek()
        self.place += 1
        if kind == "not":
            return ("not", self.single())
        if kind == "open":
            read = self.level(0)
            if self.peek() != "close":
                raise _UnreadableError
            self.place += 1
            return read
        if kind != "name":
            raise _UnreadableError
        return ("name", re.sub(r"[{}]", "", self.tokens[self.place - 1][1]))


def _joined(sign: str, one: Statement, other: Statement) -> Statement:
    if sign not in _ANY_ORDER:
        return (sign, one, other)
    operands: list[Statement] = []
    for part in (one, other):
        operands += part[1:] if part[0] == sign and sign != "iff" else [part]
    return (sign, *sorted(operands, key=repr))
