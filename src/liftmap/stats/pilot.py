"""What a pilot says of the questions that a study would ask: their law of p, and how sure it is.

Reads the tally of the model before, gives what `power` plans with: the law of p, how questions hang
together in clusters, and both refitted to resamples of the pilot, so that every planned number has
an interval.

**What a pilot of n responses can't tell.** Success rates of 0 and of 1/(10 n) give the same counts,
and so do 1 and 1 - 1/(10 n). With questions at 0, that no training moves, no number of questions
would show a rise; so the law's mass below 1/(10 n) stands there, and likewise at the other end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Counts
from liftmap.stats.intervals import bootstrap_weights
from liftmap.stats.law.counts import pair_counts
from liftmap.stats.law.fit import JointLaw, MarginalLaw, fit_joint_law, refit_laws
from liftmap.stats.moments import pass_of_rate
from liftmap.stats.passk import FloatArray, distinct, pass_at_k
from liftmap.stats.power import UNCLUSTERED, Clusters
from liftmap.stats.resampling import labels_of

# The success rate that stands for all nearer to 0 is 1 / (so many times n).
_FINER = 10


@dataclass(frozen=True, slots=True, eq=False)
class Pilot:
    """The questions of a study, as a pilot shows them.

    Attributes:
        law: The law of p, without mass nearer to 0 or 1 than the responses can tell.
        clusters: How the questions hang together.
        refits: Law and clusters of each resample of the pilot.
    """

    law: MarginalLaw
    clusters: Clusters
    refits: tuple[tuple[MarginalLaw, Clusters], ...]


def fit_pilot(
    counts: Counts,
    k: int,
    *,
    rng: np.random.Generator,
    cluster: ArrayLike | None = None,
    resamples: int = 50,
) -> Pilot:
    """Fits the law of p to a pilot and to resamples of its questions.

    Args:
        counts: The pilot, a row a question.
        k: Number of tries, at most what the pilot supports: the correlation within clusters is
            that of pass@k.
        rng: Source of all randomness.
        cluster: Shape (questions,): labels; whole clusters are resampled.
        resamples: Number of resamples, 2 or more.

    Returns:
        The pilot.

    Raises:
        InputError: No question, impossible counts, a question without a scored response, a single
            cluster, or fewer than two resamples.
    """
    if resamples < 2:
        raise InputError(
            "Intervals of a plan need two resamples or more.", seen=resamples, remedy="Take 50."
        )
    # Before and after the same, the second side with a grid of one point that says nothing.
    once = np.ones(len(counts.n), dtype=np.int64)
    pairs = pair_counts(counts, Counts(once, once))
    assert pairs.pair_of_question is not None
    law = fit_joint_law(pairs, grid_after=np.ones(1), rounds=2000)
    if cluster is None:
        weights = bootstrap_weights(len(pairs.counts), resamples, rng, counts=pairs.counts)
        groups = None
    else:
        groups = _Groups(counts, k, labels_of(cluster, len(counts.n)))
        draws = bootstrap_weights(groups.count, resamples, rng)
        cells = distinct(groups.member, pairs.pair_of_question)
        weights = np.stack(
            [np.bincount(cells.columns[1], draw[cells.columns[0]] * cells.counts) for draw in draws]
        ).astype(np.int32)
    laws = [_usable(one, counts) for one in (law, *refit_laws(pairs, law, weights))]
    if groups is None:
        return Pilot(laws[0], UNCLUSTERED, tuple((refit, UNCLUSTERED) for refit in laws[1:]))
    times = [np.ones(groups.count), *draws.astype(np.float64)]
    clusters = [groups.clusters(one, draw) for one, draw in zip(laws, times, strict=True)]
    return Pilot(laws[0], clusters[0], tuple(zip(laws[1:], clusters[1:], strict=True)))


def interval_of(
    value: float, draws: Sequence[float | None], level: float
) -> tuple[float, float | None]:
    """The interval of a planned number above 0, from its values at the refits.

    Args:
        value: The number.
        draws: Its values at the refits; None where the refit allows none.
        level: Chance that the interval should hold the number that all questions would give.

    Returns:
        Its ends: the number times and divided by what Student's t times the standard deviation of
        its logarithm gives. No high end where refits allow none more often than 1 - level.
    """
    finite = np.log([draw for draw in draws if draw is not None])
    if len(finite) < 2:
        return value, None
    half = special.stdtrit(len(finite) - 1, (1 + level) / 2) * float(finite.std(ddof=1))
    known = len(finite) >= level * len(draws)
    return value * float(np.exp(-half)), value * float(np.exp(half)) if known else None


def _usable(law: JointLaw, counts: Counts) -> MarginalLaw:
    """The law before, without mass nearer to 0 or 1 than the responses can tell."""
    n = int(counts.supported.max())
    nearest = 1 / (_FINER * n)
    grid = np.clip(law.grid_before, nearest, 1 - nearest)
    return MarginalLaw(grid, law.weights.sum(axis=1), law.questions, law.log_likelihood)


class _Groups:
    """The clusters of a pilot, and what their correlation is made from."""

    def __init__(self, counts: Counts, k: int, member: ArrayLike) -> None:
        self.member = np.asarray(member)
        self.count = int(self.member.max()) + 1
        if self.count < 2:
            raise InputError(
                "All questions belong to one cluster: nothing shows how far others would differ.",
                seen=self.count,
                remedy="Name another column with --cluster, or give none.",
            )
        self.k = k
        values = pass_at_k(counts.n, counts.c, [k], counts.plan)[:, 0]
        self.size = np.bincount(self.member).astype(np.float64)
        self.sum = np.bincount(self.member, values)
        self.square = np.bincount(self.member, values**2)

    def clusters(self, law: MarginalLaw, times: FloatArray) -> Clusters:
        """The sizes and the correlation, where each cluster counts so many times.

        The estimates of two questions have independent errors, so the covariance over pairs of one
        cluster is that of the true values; their variance is the law's.
        """
        total = times @ self.size
        middle = times @ self.sum / total
        deviation = self.sum - self.size * middle
        square = self.square - 2 * middle * self.sum + self.size * middle**2
        pairs = times @ (self.size * (self.size - 1))
        passed = pass_of_rate(law.grid, self.k)
        variance = law.weights @ (passed - law.weights @ passed) ** 2
        correlation = 0.0
        if pairs > 0 and variance > 0:
            covariance = times @ (deviation**2 - square) / pairs
            # The mean is that of the same clusters, which makes deviations from it too small.
            covariance += times @ deviation**2 / total**2
            correlation = float(np.clip(covariance / variance, 0, 1))
        of_question = times @ self.size**2 / total
        return Clusters(float(total / times.sum()), float(of_question), correlation)
