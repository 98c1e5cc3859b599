"""Bounds for unscored responses: what they hold, and where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, FixedPlan
from liftmap.stats.intervals import means
from liftmap.stats.passk import FloatArray, IntArray, pass_at_k
from liftmap.stats.unscored import (
    RIGHT,
    UNSCORED,
    WRONG,
    Bounds,
    extremes_of_counts,
    extremes_of_orders,
    pass_bounds,
    pass_change_bounds,
)

PLAN = CurtailedPlan(stop_after=3, cap=16, round_size=4)


def _orders(text: str) -> tuple[IntArray, IntArray, int]:
    """Outcomes written as "+-?" for right, wrong and unscored, a word a question."""
    words = text.split()
    codes = {"+": RIGHT, "-": WRONG, "?": UNSCORED}
    question = np.repeat(np.arange(len(words)), [len(word) for word in words])
    return question, np.array([codes[mark] for mark in "".join(words)]), len(words)


def test_curtailed_questions_stop_again_by_the_plan() -> None:
    # The second stopped after the third right response, which was drawn for the unscored one.
    question, outcome, questions = _orders("+++- ++?-+-++- ?+++-")
    extremes = extremes_of_orders(question, outcome, questions, PLAN)
    # As wrong: ++.- then +-++; .+++ stops at once. As right: +++- and ++++.
    assert (extremes.wrong.n.tolist(), extremes.wrong.c.tolist()) == ([4, 8, 4], [3, 5, 3])
    assert (extremes.right.n.tolist(), extremes.right.c.tolist()) == ([4, 4, 4], [3, 3, 4])


def test_draws_that_were_not_made_count_against_and_in_favour() -> None:
    question, outcome, questions = _orders("++?-+")
    extremes = extremes_of_orders(question, outcome, questions, CurtailedPlan(4, 8, 4))
    assert (extremes.wrong.n[0], extremes.wrong.c[0]) == (8, 3)
    assert (extremes.right.n[0], extremes.right.c[0]) == (8, 7)


@pytest.mark.parametrize(
    "plan", [CurtailedPlan(2, 8, 2), CurtailedPlan(1, 8, 1), CurtailedPlan(3, 9, 4)]
)
def test_pass_at_k_never_falls_when_a_response_turns_right(plan: CurtailedPlan) -> None:
    # All sequences of right and wrong responses, all k, all single changes.
    sequences = np.arange(2**plan.cap)
    right = (sequences[:, None] >> np.arange(plan.cap)) & 1
    question = np.repeat(sequences, plan.cap)
    stopped = extremes_of_orders(question, right.ravel(), len(sequences), plan).wrong
    values = pass_at_k(stopped.n, stopped.c, range(1, plan.cap + 1), plan)
    for place in range(plan.cap):
        wrong_there = sequences[right[:, place] == 0]
        assert np.all(values[wrong_there + 2**place] >= values[wrong_there])


def test_fixed_plans_are_bounded_from_counts_and_orders_alike(rng: np.random.Generator) -> None:
    outcome = rng.choice([RIGHT, WRONG, UNSCORED], p=[0.5, 0.4, 0.1], size=(30, 8))
    of_orders = extremes_of_orders(np.repeat(np.arange(30), 8), outcome.ravel(), 30, FixedPlan(8))
    right, unscored = (outcome == RIGHT).sum(axis=1), (outcome == UNSCORED).sum(axis=1)
    of_counts = extremes_of_counts(Counts(8 - unscored, right, FixedPlan(8)), unscored)
    assert of_counts is not None
    for one, other in zip(of_orders, of_counts, strict=True):
        np.testing.assert_array_equal(one.n, other.n)
        np.testing.assert_array_equal(one.c, other.c)
    assert set(of_orders.wrong.n) == {8}


def test_exhausted_responses_stay_in_n_and_may_be_right() -> None:
    counts = Counts(np.array([8, 8]), np.array([3, 0]), FixedPlan(8))
    extremes = extremes_of_counts(counts, np.array([0, 2]), np.array([2, 8]))
    assert extremes is not None
    assert (extremes.wrong.n.tolist(), extremes.wrong.c.tolist()) == ([8, 10], [3, 0])
    assert (extremes.right.n.tolist(), extremes.right.c.tolist()) == ([8, 10], [5, 10])
    curtailed = Counts(counts.n, counts.c, PLAN)
    assert extremes_of_counts(curtailed, np.array([0, 0]), np.array([1, 0])) is None
    with pytest.raises(InputError, match="exhausted must hold"):
        extremes_of_counts(counts, np.array([0, 0]), np.array([6, 0]))


def test_without_unscored_responses_the_bounds_are_the_interval(rng: np.random.Generator) -> None:
    counts = Counts(np.full(40, 8), rng.integers(0, 9, 40))
    extremes = extremes_of_counts(counts, np.zeros(40, dtype=np.int64))
    assert extremes is not None
    [bounds] = pass_bounds(extremes, [2], means)
    [figure] = means(pass_at_k(counts.n, counts.c, [2]))
    assert bounds == Bounds(figure.estimate, figure.estimate, figure.low, figure.high)


def test_a_curtailed_tally_alone_has_no_bounds() -> None:
    counts = Counts(np.array([4, 16]), np.array([3, 1]), PLAN)
    assert extremes_of_counts(counts, np.array([1, 0])) is None
    assert extremes_of_counts(counts, np.array([0, 0])) is not None


def _drawn_again(
    p: FloatArray, plan: CurtailedPlan, rate: float, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Outcomes under a curtailed plan in which a share of the right ones could not be scored."""
    right = rng.random((len(p), 3 * plan.cap)) < p[:, None]
    failed = right & (rng.random(right.shape) < rate)
    scored = (~failed).cumsum(axis=1)
    enough = (right & ~failed).cumsum(axis=1) >= plan.stop_after
    ends = (scored % plan.round_size == 0) & ~failed & enough | (scored == plan.cap)
    made = np.arange(right.shape[1]) <= ends.argmax(axis=1)[:, None]
    outcome = np.where(failed, UNSCORED, right.astype(np.int64))
    return np.repeat(np.arange(len(p)), made.sum(axis=1)), outcome[made]


@pytest.mark.parametrize("curtailed", [False, True])
def test_the_change_is_held_though_right_responses_go_unscored(curtailed: bool) -> None:
    # Nothing changed; 5 % of the responses after are unscored, all of them right.
    rng = np.random.default_rng(7)
    plan = PLAN if curtailed else FixedPlan(16)
    rounds, without, held = 200, 0, 0
    for _ in range(rounds):
        p = rng.beta(3, 1.5, 800 if curtailed else 250)
        sides, scored = [], []
        for rate in (0.0, 0.075):
            if isinstance(plan, CurtailedPlan):
                question, outcome = _drawn_again(p, plan, rate, rng)
            else:
                right = rng.random((len(p), 16)) < p[:, None]
                failed = right & (rng.random(right.shape) < rate)
                outcome = np.where(failed, UNSCORED, right.astype(np.int64)).ravel()
                question = np.repeat(np.arange(len(p)), 16)
            sides.append(extremes_of_orders(question, outcome, len(p), plan))
            n = np.bincount(question[outcome >= 0], minlength=len(p))
            c = np.bincount(question[outcome == RIGHT], minlength=len(p))
            scored.append(pass_at_k(n, c, [1], plan))
        [plain] = means(scored[1] - scored[0])
        [bounds] = pass_change_bounds(sides[0], sides[1], [1], means)
        without += plain.low <= 0 <= plain.high
        held += bounds.low <= 0 <= bounds.high
    assert without < 0.9 * rounds
    assert held >= 0.95 * rounds


def test_bad_input_is_named() -> None:
    counts = Counts(np.array([4, 4]), np.array([3, 1]))
    with pytest.raises(InputError, match="unscored"):
        extremes_of_counts(counts, np.array([1]))
    with pytest.raises(InputError, match="question after question"):
        extremes_of_orders([1, 0], [1, 1], 2, None)
    with pytest.raises(InputError, match="question after question"):
        extremes_of_orders([0, 1], [1, 2], 2, None)
    with pytest.raises(InputError, match="there is not"):
        extremes_of_orders([0, 2], [1, 1], 2, None)
