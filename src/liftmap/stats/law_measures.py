"""What a joint law says: questions solved, lost and gained, by difficulty and one by one.

Reads a law of `law`, its refits to bootstrap resamples, and the counts of `law_counts`; gives
figures with intervals. Every figure is the mean over questions of a **measure**, a function of
(p_before, p_after): the functions `passes_before`, `lost`, `noise` and so on make measures, and
`expected`, `estimate`, `posterior_mean` and `law_range.identification_range` take them.

With k tries a question of success rate p stays unsolved with chance u = (1-p)^k. In these terms
(u before, v after): lost (1-u)v, gained u(1-v), and noise (1-u)u, which is what either would be if
nothing had changed. Excess is lost or gained less noise, (1-u)(v-u) and u(u-v): a net figure. Its
gross part comes from the questions that became harder (for lost) or easier (for gained) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from liftmap.errors import InputError
from liftmap.records import Estimate
from liftmap.stats.bins import Bins
from liftmap.stats.law import JointLaw
from liftmap.stats.law_counts import PairCounts, Side
from liftmap.stats.passk import FloatArray

# Least and greatest mean per question, from `law_range`.
Range = tuple[float, float]
# (p_before, p_after), arrays that broadcast, to values of their common shape.
Measure = Callable[[FloatArray, FloatArray], FloatArray]


def unsolved(p: FloatArray, k: float) -> FloatArray:
    """The chance (1-p)^k that k responses are all wrong."""
    chance: FloatArray = np.exp(special.xlog1py(k, -p))
    return chance


def swapped(measure: Measure) -> Measure:
    """The same measure with before and after exchanged."""
    return lambda before, after: measure(after, before)


def passes_before(k: int) -> Measure:
    """Solved within k before; its mean is pass@k before (after: `swapped` of it)."""
    return lambda before, after: 1 - unsolved(before, k) + 0 * after


def pass_change(k: int) -> Measure:
    """Change of pass@k, after minus before, in [-1, 1]."""
    return lambda before, after: unsolved(before, k) - unsolved(after, k)


def lost(k: int) -> Measure:
    """Solved within k before and not within k after, in [0, 1]."""
    return lambda before, after: (1 - unsolved(before, k)) * unsolved(after, k)


def gained(k: int) -> Measure:
    """Solved within k after and not within k before, in [0, 1]."""
    return lambda before, after: unsolved(before, k) * (1 - unsolved(after, k))


def noise(k: int) -> Measure:
    """Solved within k before and not within k *more* before: lost, and gained, if nothing changes.

    In [0, 1/4].
    """
    return lambda before, after: (1 - unsolved(before, k)) * unsolved(before, k) + 0 * after


def noise_from(first: int, last: int, n: int) -> Measure:
    """Between first and last right ones of n responses before, and none of n *more* before.

    What a bin of counts loses at k = n if nothing changes, in [0, 1/4]. Bins well above 0 lose
    next to nothing so, whatever the law: there the data fix what is noise.
    """

    def value(before: FloatArray, after: FloatArray) -> FloatArray:
        inside = stats.binom.cdf(last, n, before) - stats.binom.cdf(first - 1, n, before)
        chance: FloatArray = inside * unsolved(before, n) + 0 * after
        return chance

    return value


def excess_lost(k: int) -> Measure:
    """Lost less noise, in [-1/4, 1]; negative where questions became easier."""
    return lambda before, after: lost(k)(before, after) - noise(k)(before, after)


def excess_gained(k: int) -> Measure:
    """Gained less noise, in [-1/4, 1]; negative where questions became harder."""
    return lambda before, after: gained(k)(before, after) - noise(k)(before, after)


def gross_lost(k: int) -> Measure:
    """The excess of lost over noise from questions with p_after < p_before alone, in [0, 1].

    A question that became only slightly harder adds next to nothing, so the figure hardly depends
    on the grid; the plain share of questions with p_after < p_before (`declined`) does.
    """
    return lambda before, after: (
        (1 - unsolved(before, k)) * np.maximum(unsolved(after, k) - unsolved(before, k), 0)
    )


def gross_gained(k: int) -> Measure:
    """The excess of gained over noise from questions with p_after > p_before alone, in [0, 1]."""
    return lambda before, after: (
        unsolved(before, k) * np.maximum(unsolved(before, k) - unsolved(after, k), 0)
    )


def declined(margin: float = 0.0) -> Measure:
    """Whether p_after < p_before - margin, as 0 or 1.

    With margin 0 the law makes many questions fall by next to nothing even where nothing changed
    (about 5 % of 7,500 questions with 256 responses each); a margin of some standard errors of
    c/n does not.
    """
    return lambda before, after: (after < before - margin).astype(np.float64)


def covers_before(tau: float) -> Measure:
    """Whether p_before >= tau, as 0 or 1; its mean is Cover@tau (after: `swapped` of it)."""
    # Grid points that equal tau up to rounding are in.
    return lambda before, after: (before >= tau - 1e-12) + 0 * after


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
        Its variance counts two pseudo-questions that changed, as in `intervals.mean_change`.

    Raises:
        InputError: Fewer than two refits, or a level outside (0, 1).
    """
    values = _on_grid(law, measure)
    draws = np.array([expected(refit, measure) for refit in refits])
    low, high = _interval(expected(law, measure), draws, law.questions, level)
    least, greatest = float(values.min()), float(values.max())
    return Estimate(
        scale * expected(law, measure),
        scale * max(low, least),
        scale * min(high, greatest),
        None if identified is None else (scale * identified[0], scale * identified[1]),
    )


def posterior_mean(pairs: PairCounts, law: JointLaw, measure: Measure) -> FloatArray:
    """The expected value of the measure for a question, given its counts on both sides.

    Args:
        pairs: The counts.
        law: The law that stands for all questions.
        measure: For instance `gross(k)`: the questions most likely lost come first by it.

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
    expected count rounds to 0; whether p is 0 can't be told.

    Args:
        law: The law.
        bins_before: Bins of c out of n before.
        bins_after: The same after; default those before.

    Returns:
        Shape (bins, bins after), in questions: rows by p_before, columns by p_after.
    """
    members = []
    for bins, grid in (
        (bins_before, law.grid_before),
        (bins_after or bins_before, law.grid_after),
    ):
        ends = (np.array(bins.last[:-1]) + 0.5) / bins.n
        members.append(np.eye(len(bins))[np.searchsorted(ends, grid + 1e-12, side="right")])
    matrix: FloatArray = law.questions * members[0].T @ law.weights @ members[1]
    return matrix


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

    Returns:
        The figures; intervals as in `estimate`.

    Raises:
        InputError: n differs between questions or sides, or a bin that holds c = 0 holds other
            counts too.
    """
    k, moved = _moved_at_n(pairs, which)
    total = law.questions
    draws = np.asarray(weights, dtype=np.float64)
    in_draws = moved
    if pairs.pair_of_question is not None and draws.shape[1] != len(moved):
        in_draws = moved[pairs.pair_of_question]
    observed = float(pairs.counts @ moved)
    noises = np.array([expected(refit, noise(k)) for refit in refits])
    excess = observed / total - expected(law, noise(k))
    excesses = (draws @ in_draws) / draws.sum(axis=1) - noises
    low, high = _interval(excess, excesses, total, level)
    of_noise, of_gross = ranges or (None, None)
    of_excess = None
    if of_noise is not None:
        of_excess = observed - total * of_noise[1], observed - total * of_noise[0]
    gross = gross_lost(k) if which == "lost" else gross_gained(k)
    return MovesAtN(
        k=k,
        observed=round(observed),
        noise=estimate(law, refits, noise(k), scale=total, level=level, identified=of_noise),
        excess=Estimate(total * excess, total * max(low, -1.0), total * min(high, 1.0), of_excess),
        gross=estimate(law, refits, gross, scale=total, level=level, identified=of_gross),
    )


def _on_grid(law: JointLaw, measure: Measure) -> FloatArray:
    return measure(law.grid_before[:, None], law.grid_after[None, :])


def _interval(
    centre: float, draws: FloatArray, questions: int, level: float
) -> tuple[float, float]:
    if len(draws) < 2 or not 0 < level < 1:
        raise InputError(
            "An interval of the law needs two refits or more and a level between 0 and 1.",
            seen={"refits": len(draws), "level": level},
            remedy="Take 50 refits and level 0.95.",
        )
    variance = float(np.var(draws, ddof=1)) + 2 / questions**2
    half = float(stats.t.ppf((1 + level) / 2, len(draws) - 1)) * np.sqrt(variance)
    return centre - half, centre + half


def _moved_at_n(pairs: PairCounts, which: str) -> tuple[int, FloatArray]:
    """Number of tries n, and 1 for each pair solved on one side and unsolved on the other."""
    sides = [(pairs.before, pairs.before_row), (pairs.after, pairs.after_row)]
    ns = {int(n) for side, _ in sides for n in (*np.unique(side.n[side.c == 0]), side.n.max())}
    if len(ns) != 1:
        raise InputError(
            "Lost questions at k = n need the same n for every question on both sides.",
            seen=sorted(ns),
            remedy="Use k up to half the smallest n, where the tally alone is enough.",
        )
    solved = []
    for side, row in sides:
        some = _rows_with(side, side.c > 0)
        if np.any(some & _rows_with(side, side.c == 0)):
            raise InputError(
                "Lost questions at k = n need a bin of its own for c = 0.",
                seen="c = 0 shares its bin with other counts",
                remedy="Use k below n, or a matrix with a bin for the unsolved questions.",
            )
        solved.append(some[row])
    first, then = solved if which == "lost" else solved[::-1]
    return ns.pop(), (first & ~then).astype(np.float64)


def _rows_with(side: Side, outcomes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows hold an outcome of the kind."""
    held = np.zeros(side.rows, dtype=bool)
    held[side.row[outcomes & (side.row >= 0)]] = True
    return held
