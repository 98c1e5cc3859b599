"""Tallies of known content, and the published matrix."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from liftmap.comparison.compare import compare
from liftmap.comparison.result import Comparison
from liftmap.records import Plan, Tally

# Enough for whatever does not look at intervals.
FEW: dict[str, Any] = {"resamples": 50, "law_resamples": 2}


def make_tally(
    c: Sequence[int] | NDArray[np.int64],
    n: int | Sequence[int] = 4,
    *,
    ids: Sequence[str] | None = None,
    unscored: Sequence[int] | None = None,
    exhausted: Sequence[int] | None = None,
    cluster: Sequence[str] | None = None,
    plan: Plan | None = None,
) -> Tally:
    """A tally of questions q000, q001 ... unless ids are given."""
    size = len(c)
    nothing = np.zeros(size, dtype=np.int64)
    return Tally(
        question_ids=np.array([f"q{i:03}" for i in range(size)] if ids is None else [*ids]),
        n=np.broadcast_to(np.array(n, dtype=np.int64), (size,)).copy(),
        c=np.array(c, dtype=np.int64),
        unscored=nothing if unscored is None else np.array(unscored, dtype=np.int64),
        truncated=nothing,
        cluster=None if cluster is None else np.array([*cluster]),
        plan=plan,
        exhausted=None if exhausted is None else np.array(exhausted, dtype=np.int64),
    )


def make_world(questions: int, n: int, seed: int, *, changed: bool = True) -> tuple[Tally, Tally]:
    """Responses before and after; unless changed, both are of the same model."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0.5, 2.6, questions)
    shift = 1.0 + rng.normal(0, 1.0, questions) if changed else 0.0
    before, after = 1 / (1 + np.exp(-log_odds)), 1 / (1 + np.exp(-log_odds - shift))
    return make_tally(rng.binomial(n, before), n), make_tally(rng.binomial(n, after), n)


@pytest.fixture(scope="session")
def figure_9a() -> Path:
    """The published matrix."""
    return Path(str(resources.files("liftmap"))) / "data/published/fig9a_1.5b_math_train.csv"


@pytest.fixture(scope="session")
def small() -> Comparison:
    """Eight questions with four responses each, as in docs/json.md."""
    before = make_tally([0, 0, 1, 2, 3, 4, 4, 1], ids=[f"q{i}" for i in range(1, 9)])
    after = make_tally([0, 1, 3, 4, 4, 4, 4, 0], ids=[f"q{i}" for i in range(1, 9)])
    return compare(before, after, bins="0,1-2,3-4", date=date(2026, 11, 26))


@pytest.fixture(scope="session")
def large() -> Comparison:
    """Four hundred questions with 64 responses each."""
    return compare(*make_world(400, 64, 3))
