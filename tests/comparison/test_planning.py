"""Plans: what can be detected, and for how many responses."""

from __future__ import annotations

import json

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
        assert one.down == pytest.approx(2 * other.down, rel=0.4)
    assert few.smallest[0].up is not None
    assert many.smallest[0].up is not None
    assert few.smallest[0].up > 1.5 * many.smallest[0].up > 0


def test_the_cheapest_plan_comes_first_and_detects_the_change() -> None:
    found = plan(make_world(400, 32, 1)[0], change=-0.06)
    accuracy, capability = found.wanted
    assert (accuracy.k, capability.k) == (1, 32)
    for wanted in found.wanted:
        costs = [design.responses for design in wanted.designs]
        assert costs == sorted(costs)
        assert all(design.questions <= 400 for design in wanted.designs)
        assert wanted.more is None
    # For pass@32 stopping early on solved questions saves most responses.
    assert isinstance(capability.designs[0].plan, CurtailedPlan)


def test_a_change_out_of_reach_says_how_many_questions_see_it() -> None:
    found = plan(make_world(60, 16, 1)[0], change=0.005)
    for wanted in found.wanted:
        assert wanted.designs == ()
        assert wanted.more is not None
        assert wanted.more.questions > 60


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


def test_a_plan_needs_responses_and_a_change() -> None:
    with pytest.raises(InputError, match="two questions"):
        plan(make_tally([1], 4))
    with pytest.raises(InputError, match="must not be 0"):
        plan(make_world(60, 16, 1)[0], change=0)
