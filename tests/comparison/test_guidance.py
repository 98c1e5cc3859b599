"""Advice: what it rests on, and which questions it names."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from liftmap.comparison.compare import compare, compare_pair
from liftmap.comparison.match import match
from liftmap.comparison.options import Options
from liftmap.comparison.result import Comparison, Guidance
from liftmap.comparison.words import advice

from .conftest import FEW, make_tally, make_world


def _advice(found: Comparison, kind: str) -> Guidance:
    [one] = [one for one in found.guidance if one.kind == kind]
    return one


def test_unsolved_questions_go_to_the_teacher_that_solves_them() -> None:
    before = make_tally([0, 0, 0, 2, 8], 8)
    after = make_tally([0, 0, 0, 3, 0], 8)
    alone = _advice(compare(before, after, **FEW), "distil")
    assert alone.questions == ("q000", "q001", "q002")
    assert alone.evidence["teacher_solved"] is None
    teacher = make_tally([1, 0, 4, 4], ids=["q000", "q001", "q002", "q003"])
    taught = _advice(compare(before, after, teacher=teacher, **FEW), "distil")
    # What the teacher solves most surely comes first.
    assert taught.questions == ("q002", "q000")
    assert dict(taught.evidence) == {"unsolved": 3, "teacher_answered": 3, "teacher_solved": 2}


def test_mixed_and_saturated_questions_are_told_apart() -> None:
    found = compare(make_tally([8, 1, 2, 0], 8), make_tally([8, 8, 6, 4], 8), **FEW)
    saturated, mixed = _advice(found, "saturated"), _advice(found, "rlvr")
    assert saturated.questions == ("q000", "q001")
    assert saturated.evidence["saturated_before_too"] == 1
    # As even as can be first.
    assert mixed.questions == ("q003", "q002")
    assert mixed.evidence["share"] == pytest.approx(1 / 2)


def test_the_gradient_share_is_that_of_the_success_rates() -> None:
    rng = np.random.default_rng(0)
    rates = rng.choice([0.0, 0.1, 0.5, 1.0], size=2000)
    sides = [make_tally(rng.binomial(64, p), 64) for p in (rates, np.full(2000, 0.5))]
    groups = _advice(compare(*sides, **FEW), "rlvr").evidence["groups"]
    assert [group["size"] for group in groups] == [4, 8, 16, 32, 64]
    for group in groups:
        size = group["size"]
        truth = np.mean(1 - rates**size - (1 - rates) ** size)
        assert group["before"].estimate == pytest.approx(truth, abs=0.02)
        assert group["after"].estimate == pytest.approx(1 - 2 * 0.5**size, abs=0.02)
        assert group["before"].low < group["before"].estimate < group["before"].high


def test_losses_that_noise_does_not_explain_are_named() -> None:
    before, after = make_world(400, 64, 7)
    dead = np.flatnonzero(before.c > 20)[:12]
    c_after = after.c.copy()
    c_after[dead] = 0
    found = compare(before, make_tally(c_after, 64))
    lost = _advice(found, "lost")
    assert set(before.question_ids[dead]) <= set(lost.questions)
    right = {q: int(c) for q, c in zip(before.question_ids, before.c, strict=True)}
    least, greatest = lost.evidence["right_before"]
    assert [right[q] for q in lost.questions] == sorted(
        (right[q] for q in lost.questions), reverse=True
    )
    assert all(least <= right[q] <= greatest for q in lost.questions)
    assert lost.evidence["observed"] == len(lost.questions)
    assert lost.evidence["noise"].high < lost.evidence["observed"] / 2
    assert found.guidance[0] is lost


def test_losses_with_unequal_responses_rest_on_the_excess() -> None:
    before, after = make_world(400, 64, 7)
    dead = np.flatnonzero(before.c > 20)[:60]
    c_after = after.c.copy()
    c_after[dead] = 0
    n_after = np.full(400, 64)
    n_after[-1], c_after[-1] = 63, min(c_after[-1], 63)
    found = compare(before, make_tally(c_after, n_after.tolist()))
    lost = _advice(found, "lost")
    assert found.lost.at_n is None
    assert found.lost.excess is not None
    assert len(lost.questions) == round(found.lost.excess.estimate)
    named = set(lost.questions) & set(before.question_ids[dead])
    assert len(named) > 0.8 * len(lost.questions)


def test_samples_of_the_untrained_model_that_do_as_much() -> None:
    # Half right everywhere before, all or nothing after: pass@2 is 11/14 against 3/4.
    found = compare(make_tally([4] * 64, 8), make_tally([8] * 48 + [0] * 16, 8), **FEW)
    evidence = _advice(found, "samples").evidence
    assert evidence["pass_reaches_accuracy_at"] == 2
    assert evidence["majority"] == []
    # Accuracy surely rose, so it is not overtaken at k = 1.
    assert evidence["overtaking_possible"][0] > 1


def test_votes_count_where_answers_are_known() -> None:
    # Right answers are the majority of 8 on seven questions, one of 8 on the eighth.
    pair = match(make_tally([5] * 7 + [1], 8), make_tally([7] * 8, 8))
    rows = [
        (f"q{i:03}", "right" if j < c else f"wrong {j}", j < c)
        for i, c in enumerate([5] * 7 + [1])
        for j in range(8)
    ]
    answers = pl.DataFrame(rows, schema=["question_id", "answer", "right"], orient="row")
    found = compare_pair(pair, Options(**FEW), answers=answers)
    evidence = _advice(found, "samples").evidence
    votes = {vote["k"]: vote["right"].estimate for vote in evidence["majority"]}
    assert votes[1] == pytest.approx(36 / 64)
    # All eight votes: seven questions right, and one of eight tied answers on the eighth.
    assert votes[8] == pytest.approx((7 + 1 / 8) / 8)
    first = evidence["majority_reaches_accuracy_at"]
    assert votes[first] >= 7 / 8 > max(share for k, share in votes.items() if k < first)


def test_advice_that_nothing_speaks_for_is_left_out() -> None:
    found = compare(make_tally([8, 8, 8], 8), make_tally([8, 8, 8], 8), **FEW)
    assert {one.kind for one in found.guidance} == {"saturated"}


def test_only_train_questions_say_what_to_train_on() -> None:
    sides = make_tally([0, 0, 2, 8], 8), make_tally([0, 1, 6, 8], 8)
    described = compare(*sides, **FEW).guidance
    advised = compare(*sides, advise_training=True, **FEW).guidance
    assert [one.kind for one in described] == [one.kind for one in advised]
    for one, other in zip(described, advised, strict=True):
        assert one.questions == other.questions
        assert not one.for_training
        if other.kind in ("distil", "rlvr", "saturated"):
            assert other.for_training
            assert advice(other).startswith(advice(one))
            assert any(word in advice(other) for word in ("Distil", "RLVR", "Drop"))
            assert not any(word in advice(one) for word in ("istil", "RLVR", "rop"))


def test_few_responses_give_no_advice() -> None:
    sides = make_tally([0, 3, 7, 0], 7), make_tally([0, 0, 7, 2], 7)
    assert compare(*sides, **FEW).guidance == ()
