"""What is logged of one step of a training: accuracy, capability, and lost questions.

Used by `track_callback`; takes the tallies of a step and of the model before training, gives the
figures. Estimates are those of `liftmap compare`; intervals are the analytic ones of
`stats.intervals`, since a training should not wait for a bootstrap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from liftmap.records import Counts, Estimate, Tally
from liftmap.stats.intervals import IntervalOptions
from liftmap.stats.like_these import changes_on_questions_like_these
from liftmap.stats.lost import lost_gained

LOG = "liftmap"


@dataclass(frozen=True, slots=True)
class StepFigures:
    """The figures of one step.

    Attributes:
        questions: How many questions they are about: those that could be judged.
        k: Number of tries of capability.
        accuracy: pass@1, in [0, 1].
        capability: pass@k, in [0, 1].
        lost: Questions lost beyond noise, against the model before training, at half of the tries
            that both support; below 0 where training made answers steadier. None without a model
            before.
    """

    questions: int
    k: int
    accuracy: Estimate
    capability: Estimate
    lost: Estimate | None

    def to_log(self) -> dict[str, float]:
        """The figures by the names under which a trainer logs them."""
        named = {"pass@1": self.accuracy, f"pass@{self.k}": self.capability, "lost": self.lost}
        logged: dict[str, float] = {}
        for name, estimate in named.items():
            if estimate is not None:
                logged[f"{LOG}/{name}"] = estimate.estimate
                logged[f"{LOG}/{name}/low"] = estimate.low
                logged[f"{LOG}/{name}/high"] = estimate.high
        return {**logged, f"{LOG}/questions": self.questions}


def step_figures(tally: Tally, before: Tally | None, level: float = 0.95) -> StepFigures | None:
    """The figures of one step.

    Args:
        tally: What was answered at the step, with its plan.
        before: What the model before training answered; it has all questions of `tally`.
        level: Coverage of the intervals.

    Returns:
        The figures on the questions that both can be judged on; None where these are fewer than
        two, or belong to one cluster.
    """
    rows = np.flatnonzero(tally.judged).astype(np.int64)
    if before is not None:
        place_of = {name: place for place, name in enumerate(before.question_ids.tolist())}
        places = np.array([place_of[name] for name in tally.question_ids.tolist()], dtype=np.int64)
        rows = rows[before.judged[places[rows]]]
        before = before.subset(places[rows])
    tally = tally.subset(rows)
    cluster = None if tally.cluster is None else np.unique(tally.cluster, return_inverse=True)[1]
    if len(rows if cluster is None else np.unique(cluster)) < 2:
        return None
    options: IntervalOptions = {"cluster": cluster, "level": level}
    k = tally.most_tries
    measured = changes_on_questions_like_these(
        list(dict.fromkeys((1, k))), tally.counts, tally.counts, **options
    )
    return StepFigures(
        questions=len(rows),
        k=k,
        accuracy=measured[0].figure.after,
        capability=measured[-1].figure.after,
        lost=None if before is None else _lost(before.counts, tally.counts, options),
    )


def _lost(before: Counts, after: Counts, options: IntervalOptions) -> Estimate | None:
    """Questions lost beyond noise; None where a question has fewer than two responses."""
    k = min(before.most_tries, after.most_tries) // 2
    return lost_gained(before, after, k, **options).lost.excess if k else None
