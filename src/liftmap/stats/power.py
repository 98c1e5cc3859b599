"""How small a change a study can see, and the cheapest sampling plan that sees a given one.

Reads a law of p (from `pilot`, or one that is assumed) and sampling plans; gives changes of pass@k
(accuracy for k = 1), numbers of questions and of responses. Plans a study before it is sampled;
what a finished one needs is said by `verdict`, by the same formula for *within*.

**The change assumed.** Training adds to the log-odds of each question's p a common shift and an
own, normal part of standard deviation `spread`. The shift is what is detected; the spread makes
questions move both ways, as they do in practice, which costs power. Questions with p = 0 or 1 stay;
`pilot` leaves none of them. The default spread, 1, is about what the published matrix of Kim et al.
(arXiv 2505.14216, figure 9a) shows among questions of like difficulty.

**The test.** A change is detected when its interval, as `intervals.mean_changes` makes it, leaves
out 0: paired by question, with two pseudo-questions (see `floors`). Its variance has two parts,
summed over questions: that of the true changes, and that of both estimates given p, exact for the
plan. Within a cluster the true changes are correlated, the estimates given p are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, FixedPlan, Plan
from liftmap.stats.floors import FEW_UNITS, change_floor, size_beside
from liftmap.stats.law.fit import MarginalLaw
from liftmap.stats.moments import (
    ANGLES,
    SHIFTS,
    arcsine,
    moves_at,
    noise_at,
    pass_of_rate,
    plan_moments,
)
from liftmap.stats.passk import FloatArray
from liftmap.stats.verdict import needed_if_unchanged

Direction = Literal["up", "down"]

# A change of pass@k below this is none: all questions have p = 0 or 1.
_NOTHING = 1e-12
# Mean of |x|^3 of a standard normal x.
_NORMAL_CUBE = 2 * np.sqrt(2 / np.pi)
# No study has more questions.
_MOST_QUESTIONS = 10**12


@dataclass(frozen=True, slots=True)
class Detection:
    """When a change counts as detected, and what kind of change it is.

    Attributes:
        power: Chance that the interval leaves out 0 (or lies within the margin), between 0 and 1.
        level: Level of the interval, between 0 and 1.
        spread: Standard deviation of the questions' own changes of log-odds, 0 or more.
    """

    power: float = 0.8
    level: float = 0.95
    spread: float = 1.0


@dataclass(frozen=True, slots=True)
class Clusters:
    """How questions hang together in clusters, of which whole ones are drawn.

    Attributes:
        size: Mean number of questions of a cluster, 1 or more.
        size_of_question: Mean number of questions in a question's own cluster, `size` or more.
        correlation: Of the true changes of two questions of one cluster, 0 to 1.
    """

    size: float = 1.0
    size_of_question: float = 1.0
    correlation: float = 0.0


USUAL = Detection()
UNCLUSTERED = Clusters()


@dataclass(frozen=True, slots=True)
class Design:
    """A sampling plan and what it can show.

    Attributes:
        plan: How both models are sampled.
        k: Number of tries; 1 is accuracy.
        questions: Number of questions.
        change: The change of pass@k that is detected with the asked power, signed; 0 where the
            design shows that nothing changed.
        responses: Expected number of responses, both models and all questions together.
    """

    plan: Plan
    k: int
    questions: int
    change: float
    responses: float


def smallest_change(
    law: MarginalLaw,
    plan: Plan,
    k: int,
    questions: int,
    *,
    direction: Direction = "up",
    detection: Detection = USUAL,
    clusters: Clusters = UNCLUSTERED,
) -> Design | None:
    """The smallest change of pass@k that a study detects with the asked power.

    Args:
        law: The law of p before.
        plan: How both models are sampled, k responses or more (cap k or more).
        k: Number of tries; 1 is accuracy.
        questions: Number of questions, 2 or more.
        direction: Whether pass@k rises or falls.
        detection: When a change counts as detected.
        clusters: How the questions hang together.

    Returns:
        The design with its change; None if even the greatest possible change is not detected.

    Raises:
        InputError: k below 1 or above the plan's responses, fewer than 2 questions, or power,
            level or spread out of range.
    """
    test = _Test(law, plan, k, detection, clusters)
    _check_questions(questions)
    sign = 1 if direction == "up" else -1
    still = int(np.searchsorted(test.changes, 0.0))
    # From no change outwards: towards its end a change can lose power again, since all questions
    # move.
    steps = np.arange(still, len(SHIFTS)) if sign > 0 else np.arange(still - 1, -1, -1)
    changes = test.changes[steps]
    surplus = test.surplus(changes, test.moments[:, steps], questions)
    passed = np.flatnonzero((surplus >= 0) & (sign * changes > _NOTHING))
    if not len(passed):
        return None
    first = int(passed[0])
    change = float(changes[first])
    if first:
        low, high = surplus[first - 1], surplus[first]
        change += float((changes[first - 1] - change) * high / (high - low))
    return Design(plan, k, questions, change, questions * test.responses(change))


def needed_questions(
    law: MarginalLaw,
    plan: Plan,
    k: int,
    change: float,
    *,
    detection: Detection = USUAL,
    clusters: Clusters = UNCLUSTERED,
) -> Design | None:
    """The smallest number of questions with which a plan detects a change of pass@k.

    Args:
        law: The law of p before.
        plan: As in `smallest_change`.
        k: As in `smallest_change`.
        change: The change of pass@k to detect, signed, not 0; 0.01 is one point.
        detection: When a change counts as detected.
        clusters: How the questions hang together.

    Returns:
        The design; None if pass@k can't change as much (see `greatest_change`).

    Raises:
        InputError: As in `smallest_change`, and a change of 0.
    """
    test = _Test(law, plan, k, detection, clusters)
    if not change or not np.isfinite(change):
        raise InputError(
            "The change to detect must not be 0.", seen=change, remedy="0.01 is one point."
        )
    if not test.changes[0] < change < test.changes[-1]:
        return None
    moments = np.array([np.interp(change, test.changes, part) for part in test.moments])
    low, high = 1, _MOST_QUESTIONS
    while high - low > 1:
        middle = (low + high) // 2
        enough = test.surplus(change, moments, middle) >= 0
        low, high = (low, middle) if enough else (middle, high)
    return Design(plan, k, high, change, high * test.responses(change))


def needed_within(
    law: MarginalLaw,
    plan: Plan,
    k: int,
    margin: float,
    *,
    detection: Detection = USUAL,
    clusters: Clusters = UNCLUSTERED,
) -> Design | None:
    """The smallest number of questions with which an unchanged model is declared within the margin.

    Args:
        law: The law of p of both models.
        plan: As in `smallest_change`.
        k: As in `smallest_change`.
        margin: Half-width of the equivalence margin, a share between 0 and 1.
        detection: With which power, at which level; nothing changes, so the spread does not count.
        clusters: How the questions hang together.

    Returns:
        The design, with a change of 0; None if a billion questions are not enough.

    Raises:
        InputError: As in `smallest_change`, and a margin out of range.
    """
    _check_detection(detection)
    if not 0 < margin < 1:
        raise InputError(
            "The margin is a share between 0 and 1.", seen=margin, remedy="0.01 is one point."
        )
    angle, moments = arcsine(law.grid), plan_moments(plan, k)
    variance, mean_n = (
        float(law.weights @ np.interp(angle, ANGLES, part))
        for part in (moments.variance, moments.mean_n)
    )
    spread = float(np.sqrt(2 * variance))
    questions = needed_if_unchanged(
        spread, margin, level=detection.level, power=detection.power, unit=clusters.size
    )
    if questions is None:
        return None
    return Design(plan, k, questions, 0.0, questions * 2 * mean_n)


def greatest_change(law: MarginalLaw, k: int, direction: Direction = "up") -> float:
    """By how much pass@k can rise or fall at most, signed: every question solved, or none.

    Questions with p = 0 or 1 stay as they are.
    """
    between = law.weights * ((law.grid > 0) & (law.grid < 1))
    reached = 1.0 if direction == "up" else 0.0
    return float(between @ (reached - pass_of_rate(law.grid, k)))


def cheapest(designs: Sequence[Design | None], questions: int | None = None) -> tuple[Design, ...]:
    """The designs that are possible with so many questions, fewest responses first.

    Args:
        designs: From `needed_questions` or `needed_within`, one a plan.
        questions: How many questions there are; None for any number.

    Returns:
        Those that need no more questions.
    """
    possible = [
        design
        for design in designs
        if design is not None and (questions is None or design.questions <= questions)
    ]
    return tuple(sorted(possible, key=lambda design: design.responses))


def candidate_plans(k: int) -> tuple[Plan, ...]:
    """Fixed and curtailed plans worth trying for pass@k: k to 16 k responses at most a question.

    Raises:
        InputError: k below 1.
    """
    if k < 1:
        raise InputError("k must be 1 or more.", seen=k, remedy="k=1 is accuracy.")
    counts = [k * factor for factor in (1, 2, 4, 8, 16)]
    fixed = [FixedPlan(count) for count in counts]
    curtailed = [
        CurtailedPlan(stop_after=stop, cap=cap, round_size=size)
        for cap in counts[:3]
        for size in (4, 8, 16)
        for stop in (4, 8, 16, 32)
        if 2 * max(size, stop) <= cap
    ]
    return (*fixed, *curtailed)


class _Test:
    """The paired test of a change of pass@k under one plan, at each of `SHIFTS`."""

    def __init__(
        self, law: MarginalLaw, plan: Plan, k: int, detection: Detection, clusters: Clusters
    ) -> None:
        """Averages the moments of changes and estimates over the law."""
        _check_detection(detection)
        self.level, self.clusters = detection.level, clusters
        one = np.array([plan.most])
        side = Counts(one, 0 * one, plan)
        self.floor = float(change_floor([k], side, side, units=_MOST_QUESTIONS)[0])
        self.reserve = float(special.ndtri(detection.power))
        moves = moves_at(tuple(law.grid.tolist()), k, detection.spread)
        noise = noise_at(plan, tuple(law.grid.tolist()), k, detection.spread)
        self.changes = moves.mean @ law.weights
        self.moments = np.stack(
            [
                moves.square @ law.weights - self.changes**2,
                noise.variance @ law.weights,
                noise.cube @ law.weights,
            ]
        )
        self._responses = noise.responses @ law.weights

    def responses(self, change: float) -> float:
        """Expected responses of both models to one question."""
        return float(np.interp(change, self.changes, self._responses))

    def surplus(self, change: ArrayLike, moments: FloatArray, questions: int) -> FloatArray:
        """By how much the change exceeds what is detected with the power; 0 where just so.

        Args:
            change: The true mean change, any shape.
            moments: Shape (3, ...): of a question's change, the variance of the true one, that of
                both estimates given p, and the mean cube of the size of what is seen.
            questions: Number of questions.
        """
        change, clusters = np.asarray(change), self.clusters
        true, noise, cube = moments
        design = 1 + (clusters.size_of_question - 1) * clusters.correlation
        variance = questions * np.maximum(design * true + noise, 0)
        # The pseudo-questions, clusters of mean size, as large as small changes leave necessary.
        if clusters.size > 1:
            square = np.maximum(design * true + noise, 0) / clusters.size + change**2
            cube = _NORMAL_CUBE * square**1.5
        else:
            square = true + noise + change**2
        small = questions / clusters.size * np.maximum(square - cube, 0)
        floor = max(self.floor, min(1.0, FEW_UNITS * clusters.size / questions))
        scale = size_beside(floor, small)
        mass = scale * clusters.size
        whole = questions + 2 * mass
        centre = questions * change / whole
        spread = (
            variance
            + questions * clusters.size_of_question * (change - centre) ** 2
            + 2 * mass**2 * (1 + centre**2)
        )
        units = questions / clusters.size_of_question + 2 * scale
        freedom = np.maximum(units - 1, 1)
        half = special.stdtrit(freedom, (1 + self.level) / 2) * np.sqrt(spread * units / freedom)
        surplus: FloatArray = np.abs(centre) - (half + self.reserve * np.sqrt(variance)) / whole
        return surplus


def _check_questions(questions: int) -> None:
    if questions < 2:
        raise InputError(
            "A study needs two questions or more.", seen=questions, remedy="Give more questions."
        )


def _check_detection(detection: Detection) -> None:
    power, level, spread = detection.power, detection.level, detection.spread
    if not 0 < power < 1 or not 0 < level < 1 or not 0 <= spread < np.inf:
        raise InputError(
            "Power and level lie between 0 and 1, and the spread is 0 or more.",
            seen=detection,
            remedy="Try power 0.8, level 0.95, spread 1.",
        )
