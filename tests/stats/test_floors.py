"""How wide intervals of changes are at the least, and that they hold the level for it."""

import numpy as np
import pytest

from liftmap.records import Counts, CurtailedPlan, FixedPlan
from liftmap.stats import floors, intervals, passk
from liftmap.stats.resampling import CHANGE, SHARE

N = 256


def counts(*n, plan=None):
    return Counts(np.array(n), np.zeros(len(n), dtype=np.int64), plan)


def test_floor_of_each_k():
    sides = counts(8, 8), counts(8, 8)
    assert floors.change_floor([1, 2, 8], *sides, units=500).tolist() == [0.5, 1, 1]
    assert floors.change_floor([1], *sides, units=100).tolist() == [1]
    assert floors.change_floor([1], *sides, units=125).tolist() == [0.8]
    # One response a question leaves only +-1; the harmonic mean of 2 and 6 is 3, of 3 and 4 ...
    assert floors.change_floor([1], counts(1), counts(64), units=500).tolist() == [1]
    mixed = floors.change_floor([1], counts(16, 48), counts(32, 32), units=5000)
    assert mixed[0] == pytest.approx((2 * (1 / 24 + 1 / 32) / 2) ** 0.5)
    weighted = floors.change_floor([1], counts(16, 48), counts(16, 16), units=5000, counts=[99, 0])
    assert weighted[0] == pytest.approx((2 / 16) ** 0.5)


def test_a_curtailed_plan_has_the_noise_of_the_responses_it_stops_after():
    curtailed = counts(16, 256, plan=CurtailedPlan(stop_after=8, cap=256, round_size=8))
    found = floors.change_floor([1], curtailed, curtailed, units=5000)
    assert found.tolist() == [0.5]
    fixed = counts(16, 256, plan=FixedPlan(256))
    assert floors.change_floor([1], fixed, fixed, units=5000)[0] < 0.3


def coverage(before, after, truth, floor):
    """Share of rounds, in rows, whose interval holds the truth; and the mean width.

    `before` and `after` are (rounds, questions).
    """
    estimates = intervals.mean_changes(before.T, after.T, floor=floor)
    held = np.mean([e.low <= truth <= e.high for e in estimates])
    return held, np.mean([e.high - e.low for e in estimates])


def sure_questions(rng, rounds, questions, lost):
    """Questions right or wrong nearly always; a share of the sure ones is lost for good."""
    shape = (rounds, questions)
    rare = rng.beta(0.2, 20, shape)
    easy = rng.random(shape) < 0.5
    fallen = easy & (rng.random(shape) < 2 * lost)
    before = np.where(easy, 1 - rare, rare)
    after = np.where(fallen, 1 - before, before)
    shares = (rng.binomial(N, rate) / N for rate in (before, after))
    return *shares, -lost * (1 - 2 * 0.2 / 20.2)


@pytest.mark.parametrize(("questions", "lost"), [(30, 0.02), (30, 0.1), (60, 0.05), (100, 0.02)])
def test_sure_questions_are_covered_though_none_may_show_a_change(questions, lost):
    rng = np.random.default_rng(1)
    *sides, truth = sure_questions(rng, 1000, questions, lost)
    plan = Counts(np.full(questions, N), np.zeros(questions, dtype=np.int64))
    [floor] = floors.change_floor([1], plan, plan, units=questions)
    held, _ = coverage(*sides, truth, floor)
    # 95 % less two standard errors; the noise of 256 responses alone covers 47 to 93 %.
    assert held > 0.936
    noise, _ = coverage(*sides, truth, np.sqrt(2 / N))
    assert noise < 0.94


def distillation(rng, rounds, questions, ks):
    """All success rates rise a little; half of the hardest rise to 1/4."""

    def rates(shape):
        before = rng.beta(0.5, 0.4, shape)
        odds = np.log(before + 1e-9) - np.log1p(1e-9 - before) + rng.normal(0.5, 0.5, shape)
        lifted = (before < 4 / N) & (rng.random(shape) < 0.5)
        return before, np.where(lifted, rng.beta(1, 3, shape), 1 / (1 + np.exp(-odds)))

    table = passk.pass_at_k(np.full(N + 1, N), np.arange(N + 1), ks)
    before, after = (table[rng.binomial(N, rate)] for rate in rates((rounds, questions)))
    many = rates(1_000_000)
    true = [1 - (1 - rate[:, None]) ** np.asarray(ks) for rate in many]
    return before, after, (true[1] - true[0]).mean(axis=0)


def test_a_distillation_is_covered_where_students_t_is_not():
    rng = np.random.default_rng(2)
    ks = [1, 16, 64, 256]
    before, after, truth = distillation(rng, 600, 60, ks)
    for at in range(1, len(ks)):
        sides = before[..., at], after[..., at]
        held, width = coverage(*sides, truth[at], 1.0)
        bare, _ = coverage(*sides, truth[at], 0.0)
        assert held > 0.93
        assert bare < 0.9
        old = np.mean([e.high - e.low for e in map(whole_pseudo_questions, *sides)])
        assert width <= old * 1.0001
    # Where many questions change a little the pseudo-questions give way.
    broad, plain = (coverage(before[..., 0], after[..., 0], truth[0], f)[1] for f in (1.0, 0.0))
    assert plain < broad


def whole_pseudo_questions(before, after):
    """The interval with two pseudo-questions of +-1, whatever the others do."""
    change = (after - before)[:, None]
    return intervals.ratios(change, np.ones_like(change), pseudo=CHANGE)[0]


def test_broad_changes_are_covered_by_a_narrower_interval_than_with_whole_pseudo_questions():
    rng = np.random.default_rng(3)
    change = rng.normal(0.1, 0.25, (1000, 60))
    held, width = coverage(0 * change, change, 0.1, 1.0)
    old = np.mean([e.high - e.low for e in map(whole_pseudo_questions, 0 * change, change)])
    assert held > 0.936
    assert width < 0.93 * old


@pytest.mark.long
@pytest.mark.parametrize("questions", [30, 100, 300])
def test_no_mixture_of_rare_jumps_and_noise_is_covered_much_less_than_the_level(questions):
    rng = np.random.default_rng(4)
    worst = 1.0
    for jump in (0.3, 0.6, 1.0):
        for noise in (0.01, 0.1, 0.2, 0.3):
            for jumps in (0.5, 1, 2.5, 4, 6, 8):
                jumped = rng.random((2000, questions)) < jumps / questions
                change = np.where(jumped, jump, np.clip(rng.normal(0, noise, jumped.shape), -1, 1))
                held, _ = coverage(0 * change, change, jump * jumps / questions, 1.0)
                worst = min(worst, held)
    # The least of 72 shares of 2,000 rounds, each with a standard error of 0.5 points.
    assert worst > 0.93


@pytest.mark.parametrize(("clusters", "size"), [(10, 50), (30, 20)])
def test_rare_losses_of_whole_clusters_are_covered(clusters, size):
    rng = np.random.default_rng(5)
    label = np.repeat(np.arange(clusters), size)
    lost, rounds = 0.05, 400
    held = {True: 0, False: 0}
    for _ in range(rounds):
        change = -np.repeat(rng.random(clusters) < lost, size).astype(float)
        for whole in held:
            options = {"cluster": label} if whole else {}
            found = intervals.mean_change(0 * change, change, floor=1.0, **options)
            held[whole] += found.low <= -lost <= found.high
    assert held[True] / rounds > 0.94
    assert held[False] / rounds < 0.8


def test_a_band_covers_rare_losses_of_whole_clusters():
    rng = np.random.default_rng(9)
    label, lost, rounds = np.repeat(np.arange(30), 20), 0.05, 300
    share = np.array([0.3, 0.6, 1.0])
    held = 0
    for _ in range(rounds):
        change = np.repeat(rng.random(30) < lost, 20)[:, None] * -share
        low, high = intervals.simultaneous_band(0 * change, change, rng=rng, cluster=label)
        held += bool(np.all((low <= -lost * share) & (-lost * share <= high)))
    assert held / rounds > 0.92


def test_a_pseudo_question_is_a_cluster_of_mean_size():
    change = np.zeros(40)
    label = np.repeat(np.arange(10), 4)
    by_cluster = intervals.mean_change(change, change, floor=1.0, cluster=label)
    ten = intervals.mean_change(np.zeros(10), np.zeros(10), floor=1.0)
    assert by_cluster.high == pytest.approx(ten.high)
    weights = intervals.bootstrap_weights(40, 200, np.random.default_rng(0), cluster=label)
    resampled = intervals.mean_change(change, change, floor=1.0, cluster=label, weights=weights)
    assert resampled.high == pytest.approx(ten.high, rel=0.1)


@pytest.mark.parametrize(("questions", "truth"), [(12, 0.9), (30, 0.96), (100, 0.98)])
def test_levels_are_covered_with_one_right_and_one_wrong_pseudo_question(questions, truth):
    rng = np.random.default_rng(6)
    shares = rng.binomial(N, (rng.random((1000, questions)) < truth) * 0.998 + 0.001) / N
    mean = 0.001 + 0.998 * truth
    held = {}
    for name, options in (("share", {"pseudo": SHARE}), ("none", {})):
        ends = [
            intervals.ratios(row[:, None], np.ones_like(row)[:, None], **options)[0]
            for row in shares
        ]
        held[name] = np.mean([e.low <= mean <= e.high for e in ends])
    assert held["share"] > 0.936
    assert held["none"] < 0.9


def bands(before, after, truth, floor, rng):
    """Share of rounds whose whole band holds the truth; and the mean width at each k."""
    found = [
        intervals.simultaneous_band(b, a, rng=rng, resamples=300, floor=floor)
        for b, a in zip(before, after, strict=True)
    ]
    held = np.mean([np.all((low <= truth) & (truth <= high)) for low, high in found])
    return held, np.mean([high - low for low, high in found], axis=0)


@pytest.mark.parametrize("questions", [60, 300])
def test_a_band_takes_the_floor_of_each_k_and_holds_the_whole_curve(questions):
    rng = np.random.default_rng(7)
    ks = [1, 4, 16, 64, 256]
    *sides, truth = distillation(rng, 400, questions, ks)
    side = Counts(np.full(questions, N), np.zeros(questions, dtype=np.int64))
    floor = floors.change_floor(ks, side, side, units=questions)
    held, width = bands(*sides, truth, floor, rng)
    bare, narrow = bands(*sides, truth, 0.0, rng)
    # 95 % less two and a half standard errors.
    assert held > 0.923
    assert bare < held
    # Accuracy of 300 questions at 256 responses needs no pseudo-questions; that of 60 does.
    assert (width[0] < 1.05 * narrow[0]) == (questions == 300)


def test_a_band_without_any_spread_is_a_line():
    same = np.ones((50, 3))
    low, high = intervals.simultaneous_band(
        same, same, rng=np.random.default_rng(0), floor=np.array([0.0, 0.1, 1.0])
    )
    assert low[0] == high[0] == 0
    assert np.all(np.diff(high) > 0)


@pytest.mark.long
@pytest.mark.parametrize("questions", [60, 100, 200, 500])
def test_bands_hold_the_whole_curve_of_a_distillation(questions):
    rng = np.random.default_rng(8)
    ks = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    *sides, truth = distillation(rng, 2000, questions, ks)
    side = Counts(np.full(questions, N), np.zeros(questions, dtype=np.int64))
    held, _ = bands(*sides, truth, floors.change_floor(ks, side, side, units=questions), rng)
    # 95 % less three standard errors.
    assert held > 0.935
