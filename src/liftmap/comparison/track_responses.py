"""What the responses of a step are like: how long, how spread out their answers, how many cut off.

Beside `track_band`: takes a step on the common questions, gives means over questions with
intervals; what the source does not say is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from liftmap.comparison.track_steps import StepOutcomes
from liftmap.records import Estimate
from liftmap.stats.answers import answer_spread, count_answers
from liftmap.stats.intervals import means
from liftmap.stats.passk import FloatArray, IntArray

LengthUnit = Literal["tokens", "characters"]


def length_unit(steps: Sequence[StepOutcomes]) -> LengthUnit:
    """Tokens where every step with texts knows them, else characters: one unit for the run."""
    complete = [step.texts["tokens"].null_count() == 0 for step in steps if step.texts is not None]
    return "tokens" if complete and all(complete) else "characters"


def length(
    step: StepOutcomes, unit: LengthUnit, cluster: IntArray | None, level: float
) -> Estimate | None:
    """Mean length of a response to a question, thought included."""
    return _of_texts(step, unit, cluster, level)


def truncated(step: StepOutcomes, cluster: IntArray | None, level: float) -> Estimate | None:
    """Share of responses that the token limit cut; None where neither texts nor counts say it."""
    if step.texts is not None and step.texts["cut"].null_count() == 0:
        return _of_texts(step, "cut", cluster, level)
    tally = step.outcomes.tally
    if not tally.truncated.any():
        return None
    return _mean(tally.truncated / np.maximum(tally.n, 1), cluster, level)


def answer_entropy(step: StepOutcomes, cluster: IntArray | None, level: float) -> Estimate | None:
    """Mean entropy of the answers to a question, in nats, over the questions with an answer."""
    answers = step.outcomes.answers
    if answers is None:
        return None
    questions = len(step.outcomes.tally.n)
    rows = answers.filter(pl.col("right").is_not_null()).join(
        _places(step), on="question_id", how="inner"
    )
    code = rows["answer"].cast(pl.String).rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
    right = rows["right"].cast(pl.Int64).to_numpy()
    # A right response whose answer is unknown is an answer all the same.
    unknown = (code < 0) & (right > 0)
    counted = count_answers(
        rows["question"].to_numpy(),
        np.where(unknown, code.max(initial=0) + 1, code),
        right,
        questions,
    )
    return _mean(answer_spread(counted).entropy, cluster, level)


def _of_texts(
    step: StepOutcomes, column: str, cluster: IntArray | None, level: float
) -> Estimate | None:
    if step.texts is None:
        return None
    values = _places(step).join(step.texts, on="question_id", how="left", maintain_order="left")
    return _mean(values[column].cast(pl.Float64).fill_null(np.nan).to_numpy(), cluster, level)


def _places(step: StepOutcomes) -> pl.DataFrame:
    ids = pl.DataFrame({"question_id": step.outcomes.tally.question_ids})
    return ids.with_row_index("question")


def _mean(values: FloatArray, cluster: IntArray | None, level: float) -> Estimate | None:
    """The mean over the questions with a value; None where there are too few for an interval."""
    finite = np.isfinite(values)
    own = None if cluster is None else cluster[finite]
    if np.count_nonzero(finite) < 2 or (own is not None and len(np.unique(own)) < 2):
        return None
    [mean] = means(values[finite][:, None], cluster=own, level=level)
    return mean
