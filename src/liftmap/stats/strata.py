"""Means over several strata of questions, such as benchmarks, each with a share of its own.

Beside `intervals`: reads one value per question of each stratum, gives the weighted mean of the
strata's means with an interval. Questions are drawn within their stratum (a stratified bootstrap),
independently of the others': a benchmark keeps its share in every resample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Estimate
from liftmap.stats.passk import FloatArray
from liftmap.stats.resampling import NO_PSEUDO, Pseudo, WeightArray, resampled_sums
from liftmap.stats.spread import Spread


@dataclass(frozen=True, slots=True, eq=False)
class Stratum:
    """The questions of one stratum.

    Attributes:
        values: Shape (rows,): a value for each row.
        share: The weight of its mean; the shares of all strata add up to 1.
        counts: Shape (rows,): how many questions each row stands for; None: one.
        cluster: Shape (rows,): labels of clusters; None: each question is its own.
        weights: Shape (resamples, rows), drawn for this stratum alone; None: analytic.
        pseudo: The pseudo-questions that its mean counts; see `resampling.Pseudo`.
    """

    values: FloatArray
    share: float
    counts: ArrayLike | None = None
    cluster: ArrayLike | None = None
    weights: WeightArray | None = None
    pseudo: Pseudo = NO_PSEUDO


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """The mean over strata, and what its interval is made of.

    Attributes:
        estimate: The weighted mean.
        centre: The same with the pseudo-questions.
        error: Its standard error.
        freedom: Degrees of freedom of Student's t (Satterthwaite 1946, doi 10.2307/3002019).
        draws: Shape (resamples,): resampled means, spread as far as the estimate is; None where
            the interval is analytic.
    """

    estimate: float
    centre: float
    error: float
    freedom: float
    draws: FloatArray | None

    def interval(self, level: float) -> Estimate:
        """The mean with its interval: the expanded percentile interval, or the analytic one.

        Args:
            level: Chance that it holds the true mean, between 0 and 1.
        """
        student = float(special.stdtrit(self.freedom, (1 + level) / 2))
        if self.draws is None:
            low, high = self.centre - student * self.error, self.centre + student * self.error
        else:
            tail = float(special.ndtr(-student))
            low, high = np.quantile(self.draws, [tail, 1 - tail])
        return Estimate(self.estimate, float(low), float(high))

    @property
    def p_value(self) -> float:
        """The two-sided p-value that the true mean is 0: the interval turned round."""
        if self.error == 0:
            return 1.0 if self.centre == 0 else 0.0
        analytic = float(2 * special.stdtr(self.freedom, -abs(self.centre) / self.error))
        if self.draws is None:
            return analytic
        beyond = float(min(np.mean(self.draws <= 0), np.mean(self.draws >= 0)))
        reached = -special.ndtri(min(max(beyond, 0.5 / len(self.draws)), 0.5))
        p = float(2 * special.stdtr(self.freedom, -max(reached, 0.0)))
        return p if beyond > 0 else min(p, analytic)


def pooled_mean(strata: Sequence[Stratum], rng: np.random.Generator) -> Pooled:
    """The weighted mean of the strata's means.

    Each stratum's resampled means are spread by the factor with which its bootstrap falls short of
    its standard error, and its pseudo-questions are drawn as its questions are.

    Args:
        strata: One or more strata.
        rng: Source of the draws of pseudo-questions.

    Returns:
        The mean, from which intervals at any level are made.

    Raises:
        InputError: No stratum, one with fewer than two questions (or clusters), or other numbers of
            resamples.
    """
    if not strata:
        raise InputError("A pooled mean needs a stratum.", seen=0, remedy="Give one or more.")
    spreads = [
        Spread.of(
            stratum.values[:, None],
            np.ones((len(stratum.values), 1)),
            stratum.counts,
            stratum.cluster,
            stratum.pseudo,
        )
        for stratum in strata
    ]
    shares = np.array([stratum.share for stratum in strata])
    estimates, centres, errors, freedoms = (
        np.array([getattr(spread, name)[0] for spread in spreads])
        for name in ("estimate", "centre", "error", "freedom")
    )
    variances = (shares * errors) ** 2
    total = float(variances.sum())
    freedom = total**2 / float((variances**2 / freedoms).sum()) if total > 0 else freedoms.sum()
    weights = [stratum.weights for stratum in strata]
    draws: FloatArray | None = None
    if all(drawn is not None for drawn in weights):
        if len({len(drawn) for drawn in weights if drawn is not None}) > 1:
            raise InputError(
                "All strata need the same number of resamples.",
                seen=[len(drawn) for drawn in weights if drawn is not None],
                remedy="Draw as many for each.",
            )
        parts = [
            share * (centre + np.sqrt(spread.expansion[0]) * (_drawn(spread, drawn, rng) - centre))
            for share, centre, spread, drawn in zip(shares, centres, spreads, weights, strict=True)
            if drawn is not None
        ]
        draws = np.sum(parts, axis=0)
    return Pooled(
        float(shares @ estimates), float(shares @ centres), total**0.5, float(freedom), draws
    )


def _drawn(spread: Spread, weights: WeightArray, rng: np.random.Generator) -> FloatArray:
    """The resampled means of a stratum, each pseudo-question drawn Poisson(1) times."""
    top, bottom = resampled_sums(weights, np.hstack([spread.top, spread.bottom])).T
    scale = float(np.asarray(spread.pseudo.scale, dtype=np.float64).ravel()[0]) * spread.size
    for value in spread.pseudo.values:
        top = top + scale * value * rng.poisson(size=len(top))
    means: FloatArray = top / (bottom + len(spread.pseudo.values) * spread.pseudo.mass * scale)
    return means
