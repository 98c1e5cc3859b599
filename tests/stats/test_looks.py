"""Ten looks at a comparison where nothing changed: how often is any of them wrong?"""

import numpy as np
import pytest
from scipy import stats

from liftmap.errors import InputError
from liftmap.stats import intervals
from liftmap.stats.looks import level_for_looks


def reach(asked, planned, level=0.95):
    """The half-width in standard errors."""
    return stats.norm.isf((1 - level_for_looks(asked, planned, level)) / 2)


def test_the_reach_is_that_of_the_formula_and_least_at_the_planned_number():
    assert reach(500, 500) == pytest.approx(1.55 * 1.96, abs=0.01)

    def half(asked, r):
        root = (asked * r + 1) / (asked**2 * r)
        return np.sqrt(root * np.log((asked * r + 1) / 0.05**2))

    at_plan = [half(500, r) for r in np.geomspace(1e-4, 1, 4001)]
    assert reach(500, 500) / np.sqrt(500) == pytest.approx(min(at_plan), rel=1e-6)
    r = np.geomspace(1e-4, 1, 4001)[int(np.argmin(at_plan))]
    assert reach(120, 500) / np.sqrt(120) == pytest.approx(half(120, r), rel=1e-3)
    assert reach(900, 500) / np.sqrt(900) == pytest.approx(half(900, r), rel=1e-3)
    assert reach(300, 500, 0.99) > reach(300, 500)


def test_the_first_questions_of_many_have_a_level_all_the_same():
    assert 0.999 < level_for_looks(1, 100_000) < 1


@pytest.mark.parametrize("kind", ["broad", "rare jumps"])
def test_ten_looks_where_nothing_changed_are_wrong_less_often_than_one(kind):
    rng = np.random.default_rng(1)
    rounds, planned = 1000, 500
    shape = (planned, rounds)
    if kind == "broad":
        change = rng.normal(0, 0.2, shape)
    else:
        change = rng.choice([-1.0, 0.0, 1.0], shape, p=[0.03, 0.94, 0.03])
    wrong = {"once": np.zeros(rounds, dtype=bool), "every": np.zeros(rounds, dtype=bool)}
    for asked in range(50, planned + 1, 50):
        seen = change[:asked]
        levels = {"once": 0.95, "every": level_for_looks(asked, planned)}
        for name, level in levels.items():
            found = intervals.mean_changes(0 * seen, seen, level=level, floor=1.0)
            wrong[name] |= [e.low > 0 or e.high < 0 for e in found]
    # Nominal: 5 % of the comparisons. Single looks exclude 0 in three times as many.
    assert wrong["every"].mean() < 0.02
    assert wrong["once"].mean() > 0.1


@pytest.mark.parametrize(("asked", "planned", "level"), [(0, 5, 0.9), (5, 0, 0.9), (5, 5, 1)])
def test_bad_input_is_named(asked, planned, level):
    with pytest.raises(InputError, match="Looks need"):
        level_for_looks(asked, planned, level)
