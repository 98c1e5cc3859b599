"""Majority vote of the untrained model, where its answers are known.

Beside `figures`: takes a row a response, gives maj@k with intervals; `guidance` says how many votes
do what training did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from liftmap.comparison.match import PairedTallies
from liftmap.records import Estimate
from liftmap.stats.answers import count_answers, majority_at_k
from liftmap.stats.intervals import means

# Orders of responses drawn in all: holds the error of maj@k at .002 or less.
_DRAWS = 60_000
_MOST_DRAWS = 32


@dataclass(frozen=True, slots=True)
class Vote:
    """maj@k at one number of responses.

    Attributes:
        k: Number of responses that vote.
        right: Share of questions whose majority answer is right.
    """

    k: int
    right: Estimate


def majority(
    answers: pl.DataFrame,
    pair: PairedTallies,
    ks: list[int],
    level: float,
    rng: np.random.Generator,
) -> tuple[Vote, ...]:
    """maj@k of the model before on the compared questions.

    Args:
        answers: A row a response: question_id, answer (null for none), right (null if unscored).
            Answers count as equal if their texts are.
        pair: The compared questions.
        ks: Numbers of responses that vote; those above the fewest of a question are left out.
        level: Coverage of the intervals.
        rng: Source of all randomness.

    Returns:
        One record for each k, in order.
    """
    ids = pl.DataFrame({"question_id": pair.question_ids}).with_row_index("question")
    rows = answers.filter(pl.col("right").is_not_null()).join(ids, on="question_id")
    codes = rows["answer"].cast(pl.String).rank("dense").cast(pl.Int64).fill_null(0) - 1
    right = rows["right"].cast(pl.Int64).to_numpy()
    counted = count_answers(
        rows["question"].to_numpy(),
        # A right response without an answer that the source kept is an answer of its own.
        np.where((codes.to_numpy() < 0) & (right > 0), len(rows), codes.to_numpy()),
        right,
        pair.questions,
    )
    possible = [k for k in ks if k <= int(counted.n.min())]
    if not possible:
        return ()
    draws = int(np.clip(_DRAWS // pair.questions, 1, _MOST_DRAWS))
    shares = majority_at_k(counted, possible, rng, draws=draws)
    cluster = None if pair.cluster is None else pair.cluster[pair.row_of_question]
    estimates = means(shares, cluster=cluster, level=level)
    return tuple(Vote(k, estimate) for k, estimate in zip(possible, estimates, strict=True))
