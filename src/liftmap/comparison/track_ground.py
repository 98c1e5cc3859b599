"""All steps of a run on one ground: the questions that every step can be judged on.

Between `track_steps`, which reads the steps, and `track`: a step that was asked other questions
than the next would change the figures by that alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from liftmap.comparison.checks import proven_copies, without_copies
from liftmap.comparison.match import PairedTallies, StrArray, TooFewQuestionsError, match
from liftmap.comparison.track_steps import StepOutcomes
from liftmap.read.outcomes import Outcomes
from liftmap.records import Tally

# Steps that a message names.
_SHOWN = 4


@dataclass(frozen=True, slots=True, eq=False)
class CommonGround:
    """All steps on the questions that every one of them can be judged on.

    Attributes:
        steps: The steps, the base first, with those questions alone.
        pairs: The base matched with each step; all hold the same questions in the same order.
        notes: What was left out.
    """

    steps: list[StepOutcomes]
    pairs: list[PairedTallies]
    notes: list[str]


def on_common_ground(steps: Sequence[StepOutcomes], min_responses: int | None) -> CommonGround:
    """Puts all steps on their common questions, so that every step is judged by the same ones.

    Args:
        steps: The base and the steps.
        min_responses: As in `match`.

    Raises:
        TooFewQuestionsError: Fewer than two questions are common to all.
    """
    judged = [set(_judged(step.outcomes.tally)) for step in steps]
    common, asked = set.intersection(*judged), set.union(*judged)
    notes = []
    if len(common) < len(asked):
        lacking = sorted(
            ((len(asked) - len(ids), step.number) for ids, step in zip(judged, steps, strict=True)),
            reverse=True,
        )
        worst = ", ".join(
            f"step {at} lacks {number:,}" for number, at in lacking[:_SHOWN] if number
        )
        if len(common) < 2:
            raise TooFewQuestionsError(
                f"Of {len(asked):,} questions {len(common):,} can be judged at every step: "
                f"{worst}.",
                remedy="A run is tracked by the same questions at every step (validation, not the "
                "batches of training). Leave out the steps that lack them.",
            )
        notes.append(
            f"{len(asked) - len(common):,} of {len(asked):,} questions can't be judged at every "
            f"step and are left out: {worst}."
        )
    ids = np.array(sorted(common))
    while True:
        restricted = [replace(step, outcomes=_on(step.outcomes, ids)) for step in steps]
        tallies = [_counted_once(step.outcomes) for step in restricted]
        orders = [step.outcomes.answers for step in restricted]
        pairs = [
            match(
                tallies[0],
                tally,
                orders=(orders[0], order),
                min_responses=min_responses,
            )
            for tally, order in zip(tallies[1:], orders[1:], strict=True)
        ]
        # Questions asked too seldom at one step are left out at all, till no step leaves any out.
        kept = set.intersection(*(set(pair.question_ids.tolist()) for pair in pairs))
        if len(kept) == len(ids):
            return CommonGround(restricted, pairs, notes)
        notes.append(
            f"{len(ids) - len(kept):,} questions that a step was asked too seldom are left out at "
            "all steps."
        )
        if len(kept) < 2:
            raise TooFewQuestionsError(
                "Fewer than two questions were asked often enough at every step.",
                seen=len(kept),
                remedy="Give --min-responses 1, or leave out steps of fewer responses.",
            )
        ids = np.array(sorted(kept))


def _judged(tally: Tally) -> list[str]:
    ids: list[str] = tally.question_ids[tally.judged].tolist()
    return ids


def _on(outcomes: Outcomes, ids: StrArray) -> Outcomes:
    """The outcomes on some questions, in the order of the ids."""
    place = {name: at for at, name in enumerate(outcomes.tally.question_ids.tolist())}
    rows = np.array([place[name] for name in ids.tolist()], dtype=np.int64)
    return replace(outcomes, tally=outcomes.tally.subset(rows))


def _counted_once(outcomes: Outcomes) -> Tally:
    """The tally with each response standing once, as a comparison takes it."""
    return without_copies(outcomes.tally, proven_copies(outcomes))
