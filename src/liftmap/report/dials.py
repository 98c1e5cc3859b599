"""Dials: one change on a line with its zero, its margin and its interval, readable at a glance.

Used by the first screen of a page; takes estimates, gives places on a line from 0 to 100 that the
template draws, and the words beside them. The colour says one thing alone: whether the interval
lies wholly on one side of zero, and whether that side is the good one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from liftmap.comparison.message import MeasuredAxis, in_percent, open_text
from liftmap.comparison.rounding import count, fixed, interval, points
from liftmap.comparison.words import margin_text
from liftmap.records import Estimate

Tone = Literal["better", "worse", "open"]

# The line reaches so many margins at least, so that a small change looks small.
_MARGINS = 2.5
_ROOM = 1.15


@dataclass(frozen=True)
class Dial:
    """One change, to be drawn.

    Attributes:
        title: What it is of.
        change: The change after minus before, with its interval, scaled to the dial's unit; None
            where it was not measured.
        text: The change in words, or why there is none.
        detail: The figures before and after, or what would settle it.
        tone: Whether the interval excludes zero, and on which side.
        zones: What left, middle and right of the line mean.
        margin: Half-width of the stripe within which a change counts as none; 0 for no stripe.
        reach: What the line reaches to each side of zero.
    """

    title: str
    change: Estimate | None
    text: str
    detail: str = ""
    tone: Tone = "open"
    zones: tuple[str, str, str] = ("worse", "same", "better")
    margin: float = 0.0
    reach: float = 1.0

    def place(self, value: float) -> float:
        """Where a value stands on the line, from 0 to 100; cut off at its ends."""
        return round(min(max(50 + 50 * value / self.reach, 0.0), 100.0), 2)

    @property
    def description(self) -> str:
        """What a screen reader says in place of the drawing."""
        return f"{self.title}: {self.text}. {self.detail}".strip()


def reach_of(changes: Sequence[Estimate | None], margin: float) -> float:
    """How far a line reaches to each side so that it holds these intervals."""
    ends = [abs(end) for change in changes if change for end in (change.low, change.high)]
    finite = [end for end in ends if end < float("inf")]
    return _ROOM * max([_MARGINS * margin, *finite], default=1.0) or 1.0


def reliable(measured: MeasuredAxis, margin: float, reach: float) -> Dial:
    """The dial of accuracy."""
    return _axis("More reliable", measured, margin, reach, "tries right")


def solves(measured: MeasuredAxis | None, margin: float, reach: float) -> Dial:
    """The dial of capability; empty where a question has one response."""
    if measured is None:
        return Dial(
            "Solves more",
            None,
            "not measured",
            "one response a question says nothing of more tries: draw 16 or more",
            reach=reach,
            margin=margin,
        )
    return _axis("Solves more", measured, margin, reach, f"solved within {count(measured.axis.k)}")


def _axis(title: str, measured: MeasuredAxis, margin: float, reach: float, noun: str) -> Dial:
    axis = measured.axis
    change = axis.change
    if change is None:
        return Dial(title, None, "not measured", reach=reach, margin=margin)
    then, now = in_percent(measured.before.estimate, measured.after.estimate)
    detail = f"{then} → {now} % {noun}"
    settle = open_text(axis)
    if axis.word == "within":
        settle = f"within the margin of {margin_text(margin)}"
    if axis.word in ("saturated", "too hard"):
        settle = "these questions leave no room to show a change"
    if settle:
        detail += f"; {settle}"
    whole = change.whole
    tone: Tone = "open"
    if axis.word in ("up", "down"):
        tone = "better" if axis.word == "up" else "worse"
    return Dial(
        title,
        whole,
        f"{points(change.estimate)} points {interval(whole)}",
        detail,
        tone,
        margin=margin,
        reach=reach,
    )


def lost(excess: Estimate | None, reach: float, k: int | None = None) -> Dial:
    """The dial of questions lost beyond noise, in questions.

    Args:
        excess: Questions lost beyond noise with the interval; None where it can't be had.
        reach: As `reach_of` gives it.
        k: Tries that lost and gained are counted at; None leaves it out.
    """
    zones = ("steadier", "", "lost")
    if excess is None:
        return Dial(
            "Lost beyond noise",
            None,
            "not measured",
            "it takes two responses a question, drawn independently",
            zones=zones,
            reach=reach,
        )
    tone: Tone = "worse" if excess.low > 0 else "better" if excess.high < 0 else "open"
    return Dial(
        "Lost beyond noise",
        excess,
        f"{fixed(excess.estimate, signed=True)} questions {interval(excess, scale=1)}",
        "" if k is None else f"solved within {count(k)} before, not after; noise taken out",
        tone,
        zones=zones,
        reach=reach,
    )
