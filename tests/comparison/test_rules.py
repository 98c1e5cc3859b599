"""What a comparison may say, by how much was asked: each rule with a case that needs it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from liftmap.comparison.compare import compare
from liftmap.comparison.match import match
from liftmap.errors import InputError
from liftmap.read.study import chance_rate
from liftmap.records import CurtailedPlan, Question, Tally
from liftmap.report.overview import lines, summarise, summary_rows
from liftmap.stats.intervals import FirstLoss

from .conftest import FEW, make_tally, make_world

ESTIMANDS = {"like-these": "on_questions_like_these", "fixed": "on_these_questions"}


def test_one_response_measures_no_capability() -> None:
    comparison = compare(*make_world(80, 1, 0), **FEW)
    assert comparison.verdict.label is None
    assert comparison.to_dict()["k"] is None
    assert comparison.verdict.capability.word == "not measured"
    assert comparison.capability_at_64 is None


def test_few_tries_say_so_beside_the_change_that_the_law_allows_at_64() -> None:
    comparison = compare(*make_world(80, 4, 0), **FEW)
    assert comparison.verdict.few_tries
    assert comparison.capability_at_64 is not None
    assert comparison.capability_at_64.range is not None
    assert any("k = 64" in text and "few tries" in text for text in comparison.caveats)
    without = compare(*make_world(80, 4, 0), resamples=50, law_resamples=0)
    assert without.capability_at_64 is None, "nothing of the law is fitted for it"


def test_where_both_sides_solve_all_no_change_can_be_told() -> None:
    n = 32
    comparison = compare(make_tally([2, 30, 31] * 20, n), make_tally([3, 31, 32] * 20, n), **FEW)
    assert comparison.verdict.capability.word == "saturated"
    assert comparison.verdict.label is None
    below = comparison.verdict.unsaturated_k
    assert below is not None
    at = {
        point.k: min(point.before.estimate, point.after.estimate) for point in comparison.capability
    }
    assert at[below] <= 1 - comparison.margin < at[below + 1]


def test_few_sure_questions_do_not_show_that_nothing_changed() -> None:
    # No question happens to differ: of thirty, up to a tenth may.
    sides = make_tally([0, 256] * 15, 256), make_tally([0, 256] * 15, 256)
    change = compare(*sides, **FEW).accuracy.change
    assert change.low < -0.05
    assert change.high > 0.05


@pytest.mark.parametrize("leads", ESTIMANDS)
def test_both_readings_stand_side_by_side_whichever_leads(leads: str) -> None:
    world = make_world(60, 32, 2)
    options: dict[str, Any] = {**FEW, "k": 16}
    json = compare(*world, **options, questions=leads).to_dict()
    swapped = compare(*world, **options, questions=next(x for x in ESTIMANDS if x != leads))
    assert json["questions_are"] == leads
    for one, other in zip(json["capability"], swapped.to_dict()["capability"], strict=True):
        for key in ESTIMANDS.values():
            assert one[key] == other[key]
        these, like = (
            one[key]["change"] for key in ("on_these_questions", "on_questions_like_these")
        )
        assert these["high"] - these["low"] < like["high"] - like["low"]
        assert one["change"] == one[ESTIMANDS[leads]]["change"]
    beside = json["verdict"][ESTIMANDS[next(x for x in ESTIMANDS if x != leads)]]
    assert beside["k"] == 16
    assert json["verdict"]["needed_are"] != beside["needed_are"]


def test_these_questions_reach_half_of_the_responses_and_need_eight() -> None:
    comparison = compare(*make_world(40, 16, 1), **FEW, questions="fixed")
    assert comparison.k == 8
    with pytest.raises(InputError, match="k is above the 8 tries"):
        compare(*make_world(40, 16, 1), **FEW, questions="fixed", k=9)
    with pytest.raises(InputError, match="more responses"):
        compare(*make_world(40, 4, 1), **FEW, questions="fixed")
    few = compare(*make_world(40, 4, 1), **FEW)
    assert few.other_verdict is None
    assert few.to_dict()["accuracy"]["on_these_questions"] is None


def test_questions_asked_seldom_do_not_set_k_for_all() -> None:
    n = [64] * 39 + [3]
    before, after = make_tally([8] * 39 + [1], n), make_tally([9] * 39 + [0], 64)
    comparison = compare(before, after, **FEW)
    assert (comparison.questions, comparison.k) == (39, 64)
    assert any("q039" in text and "left out on both sides" in text for text in comparison.warnings)
    assert compare(before, after, **FEW, min_responses=2).k == 3


def test_nothing_is_left_out_where_n_depends_on_outcomes() -> None:
    # Asked until solved: the least asked questions are never the unsolved ones.
    n = np.array([4] * 40 + [64] * 60)
    c = np.array([2] * 40 + [0] * 60)
    comparison = compare(make_tally(c, n.tolist()), make_tally([5] * 100, 64), **FEW)
    assert comparison.questions == 100
    assert any("would be biased" in text for text in comparison.warnings)


def _with_unscored(tally: Tally, rate: float, seed: int) -> Tally:
    """Some of the right responses could not be scored."""
    rng = np.random.default_rng(seed)
    lost = rng.binomial(tally.c, rate)
    return make_tally(tally.c - lost, (tally.n - lost).tolist(), unscored=lost.tolist())


def test_unscored_right_responses_do_not_make_accuracy_fall() -> None:
    before, _ = make_world(200, 64, 5, changed=False)
    comparison = compare(before, _with_unscored(before, 0.05, 0), **FEW)
    assert comparison.accuracy.change.high < 0, "the bare interval is fooled"
    assert comparison.verdict.accuracy.word == "unsettled"
    least, greatest = comparison.accuracy.change.range or (0.0, 0.0)
    assert least < comparison.accuracy.change.low
    assert greatest >= 0
    assert comparison.other_verdict is not None
    assert comparison.other_verdict.accuracy.word == "unsettled"
    for point in comparison.capability:
        assert point.band is not None
        assert point.band[1] >= 0


def test_a_curtailed_tally_alone_has_no_bound_for_unscored_responses() -> None:
    plan = CurtailedPlan(stop_after=2, cap=8, round_size=4)
    after = make_tally([4, 2, 2, 1, 3], [4, 4, 8, 8, 8], unscored=[0, 0, 1, 0, 0], plan=plan)
    before = make_tally([2, 3, 1, 0, 2], [4, 4, 8, 8, 8], plan=plan)
    comparison = compare(before, after, **FEW)
    assert comparison.verdict.accuracy.withheld == "unscored"
    assert comparison.verdict.accuracy.word == "unsettled"
    assert comparison.accuracy.change.range is None
    assert comparison.to_dict()["verdict"]["bounded"] is False
    assert any("no bound" in text for text in comparison.warnings)
    # The order in which responses were drawn gives one.
    asked = after.n + after.unscored
    rights = [
        right
        for n, c, u in np.column_stack([after.n, after.c, after.unscored]).tolist()
        for right in [*[None] * u, *[False] * (n - c), *[True] * c]
    ]
    order = pl.DataFrame(
        {"question_id": np.repeat(after.question_ids, asked), "right": rights},
        schema_overrides={"right": pl.Boolean},
    )
    ordered = match(before, after, orders=(None, order))
    assert ordered.bounded
    assert ordered.extremes is not None


def test_right_responses_that_exhaust_the_verifier_do_not_make_accuracy_fall() -> None:
    before, _ = make_world(200, 64, 5, changed=False)
    lost = np.random.default_rng(0).binomial(before.c, 0.05)
    fallen = before.c - lost
    bare = compare(before, make_tally(fallen, 64), **FEW)
    comparison = compare(before, make_tally(fallen, 64, exhausted=lost.tolist()), **FEW)
    assert bare.verdict.accuracy.word == "down", "the bare interval is fooled"
    assert comparison.verdict.accuracy.word == "unsettled"
    # They count as wrong in the figure; the range reaches to where all of them are right.
    assert comparison.accuracy.change.estimate == bare.accuracy.change.estimate
    best = compare(before, make_tally(before.c, 64), **FEW)
    assert comparison.accuracy.after.range == pytest.approx(
        (bare.accuracy.after.low, best.accuracy.after.high)
    )
    assert comparison.accuracy.before.range is None
    [said] = [text for text in comparison.warnings if "exhausted" in text]
    assert said.startswith(f"{lost.sum():,} responses after exhausted the verifier's time")


def test_exhausted_responses_of_a_curtailed_plan_are_bounded_by_their_order() -> None:
    plan = CurtailedPlan(stop_after=2, cap=8, round_size=4)
    before = make_tally([2, 3], [4, 4], plan=plan)
    after = make_tally([2, 1], [8, 8], exhausted=[1, 0], plan=plan)
    alone = match(before, after)
    assert (alone.bounded, alone.extremes) == (False, None)
    rights = [*"+-!-", *"-+--", *"--+-", *"----"]
    order = pl.DataFrame(
        {
            "question_id": np.repeat(after.question_ids, 8),
            "right": [mark == "+" for mark in rights],
            "exhausted": [mark == "!" for mark in rights],
        }
    )
    ordered = match(before, after, orders=(None, order))
    assert ordered.extremes is not None
    row = ordered.row_of_question[0]
    wrong, right = ordered.extremes[1]
    assert (wrong.n[row], wrong.c[row]) == (8, 2)
    assert (right.n[row], right.c[row]) == (4, 2), "with it right, the question stops at once"


def test_looks_widen_every_interval_and_say_so() -> None:
    world = make_world(150, 16, 3)
    once, often = compare(*world), compare(*world, looks=600)
    for one, other in zip(once.capability, often.capability, strict=True):
        assert other.change.high - other.change.low > 1.4 * (one.change.high - one.change.low)
    assert any("one look" in text for text in once.caveats)
    assert any("every look" in text for text in often.caveats)
    assert often.verdict.accuracy.p_value is None


def test_the_band_over_bins_holds_the_intervals(large: Any) -> None:
    assert large.bins
    for one in (*large.bins, *large.solved_bins):
        assert one.band[0] <= one.change.low
        assert one.band[1] >= one.change.high
        assert one.survives == (one.band[0] > 0 or one.band[1] < 0)
    assert any(one.survives for one in large.bins), "training raised accuracy"


@pytest.mark.slow
def test_some_bin_survives_in_few_unchanged_worlds() -> None:
    rounds = 60
    survived = alone = 0
    for seed in range(rounds):
        world = make_world(200, 32, 300 + seed, changed=False)
        bins = compare(*world, resamples=300, law_resamples=0).bins
        survived += any(one.survives for one in bins)
        alone += any(one.change.low > 0 or one.change.high < 0 for one in bins)
    # A chance of 5 % gives 7 or more of 60 in 3 % of the cases.
    assert survived <= 6
    assert survived <= alone


def test_guessing_is_known_where_questions_offer_choices() -> None:
    text = "What?\n\nA) one\nB) two\nC) three\nD) four"
    asked = [Question(f"q{i}", text, "BD"[i % 2]) for i in range(4)]
    assert chance_rate(asked) == 0.25
    assert chance_rate([*asked, Question("open", "How many?", "4")]) is None
    assert compare(*make_world(20, 4, 0), **FEW).chance is None


def test_a_change_that_does_not_stand_among_many_checkpoints_is_not_coloured() -> None:
    comparisons = {
        f"arm{i}@1": compare(
            *make_world(60, 8, 40 + i, changed=i == 0), resamples=200, law_resamples=0
        )
        for i in range(6)
    }
    tables = {
        name: pl.concat(
            comparison.table(name).with_columns(
                model=pl.lit(model), arm=pl.lit(model[:4]), seed=pl.lit(1, pl.Int64)
            )
            for model, comparison in comparisons.items()
        )
        for name in ("capability", "verdict")
    }
    rows = summarise(tables)
    assert rows["family"].to_list() == [12] * 6
    assert (rows["accuracy_p_holm"] >= rows["accuracy_p"] - 1e-12).all()
    for row, shown, line in zip(rows.to_dicts(), summary_rows(rows), lines(rows), strict=True):
        stands = row["accuracy"] not in ("up", "down") or row["accuracy_p_holm"] < 0.05
        assert (shown.accuracy_word == row["accuracy"]) == stands
        assert any("Holm" in text for text in line.notes) == (
            not stands or shown.capability_word != row["capability"]
        )
    assert rows["best_of"].null_count() == 6, "each arm has one checkpoint"
    of_one_arm = {name: table.with_columns(arm=pl.lit("rlvr")) for name, table in tables.items()}
    best = summarise(of_one_arm).filter(pl.col("best_of").is_not_null())
    assert best["best_of"].to_list() == [6]
    assert any("chosen by the result" in text for text in lines(best)[0].notes)


def test_k_of_1_is_not_taken_for_one_response() -> None:
    asked = compare(*make_world(60, 16, 2), **FEW, k=1)
    assert asked.verdict.capability.word == "not measured"
    assert not any("one response" in text for text in (*asked.caveats, str(asked.statements)))
    assert any("one response" in text for text in compare(*make_world(60, 1, 2), **FEW).caveats)


def test_figures_on_these_questions_are_not_left_out_in_silence() -> None:
    def missing(n: int) -> bool:
        return any("Figures on these" in x for x in compare(*make_world(60, n, 2), **FEW).caveats)

    assert missing(7)
    assert not missing(8)


def test_questions_with_fewer_responses_are_not_said_to_fail_more_often() -> None:
    n = [8, 16] * 10
    notes = compare(make_tally([0, 3] * 10, n), make_tally([0, 3] * 10, n), **FEW).notes
    assert "Never right: 10 questions before, 10 after." in notes


def test_a_set_of_first_losses_with_a_gap_is_not_said_to_be_a_range() -> None:
    comparison = compare(*make_world(40, 4, 2), **FEW)
    loss = FirstLoss(None, (1, 3, 4, 5, 8), never_possible=True)
    [text] = [x for x in replace(comparison, first_loss_k=loss).notes if x.startswith("First k")]
    assert text.endswith("1, 3 to 5, 8 or never.")


def test_where_one_looks_often_a_test_for_one_look_is_not_shown() -> None:
    assert compare(*make_world(60, 8, 2), **FEW, looks=100).mcnemar is None


@pytest.mark.parametrize("cluster", [None, list("aabcccccccc")])
def test_few_compared_of_many_common_questions_have_resamples_all_the_same(cluster: Any) -> None:
    unscored = [0, 0, 0] + [9] * 8
    sides = [make_tally([1, 2, 3] + [1] * 8, unscored=unscored, cluster=cluster) for _ in range(2)]
    comparison = compare(*sides, **FEW)
    assert comparison.questions == 3
    assert np.isfinite(comparison.accuracy.change.low)


def test_bins_of_few_questions_do_not_shrink_to_a_sure_change() -> None:
    # Two alike questions show no spread at all.
    comparison = compare(make_tally([0, 0], 16), make_tally([4, 4], 16), **FEW)
    assert comparison.bins
    for one in comparison.bins:
        assert one.change.low < 0.25 < one.change.high
        assert not one.survives
    [alone] = compare(make_tally([0] * 30, 16), make_tally([0] * 30, 16), **FEW).bins
    assert alone.change.low < 0 < alone.change.high
