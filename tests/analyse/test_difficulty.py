"""Difficulty, transitions, lost and gained, verdict: worked cases, and sums that must hold."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from liftmap.analyse.compared import capability, difficulty, lost_gained, transitions, verdict
from liftmap.analyse.contrast_difficulty import contrast_difficulty


def _answers(right, n):
    # No two texts are equal: equal numbers of equal ones would prove copies.
    return {
        f"q{i:02}": [
            " ".join(["", *["so"] * place, f"a{i:02}" if place < c else "x"]) for place in range(n)
        ]
        for i, c in enumerate(right)
    }


@pytest.fixture
def small(make_study, asked):
    """Eight questions, 4 responses each: two lost, one gained, two unchanged at 0, three at 4."""
    study = make_study(asked(8))
    study.answer("base", _answers([4, 4, 0, 0, 0, 4, 4, 4], 4))
    study.answer("rlvr@1", _answers([0, 0, 4, 0, 0, 4, 4, 4], 4))
    return study.data


def test_lost_and_gained_by_hand(small):
    lost, gained = lost_gained(small).to_dicts()
    assert (lost["direction"], lost["k"], lost["n"], lost["observed_at_n"]) == ("lost", 2, 4, 2)
    # Every question is always right or always wrong, so noise moves none.
    assert (lost["estimate"], lost["noise"], lost["excess"]) == (2, 0, 2)
    assert (gained["estimate"], gained["observed_at_n"]) == (1, 1)
    assert lost["mcnemar_p"] == gained["mcnemar_p"] == 1.0
    assert lost["excess_low"] < 2 < lost["excess_high"]


def test_observed_is_null_for_unequal_n(make_study, asked):
    study = make_study(asked(3))
    study.answer("base", _answers([4, 0, 2], 4))
    study.answer("rlvr@1", {**_answers([4, 0, 2], 4), "q00": [" a00"] * 3})
    lost = lost_gained(study.data).row(0, named=True)
    assert (lost["observed_at_n"], lost["mcnemar_p"]) == (None, None)


def test_transitions_by_hand(small):
    table = transitions(small)
    for kind, expected in (
        ("raw", {("4", "0"): 2, ("0", "4"): 1, ("0", "0"): 2, ("4", "4"): 3}),
        ("half", {("2", "0"): 2, ("0", "2"): 1, ("0", "0"): 2, ("2", "2"): 3}),
        ("noise", {("0", "0"): 3, ("2", "2"): 5}),
    ):
        cells = table.filter(pl.col("kind") == kind)
        assert cells["questions"].sum() == pytest.approx(8)
        found = {
            (row["before_label"], row["after_label"]): row["questions"]
            for row in cells.to_dicts()
            if row["questions"] > 1e-9
        }
        assert found == pytest.approx(expected)
        assert (cells["before_label"] != "").all()


def test_difficulty_by_hand(small):
    rows = difficulty(small).to_dicts()
    hard, easy = (row for row in rows if row["k"] == 1)
    assert (hard["bin"], hard["label"], hard["questions"]) == (0, "0", pytest.approx(3))
    assert (hard["before"], hard["after"]) == (pytest.approx(0), pytest.approx(1 / 3))
    # Half of four responses put a question into its bin: 0 of 2, or 2 of 2.
    assert (easy["label"], easy["responses"]) == ("2", 2)
    assert easy["questions"] == pytest.approx(5)
    assert (easy["before"], easy["change"]) == (pytest.approx(1), pytest.approx(-2 / 5))
    assert {row["k"] for row in rows} == {1, 2}


def test_unchanged_models_show_no_change_by_difficulty(make_study, asked):
    """Binning and measuring on the same responses would make the hardest bin rise by about .04."""
    rates = np.repeat([0.02, 0.06, 0.2, 0.5], 15)
    study = make_study(asked(60))
    study.answer_at("base", rates, 32, seed=1)
    study.answer_at("rlvr@1", rates, 32, seed=2)
    table = difficulty(study.data).filter(pl.col("k") == 1)
    assert table["questions"].sum() == pytest.approx(60)
    assert ((table["change_low"] < 0) & (table["change_high"] > 0)).all()
    assert abs(table.row(0, named=True)["change"]) < 0.02


def test_contrast_by_base_difficulty(make_study, asked, matched):
    study = make_study(asked(12), arms=matched)
    study.answer("base", _answers([0] * 6 + [8] * 6, 8))
    study.answer("self@1", _answers([2] * 6 + [8] * 6, 8))
    study.answer("from-rlvr@1", _answers([4] * 6 + [6] * 6, 8))
    hard, easy = contrast_difficulty(study.data).to_dicts()
    assert (hard["before_arm"], hard["after_arm"], hard["seed"]) == ("self", "from-rlvr", 1)
    assert (hard["label"], hard["questions"]) == ("0", 6)
    assert (hard["before"], hard["after"], hard["change"]) == (0.25, 0.5, 0.25)
    assert easy["change"] == -0.25
    assert easy["change_low"] < -0.25 < easy["change_high"]


def test_verdict_says_what_the_curve_shows(make_study, asked):
    study = make_study(asked(60), arms={"up": {"method": "grpo"}, "down": {"method": "grpo"}})
    study.answer("base", _answers([8] * 30 + [0] * 30, 16))
    study.answer("up@1", _answers([16] * 30 + [4] * 30, 16))
    study.answer("down@1", _answers([4] * 10 + [0] * 50, 16))
    up, down = verdict(study.data).to_dicts()
    assert (up["label"], up["accuracy"], up["capability"]) == ("expanded", "up", "up")
    assert (up["k"], up["questions"], up["capability_needed_if_changed"]) == (16, 60, None)
    assert (up["first_loss_k"], up["first_loss_possible"]) == (None, [])
    assert up["first_loss_never"] is True
    assert (down["label"], down["first_loss_k"]) == ("degraded", 1)
    assert down["first_loss_possible"] == [1]
    curve = capability(study.data).filter(pl.col("arm") == "down")
    assert (curve["band_high"] < 0).all()
