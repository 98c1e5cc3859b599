"""Quality indicators against areas found by hand."""

from __future__ import annotations

import polars as pl
import pytest

from liftmap.analyse.quality import INDICATORS, quality


def test_areas_by_hand(make_study, asked):
    study = make_study(asked(6))
    # Right: one word twice, and with a phrase once. Wrong: two words, and a rarer answer.
    texts = {
        q.question_id: [f" {q.answer}", f" {q.answer}", f" wait so {q.answer}", " so x", " so y"]
        for q in study.questions
    }
    study.answer("base", texts, own=-1.0)
    scores = {text: -float(len(text)) for given in texts.values() for text in given}
    study.answer("rlvr@1", texts, own=-1.0, under_base=scores)
    table = quality(study.data)
    areas = {(row["arm"], row["indicator"]): row["auc"] for row in table.to_dicts()}
    # Of the 6 pairs of a right and a wrong response, 2 have the longer right one.
    assert areas["base", "length"] == pytest.approx(2 / 6)
    assert areas["base", "reflection"] == pytest.approx((1 + 2 / 2) / 3)
    assert areas["base", "majority"] == 1
    assert areas["base", "log_likelihood_base"] == 0.5
    assert areas["rlvr", "log_likelihood_base"] == pytest.approx(4 / 6)
    assert areas["rlvr", "log_likelihood_own"] == 0.5
    assert ("base", "log_likelihood_own") not in areas
    # No response has a thought, so that its share tells nothing.
    told = table.filter(pl.col("indicator") != "thinking")
    assert told["questions"].to_list() == [6] * 9
    assert told["auc_low"].null_count() == 0
    assert table["auc_low"].null_count() == 2


def test_no_answer_is_no_majority_and_ties_share_it(make_study, asked):
    study = make_study(asked(6))
    texts = {q.question_id: ["", "", "", f" {q.answer}", " x"] for q in study.questions}
    study.answer("base", texts, own=-1.0)
    table = quality(study.data).filter(pl.col("indicator") == "majority")
    # Right and x are tied above the three without an answer: (3 + .5) / 4.
    assert table["auc"].item() == pytest.approx(3.5 / 4)


def test_unknown_indicators_are_null(make_study, asked):
    study = make_study(asked(6))
    study.answer("base", {q.question_id: [f" {q.answer}", " x"] for q in study.questions})
    table = quality(study.data)
    assert table["indicator"].to_list() == [x for x in INDICATORS if x != "log_likelihood_own"]
    row = table.filter(pl.col("indicator") == "log_likelihood_base").row(0, named=True)
    assert (row["auc"], row["auc_low"], row["questions"]) == (None, None, 0)
