"""How small a change a study can see, and the cheapest sampling plan that sees a wanted one.

Reads a law of p (`law.fit_marginal_law`) or one that is assumed, and sampling plans; gives changes
of pass@k (accuracy for k = 1), numbers of questions and of responses. Plans a study before it is
sampled; what a finished one needs is said by `verdict`.

**The change assumed.** Training adds to the log-odds of each question's p a common shift and an
own, normal part of standard deviation `spread`. The shift is what is detected; the spread makes
questions move both ways, as they do in practice, which costs power. Questions with p = 0 or 1 stay.
The default spread, 1, is about what the published matrix of Kim et al. (arXiv 2505.14216, figure
9a) shows among questions of like difficulty.

**The test.** A change is detected when the interval of `intervals.mean_change` leaves out 0: paired
by question, with two pseudo-questions for k > 1. Its variance has two parts, summed over questions:
that of the true changes, and that of both estimates given p, exact for the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special

from liftmap.errors import InputError
from liftmap.records import CurtailedPlan, FixedPlan, Plan
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.law.fit import MarginalLaw
from liftmap.stats.passk import FloatArray, pass_at_k

Direction = Literal["up", "down"]

# The normal law of the own part of a change, by Gauss-Hermite quadrature.
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
# Success rates at which the moments of a plan are found; in between they are interpolated.
_ANGLES = np.linspace(0, np.pi / 2, 801)
# Beyond this shift of the log-odds every question that can be solved is.
_FARTHEST = 30.0
# A change of pass@k below this is none: all questions have p = 0 or 1.
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Detection:
    """When a change counts as detected.

    Attributes:
        power: Chance that the interval leaves out 0, between 0 and 1.
        level: Level of the interval, between 0 and 1.
        spread: Standard deviation of the questions' own changes of log-odds, 0 or more.
    """

    power: float = 0.8
    level: float = 0.95
    spread: float = 1.0


_USUAL = Detection()


@dataclass(frozen=True, slots=True)
class Design:
    """A sampling plan and what it can detect.

    Attributes:
        plan: How both models are sampled.
        k: Number of tries; 1 is accuracy.
        questions: Number of questions.
        change: The change of pass@k that is detected with the asked power, signed.
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
    detection: Detection = _USUAL,
) -> Design | None:
    """The smallest change of pass@k that a study detects with the asked power.

    Args:
        law: The law of p before.
        plan: How both models are sampled, k responses or more (cap k or more).
        k: Number of tries; 1 is accuracy.
        questions: Number of questions, 2 or more.
        direction: Whether pass@k rises or falls.
        detection: When a change counts as detected.

    Returns:
        The design with its change; None if even the greatest possible change is not detected.

    Raises:
        InputError: k below 1 or above the plan's responses, fewer than 2 questions, or power,
            level or spread out of range.
    """
    test = _Test(law, plan, k, detection)
    _check_questions(questions)
    sign = 1.0 if direction == "up" else -1.0
    far = sign * _FARTHEST
    if abs(test.change(far)) < _NOTHING:
        return None
    still = test.shift_of(0.0)

    def margin(shift: float) -> float:
        return test.margin(shift, questions, sign)

    # Towards its end a change can lose power again, since all questions move: search outwards.
    steps = still + (far - still) * np.linspace(0, 1, 121) ** 2
    passed = [index for index, step in enumerate(steps) if margin(float(step)) >= 0]
    if not passed:
        return None
    first = max(passed[0], 1)
    shift = float(optimize.brentq(margin, steps[first - 1], steps[first], xtol=1e-6))
    return Design(
        plan, k, questions, test.change(shift), questions * test.responses_per_question(shift)
    )


def needed_questions(
    law: MarginalLaw,
    plan: Plan,
    k: int,
    change: float,
    *,
    detection: Detection = _USUAL,
) -> Design | None:
    """The smallest number of questions with which a plan detects a change of pass@k.

    Args:
        law: The law of p before.
        plan: As in `smallest_change`.
        k: As in `smallest_change`.
        change: The wanted change of pass@k, signed, not 0; 0.01 is one point.
        detection: When a change counts as detected.

    Returns:
        The design; None if no shift of the log-odds changes pass@k as much, or if 10 million
        questions are too few.

    Raises:
        InputError: As in `smallest_change`, and a change of 0.
    """
    test = _Test(law, plan, k, detection)
    if not change or not np.isfinite(change):
        raise InputError(
            "The change to detect must not be 0.", seen=change, remedy="0.01 is one point."
        )
    sign = float(np.sign(change))
    if (test.change(sign * _FARTHEST) - change) * sign <= 0:
        return None
    shift = test.shift_of(change)
    low, high = 1, 10_000_000
    if test.margin(shift, high, sign) < 0:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if test.margin(shift, middle, sign) >= 0 else (middle, high)
    return Design(plan, k, high, change, high * test.responses_per_question(shift))


def cheapest_plans(
    law: MarginalLaw,
    k: int,
    change: float,
    questions: int,
    *,
    plans: Sequence[Plan] | None = None,
    detection: Detection = _USUAL,
) -> tuple[Design, ...]:
    """The plans that detect a wanted change of pass@k, cheapest first.

    Args:
        law: The law of p before.
        k: Number of tries; 1 is accuracy.
        change: The wanted change, as in `needed_questions`.
        questions: How many questions there are.
        plans: Plans to choose from; default `candidate_plans(k)`.
        detection: When a change counts as detected.

    Returns:
        One design for each plan that needs no more than these questions, with the number that it
        needs; empty if more questions are needed whatever the plan. Cost is the expected number of
        responses.

    Raises:
        InputError: As in `needed_questions`.
    """
    _check_questions(questions)
    designs = []
    for plan in candidate_plans(k) if plans is None else plans:
        found = needed_questions(law, plan, k, change, detection=detection)
        if found is not None and found.questions <= questions:
            designs.append(found)
    return tuple(sorted(designs, key=lambda design: design.responses))


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
    """The paired test of a change of pass@k under one plan, as a function of the shift."""

    def __init__(self, law: MarginalLaw, plan: Plan, k: int, detection: Detection) -> None:
        """Finds the moments of the plan's estimates at all success rates."""
        power, level, spread = detection.power, detection.level, detection.spread
        if not 0 < power < 1 or not 0 < level < 1 or not 0 <= spread < np.inf:
            raise InputError(
                "Power and level lie between 0 and 1, and the spread is 0 or more.",
                seen=detection,
                remedy="Try power 0.8, level 0.95, spread 1.",
            )
        self.k = k
        self.law = law
        self.spread = spread
        self.floor = 2 if k > 1 else 0
        self.detect = float(special.ndtri((1 + level) / 2))
        self.reserve = float(special.ndtri(power))
        self.mean_n, self.variance = _moments(plan, k)
        self.pass_before = _pass(law.grid, k)
        self.log_odds = special.logit(law.grid)

    def _after(self, shift: float) -> FloatArray:
        """Success rates after, (points, nodes)."""
        rates: FloatArray = special.expit(
            self.log_odds[:, None] + shift + self.spread * _NODES[None, :]
        )
        return rates

    def _mean(self, values: FloatArray) -> float:
        """The mean over questions of values (points, nodes)."""
        return float(self.law.weights @ values @ (_NODE_WEIGHTS / _NODE_WEIGHTS.sum()))

    def change(self, shift: float) -> float:
        """Change of pass@k."""
        return self._mean(_pass(self._after(shift), self.k) - self.pass_before[:, None])

    def shift_of(self, change: float) -> float:
        """The shift that makes this change."""
        return float(
            optimize.brentq(
                lambda shift: self.change(shift) - change, -_FARTHEST, _FARTHEST, xtol=1e-9
            )
        )

    def margin(self, shift: float, questions: int, sign: float) -> float:
        """By how much the change exceeds what is detected with the power; 0 where just so."""
        after = self._after(shift)
        each = _pass(after, self.k) - self.pass_before[:, None]
        change = self._mean(each)
        variance = self._mean(
            (each - change) ** 2
            + _at(self.law.grid, self.variance)[:, None]
            + _at(after, self.variance)
        )
        total = questions + self.floor
        centre = questions * change / total
        squares = (questions * (variance + change**2) + self.floor) / total
        error = np.sqrt(max(squares - centre**2, 0.0) / total)
        noise = np.sqrt(questions * variance) / total
        return float(sign * centre - self.detect * error - self.reserve * noise)

    def responses_per_question(self, shift: float) -> float:
        """Expected responses of both models to one question."""
        before = _at(self.law.grid, self.mean_n)[:, None]
        return self._mean(before + _at(self._after(shift), self.mean_n))


def _check_questions(questions: int) -> None:
    if questions < 2:
        raise InputError(
            "A study needs two questions or more.", seen=questions, remedy="Give more questions."
        )


def _pass(p: FloatArray, k: int) -> FloatArray:
    chance: FloatArray = -np.expm1(special.xlog1py(k, -p))
    return chance


def _moments(plan: Plan, k: int) -> tuple[FloatArray, FloatArray]:
    """Expected n, and variance of the estimate of pass@k, at each of the angles."""
    if isinstance(plan, CurtailedPlan):
        n, c, log_paths = stopping_points(plan)
    else:
        c = np.arange(plan.count + 1)
        n = np.full(plan.count + 1, plan.count)
        log_paths = special.gammaln(n + 1) - special.gammaln(c + 1) - special.gammaln(n - c + 1)
    estimate = pass_at_k(n, c, [k], plan)[:, 0]
    p = np.sin(_ANGLES)[:, None] ** 2
    chance = np.exp(log_paths + special.xlogy(c, p) + special.xlog1py(n - c, -p))
    return chance @ n, chance @ estimate**2 - (chance @ estimate) ** 2


def _at(p: FloatArray, moment: FloatArray) -> FloatArray:
    """A moment of `_moments` at other success rates."""
    return np.interp(np.arcsin(np.sqrt(p)), _ANGLES, moment)
