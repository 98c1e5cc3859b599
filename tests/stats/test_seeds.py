"""Several seeds: the level of a statement about the way of training."""

from __future__ import annotations

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.stats.intervals import means
from liftmap.stats.seeds import change_over_seeds, tolerated_spread


def test_mean_squares_of_a_worked_case() -> None:
    # Two seeds, three questions: means .2 and .4 by seed; .1, .3, .5 by question; all additive.
    changes = np.array([[0.0, 0.2, 0.4], [0.2, 0.4, 0.6]])
    result = change_over_seeds(changes)
    # MS_s = 3 (.1^2 + .1^2) / 1 = .06, MS_q = 2 (.2^2 + .2^2) / 2 = .08, MS_e = 0.
    assert result.change.estimate == pytest.approx(0.3)
    assert result.spread == pytest.approx(np.sqrt(0.06 / 3))
    assert result.degrees_of_freedom == pytest.approx(0.14**2 / (0.06**2 / 1 + 0.08**2 / 2))
    assert (result.seeds, result.units) == (2, 3)


def test_seeds_that_differ_most_leave_one_degree_of_freedom_each() -> None:
    result = change_over_seeds([[0.1, 0.1, 0.1], [0.3, 0.3, 0.3], [0.2, 0.2, 0.2]])
    assert result.degrees_of_freedom == 2
    assert result.change.low == pytest.approx(0.2 - 4.302653 * np.sqrt(0.03 / 9))


def test_rows_clusters_and_questions_agree() -> None:
    rng = np.random.default_rng(2)
    changes = rng.normal(0, 0.2, (3, 20))
    grouped = change_over_seeds(changes, counts=np.full(20, 2))
    assert grouped.units == 40
    twice = change_over_seeds(np.repeat(changes, 2, axis=1))
    assert grouped.change.low == pytest.approx(twice.change.low)
    clustered = change_over_seeds(np.repeat(changes, 2, axis=1), cluster=np.repeat(range(20), 2))
    once = change_over_seeds(changes)
    assert clustered.change.high == pytest.approx(once.change.high)
    assert clustered.units == 20


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("spread", [0.0, 0.02])
def test_an_arm_without_effect_seldom_rises(spread: float, clustered: bool) -> None:
    # Three checkpoints of one recipe that vary by `spread` on average; questions answered 8 times.
    rng = np.random.default_rng([11, clustered])
    rounds, questions, of_seeds, of_one = 600, 200, 0, 0
    cluster = np.repeat(np.arange(20), 10) if clustered else None
    for _ in range(rounds):
        p = rng.beta(2, 2, questions)
        moved = rng.normal(0, spread, 3)[:, None] + rng.normal(0, 0.05, (3, questions))
        if cluster is not None:
            moved = moved + rng.normal(0, 0.05, (3, 20))[:, cluster]
        before = rng.binomial(8, p) / 8
        changes = rng.binomial(8, np.clip(p + moved, 0, 1)) / 8 - before
        result = change_over_seeds(changes, cluster=cluster).change
        of_seeds += result.low > 0
        of_one += means(changes[:1].T, cluster=cluster)[0].low > 0
    assert of_seeds <= 0.045 * rounds
    if spread:
        assert of_one > 0.06 * rounds


def test_one_seed_holds_up_to_a_spread() -> None:
    assert tolerated_spread(0.098, 0.03) == pytest.approx(0.04, abs=1e-5)
    assert tolerated_spread(-0.098, 0.03) == pytest.approx(0.04, abs=1e-5)
    assert tolerated_spread(0.05, 0.03) == 0


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="two seeds"):
        change_over_seeds([[0.1, 0.2]])
    with pytest.raises(InputError, match="two questions"):
        change_over_seeds([[0.1, 0.2], [0.1, 0.3]], cluster=["a", "a"])
    with pytest.raises(InputError, match="level"):
        change_over_seeds([[0.1, 0.2], [0.1, 0.3]], level=1)
