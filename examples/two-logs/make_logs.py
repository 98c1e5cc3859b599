"""Makes the two logs of this example: a model before and after a training that sharpened it.

A row a response, as many evaluation scripts write it. A fifth of the questions is beyond both
models; training raises the log-odds of all others by 1.
"""

import csv
from pathlib import Path

import numpy as np

QUESTIONS, RESPONSES = 300, 32

rng = np.random.default_rng(7)
before = rng.beta(0.6, 0.6, QUESTIONS) * (rng.random(QUESTIONS) > 0.2)
after = before * np.e / (1 - before + before * np.e)
for name, rates in (("base", before), ("trained", after)):
    with (Path(__file__).parent / f"{name}.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["question_id", "correct"])
        for question, rate in enumerate(rates):
            for right in rng.random(RESPONSES) < rate:
                rows.writerow([f"q{question:03d}", int(right)])
