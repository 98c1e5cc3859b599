"""Length, likelihood, rates, training and the kin tables against counts done by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from liftmap.analyse.compared import warnings
from liftmap.analyse.kin import knowledge, styles
from liftmap.analyse.length import length
from liftmap.analyse.likelihood import likelihood
from liftmap.analyse.rates import rates
from liftmap.analyse.training import training
from liftmap.files import write_json
from liftmap.records import Question
from liftmap.stats.shares import wilson
from liftmap.store import exhausted_verifier
from liftmap.tasks.gym import gym
from liftmap.testbed.language import render_response
from liftmap.verify.thinking import ThinkingRule


def _row(table: pl.DataFrame, **place: object) -> dict[str, object]:
    found = table.filter(*(pl.col(name) == value for name, value in place.items()))
    assert len(found) == 1, place
    return found.row(0, named=True)


def test_length_by_hand(make_study, asked):
    study = make_study(asked(6))
    # Three questions that the base never solves, three that it always solves.
    texts = {f"q{i:02}": [" no"] * 4 for i in range(3)}
    texts |= {f"q{i:02}": [f" wait so a{i:02}"] + [f" a{i:02}"] * 3 for i in range(3, 6)}
    study.answer("base", texts)
    study.answer("rlvr@1", {q.question_id: [f" so {q.answer}"] * 4 for q in study.questions})
    table = length(study.data)
    assert table["label"].unique(maintain_order=True).to_list()[:2] == ["all", "0"]
    right = _row(table, arm="base", label="all", verdict="right")
    assert right["responses"] == 12
    assert right["tokens"] == pytest.approx((3 + 1 + 1 + 1) / 4)
    assert right["reflection"] == pytest.approx(1 / 4)
    hard = _row(table, arm="base", label="0", verdict="right")
    assert (hard["responses"], hard["tokens"]) == (0, None)
    # Six questions are enough for an interval, three are not.
    after = _row(table, arm="rlvr", label="0", verdict="right")
    assert (after["responses"], after["tokens"], after["tokens_low"]) == (12, 2, None)
    assert _row(table, arm="rlvr", label="all", verdict="right")["tokens_low"] == 2
    sums = table.filter(pl.col("label") != "all").group_by("arm").agg(pl.sum("responses"))
    assert sums["responses"].to_list() == [24, 24]


def test_likelihood_weighs_questions_alike(make_study, asked):
    study = make_study(asked(8))
    base = {f"q{i:02}": [f" a{i:02}"] * (i % 2 + 1) + [" x"] for i in range(8)}
    base["q07"] = [" x"] * 3
    study.answer("base", base, own=-1.0)
    after = {f"q{i:02}": [f" so a{i:02}", " x"] for i in range(8)}
    after["q00"] = [" x", " x"]
    scores = {f" so a{i:02}": -0.1 * i for i in range(8)} | {" x": -9.0}
    study.answer("rlvr@1", after, under_base=scores)
    table = likelihood(study.data)
    assert table.columns[:4] == ["model", "arm", "seed", "style"]
    row = _row(table, style="all")
    # Questions 1 to 6 are solved on both sides.
    assert row["questions"] == 6
    assert row["before"] == pytest.approx(-1.0)
    assert row["after"] == pytest.approx(-0.1 * np.mean([1, 2, 3, 4, 5, 6]))
    assert row["change"] == pytest.approx(1 - 0.35)
    assert row["change_low"] < row["change"] < row["change_high"]
    assert (row["thought_change"], row["answer_change"]) == (None, None), (
        "no response has a thought"
    )
    assert (row["responses_before"], row["responses_after"]) == (2 + 1 + 2 + 1 + 2 + 1, 6)


def test_likelihood_is_empty_without_scores(make_study, asked):
    study = make_study(asked(3))
    for model in ("base", "rlvr@1"):
        study.answer(model, {q.question_id: [f" {q.answer}"] for q in study.questions}, own=-1.0)
    assert likelihood(study.data).is_empty()


def test_likelihood_of_thought_and_answer(make_study, asked):
    study = make_study(asked(8))
    thinks = {q.question_id: f"<think> wait </think> {q.answer}" for q in study.questions}
    plain = {q.question_id: f" {q.answer}" for q in study.questions}
    # The base thinks before it answers the first six, in one of two right responses each.
    base = {q: [thinks[q], plain[q]] if q < "q06" else [plain[q]] for q in plain}
    study.answer(
        "base",
        base,
        # Five tokens with the end: -0.5 each of three, and -2 each of two; two tokens.
        under_base=dict.fromkeys(thinks.values(), -1.1) | dict.fromkeys(plain.values(), -4.0),
        parts=dict.fromkeys(thinks.values(), (-0.5, 3)) | dict.fromkeys(plain.values(), (0.0, 0)),
    )
    # The arm always thinks: -1 each of three, and -0.5 each of two.
    study.answer(
        "rlvr@1",
        {q: [text, " x"] for q, text in thinks.items()},
        under_base=dict.fromkeys(thinks.values(), -0.8) | {" x": -9.0},
        parts=dict.fromkeys(thinks.values(), (-1.0, 3)) | {" x": (0.0, 0)},
    )
    row = _row(likelihood(study.data), style="all")
    assert (row["questions"], row["thought_questions"], row["answer_questions"]) == (8, 6, 8)
    assert (row["thought_before"], row["thought_after"]) == pytest.approx((-0.5, -1))
    assert row["thought_change"] == pytest.approx(-0.5)
    # The mean of a question with a thought is that of -2 and -4.
    assert row["answer_before"] == pytest.approx((6 * -3 + 2 * -4) / 8)
    assert row["answer_after"] == pytest.approx(-0.5)
    assert row["answer_change_low"] < row["answer_change"] < row["answer_change_high"]
    assert row["after"] == pytest.approx(-0.8)
    assert not any("together" in text for text in warnings(study.data)["text"])
    # Under another rule for thoughts the parts mean nothing, which is said.
    for model in ("base", "rlvr@1"):
        scores = study.folder.responses(model, "test").scores("base")
        frames = {shard: (scores.read(shard), scores.facts(shard)) for shard in scores.shards()}
        write_json(scores.settings_file, {"thinking": ThinkingRule(end="so").to_plain()})
        for shard, (frame, facts) in frames.items():
            scores.write(shard, frame, responses=facts["responses"])
    row = _row(likelihood(study.data), style="all")
    assert (row["thought_before"], row["answer_after"], row["answer_questions"]) == (None,) * 3
    assert row["after"] == pytest.approx(-0.8)
    [said] = [text for text in warnings(study.data)["text"] if "together" in text]
    assert "of 6 responses of base and 8 responses of rlvr@1 is of thought and answer" in said


def test_rates_count_each_split(make_study, asked):
    questions = asked(4)
    questions[3] = replace(questions[3], answer="")
    study = make_study(questions)
    texts = {q.question_id: [f" {q.answer}", " so", "", " x"] for q in study.questions}
    study.answer("base", texts, cut=[" so"])
    study.answer("base", {"q00": [" a00", ""]}, split="train")
    table = rates(study.data)
    assert _row(table, split="test", label="all") == {
        "model": "base",
        "arm": "base",
        "seed": None,
        "split": "test",
        "label": "all",
        "responses": 16,
        "truncated": 4 / 16,
        "unscored": 4 / 16,
        "no_answer": 3 / 16,
        "ended_thinking": 0,
        "exhausted": 0,
    }
    assert _row(table, split="train")["no_answer"] == 1 / 2


def test_thought_and_answer_are_told_apart(make_study, asked):
    study = make_study(asked(6))
    # Three questions whose thoughts never end, three of which half are right after a thought.
    texts = {f"q{i:02}": ["<think> wait"] * 4 for i in range(3)}
    texts |= {
        f"q{i:02}": [f"<think> wait </think> a{i:02}"] * 2 + [" no wait no", ""]
        for i in range(3, 6)
    }
    study.answer("base", texts)
    table = rates(study.data)
    everything = _row(table, split="test", label="all")
    assert (everything["ended_thinking"], everything["no_answer"]) == (12 / 24, 3 / 24)
    assert _row(table, split="test", label="0")["ended_thinking"] == 1
    [(_, label)] = (
        table.filter(pl.col("responses") == 12)
        .select("ended_thinking", "label")
        .filter(pl.col("ended_thinking") == 0)
        .rows()
    )
    assert label not in ("all", "0")
    # Which token ends a thought is not known: lengths are in characters.
    right = _row(length(study.data), label="all", verdict="right")
    assert (right["unit"], right["thought"], right["answer"]) == ("characters", 4, 4)
    assert (right["reflection"], right["thought_reflection"], right["answer_reflection"]) == (
        1, 1, 0,
    )  # fmt: skip
    # Known: the third token of a right response, "<think> wait </think> a03".
    study.folder.responses("base", "test").keep_prompt(
        {"end": "", "marks": {"<think>": 0, "</think>": 2}}
    )
    right = _row(length(study.data), label="all", verdict="right")
    assert (right["unit"], right["thought"], right["answer"]) == ("tokens", 3, 1)
    wrong = _row(length(study.data), label="all", verdict="wrong")
    assert wrong["thought"] == pytest.approx(12 * 2 / 18)
    assert wrong["answer"] == pytest.approx(3 * 3 / 18)


def test_responses_that_exhaust_the_verifier_are_counted_apart(make_study):
    questions = gym("test", "countdown", 4, 7)
    study = make_study(questions, verify={"verifier": "gym", "options": {"seconds": 1.0}})
    texts = {q.question_id: [q.answer] * 3 + ["no"] for q in questions}
    for question in questions[:2]:
        # A tower of powers, which Python can't work out.
        texts[question.question_id] = ["9**9**9**9", question.answer, "", "no"]
    study.answer("base", texts)
    table = rates(study.data)
    everything = _row(table, split="test", label="all")
    assert (everything["exhausted"], everything["unscored"]) == (2 / 16, 0)
    assert everything["no_answer"] == 2 / 16
    by_difficulty = table.filter(pl.col("label") != "all", pl.col("responses") > 0)
    assert by_difficulty["exhausted"].to_list() == [1 / 4, 0]
    tally = study.data.tally(study.data.base)
    assert tally.exhausted is not None
    assert (tally.n.tolist(), tally.c.tolist()) == ([4] * 4, [1, 1, 3, 3])
    assert tally.exhausted.tolist() == [1, 1, 0, 0]
    # A verifier may keep no answer with such a verdict: it is still not one without an answer.
    target = study.folder.responses("base", "test")
    for shard in target.verdict_shards("gym"):
        verdicts = target.read_verdicts("gym", shard)
        bare = pl.when(~exhausted_verifier()).then("answer").otherwise(pl.lit(""))
        target.write_verdicts("gym", shard, verdicts.with_columns(answer=bare))
    assert rates(study.data).equals(table)


def test_training_reads_the_checkpoints(make_study, asked):
    study = make_study(asked(2), arms={"rlvr": {"method": "grpo", "seeds": [1, 2]}})
    dev = [
        {"step": 10, "accuracy": 0.5, "questions": 100, "responses": 3200},
        {"step": 20, "accuracy": 0.4, "questions": 100, "responses": 3200},
    ]
    plain = {"arm": "rlvr", "seed": 1, "method": "grpo", "step": 10, "dev": dev}
    sizes = {"training_questions": 90, "training_responses": 700, "seconds": 1.5}
    write_json(study.folder.checkpoint("rlvr", 1).record_file, plain | sizes)
    first, second = training(study.data).to_dicts()
    assert (first["step"], first["chosen"], second["chosen"]) == (10, True, False)
    assert first["training_responses"] == 700
    assert first["dev_accuracy_low"] == pytest.approx(0.4038, abs=1e-4)
    assert first["dev_accuracy_high"] == pytest.approx(0.5962, abs=1e-4)


def test_wilson_stays_within_0_and_1():
    assert wilson(0.0, 10, 0.95).low == pytest.approx(0, abs=1e-12)
    assert wilson(1.0, 10, 0.95).high == pytest.approx(1)
    assert 0 < wilson(0.0, 10, 0.95).high < wilson(0.0, 5, 0.95).high < 1


def _kin_questions(count: int) -> list[Question]:
    """Two-hop questions, of level 1, .3 and 0 in turn, asked with please and quick in turn."""
    return [
        Question(
            f"k{i:02}",
            "please work out Ann 's mother 's boss ?",
            "Zack",
            metadata={"level": (1.0, 0.3, 0.0)[i % 3], "wording": ("please", "quick")[i % 2]},
        )
        for i in range(count)
    ]


def test_kin_tables_by_hand(make_study):
    hops, right, wrong = ["mother", "boss"], ["Eve", "Zack"], ["Eve", "Bob"]
    careful = " " + render_response("careful", hops, right, reflect_after=0)
    wandering = " " + render_response("careful", hops, wrong)
    sloppy = " " + render_response("sloppy", hops[1:], wrong[1:])
    direct = " " + render_response("direct", hops[1:], right[1:])
    study = make_study(_kin_questions(24), task="kin")
    base = {
        q.question_id: [careful, wandering, sloppy, direct]
        if q.metadata["wording"] == "please"
        else [direct, direct, " so so", sloppy]
        for q in study.questions
    }
    study.answer("base", base, own=-1.0)
    texts = {careful: -0.25, sloppy: -2.0}
    # Not the same number of each text: equal numbers would prove copies.
    after = {
        q.question_id: [careful] * (3 - i // 2 % 2 * 2) + [sloppy] * (1 + i // 2 % 2 * 2)
        for i, q in enumerate(study.questions)
    }
    study.answer("rlvr@1", after, under_base=texts)
    data = study.data

    table = styles(data)
    shares = {
        (row["wording"], row["style"]): row["share"]
        for row in table.filter(pl.col("arm") == "base").to_dicts()
    }
    assert shares["please", "careful"] == 0.5
    assert shares["please", "other"] == 0
    assert shares["quick", "direct"] == 0.5
    assert shares["all", "other"] == 1 / 8
    assert shares["what", "careful"] is None
    assert _row(table, arm="rlvr", wording="all", style="careful")["share"] == 0.5

    known = _row(knowledge(data), knowledge="known", k=1)
    assert known["questions"] == 8
    assert (known["before"], known["after"]) == (0.5, 0.5)
    assert _row(knowledge(data), knowledge="half-known", k=4)["change"] == 0
    assert knowledge(data)["k"].unique().sort().to_list() == [1, 4]

    within = _row(likelihood(data), style="careful")
    # The base is right with care on the questions asked with please alone.
    assert (within["questions"], within["responses_before"], within["responses_after"]) == (
        12,
        12,
        24,
    )
    assert within["change"] == pytest.approx(0.75)
    assert _row(likelihood(data), style="direct")["questions"] == 0


def test_metadata_of_moved_is_json(make_study):
    from liftmap.analyse.questions import moved

    study = make_study(_kin_questions(4), task="kin")
    study.answer_at("base", [0.0, 0.9, 0.5, 0.5], 64, seed=1)
    study.answer_at("rlvr@1", [0.5, 0.1, 0.5, 0.5], 64, seed=2)
    table = moved(study.data)
    assert table["question_id"].to_list() == ["k01", "k00"]
    assert table["direction"].to_list() == ["down", "up"]
    assert json.loads(table["metadata"][0]) == {"level": 0.3, "wording": "quick"}
