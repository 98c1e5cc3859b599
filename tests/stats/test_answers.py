"""Majority vote, spread of answers, guessing and gradient share, against enumeration."""

from __future__ import annotations

from itertools import combinations
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftmap.errors import InputError
from liftmap.stats.answers import (
    AnswerCounts,
    answer_spread,
    count_answers,
    first_reaching,
    gradient_share_of_counts,
    guess_rate,
    majority_at_k,
)
from liftmap.stats.law.measures import mixed_group


def _counts(answers: list[list[int]], gold: list[int]) -> AnswerCounts:
    question = np.repeat(np.arange(len(answers)), [len(row) for row in answers])
    answer = np.concatenate([np.array(row, dtype=np.int64) for row in answers])
    return count_answers(question, answer, answer == np.array(gold)[question], len(answers))


def _majority_by_hand(answers: list[int], gold: int, k: int) -> float:
    """The mean over all k-subsets of the chance that a vote with random ties is right."""
    chances = []
    for chosen in combinations(answers, k):
        votes = [a for a in chosen if a >= 0]
        most = max((votes.count(a) for a in votes), default=0)
        top = {a for a in votes if votes.count(a) == most}
        chances.append((gold in top) / len(top) if top else 0.0)
    return float(np.mean(chances))


def test_majority_is_the_mean_over_all_subsets(rng: np.random.Generator) -> None:
    answers = [[1, 1, 2, 2, 2, 3, -1], [4, -1, -1, -1, -1, -1, 5], [7] * 7, [-1] * 7]
    gold = [1, 4, 7, 0]
    counts = _counts(answers, gold)
    ks = [1, 2, 3, 5, 7]
    found = majority_at_k(counts, ks, rng, draws=4000)
    expected = [
        [_majority_by_hand(row, g, k) for k in ks] for row, g in zip(answers, gold, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=0.03)
    # One response and all of them need no drawing.
    np.testing.assert_allclose(found[:, [0, 4]], np.array(expected)[:, [0, 4]], atol=1e-12)


def test_majority_takes_unequal_n_and_its_own_seed() -> None:
    counts = _counts([[1, 1, 2], [3, 3, 3, 2, 2]], [1, 3])
    first, again = (majority_at_k(counts, [3], np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first[0, 0] == 1
    with pytest.raises(InputError, match="maj@k"):
        majority_at_k(counts, [4], np.random.default_rng(5))


def test_spread_of_answers() -> None:
    spread = answer_spread(_counts([[1, 1, 1, 1], [1, 2, 3, 4], [1, 1, 2, -1], [-1] * 4], [0] * 4))
    assert spread.distinct.tolist() == [1, 4, 2, 0]
    np.testing.assert_allclose(
        spread.entropy[:3], [0, log(4), -(2 / 3 * log(2 / 3) + 1 / 3 * log(1 / 3))]
    )
    assert np.isnan(spread.entropy[3])


def test_guess_rate_is_the_mean_over_the_golds_of_the_others() -> None:
    answers = [[1, 1, 2, 3], [1, 1, 1, 1], [9, 2, 2, -1]]
    gold = [1, 1, 2]
    found = guess_rate(_counts(answers, gold), gold, [1, 2])
    for q, row in enumerate(answers):
        others = [g for other, g in enumerate(gold) if other != q]
        for column, k in enumerate((1, 2)):
            subsets = list(combinations(row, k))
            expected = np.mean([[g in chosen for chosen in subsets] for g in others])
            assert found[q, column] == pytest.approx(expected)
    with pytest.raises(InputError, match="guess rate"):
        guess_rate(_counts(answers, gold), [1, 1])


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_gradient_share_of_counts_by_enumeration(tally: tuple[int, int]) -> None:
    n, c = tally
    responses = [1] * c + [0] * (n - c)
    sizes = range(1, n + 1)
    found = gradient_share_of_counts([n], [c], list(sizes))[0]
    expected = [
        np.mean([0 < sum(group) < size for group in combinations(responses, size)])
        for size in sizes
    ]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_gradient_share_of_law_and_counts_agree(rng: np.random.Generator) -> None:
    rates, shares = np.array([0, 0.02, 0.4, 1.0]), np.array([0.1, 0.3, 0.4, 0.2])
    c = rng.binomial(64, rng.choice(rates, 10_000, p=shares))
    sizes = [1, 4, 16, 64]
    by_law = [float(mixed_group(size)(rates) @ shares) for size in sizes]
    assert by_law[0] == 0
    assert by_law[1] == pytest.approx(0.3 * (1 - 0.02**4 - 0.98**4) + 0.4 * (1 - 0.4**4 - 0.6**4))
    by_counts = gradient_share_of_counts(np.full(10_000, 64), c, sizes).mean(axis=0)
    np.testing.assert_allclose(by_counts, by_law, atol=0.01)


def test_curves_meet() -> None:
    ks = [1, 2, 4, 8]
    assert first_reaching(ks, [0.2, 0.4, 0.5, 0.6], 0.5) == 4
    assert first_reaching(ks, [0.2, 0.4, 0.5, 0.6], 0.7) is None


@pytest.mark.parametrize(
    ("question", "answer", "right"),
    [([0, 2], [1, 1], [0, 0]), ([0, 1], [-2, 1], [0, 0]), ([0, 1], [-1, 1], [1, 0])],
)
def test_strange_responses_are_errors(
    question: list[int], answer: list[int], right: list[int]
) -> None:
    with pytest.raises(InputError, match="Response"):
        count_answers(question, answer, right, 2)
