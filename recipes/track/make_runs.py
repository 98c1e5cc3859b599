"""Two training runs that no model took part in, as verl writes its validation dumps.

    python recipes/track/make_runs.py runs

A scripted policy answers 200 questions 16 times at each of six steps, right at a rate of its own
for each question. In `runs/healthy` all rates rise alike. In `runs/sharpening` they drift apart:
what was often right becomes surer, what was seldom right is lost. Accuracy rises in both, by as
much. The files have verl's fields and layout: `<step>.jsonl`, a response a line with input, output,
gts, score, step, and what the reward function returned besides (acc, pred).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

QUESTIONS, RESPONSES = 200, 16
STEPS = (0, 20, 40, 60, 80, 100)
Rates = NDArray[np.float64]


def healthy(log_odds: Rates, progress: float) -> Rates:
    """All questions become likelier alike."""
    return log_odds + 1.2 * progress


def sharpening(log_odds: Rates, progress: float) -> Rates:
    """Rates drift towards 1 where they were above a quarter, and towards 0 below it."""
    return log_odds + np.where(log_odds > np.log(1 / 3), 2.2, -5.0) * progress


def write_run(folder: Path, policy: str, rng: np.random.Generator) -> None:
    """One run: a file for each step."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = rng.integers(10, 90, (QUESTIONS, 2))
    log_odds = rng.normal(0.0, 1.5, QUESTIONS)
    drift = {"healthy": healthy, "sharpening": sharpening}[policy]
    for step in STEPS:
        rates = 1 / (1 + np.exp(-drift(log_odds, step / STEPS[-1])))
        lines = []
        for place, ((first, second), rate) in enumerate(zip(numbers.tolist(), rates, strict=True)):
            gold = first + second
            for right in rng.random(RESPONSES) < rate:
                said = gold if right else gold + int(rng.integers(1, 4))
                thought = "Add the tens, then the ones. " * int(rng.integers(1, 3 + step // 20))
                row = {
                    "input": f"user\nProblem {place}: {first} + {second} = ?\nassistant\n",
                    "output": f"{thought}The answer is {said}.",
                    "gts": str(gold),
                    "score": float(right),
                    "step": step,
                    "acc": bool(right),
                    "pred": str(said),
                }
                lines.append(json.dumps(row) + "\n")
        (folder / f"{step}.jsonl").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    for name in ("healthy", "sharpening"):
        write_run(Path(sys.argv[1]) / name, name, np.random.default_rng(7))
