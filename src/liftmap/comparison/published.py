"""A published before/after matrix of counts, analysed without the responses behind it.

The other path of `comparison`: takes a matrix whose rows and columns are bins of right responses
out of n, gives the same result as `compare`. Only what happened at n is counted; everything else
rests on the joint law, fitted by the likelihood of the bins, so each figure comes with what the
matrix leaves open (its identification range).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import date as Date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special

from liftmap.comparison.figures import as_rows
from liftmap.comparison.fitted import FittedLaw, firmly_lost
from liftmap.comparison.guidance import FEWEST_RESPONSES, addressed, firm_loss
from liftmap.comparison.options import Options
from liftmap.comparison.parts import (
    ComparedResponses,
    CurvePoint,
    Guidance,
    McNemar,
    Measures,
    Moves,
    MovesAtN,
    Provenance,
    Transitions,
)
from liftmap.comparison.provenance import digest_of_file
from liftmap.comparison.result import Comparison, today
from liftmap.errors import InputError
from liftmap.records import Estimate, FixedPlan
from liftmap.stats.bins import BinChange, Bins, custom_bins
from liftmap.stats.intervals import IntervalOptions, bootstrap_weights, ratios
from liftmap.stats.law.counts import pair_counts_of_matrix
from liftmap.stats.law.estimates import transition_matrix
from liftmap.stats.law.measures import (
    Measure,
    excess_gained,
    excess_lost,
    gained,
    lost,
    noise,
    pass_change,
    passes_before,
    swapped,
)
from liftmap.stats.mcnemar import mcnemar
from liftmap.stats.passk import FloatArray
from liftmap.stats.resampling import CHANGE, SHARE, Pseudo, clipped
from liftmap.stats.verdict import MeasuredChange, conclude

Counts = NDArray[np.int64]


def reanalyse(
    matrix: str | Path,
    n: int,
    *,
    k: int | None = None,
    margin: float = 0.01,
    level: float = 0.95,
    seed: int = 0,
    law_resamples: int = 50,
    resamples: int = 1000,
    advise_training: bool = False,
    date: Date | None = None,
) -> Comparison:
    """Analyses a published matrix of how many questions went from which bin to which.

    Args:
        matrix: A CSV file: a header line and a first column of bins of right responses out of n
            ("0", "1-4", ...), the same for both; rows are before, columns after; cells are numbers
            of questions.
        n: Responses to each question, on both sides.
        k: Number of tries of lost and gained questions beside n itself; default half of n.
        margin: As in `compare`.
        level: As in `compare`.
        seed: As in `compare`.
        law_resamples: As in `compare`.
        resamples: As in `compare`.
        advise_training: As in `compare`.
        date: As in `compare`.

    Returns:
        The same as `compare` gives. Without a bin of its own for "0" lost and gained at n are None,
        and pass@n rests on the law like every other k; there is no band and no first k of a loss.

    Raises:
        InputError: The file is not such a matrix, or an option is out of range.
        StoreError: The file can't be read.
    """
    # Nearly everything rests on the law here, so its intervals are always needed.
    options = Options(k, margin, "study", level, seed, law_resamples, resamples, extrapolate=True)
    options.check()
    if n < 2 or (k is not None and k > n):
        raise InputError(
            "n is a number of responses, 2 or more, and k at most n.",
            seen={"n": n, "k": k},
            remedy="Give the number of responses that the bins of the matrix are out of.",
        )
    cells, bins = read_matrix(Path(matrix), n)
    pairs = pair_counts_of_matrix(cells, bins)
    weights = bootstrap_weights(
        len(pairs.counts),
        max(resamples, law_resamples),
        np.random.default_rng([seed, 0]),
        counts=pairs.counts,
    )
    law_weights = weights[:law_resamples]
    fitted = FittedLaw(lambda: pairs, lambda _: law_weights, law_resamples, level, seed)
    intervals: IntervalOptions = {
        "weights": weights[:resamples],
        "counts": pairs.counts,
        "level": level,
    }
    points = _curve(fitted, bins, intervals)
    lost_moves, gained_moves = _moves(fitted, bins, k or n // 2)
    at_n = lost_moves.at_n, gained_moves.at_n
    questions = int(cells.sum())
    accuracy, capability = (
        _measured_change(point, questions, level) for point in (points[0], points[-1])
    )
    sides = [
        Provenance(
            name=f"{Path(matrix).stem}, {lines}",
            path=str(matrix),
            format="matrix",
            digest_of_file=digest_of_file(Path(matrix)),
            responses=ComparedResponses(FixedPlan(n), n * questions, None, None, (n, float(n), n)),
        )
        for lines in ("rows", "columns")
    ]
    return Comparison(
        before=sides[0],
        after=sides[1],
        questions=questions,
        k=n,
        capability=tuple(points),
        bins=_by_bin(fitted, bins, cells),
        solved_bins=(),
        transitions=_transitions(fitted, bins, cells),
        lost=lost_moves,
        gained=gained_moves,
        mcnemar=None
        if at_n[0] is None or at_n[1] is None
        else McNemar(mcnemar(at_n[0].observed, at_n[1].observed), "exact"),
        first_loss_k=None,
        verdict=conclude(
            accuracy,
            capability,
            curve={point.k: (point.before.estimate, point.after.estimate) for point in points},
            margin=margin,
            level=level,
        ),
        guidance=addressed(_advise(fitted, bins, cells), on_train_questions=advise_training),
        warnings=(
            "From a matrix of bins: only what happened at n is counted; all else rests on a fitted "
            "law of success rates, and the range beside a figure is what the matrix leaves open.",
        ),
        margin=margin,
        level=level,
        seed=seed,
        source="matrix",
        date=date or today(),
        measures=Measures(groups=fitted.groups),
    )


def _measured_change(point: CurvePoint, questions: int, level: float) -> MeasuredChange:
    """What the word of an axis is decided on; the spread is read off the interval."""
    half = (point.change.high - point.change.low) / 2
    spread = half / special.ndtri((1 + level) / 2) * questions**0.5
    return MeasuredChange(point.k, point, float(spread))


def read_matrix(path: Path, n: int) -> tuple[Counts, Bins]:
    """Reads a matrix and its bins.

    Args:
        path: The CSV file.
        n: Responses that the bins are out of.

    Returns:
        Numbers of questions (bins, bins), rows before, and the bins.

    Raises:
        InputError: It is not such a matrix; the message names the line and the value.
        StoreError: The file can't be read.
    """
    from liftmap.files import disk

    try:
        with disk(path), path.open(encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file) if any(cell.strip() for cell in line)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} is not a CSV text file: {error}.", remedy="Save the matrix as CSV in UTF-8."
        ) from None
    if len(lines) < 2 or len(lines[0]) < 2:
        raise InputError(
            f"{path} holds no matrix.",
            seen=lines[:1],
            remedy="Write a header line of bins, then for each bin its label and its counts.",
        )
    columns = [_label(cell) for cell in lines[0][1:]]
    rows = [_label(line[0]) for line in lines[1:]]
    if rows != columns:
        raise InputError(
            f"{path}: rows and columns must have the same bins in the same order.",
            seen={"rows": rows, "columns": columns},
            remedy="Give one row and one column for each bin, those without questions too.",
        )
    try:
        bins = custom_bins(",".join(columns), n)
    except InputError as error:
        raise InputError(f"{path}: {error.what}", seen=error.seen, remedy=error.remedy) from None
    cells = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for place, line in enumerate(lines[1:]):
        if len(line) != len(lines[0]):
            raise InputError(
                f"{path}: the row of bin {rows[place]} must have {len(columns)} counts.",
                seen=len(line) - 1,
                remedy="Give one count for each column.",
            )
        for column, cell in enumerate(line[1:]):
            if not (cell.strip().isascii() and cell.strip().isdecimal()):
                raise InputError(
                    f"{path}: the count in row {rows[place]}, column {columns[column]} is not a "
                    "whole number of 0 or more.",
                    seen=cell,
                    remedy="Give numbers of questions, not shares.",
                )
            cells[place, column] = int(cell)
    if cells.sum() < 2:
        raise InputError(
            f"{path}: the matrix must hold two questions or more.",
            seen=int(cells.sum()),
            remedy="Give numbers of questions, not shares.",
        )
    return cells, bins


def _label(cell: str) -> str:
    """A bin's label; printed ranges often have a dash in place of a hyphen."""
    return cell.strip().replace("\u2013", "-").replace("\u2212", "-")


def _curve(fitted: FittedLaw, bins: Bins, intervals: IntervalOptions) -> list[CurvePoint]:
    """pass@k at powers of two by the law, and at n as counted where the matrix says it."""
    n = bins.n
    counted = bins.last[0] == 0
    ks = [2**power for power in range(n.bit_length()) if 2**power < n]
    ks = ks if counted else [*ks, n]
    measures = [
        measure
        for tries in ks
        for measure in (passes_before(tries), swapped(passes_before(tries)), pass_change(tries))
    ]
    figures = iter(fitted.numbers(measures))
    points = [CurvePoint(next(figures), next(figures), next(figures), k) for k in ks]
    if counted:
        before = (fitted.pairs.before_row > 0).astype(np.float64)
        after = (fitted.pairs.after_row > 0).astype(np.float64)
        points.append(
            CurvePoint(
                _counted(before, SHARE, 0.0, intervals),
                _counted(after, SHARE, 0.0, intervals),
                _counted(after - before, CHANGE, -1.0, intervals),
                n,
            )
        )
    return points


def _counted(
    values: FloatArray, pseudo: Pseudo, lowest: float, intervals: IntervalOptions
) -> Estimate:
    [estimate] = ratios(values[:, None], np.ones((len(values), 1)), pseudo=pseudo, **intervals)
    return clipped(estimate, lowest)


def _moves(fitted: FittedLaw, bins: Bins, k: int) -> tuple[Moves, Moves]:
    """Questions lost and gained at k by the law, and at n as counted."""
    figures = fitted.numbers(
        [lost(k), gained(k), noise(k), excess_lost(k), excess_gained(k)],
        scale=fitted.law.questions,
    )
    at_n: tuple[MovesAtN | None, MovesAtN | None] = (None, None)
    if bins.last[0] == 0:
        at_n = fitted.moves_at_n(bins.n)
    return (
        Moves(k, figures[0], figures[2], figures[3], at_n[0]),
        Moves(k, figures[1], figures[2], figures[4], at_n[1]),
    )


def _by_bin(fitted: FittedLaw, bins: Bins, cells: Counts) -> tuple[BinChange, ...]:
    """Accuracy by bin before; the law keeps luck in the binning from looking like a change."""
    totals = cells.sum(axis=1)
    filled = [int(place) for place in np.flatnonzero(totals)]
    measures = [
        _within(bins, place, measure)
        for place in filled
        for measure in (passes_before(1), swapped(passes_before(1)), pass_change(1))
    ]
    figures = iter(fitted.numbers(measures))
    questions = int(cells.sum())
    changes = []
    for place in filled:
        before, after, change = (
            _scaled(next(figures), questions / totals[place]) for _ in range(3)
        )
        changes.append(
            BinChange(
                before,
                after,
                change,
                place,
                bins.labels[place],
                float(totals[place]),
                responses=bins.n,
            )
        )
    return tuple(changes)


def _within(bins: Bins, place: int, measure: Measure) -> Measure:
    """The measure of questions whose before-count falls into the bin, 0 for others."""
    last = bins.last[place]
    first = bins.last[place - 1] + 1 if place else 0

    def value(before: FloatArray, after: FloatArray) -> FloatArray:
        below = special.bdtr(first - 1, bins.n, before) if first else 0.0
        inside: FloatArray = (special.bdtr(last, bins.n, before) - below) * measure(before, after)
        return inside

    return value


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    """The estimate times a factor, cut to what a change of a share can be."""
    ends = [min(max(factor * end, -1.0), 1.0) for end in (estimate.low, estimate.high)]
    reach = None
    if estimate.range is not None:
        least, greatest = (min(max(factor * end, -1.0), 1.0) for end in estimate.range)
        reach = (least, greatest)
    return Estimate(factor * estimate.estimate, ends[0], ends[1], reach)


def _transitions(fitted: FittedLaw, bins: Bins, cells: Counts) -> Transitions:
    """The printed matrix, the corrected one, and what the law expects of halves."""
    law = fitted.law
    halves = Bins(bins.n // 2, tuple(last * (bins.n // 2) // bins.n for last in bins.last))
    half = noise_floor = None
    if len(set(halves.last)) == len(halves.last):
        # The chance of each bin in half of the responses, at each success rate.
        side = pair_counts_of_matrix(cells, halves).before
        before, after = side.likelihood(law.grid_before), side.likelihood(law.grid_after)
        half = as_rows(law.questions * before @ law.weights @ after.T)
        noise_floor = as_rows(law.questions * (before * law.weights.sum(axis=1)) @ before.T)
    return Transitions(
        bins=bins,
        raw=as_rows(cells),
        half=half,
        noise=noise_floor,
        corrected=as_rows(transition_matrix(law, bins)),
        half_n=None if half is None else halves.n,
    )


def _advise(fitted: FittedLaw, bins: Bins, cells: Counts) -> tuple[Guidance, ...]:
    """Advice without question ids; what the matrix fixes comes first."""
    if bins.n < FEWEST_RESPONSES:
        return ()
    advice: list[Guidance] = []
    if bins.last[0] == 0:
        starts = [last + 1 for last in bins.last[:-1]]
        firm = firmly_lost(fitted, bins.n, np.array(starts), cells[1:, 0], starts)
        if firm is not None:
            firm = replace(firm, greatest=_last_of(bins, firm.greatest))
            advice.append(firm_loss(firm, bins.n))
        unsolved = int(cells[0, 0])
        if unsolved:
            facts = {"unsolved": unsolved, "teacher_answered": None, "teacher_solved": None}
            advice.append(Guidance("distil", facts))
    return tuple(advice)


def _last_of(bins: Bins, first: int) -> int:
    """The last count of the bin that begins with `first`."""
    starts: Sequence[int] = [0, *(last + 1 for last in bins.last[:-1])]
    return bins.last[starts.index(first)]
