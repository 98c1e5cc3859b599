"""What only the kin testbed can show: the style of a response, and what the base knows.

Analyses of the `analyse` stage; read responses, tallies and the questions' metadata, give the
tables `styles` and `knowledge`. For other tasks both are empty.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.groups import change_by_group
from liftmap.analyse.table import MODEL_COLUMNS
from liftmap.comparison.columns import build, change_columns, columns, estimate_schema
from liftmap.stats.passk import pass_at_k
from liftmap.stats.resampling import SHARE
from liftmap.stats.small_groups import ratios_or_none
from liftmap.testbed.language import STYLES, WORDINGS

STYLES_SCHEMA = {
    **MODEL_COLUMNS,
    "wording": pl.String(),
    "style": pl.String(),
    **estimate_schema("share"),
}
KNOWLEDGE_SCHEMA = {
    **MODEL_COLUMNS,
    "knowledge": pl.String(),
    "k": pl.Int64(),
    "questions": pl.Int64(),
    **estimate_schema("before", "after", "change"),
}
KNOWLEDGE = ("known", "half-known", "unknown")


def styles(data: StudyData) -> pl.DataFrame:
    """How often each model answers in each style (kin only).

    Returns:
        One row a model, a wording and a style.

        - model, arm, seed: the model; base and teacher too.
        - wording: how the question is asked: please, what or quick; "all" for all together.
        - style: careful, sloppy, direct, or other for a response that has none of these forms.
        - share, share_low, share_high: share in [0, 1] of the responses, right or not, in this
          style; null where no question has this wording.
    """
    if not data.is_kin:
        return build([], STYLES_SCHEMA)
    asked = np.array([str(q.metadata.get("wording", "")) for q in data.questions])
    wordings = ["all", *WORDINGS]
    member = np.column_stack([(asked == w) | (w == "all") for w in wordings]).astype(np.float64)
    named = [*STYLES, "other"]
    rows = []
    for model in data.models:
        responses = data.responses(model)
        total = data.count(responses)[:, None] * member
        of_style = [data.count(responses.filter(pl.col("style") == s)) for s in named]
        shares = ratios_or_none(
            np.hstack([count[:, None] * member for count in of_style]),
            np.hstack([total] * len(named)).astype(np.float64),
            data.intervals(),
            SHARE,
        )
        cells = [(style, wording) for style in named for wording in wordings]
        for (style, wording), share in zip(cells, shares, strict=True):
            place = {"wording": wording, "style": style}
            rows.append({**model.columns, **place, **columns(share=share)})
    return build(rows, STYLES_SCHEMA)


def knowledge(data: StudyData) -> pl.DataFrame:
    """Success before and after by what the base knows (kin only).

    The level of a question is the chance that the base's pre-training text states its key fact
    right; it is a property of the world, so that no response is used to group and to measure.

    Returns:
        One row a model other than the base, a kind of knowledge and a number of tries.

        - model, arm, seed: the model after; the teacher stands here too.
        - knowledge: known (level 1), half-known (level between 0 and 1) or unknown (level 0).
        - k: number of tries: 1, and the most that every question supports.
        - questions: number of questions of this kind; the estimates are null if there are none,
          and so are the intervals if there are fewer than five.
        - before, before_low, before_high: pass@k of the base in [0, 1], with its interval.
        - after, after_low, after_high: pass@k of the model.
        - change, change_low, change_high: after minus before, paired by question.
    """
    if not data.is_kin:
        return build([], KNOWLEDGE_SCHEMA)
    levels = np.array([float(q.metadata.get("level", np.nan)) for q in data.questions])
    member = np.column_stack([levels == 1, (levels > 0) & (levels < 1), levels == 0])
    rows = []
    for model in data.afters:
        pair = data.pair(data.base, model)
        if pair is None:
            continue
        places = data.places(pair)
        for k in sorted({1, pair.most}):
            sides = pair.before, pair.after
            before, after = (pass_at_k(side.n, side.c, [k], side.plan)[:, 0] for side in sides)
            groups = change_by_group(before, after, member[places], k, data.intervals(places))
            for kind, group in zip(KNOWLEDGE, groups, strict=True):
                place = {"knowledge": kind, "k": k, "questions": group.questions}
                figures = change_columns(group.figures)
                rows.append({**model.columns, **place, **figures})
    return build(rows, KNOWLEDGE_SCHEMA)
