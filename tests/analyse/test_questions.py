"""Moved questions: those that moved are listed, and hardly any other."""

from __future__ import annotations

import numpy as np

from liftmap.analyse.questions import moved


def test_moves_are_found(make_study, asked):
    count = 60
    study = make_study(asked(count))
    rates = np.random.default_rng(1).uniform(0.2, 0.8, count)
    lifted = rates.copy()
    lifted[:5], lifted[5:9] = 1, 0
    study.answer_at("base", rates, 64, seed=1)
    study.answer_at("rlvr@1", lifted, 64, seed=3)
    table = moved(study.data)
    meant = [f"q{i:02}" for i in range(9)]
    directions = dict(zip(table["question_id"], table["direction"], strict=True))
    assert [directions.get(name) for name in meant] == ["up"] * 5 + ["down"] * 4
    assert len(table) <= 11
    assert table["change"].is_sorted()
    assert (table["p_value"] <= table["q_value"]).all()
    assert (table["q_value"] <= 0.05).all()
