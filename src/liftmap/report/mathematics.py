r"""Mathematics in texts: where a formula begins and ends, and what it is as MathML.

Used by the question view; pure functions of text that comes from models and files, so of whoever
wants to do harm. A formula is converted by latex2mathml, and nothing of its result is taken but
elements and attributes that are listed here: no link, style, class or script gets through. Formulas
that are long, nested deep, or define macros stay text, and so do those that can't be converted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape, unescape
from typing import NamedTuple
from xml.etree.ElementTree import Element

from markupsafe import Markup

# Characters of a formula, depth of its braces, and formulas of a text that are converted at most.
LONGEST_FORMULA = 2000
DEEPEST = 40
MOST_FORMULAS = 400
# Elements and depth of what a formula may become.
MOST_ELEMENTS = 4000
DEEPEST_ELEMENT = 120

# $$...$$, \[...\], \(...\), and $...$ within a line: not before a digit that follows (prices), not
# around blanks.
_FORMULA = re.compile(
    r"\$\$(?P<dollars>[^$]{1,2000})\$\$"
    r"|\\\[(?P<bracket>(?:[^\\]|\\(?!\])){1,2000}+)\\\]"
    r"|\\\((?P<paren>(?:[^\\]|\\(?!\))){1,2000}+)\\\)"
    r"|(?<![\\$\w])\$(?P<dollar>(?! )(?:[^$\\\n]|\\[^\n]){1,2000}+(?<! ))\$(?![\d$])"
)
_BLOCKS = ("dollars", "bracket")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
# What defines macros may grow without bound.
_DEFINES = re.compile(r"\\(?:re|provide)?newcommand|\\[egx]?def(?![a-zA-Z])|\\let(?![a-zA-Z])")

# fmt: off
_ELEMENTS = frozenset(
    {
        "math", "menclose", "merror", "mfenced", "mfrac", "mi", "mmultiscripts", "mn", "mo",
        "mover", "mpadded", "mphantom", "mprescripts", "mroot", "mrow", "ms", "mspace", "msqrt",
        "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder",
        "munderover", "none",
    }
)
_ATTRIBUTES = frozenset(
    {
        "accent", "accentunder", "align", "columnalign", "columnlines", "columnspacing", "depth",
        "display", "displaystyle", "fence", "form", "height", "largeop", "linebreak",
        "linethickness", "lspace", "mathsize", "mathvariant", "maxsize", "minsize",
        "movablelimits", "notation", "rowlines", "rowspacing", "rspace", "scriptlevel",
        "separator", "stretchy", "symmetric", "voffset", "width",
    }
)
# fmt: on
_VALUE = re.compile(r"[\w.%+ -]{0,60}", re.ASCII)


class Piece(NamedTuple):
    """A part of a text.

    Attributes:
        start: Where it begins in the text, in characters.
        end: Where it ends.
        formula: The LaTeX between the delimiters; None for a part without mathematics.
        block: Whether the formula stands on lines of its own.
    """

    start: int
    end: int
    formula: str | None = None
    block: bool = False


def pieces(text: str) -> Iterator[Piece]:
    """A text in parts, formulas and what is between them; together they are all of it."""
    place = 0
    for number, match in enumerate(_FORMULA.finditer(text)):
        if number >= MOST_FORMULAS:
            break
        kind = str(match.lastgroup)
        if match.start() > place:
            yield Piece(place, match.start())
        yield Piece(match.start(), match.end(), match[kind], kind in _BLOCKS)
        place = match.end()
    if place < len(text):
        yield Piece(place, len(text))


@lru_cache(maxsize=4096)
def mathml(formula: str, block: bool = False) -> Markup | None:
    """A formula as MathML.

    Args:
        formula: LaTeX without delimiters.
        block: Whether it stands on lines of its own.

    Returns:
        Elements and attributes that this module lists, all texts escaped; None where the formula
        can't be converted within the bounds.
    """
    if len(formula) > LONGEST_FORMULA or _DEFINES.search(formula) or _depth(formula) > DEEPEST:
        return None
    from latex2mathml.converter import Converter

    try:
        # A converter of its own: one formula must not change another.
        element = Converter(display="block" if block else "inline").convert_to_element(formula)
        return Markup("".join(_written(element, _Left(MOST_ELEMENTS))))
    except Exception:
        # Whatever the library makes of what a model wrote (its own errors, IndexError,
        # RecursionError, an element that isn't listed): the text is shown instead.
        return None


def _depth(formula: str) -> int:
    depth = deepest = 0
    for brace in _BRACE.finditer(formula):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        deepest = max(deepest, depth)
    return deepest


class _Left:
    """How many elements may still be written."""

    def __init__(self, elements: int) -> None:
        self.elements = elements


def _written(element: Element, left: _Left, depth: int = 0) -> Iterator[str]:
    name = element.tag.rpartition("}")[2]
    left.elements -= 1
    if name not in _ELEMENTS or left.elements < 0 or depth > DEEPEST_ELEMENT:
        raise ValueError(f"{name} is not written")
    attributes = [
        f' {key}="{value}"'
        for key, value in element.attrib.items()
        if key in _ATTRIBUTES and _VALUE.fullmatch(value)
    ]
    yield f"<{name}{''.join(attributes)}>"
    # The library writes signs as entities.
    yield escape(unescape(element.text or ""))
    for child in element:
        yield from _written(child, left, depth + 1)
        yield escape(unescape(child.tail or ""))
    yield f"</{name}>"
