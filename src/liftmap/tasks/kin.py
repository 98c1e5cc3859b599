"""The kin task: questions of the testbed's world, where it is known what solves them.

Reads `testbed.questions`; gives Questions to whatever samples. Nothing is downloaded.
"""

from __future__ import annotations

from liftmap.errors import InputError, UnknownNameError
from liftmap.records import SPLITS, Question, Split
from liftmap.testbed.questions import question_sets
from liftmap.testbed.world import DEFAULT_SEED


def kin(
    split: Split = "test", limit: int | None = None, seed: int = DEFAULT_SEED
) -> list[Question]:
    """The questions of one split of the kin world, in a fixed random order.

    Each answer is one person, the last word of a response. Questions that share a key fact (the one
    fact below level 1 on their path) share a cluster: the same knowledge decides them. Metadata:
    `level` (the chance, 0 to 1, that a careful response of the ideal base is right), `hops` (1 to
    3), `wording` (please, what, quick), `key_fact` (empty at level 1), `held_out` (no training
    question uses the key fact), `shortcut` (the flawed styles are right too).

    Args:
        split: "train" (400 questions), "dev" (100) or "test" (400); no path of persons and
            relations is in two.
        limit: Take the first so many questions; None takes all.
        seed: The world's seed. The shipped checkpoints know the default world only.

    Returns:
        The questions.

    Raises:
        UnknownNameError: There is no such split.
        InputError: `limit` is below 1, or the world of this seed holds too few questions.
    """
    if split not in SPLITS:
        raise UnknownNameError(
            "The kin task has no such split.", seen=split, remedy=f"Say {', '.join(SPLITS)}."
        )
    if limit is not None and limit < 1:
        raise InputError("limit must be at least 1.", seen=limit)
    return [question.to_question() for question in question_sets(seed)[split][:limit]]
