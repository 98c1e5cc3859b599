"""What the analyses see of a study is what is on disk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from liftmap.comparison.phrases import reflection_phrases
from liftmap.errors import StoreError


def test_tallies_equal_the_stores(make_study, asked):
    questions = asked(5)
    questions[1] = replace(questions[1], answer="")  # no gold answer: unscored
    study = make_study(questions)
    texts = {
        "q00": [" so a00", " so a00", " so b", ""],
        "q01": [" x"] * 4,
        "q02": [" so a02", " so a02", " so a02", " so a02"],
        "q03": [" so x", " so x", " so x", " so"],
        "q04": [" so a04", " so x", " so x", " so"],
    }
    study.answer("base", texts, cut=[" so"])
    data = study.data
    tally = data.tally(data.base)
    stored = study.folder.responses("base", "test").tally("exact", study.questions)
    for name in ("question_ids", "n", "c", "unscored", "truncated"):
        assert np.array_equal(getattr(tally, name), getattr(stored, name)), name
    assert tally.plan == stored.plan
    assert tally.c.tolist() == [2, 0, 4, 0, 1]
    assert tally.unscored.tolist() == [0, 4, 0, 0, 0]
    assert tally.truncated.tolist() == [0, 0, 0, 1, 1]
    pair = data.pair(data.base, data.base)
    assert data.places(pair).tolist() == [0, 2, 3, 4]
    assert pair.most == 4


def test_log_likelihoods_are_per_token_with_the_end_token(make_study, asked):
    study = make_study(asked(2))
    texts = {"q00": [" so a00", " a00"], "q01": [" so a01", " so"]}
    study.answer("base", texts, own=-0.5, cut=[" so"])
    study.answer("rlvr@1", texts, under_base={t: -2.0 for given in texts.values() for t in given})
    data = study.data
    base, rlvr = (data.responses(model) for model in (data.base, data.arms[0]))
    assert base["log_likelihood_own"].to_list() == [-0.5] * 4
    assert base["log_likelihood_base"].to_list() == [-0.5] * 4
    assert rlvr["log_likelihood_own"].to_list() == [None] * 4
    assert rlvr["log_likelihood_base"].to_list() == [-2.0] * 4
    assert base["tokens"].to_list() == [2, 1, 2, 1]
    assert base["style"].null_count() == 4


def test_clusters_reach_every_interval(make_study, asked):
    questions = [replace(q, cluster=str(i // 2)) for i, q in enumerate(asked(8))]
    study = make_study(questions)
    study.answer_at("base", [0.5] * 8, 4, seed=1)
    data = study.data
    assert data.intervals(np.array([0, 1, 5]))["cluster"].tolist() == ["0", "0", "2"]
    weights = data.intervals()["weights"]
    assert weights.shape == (200, 8)
    assert np.array_equal(weights[:, ::2], weights[:, 1::2])


def test_a_study_without_base_says_so(make_study, asked):
    study = make_study(asked(2))
    with pytest.raises(StoreError, match="no responses of the base"):
        _ = study.data.models


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" careful , wait let me check , so Ann", True),
        ("Let us see.\nWAIT", True),
        ("waiting is okay; tokens verified", False),
        ("I need to\nreconsider this", True),
        ("let\u2019s check 7", True),
        ("a correction: 7", True),
        ("a correction 7", False),
        ("\u00e9ok", False),
        ("(ok)", True),
        ("", False),
    ],
)
def test_reflection_phrases_are_whole_words(text, found):
    frame = pl.DataFrame({"text": [text]})
    assert frame.select(reflection_phrases().is_in(pl.col("text"))).item() is found


def test_every_phrase_finds_itself():
    frame = pl.DataFrame({"text": [f"x {p.upper()} y" for p in reflection_phrases().phrases]})
    assert len(frame) == 27
    assert frame.select(reflection_phrases().is_in(pl.col("text")).all()).item()
