"""Length, reflection phrases, truncation and copies of right and wrong responses, by difficulty.

Analysis of the `analyse` stage; reads responses and the base's tally, gives the table `length`: the
figures of `comparison.response_figures` of each model.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.responses import scored_rows
from liftmap.analyse.table import MODEL_COLUMNS
from liftmap.comparison.columns import Values, build, columns, estimate_schema
from liftmap.comparison.phrases import reflection_phrases
from liftmap.comparison.response_figures import (
    Measure,
    Unit,
    figures_by_group,
    measures_of,
    responses_by_group,
    with_figures,
)
from liftmap.records import StudyModel
from liftmap.stats.bins import assign
from liftmap.stats.passk import FloatArray

SCHEMA = {
    **MODEL_COLUMNS,
    "label": pl.String(),
    "verdict": pl.String(),
    "responses": pl.Int64(),
    **estimate_schema("tokens", "reflection"),
    "unit": pl.String(),
    **estimate_schema("thought", "answer", "thought_reflection", "answer_reflection"),
    **estimate_schema("thinking", "truncated", "copies"),
}


def length(data: StudyData) -> pl.DataFrame:
    """How long responses are and how many reflect, right and wrong ones apart.

    Every response of a bin weighs the same; intervals resample the questions. The bins are of the
    base's full count of right responses: they say which questions are meant, no success is
    measured in them.

    Returns:
        One row a model (base and arms), a bin and a verdict.

        - model, arm, seed: the model.
        - label: bin of base difficulty, as right responses of the base out of all (such as
          "1-4"); "all" for all questions together.
        - verdict: right or wrong; unscored responses are left out.
        - responses: number of responses; with none the estimates are null, and with responses to
          fewer than five questions the intervals are.
        - tokens, tokens_low, tokens_high: mean length in tokens, without the end token, of the
          responses whose length is known.
        - reflection, reflection_low, reflection_high: share in [0, 1] of responses with at least
          one reflection phrase of Kim et al. (arXiv 2505.14216), as whole words.
        - unit: what thought and answer are counted in: tokens where it is known for all responses
          of the model which token ends the thought, else characters.
        - thought, thought_low, thought_high: mean length of the thought in that unit, 0 where a
          response has none.
        - answer, answer_low, answer_high: mean length of the answer in that unit.
        - thought_reflection, thought_reflection_low, thought_reflection_high: share in [0, 1] of
          responses with a reflection phrase in the thought.
        - answer_reflection, answer_reflection_low, answer_reflection_high: share in the answer.
        - thinking, thinking_low, thinking_high: share in [0, 1] of the characters of all these
          responses together that are thought.
        - truncated, truncated_low, truncated_high: share of responses cut by the token limit.
        - copies, copies_low, copies_high: share of responses whose text stands more than once among
          the model's responses to the question; it grows with their number.
    """
    base = data.tally(data.base)
    bins = data.bins
    labels = ["all", *bins.labels]
    member = np.zeros((len(data.questions), len(labels)))
    member[:, 0] = 1
    known = np.flatnonzero(base.n)
    member[known, 1 + assign(base.c[known], base.n[known], bins)] = 1
    rows = [row for model in [data.base, *data.arms] for row in _rows(data, model, labels, member)]
    return build(rows, SCHEMA)


def _rows(
    data: StudyData, model: StudyModel, labels: list[str], member: FloatArray
) -> list[dict[str, object]]:
    """The rows of one model; `member` (questions, labels) says which bins a question is in."""
    scored = scored_rows(data.responses(model))
    counted_in_tokens = (
        scored["thought_tokens"].is_not_null() & scored["answer_tokens"].is_not_null()
    )
    unit: Unit = "tokens" if counted_in_tokens.all() else "characters"
    scored = with_figures(scored, unit)
    measures = (
        *measures_of([reflection_phrases()], length="tokens"),
        Measure("thought", f"thought_{unit}", share=False),
        Measure("answer", f"answer_{unit}", share=False),
        Measure("thought_reflection", "thought_reflection"),
        Measure("answer_reflection", "answer_reflection"),
    )
    options = data.intervals()
    rows: list[dict[str, object]] = []
    for verdict in ("right", "wrong"):
        responses = scored.filter(pl.col("right") == (verdict == "right"))
        figures = figures_by_group(responses, measures, member, options)
        count = responses_by_group(responses, member)
        for at, label in enumerate(labels):
            values: Values = {}
            for name, of_labels in figures.items():
                values |= columns(ranged=False, **{name: of_labels[at]})
            rows.append(
                {
                    **model.columns,
                    "label": label,
                    "verdict": verdict,
                    "responses": int(count[at]),
                    "unit": unit,
                    **values,
                }
            )
    return rows
