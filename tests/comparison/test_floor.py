"""What stands beside lost questions at n: the floor of the law, and tests that know of clusters."""

from __future__ import annotations

import numpy as np

from liftmap.comparison.compare import compare
from liftmap.comparison.result import Comparison

from .conftest import make_tally, make_world

REFITTED = {"resamples": 50, "law_resamples": 10}


def _lost_by_cluster(size: int) -> Comparison:
    """Two hundred questions in clusters, of which the first are lost whole."""
    questions, gone = 200, 40
    cluster = [f"c{place // size:03}" for place in range(questions)]
    c_before = np.full(questions, 3)
    c_after = c_before.copy()
    c_after[:gone] = 0
    sides = (make_tally(c, 16, cluster=cluster) for c in (c_before, c_after))
    return compare(*sides, **REFITTED)


def test_gross_loss_of_an_unchanged_model_does_not_stand_above_its_floor() -> None:
    moves = compare(*make_world(1000, 32, 5, changed=False), **REFITTED).lost.at_n
    assert moves is not None
    assert moves.floor is not None
    assert moves.gross is not None
    assert moves.floor.data_sets == 19
    # The law finds a gross loss where there is none: the floor says how much.
    assert moves.floor.gross.mean > 1
    assert moves.gross.estimate < 1.5 * moves.floor.gross.largest


def test_noise_reaches_as_far_as_the_likelihood_allows() -> None:
    at_n = compare(*make_world(300, 16, 2), **REFITTED).lost.at_n
    assert at_n is not None
    assert at_n.noise is not None
    assert at_n.excess is not None
    least, greatest = at_n.noise.range or (0, 0)
    # The profile at 1.92 holds the range at 0.7, and the interval the profile.
    assert at_n.noise.low <= least
    assert greatest <= at_n.noise.high
    assert at_n.excess.low <= at_n.observed - greatest
    assert at_n.observed - least <= at_n.excess.high


def test_without_refits_nothing_of_the_law_is_shown_at_n() -> None:
    at_n = compare(*make_world(60, 16, 2), resamples=50, law_resamples=0).lost.at_n
    assert at_n is not None
    assert at_n.observed >= 0
    assert (at_n.noise, at_n.excess, at_n.gross, at_n.floor) == (None, None, None, None)


def test_questions_lost_with_their_cluster_count_once() -> None:
    each, together = _lost_by_cluster(1), _lost_by_cluster(20)
    assert each.mcnemar is not None
    assert together.mcnemar is not None
    assert (each.mcnemar.method, together.mcnemar.method) == ("exact", "sign flips of clusters")
    assert each.mcnemar.p < 0.01
    # Two clusters went the same way by chance in half of all cases.
    assert together.mcnemar.p == 0.5
    firm = [[piece.kind for piece in found.guidance] for found in (each, together)]
    assert "lost" in firm[0]
    assert "lost" not in firm[1]
