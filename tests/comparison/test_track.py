"""A run over its steps: the figures of one comparison a step, one band over all, a fair choice."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from liftmap.comparison.compare import compare
from liftmap.comparison.curve import doubling
from liftmap.comparison.match import match
from liftmap.comparison.track import track
from liftmap.comparison.track_band import BandOptions, bands
from liftmap.comparison.track_parts import direction_of
from liftmap.comparison.track_record import Track
from liftmap.errors import InputError
from liftmap.records import Tally
from liftmap.stats.intervals import simultaneous_band
from liftmap.stats.passk import pass_at_k

from .conftest import make_tally

FEW: dict[str, Any] = {"resamples": 100}


def run_of(
    rates: list[np.ndarray], n: int = 16, seed: int = 0, cluster: list[str] | None = None
) -> dict[int, Tally]:
    """Tallies of steps 0, 10, 20 ... with these success rates."""
    rng = np.random.default_rng(seed)
    return {
        10 * place: make_tally(rng.binomial(n, rate), n, cluster=cluster)
        for place, rate in enumerate(rates)
    }


def sharpening(questions: int = 200, steps: int = 5, seed: int = 0) -> dict[int, Tally]:
    """Rates drift towards 0 and 1, half of the drift after the first third."""
    log_odds = np.random.default_rng(seed).normal(0, 1.5, questions)
    drift = np.where(log_odds > np.log(1 / 3), 2.2, -5.0)
    return run_of([1 / (1 + np.exp(-log_odds - drift * t / steps)) for t in range(steps + 1)])


@pytest.fixture(scope="module")
def sharpened() -> Track:
    return track(sharpening(), date=date(2026, 11, 27), **FEW)


def test_each_step_is_compared_as_compare_does() -> None:
    run = sharpening(80, 3)
    tracked = track(run, **FEW)
    for step in tracked.steps:
        alone = compare(run[0], run[step.number], law_resamples=0, **FEW)
        assert step.comparison is not None
        assert step.comparison.capability == alone.capability
        assert step.comparison.lost == alone.lost
        assert [figure.change for figure in step.passes] == [
            point.change for point in alone.capability if point.k in tracked.ks
        ]
    assert tracked.ks == (1, 2, 4, 8, 16)


def test_a_band_over_one_step_is_that_of_its_curve() -> None:
    before, after = sharpening(80, 1).values()
    pair = match(before, after)
    ks = doubling(16)
    [ends] = bands([pair], ks, [None], BandOptions(0.95, 2000, 0)).passes
    sides = [pass_at_k(side.n, side.c, ks) for side in (before, after)]
    low, high = simultaneous_band(*sides, rng=np.random.default_rng(1), resamples=2000)
    # The band of `track` holds the same changes at k = 1 and 16 once more; sup-t doesn't mind.
    result = np.array(ends)
    assert np.allclose(result[1:], np.column_stack([low, high])[1:], atol=0.006)


def test_the_band_widens_with_what_it_holds_together() -> None:
    run = run_of([np.full(150, 0.5)] * 9)
    pairs = [match(run[0], run[step]) for step in list(run)[1:]]
    options = BandOptions(0.95, 2000, 0)
    single, all_ = (bands(some, [1], [None] * len(some), options) for some in (pairs[:1], pairs))
    widths = [made.passes[0][0][1] - made.passes[0][0][0] for made in (single, all_)]
    assert 1.1 < widths[1] / widths[0] < 1.6


def test_sharpening_is_told_as_what_it_is(sharpened: Track) -> None:
    last = sharpened.steps[-1]
    assert direction_of(last.accuracy.band) == "up"
    assert direction_of(last.capability.band) == "down"
    assert last.lost is not None
    assert direction_of(last.lost.band) == "up"
    assert sharpened.changed
    first = sharpened.sentences[0]
    assert "Accuracy is above step 0 at steps" in first
    assert "pass@16 is below step 0 at steps" in first
    # Capability falls all the way, but accuracy rises all the way: no step where it turns.
    assert sharpened.turning is None


def test_no_story_is_told_from_noise() -> None:
    rates = np.random.default_rng(1).beta(0.4, 0.6, 150)
    tracked = track(run_of([rates] * 6), **FEW)
    assert not tracked.changed
    assert tracked.turning is None
    assert tracked.sentences[0].startswith("No step is shown to differ from step 0")


def test_the_step_from_which_capability_falls_is_found() -> None:
    rng = np.random.default_rng(2)
    log_odds = rng.normal(0, 1.5, 400)
    better = log_odds + 1.0
    hard = better < 0
    rates = [log_odds, better, *(np.where(hard, better - 3 * t, better) for t in (0.5, 1, 1.5))]
    tracked = track(run_of([1 / (1 + np.exp(-each)) for each in rates]), **FEW)
    assert tracked.turning is not None
    # From the base accuracy rises; from step 10 on it does not, and pass@16 falls.
    assert tracked.turning.step == 10
    assert tracked.turning.capability.high < 0
    assert tracked.turning.accuracy.low <= 0
    assert any(text.startswith("From step 10 to step 40") for text in tracked.sentences)


def test_the_chosen_step_has_a_figure_without_the_luck_of_choosing() -> None:
    rates = np.random.default_rng(3).beta(0.4, 0.6, 150)
    seen, fair = [], []
    for seed in range(12):
        tracked = track(run_of([rates] * 7, seed=seed), **FEW)
        assert tracked.chosen is not None
        best = max(tracked.steps, key=lambda step: step.capability.value.estimate)
        chosen = next(s for s in tracked.steps if s.number == tracked.chosen.step)
        assert chosen.capability.value.estimate == best.capability.value.estimate
        seen.append(tracked.chosen.capability_seen.estimate)
        fair.append(tracked.chosen.capability.estimate)
        assert tracked.chosen.capability.low <= tracked.chosen.capability.estimate
    assert np.mean(seen) > 0.015
    assert abs(np.mean(fair)) < 0.01
    assert any("which is too high since they chose it" in text for text in tracked.sentences)


def test_clusters_widen_the_band_and_stay_whole() -> None:
    rates = np.repeat(np.random.default_rng(4).beta(0.4, 0.6, 30), 10)
    moved = np.clip(rates + np.repeat(np.random.default_rng(5).normal(0, 0.2, 30), 10), 0, 1)
    names = [f"c{place // 10}" for place in range(300)]
    plain, clustered = (
        track(run_of([rates, moved, rates], cluster=labels), **FEW) for labels in (None, names)
    )
    widths = [np.ptp(run.steps[0].accuracy.band or (0, 0)) for run in (plain, clustered)]
    assert widths[1] > 1.5 * widths[0]
    assert clustered.chosen is not None


# Questions and steps


def test_only_questions_of_every_step_are_compared() -> None:
    rng = np.random.default_rng(0)
    ids = [f"q{place:02}" for place in range(40)]
    run = {
        0: make_tally(rng.binomial(16, 0.5, 40), 16, ids=ids),
        10: make_tally(rng.binomial(16, 0.5, 40), 16, ids=ids),
        20: make_tally(rng.binomial(16, 0.5, 30), 16, ids=ids[:30]),
    }
    tracked = track(run, **FEW)
    assert tracked.questions == 30
    assert all(step.comparison.questions == 30 for step in tracked.steps if step.comparison)
    assert any(
        "10 of 40 questions" in text and "step 20 lacks 10" in text for text in tracked.warnings
    )
    few = make_tally([1] * 40, 16, ids=[f"r{place}" for place in range(40)])
    with pytest.raises(InputError, match=r"0 can be judged at every step.*validation"):
        track({**run, 30: few}, **FEW)


def test_a_question_asked_seldom_at_one_step_is_left_out_at_all() -> None:
    run = run_of([np.full(40, 0.5)] * 3)
    n = np.full(40, 16)
    n[5] = 2
    run[20] = make_tally(np.minimum(run[20].c, n), n.tolist())
    tracked = track(run, **FEW)
    assert tracked.questions == 39
    assert tracked.k == 16
    assert any("asked too seldom" in text for text in tracked.warnings)


def test_unequal_numbers_of_responses_give_one_k_to_all() -> None:
    run = run_of([np.full(60, 0.5)] * 3)
    run[20] = make_tally(run[20].c // 2, 8)
    tracked = track(run, **FEW)
    assert tracked.ks == (1, 2, 4, 8)
    assert {step.capability.k for step in tracked.all_steps} == {8}


def test_no_change_is_called_where_unscored_responses_have_no_bound() -> None:
    from liftmap.records import CurtailedPlan

    plan = CurtailedPlan(stop_after=4, cap=16, round_size=4)
    run = {
        number: make_tally([4] * 30 + [0] * 30, [4] * 30 + [16] * 30, plan=plan)
        for number in (0, 10)
    }
    run[20] = make_tally(
        [4] * 30 + [0] * 30, [4] * 30 + [16] * 30, plan=plan, unscored=[1] + [0] * 59
    )
    tracked = track(run, **FEW)
    assert [step.withheld for step in tracked.steps] == [None, "unscored"]
    assert all(figure.band is None for figure in tracked.steps[1].passes)
    assert tracked.chosen is None
    assert any("No change is called at step 20" in text for text in tracked.caveats)


def test_unscored_responses_widen_the_band() -> None:
    run = run_of([np.full(60, 0.5)] * 3)
    doubtful = make_tally(run[20].c, 16, unscored=[4] * 60)
    plain, bounded = (track({**run, 20: last}, **FEW) for last in (run[20], doubtful))
    ends = [run.steps[1].accuracy.band for run in (plain, bounded)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[1][0] < ends[0][0]
    assert ends[1][1] > ends[0][1]


# What is required


def test_rules_are_asked_of_steps_and_hold_together() -> None:
    run = sharpening(120, 4)
    rules = ["pass@16 >= -2", "accuracy >= -1"]
    last, every, chosen = (
        track(run, require=rules, at=at, **FEW) for at in ("last", "all", "chosen")
    )
    assert [each.step for each in last.gate] == [40, 40]
    assert [each.answer.word for each in last.gate] == ["failed", "passed"]
    assert [each.step for each in every.gate] == [10, 10, 20, 20, 30, 30, 40, 40]
    assert chosen.chosen is not None
    assert {each.step for each in chosen.gate} == {chosen.chosen.step}
    alone = compare(
        run[0], run[40], law_resamples=0, require=[*rules, "lost <= 0", "pass@2 >= 0"], **FEW
    )
    two = track(run, require=["pass@16 >= -2"], at="all", **FEW)
    # One rule at four steps is as wide as four rules at one.
    assert two.gate[-1].answer.evidence == alone.gate[0].evidence
    with pytest.raises(InputError, match="no such step"):
        track(run, require=rules, at="15", **FEW)
    with pytest.raises(InputError, match="nothing is required"):
        track(run, at="10", **FEW)


# The record


def test_json_and_tables_say_the_same(sharpened: Track) -> None:
    result = json.loads(sharpened.to_json())
    tables = sharpened.tables
    assert result["schema"] == 1
    assert result["ks"] == [1, 2, 4, 8, 16]
    assert len(result["steps"]) == 5
    passes = tables["passes"].filter(pl.col("step") == 50)
    assert [figure["band"][0] for figure in result["steps"][-1]["passes"]] == passes[
        "band_low"
    ].to_list()
    assert tables["passes"].filter(pl.col("step") == 0)["change"].is_null().all()
    lost = tables["moves"].filter((pl.col("step") == 50) & (pl.col("direction") == "lost"))
    assert lost["excess"][0] == result["steps"][-1]["lost"]["excess"]["estimate"]
    assert result["steps"][0]["comparison"]["schema"] == 2
    assert result["base"]["passes"][0]["change"] is None
    assert {name for name, table in tables.items() if len(table)} == {
        "passes",
        "moves",
        "responses",
    }


def test_the_docs_define_every_field(sharpened: Track) -> None:
    text = (Path(__file__).parents[2] / "docs" / "track.md").read_text("utf-8")
    result = sharpened.to_dict()
    for name in (*result, *result["steps"][0], *result["steps"][0]["passes"][0], *result["chosen"]):
        assert f"`{name}`" in text, name
    for name, table in sharpened.tables.items():
        assert f"`{name}`" in text, name
        for column in table.columns:
            if not column.endswith(("_low", "_high")):
                assert f"`{column}`" in text, (name, column)


def test_the_same_run_twice_is_the_same_to_the_last_digit() -> None:
    run = sharpening(60, 2)
    day = date(2026, 11, 27)
    assert track(run, date=day, **FEW).to_json() == track(run, date=day, **FEW).to_json()
    assert track(run, date=day, **FEW).to_json() != track(run, date=day, seed=1, **FEW).to_json()
