"""The figures of a comparison from exact counts: curve, bins, transitions, lost and gained.

Middle of the flow of `comparison`: takes matched pair and bootstrap weights, calls `stats` with
the options that the tables of a study use, and gives the records of `result`. Everything is
computed on distinct rows of counts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from liftmap.comparison.bootstrap import Resamples
from liftmap.comparison.fitted import FittedLaw
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.parts import (
    CurvePoint,
    Matrix,
    McNemar,
    Moves,
    MovesAtN,
    Transitions,
)
from liftmap.errors import InputError
from liftmap.records import Estimate, Tally
from liftmap.stats.bins import (
    BinChange,
    Bins,
    change_by_bin,
    custom_bins,
    quantile_bins,
    study_bins,
)
from liftmap.stats.intervals import (
    IntervalOptions,
    ratios,
    simultaneous_band,
)
from liftmap.stats.law.counts import PairCounts, pair_counts
from liftmap.stats.law.estimates import transition_matrix
from liftmap.stats.lost import lost_gained, observed
from liftmap.stats.mcnemar import mcnemar
from liftmap.stats.passk import FloatArray, IntArray, distinct, pass_at_k
from liftmap.stats.resampling import (
    CHANGE,
    NO_PSEUDO,
    SHARE,
    Pseudo,
    WeightArray,
    clipped,
    units_of,
)
from liftmap.stats.transitions import half_matrix, half_sizes, noise_matrix, raw_matrix
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


def curve(pair: PairedTallies, ks: list[int], resamples: Resamples) -> list[CurvePoint]:
    """pass@k before and after at each k, with the simultaneous band of the change."""
    before, after = (pass_at_k(side.n, side.c, ks, side.plan) for side in pair.rows)
    options = resamples.options
    low, high = simultaneous_band(
        before,
        after,
        rng=np.random.default_rng([resamples.seed, 1]),
        resamples=resamples.number,
        counts=options["counts"],
        cluster=options["cluster"],
        level=options["level"],
    )
    columns = [
        _shares(values, pseudo, lowest, options)
        for values, pseudo, lowest in (
            (before, SHARE, 0.0),
            (after, SHARE, 0.0),
            (after - before, CHANGE, -1.0),
        )
    ]
    ranges = _bounds(pair, ks)
    points = []
    for at, k in enumerate(ks):
        figure = [
            replace(column[at], range=None if ranges is None else ranges[kind][at])
            for kind, column in enumerate(columns)
        ]
        band = (float(low[at]), float(high[at]))
        points.append(CurvePoint(figure[0], figure[1], figure[2], k, band))
    return points


def _shares(
    values: FloatArray, pseudo: Pseudo, lowest: float, options: IntervalOptions
) -> list[Estimate]:
    """The mean of each column, of which the first is of k = 1 and the others of k > 1.

    Pseudo-questions keep intervals honest where few questions differ; accuracies differ on most.
    """
    everyone = np.ones((len(values), 1))
    estimates = ratios(values[:, :1], everyone, pseudo=NO_PSEUDO, **options)
    if values.shape[1] > 1:
        estimates += ratios(values[:, 1:], everyone, pseudo=pseudo, **options)
    return [clipped(estimate, lowest) for estimate in estimates]


def _bounds(pair: PairedTallies, ks: list[int]) -> list[list[tuple[float, float]]] | None:
    """What pass@k would be if all unscored responses were wrong, or right: before, after, change.

    None where all responses are scored, or where a plan draws again what could not be scored.
    """
    tallies = (pair.before, pair.after)
    if any(side.stops_early for side in pair.rows) or not any(
        tally.unscored.any() for tally in tallies
    ):
        return None
    ends = [(_mean_pass(tally, ks, 0), _mean_pass(tally, ks, 1)) for tally in tallies]
    (least, most), (least_after, most_after) = ends
    return [
        list(zip(low.tolist(), high.tolist(), strict=True))
        for low, high in (*ends, (least_after - most, most_after - least))
    ]


def _mean_pass(tally: Tally, ks: list[int], right: int) -> FloatArray:
    """pass@k over questions with the unscored responses counted as right (1) or wrong (0)."""
    rows = distinct(tally.n + tally.unscored, tally.c + right * tally.unscored)
    shares = pass_at_k(rows.columns[0], rows.columns[1], ks)
    mean: FloatArray = rows.counts @ shares / rows.counts.sum()
    return mean


def difficulty_bins(text: str, pair: PairedTallies) -> Bins:
    """The bins that an option asks for.

    Args:
        text: "study", a number of quantile bins, or counts out of n such as "0,1-4,5-256".
        pair: The matched tallies; difficulty is that before.

    Returns:
        The bins.

    Raises:
        InputError: The text means no bins.
    """
    before = pair.rows[0]
    most = before.most
    if text == "study":
        return study_bins(most)
    if text.isdecimal() and int(text) > 1:
        return quantile_bins(before, int(text), pair.counts)
    if not any(mark in text for mark in ",-"):
        raise InputError(
            "This does not name bins.",
            seen=text,
            remedy=f'Write "study", a number of quantile bins, or counts such as "0,1-4,5-{most}".',
        )
    return custom_bins(text, most)


def changes_by_difficulty(
    pair: PairedTallies, bins: Bins, resamples: Resamples, k: int = 1
) -> tuple[BinChange, ...]:
    """pass@k by difficulty, cross-fitted; empty where responses can't be split."""
    if pair.most < 2:
        return ()
    return tuple(change_by_bin(*pair.rows, bins, k=k, **resamples.options))


def transitions(pair: PairedTallies, bins: Bins, fitted: FittedLaw) -> Transitions:
    """The raw matrix, the half matrix beside its noise floor, and the corrected one."""
    counts = pair.counts
    half = noise = half_n = None
    if pair.most >= 2:
        sizes = half_sizes(*pair.rows)
        half_n = int(sizes.max())
        half = half_matrix(*pair.rows, bins, counts=counts)
        noise = noise_matrix(pair.rows[0], bins, sizes=sizes, counts=counts)
    return Transitions(
        bins=bins,
        raw=as_rows(raw_matrix(*pair.rows, bins, counts)),
        half=None if half is None else as_rows(half),
        noise=None if noise is None else as_rows(noise),
        corrected=as_rows(transition_matrix(fitted.law, bins)),
        half_n=half_n,
    )


def as_rows(matrix: NDArray[np.float64] | IntArray) -> Matrix:
    """A matrix as plain tuples."""
    return tuple(tuple(row) for row in matrix.tolist())


def joint_law(pair: PairedTallies, resamples: Resamples) -> FittedLaw:
    """The joint law of the two sides, with refits to the resamples; nothing is fitted yet."""

    def draw(pairs: PairCounts) -> WeightArray:
        assert pairs.pair_of_question is not None
        # With clusters several rows show the same pair.
        pair_of_row = np.empty(len(pair.counts), dtype=np.int64)
        pair_of_row[pair.row_of_question] = pairs.pair_of_question
        weights = np.empty((len(resamples.of_law), len(pairs.counts)), dtype=np.int32)
        for row, weight in zip(weights, resamples.of_law, strict=True):
            row[:] = np.bincount(pair_of_row, weight, len(pairs.counts))
        return weights

    return FittedLaw(
        count=lambda: pair_counts(pair.before.counts, pair.after.counts),
        draw=draw,
        resamples=len(resamples.of_law),
        level=resamples.options["level"],
        seed=resamples.seed,
    )


def lost_and_gained(
    pair: PairedTallies, k: int | None, resamples: Resamples, fitted: FittedLaw
) -> tuple[Moves, Moves]:
    """Questions lost and gained at k tries (default half of the responses) and at n."""
    lost_at_n, gained_at_n = _moves_at_n(pair, fitted)
    half = pair.most // 2
    if half < 1:
        nothing = (None, None, None, None)
        return Moves(*nothing, lost_at_n), Moves(*nothing, gained_at_n)
    moves = lost_gained(*pair.rows, half if k is None else min(k, half), **resamples.options)
    lost, gained = moves.lost, moves.gained
    return (
        Moves(moves.k, lost.estimate, lost.noise, lost.excess, lost_at_n),
        Moves(moves.k, gained.estimate, gained.noise, gained.excess, gained_at_n),
    )


def _moves_at_n(pair: PairedTallies, fitted: FittedLaw) -> tuple[MovesAtN | None, MovesAtN | None]:
    n = pair.common_n
    if n is None:
        return None, None
    if fitted.has_intervals:
        return fitted.moves_at_n(n)
    before, after = (side.c > 0 for side in pair.rows)
    lost, gained = (int(pair.counts[moved].sum()) for moved in (before & ~after, ~before & after))
    return MovesAtN(n, lost), MovesAtN(n, gained)


def mcnemar_at_n(pair: PairedTallies) -> McNemar | None:
    """McNemar's test of losses against gains at k = n, by clusters where there are any.

    None where n differs between questions or sides, or a plan was curtailed.
    """
    if observed(*pair.rows, pair.counts) is None:
        return None
    before, after = (side.c > 0 for side in pair.rows)
    lost, gained = pair.counts * (before & ~after), pair.counts * (~before & after)
    return McNemar(
        mcnemar(lost, gained, pair.cluster),
        "exact" if pair.cluster is None else "sign flips of clusters",
    )


def measured_change(pair: PairedTallies, point: CurvePoint, resamples: Resamples) -> MeasuredChange:
    """What the word of an axis is decided on, at one point of the curve."""
    before, after = (pass_at_k(side.n, side.c, [point.k], side.plan) for side in pair.rows)
    change = after - before
    ones = np.ones_like(change)
    units = units_of(np.hstack([change, ones]), pair.counts, pair.cluster)
    total = float(pair.counts.sum())
    residual = units.sums[:, 0] - units.sums[:, 1] * (pair.counts @ change[:, 0] / total)
    spread = np.sqrt(units.multiplicity @ residual**2 / total * units.total / (units.total - 1))
    wider = None
    if point.k == 1:
        [estimate] = ratios(change, ones, pseudo=CHANGE, **resamples.options)
        wider = replace(clipped(estimate, -1.0), range=point.change.range)
    unbounded = any(
        tally.counts.stops_early and tally.unscored.any() for tally in (pair.before, pair.after)
    )
    return MeasuredChange(
        k=point.k,
        figure=point,
        spread=float(spread),
        wider=wider,
        unit=total / units.total,
        bounded=not unbounded,
    )
