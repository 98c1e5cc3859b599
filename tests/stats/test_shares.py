"""Differences of shares, and words in common: worked cases."""

from __future__ import annotations

import pytest

from liftmap.stats.overlap import ordered_overlap
from liftmap.stats.shares import difference_of_shares, wilson


def test_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80 (Newcombe 1998, table II, example a, method 10)."""
    difference = difference_of_shares(wilson(56 / 70, 70, 0.95), wilson(48 / 80, 80, 0.95))
    assert difference.estimate == pytest.approx(0.2)
    assert (difference.low, difference.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize(
    ("wanted", "given", "share"),
    [
        ("a b c d", "a b c d", 1.0),
        ("a b c d", "", 0.0),
        ("a b c d", "d c b a", 0.25),
        ("a b c d", "x a x c y d", 0.75),
        ("a a b", "a b a", 2 / 3),
        ("the cat sat on the mat", "the mat sat on the cat", 4 / 6),
    ],
)
def test_words_in_order(wanted: str, given: str, share: float) -> None:
    assert ordered_overlap(wanted.split(), given.split()) == pytest.approx(share)
