"""pass@k, contrast and seeds against counts done by hand."""

from __future__ import annotations

import polars as pl
import pytest

from liftmap.analyse.compared import capability, contrast
from liftmap.analyse.seeds import seeds
from liftmap.comparison.curve import doubling


def _answers(right, n=4):
    return {f"q{i:02}": [f" a{i:02}"] * c + [" x"] * (n - c) for i, c in enumerate(right)}


def test_tries_are_powers_of_two_and_the_most():
    assert doubling(1) == [1]
    assert doubling(8) == [1, 2, 4, 8]
    assert doubling(200) == [1, 2, 4, 8, 16, 32, 64, 128, 200]


def test_pass_at_k_by_hand(make_study, asked):
    study = make_study(asked(3))
    study.answer("base", _answers([4, 2, 0]))
    study.answer("teacher", _answers([4, 4, 4]))
    study.answer("rlvr@1", _answers([4, 3, 0]))
    table = capability(study.data)
    assert table["arm"].unique(maintain_order=True).to_list() == ["teacher", "rlvr"]
    rlvr = table.filter(pl.col("arm") == "rlvr")
    assert rlvr["k"].to_list() == [1, 2, 3, 4]
    rlvr = rlvr.filter(pl.col("k") != 3)
    # pass@2 of 2 right in 4: 1 - C(2,2)/C(4,2) = 5/6; of 3 right: 1.
    assert rlvr["before"].to_list() == pytest.approx([1 / 2, 11 / 18, 2 / 3])
    assert rlvr["after"].to_list() == pytest.approx([7 / 12, 2 / 3, 2 / 3])
    assert rlvr["change"].to_list() == pytest.approx([1 / 12, 1 / 18, 0])
    assert table.filter(pl.col("arm") == "teacher")["after"].to_list() == [1, 1, 1, 1]
    for name in ("before", "after", "change"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()
    assert (table["band_low"] < table["band_high"]).all()


def test_questions_with_unscored_responses_limit_k(make_study, asked):
    study = make_study(asked(3))
    study.answer("base", _answers([4, 2, 0]))
    study.answer("rlvr@1", {**_answers([4, 3, 0]), "q00": [" a00"] * 3})
    assert capability(study.data)["k"].to_list() == [1, 2, 3]


def test_contrast_pairs_matched_arms_of_one_seed(make_study, asked, matched):
    study = make_study(asked(3), arms=matched)
    study.answer("base", _answers([1, 1, 1]))
    study.answer("self@1", _answers([2, 2, 2]))
    study.answer("from-rlvr@1", _answers([4, 2, 0]))
    table = contrast(study.data)
    assert table.select("before_arm", "after_arm", "seed").unique().row(0) == (
        "self",
        "from-rlvr",
        1,
    )
    table = table.filter(pl.col("k") != 3)
    assert table["change"].to_list() == pytest.approx([0, 11 / 18 - 5 / 6, -1 / 3])


def test_seeds_give_the_spread(make_study, asked, matched):
    study = make_study(asked(2), arms=matched)
    study.answer("base", _answers([1, 1]))
    study.answer("rlvr@1", _answers([4, 0]))
    study.answer("rlvr@2", _answers([4, 2]))
    study.answer("self@1", _answers([1, 0]))
    rlvr, own = seeds(study.data).to_dicts()
    assert (rlvr["arm"], rlvr["seeds"], rlvr["k"]) == ("rlvr", 2, 4)
    assert rlvr["accuracy_mean"] == pytest.approx(5 / 8)
    assert rlvr["accuracy_sd"] == pytest.approx(2**-0.5 / 4)
    assert (rlvr["capability_min"], rlvr["capability_max"]) == (0.5, 1.0)
    assert own["seeds"] == 1
    assert own["accuracy_sd"] is None
    # The mean of the changes of two seeds, on both questions.
    assert rlvr["accuracy_change"] == pytest.approx(5 / 8 - 1 / 4)
    assert rlvr["accuracy_change_low"] < 0 < rlvr["accuracy_change_high"]
    assert rlvr["accuracy_tolerated"] is own["accuracy_spread"] is None
    # No change of one seed on two questions is sure.
    assert (own["accuracy_change"], own["accuracy_tolerated"]) == (pytest.approx(-1 / 8), 0)
