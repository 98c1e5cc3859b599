"""How figures are written: the one place that rounds, signs and names units.

Below `words` and everything in `report`; takes numbers and gives text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from liftmap.records import Estimate

NOTHING = "\u2013"  # en dash
MINUS = "\u2212"  # the minus sign, as wide as the plus


def fixed(value: float | None, decimals: int = 1, *, signed: bool = False) -> str:
    """A number with a fixed count of decimals, a true minus, and no negative zero."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{abs(value):,.{decimals}f}".replace(",", "\u202f")
    if float(f"{abs(value):.{decimals}f}") == 0:
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def percent(share: float | None, decimals: int = 1) -> str:
    """A share in [0, 1] as a percentage, without the sign %."""
    return fixed(None if share is None else 100 * share, decimals)


def points(share: float | None) -> str:
    """A change of a share as signed percentage points."""
    return fixed(None if share is None else 100 * share, signed=True)


def interval(estimate: Estimate, scale: float = 100, decimals: int = 1) -> str:
    """The interval of a change, both ends signed; it never breaks over two lines."""
    ends = (fixed(scale * e, decimals, signed=True) for e in (estimate.low, estimate.high))
    return "[" + ",\u00a0".join(ends) + "]"


def change_text(estimate: Estimate) -> str:
    """A change of a share with its interval: `+14.3 points [+10.2, +18.6]`."""
    return f"{points(estimate.estimate)} points {interval(estimate)}"


def about(value: int) -> str:
    """A count rounded up to two digits: `7 500` for 7,406."""
    digits = 10 ** max(len(str(value)) - 2, 0)
    return count(-(-value // digits) * digits)


def number_of_questions(estimate: Estimate | None, *, signed: bool = False) -> str:
    """A number of questions with its interval: `33 [20, 46]`; one decimal if all is below 20."""
    if estimate is None:
        return NOTHING
    ends = estimate.low, estimate.high
    decimals = 0 if max(map(abs, (estimate.estimate, *ends))) >= 20 else 1
    low, high = (fixed(end, decimals) for end in ends)
    return f"{fixed(estimate.estimate, decimals, signed=signed)} [{low}, {high}]"


def p_value(value: float | None) -> str:
    """A p value or a false discovery rate; small ones as a bound."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return "< .001" if value < 0.001 else f"{value:.3f}".lstrip("0")


def duration(seconds: float | None) -> str:
    """Seconds as a reader would say them: `4.2 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def count(value: float | None) -> str:
    """A count; a fractional one (averaged over splits) keeps one decimal."""
    if value is None:
        return NOTHING
    return fixed(value, 0 if float(value).is_integer() else 1)


def estimate_of(row: Mapping[str, Any], name: str) -> Estimate:
    """The estimate that a row holds in the columns `name`, `name_low`, `name_high`.

    A missing value gives nan; the range is that of `name_least` and `name_greatest`, if there.
    """
    value, low, high = (
        float("nan") if v is None else float(v)
        for v in (row[name], row[f"{name}_low"], row[f"{name}_high"])
    )
    least, greatest = row.get(f"{name}_least"), row.get(f"{name}_greatest")
    span = None if least is None or greatest is None else (float(least), float(greatest))
    return Estimate(value, low, high, span)
