r"""What form an answer has: a list, a pair, a set, an interval, a chain of relations, a matrix.

Used by the `math` verifier, in the worker processes; pure functions of plain text (see `latex`).
An answer is taken apart at its outermost signs, and its parts are compared one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Literal

# Parts that an answer may have; one with more is compared as a text.
MOST_PARTS = 200

_RELATIONS = {
    "=": "=", "<": "<", ">": ">", r"\lt": "<", r"\gt": ">", r"\le": "<=", r"\leq": "<=",
    r"\leqslant": "<=", r"\ge": ">=", r"\geq": ">=", r"\geqslant": ">=", r"\ne": "!=",
    r"\neq": "!=", r"\approx": "~", r"\in": "in", r"\equiv": "mod", r"\simeq": "~", r"\cong": "~",
    "<=": "<=", ">=": ">=", "!=": "!=", r"\notin": "not in", r"\to": "to", r"\rightarrow": "to",
    r"\implies": "implies", r"\Rightarrow": "implies", r"\iff": "implies", r"\sim": "~",
    r"\mid": "such that", ":": "such that", r"\propto": "propto", r"\not": "not",
    r"\subset": "subset", r"\subseteq": "subset", r"\supset": "superset", r"\supseteq": "superset",
    r"\perp": "perp", r"\parallel": "parallel", r"\therefore": "therefore",
}  # fmt: skip
_TOKEN = re.compile(
    r"\\(?:begin|end)\s*\{[a-zA-Z*]+\}|\\text\s*\{[^{}]*\}|\\[a-zA-Z]+|\\.|[<>!]=|\s+|[a-zA-Z]+|.",
    re.S,
)
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d|,\d)")
_MATRIX = re.compile(
    r"\\begin ?\{(?P<kind>[pb]?matrix|array|[pb]?smallmatrix)\}(?:\{[lcr|]*\})?(?P<inside>.*)"
    r"\\end ?\{(?P=kind)\}",
    re.S,
)
_SYSTEM = re.compile(
    r"(?:\\\{ ?)?\\begin ?\{(?P<kind>cases|aligned|align|array|gathered|split)\*?\}(?:\{[lcr|]*\})?"
    r"(?P<inside>.*=.*)\\end ?\{(?P=kind)\*?\}",
    re.S,
)
_SIGN = re.compile(r"\\(?:pm|mp)(?![a-zA-Z])")
_JOINTS = {",": ",", ";": ",", "and": "and", "or": "or", "&": ",", r"\\": ","}
_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Form:
    """An answer and the parts that it has at its outermost level.

    Attributes:
        kind: "list" (a, b; also a and b, a or b), "group" (in brackets, with commas), "set" (in
            braces), "union" or "intersection" (of sets), "chain" (of relations), "matrix", or
            "value" for all else.
        parts: The parts as plain texts; of a matrix all entries, row by row; of a value itself.
        signs: Of a chain the relations between its parts; of a list its joints (",", "and", "or");
            of a group its two brackets; of a matrix the number of rows and columns.
        text: The whole answer.
    """

    kind: Literal["list", "group", "set", "union", "intersection", "chain", "matrix", "value"]
    parts: tuple[str, ...]
    signs: tuple[str, ...] = ()
    text: str = ""


def forms(text: str) -> list[Form]:
    """The forms that an answer may have; two if "1,234" may be a number or a list."""
    if bracketed(text) and ", " not in text:
        # (100,200) is a pair, whatever its numbers.
        return [form(text)]
    merged = _THOUSANDS.sub(lambda number: number.group().replace(",", ""), text)
    readings = [form(merged)]
    if merged != text:
        readings.append(form(text))
    return readings


def form(text: str) -> Form:
    """The form that an answer has, each comma a joint."""
    text = text.strip()
    system = _SYSTEM.fullmatch(text)
    if system:
        text = system["inside"].replace("&", " ").strip()
    parts, joints = split(text, _JOINTS)
    parts, joints = _without_empty(parts, joints)
    if len(parts) > 1:
        return Form("list", tuple(parts), tuple(joints), text)
    parts, joints = split(text, _RELATIONS)
    if len(parts) > 1:
        return Form("chain", tuple(parts), tuple(joints), text)
    for kind, word in (("union", r"\cup"), ("intersection", r"\cap")):
        parts, joints = split(text, {word: word})
        if len(parts) > 1:
            return Form(kind, tuple(parts), (), text)  # type: ignore[arg-type]
    matrix = _MATRIX.fullmatch(text)
    if matrix:
        rows = [
            row.split("&")
            for row in re.split(r"\\\\(?:\[[^\]]*\])?", matrix["inside"])
            if row.strip()
        ]
        if rows and len({len(row) for row in rows}) == 1:
            entries = tuple(entry.strip() for row in rows for entry in row)
            return Form("matrix", entries, (str(len(rows)), str(len(rows[0]))), text)
        return Form("value", (text,), (), text)
    inside = bracketed(text)
    if inside is not None:
        opening, content, closing = inside
        parts, joints = split(content, {",": ",", ";": ","})
        if opening == r"\{":
            return Form("set", tuple(part for part in parts if part), (), text)
        if len(parts) > 1 and all(parts):
            return Form("group", tuple(parts), (opening, closing), text)
        if opening == "(" and closing == ")" and content:
            inner = form(content)
            if inner.kind != "value":
                return inner
    return Form("value", (text,), (), text)


def bracketed(text: str) -> tuple[str, str, str] | None:
    """The opening bracket, the content and the closing bracket of a text all in brackets."""
    for opening in (r"\{", "(", "["):
        if not text.startswith(opening):
            continue
        for closing in (r"\}",) if opening == r"\{" else (")", "]"):
            if text.endswith(closing) and len(text) > len(opening) + len(closing):
                content = text[len(opening) : len(text) - len(closing)]
                if _balanced(content):
                    return opening, content.strip(), closing
        if text.replace(" ", "") == r"\{\}":
            return r"\{", "", r"\}"
    return None


def has_sign(text: str) -> bool:
    r"""Whether a text holds \pm or \mp, so that it stands for several."""
    return _SIGN.search(text) is not None


def expanded(text: str) -> list[str]:
    r"""The texts that one with \pm stands for; \mp has the other sign. All signs go together."""
    if not has_sign(text):
        return [text]
    texts = []
    for plus, minus in (("+", "-"), ("-", "+")):
        said = re.sub(r"\\pm(?![a-zA-Z])", plus, text)
        texts.append(re.sub(r"\\mp(?![a-zA-Z])", minus, said).strip())
    return texts


def expanded_group(parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    r"""The groups that one with \pm in its parts stands for; each part has its own signs."""
    return list(product(*(expanded(part) for part in parts)))


def split(text: str, joints: dict[str, str]) -> tuple[list[str], list[str]]:
    """The parts between joints outside all brackets, and the joints, in order."""
    parts, signs = [""], list[str]()
    depth, environments, bars = 0, 0, False
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token.startswith((r"\begin", r"\end")):
            environments += 1 if token.startswith(r"\begin") else -1
        elif token in _OPEN or token == r"\{":
            depth += 1
        elif token in _CLOSE or token == r"\}":
            depth -= 1
        elif token == "|" and depth <= 0:
            bars = not bars
        word = token.strip()
        if (
            word in joints
            and depth <= 0
            and not environments
            and not (bars and word != "such that")
        ):
            parts.append("")
            signs.append(joints[word])
            if len(parts) > MOST_PARTS:
                return [text], []
        else:
            parts[-1] += token
    return [part.strip() for part in parts], signs


def _balanced(text: str) -> bool:
    """Whether no bracket is closed that was not opened; half-open intervals count as brackets."""
    depth = 0
    for token in _TOKEN.findall(text):
        depth += token in _OPEN or token == r"\{"
        depth -= token in _CLOSE or token == r"\}"
        if depth < 0:
            return False
    return depth == 0


def _without_empty(parts: list[str], joints: list[str]) -> tuple[list[str], list[str]]:
    """Without the empty parts of "a, and b"; the stronger joint stays."""
    kept, signs = [parts[0]], list[str]()
    for part, sign in zip(parts[1:], joints, strict=True):
        if not kept[-1]:
            kept[-1] = part
            if signs and sign != ",":
                signs[-1] = sign
        else:
            kept.append(part)
            signs.append(sign)
    if len(kept) > 1 and not kept[-1]:
        kept.pop()
        signs.pop()
    return kept, signs
