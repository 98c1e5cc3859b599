"""The rule of NeMo Evaluator's `nel gate`, to be compared with ours; written from its description.

Source: NVIDIA-NeMo/Evaluator, `src/nemo_evaluator/engine/gate.py` and `config/gate_policy.py`
(commit 01b9028), and its tutorial "Implementing Quality Gates" (docs/tutorials/quality-gate.md,
commit 51e48f6), whose example policy is `EXAMPLE`. What it does, benchmark by benchmark:

- A question's value is its share of right responses; only pass@1 (or the mean reward) is gated.
- The mean of the paired differences has a 95 % interval of Student's t (by category where all
  questions name one). With fewer than 10 paired questions the evidence is insufficient.
- Where the policy has a relative bound and the baseline is below `relative_guard_below`: a drop of
  the estimate beyond that share of the baseline is a breach, whatever the interval.
- Else a breach where the interval of the drop lies wholly above `max_drop`, a pass where it lies
  wholly at or below it, and insufficient evidence between.
- NO-GO if a benchmark that is not advisory is breached or missing, INCONCLUSIVE if the evidence of
  one is insufficient, else GO. Nothing adjusts for the number of benchmarks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Status = Literal["pass", "breach", "insufficient"]
Verdict = Literal["GO", "NO-GO", "INCONCLUSIVE"]
LEAST_PAIRED = 10


@dataclass(frozen=True)
class Bound:
    """What the policy asks of one benchmark, all shares of 1.

    Attributes:
        max_drop: The most that the metric may fall.
        max_relative_drop: The most that it may fall as a share of the baseline; None: not asked.
        relative_guard_below: The relative bound holds for baselines below it; None: for all.
    """

    max_drop: float
    max_relative_drop: float | None = None
    relative_guard_below: float | None = None


# The gated benchmarks of the tutorial's policy.
EXAMPLE: Mapping[str, Bound] = {
    "mmlu_pro": Bound(0.01),
    "gpqa": Bound(0.01),
    "humaneval": Bound(0.015),
    "aime_2025": Bound(0.01, max_relative_drop=0.02, relative_guard_below=0.20),
}


def status(before: NDArray[np.float64], after: NDArray[np.float64], bound: Bound) -> Status:
    """What the gate says of one benchmark.

    Args:
        before: Shape (questions,): share of right responses before.
        after: The same questions after.
        bound: What is asked.
    """
    if len(before) < LEAST_PAIRED:
        return "insufficient"
    drops = before - after
    drop, baseline = float(drops.mean()), float(before.mean())
    guarded = bound.relative_guard_below is None or baseline < bound.relative_guard_below
    asked = bound.max_relative_drop is not None and guarded and baseline > 0
    if asked and drop / baseline > float(bound.max_relative_drop or 0):
        return "breach"
    reach = float(stats.t.ppf(0.975, len(drops) - 1) * stats.sem(drops))
    if drop - reach > bound.max_drop:
        return "breach"
    return "pass" if drop + reach <= bound.max_drop else "insufficient"


def verdict(statuses: list[Status]) -> Verdict:
    """What the gate says of all benchmarks that can block."""
    if "breach" in statuses:
        return "NO-GO"
    return "INCONCLUSIVE" if "insufficient" in statuses else "GO"
