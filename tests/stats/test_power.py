"""Smallest detectable changes and cheapest plans, held against simulated studies."""

from __future__ import annotations

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, FixedPlan, Plan
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.floors import change_floor
from liftmap.stats.intervals import mean_change, ratios
from liftmap.stats.law.fit import MarginalLaw
from liftmap.stats.passk import FloatArray, IntArray, pass_at_k
from liftmap.stats.power import (
    Clusters,
    Detection,
    candidate_plans,
    cheapest,
    greatest_change,
    needed_questions,
    needed_within,
    smallest_change,
)
from liftmap.stats.resampling import CHANGE

LAW = MarginalLaw(
    np.array([0, 0.01, 0.05, 0.3, 0.8, 1.0]), np.array([0.1, 0.2, 0.2, 0.2, 0.2, 0.1]), 1000, 0.0
)


def _draw(plan: Plan, p: FloatArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """One tally by the plan."""
    if isinstance(plan, FixedPlan):
        return np.full(p.shape, plan.count), rng.binomial(plan.count, p)
    right = (rng.random((*p.shape, plan.cap)) < p[..., None]).cumsum(axis=-1)
    right = right[..., plan.round_size - 1 :: plan.round_size]
    enough = right >= plan.stop_after
    stop = np.where(enough.any(axis=-1), enough.argmax(axis=-1), right.shape[-1] - 1)
    c = np.take_along_axis(right, stop[..., None], axis=-1)[..., 0]
    return plan.round_size * (stop + 1), c


def _detected(
    plan: Plan, k: int, shift: float, spread: float, questions: int, rng: np.random.Generator
) -> tuple[float, float]:
    """How often simulated studies detect a change, and the mean change they estimate."""
    studies = 400
    before = rng.choice(LAW.grid, (studies, questions), p=LAW.weights)
    with np.errstate(divide="ignore"):
        log_odds = np.log(before) - np.log1p(-before)
    after = 1 / (1 + np.exp(-log_odds - shift - rng.normal(0, spread, before.shape)))
    first, then = (
        pass_at_k(n.ravel(), c.ravel(), [k], plan).reshape(before.shape)
        for n, c in (_draw(plan, p, rng) for p in (before, after))
    )
    floor = change_floor([k], *2 * [Counts(*_draw(plan, before[0], rng), plan)], units=questions)[0]
    found = [mean_change(b, a, floor=floor) for b, a in zip(first, then, strict=True)]
    return (
        float(np.mean([e.low > 0 or e.high < 0 for e in found])),
        float(np.mean([e.estimate for e in found])),
    )


@pytest.mark.parametrize(
    ("plan", "k", "direction"),
    [
        (FixedPlan(16), 1, "up"),
        (FixedPlan(16), 1, "down"),
        (FixedPlan(32), 32, "up"),
        (FixedPlan(64), 16, "up"),
        (CurtailedPlan(stop_after=4, cap=32, round_size=4), 16, "up"),
    ],
)
def test_the_smallest_change_is_detected_with_the_power(
    plan: Plan, k: int, direction: str, rng: np.random.Generator
) -> None:
    detection = Detection(power=0.8, spread=0.7)
    design = smallest_change(LAW, plan, k, 200, direction=direction, detection=detection)
    assert design is not None
    shift = _shift_for(design.change, k, 0.7, rng)
    rate, change = _detected(plan, k, shift, 0.7, 200, rng)
    assert change == pytest.approx(design.change, abs=0.004)
    # 400 studies: standard error 0.02; the formula takes the normal for Student's law.
    assert rate == pytest.approx(0.8, abs=0.06)


def _shift_for(change: float, k: int, spread: float, rng: np.random.Generator) -> float:
    """The shift that makes a change of pass@k, by bisection on a large sample."""
    inner = LAW.grid[1:-1]
    moves = rng.normal(0, spread, 100_000)
    low, high = -10.0, 10.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        log_odds = np.log(inner / (1 - inner))
        after = 1 / (1 + np.exp(-log_odds[:, None] - middle - moves))
        each = (1 - inner[:, None]) ** k - (1 - after) ** k
        below = LAW.weights[1:-1] @ each.mean(axis=1) < change
        low, high = (middle, high) if below else (low, middle)
    return low


def test_needed_questions_is_the_other_way_round() -> None:
    plan = FixedPlan(64)
    for k in (1, 16):
        design = smallest_change(LAW, plan, k, 300)
        assert design is not None
        back = needed_questions(LAW, plan, k, design.change)
        assert back is not None
        assert abs(back.questions - 300) <= 1
        assert back.responses == pytest.approx(back.questions * 128)


@pytest.mark.parametrize(
    ("plan", "k", "margin"),
    [
        (FixedPlan(16), 1, 0.02),
        (FixedPlan(16), 16, 0.03),
        (CurtailedPlan(stop_after=4, cap=32, round_size=4), 16, 0.03),
    ],
)
def test_an_unchanged_model_is_within_the_margin_with_the_power(
    plan: Plan, k: int, margin: float, rng: np.random.Generator
) -> None:
    design = needed_within(LAW, plan, k, margin)
    assert design is not None
    studies = 400
    p = rng.choice(LAW.grid, (studies, design.questions), p=LAW.weights)
    first, then = (
        pass_at_k(n.ravel(), c.ravel(), [k], plan).reshape(p.shape)
        for n, c in (_draw(plan, p, rng) for _ in range(2))
    )
    # The wider interval that decides the word: two whole pseudo-questions.
    ones = np.ones((design.questions, 1))
    changes = [
        ratios((a - b)[:, None], ones, pseudo=CHANGE)[0] for b, a in zip(first, then, strict=True)
    ]
    within = np.mean([-margin <= one.low and one.high <= margin for one in changes])
    # 400 studies: standard error 0.02.
    assert within == pytest.approx(0.8, abs=0.06)


def test_clusters_cost_what_simulated_clusters_cost(rng: np.random.Generator) -> None:
    """Clusters of 10 questions with one success rate, which training moves together."""
    size, plan, k = 10, FixedPlan(16), 4
    clusters = Clusters(size, size, correlation=1.0)
    detection = Detection(spread=0.7)
    design = needed_questions(LAW, plan, k, 0.05, detection=detection, clusters=clusters)
    alone = needed_questions(LAW, plan, k, 0.05, detection=detection)
    assert design is not None
    assert alone is not None
    assert design.questions > 5 * alone.questions
    units, studies = round(design.questions / size), 400
    p = np.repeat(rng.choice(LAW.grid, (studies, units), p=LAW.weights), size, axis=1)
    own = np.repeat(rng.normal(0, 0.7, (studies, units)), size, axis=1)
    with np.errstate(divide="ignore"):
        log_odds = np.log(p) - np.log1p(-p)
    after = 1 / (1 + np.exp(-log_odds - _shift_for(0.05, k, 0.7, rng) - own))
    first, then = (
        pass_at_k(n.ravel(), c.ravel(), [k], plan).reshape(p.shape)
        for n, c in (_draw(plan, rates, rng) for rates in (p, after))
    )
    labels = np.repeat(np.arange(units), size)
    changes = [
        mean_change(b, a, floor=1.0, cluster=labels) for b, a in zip(first, then, strict=True)
    ]
    detected = np.mean([one.low > 0 for one in changes])
    assert detected == pytest.approx(0.8, abs=0.06)


def test_more_questions_see_less_and_more_power_needs_more() -> None:
    few, many = (smallest_change(LAW, FixedPlan(32), 16, q) for q in (100, 1000))
    assert few is not None
    assert many is not None
    assert 0 < many.change < few.change
    usual = needed_questions(LAW, FixedPlan(32), 16, 0.05)
    sure = needed_questions(LAW, FixedPlan(32), 16, 0.05, detection=Detection(power=0.95))
    restless = needed_questions(LAW, FixedPlan(32), 16, 0.05, detection=Detection(spread=2))
    assert usual is not None
    assert sure is not None
    assert restless is not None
    assert usual.questions < min(sure.questions, restless.questions)


def test_expected_responses_of_a_curtailed_plan() -> None:
    plan = CurtailedPlan(stop_after=2, cap=16, round_size=4)
    design = needed_questions(LAW, plan, 4, 0.05, detection=Detection(spread=0))
    assert design is not None
    n, c, log_paths = stopping_points(plan)
    p = LAW.grid[:, None]
    before = LAW.weights @ (np.exp(log_paths) * p**c * (1 - p) ** (n - c)) @ n
    # Higher success rates after stop a little earlier than before.
    assert design.responses == pytest.approx(design.questions * 2 * before, rel=0.1)
    assert design.responses < design.questions * 2 * before


def test_cheapest_plans_come_first_and_do_detect() -> None:
    needs = [needed_questions(LAW, plan, 8, 0.06) for plan in candidate_plans(8)]
    designs = cheapest(needs, 400)
    assert designs
    assert [d.responses for d in designs] == sorted(d.responses for d in designs)
    assert all(d.questions <= 400 for d in designs)
    # Early stopping pays: easy questions need few responses.
    fixed = min(d.responses for d in designs if isinstance(d.plan, FixedPlan))
    assert isinstance(designs[0].plan, CurtailedPlan)
    assert designs[0].responses < 0.9 * fixed
    assert cheapest(needs, 20) == ()
    assert all(
        (plan.count if isinstance(plan, FixedPlan) else plan.cap) >= 8
        for plan in candidate_plans(8)
    )


def test_what_cannot_be_detected_is_none() -> None:
    assert needed_questions(LAW, FixedPlan(8), 8, 0.9) is None
    # A tenth of the questions can't be solved; all others can.
    unsolved = float(LAW.weights[1:-1] @ (1 - LAW.grid[1:-1]) ** 8)
    assert greatest_change(LAW, 8) == pytest.approx(unsolved)
    assert needed_questions(LAW, FixedPlan(8), 8, 0.98 * unsolved) is not None
    assert needed_questions(LAW, FixedPlan(8), 8, 1.02 * unsolved) is None
    assert smallest_change(LAW, FixedPlan(8), 8, 3) is None
    settled = MarginalLaw(np.array([0.0, 1.0]), np.array([0.5, 0.5]), 10, 0.0)
    assert smallest_change(settled, FixedPlan(8), 8, 100) is None
    assert needed_questions(settled, FixedPlan(8), 1, 0.1) is None


@pytest.mark.parametrize(
    ("k", "questions", "detection"),
    [
        (0, 10, Detection()),
        (9, 10, Detection()),
        (1, 1, Detection()),
        (1, 10, Detection(power=1)),
        (1, 10, Detection(spread=-1)),
    ],
)
def test_senseless_requests_are_errors(k: int, questions: int, detection: Detection) -> None:
    with pytest.raises(InputError):
        smallest_change(LAW, FixedPlan(8), k, questions, detection=detection)
    with pytest.raises(InputError):
        needed_questions(LAW, FixedPlan(8), 1, 0.0)
