import numpy as np
import pytest

from liftmap.errors import InputError
from liftmap.records import Change, Estimate
from liftmap.stats import intervals, verdict

CHANGES = {
    "up": Estimate(0.1, 0.05, 0.15),
    "down": Estimate(-0.1, -0.15, -0.05),
    "within": Estimate(0.002, -0.004, 0.008),
    "unsettled": Estimate(0.005, -0.015, 0.025),
}


def measured(change, k=256, *, before=0.4, **facts):
    after = before + change.estimate
    sides = (Estimate(side, side - 0.1, side + 0.1) for side in (before, after))
    return verdict.MeasuredChange(k, Change(*sides, change), **facts)


def conclude(accuracy="within", capability="within", k=256, **options):
    axes = (measured(CHANGES[accuracy], 1), measured(CHANGES[capability], k))
    return verdict.conclude(*axes, **options)


@pytest.mark.parametrize(
    ("accuracy", "capability", "label"),
    [
        ("up", "up", "expanded"),
        ("up", "within", "sharpened"),
        ("up", "down", "sharpened at a cost"),
        ("within", "up", "broadened"),
        ("down", "up", "broadened"),
        ("within", "within", "unchanged"),
        ("down", "within", "degraded"),
        ("within", "down", "degraded"),
        ("down", "down", "degraded"),
        *[("unsettled", word, "inconclusive") for word in CHANGES],
        *[(word, "unsettled", "inconclusive") for word in CHANGES],
    ],
)
def test_label_of_each_pair_of_words(accuracy, capability, label):
    facts = conclude(accuracy, capability)
    assert (facts.accuracy.word, facts.capability.word) == (accuracy, capability)
    assert (facts.label, facts.k) == (label, 256)


def test_a_small_sure_change_is_within_the_margin_before_it_is_up():
    assert verdict.direction(Estimate(0.005, 0.002, 0.008), 0.01) == "within"


def test_one_response_a_question_does_not_measure_capability():
    for capability in (None, measured(CHANGES["up"], 1)):
        facts = verdict.conclude(measured(CHANGES["up"], 1), capability)
        assert facts.accuracy.word == "up"
        assert facts.capability == verdict.Axis("not measured", None, 1)
        assert (facts.label, facts.k, facts.few_tries) == (None, 1, True)


def test_few_tries_and_a_climbing_curve_are_facts_beside_the_label():
    assert [conclude(k=k).few_tries for k in (2, 15, 16, 256)] == [True, True, False, False]
    flat = {1: (0.3, 0.3), 64: (0.57, 0.6), 128: (0.59, 0.6), 256: (0.6, 0.6)}
    steep = {**flat, 128: (0.57, 0.6)}
    assert not conclude(curve=flat).climbing
    assert conclude(curve=steep).climbing
    assert not conclude(curve=steep, margin=0.02).climbing
    # Without a point at k/2 = 128 the curve is read off between 64 and 256: 0.585.
    assert not conclude(curve={64: (0.57, 0.6), 256: (0.6, 0.6)}).climbing
    assert conclude(curve={64: (0.55, 0.6), 256: (0.6, 0.6)}).climbing
    assert conclude(curve=steep).label == "unchanged"


def test_where_both_sides_are_at_an_end_no_label_is_given():
    still = Estimate(0.0, -0.005, 0.005)
    curve = {1: (0.5, 0.5), 2: (0.98, 0.995), 4: (0.991, 0.995), 8: (1, 1)}
    above = verdict.conclude(
        measured(CHANGES["up"], 1), measured(still, 8, before=0.995), curve=curve
    )
    assert (above.label, above.accuracy.word, above.capability.word) == (None, "up", "saturated")
    assert (above.unsaturated_k, above.capability.change) == (2, still)
    below = verdict.conclude(
        measured(CHANGES["up"], 1), measured(still, 8, before=0.005), curve=curve
    )
    assert (below.label, below.capability.word, below.unsaturated_k) == (None, "too hard", None)
    one_side = Estimate(0.2, 0.15, 0.25)
    assert (
        verdict.conclude(measured(CHANGES["up"], 1), measured(one_side, 8, before=0.799)).label
        == "expanded"
    )


def test_within_needs_the_wider_interval_too():
    sure = Estimate(0.002, 0.001, 0.003)
    assert verdict.direction(sure, 0.01, Estimate(0.002, -0.009, 0.009)) == "within"
    assert verdict.direction(sure, 0.01, Estimate(0.002, -0.02, 0.02)) == "up"
    nothing = Estimate(0.0, 0.0, 0.0)
    assert verdict.direction(nothing, 0.01, Estimate(0.0, -0.1, 0.1)) == "unsettled"
    axis = measured(nothing, wider=Estimate(0.0, -0.1, 0.1))
    assert verdict.conclude(axis, axis).label == "inconclusive"


@pytest.mark.parametrize("word", CHANGES)
def test_unscored_responses_without_a_bound_settle_nothing(word):
    open_axis = measured(CHANGES[word], withheld="unscored", spread=0.3)
    facts = verdict.conclude(measured(CHANGES["up"], 1), open_axis)
    assert facts.capability == verdict.Axis("unsettled", CHANGES[word], 256, withheld="unscored")
    assert facts.label == "inconclusive"


def test_what_the_data_do_not_fix_counts_like_sampling_error():
    change = Estimate(0.1, 0.05, 0.15, range=(-0.01, 0.2))
    axis = verdict.conclude(measured(CHANGES["up"], 1), measured(change, spread=0.3)).capability
    # The estimate could be 0.11 smaller: no number of questions shows a rise, or none at all.
    assert axis == verdict.Axis("unsettled", change, 256)


def test_needed_is_given_for_open_axes_alone():
    def capability(change):
        axis = measured(change, spread=0.3)
        return verdict.conclude(measured(CHANGES["up"], 1), axis).capability

    settled = capability(CHANGES["within"])
    assert (settled.needed_if_unchanged, settled.needed_if_changed) == (None, None)
    large = capability(Estimate(0.005, -0.015, 0.025))
    assert large.needed_if_unchanged == verdict.needed_if_unchanged(0.3, 0.01)
    assert large.needed_if_changed == verdict.needed_if_changed(0.3, 0.005)
    # Less than half a margin is not worth speaking of as a change.
    assert capability(Estimate(0.0049, -0.015, 0.025)).needed_if_changed is None


def settled_share(needed, rises, falls, word, rng, rounds=1000):
    """How often so many questions, of which some rise or fall by one, end in a word."""
    values, rest = np.array([1.0, 0.0, -1.0]), 1 - rises - falls
    words = []
    for counts in rng.multinomial(needed, [rises, rest, falls], size=rounds):
        change = intervals.mean_change(0 * values, values, counts=counts, floor=True)
        words.append(verdict.direction(change, 0.01))
    return words.count(word) / rounds


@pytest.mark.parametrize("moving", [0.2, 0.02, 0.002])
def test_needed_if_unchanged_holds_its_power(rng, moving):
    needed = verdict.needed_if_unchanged(moving**0.5, 0.01)
    share = settled_share(needed, moving / 2, moving / 2, "within", rng)
    # Three standard errors of 1,000 rounds below 80 %; with the one-sided quantile it is 61 %.
    assert share > 0.76
    assert share < 0.84 or moving < 0.02


@pytest.mark.parametrize(("moving", "change"), [(0.2, 0.05), (0.1, -0.02), (0.02, 0.015)])
def test_needed_if_changed_holds_its_power(rng, moving, change):
    needed = verdict.needed_if_changed((moving - change**2) ** 0.5, change)
    word = "up" if change > 0 else "down"
    share = settled_share(needed, (moving + change) / 2, (moving - change) / 2, word, rng)
    assert 0.76 < share < 0.87


def test_needed_follows_its_formula():
    # Without pseudo-questions: ((1.960 + 1.282) 0.5 / 0.01)^2, ((1.960 + 0.842) 0.5 / 0.05)^2.
    assert verdict.needed_if_unchanged(0.5, 0.01, unit=0) == 26_269
    assert verdict.needed_if_changed(0.5, -0.05, unit=0) == 785
    # Where no question changed, the two pseudo-questions alone: 1.960 * 2^0.5 / (N + 2) <= 0.01.
    assert verdict.needed_if_unchanged(0.0, 0.01) == 276
    assert verdict.needed_if_unchanged(0.0, 0.01, unit=10) == 2752
    assert verdict.needed_if_unchanged(0.5, 0.01, level=0.99) > 26_269
    assert verdict.needed_if_changed(0.5, 0.05, power=0.9) > 785
    assert verdict.needed_if_unchanged(0.5, 0.0) is None
    assert verdict.needed_if_changed(0.5, 0.0) is None
    assert verdict.needed_if_changed(0.5, 1e-9) is None


@pytest.mark.parametrize("options", [{"margin": 0}, {"margin": 1}, {"level": 1}, {"power": 0}])
def test_a_conclusion_refuses_what_is_no_share(options):
    with pytest.raises(InputError, match="between 0 and 1"):
        conclude(**options)
