"""The test of one question: exact level under every plan, and sight of plain changes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, FixedPlan, Plan
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.passk import FloatArray, IntArray
from liftmap.stats.question_change import change_p_values


def _outcomes(plan: Plan) -> tuple[IntArray, IntArray, FloatArray]:
    if isinstance(plan, CurtailedPlan):
        points = stopping_points(plan)
        return points.n, points.c, points.log_paths
    c = np.arange(plan.count + 1)
    return np.full(len(c), plan.count), c, np.log(special.comb(plan.count, c))


@pytest.mark.parametrize(
    "plans",
    [
        (CurtailedPlan(2, 8, 2), CurtailedPlan(2, 8, 2)),
        (CurtailedPlan(4, 32, 4), CurtailedPlan(4, 32, 4)),
        (CurtailedPlan(1, 16, 1), FixedPlan(8)),
        (FixedPlan(12), FixedPlan(12)),
    ],
)
def test_level_is_held_at_every_success_rate_by_enumeration(plans: tuple[Plan, Plan]) -> None:
    (n0, c0, paths0), (n1, c1, paths1) = (_outcomes(plan) for plan in plans)
    first, second = (x.ravel() for x in np.indices((len(n0), len(n1))))
    p_values = change_p_values(
        Counts(n0[first], c0[first], plans[0]), Counts(n1[second], c1[second], plans[1])
    )
    for rate in np.concatenate([10.0 ** -np.arange(1, 5), np.linspace(0.013, 0.987, 40)]):
        chances = [
            np.exp(paths + special.xlogy(c, rate) + special.xlog1py(n - c, -rate))
            for n, c, paths in ((n0, c0, paths0), (n1, c1, paths1))
        ]
        joint = chances[0][first] * chances[1][second]
        assert joint.sum() == pytest.approx(1)
        for level in (0.001, 0.01, 0.05, 0.2):
            assert joint[p_values <= level].sum() <= level


def test_a_question_that_died_is_seen_under_a_curtailed_plan() -> None:
    plan = CurtailedPlan(8, 256, 8)
    before, after = (
        Counts(np.array([8]), np.array([8]), plan),
        Counts(np.array([256]), np.array([0]), plan),
    )
    assert change_p_values(before, after)[0] < 1e-3
    assert change_p_values(after, before)[0] < 1e-3
    assert change_p_values(before, before)[0] == 1


def test_power_of_the_curtailed_test_is_close_to_that_of_as_many_responses() -> None:
    # 64 responses at rate .5 stop after about 16: compare with Fisher's test of 16 against 64.
    rng = np.random.default_rng(1)
    plan = CurtailedPlan(8, 64, 8)
    points = stopping_points(plan)

    def draw(rate: float) -> IntArray:
        chances = np.exp(points.log_paths) * rate**points.c * (1 - rate) ** (points.n - points.c)
        return rng.choice(len(points.n), size=400, p=chances / chances.sum())

    one, other = draw(0.5), draw(0.1)
    p_values = change_p_values(
        Counts(points.n[one], points.c[one], plan), Counts(points.n[other], points.c[other], plan)
    )
    fixed = change_p_values(
        Counts(np.full(400, 16), rng.binomial(16, 0.5, 400)),
        Counts(np.full(400, 64), rng.binomial(64, 0.1, 400)),
    )
    assert np.mean(p_values < 0.01) > np.mean(fixed < 0.01) - 0.1


def test_fixed_plans_agree_with_scipy(rng: np.random.Generator) -> None:
    n0, n1 = rng.integers(1, 30, (2, 50))
    c0, c1 = rng.integers(0, n0 + 1), rng.integers(0, n1 + 1)
    expected = [
        stats.fisher_exact([[a, b - a], [c, d - c]]).pvalue
        for a, b, c, d in zip(c0, n0, c1, n1, strict=True)
    ]
    np.testing.assert_allclose(change_p_values(Counts(n0, c0), Counts(n1, c1)), expected)


def test_bad_input_is_named() -> None:
    plan = CurtailedPlan(2, 8, 2)
    with pytest.raises(InputError, match="never stops"):
        change_p_values(
            Counts(np.array([3]), np.array([2]), plan), Counts(np.array([8]), np.array([0]), plan)
        )
    with pytest.raises(InputError, match="same questions"):
        change_p_values(
            Counts(np.array([3]), np.array([2])), Counts(np.array([8, 8]), np.array([0, 1]))
        )
