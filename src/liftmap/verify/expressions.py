r"""Reads one expression of LaTeX or plain text: 2\sqrt{3}, 3/4x^2, \tan 60^\circ, 9^{9^9}.

Used by the `math` verifier, in the worker processes; pure functions of text. Nothing is worked out
here, so that reading is quick whatever the text is; `evaluation` gives values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

# An expression has at most so many characters.
LONGEST = 2000
# A node is its operation and its arguments.
Node = tuple[Any, ...]

FUNCTIONS = {
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot", "arcsec",
    "arccsc", "sinh", "cosh", "tanh", "coth", "sech", "csch", "arcsinh", "arccosh", "arctanh",
    "ln", "log", "exp", "lg", "sgn", "det", "Re", "Im", "arg",
}  # fmt: skip
_SYNONYMS = {"tg": "tan", "ctg": "cot", "arctg": "arctan", "cosec": "csc", "asin": "arcsin"}
_SYNONYMS |= {"acos": "arccos", "atan": "arctan", "arsinh": "arcsinh", "arcosh": "arccosh"}
_SYNONYMS |= {"artanh": "arctanh", "cth": "coth", "arcctg": "arccot"}
_INVERSES = {"sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh"}
GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta",
    "iota", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "varphi",
    "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi",
    "Omega", "ell", "hbar",
}  # fmt: skip
_MARKED = {
    "vec",
    "hat",
    "bar",
    "overline",
    "tilde",
    "widehat",
    "dot",
    "overrightarrow",
    "widetilde",
}
_NAMED = {"angle", "triangle", "odot"}
_WORD_FUNCTIONS = "|".join(sorted({*FUNCTIONS, *_SYNONYMS, "sqrt", "pi"}, key=len, reverse=True))
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+(?!\w))?|\.\d+)"
    rf"|(?P<command>\\[a-zA-Z]+|\\[{{}}|%])|(?P<function>(?:{_WORD_FUNCTIONS})(?![a-zA-Z]))"
    rf"|(?P<letter>[a-zA-Z])|(?P<sign>\*\*|[-+*/^_!(){{}}\[\]|'%]))"
)
_ANGLES = [("constant", "pi"), *(("function", f"arc{name}") for name in _INVERSES)]
_CLOSING = {
    "(": ")",
    "[": "]",
    "{": "}",
    r"\{": r"\}",
    r"\lfloor": r"\rfloor",
    r"\lceil": r"\rceil",
}
_TIMES = {"*", r"\cdot", r"\times", r"\ast"}
_OVER = {"/", r"\div"}
_NO_FACTOR = _TIMES | _OVER | {r"\}", r"\%", r"\degree", r"\rfloor", r"\rceil", r"\choose"}
# Letters that are functions before a parenthesis, and never factors.
_APPLIED = set("fghFGP")


class UnreadableError(ValueError):
    """The text is not an expression that this module can read."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression as it was read.

    Attributes:
        node: Its operation and arguments, nested.
        names: Its variables.
        rounded: Whether it holds a decimal point, so that it may be rounded.
        percent: Whether it is a percentage; its value is the number before the sign.
        degrees: Whether it holds degrees outside functions.
        has_pi: Whether it holds pi or an inverse function, so that it may be an angle.
        has_log: Whether it holds a logarithm without its base.
    """

    node: Node
    names: frozenset[str]
    rounded: bool
    percent: bool
    degrees: bool
    has_pi: bool
    has_log: bool


def read(text: str) -> Expression | None:
    """The expression that a plain text is; None if it is none that can be read here."""
    readings = read_all(text)
    return readings[0] if readings else None


@lru_cache(maxsize=4096)
def read_all(text: str) -> tuple[Expression, ...]:
    """The readings of a text; two where a factor follows a quotient: 1/2x is (1/2)x or 1/(2x)."""
    if not text or len(text) > LONGEST:
        return ()
    percent = re.search(r"\\?%\s*$", text)
    if percent:
        text = text[: percent.start()]
    readings: list[Expression] = []
    for tight in (False, True) if "/" in text else (False,):
        try:
            node = _Reader(_tokens(text), tight).whole()
        except (UnreadableError, RecursionError):
            return ()
        if not readings or readings[0].node != node:
            kinds = set(_walk(node))
            readings.append(
                Expression(
                    node,
                    names=frozenset(name for kind, name in kinds if kind == "name"),
                    rounded=("number", True) in kinds,
                    percent=percent is not None,
                    degrees=("degrees", None) in kinds,
                    has_pi=any(kind in kinds for kind in _ANGLES),
                    has_log=("log", None) in kinds,
                )
            )
    return tuple(readings)


def _tokens(text: str) -> list[str]:
    tokens = []
    place, end = 0, len(text.rstrip())
    while place < end:
        token = _TOKEN.match(text, place)
        if token is None:
            raise UnreadableError(text[place : place + 20])
        word = token["function"]
        tokens.append(f"\\{word}" if word else token.group().strip())
        place = token.end()
    return tokens


def _walk(node: Node) -> list[tuple[str, Any]]:
    """What kinds of leaves and operations an expression has."""
    kind = node[0]
    if kind == "number":
        return [("number", node[2])]
    if kind in ("name", "constant"):
        return [(kind, node[1])]
    if kind == "function" and node[1] == "log" and node[3] is None:
        found: list[tuple[str, Any]] = [("log", None)]
    elif kind == "function":
        found = [("function", node[1])]
    else:
        found = [("degrees", None)] if kind == "degrees" else []
    for argument in node[1:]:
        if isinstance(argument, tuple):
            found += _walk(argument)
    return found


class _Reader:
    """A recursive-descent parser over the tokens of one expression."""

    def __init__(self, tokens: list[str], tight: bool) -> None:
        self.tokens = tokens
        self.tight = tight
        self.place = 0
        self.bars = 0
        self.functions = 0

    def whole(self) -> Node:
        node = self.sum()
        if self.place < len(self.tokens):
            raise UnreadableError(self.tokens[self.place])
        return node

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise UnreadableError("it ends too early")
        self.place += 1
        return token

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise UnreadableError(f"{token} is missing")

    def sum(self) -> Node:
        node = self.product()
        while self.peek() in ("+", "-"):
            sign = self.take()
            node = ("+", node, self.product() if sign == "+" else ("negative", self.product()))
        return node

    def product(self) -> Node:
        if self.peek() in ("+", "-"):
            sign = self.take()
            return self.product() if sign == "+" else ("negative", self.product())
        node = self.power()
        while True:
            token = self.peek()
            if token in _TIMES:
                self.take()
                node = ("*", node, self.signed())
            elif token in _OVER:
                self.take()
                below = self.signed()
                while self.tight and self.starts():
                    below = ("*", below, self.power())
                node = ("/", node, below)
            elif self.starts():
                node = self.beside(node)
            else:
                return node

    def signed(self) -> Node:
        if self.peek() in ("+", "-"):
            return self.signed() if self.take() == "+" else ("negative", self.signed())
        return self.power()

    def starts(self) -> bool:
        """Whether a factor without a sign before it starts here."""
        token = self.peek()
        if token == "|":
            return not self.bars
        if token.startswith("\\"):
            return token not in _NO_FACTOR
        return bool(token) and (token[0].isalnum() or token[0] in "({[.")

    def beside(self, node: Node) -> Node:
        r"""A product without a sign; 3\frac{1}{2} is a mixed number."""
        before, token = self.tokens[self.place - 1], self.peek()
        if before != "!" and (token[0].isdigit() or token[0] == "."):
            # "1 2" is no product, and nor is "x2".
            raise UnreadableError("a number after a factor")
        factor = self.power()
        if token == r"\frac" and before.isdigit() and node[0] == "number":
            _, above, below = factor if factor[0] == "/" else (None, ("",), ("",))
            if above[0] == below[0] == "number" and 0 < above[1] < below[1]:
                return ("+", node, factor)
        return ("*", node, factor)

    def power(self) -> Node:
        node = self.postfix(self.atom())
        if self.peek() in ("^", "**"):
            self.take()
            node = self.postfix(("^", node, self.raised()))
        return node

    def raised(self) -> Node:
        if self.peek() in ("+", "-"):
            return self.raised() if self.take() == "+" else ("negative", self.raised())
        if self.peek() == "{":
            return self.group()
        return self.power()

    def postfix(self, node: Node) -> Node:
        while self.peek() in ("!", r"\degree", r"\%", "%"):
            token = self.take()
            if token == "!":
                node = ("factorial", node)
            elif token == r"\degree":
                node = ("angle" if self.functions else "degrees", node)
            else:
                node = ("/", node, ("number", Fraction(100), False))
        return node

    def group(self) -> Node:
        closing = _CLOSING[self.take()]
        bars, self.bars = self.bars, 0
        node = self.sum()
        if closing == "}" and self.peek() == r"\choose":
            self.take()
            node = ("binomial", node, self.sum())
        self.expect(closing)
        self.bars = bars
        return node

    def single(self) -> Node:
        """The argument of a command: a group, or one digit, letter or command."""
        if self.peek() == "{":
            return self.group()
        token = self.take()
        if token.isdigit() and len(token) > 1:
            self.place -= 1
            self.tokens[self.place : self.place + 1] = [token[0], token[1:]]
            token = self.take()
        self.place -= 1
        return self.atom()

    def raw(self) -> str:
        """The argument of a command as text; the name of something."""
        token = self.take()
        if token != "{":
            if token.isdigit() and len(token) > 1:
                self.place -= 1
                self.tokens[self.place] = token[1:]
            return token[:1] if token.isdigit() else token
        parts, depth = list[str](), 1
        while True:
            token = self.take()
            depth += {"{": 1, "}": -1}.get(token, 0)
            if not depth:
                return " ".join(parts)
            parts.append(token)

    def atom(self) -> Node:
        token = self.take()
        if token[0].isdigit() or token[0] == ".":
            return _number(token.lower().rstrip("."))
        if token in ("(", "[", "{", r"\{"):
            self.place -= 1
            return self.group()
        if token == "|":
            self.bars += 1
            node = self.sum()
            self.expect("|")
            self.bars -= 1
            return ("abs", node)
        if token.isalpha():
            if token in "ei" and self.peek() != "_":
                return ("constant", token)
            return self.name(token)
        if token[0] == "\\":
            return self.command(token[1:])
        raise UnreadableError(token)

    def command(self, word: str) -> Node:
        word = _SYNONYMS.get(word, word)
        if word in FUNCTIONS:
            return self.function(word)
        if word == "frac":
            return ("/", self.single(), self.single())
        if word == "binom":
            return ("binomial", self.single(), self.single())
        if word == "sqrt":
            degree: Node = ("number", Fraction(2), False)
            if self.peek() == "[":
                degree = self.group()
            node = self.group() if self.peek() in ("{", "(") else self.atom()
            return ("root", node, degree)
        if word in ("lfloor", "lceil"):
            self.place -= 1
            return ("floor" if word == "lfloor" else "ceil", self.group())
        if word in ("pi", "infty"):
            return ("constant", word)
        if word in GREEK:
            return self.name(word)
        if word in _MARKED:
            return self.name(f"{word} {self.raw()}")
        if word in _NAMED:
            letters = []
            while self.peek().isalpha():
                letters.append(self.take())
            return self.name(f"{word} {' '.join(letters) or self.raw()}")
        raise UnreadableError(word)

    def name(self, name: str) -> Node:
        if self.peek() == "_":
            self.take()
            name += f"_{self.raw()}"
        while self.peek() == "'":
            name += self.take()
        if self.peek() == "(" and (name in _APPLIED or self.is_value()):
            start = self.place
            self.group()
            name += " ".join(self.tokens[start : self.place])
        return ("name", name)

    def is_value(self) -> bool:
        """Whether a number alone in parentheses comes next: I(0) is a value of I, not a product."""
        inside = self.tokens[self.place + 1 : self.place + 3]
        return len(inside) == 2 and inside[0].isdigit() and inside[1] == ")"

    def function(self, word: str) -> Node:
        base: Node | None = None
        if self.peek() == "_" and word == "log":
            self.take()
            base = self.single()
        raised: Node | None = None
        if self.peek() == "^":
            self.take()
            raised = self.raised()
            if raised == ("negative", ("number", Fraction(1), False)) and word in _INVERSES:
                word, raised = f"arc{word}", None
        self.functions += 1
        if self.peek() in ("(", "{", "["):
            argument = self.postfix(self.group())
        else:
            argument = self.signed()
            while self.starts() and self.peek()[1:] not in FUNCTIONS:
                argument = self.beside(argument)
        self.functions -= 1
        if word == "lg":
            word, base = "log", ("number", Fraction(10), False)
        node: Node = ("function", word, argument, base)
        return node if raised is None else ("^", node, raised)


def _number(token: str) -> Node:
    digits, _, power = token.partition("e")
    node: Node = ("number", Fraction(digits), "." in digits)
    if not power:
        return node
    return ("*", node, ("^", ("number", Fraction(10), False), _integer(int(power))))


def _integer(number: int) -> Node:
    node: Node = ("number", Fraction(abs(number)), False)
    return node if number >= 0 else ("negative", node)
