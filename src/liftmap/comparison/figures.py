"""The figures of a comparison from exact counts: curve, bins, transitions, lost and gained.

Middle of the flow of `comparison`: takes matched pair and bootstrap weights, calls `stats` with
the options that the tables of a study use, and gives the records of `result`. Everything is
computed on distinct rows of counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from liftmap.comparison.bootstrap import Resamples
from liftmap.comparison.fitted import FittedLaw
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.parts import Matrix, McNemar, Moves, MovesAtN, Transitions
from liftmap.errors import InputError
from liftmap.stats.bins import (
    BinChange,
    Bins,
    change_by_bin,
    custom_bins,
    quantile_bins,
    study_bins,
)
from liftmap.stats.intervals import IntervalOptions
from liftmap.stats.law.counts import PairCounts, pair_counts
from liftmap.stats.law.estimates import transition_matrix
from liftmap.stats.lost import lost_gained, observed
from liftmap.stats.mcnemar import mcnemar
from liftmap.stats.multiple import resampled_changes_by_bin, simultaneous_level
from liftmap.stats.passk import FloatArray, IntArray
from liftmap.stats.resampling import WeightArray
from liftmap.stats.transitions import half_matrix, half_sizes, noise_matrix, raw_matrix


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
    """pass@k by difficulty, cross-fitted, with the band over its bins.

    Empty where responses can't be split.
    """
    if pair.most < 2:
        return ()
    options = resamples.options
    changes = change_by_bin(*pair.rows, bins, k=k, **options)
    level = options["level"]
    if resamples.drawn is None:
        # Bonferroni: without resamples nothing shows how far the bins move together.
        strict = 1 - (1 - level) / len(changes)
    else:
        draws = bin_draws(pair, bins, resamples.drawn, k)
        strict = simultaneous_level(draws, level)
    return banded(changes, pair, bins, strict, k)


def bin_draws(pair: PairedTallies, bins: Bins, weights: WeightArray, k: int = 1) -> FloatArray:
    """The change of each bin that holds questions in each resample: (resamples, bins).

    Args:
        pair: The matched tallies.
        bins: Bins of difficulty before.
        weights: Shape (resamples, rows): the resamples.
        k: Number of tries.
    """
    draws = resampled_changes_by_bin(*pair.rows, bins, weights, k)
    return draws[:, np.isfinite(draws).any(axis=0)]


def banded(
    changes: Sequence[BinChange], pair: PairedTallies, bins: Bins, level: float, k: int = 1
) -> tuple[BinChange, ...]:
    """The changes of bins with a band: their analytic intervals at a level that holds for all."""
    options: IntervalOptions = {"counts": pair.counts, "cluster": pair.cluster, "level": level}
    wide = change_by_bin(*pair.rows, bins, k=k, **options)
    return tuple(
        replace(
            change,
            band=(
                min(each.change.low, change.change.low),
                max(each.change.high, change.change.high),
            ),
        )
        for change, each in zip(changes, wide, strict=True)
    )


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
    pair: PairedTallies,
    k: int | None,
    resamples: Resamples,
    fitted: FittedLaw,
    *,
    independent: bool = True,
) -> tuple[Moves, Moves]:
    """Questions lost and gained at k tries (default half of the responses) and at n.

    Noise and what goes beyond it take independent draws for granted: None where they are not.
    """
    lost_at_n, gained_at_n = _moves_at_n(pair, fitted)
    half = pair.most // 2
    if half < 1:
        nothing = (None, None, None, None)
        return Moves(*nothing, lost_at_n), Moves(*nothing, gained_at_n)
    moves = lost_gained(*pair.rows, half if k is None else min(k, half), **resamples.options)
    lost, gained = moves.lost, moves.gained
    if not independent:
        return (
            Moves(moves.k, lost.estimate, None, None, lost_at_n),
            Moves(moves.k, gained.estimate, None, None, gained_at_n),
        )
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
