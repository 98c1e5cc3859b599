"""Where labels of points with error bars go, so that none covers another or a bar.

A label is a flag: a thin vertical line from the point, up or down past its error bar, with the text
beside the end of the line. Text keeps its size on any screen while points move apart or together,
so a place has to be free at every one of several widths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# Width of a character and height of a line of the labels, in pixels.
CHARACTER = 7.0
LINE = 15.0

Side = Literal["right", "left"]
SIDES: tuple[Side, ...] = ("right", "left")


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share an inner point."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True)
class Point:
    """A point with error bars.

    Attributes:
        text: Its label.
        x: Place from the left, as a share of the width.
        left: Left end of the horizontal bar, as a share of the width.
        right: Right end of it.
        y: Place from the top, in pixels.
        top: Upper end of the vertical bar, in pixels.
        bottom: Lower end of it.
    """

    text: str
    x: float
    left: float
    right: float
    y: float
    top: float
    bottom: float

    def bars(self, width: float) -> tuple[Box, Box]:
        """The two error bars with a little air, on a plot of this width."""
        at = self.x * width
        return (
            Box(self.left * width, self.y - 2, self.right * width, self.y + 2),
            Box(at - 2, self.top, at + 2, self.bottom),
        )


@dataclass(frozen=True)
class Flag:
    """Where a label goes.

    Attributes:
        y: Height of the text's middle, and end of the line from the point, in pixels.
        side: The text begins right of the line, or ends left of it.
    """

    y: float
    side: Side


def place(points: Sequence[Point], widths: Sequence[float], height: float) -> list[Flag]:
    """A flag for each point, as near to it as the others allow.

    Points are placed one after another, and one placed early may leave no room for a later one; so
    several orders are tried, and the first without a collision, or else the best, is taken.

    Args:
        points: In any order.
        widths: Of the plot, in pixels: all that it may take.
        height: Of the plot, in pixels.
    """
    ascending = sorted(range(len(points)), key=lambda i: points[i].x)
    turns = [[*ascending[i:], *ascending[:i]] for i in range(len(points))]
    tried: list[tuple[int, list[Flag]]] = []
    for order in [*(turn[::-1] for turn in turns), *turns]:
        flags: dict[int, Flag] = {}
        collisions = 0
        for index in order:
            placed = [(points[i], flag) for i, flag in flags.items()]
            flags[index], cost = _best(points[index], points, placed, widths, height)
            collisions += cost
        tried.append((collisions, [flags[i] for i in range(len(points))]))
        if not collisions:
            break
    return min(tried, key=lambda pair: pair[0], default=(0, []))[1]


def _best(
    point: Point,
    points: Sequence[Point],
    placed: Sequence[tuple[Point, Flag]],
    widths: Sequence[float],
    height: float,
) -> tuple[Flag, int]:
    """The nearest flag that collides with nothing, or else least, and how often it does."""
    best, least = Flag(point.top - LINE / 2, "right"), 10_000
    for step in range(int(height / 3)):
        away = LINE / 2 + 3 * step
        for y in (point.top - away, point.bottom + away):
            for side in SIDES:
                flag = Flag(y, side)
                cost = sum(_collisions(point, flag, points, placed, w, height) for w in widths)
                if cost < least:
                    best, least = flag, cost
                if not cost:
                    return flag, 0
    return best, least


def _collisions(
    point: Point,
    flag: Flag,
    points: Sequence[Point],
    placed: Sequence[tuple[Point, Flag]],
    width: float,
    height: float,
) -> int:
    """How many things a flag covers or cuts on a plot of this width; its edges count as one."""
    text, line = text_box(point, flag, width), line_box(point, flag, width)
    outside = text.left < 0 or text.right > width or text.top < 0 or text.bottom > height
    marks = [bar for other in points for bar in other.bars(width)]
    marks += [line_box(other, its, width) for other, its in placed]
    texts = [text_box(other, its, width) for other, its in placed]
    return (
        outside
        + sum(text.meets(other) for other in [*marks, *texts])
        + sum(line.meets(other) for other in texts)
    )


def text_box(point: Point, flag: Flag, width: float) -> Box:
    """The room that a label's text takes on a plot of this width."""
    long = CHARACTER * len(point.text) + 6
    left = point.x * width - (long if flag.side == "left" else 0)
    return Box(left, flag.y - LINE / 2, left + long, flag.y + LINE / 2)


def line_box(point: Point, flag: Flag, width: float) -> Box:
    """The line from the point to its label."""
    at, ends = point.x * width, (point.y, flag.y)
    return Box(at - 0.5, min(ends), at + 0.5, max(ends))
