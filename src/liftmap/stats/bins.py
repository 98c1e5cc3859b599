"""Difficulty bins, and changes by difficulty that the binning itself does not make.

Reads tallies, gives bins of difficulty (the success rate of the model before training) and means
within them; `transitions` uses the same bins. Binning and measuring on the same responses makes
easy questions seem to fall and hard ones to rise (regression to the mean). So the default is
cross-fitted: one part of the before-responses bins a question and the other measures it, averaged
over all ways to split them. A question then carries weights over bins, and no seed is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, Unpack

import numpy as np
from numpy.typing import ArrayLike

from liftmap.errors import InputError
from liftmap.records import Change, Counts, Estimate, Plan
from liftmap.stats.intervals import IntervalOptions, ratios
from liftmap.stats.orders import block_sizes, log_choose, log_orders, log_orders_in_all
from liftmap.stats.passk import (
    FloatArray,
    IntArray,
    checked_counts,
    checked_sides,
    distinct,
    pass_at_k,
)
from liftmap.stats.resampling import CHANGE, SHARE, Pseudo, clipped, counts_of

# Largest count of each bin out of 256 in the study of Kim et al. (arXiv 2505.14216).
_STUDY_RESPONSES = 256
_STUDY_LAST = (0, 4, 16, 32, 64, 128, 192, 256)
# Numbers held at once while chances run over counts: 32 MB of float64.
_BLOCK = 4_000_000
# Below this expected number of questions a bin counts as empty.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins of difficulty, by the share of right responses.

    Attributes:
        n: The number of responses that the bins are stated for.
        last: The largest count of right responses of each bin, out of n; increasing, the last
            one n itself. A bin begins where the one before ends; as shares of n the bins hold for
            any other number of responses.
    """

    n: int
    last: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.last)

    @property
    def labels(self) -> tuple[str, ...]:
        """The counts of each bin out of n, such as "0", "1-4", "5-16"."""
        return self.labels_at(self.n)

    def labels_at(self, n: int) -> tuple[str, ...]:
        """The counts of each bin out of another number of responses; "" if a bin holds none."""
        ends = [last * n // self.n for last in self.last]
        begins = [0] + [end + 1 for end in ends[:-1]]
        return tuple(
            "" if a > b else str(a) if a == b else f"{a}-{b}"
            for a, b in zip(begins, ends, strict=True)
        )


def study_bins(n: int) -> Bins:
    """The bins of the study: 0, 1-4, 5-16, 17-32, 33-64, 65-128, 129-192, 193-256 of 256.

    Args:
        n: Number of responses; for another number than 256 the same shares are taken, and bins
            that would hold no count are left out.

    Returns:
        The bins.

    Raises:
        InputError: n below 1.
    """
    if n < 1:
        raise InputError("Bins need at least one response.", seen=n, remedy="Give n of 1 or more.")
    ends = sorted({last * n // _STUDY_RESPONSES for last in _STUDY_LAST})
    return Bins(n, tuple(ends))


def quantile_bins(side: Counts, count: int, counts: ArrayLike | None = None) -> Bins:
    """Bins that hold about as many questions each, by their share of right responses.

    Args:
        side: The counts, each n 1 or more.
        count: Number of bins wanted; fewer come back where many questions tie.
        counts: Shape (rows,): how many questions each row stands for; default one.

    Returns:
        The bins, stated for the largest n.

    Raises:
        InputError: Impossible counts, no response, or fewer than two bins wanted.
    """
    side = checked_counts(side)
    responses, right = side.n, side.c
    if count < 2 or not len(responses) or int(responses.min()) < 1:
        raise InputError(
            "Quantile bins need two bins or more and a response to every question.",
            seen={"bins": count, "questions": len(responses)},
            remedy="Ask for 2 or more bins, and leave out questions without responses.",
        )
    most = int(responses.max())
    scaled = -(-right * most // responses)
    weights = counts_of(counts, len(scaled))
    shares = np.arange(1, count) / count
    cuts = np.quantile(scaled, shares, weights=weights, method="inverted_cdf").astype(np.int64)
    return Bins(most, tuple(sorted({*cuts.tolist(), most})))


def custom_bins(text: str, n: int) -> Bins:
    """Bins written as counts out of n, such as "0,1-4,5-128,129-256".

    Args:
        text: Comma-separated counts or ranges from 0 to n, without gap or overlap.
        n: Number of responses that the counts are out of.

    Returns:
        The bins.

    Raises:
        InputError: Something that is not a range, a gap, an overlap, or an end other than n.
    """
    remedy = f'Write ranges from 0 to {n} without gap or overlap, such as "0,1-{n}".'
    last: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", part)
        if match is None:
            raise InputError("This is not a bin.", seen=part, remedy=remedy)
        begin, end = int(match[1]), int(match[2] or match[1])
        if begin != (last[-1] + 1 if last else 0) or end < begin:
            raise InputError("The bins leave a gap or overlap here.", seen=part, remedy=remedy)
        last.append(end)
    if last[-1] != n:
        raise InputError(f"The bins must end at n = {n}.", seen=text, remedy=remedy)
    return Bins(n, tuple(last))


def assign(c: ArrayLike, n: ArrayLike, bins: Bins) -> IntArray:
    """The bin of each count of right responses.

    Args:
        c: Right responses, any shape.
        n: Responses, a shape that broadcasts with c; shares of another n than the bins' are
            compared exactly, in whole numbers.
        bins: The bins.

    Returns:
        Bin numbers from 0, in the broadcast shape.
    """
    scaled, limits = np.asarray(c) * bins.n, np.asarray(n)
    index = np.zeros(np.broadcast_shapes(scaled.shape, limits.shape), dtype=np.int64)
    for last in bins.last[:-1]:
        index += scaled > last * limits
    return index


@dataclass(frozen=True, slots=True, eq=False)
class CrossFit:
    """The before-model's difficulty of each question, found on one part of its responses.

    Attributes:
        bins: The bins.
        k: Number of tries that `before` is measured with.
        weights: Shape (questions, bins): chance, over all splits, that the question falls into
            the bin; each row adds up to 1.
        before: Shape (questions, bins): weight times pass@k on the part left, averaged over the
            same splits. Sum of `before` over sum of `weights` is the bin's pass@k.
    """

    bins: Bins
    k: int
    weights: FloatArray
    before: FloatArray


def cross_fitted_weights(before: Counts, bins: Bins, k: int = 1) -> CrossFit:
    """Bins questions on one part of their responses and measures them on the rest.

    Under a fixed plan the part is a half (n // 2) and all splits are averaged: the count in a
    half is hypergeometric. Under a curtailed plan it is the first few responses (see
    `orders.block_sizes`), which no question can have stopped before; given the tally, the orders
    that the plan allows are averaged. Either way the responses that measure are independent of
    those that bin, so a bin's mean is unbiased for the questions that fall into it.

    Args:
        before: The counts before.
        bins: The bins; their shares are taken of the part that bins.
        k: Number of tries to measure with, at most what is left of the responses.

    Returns:
        Weights and measures.

    Raises:
        InputError: Impossible counts, fewer than two responses, k above what is left, or a tally
            that its curtailed plan can't give.
    """
    side = checked_counts(before)
    groups = distinct(side.n, side.c)
    n, c = groups.columns
    rows = Counts(n, c, side.plan)
    sizes = block_sizes(rows.n, rows.plan)
    left = rows.supported - sizes
    if len(left) and not 1 <= k <= int(left.min()):
        raise InputError(
            "Change by difficulty measures with the responses that did not bin; k does not fit.",
            seen={"k": k, "responses left": int(left.min())},
            remedy="Take a k from 1 to the responses left, at most half of n.",
        )
    weights = _shares_of_rows(rows, bins, sizes)
    failed = _shares_of_rows(rows, bins, sizes, wrong_after=k)
    return CrossFit(bins, k, weights[groups.inverse], (weights - failed)[groups.inverse])


class SplitLabels(NamedTuple):
    """What the bins of cross-fitted figures are called.

    Attributes:
        size: Responses of each question that bin it, so that a label reads "0 of 2"; None where
            questions differ in it, and the labels are then those of the bins themselves.
        labels: Counts of each bin out of `size`; "" for a bin that no count falls into.
    """

    size: int | None
    labels: tuple[str, ...]


def split_labels(n: ArrayLike, bins: Bins, plan: Plan | None = None) -> SplitLabels:
    """The labels of bins that questions fall into by a part of their responses.

    Args:
        n: Shape (questions,): scored responses before, 2 or more.
        bins: The bins.
        plan: How the responses were drawn; None is taken as fixed.

    Returns:
        The number of responses that `cross_fitted_weights` bins with, and the labels out of it.

    Raises:
        InputError: A question with fewer than two responses, or a plan too short to split.
    """
    sizes = set(block_sizes(np.unique(np.asarray(n, dtype=np.int64)), plan).tolist())
    if len(sizes) != 1:
        return SplitLabels(None, bins.labels)
    [size] = sizes
    return SplitLabels(size, bins.labels_at(size))


def block_weights(side: Counts, bins: Bins, sizes: IntArray) -> FloatArray:
    """The chance of each bin for a part of a question's responses, averaged over all splits.

    Args:
        side: The counts, checked.
        bins: The bins.
        sizes: Shape (questions,): number of responses in the part, at most that of
            `orders.block_sizes`.

    Returns:
        Shape (questions, bins); rows add up to 1.
    """
    groups = distinct(side.n, side.c, sizes)
    n, c, parts = groups.columns
    return _shares_of_rows(Counts(n, c, side.plan), bins, parts)[groups.inverse]


def _shares_of_rows(rows: Counts, bins: Bins, sizes: IntArray, wrong_after: int = 0) -> FloatArray:
    """Share of the orders in which the first `sizes` fall into a bin and the next few are wrong."""
    shares = np.zeros((len(rows.n), len(bins)))
    right = np.arange(int(sizes.max(initial=0)) + 1)[None, :]
    step = max(1, _BLOCK // right.size)
    for start in range(0, len(rows.n), step):
        block = slice(start, start + step)
        n, c, size = (column[block, None] for column in (rows.n, rows.c, sizes))
        orders = log_orders(n, c, size + wrong_after, right, rows.plan)
        chance = np.exp(log_choose(size, right) + orders - log_orders_in_all(n, c, rows.plan))
        bin_of = assign(right, size, bins)
        for index in range(len(bins)):
            shares[block, index] = np.where(bin_of == index, chance, 0).sum(axis=1)
    return shares


@dataclass(frozen=True, slots=True)
class BinMean:
    """The mean of something over the questions of one bin.

    Attributes:
        label: The bin's counts, out of the n of its `Bins`.
        questions: Expected number of questions in the bin.
        mean: Mean over them.
    """

    label: str
    questions: float
    mean: Estimate


@dataclass(frozen=True, slots=True)
class BinChange(Change):
    """pass@k of one bin before and after, shares of 1.

    Attributes:
        place: Number of the bin, 0 the hardest.
        label: The bin's counts, out of the n of its `Bins`.
        questions: Expected number of questions in the bin.
        k: Number of tries; 1 is accuracy.
        band: Ends of the band that holds the changes of all bins at once; None where none was made.
        responses: Responses of a question that put it into the bin, which `label` counts out of;
            None where questions differ in it: the label is then out of the n of its `Bins`.
    """

    place: int
    label: str
    questions: float
    k: int = 1
    band: tuple[float, float] | None = None
    responses: int | None = None

    @property
    def survives(self) -> bool:
        """Whether the change is one even though many bins were looked at: the band leaves out 0."""
        return self.band is not None and (self.band[0] > 0 or self.band[1] < 0)


def mean_by_bin(
    fit: CrossFit, values: ArrayLike, **options: Unpack[IntervalOptions]
) -> list[BinMean]:
    """Means of one value per question by difficulty before, for values on any scale.

    The value must not be measured on the before-responses themselves; for those, `change_by_bin`
    keeps the binning and the measuring part apart.

    Args:
        fit: From `cross_fitted_weights`, for the same questions.
        values: Shape (questions,).
        **options: weights, counts, cluster and level, as in `intervals.mean`.

    Returns:
        One record for each bin that any question may fall into.

    Raises:
        InputError: Fewer than two questions, or arrays that do not fit.
    """
    column = np.asarray(values, dtype=np.float64)[:, None]
    kept, masses = _filled_bins(fit, options)
    shares = fit.weights[:, kept]
    means = ratios(shares * column, shares, pseudo=_pooled(column[:, 0], options), **options)
    return [
        BinMean(fit.bins.labels[index], float(mass), mean)
        for index, mass, mean in zip(kept, masses, means, strict=True)
    ]


def change_by_bin(
    before: Counts,
    after: Counts,
    bins: Bins,
    *,
    k: int = 1,
    **options: Unpack[IntervalOptions],
) -> list[BinChange]:
    """pass@k before and after, and its change, by difficulty before, cross-fitted.

    Small bins get intervals that count pseudo-questions besides their own: for accuracy two whose
    spread is that of the changes of all questions (two more that change by sqrt(2/n) among them,
    so that two or three alike ones are not all there is), for k above 1 those of `mean_change`
    (floor). Without the two, some bin of 2 unchanged questions survived in 17 % of comparisons.

    Args:
        before: The counts before.
        after: The counts after, the same rows.
        bins: Bins of difficulty before.
        k: Number of tries; 1 gives accuracy; at most half of the least n before.
        **options: weights, counts, cluster and level, as in `intervals.mean`.

    Returns:
        One record for each bin that any question may fall into, easiest last. Labels name shares:
        a bin narrower than one response of a half stays empty and is left out.

    Raises:
        InputError: Impossible counts, k too large, fewer than two questions, or arrays that do
            not fit.
    """
    before, after = checked_sides(before, after)
    fit = cross_fitted_weights(before, bins, k)
    solved_after = pass_at_k(after.n, after.c, [k], after.plan)
    filled, masses = _filled_bins(fit, options)
    shares, solved_before = fit.weights[:, filled], fit.before[:, filled]
    floor = float(np.sqrt(np.mean(1 / np.minimum(before.n, after.n)) * 2))
    spread = _pooled(solved_after[:, 0] - fit.before.sum(axis=1), options, min(1.0, floor))
    # Accuracies before vary little within a bin: their spread is that within all bins.
    times = counts_of(options.get("counts"), len(shares))
    around = solved_before - shares * ((times @ solved_before) / masses)
    narrow = float(np.sqrt((times @ around**2).sum() / (times @ shares**2).sum()))
    pooled = (Pseudo((narrow, -narrow), mass=0.0), spread, spread)
    floors = pooled if k == 1 else (SHARE, SHARE, CHANGE)
    columns = (solved_before, shares * solved_after, shares * solved_after - solved_before)
    figures = [
        [clipped(estimate, lowest) for estimate in ratios(values, shares, pseudo=floor, **options)]
        for values, floor, lowest in zip(columns, floors, (0.0, 0.0, -1.0), strict=True)
    ]
    size, labels = split_labels(before.n, bins, before.plan)
    return [
        BinChange(first, then, change, int(place), labels[place], float(mass), k, responses=size)
        for place, mass, first, then, change in zip(filled, masses, *figures, strict=True)
    ]


def _pooled(values: FloatArray, options: IntervalOptions, floor: float = 0.0) -> Pseudo:
    """Two pseudo-questions with the spread of one value over all questions.

    Two more questions, that far above and below the middle as the floor, count in that spread.
    """
    weights = counts_of(options.get("counts"), len(values))
    middle = np.average(values, weights=weights)
    squares = float(weights @ (values - middle) ** 2) + 2 * floor**2
    spread = float(np.sqrt(squares / (weights.sum() + 2 * (floor > 0))))
    return Pseudo((spread, -spread), mass=0.0)


def _filled_bins(fit: CrossFit, options: IntervalOptions) -> tuple[IntArray, FloatArray]:
    """The bins that some question falls into, and the expected number of questions in each."""
    masses = counts_of(options.get("counts"), len(fit.weights)) @ fit.weights
    kept = np.flatnonzero(masses > _NOTHING)
    if not len(kept):
        raise InputError(
            "There are no questions to put into bins.",
            seen=len(fit.weights),
            remedy="Check that the two sides share questions.",
        )
    return kept, masses[kept]
