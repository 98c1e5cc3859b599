"""Checks of independence: what they see, and that honest draws hardly ever set one off."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from math import factorial

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import Counts, CurtailedPlan, FixedPlan, Plan
from liftmap.stats.curtailed import stopping_points
from liftmap.stats.dependence import (
    copies,
    deterministic,
    n_by_outcome,
    same_responses,
    without_copies,
)
from liftmap.stats.passk import FloatArray, IntArray
from liftmap.stats.repeated_texts import _ratio, repeated_texts

PLAN = CurtailedPlan(stop_after=2, cap=6, round_size=2)


def _side(p: FloatArray, n: int, rng: np.random.Generator) -> Counts:
    return Counts(np.full(len(p), n), rng.binomial(n, p), FixedPlan(n))


# --- what they see --------------------------------------------------------------------------------


def test_the_same_file_twice(rng: np.random.Generator) -> None:
    side = _side(rng.beta(1, 1, 60), 8, rng)
    fact = same_responses(side, side)
    assert fact is not None
    assert fact.kind == "same responses"
    assert fact.questions == int(((side.c > 0) & (side.c < 8)).sum())
    assert same_responses(side, _side(rng.beta(1, 1, 60), 8, rng)) is None


def test_each_response_twice(rng: np.random.Generator) -> None:
    honest = _side(rng.beta(1, 1, 60), 8, rng)
    doubled = Counts(2 * honest.n, 2 * honest.c)
    fact = copies(doubled)
    assert fact is not None
    assert (fact.kind, fact.copies) == ("copies", 2)
    assert copies(honest) is None
    np.testing.assert_array_equal(without_copies(doubled, 2).c, honest.c)
    with pytest.raises(InputError, match="multiple"):
        without_copies(honest, 3)


def test_a_deterministic_decoder_asked_often(rng: np.random.Generator) -> None:
    right = rng.random(300) < 0.6
    fact = deterministic(Counts(np.full(300, 16), 16 * right))
    assert fact is not None
    assert fact.kind == "deterministic"
    # One response a question tells nothing, and neither do questions of a few sources.
    assert deterministic(Counts(np.ones(300, dtype=int), right.astype(int))) is None
    sources = np.arange(300) % 20
    assert deterministic(Counts(np.full(300, 16), 16 * right), cluster=sources) is None


def test_asking_the_unsolved_again(rng: np.random.Generator) -> None:
    first = _side(rng.beta(0.5, 1, 80), 8, rng)
    again = np.where(first.c == 0, 24, 0)
    topped_up = Counts(first.n + again, first.c + rng.binomial(again, 0.02))
    fact = n_by_outcome(topped_up)
    assert fact is not None
    assert fact.kind == "n by outcome"
    assert fact.questions == int((first.c > 0).sum())
    declared = Counts(topped_up.n, topped_up.c, CurtailedPlan(1, 32, 8))
    assert n_by_outcome(declared) is None
    # Responses that failed were asked too: n differs, the number asked does not.
    assert n_by_outcome(topped_up, unscored=32 - topped_up.n) is None


# --- the chances are what they say ----------------------------------------------------------------


@pytest.mark.parametrize("plan", [PLAN, FixedPlan(4)])
@pytest.mark.parametrize("p", [0.2, 0.5])
def test_chance_of_equal_sides_by_enumeration(plan: Plan, p: float) -> None:
    if isinstance(plan, CurtailedPlan):
        points = stopping_points(plan)
        n, c = points.n, points.c
        chance = np.exp(points.log_paths) * p**c * (1 - p) ** (n - c)
    else:
        c = np.arange(5)
        n = np.full(5, 4)
        ways = np.array([factorial(4) / factorial(x) / factorial(4 - x) for x in c])
        chance = ways * p**c * (1 - p) ** (4 - c)
    sums = [(n[i] + n[j], c[i] + c[j]) for i in range(len(n)) for j in range(len(n))]
    joint = np.outer(chance, chance).ravel()
    for i in range(len(n)):
        same_sum = np.array([pair == (2 * n[i], 2 * c[i]) for pair in sums])
        expected = chance[i] ** 2 / joint[same_sum].sum()
        # Enough questions alike that the check speaks, if it is no certainty.
        times = np.array([200])
        side = Counts(n[i : i + 1], c[i : i + 1], plan)
        fact = same_responses(side, side, counts=times)
        if expected > 0.99:
            assert fact is None
        else:
            assert fact is not None
            assert np.log(fact.chance) == pytest.approx(200 * np.log(expected))


def _sure(rng: np.random.Generator) -> tuple[FloatArray, int]:
    return rng.choice([1e-5, 0.5, 1 - 1e-5], p=[0.4, 0.02, 0.58], size=30), 256


WORLDS: dict[str, Callable[[np.random.Generator], tuple[FloatArray, int]]] = {
    "one response": lambda rng: (rng.beta(1, 1, 500), 1),
    "few": lambda rng: (rng.beta(3, 0.4, 12), 4),
    "two responses": lambda rng: (rng.beta(4, 0.2, 12), 2),
    "easy": lambda rng: (rng.beta(20, 0.1, 60), 8),
    "sure": _sure,
}


@pytest.mark.parametrize("world", WORLDS)
def test_honest_draws_hardly_ever_set_a_check_off(world: str) -> None:
    rng = np.random.default_rng(3)
    rounds, bare, alarms = 300, 0, 0
    for _ in range(rounds):
        p, n = WORLDS[world](rng)
        sides = _side(p, n, rng), _side(p, n, rng)
        c = sides[0].c
        between = c[(c > 0) & (c < n)]
        bare += (
            np.array_equal(c, sides[1].c)
            or (n > 1 and not len(between))
            or (len(between) > 0 and np.gcd.reduce([n, *between.tolist()]) > 1)
        )
        facts = (same_responses(*sides), deterministic(sides[0]), copies(sides[0]))
        alarms += any(fact is not None for fact in facts)
    assert alarms <= 0.005 * rounds
    if world != "one response":
        assert bare > 0.05 * rounds


def test_n_at_random_hardly_ever_seems_to_depend_on_outcomes() -> None:
    rng = np.random.default_rng(4)
    alarms, bare = 0, 0
    for _ in range(500):
        n = rng.choice([4, 8, 12], size=40)
        side = Counts(n, rng.binomial(n, rng.beta(2, 0.7, 40)))
        unsolved = side.c == 0
        bare += bool(unsolved.any()) and not unsolved[n == n.min()].any()
        alarms += n_by_outcome(side) is not None
    assert bare > 0.05 * 500
    assert alarms <= 2


# --- texts ----------------------------------------------------------------------------------------


def test_the_bound_on_patterns_of_texts_by_enumeration() -> None:
    # Whatever the chances of the texts: two twice against one three times and one once, and so on.
    rng = np.random.default_rng(5)

    def chance(law: FloatArray, pattern: list[int]) -> float:
        powers = [*pattern, *[0] * (len(law) - len(pattern))]
        ways = factorial(sum(pattern)) / np.prod([factorial(times) for times in pattern])
        orders = set(itertools.permutations(powers))
        return float(ways * sum(np.prod(law ** np.array(order)) for order in orders))

    for _ in range(40):
        law = rng.dirichlet(np.full(5, rng.choice([0.1, 1.0, 1000.0])))
        for pairs, rest, times, other in (
            (2, 0, 2, [3, 1]),
            (2, 1, 2, [3, 1, 1]),
            (3, 1, 2, [3, 2, 1, 1]),
            (2, 1, 3, [4, 2, 1]),
            (3, 0, 3, [4, 3, 2]),
        ):
            seen = chance(law, [times] * pairs + [1] * rest)
            bound = _ratio(np.array([pairs]), np.array([rest]), times)[0] * chance(law, other)
            assert seen <= bound * (1 + 1e-9)


def _texts(
    questions: int, n: int, rng: np.random.Generator, spread: float
) -> tuple[IntArray, IntArray]:
    """Codes of texts, each question with its own law over 40 texts."""
    laws = rng.dirichlet(np.full(40, spread), size=questions).cumsum(axis=1)
    drawn = (rng.random((questions, n, 1)) > laws[:, None, :-1]).sum(axis=2)
    return np.repeat(np.arange(questions), n), drawn.ravel()


def test_copied_texts_are_seen_whole_or_in_part(rng: np.random.Generator) -> None:
    question, text = _texts(20, 8, rng, 5.0)
    for times in (2, 3):
        text_of = np.arange(20 * 8)
        fact = repeated_texts(np.tile(question, times), np.tile(text_of, times))
        assert fact is not None
        assert (fact.copies, fact.complete, fact.questions) == (times, True, 20)
        assert fact.repeated == pytest.approx(1 - 1 / times)
    # Half of the responses twice, among texts that repeat now and then anyway.
    question, text = _texts(120, 8, rng, 50.0)
    half = np.concatenate([np.arange(960), np.flatnonzero(np.arange(960) % 8 < 6)])
    fact = repeated_texts(question[half], (text + 100 * np.arange(960) * (text % 2))[half])
    assert fact is not None
    assert not fact.complete


@pytest.mark.parametrize("spread", [0.01, 0.1, 1.0, 1000.0])
def test_texts_that_repeat_by_themselves_set_nothing_off(spread: float) -> None:
    rng = np.random.default_rng(6)
    facts = [repeated_texts(*_texts(40, 8, rng, spread)) for _ in range(200)]
    assert not any(facts)


def test_bad_input_is_named(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="each response"):
        repeated_texts([0, 0], [1])
    with pytest.raises(InputError, match="each response"):
        repeated_texts([0, 0], [1, -1])
    assert repeated_texts([], []) is None
    with pytest.raises(InputError, match="one whole number"):
        n_by_outcome(Counts(np.array([1.5]), np.array([1])))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="multiple"):
        without_copies(Counts(np.array([4]), np.array([2])), 0)
