"""pass@k before and after at each number of tries, on both estimands, and what is judged by it.

Beside `figures`: takes the matched pair and the bootstrap weights, calls `stats` and gives the
points of the curve and the changes that a verdict is made of. Each figure is there twice: on
questions like these (other questions could be asked) and on these questions (other responses to
them could be drawn). Unscored responses widen a figure to what it would be if all of them were
wrong, or right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from liftmap.comparison.bootstrap import Resamples
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.parts import CurvePoint, QuestionsAre
from liftmap.errors import InputError
from liftmap.records import Change, Counts, Estimate
from liftmap.stats.floors import change_floor
from liftmap.stats.intervals import (
    IntervalOptions,
    change_pseudo,
    mean_changes,
    ratios,
    simultaneous_band,
)
from liftmap.stats.like_these import changes_on_questions_like_these
from liftmap.stats.multiple import p_values
from liftmap.stats.passk import FloatArray, pass_at_k
from liftmap.stats.resampling import CHANGE, SHARE, clipped
from liftmap.stats.these_questions import (
    LEAST_RESPONSES,
    changes_on_these_questions,
    most_tries,
)
from liftmap.stats.unscored import Bounds, pass_bounds, pass_change_bounds
from liftmap.stats.verdict import MeasuredChange

# Beyond so many k, or numbers in all (64 MB of float64), the curve is made at powers of two alone.
_MOST_TRIES = 1024
_MOST_CURVE = 8_000_000


def tries(most: int, rows: int) -> list[int]:
    """The numbers of tries of the curve: every k to `most`; powers of two for huge inputs."""
    if most <= _MOST_TRIES and most * rows <= _MOST_CURVE:
        return list(range(1, most + 1))
    return doubling(most)


def doubling(most: int) -> list[int]:
    """Powers of two up to `most`, and `most`."""
    return sorted({2**power for power in range(most.bit_length())} | {most})


def most_tries_of(pair: PairedTallies, questions_are: QuestionsAre) -> int:
    """The largest k that can be measured on an estimand.

    Raises:
        InputError: Too few responses for estimates on these questions, which are to lead.
    """
    if questions_are == "like-these":
        return pair.most
    most = most_tries(*pair.rows)
    if most is None:
        raise InputError(
            "Estimates on these questions need more responses to each question.",
            seen=pair.most,
            remedy=f"Give {LEAST_RESPONSES} or more, or leave out --questions fixed.",
        )
    return most


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The curve, and its changes as a verdict takes them.

    Attributes:
        points: pass@k at each k; what leads, and the other estimand beside it.
        leading: The changes of the estimand that leads, one a point.
        other: Those of the other one, by k; empty where it can't be had.
    """

    points: list[CurvePoint]
    leading: list[MeasuredChange]
    other: dict[int, MeasuredChange]


def curve(
    pair: PairedTallies,
    ks: Sequence[int],
    resamples: Resamples,
    questions_are: QuestionsAre = "like-these",
) -> Curve:
    """pass@k before and after at each k, with the simultaneous band of the change.

    Args:
        pair: The matched tallies.
        ks: Numbers of tries, increasing.
        resamples: How intervals are made.
        questions_are: The estimand that leads.
    """
    like = {each.k: each for each in _on_questions_like_these(pair, ks, resamples)}
    these = {each.k: each for each in _on_these_questions(pair, ks, resamples.options["level"])}
    leading, other = (like, these) if questions_are == "like-these" else (these, like)
    lows, highs = _band(pair, ks, resamples)
    points = []
    for k, low, high in zip(ks, lows.tolist(), highs.tolist(), strict=True):
        figure, beside = leading[k].figure, other.get(k)
        points.append(
            CurvePoint(
                figure.before,
                figure.after,
                figure.change,
                k,
                (low, high),
                other=None if beside is None else beside.figure,
            )
        )
    return Curve(points, [leading[k] for k in ks], other)


def _on_questions_like_these(
    pair: PairedTallies, ks: Sequence[int], resamples: Resamples
) -> list[MeasuredChange]:
    options = resamples.options
    measured = changes_on_questions_like_these(ks, *pair.rows, **options)
    if pair.extremes is None:
        return measured
    before, after = pair.extremes
    ones = np.ones((len(pair.counts), 1))
    floor = _floor(pair, ks)
    analytic: IntervalOptions = {**options, "weights": None}

    def of_side(values: FloatArray) -> list[Estimate]:
        estimates = ratios(values, ones, pseudo=SHARE, **options)
        return [clipped(estimate, 0.0) for estimate in estimates]

    def of_change(values: FloatArray) -> list[Estimate]:
        return mean_changes(np.zeros_like(values), values, floor=floor, **options)

    def of_wider(values: FloatArray) -> list[Estimate]:
        estimates = ratios(values, ones, pseudo=CHANGE, **analytic)
        return [clipped(estimate, -1.0) for estimate in estimates]

    bounds = (
        pass_bounds(before, ks, of_side),
        pass_bounds(after, ks, of_side),
        pass_change_bounds(before, after, ks, of_change),
        pass_change_bounds(before, after, ks, of_wider),
    )
    return [_bounded(each, *ends) for each, *ends in zip(measured, *bounds, strict=True)]


def _on_these_questions(
    pair: PairedTallies, ks: Sequence[int], level: float
) -> list[MeasuredChange]:
    """None of them where a question has too few responses."""
    most = most_tries(*pair.rows)
    tried = [k for k in ks if most is not None and k <= most]

    def changes(before: Counts, after: Counts) -> list[MeasuredChange]:
        measured = changes_on_these_questions(tried, before, after, counts=pair.counts, level=level)
        return measured or []

    if not tried:
        return []
    measured = changes(*pair.rows)
    if pair.extremes is None:
        return measured
    before, after = pair.extremes
    worst, best = changes(before.right, after.wrong), changes(before.wrong, after.right)
    return [
        _bounded(
            each,
            _ends(favour.figure.before, against.figure.before),
            _ends(against.figure.after, favour.figure.after),
            _ends(against.figure.change, favour.figure.change),
            None,
        )
        for each, against, favour in zip(measured, worst, best, strict=True)
    ]


def _ends(least: Estimate, greatest: Estimate) -> Bounds:
    """Bounds from a figure with every unscored response against it, and in its favour."""
    return Bounds(least.estimate, greatest.estimate, least.low, greatest.high)


def _bounded(
    measured: MeasuredChange, before: Bounds, after: Bounds, change: Bounds, wider: Bounds | None
) -> MeasuredChange:
    """The change with the range that unscored responses leave open."""
    figure, wide = measured.figure, measured.wider
    return replace(
        measured,
        figure=Change(
            _ranged(figure.before, before),
            _ranged(figure.after, after),
            _ranged(figure.change, change),
        ),
        wider=wide if wide is None or wider is None else _ranged(wide, wider),
        extremes=(change.least, change.greatest),
    )


def _ranged(estimate: Estimate, bounds: Bounds) -> Estimate:
    """The estimate with its bounds; unchanged where no unscored response bears on it."""
    if bounds.least == bounds.greatest:
        return estimate
    return replace(estimate, range=(bounds.low, bounds.high))


def _floor(pair: PairedTallies, ks: Sequence[int]) -> FloatArray:
    units = pair.questions if pair.cluster is None else len(np.unique(pair.cluster))
    return change_floor(ks, *pair.rows, units=units, counts=pair.counts)


def _passes(side: Counts, ks: Sequence[int]) -> FloatArray:
    return pass_at_k(side.n, side.c, ks, side.plan)


def _band(
    pair: PairedTallies, ks: Sequence[int], resamples: Resamples
) -> tuple[FloatArray, FloatArray]:
    """The band of the change over questions like these; unscored responses widen it.

    It is valid on these questions too: there less varies.
    """

    def band(before: Counts, after: Counts) -> tuple[FloatArray, FloatArray]:
        return simultaneous_band(
            _passes(before, ks),
            _passes(after, ks),
            rng=np.random.default_rng([resamples.seed, 1]),
            resamples=resamples.number,
            counts=pair.counts,
            cluster=pair.cluster,
            level=resamples.options["level"],
            floor=_floor(pair, ks),
        )

    low, high = band(*pair.rows)
    if pair.extremes is None:
        return low, high
    before, after = pair.extremes
    least, greatest = band(before.right, after.wrong)[0], band(before.wrong, after.right)[1]
    return np.minimum(low, least), np.maximum(high, greatest)


def p_value(pair: PairedTallies, k: int, resamples: Resamples) -> float | None:
    """The p-value that pass@k did not change, on questions like these; what Holm's method takes.

    Args:
        pair: The matched tallies.
        k: Number of tries.
        resamples: How the interval is made; the p-value is that interval turned round.

    Returns:
        The p-value; with unscored responses that of the extreme nearest to 0, and 1 where the
        extremes lie on both sides of it. None where unscored responses have no bound.
    """
    if not pair.bounded:
        return None
    options = resamples.options

    def of(before: Counts, after: Counts) -> tuple[float, float]:
        change = _passes(after, [k]) - _passes(before, [k])
        shared = {"counts": pair.counts, "cluster": pair.cluster}
        pseudo = change_pseudo(change, _floor(pair, [k]), **shared)
        ones = np.ones_like(change)
        [p] = p_values(change, ones, weights=options["weights"], pseudo=pseudo, **shared)
        return float(pair.counts @ change[:, 0]), float(p)

    if pair.extremes is None:
        return of(*pair.rows)[1]
    before, after = pair.extremes
    least, greatest = of(before.right, after.wrong), of(before.wrong, after.right)
    if least[0] > 0:
        return least[1]
    return greatest[1] if greatest[0] < 0 else 1.0
