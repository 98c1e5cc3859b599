"""Which questions moved: success rates that changed by more than noise explains, one by one.

Analysis of the `analyse` stage; reads tallies and questions, gives the table `moved`.
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl
from scipy import stats

from liftmap.analyse.data import StudyData
from liftmap.analyse.table import MODEL_COLUMNS, FloatArray
from liftmap.comparison.columns import build
from liftmap.records import Counts
from liftmap.stats.orders import log_choose
from liftmap.stats.passk import distinct

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
# Numbers held at once while chances run over counts: 16 MB of float64.
_BLOCK = 2_000_000


def moved(data: StudyData) -> pl.DataFrame:
    """Questions whose success rate rose or fell beyond noise, with few false alarms.

    Each question is tested on its own responses by Fisher's exact test of right against wrong,
    before against after; over all questions of a checkpoint, the share of false discoveries is held
    by Benjamini and Hochberg (1995, doi 10.1111/j.2517-6161.1995.tb02031.x) at 1 - `analyse.level`.

    Returns:
        One row a checkpoint of an arm and a question with q_value at most 1 - level; the falls
        first, the largest first.

        - model, arm, seed: the checkpoint.
        - question_id, text: the question.
        - direction: up or down.
        - before, after: share in [0, 1] of right responses of the base and of the model.
        - change: after minus before.
        - p_value: two-sided, of Fisher's exact test.
        - q_value: least share of false discoveries at which the question would be listed.
        - metadata: what the task knows of the question, as a JSON object.
    """
    rows = []
    for model in data.arms:
        pair = data.pair(data.base, model)
        if pair is None:
            continue
        sides, places = (pair.before.counts, pair.after.counts), data.places(pair)
        p = fisher_p_values(*sides)
        q = stats.false_discovery_control(p, method="bh")
        before, after = (side.c / side.n for side in sides)
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


def fisher_p_values(before: Counts, after: Counts) -> FloatArray:
    """Two-sided p-values of Fisher's exact test, for many 2 x 2 tables at once.

    A table holds right and wrong responses before and after; its p-value is the chance, given its
    margins, of a table that is no likelier. The same as `scipy.stats.fisher_exact`, once for each
    distinct table.

    Args:
        before: The counts before.
        after: The counts after, the same questions.

    Returns:
        Shape (questions,), in (0, 1].
    """
    rows = distinct(before.n, before.c, after.n, after.c)
    n0, c0, n1, c1 = (column[:, None] for column in rows.columns)
    p_values = np.empty(len(n0))
    counts = np.arange(int(n0.max()) + 1)
    step = max(1, _BLOCK // len(counts))
    for start in range(0, len(n0), step):
        tables = (column[start : start + step] for column in (n0, c0, n1, c1))
        n0_, c0_, n1_, c1_ = tables
        right = c0_ + c1_
        chances = np.exp(
            log_choose(n0_, counts) + log_choose(n1_, right - counts) - log_choose(n0_ + n1_, right)
        )
        observed = np.take_along_axis(chances, c0_, axis=1)
        # Equal chances differ in the last digits; scipy allows as much.
        as_rare = chances <= observed * (1 + 1e-7)
        p_values[start : start + step] = np.where(as_rare, chances, 0).sum(axis=1)
    return np.minimum(p_values, 1.0)[rows.inverse]
