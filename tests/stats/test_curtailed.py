"""pass@k under curtailed plans: exact by enumeration, and refusing what the plan can't give."""

from __future__ import annotations

from itertools import product
from math import exp

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import CurtailedPlan
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.passk import pass_at_k


def _end(sequence: tuple[int, ...], plan: CurtailedPlan) -> tuple[int, int]:
    """Where the plan stops when the responses come out as `sequence` (cap of them)."""
    n = 0
    while n < plan.cap:
        n = min(n + plan.round_size, plan.cap)
        if sum(sequence[:n]) >= plan.stop_after:
            break
    return n, sum(sequence[:n])


@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 0.9])
def test_no_bias_by_exact_enumeration(p: float) -> None:
    plan = CurtailedPlan(stop_after=3, cap=32, round_size=4)
    ks = [1, 4, 16, 32]
    n, c, log_paths = stopping_points(plan)
    chance = np.exp(log_paths + c * np.log(p) + (n - c) * np.log1p(-p))
    assert chance.sum() == pytest.approx(1, abs=1e-12)
    expected = chance @ pass_at_k(n, c, ks, plan)
    np.testing.assert_allclose(expected, 1 - (1 - p) ** np.array(ks), atol=1e-12)


@pytest.mark.parametrize(
    "plan", [CurtailedPlan(2, 10, 3), CurtailedPlan(1, 7, 4), CurtailedPlan(20, 9, 2)]
)
def test_counts_agree_with_every_sequence_written_out(plan: CurtailedPlan) -> None:
    # All 2^cap sequences are equally likely at p = 1/2, so shares of them are chances.
    ends = [(_end(s, plan), s) for s in product((0, 1), repeat=plan.cap)]
    n, c, log_paths = stopping_points(plan)
    assert set(zip(n.tolist(), c.tolist(), strict=True)) == {end for end, _ in ends}
    estimates = pass_at_k(n, c, range(1, plan.cap + 1), plan)
    for point in range(len(n)):
        here = [s for end, s in ends if end == (n[point], c[point])]
        assert exp(log_paths[point]) * 2.0 ** (plan.cap - n[point]) == pytest.approx(len(here))
        for k in range(1, plan.cap + 1):
            # Responses after the stop are not seen; with one right before it they don't matter.
            right = sum(any(s[: min(k, n[point])]) for s in here)
            assert estimates[point, k - 1] == pytest.approx(right / len(here), abs=1e-12)


def test_a_plan_that_never_stops_early_is_the_fixed_plan() -> None:
    plan = CurtailedPlan(stop_after=65, cap=64, round_size=8)
    c = np.arange(65)
    n = np.full(65, 64)
    np.testing.assert_allclose(
        pass_at_k(n, c, [1, 7, 64], plan), pass_at_k(n, c, [1, 7, 64]), atol=1e-12
    )


def test_counts_of_a_long_plan_stay_finite() -> None:
    plan = CurtailedPlan(stop_after=32, cap=1024, round_size=16)
    n, c, _ = stopping_points(plan)
    values = pass_at_k(n, c, [1, 1024], plan)
    assert np.all((values >= 0) & (values <= 1))
    assert values[(n == 1024) & (c == 0)].tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("n", "c", "ks", "message"),
    [
        ([4, 7], [3, 0], [1], "row 1"),  # 7 is no whole number of rounds
        ([8], [0], [1], "row 0"),  # not yet 3 right, and below the cap
        ([40], [3], [1], "row 0"),  # above the cap
        ([4], [5], [1], "between 0 and n"),
        ([4], [3], [33], "cap"),
        ([4], [3], [0], "1 or more"),
    ],
)
def test_what_the_plan_cannot_give_is_an_error(
    n: list[int], c: list[int], ks: list[int], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pass_at_k(n, c, ks, CurtailedPlan(stop_after=3, cap=32, round_size=4))


def test_a_senseless_plan_is_an_error() -> None:
    with pytest.raises(InputError, match="1 or more"):
        stopping_points(CurtailedPlan(stop_after=0, cap=32, round_size=4))
