"""Questions like these: the figures, and the words they lead to in worlds of known truth."""

import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import Counts, FixedPlan
from liftmap.stats import intervals, verdict
from liftmap.stats.like_these import changes_on_questions_like_these
from liftmap.stats.passk import distinct, pass_at_k
from liftmap.stats.resampling import CHANGE, SHARE


def fixed(n, c):
    return Counts(np.full(len(c), n), np.asarray(c), FixedPlan(n))


def test_the_figures_are_those_of_the_intervals(rng):
    rate = rng.random(150)
    before, after = (fixed(16, rng.binomial(16, rate)) for _ in range(2))
    ks = [1, 4, 16]
    first, second = (pass_at_k(side.n, side.c, ks) for side in (before, after))
    change, ones = second - first, np.ones((150, 1))
    weights = intervals.bootstrap_weights(150, 300, rng)
    for options in ({}, {"weights": weights}, {"level": 0.8}):
        found = changes_on_questions_like_these(ks, before, after, **options)
        level = intervals.ratios(first, ones, pseudo=SHARE, **options)
        floored = intervals.mean_changes(first, second, floor=[2 / 3, 1, 1], **options)
        wide = intervals.ratios(change, ones, pseudo=CHANGE, level=options.get("level", 0.95))
        for at, measured in enumerate(found):
            assert measured.k == ks[at]
            assert measured.figure.before.low == pytest.approx(level[at].low)
            assert measured.figure.change == floored[at]
            assert measured.wider == wide[at]
            assert measured.spread == pytest.approx(change[:, at].std(ddof=1))
            assert measured.unit == 1


def test_rows_and_clusters(rng):
    c = rng.integers(0, 9, 120), rng.integers(0, 9, 120)
    rows = distinct(*c)
    each = changes_on_questions_like_these([1, 8], *(fixed(8, one) for one in c))
    grouped = changes_on_questions_like_these(
        [1, 8], *(fixed(8, one) for one in rows.columns), counts=rows.counts
    )
    for one, other in zip(each, grouped, strict=True):
        assert one.figure.change.low == pytest.approx(other.figure.change.low)
        assert one.spread == pytest.approx(other.spread)
    cluster = np.arange(120) // 4
    [clustered, _] = changes_on_questions_like_these(
        [1, 8], *(fixed(8, one) for one in c), cluster=cluster
    )
    assert clustered.unit == 4
    means = np.array([(c[1] - c[0])[cluster == label].mean() / 8 for label in range(30)])
    assert clustered.spread == pytest.approx(means.std(ddof=1) * 2)
    with pytest.raises(InputError, match="same questions"):
        changes_on_questions_like_these([1], fixed(8, c[0]), fixed(8, c[1][:5]))


def conclusions(rates, n, rounds, rng):
    """What `rounds` comparisons of n responses a question come to.

    `rates(rng)` gives success rates before and after of freshly drawn questions.
    """
    ks = sorted({2**power for power in range(n.bit_length())} | {n})
    for _ in range(rounds):
        before, after = (fixed(n, rng.binomial(n, rate)) for rate in rates(rng))
        found = changes_on_questions_like_these(ks, before, after)
        curve = {one.k: (one.figure.before.estimate, one.figure.after.estimate) for one in found}
        yield verdict.conclude(found[0], found[-1], curve=curve)


@pytest.mark.parametrize("questions", [12, 30, 100, 500])
def test_one_sure_response_a_question_is_covered_and_never_falsely_within(questions):
    def rates(rng):
        before = (rng.random(questions) < 0.6).astype(float)
        flip = rng.random(questions) < np.where(before == 1, 0.05, 0.025)
        return before, np.where(flip, 1 - before, before)

    rng = np.random.default_rng(1)
    found = list(conclusions(rates, 1, 500, rng))
    changes = [one.accuracy.change for one in found]
    # Two points are lost on balance; 95 % less two standard errors.
    assert np.mean([one.low <= -0.02 <= one.high for one in changes]) > 0.93
    assert not any(one.accuracy.word == "within" for one in found)
    assert all(one.label is None and one.capability.word == "not measured" for one in found)


@pytest.mark.parametrize(("n", "questions"), [(4, 12), (4, 500), (16, 30), (16, 100)])
def test_an_unchanged_model_seldom_gets_a_false_label(n, questions):
    def rates(rng):
        rate = rng.beta(0.3, 0.5, questions)
        return rate, rate

    labels = [one.label for one in conclusions(rates, n, 300, np.random.default_rng(2))]
    false = [label for label in labels if label not in ("unchanged", "inconclusive", None)]
    # 5 % and two and a half standard errors.
    assert len(false) / len(labels) < 0.082


def test_a_model_that_lost_capability_is_not_called_expanded_without_a_warning():
    def rates(rng):
        before = rng.beta(0.3, 0.5, 500)
        return before, np.where(before > 0.05, before**0.5, before / 20)

    for n in (1, 4):
        found = list(conclusions(rates, n, 40, np.random.default_rng(3)))
        assert all(one.accuracy.word == "up" for one in found)
        # At so few tries a label is none, or its k stands beside it with a flag.
        assert all(one.label is None if n == 1 else one.few_tries for one in found)
        assert n == 1 or all(one.climbing for one in found)
