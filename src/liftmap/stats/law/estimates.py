"""What a joint law says: questions lost and gained, by difficulty and one by one.

Reads a law of `fit`, its refits to bootstrap resamples and the counts of `counts`; gives means
of the measures of `measures` with intervals, the corrected transition matrix, Cover@tau, and
each question's own part. `identification` gives the ranges that stand beside the intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Change, Estimate
from liftmap.stats.bins import Bins
from liftmap.stats.law.counts import PairCounts, Side
from liftmap.stats.law.fit import JointLaw
from liftmap.stats.law.measures import Measure, gross_gained, gross_lost, noise
from liftmap.stats.passk import FloatArray

# Least and greatest mean per question, from `identification`.
Range = tuple[float, float]


def expected(law: JointLaw, measure: Measure) -> float:
    """The mean of the measure over the law, per question."""
    return float(np.sum(law.weights * _on_grid(law, measure)))


def estimate(
    law: JointLaw,
    refits: Sequence[JointLaw],
    measure: Measure,
    *,
    scale: float = 1.0,
    level: float = 0.95,
    identified: Range | None = None,
) -> Estimate:
    """The mean of the measure with its bootstrap interval.

    Args:
        law: The fitted law.
        refits: Its refits to resamples (`law.refit_laws`), 2 or more.
        measure: What is averaged.
        scale: Multiplies the mean; law.questions gives numbers of questions.
        level: Chance that the interval should hold the true figure.
        identified: Identification range of the mean per question, if known.

    Returns:
        The figure, its interval and range. The interval is the figure plus and minus Student's t
        times the standard deviation over refits, cut at the least and greatest value that the
        measure can have: the fitted law is biased under resampling, so percentiles cover worse.
        Two pseudo-questions, with the greatest value that the measure can have and its opposite,
        keep it from shrinking to nothing where few questions count, as in `intervals.mean_change`.

    Raises:
        InputError: Fewer than two refits, or a level outside (0, 1).
    """
    values = _on_grid(law, measure)
    draws = np.array([expected(refit, measure) for refit in refits])
    ends = float(values.min()), float(values.max())
    estimate = _estimate(expected(law, measure), draws, ends, law.questions, level)
    return Estimate(
        scale * estimate.estimate,
        scale * estimate.low,
        scale * estimate.high,
        None if identified is None else (scale * identified[0], scale * identified[1]),
    )


def posterior_mean(pairs: PairCounts, law: JointLaw, measure: Measure) -> FloatArray:
    """The expected value of the measure for a question, given its counts on both sides.

    Args:
        pairs: The counts.
        law: The law that stands for all questions.
        measure: For instance `gross_lost(k)`: the questions most likely lost come first by it.

    Returns:
        Shape (pairs,); index it with pairs.pair_of_question for one value per question.
    """
    before = pairs.before.likelihood(law.grid_before)[pairs.before_row]
    after = pairs.after.likelihood(law.grid_after)[pairs.after_row]
    weighted = law.weights * _on_grid(law, measure)
    value: FloatArray = ((before @ weighted) * after).sum(axis=1)
    chance: FloatArray = ((before @ law.weights) * after).sum(axis=1)
    return value / chance


def transition_matrix(
    law: JointLaw, bins_before: Bins, bins_after: Bins | None = None
) -> FloatArray:
    """The corrected transition matrix: how many questions go from which difficulty to which.

    Bins of c out of n meet halfway between counts, so the bin of c = 0 holds p < 1/(2n), whose
    expected count rounds to 0; whether p is 0 can't be told. In simulations with n = 256 it is,
    summed over cells, as far from the true matrix as the raw one where training moved most
    questions, and half as far where nothing changed: it takes out what noise moves, and adds the
    roughness of the fitted law.

    Args:
        law: The law.
        bins_before: Bins of c out of n before.
        bins_after: The same after; default those before.

    Returns:
        Shape (bins, bins after), in questions: rows by p_before, columns by p_after.
    """
    shares = []
    for bins, grid in (
        (bins_before, law.grid_before),
        (bins_after or bins_before, law.grid_after),
    ):
        below = share_below(grid, (np.array(bins.last[:-1]) + 0.5) / bins.n)
        shares.append(np.diff(below, axis=1, prepend=0, append=1))
    matrix: FloatArray = law.questions * shares[0].T @ law.weights @ shares[1]
    return matrix


@dataclass(frozen=True, slots=True)
class Cover(Change):
    """Cover@tau: the share of questions with p >= tau, before and after.

    Attributes:
        tau: The success rate asked for, 0 to 1.
    """

    tau: float


def cover_at_tau(
    law: JointLaw,
    refits: Sequence[JointLaw],
    taus: Sequence[float],
    *,
    level: float = 0.95,
    profiles: Sequence[tuple[Range, Range]] | None = None,
) -> tuple[Cover, ...]:
    """The share of questions that are solved at least so often, before and after.

    Unlike pass@k at large k it does not reward lucky guesses.

    Args:
        law: The fitted law.
        refits: Its refits to resamples, 2 or more.
        taus: Success rates in [0, 1].
        level: Chance that each interval should hold the true share.
        profiles: For each tau the profile limits of `covers` before and after
            (`identification.limits_of_side` at `profile_tolerance(level)`); the intervals are
            united with them, that of the change with the limits that follow from both (the method
            of variance estimates recovery, Zou and Donner 2008, doi 10.1002/sim.3095; for two sides
            that move together it is wide). In simulations with 200 questions of 8 responses the
            bootstrap alone covers 83 to 93 %.

    Returns:
        One row for each tau; intervals as in `estimate`.

    Raises:
        InputError: A tau outside [0, 1], fewer than two refits, or a level outside (0, 1).
    """
    edges = np.asarray(taus, dtype=np.float64)
    if edges.ndim != 1 or not np.all((edges >= 0) & (edges <= 1)):
        raise InputError(
            "tau is a success rate, from 0 to 1.", seen=edges.tolist(), remedy="For example 0.5."
        )

    def shares(one: JointLaw) -> FloatArray:
        """Shares before, after, and their change: (3, taus)."""
        before = one.weights.sum(axis=1) @ (1 - share_below(one.grid_before, edges))
        after = one.weights.sum(axis=0) @ (1 - share_below(one.grid_after, edges))
        return np.stack([before, after, after - before])

    estimates, draws = shares(law), np.stack([shares(refit) for refit in refits])
    rows = []
    for column, tau in enumerate(edges.tolist()):
        before, after, change = (
            _estimate(
                float(estimates[kind, column]),
                draws[:, kind, column],
                (-1.0 if kind == 2 else 0.0, 1.0),
                law.questions,
                level,
            )
            for kind in range(3)
        )
        if profiles is not None:
            first, then = (
                united(Estimate(figure.estimate, figure.estimate, figure.estimate), *limits)
                for figure, limits in zip((before, after), profiles[column], strict=True)
            )
            below = np.hypot(then.estimate - then.low, first.high - first.estimate)
            above = np.hypot(then.high - then.estimate, first.estimate - first.low)
            middle = change.estimate
            before = united(before, first.low, first.high)
            after = united(after, then.low, then.high)
            change = united(
                change, max(middle - float(below), -1.0), min(middle + float(above), 1.0)
            )
        rows.append(Cover(before, after, change, tau))
    return tuple(rows)


def share_below(grid: FloatArray, edges: FloatArray) -> FloatArray:
    """The share of each grid point's mass that lies below each edge: (points, edges).

    A grid point stands for the success rates around it, half way to its neighbours on the arcsine
    scale; the points 0 and 1 stand for themselves.
    """
    angles = np.arcsin(np.sqrt(grid))[:, None]
    middles = (angles[1:] + angles[:-1]) / 2
    low, high = np.vstack([angles[:1], middles]), np.vstack([middles, angles[-1:]])
    share: FloatArray = np.clip((np.arcsin(np.sqrt(edges)) - low) / (high - low), 0, 1)
    share[0] = edges > 0
    share[-1] = 0
    return share


@dataclass(frozen=True, slots=True)
class MovesAtN:
    """Questions lost, or gained, at k = n; all figures in questions.

    Attributes:
        k: Number of tries, equal to n on both sides (or to the cap of curtailed plans).
        observed: Questions with a right response on one side and none on the other.
        noise: How many there would be if nothing had changed, by the law.
        excess: Observed less noise: a net figure.
        gross: The excess from questions that became harder (lost) or easier (gained) alone, by
            the law.
    """

    k: int
    observed: int
    noise: Estimate
    excess: Estimate
    gross: Estimate


def moves_at_n(
    pairs: PairCounts,
    law: JointLaw,
    refits: Sequence[JointLaw],
    weights: ArrayLike,
    *,
    which: Literal["lost", "gained"],
    level: float = 0.95,
    ranges: tuple[Range, Range] | None = None,
    profile: Range | None = None,
) -> MovesAtN:
    """Questions lost or gained at k = n, what noise alone explains of them, and what is left.

    The observed number is an unbiased count of what is lost, so the excess is taken from it and
    only the noise from the law: that has less bias than an excess all by the law.

    Args:
        pairs: The counts.
        law: The law fitted to them.
        refits: Its refits to resamples.
        weights: Shape (resamples, pairs) or (resamples, questions): the resamples themselves.
        which: "lost" or "gained".
        level: Chance that each interval should hold the true figure.
        ranges: Identification ranges of `noise(k)` and of `gross_lost(k)` or `gross_gained(k)`;
            that of the excess is the observed number less that of the noise.
        profile: The profile limits of `noise(k)`: `identification.identification_range` at
            `identification.profile_tolerance(level)`. The interval of noise is united with them,
            that of the excess with the observed number less them: at k = n the bootstrap alone
            covers too seldom.

    Returns:
        The figures; intervals as in `estimate`, those of noise and excess united with `profile`.

    Raises:
        InputError: n differs between questions or sides, or a bin that holds c = 0 holds other
            counts too.
    """
    k, cells = moved_cells(pairs.before, pairs.after, which)
    moved = cells[pairs.before_row, pairs.after_row].astype(np.float64)
    total = law.questions
    draws, in_draws = np.asarray(weights), moved
    if pairs.pair_of_question is not None and draws.shape[1] != len(moved):
        in_draws = moved[pairs.pair_of_question]
    observed = float(pairs.counts @ moved)
    noises = np.array([expected(refit, noise(k)) for refit in refits])
    excess = observed / total - expected(law, noise(k))
    excesses = np.array([row @ in_draws / row.sum() for row in draws]) - noises
    net = _estimate(excess, excesses, (-1.0, 1.0), total, level)
    of_noise, of_gross = ranges or (None, None)
    of_excess = None
    if of_noise is not None:
        of_excess = observed - total * of_noise[1], observed - total * of_noise[0]
    gross = gross_lost(k) if which == "lost" else gross_gained(k)
    of_law = estimate(law, refits, noise(k), scale=total, level=level, identified=of_noise)
    net = Estimate(total * excess, total * net.low, total * net.high, of_excess)
    if profile is not None:
        least, greatest = total * profile[0], total * profile[1]
        of_law = united(of_law, least, greatest)
        net = united(net, observed - greatest, observed - least)
    return MovesAtN(
        k=k,
        observed=round(observed),
        noise=of_law,
        excess=net,
        gross=estimate(law, refits, gross, scale=total, level=level, identified=of_gross),
    )


def united(figure: Estimate, least: float, greatest: float) -> Estimate:
    """The figure with its interval widened to other limits."""
    return replace(figure, low=min(figure.low, least), high=max(figure.high, greatest))


def _on_grid(law: JointLaw, measure: Measure) -> FloatArray:
    return measure(law.grid_before[:, None], law.grid_after[None, :])


def _estimate(
    centre: float, draws: FloatArray, ends: tuple[float, float], questions: int, level: float
) -> Estimate:
    """A mean per question with Student's interval from its draws.

    `ends` are the least and greatest value that one question can have.
    """
    if len(draws) < 2 or not 0 < level < 1:
        raise InputError(
            "An interval of the law needs two refits or more and a level between 0 and 1.",
            seen={"refits": len(draws), "level": level},
            remedy="Take 50 refits and level 0.95.",
        )
    pseudo = max(-ends[0], ends[1]) / questions
    error = float(np.sqrt(np.var(draws, ddof=1) + 2 * pseudo**2))
    half = float(special.stdtrit(len(draws) - 1, (1 + level) / 2)) * error
    return Estimate(centre, max(centre - half, ends[0]), min(centre + half, ends[1]))


def moved_cells(
    before: Side, after: Side, which: Literal["lost", "gained"]
) -> tuple[int, NDArray[np.bool_]]:
    """Which cells of (row before, row after) hold questions lost, or gained, at k = n.

    Args:
        before: What can be seen of a question before.
        after: The same after.
        which: "lost": solved before and not after; "gained": the reverse.

    Returns:
        n, and an array (rows before, rows after).

    Raises:
        InputError: n differs between questions or sides, or a bin that holds c = 0 holds other
            counts too.
    """
    sides = (before, after)
    ns = {int(n) for side in sides for n in (*np.unique(side.n[side.c == 0]), side.n.max())}
    if len(ns) != 1:
        raise InputError(
            "Lost questions at k = n need the same n for every question on both sides.",
            seen=sorted(ns),
            remedy="Use k up to half the smallest n, where the tally alone is enough.",
        )
    solved = []
    for side in sides:
        some = _rows_with(side, side.c > 0)
        if np.any(some & _rows_with(side, side.c == 0)):
            raise InputError(
                "Lost questions at k = n need a bin of its own for c = 0.",
                seen="c = 0 shares its bin with other counts",
                remedy="Use k below n, or a matrix with a bin for the unsolved questions.",
            )
        solved.append(some)
    if which == "lost":
        return ns.pop(), solved[0][:, None] & ~solved[1]
    return ns.pop(), ~solved[0][:, None] & solved[1]


def _rows_with(side: Side, outcomes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows hold an outcome of the kind."""
    held = np.zeros(side.rows, dtype=bool)
    held[side.row[outcomes & (side.row >= 0)]] = True
    return held
