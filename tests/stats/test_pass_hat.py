"""pass^k: worked cases, its mirror pass@k, and plans that stop early."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan
from liftmap.stats.passk import mirrored, pass_at_k, pass_hat_k


def test_it_is_the_share_of_subsets_that_are_all_right() -> None:
    for c in range(6):
        shares = [comb(c, k) / comb(5, k) for k in (1, 2, 5)]
        assert pass_hat_k([5], [c], [1, 2, 5])[0] == pytest.approx(shares)


def test_it_begins_as_accuracy_and_never_rises() -> None:
    n, c = np.full(9, 8), np.arange(9)
    values = pass_hat_k(n, c, range(1, 9))
    assert values[:, 0] == pytest.approx(c / 8)
    assert np.all(np.diff(values, axis=1) <= 1e-12)


def test_wrong_for_right_turns_it_into_pass_at_k() -> None:
    n, c = np.full(9, 8), np.arange(9)
    turned = mirrored(Counts(n, c))
    assert pass_hat_k(n, c, [3]) == pytest.approx(1 - pass_at_k(turned.n, turned.c, [3]))
    plan = CurtailedPlan(2, 8, 2)
    assert mirrored(mirrored(Counts(n, c, plan))).plan == plan


@pytest.mark.parametrize("p", [0.15, 0.5, 0.9])
def test_under_a_curtailed_plan_its_expectation_is_p_to_the_k(p: float) -> None:
    """Over all sequences that the plan may see, each with its chance."""
    plan = CurtailedPlan(stop_after=2, cap=6, round_size=2)
    expected = np.zeros(2)
    for sequence in itertools.product((0, 1), repeat=plan.cap):
        n = next(
            end
            for end in range(plan.round_size, plan.cap + 1, plan.round_size)
            if sum(sequence[:end]) >= plan.stop_after or end == plan.cap
        )
        chance = np.prod([p if right else 1 - p for right in sequence])
        expected += chance * pass_hat_k([n], [sum(sequence[:n])], [1, 2], plan)[0]
    assert expected == pytest.approx([p, p**2])


def test_more_right_ones_in_a_row_than_the_plan_sees_are_refused() -> None:
    with pytest.raises(InputError, match="k is above"):
        pass_hat_k([2], [2], [3], CurtailedPlan(stop_after=2, cap=6, round_size=2))
