import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftmap.errors import InputError
from liftmap.records import Estimate
from liftmap.stats import verdict

CHANGES = {
    "up": Estimate(0.1, 0.05, 0.15),
    "down": Estimate(-0.1, -0.15, -0.05),
    "within": Estimate(0.002, -0.004, 0.008),
    "unsettled": Estimate(0.005, -0.015, 0.025),
}


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
    found = verdict.decide(CHANGES[accuracy], CHANGES[capability], questions=500)
    assert (found.accuracy, found.capability, found.label) == (accuracy, capability, label)
    assert (found.needed is None) == ("unsettled" not in (accuracy, capability))


def test_a_small_sure_change_is_within_the_margin_before_it_is_up():
    assert verdict.direction(Estimate(0.005, 0.002, 0.008), 0.01) == "within"


def test_because_states_both_axes():
    found = verdict.decide(
        Estimate(0.143, 0.102, 0.186), Estimate(0.005, -0.015, 0.025), questions=200
    )
    assert found.because == (
        "accuracy up +14.3 [10.2, 18.6]; capability not settled, -1.5 to +2.5 "
        "against a margin of 1: about 3,200 questions would settle it"
    )
    assert found.needed == 3200
    still = verdict.decide(CHANGES["within"], CHANGES["down"], questions=200)
    assert still.because == (
        "accuracy within the margin of 1, +0.2 [-0.4, 0.8]; capability down -10.0 [-15.0, -5.0]"
    )


@given(st.floats(-0.05, 0.05), st.floats(0.001, 0.2), st.integers(10, 10_000))
def test_the_questions_needed_settle_it_if_the_interval_shrinks_with_the_root(size, half, count):
    change = Estimate(size, size - half, size + half)
    if verdict.direction(change, 0.01) != "unsettled":
        return
    needed = verdict.questions_needed(change, 0.01, count)
    assert needed > count
    smaller = half * (count / (1.001 * needed)) ** 0.5
    settled = Estimate(size, size - smaller, size + smaller)
    assert verdict.direction(settled, 0.01) != "unsettled"


@pytest.mark.parametrize(("margin", "questions"), [(0, 10), (-0.01, 10), (0.01, 0)])
def test_bad_input_is_named(margin, questions):
    with pytest.raises(InputError, match="positive margin"):
        verdict.decide(CHANGES["up"], CHANGES["up"], margin=margin, questions=questions)
