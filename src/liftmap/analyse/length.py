"""Length and reflection phrases of right and wrong responses, by difficulty.

Analysis of the `analyse` stage; reads responses and the base's tally, gives the table `length`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.table import MODEL_COLUMNS, FloatArray, ratios_or_none
from liftmap.comparison.columns import build, columns, estimate_schema
from liftmap.records import StudyModel
from liftmap.stats.bins import assign
from liftmap.stats.resampling import NO_PSEUDO, SHARE

SCHEMA = {
    **MODEL_COLUMNS,
    "label": pl.String(),
    "verdict": pl.String(),
    "responses": pl.Int64(),
    **estimate_schema("tokens", "reflection"),
    "unit": pl.String(),
    **estimate_schema("thought", "answer", "thought_reflection", "answer_reflection"),
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
    scored = data.responses(model).filter(pl.col("right").is_not_null())
    rows: list[dict[str, object]] = []
    counted_in_tokens = (
        scored["thought_tokens"].is_not_null() & scored["answer_tokens"].is_not_null()
    )
    unit = "tokens" if counted_in_tokens.all() else "characters"
    options = data.intervals()
    for verdict, chosen in (("right", pl.col("right")), ("wrong", ~pl.col("right"))):
        responses = scored.filter(chosen)
        count: FloatArray = data.count(responses)[:, None] * member
        # Some servers don't say how many tokens a response has.
        counted = responses.filter(pl.col("tokens").is_not_null())
        tokens = ratios_or_none(
            data.sums(counted, "tokens")[:, None] * member,
            data.count(counted)[:, None] * member,
            options,
            NO_PSEUDO,
        )
        reflection = ratios_or_none(
            data.sums(responses, "reflection")[:, None] * member, count, options, SHARE
        )
        sizes = [
            ratios_or_none(
                data.sums(responses, f"{part}_{unit}")[:, None] * member, count, options, NO_PSEUDO
            )
            for part in ("thought", "answer")
        ]
        shares = [
            ratios_or_none(
                data.sums(responses, f"{part}_reflection")[:, None] * member, count, options, SHARE
            )
            for part in ("thought", "answer")
        ]
        for at, label in enumerate(labels):
            rows.append(
                {
                    **model.columns,
                    "label": label,
                    "verdict": verdict,
                    "responses": int(count[:, at].sum()),
                    **columns(tokens=tokens[at], reflection=reflection[at]),
                    "unit": unit,
                    **columns(
                        thought=sizes[0][at],
                        answer=sizes[1][at],
                        thought_reflection=shares[0][at],
                        answer_reflection=shares[1][at],
                    ),
                }
            )
    return rows
