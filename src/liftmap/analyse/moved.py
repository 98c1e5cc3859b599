"""Which questions moved: success rates that changed by more than noise explains, one by one.

Analysis of the `analyse` stage; reads tallies and questions, gives the table `moved`.
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.table import MODEL_COLUMNS
from liftmap.comparison.columns import build
from liftmap.stats.passk import accuracy
from liftmap.stats.question_change import change_p_values, false_discovery_rates

SCHEMA = {
    **MODEL_COLUMNS,
    "question_id": pl.String(),
    "text": pl.String(),
    "direction": pl.String(),
    "before": pl.Float64(),
    "after": pl.Float64(),
    "change": pl.Float64(),
    "p_value": pl.Float64(),
    "q_value": pl.Float64(),
    "metadata": pl.String(),
}


def moved(data: StudyData) -> pl.DataFrame:
    """Questions whose success rate rose or fell beyond noise, with few false alarms.

    Each question is tested on its own responses by an exact test that knows the plan
    (`question_change`); over all questions of a checkpoint, the share of false discoveries is held
    at 1 - `analyse.level` by Benjamini and Hochberg (1995, doi 10.1111/
    j.2517-6161.1995.tb02031.x), or where questions have clusters by Benjamini and Yekutieli (2001,
    doi 10.1214/aos/1013699998), which holds it however questions of a cluster depend on each other.

    Returns:
        One row a checkpoint of an arm and a question with q_value at most 1 - level; the falls
        first, the largest first.

        - model, arm, seed: the checkpoint.
        - question_id, text: the question.
        - direction: up or down.
        - before, after: success rate in [0, 1] of the base and of the model, without bias under
          either plan.
        - change: after minus before.
        - p_value: two-sided, of the exact test.
        - q_value: least share of false discoveries at which the question would be listed.
        - metadata: what the task knows of the question, as a JSON object.
    """
    rows = []
    for model in data.arms:
        pair = data.pair(data.base, model)
        if pair is None:
            continue
        sides, places = (pair.before.counts, pair.after.counts), data.places(pair)
        p = change_p_values(*sides)
        q = false_discovery_rates(p, dependent=pair.cluster is not None)
        before, after = (accuracy(side.n, side.c, side.plan) for side in sides)
        chosen = np.flatnonzero(q <= 1 - data.config.analyse.level)
        for at in chosen[np.argsort((after - before)[chosen], kind="stable")]:
            question = data.questions[places[at]]
            rows.append(
                {
                    **model.columns,
                    "question_id": question.question_id,
                    "text": question.text,
                    "direction": "up" if after[at] > before[at] else "down",
                    "before": before[at],
                    "after": after[at],
                    "change": after[at] - before[at],
                    "p_value": p[at],
                    "q_value": q[at],
                    "metadata": json.dumps(dict(question.metadata), ensure_ascii=False),
                }
            )
    return build(rows, SCHEMA)
