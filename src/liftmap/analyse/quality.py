"""What tells a right response from a wrong one to the same question?

Analysis of the `analyse` stage; reads responses, gives the table `quality`: the areas of
`comparison.response_figures` of each model, and those of likelihood.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.responses import scored_rows
from liftmap.analyse.table import MODEL_COLUMNS
from liftmap.comparison.columns import build, columns, estimate_schema
from liftmap.comparison.response_figures import indicator_sums, with_figures
from liftmap.config import BASE
from liftmap.stats.resampling import SHARE
from liftmap.stats.small_groups import ratios_or_none

SCHEMA = {
    **MODEL_COLUMNS,
    "indicator": pl.String(),
    **estimate_schema("auc"),
    "questions": pl.Int64(),
}
INDICATORS = (
    "length",
    "reflection",
    "thinking",
    "log_likelihood_base",
    "log_likelihood_own",
    "majority",
)


def quality(data: StudyData) -> pl.DataFrame:
    """How well each indicator tells right from wrong responses to the same question.

    Returns:
        One row a model (base and arms) and an indicator.

        - model, arm, seed: the model whose responses are told apart.
        - indicator: length (tokens), reflection (whether the response holds a reflection phrase),
          thinking (share of its characters that are thought; unknown where no response of the model
          has a thought), log_likelihood_base and log_likelihood_own (mean log-probability per token
          under the base and under the model itself, which for the base are one and stand once, as
          log_likelihood_base), or majority (whether the answer is one of the model's most common
          to the question, its own vote counted; no answer never is).
        - auc, auc_low, auc_high: mean over questions of the chance in [0, 1] that a right response
          has a higher value than a wrong one, ties counting half: .5 tells nothing, above it high
          values go with right responses, below it low ones. Null where the indicator is unknown.
        - questions: number of questions with both right and wrong responses, which alone count.
    """
    rows = []
    for model in [data.base, *data.arms]:
        scored = with_figures(scored_rows(data.responses(model)), "tokens")
        named = [x for x in INDICATORS if (model.arm, x) != (BASE, "log_likelihood_own")]
        sums = indicator_sums(scored, named, len(data.questions))
        estimates = ratios_or_none(*sums, data.intervals(), SHARE)
        numbers = sums.bottom.sum(axis=0).astype(np.int64).tolist()
        for name, auc, questions in zip(named, estimates, numbers, strict=True):
            place = {"indicator": name, "questions": questions}
            rows.append({**model.columns, **place, **columns(auc=auc)})
    return build(rows, SCHEMA)
