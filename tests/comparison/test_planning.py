"""Plans: what can be detected, and for how many responses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from liftmap.comparison.planning import plan
from liftmap.errors import InputError
from liftmap.records import CurtailedPlan, FixedPlan

from .conftest import make_tally, make_world


def test_more_questions_detect_less() -> None:
    few, many = (plan(make_world(size, 16, 0)[0]) for size in (100, 400))
    for one, other in zip(few.smallest, many.smallest, strict=True):
        assert one.k == other.k
        assert one.down is not None
        assert other.down is not None
        assert one.down.estimate == pytest.approx(2 * other.down.estimate, rel=0.4)
        assert one.down.low < one.down.estimate < one.down.high < 0
    assert few.smallest[0].up is not None
    assert many.smallest[0].up is not None
    assert few.smallest[0].up.estimate > 1.5 * many.smallest[0].up.estimate > 0


def test_the_cheapest_plan_comes_first_and_detects_the_change() -> None:
    accuracy, capability = plan(make_world(400, 32, 1)[0], change=-0.06).wanted
    assert (accuracy.k, capability.k) == (1, 32)
    for aim in (accuracy, capability):
        costs = [offer.design.responses for offer in aim.offers]
        assert costs == sorted(costs)
        assert all(offer.design.questions <= 400 for offer in aim.offers)
        assert all(
            offer.high is not None and offer.low <= offer.design.questions <= offer.high
            for offer in aim.offers
        )
        assert aim.more is None
    # For pass@32 stopping early on solved questions saves most responses.
    assert isinstance(capability.offers[0].design.plan, CurtailedPlan)


def test_a_change_out_of_reach_says_how_many_questions_see_it() -> None:
    for aim in plan(make_world(60, 16, 1)[0], change=0.005).wanted:
        assert aim.offers == ()
        assert aim.more is not None
        assert aim.more.design.questions > 60


def test_a_rise_of_unsolved_questions_is_never_out_of_reach() -> None:
    """Sixteen wrong responses do not show that a question can't be solved."""
    unsolved = make_tally([0] * 50 + [16] * 50, 16)
    rise = plan(unsolved, change=0.4).wanted[1]
    assert rise.offers or rise.more is not None
    assert not rise.extrapolated
    beyond = plan(unsolved, change=0.6).wanted[1]
    assert beyond.more is None
    assert 0.4 < beyond.greatest < 0.5


def test_a_k_beyond_the_pilot_is_marked() -> None:
    accuracy, capability = plan(make_world(100, 16, 1)[0], k=64).wanted
    assert not accuracy.extrapolated
    assert capability.extrapolated
    assert capability.k == 64


def test_planning_for_within_needs_a_margin_that_fits() -> None:
    world = make_world(200, 16, 2)[0]
    assert plan(world).within == ()
    wide, narrow = (plan(world, within=True, margin=margin).within for margin in (0.05, 0.01))
    for one, other in zip(wide, narrow, strict=True):
        few = one.offers[0] if one.offers else one.more
        many = other.offers[0] if other.offers else other.more
        assert few is not None
        assert many is not None
        assert few.design.responses < many.design.responses


def test_a_pilot_of_clusters_plans_with_clusters() -> None:
    """Twenty templates of twenty questions with one success rate each are twenty questions."""
    rng = np.random.default_rng(4)
    p = np.repeat(rng.beta(0.5, 0.5, 20), 20)
    c, labels = rng.binomial(8, p), [f"t{i // 20}" for i in range(400)]
    together = plan(make_tally(c, 8, cluster=labels))
    apart = plan(make_tally(c, 8))
    assert apart.clusters is None
    assert together.clusters is not None
    assert together.clusters.size == 20
    assert together.clusters.correlation > 0.8
    for one, other in zip(together.smallest, apart.smallest, strict=True):
        assert other.down is not None
        assert one.down is None or one.down.estimate < 2 * other.down.estimate


def test_plans_as_json_and_tables() -> None:
    found = plan(make_world(200, 16, 2)[0], change=-0.08, k=8)
    plain = json.loads(found.to_json())
    assert plain["plan"] == {"kind": "fixed", "count": 16}
    assert [one["k"] for one in plain["smallest_change"]] == [1, 8]
    assert all(one["change"] == -0.08 for one in plain["wanted"])
    assert found.plan == FixedPlan(16)
    tables = found.tables
    assert tables["smallest_change"]["k"].to_list() == [1, 8]
    assert len(tables["plans"]) == sum(len(one["plans"]) for one in plain["wanted"])
    assert tables["plans"]["questions_low"].is_between(1, tables["plans"]["questions"]).all()


def test_a_plan_needs_responses_and_a_change() -> None:
    with pytest.raises(InputError, match="two questions"):
        plan(make_tally([1], 4))
    with pytest.raises(InputError, match="must not be 0"):
        plan(make_world(60, 16, 1)[0], change=0)
