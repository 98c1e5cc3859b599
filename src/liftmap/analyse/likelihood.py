"""Were an arm's right responses already likely under the base?

Analysis of the `analyse` stage; reads responses with their scores under the base, gives the table
`likelihood`.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.analyse.data import IntArray, StudyData
from liftmap.analyse.table import MODEL_COLUMNS
from liftmap.comparison.columns import build, columns, estimate_schema
from liftmap.records import Estimate, StudyModel
from liftmap.stats.passk import FloatArray
from liftmap.stats.small_groups import ratios_or_none
from liftmap.testbed.language import STYLES

# The column of responses that each family of columns of the table is made from.
_PARTS = {
    "": "log_likelihood_base",
    "thought_": "thought_log_likelihood_base",
    "answer_": "answer_log_likelihood_base",
}
_FIGURES = ("before", "after", "change")
SCHEMA = {
    **MODEL_COLUMNS,
    "style": pl.String(),
    **estimate_schema(*_FIGURES),
    "questions": pl.Int64(),
    "responses_before": pl.Int64(),
    "responses_after": pl.Int64(),
    **estimate_schema(*(f"thought_{figure}" for figure in _FIGURES)),
    "thought_questions": pl.Int64(),
    **estimate_schema(*(f"answer_{figure}" for figure in _FIGURES)),
    "answer_questions": pl.Int64(),
}


def likelihood(data: StudyData) -> pl.DataFrame:
    """Mean log-likelihood per token, under the base, of right responses of the base and of an arm.

    Only questions count to which both models gave right (and scored) responses, each with the same
    weight: first the mean over a question's responses, then the mean over questions. So an arm
    that solves more questions is not compared on other questions than the base.

    Returns:
        One row a checkpoint of an arm and a style; none where no responses were scored under the
        base.

        - model, arm, seed: the checkpoint.
        - style: "all"; for the kin testbed also each style of a response, both sides in that style.
        - before, before_low, before_high: mean natural log-probability per token (end token
          included), at most 0, of the base's own right responses under the base.
        - after, after_low, after_high: of the arm's right responses under the base.
        - change, change_low, change_high: after minus before; above 0: the arm gives what the base
          finds likelier than its own right responses.
        - questions: number of questions that count; with none the estimates are null.
        - responses_before, responses_after: right responses of either side to these questions.
        - thought_before, thought_before_low, thought_before_high: as before, of the tokens of the
          thought alone, up to the one that ends it. Only right responses with a thought count, and
          questions to which both models gave such. Null, with all that follows, where no right
          response of either side has a thought, or scores don't tell it from the answer.
        - thought_after, thought_after_low, thought_after_high: of the arm's.
        - thought_change, thought_change_low, thought_change_high: after minus before.
        - thought_questions: number of these questions.
        - answer_before, answer_before_low, answer_before_high: as before, of the tokens after the
          thought, end token included; of all tokens where a response has no thought.
        - answer_after, answer_after_low, answer_after_high: of the arm's.
        - answer_change, answer_change_low, answer_change_high: after minus before.
        - answer_questions: number of questions to which both models gave such right responses.
    """
    styles = ["all", *(STYLES if data.is_kin else ())]
    rows = []
    for model in data.arms:
        sides = data.base, model
        parts = {
            part: [_right(data, side, styles, column) for side in sides]
            for part, column in _PARTS.items()
        }
        (_, count_before), (_, count_after) = parts[""]
        if not count_after.any() or not count_before.any():
            continue
        has_thought = any(count.any() for _, count in parts["thought_"])
        compared = {
            part: _compared(data, *means)
            for part, means in parts.items()
            if has_thought or not part
        }
        for at, style in enumerate(styles):
            row: dict[str, object] = {**model.columns, "style": style}
            for part, (figures, both) in compared.items():
                named = zip(_FIGURES, figures[at :: len(styles)], strict=True)
                estimates = {f"{part}{name}": figure for name, figure in named}
                row |= columns(ranged=False, **estimates)
                row[f"{part}questions"] = int(both[:, at].sum())
            shared = compared[""][1][:, at]
            row["responses_before"] = int(count_before[shared, at].sum())
            row["responses_after"] = int(count_after[shared, at].sum())
            rows.append(row)
    return build(rows, SCHEMA)


def unsplit(data: StudyData, model: StudyModel) -> int:
    """How many scored responses with a thought have scores that don't tell it from the answer."""
    responses = data.responses(model).filter(pl.col("log_likelihood_base").is_not_null())
    has_thought = pl.col("unfinished") | (pl.col("thought_characters") > 0)
    return len(responses.filter(has_thought & pl.col("thought_log_likelihood_base").is_null()))


_Means = tuple[FloatArray, IntArray]


def _compared(
    data: StudyData, before: _Means, after: _Means
) -> tuple[list[Estimate | None], NDArray[np.bool_]]:
    """Before, after and change of every style, and the questions of each (questions, styles)."""
    both = (before[1] > 0) & (after[1] > 0)
    mean_before, mean_after = np.where(both, before[0], 0.0), np.where(both, after[0], 0.0)
    estimates = ratios_or_none(
        np.hstack([mean_before, mean_after, mean_after - mean_before]),
        np.hstack([both.astype(np.float64)] * 3),
        data.intervals(),
    )
    return estimates, both


def _right(data: StudyData, model: StudyModel, styles: list[str], column: str) -> _Means:
    """Mean of a column, and number, of each question's right responses where it is known.

    Both of shape (questions, styles); the mean is 0 where there is no response.
    """
    chosen = data.responses(model).filter(pl.col("right") & pl.col(column).is_not_null())
    parts = [chosen if s == "all" else chosen.filter(pl.col("style") == s) for s in styles]
    count = np.column_stack([data.count(part) for part in parts])
    total = np.column_stack([data.sums(part, column) for part in parts])
    return total / np.maximum(count, 1), count
