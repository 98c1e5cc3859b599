"""The comparison of two tallies: worked cases, symmetry, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liftmap.comparison.compare import compare
from liftmap.comparison.result import Comparison
from liftmap.errors import InputError
from liftmap.records import CurtailedPlan
from liftmap.stats.verdict import direction

from .conftest import FEW, make_tally, make_world


def test_the_figures_by_hand(small: Comparison) -> None:
    # Right of 4 before 0 0 1 2 3 4 4 1, after 0 1 3 4 4 4 4 0.
    assert small.questions == 8
    assert small.k == 4
    assert small.accuracy.before.estimate == pytest.approx(15 / 32)
    assert small.accuracy.change.estimate == pytest.approx(5 / 32)
    assert [point.k for point in small.capability] == [1, 2, 3, 4]
    # pass@2 of 1 right in 4: 1 - C(3,2)/C(4,2) = 1/2; of 2: 5/6; of 3 and 4: 1.
    assert small.capability[1].before.estimate == pytest.approx((1 / 2 + 5 / 6 + 3 + 1 / 2) / 8)
    assert small.capability[3].change.estimate == 0
    assert small.transitions.raw == ((1, 1, 0), (1, 0, 2), (0, 0, 3))
    # Lost within 2 tries: (1 - A_2(before)) A_2(after), where A_2 is 1, 1/2, 1/6, 0, 0.
    assert small.lost.k == 2
    assert small.lost.estimate is not None
    assert small.lost.estimate.estimate == pytest.approx(1 / 2)
    assert small.lost.noise is not None
    # Noise: A_2 - A_4 before, with A_4 1 for none right: 1/2 + 1/6 + 1/2.
    assert small.lost.noise.estimate == pytest.approx(7 / 6)
    assert small.lost.at_n is not None
    assert small.gained.at_n is not None
    assert (small.lost.at_n.observed, small.gained.at_n.observed) == (1, 1)
    assert small.mcnemar_p == 1


def test_the_matrices_hold_all_questions(large: Comparison) -> None:
    for kind in ("raw", "half", "noise", "corrected"):
        matrix = np.array(getattr(large.transitions, kind))
        assert matrix.shape == (8, 8)
        assert matrix.sum() == pytest.approx(400)
    half, noise = np.array(large.transitions.half), np.array(large.transitions.noise)
    np.testing.assert_allclose(half.sum(axis=1), noise.sum(axis=1))
    assert sum(one.questions for one in large.bins) == pytest.approx(400)


def test_the_verdict_rests_on_the_curve(large: Comparison) -> None:
    last = large.capability[-1]
    assert last.k == large.k == 64
    assert large.accuracy.change == large.capability[0].change
    assert large.verdict.k == 64
    assert large.verdict.accuracy.change == large.accuracy.change
    assert large.verdict.capability.change == last.change
    assert large.verdict.accuracy.word == "up"
    assert large.verdict.capability.word == direction(last.change, 0.01)
    for point in large.capability:
        assert point.band is not None
        low, high = point.band
        assert low < point.change.estimate < high


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=12),
)
def test_swapping_the_sides_swaps_what_is_observed(rows: list[tuple[int, int]]) -> None:
    one, other = (make_tally(side, 6) for side in zip(*rows, strict=True))
    there, back = compare(one, other, **FEW), compare(other, one, **FEW)
    assert there.lost.at_n is not None
    assert there.gained.at_n is not None
    assert back.lost.at_n is not None
    assert back.gained.at_n is not None
    assert there.lost.at_n.observed == back.gained.at_n.observed
    assert there.gained.at_n.observed == back.lost.at_n.observed
    assert there.mcnemar_p == back.mcnemar_p
    assert there.transitions.raw == tuple(zip(*back.transitions.raw, strict=True))
    for forth, reverse in zip(there.capability, back.capability, strict=True):
        assert forth.change.estimate == pytest.approx(-reverse.change.estimate)
        assert forth.before.estimate == pytest.approx(reverse.after.estimate)


def test_the_order_of_questions_changes_nothing() -> None:
    before, after = make_world(60, 16, 1)
    order = np.random.default_rng(0).permutation(60)
    shuffled = make_tally(after.c[order], 16, ids=after.question_ids[order].tolist())
    one, other = compare(before, after, **FEW), compare(before, shuffled, **FEW)
    assert one.to_json() == other.to_json()


def test_a_seed_gives_the_same_figures_again() -> None:
    sides = make_world(60, 16, 1)
    assert compare(*sides, **FEW).to_json() == compare(*sides, **FEW).to_json()
    assert compare(*sides, **FEW).to_json() != compare(*sides, **FEW, seed=1).to_json()


def test_questions_on_one_side_are_named_and_left_out() -> None:
    before = make_tally([1, 2, 3, 4], ids=["a", "b", "c", "d"])
    after = make_tally([4, 3, 2, 1, 0, 0, 0, 0], ids=["d", "c", "x1", "b", "x2", "x3", "x4", "x5"])
    found = compare(before, after, **FEW)
    assert found.questions == 3
    # b, c, d: 2, 3, 4 right before, 1, 3, 4 after.
    assert found.accuracy.change.estimate == pytest.approx(-1 / 12)
    assert "1 question (a) only before: left out." in found.warnings
    assert "5 questions (x1, x2, x3, ...) only after: left out." in found.warnings


def test_unequal_responses_use_what_both_sides_have() -> None:
    before = make_tally([0, 1, 2, 8], 8)
    after = make_tally([0, 2, 4, 4], [4, 6, 4, 4])
    found = compare(before, after, **FEW)
    assert found.k == 4
    assert found.lost.k == 2
    assert found.lost.at_n is None
    assert found.mcnemar_p is None
    assert any("between 4 and 8 responses" in text for text in found.warnings)
    json.loads(found.to_json())


def test_unscored_responses_give_a_range_and_can_cost_a_question() -> None:
    before = make_tally([2, 4, 0], [4, 4, 1], unscored=[0, 0, 3])
    after = make_tally([2, 3, 4], [3, 4, 4], unscored=[1, 0, 0])
    found = compare(before, after, **FEW)
    # q002 has more unscored responses than scored ones. q000 after: 2 or 3 of 4 right.
    assert found.questions == 2
    assert any("q002" in text for text in found.warnings)
    assert found.accuracy.after.estimate == pytest.approx((2 / 3 + 3 / 4) / 2)
    # Ends of the intervals of the figures with all unscored responses wrong, or right.
    extremes = [compare(before, make_tally([c, 3, 4], 4), **FEW) for c in (2, 3)]
    for name in ("after", "change"):
        worst, best = (getattr(one.accuracy, name) for one in extremes)
        assert getattr(found.accuracy, name).range == pytest.approx((worst.low, best.high))
    assert found.accuracy.before.range is None, "all of them are scored"


def test_one_response_each_leaves_out_what_needs_two() -> None:
    found = compare(make_tally([0, 1, 1, 0], 1), make_tally([1, 1, 0, 0], 1), **FEW)
    assert found.k == 1
    assert found.bins == ()
    assert found.transitions.half is None
    assert found.lost.k is None
    assert found.lost.at_n is not None
    assert found.lost.at_n.observed == 1
    assert json.loads(found.to_json())["lost"]["estimate"] is None


def test_k_asks_for_capability_and_for_losses() -> None:
    sides = make_world(40, 16, 2)
    found = compare(*sides, k=4, **FEW)
    assert (found.k, found.lost.k, len(found.capability)) == (4, 4, 4)
    assert compare(*sides, k=12, **FEW).lost.k == 8


def test_beyond_the_responses_only_on_demand_and_marked() -> None:
    sides = make_world(40, 16, 2)
    with pytest.raises(InputError, match="above the 16 responses"):
        compare(*sides, k=17)
    found = compare(*sides, k=64, extrapolate=True, **FEW)
    assert found.k == 16
    *within, beyond = found.capability
    assert (beyond.k, beyond.extrapolated, beyond.band) == (64, True, None)
    assert beyond.before.range is not None
    assert not any(point.extrapolated for point in within)
    assert json.loads(found.to_json())["capability"][-1]["extrapolated"] is True


def test_a_k_above_the_responses_says_who_has_how_many() -> None:
    n = [8] * 20 + [6] * 5 + [5, 5, 4, 7]
    sides = make_tally([1] * 29, n), make_tally([2] * 29, n)
    with pytest.raises(InputError, match=r"Of 29 questions 20 have 8, 5 have 6, 2 have 5, 2 have"):
        compare(*sides, k=9, **FEW)


def test_clusters_are_drawn_together() -> None:
    before, after = make_world(300, 16, 4)
    # Six copies of three hundred questions: as much is known as from three hundred.
    c_before, c_after = np.tile(before.c, 6), np.tile(after.c, 6)
    labels = [f"source {i % 300}" for i in range(1800)]
    alone = compare(make_tally(c_before, 16), make_tally(c_after, 16), resamples=400)
    together = compare(
        make_tally(c_before, 16, cluster=labels), make_tally(c_after, 16), resamples=400
    )
    assert alone.accuracy.change.estimate == pytest.approx(together.accuracy.change.estimate)
    widths = [one.accuracy.change.high - one.accuracy.change.low for one in (together, alone)]
    assert widths[0] == pytest.approx(6**0.5 * widths[1], rel=0.25)
    with pytest.raises(InputError, match="one cluster"):
        compare(make_tally([1, 2], cluster=["a", "a"]), make_tally([1, 2]))


def test_a_curtailed_plan_keeps_its_cap() -> None:
    plan = CurtailedPlan(stop_after=2, cap=8, round_size=4)
    before = make_tally([2, 3, 1, 0, 2], [4, 4, 8, 8, 8], plan=plan)
    after = make_tally([4, 2, 2, 1, 3], [4, 4, 8, 8, 8], plan=plan)
    found = compare(before, after, **FEW)
    assert found.k == 8
    assert found.mcnemar_p is None
    assert found.lost.at_n is not None
    assert found.lost.at_n.observed == 0
    assert found.gained.at_n is not None
    assert found.gained.at_n.observed == 1


@pytest.mark.parametrize(
    ("bins", "labels"),
    [("0,1-8,9-16", ("0", "1-8", "9-16")), ("3", None), ("study", None)],
)
def test_bins_can_be_chosen(bins: str, labels: tuple[str, ...] | None) -> None:
    found = compare(*make_world(60, 16, 1), bins=bins, **FEW)
    assert labels in (None, found.transitions.bins.labels)
    if bins == "3":
        assert len(found.transitions.bins) == 3


def test_a_table_is_as_good_as_a_tally() -> None:
    before, after = make_world(30, 8, 0)
    tables = [
        pl.DataFrame({"question_id": t.question_ids, "n": t.n, "c": t.c}) for t in (before, after)
    ]
    results = [compare(*sides, **FEW).to_dict() for sides in (tables, (before, after))]
    # A tally without a plan is taken as fixed; of a table with one n it is known.
    plans = [result[side].pop("plan") for result in results for side in ("before", "after")]
    assert plans == [*[{"kind": "fixed", "count": 8}] * 2, None, None]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("sides", "options", "message"),
    [
        (([1, 2], [1, 5]), {}, "between 0 and n"),
        (([1, 2], [1, 2]), {"level": 1.0}, "level is out of range"),
        (([1, 2], [1, 2]), {"margin": 0.0}, "margin is out of range"),
        (([1, 2], [1, 2]), {"k": 0}, "k is out of range"),
        (([1, 2], [1, 2]), {"law_resamples": 1}, "law_resamples is out of range"),
        (([1, 2], [1, 2]), {"bins": "hard"}, "does not name bins"),
        (([1, 2], [1, 2]), {"bins": "0,1-9"}, "must end at n"),
        (([1], [1]), {}, "two questions or more"),
    ],
)
def test_what_can_not_be_compared_is_refused(
    sides: tuple[list[int], list[int]], options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        compare(*map(make_tally, sides), **options)


def test_ids_have_to_be_unique_and_shared() -> None:
    with pytest.raises(InputError, match="twice"):
        compare(make_tally([1, 2], ids=["a", "a"]), make_tally([1, 2], ids=["a", "b"]))
    with pytest.raises(InputError, match="no question in common"):
        compare(make_tally([1, 2], ids=["a", "b"]), make_tally([1, 2], ids=["c", "d"]))


def test_tables_hold_the_figures(large: Comparison) -> None:
    tables = large.tables
    assert set(tables) == {
        "capability",
        "difficulty",
        "transitions",
        "lost_gained",
        "verdict",
        "guidance",
        "warnings",
        "responses",
        "indicators",
        "pass_hat",
        "equal_tokens",
        "nulls",
    }
    assert tables["capability"]["change"][0] == large.accuracy.change.estimate
    assert tables["capability"]["k"].to_list() == list(range(1, 65))
    accuracy = tables["difficulty"].filter(pl.col("k") == 1)
    assert accuracy["label"].to_list() == [one.label for one in large.bins]
    assert set(tables["difficulty"]["k"]) == {1, 32}
    raw = tables["transitions"].filter(pl.col("kind") == "raw")
    assert raw["questions"].sum() == 400
    lost = tables["lost_gained"].row(0, named=True)
    assert large.lost.at_n is not None
    assert large.lost.at_n.noise.range is not None
    assert lost["observed_at_n"] == large.lost.at_n.observed
    assert lost["noise_at_n_least"] == large.lost.at_n.noise.range[0]
    assert tables["verdict"]["label"].to_list() == [large.verdict.label]
    assert len(tables["guidance"]) == len(large.guidance)


def test_a_notebook_shows_the_verdict(large: Comparison) -> None:
    shown = large._repr_html_()
    assert large.verdict.label is not None
    assert f"{large.verdict.label} at k = 64" in shown
    assert "<table>" in shown


def test_where_nothing_changed_nothing_is_claimed() -> None:
    found = compare(*make_world(400, 64, 5, changed=False))
    assert found.verdict.label in ("unchanged", "inconclusive")
    assert not [one for one in found.guidance if one.kind == "lost"]


@pytest.mark.slow
def test_two_halves_of_one_model_lose_nothing_beyond_the_error_rate() -> None:
    claims = excesses = 0
    for seed in range(60):
        found = compare(*make_world(300, 64, 100 + seed, changed=False), resamples=200)
        assert found.lost.excess is not None
        excesses += found.lost.excess.low > 0
        claims += any(one.kind == "lost" for one in found.guidance)
    # A two-sided level of 95 % allows 2.5 % each way: 5 of 60 has a chance below 2 %.
    assert excesses <= 5
    assert claims <= 6
