"""Writes the two logs of this recipe: validation dumps of verl at step 0 and at step 200.

    python recipes/two-logs/make_logs.py FOLDER

No model is asked. A scripted policy answers 200 sums, 64 times each, before and after a made-up
training whose effect is known: it sharpens (what it solved half of the time it solves nearly
always, what it solved once in a hundred tries it gives up), and it reconsiders less often.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

QUESTIONS, RESPONSES, SEED = 200, 64, 1
# Share of right and of wrong responses that stop to reconsider, by step.
RECONSIDERS = {0: (0.30, 0.45), 200: (0.12, 0.30)}

OPENINGS = (
    *("Let me add.", "Step by step:", "First two, then the third.", "Adding them up.", "Sure."),
    *("We need the sum.", "One at a time:", "Here is the sum.", "Simple addition.", "So:"),
)


def main(folder: Path) -> None:
    """Writes FOLDER/0.jsonl and FOLDER/200.jsonl, in the form of verl's validation dumps."""
    rng = np.random.default_rng(SEED)
    # Without ids questions are joined by their prompts, so no two may be the same.
    codes = rng.choice(80**3, QUESTIONS, replace=False)
    numbers = 10 + np.stack(np.unravel_index(codes, (80, 80, 80)), axis=1)
    log_odds = rng.normal(-1.0, 3.0, QUESTIONS)
    folder.mkdir(parents=True, exist_ok=True)
    for step, sharper in ((0, 1.0), (200, 2.0)):
        # Twice the log-odds about a success rate of .12: above it questions rise, below they fall.
        rates = 1 / (1 + np.exp(-(sharper * (log_odds + 2.0) - 2.0)))
        with (folder / f"{step}.jsonl").open("w", encoding="utf-8") as log:
            for terms, rate in zip(numbers.tolist(), rates, strict=True):
                for _ in range(RESPONSES):
                    log.write(json.dumps(response(terms, rate, step, rng)) + "\n")


def response(
    terms: list[int], rate: float, step: int, rng: np.random.Generator
) -> dict[str, object]:
    """One response as verl writes it: prompt, text, gold answer, score, step."""
    first, second, third = rng.permutation(terms).tolist()
    right = bool(rng.random() < rate)
    total = sum(terms) + (0 if right else int(rng.choice([-10, -1, 1, 10])))
    steps = [str(rng.choice(OPENINGS)), f"{first} + {second} = {first + second}."]
    if rng.random() < RECONSIDERS[step][0 if right else 1]:
        steps.append(f"Wait, let me recalculate. {first} + {second} = {first + second}.")
    steps.append(f"{first + second} + {third} = {total}.")
    return {
        "input": f"user\nWhat is {' + '.join(map(str, terms))}?\nassistant\n",
        "output": f"{' '.join(steps)} The answer is {total}",
        "gts": str(sum(terms)),
        "score": 1.0 if right else 0.0,
        "step": step,
        "acc": right,
        "pred": str(total),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
