r"""What this project can't read goes to math-verify: sums, integrals, determinants and the like.

Used by the `math` verifier, in the worker processes. math-verify parses both answers into sympy and
compares them there, which may take any time and memory: the workers have limits. Powers and
factorials without end don't get to it.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any

from math_verify import LatexExtractionConfig, parse, verify

from liftmap.verify.expressions import LONGEST

# Numbers so long under an exponent or before a factorial are not worked out, and nor are towers.
_TOO_LARGE = re.compile(
    r"\^ ?\{?\(?-?\d{5,}|\^ ?\{? ?10 ?\^|\d{5,}[})]? ?!|! ?\)? ?!|\^ ?\{[^{}]*\^|\d\^\d+\^"
    r"|\*\*\d{4,}|\*\*\d+\*\*"
)

_FAILURES = (ArithmeticError, AttributeError, TypeError, ValueError, RecursionError)

# They would warn, once a worker, that their time limits are off.
for _name in ("math_verify", "latex2sympy2_extended"):
    logging.getLogger(_name).setLevel(logging.ERROR)


def same_for_peer(gold: str, said: str) -> bool:
    """Whether math-verify calls two plain answers equal; False if it can't read one of them."""
    if len(said) > LONGEST or _TOO_LARGE.search(gold) or _TOO_LARGE.search(said):
        return False
    ours, theirs = _parsed(gold), _parsed(said)
    if not ours or not theirs:
        return False
    try:
        if not verify(ours, theirs, allow_set_relation_comp=True, timeout_seconds=None):
            return False
    except _FAILURES:
        return False
    return _near(ours[0], theirs[0])


def _near(gold: Any, said: Any) -> bool:
    """Whether two numbers are close for their size; to math-verify all small ones are 0."""
    if not (getattr(gold, "is_number", False) and getattr(said, "is_number", False)):
        return True
    try:
        one, other = gold.evalf(30), said.evalf(30)
        return bool(abs(one - other) <= max(abs(one), abs(other)) / 10**6)
    except _FAILURES:
        return True


@lru_cache(maxsize=1024)
def _parsed(said: str) -> list[Any]:
    """What math-verify reads an answer as; empty if it can't."""
    said = re.sub(r"\\degree(?![a-zA-Z])", r"^\\circ", said)
    return parse(  # type: ignore[no-any-return]
        f"${said}$",
        [LatexExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=None,
    )
