"""Makes the results of this example: two models on three benchmarks, counts of right responses.

Training lifts gsm8k and math by .8 and .5 in log-odds; mmlu, which it was not for, loses .4.
"""

from pathlib import Path

import numpy as np

rng = np.random.default_rng(3)
for name, questions, n, shift in (
    ("gsm8k", 200, 16, 0.8),
    ("math", 300, 8, 0.5),
    ("mmlu", 400, 4, -0.4),
):
    log_odds = rng.normal(0, 1.5, questions)
    for side, by in (("base", 0), ("trained", shift)):
        right = rng.binomial(n, 1 / (1 + np.exp(-log_odds - by)))
        rows = [f"q{place},{n},{c}" for place, c in enumerate(right)]
        folder = Path("results") / side
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.csv").write_text("\n".join(["question_id,n,c", *rows]) + "\n")
