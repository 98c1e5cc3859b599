"""pass^k before and after: how often all of k tries are right (tau-bench, arXiv 2406.12045).

Beside `curve`, by which it is made: all of k tries are right where none is wrong, so pass^k is one
less pass@k of the wrong responses. So intervals, band, both readings and the ranges of unscored
responses are those of pass@k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from liftmap.comparison.bootstrap import Resamples
from liftmap.comparison.curve import curve
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.parts import CurvePoint, QuestionsAre
from liftmap.records import Change, Estimate
from liftmap.stats.passk import mirrored
from liftmap.stats.these_questions import most_tries
from liftmap.stats.unscored import Extremes


def pass_hat_curve(
    pair: PairedTallies,
    ks: Sequence[int],
    resamples: Resamples,
    questions_are: QuestionsAre = "like-these",
) -> tuple[CurvePoint, ...]:
    """pass^k before and after at each k that can be measured.

    Args:
        pair: The matched tallies.
        ks: Numbers of tries, increasing. Under a curtailed plan pass^k ends at the responses of a
            question that is always right: more right ones in a row are never seen.
        resamples: How intervals are made.
        questions_are: The estimand that leads.

    Returns:
        The points; none where the estimand that leads can't be had.
    """
    rows = (mirrored(pair.rows[0]), mirrored(pair.rows[1]))
    extremes = None
    if pair.extremes is not None:
        before, after = (
            Extremes(mirrored(side.right), mirrored(side.wrong)) for side in pair.extremes
        )
        extremes = (before, after)
    mirror = replace(pair, rows=rows, extremes=extremes)
    most: int | None = mirror.most
    if questions_are == "fixed":
        most = most_tries(*rows)
    measured = [k for k in ks if most is not None and k <= most]
    if not measured:
        return ()
    return tuple(map(_turned, curve(mirror, measured, resamples, questions_are).points))


def _turned(point: CurvePoint) -> CurvePoint:
    """A point of the wrong responses' pass@k as one of pass^k."""
    figure = _complement(point)
    return CurvePoint(
        figure.before,
        figure.after,
        figure.change,
        point.k,
        None if point.band is None else (-point.band[1], -point.band[0]),
        other=None if point.other is None else _complement(point.other),
    )


def _complement(figure: Change) -> Change:
    return Change(
        _one_less(1.0, figure.before), _one_less(1.0, figure.after), _one_less(0.0, figure.change)
    )


def _one_less(whole: float, part: Estimate) -> Estimate:
    ends = None if part.range is None else (whole - part.range[1], whole - part.range[0])
    return Estimate(whole - part.estimate, whole - part.high, whole - part.low, ends)
