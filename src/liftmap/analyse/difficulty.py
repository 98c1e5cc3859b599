"""Change by difficulty: what each model gained and lost on questions the base found hard or easy.

Analyses of the `analyse` stage; read tallies, give the tables `difficulty`, `contrast_difficulty`
and `transitions`. Difficulty is always the base's share of right responses.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.analyse.capability import contrasted
from liftmap.analyse.data import StudyData
from liftmap.analyse.groups import change_by_group
from liftmap.analyse.table import MODEL_COLUMNS
from liftmap.comparison.columns import build, change_columns, estimate_schema
from liftmap.stats.bins import Bins, assign, change_by_bin, study_bins
from liftmap.stats.passk import accuracy
from liftmap.stats.transitions import half_matrix, half_sizes, noise_matrix, raw_matrix

_BIN = {"k": pl.Int64(), "bin": pl.Int64(), "label": pl.String(), "questions": pl.Float64()}
_CHANGE = estimate_schema("before", "after", "change")
_PAIR = {"before_arm": pl.String(), "after_arm": pl.String(), "seed": pl.Int64()}
_CELL = {
    "kind": pl.String(),
    "before_bin": pl.Int64(),
    "before_label": pl.String(),
    "after_bin": pl.Int64(),
    "after_label": pl.String(),
    "questions": pl.Float64(),
}


def difficulty(data: StudyData) -> pl.DataFrame:
    """pass@k before and after by the base's difficulty, cross-fitted.

    One half of the base's responses bins a question and the other half measures it, averaged over
    all splits: binning and measuring on the same responses would let hard questions seem to rise
    and easy ones to fall (`stats.bins`).

    Returns:
        One row a checkpoint of an arm, a number of tries and a bin that holds questions.

        - model, arm, seed: the checkpoint.
        - k: number of tries: 1 (accuracy), and half of the responses that all questions have.
        - bin: number of the bin, 0 the hardest.
        - label: its counts of right responses of the base out of n, such as "1-4".
        - questions: expected number of questions in the bin; no whole number, since a question
          falls into several bins over the splits.
        - before, before_low, before_high: pass@k of the base in [0, 1], with its interval.
        - after, after_low, after_high: pass@k of the checkpoint.
        - change, change_low, change_high: after minus before, paired by question.
    """
    rows = []
    bins = difficulty_bins(data)
    for model in data.arms:
        compared = data.compare(data.base, model)
        for k in sorted({1, compared.most // 2} - {0}) if compared.most > 1 else []:
            for found in change_by_bin(*compared.counts, bins, k=k, **compared.intervals):
                place = {"k": k, "bin": found.place, "label": found.label}
                figures = change_columns(found)
                rows.append({**model.columns, **place, "questions": found.questions, **figures})
    return build(rows, {**MODEL_COLUMNS, **_BIN, **_CHANGE})


def contrast_difficulty(data: StudyData) -> pl.DataFrame:
    """Accuracy of two matched arms by the base's difficulty.

    The base bins with all its responses: neither arm is measured on them.

    Returns:
        One row a pair of arms, a seed and a bin that holds questions.

        - before_arm: the arm trained on the base's own responses.
        - after_arm: the arm trained on another model's responses to the same questions.
        - seed: the training seed of both.
        - k: number of tries, always 1 (accuracy).
        - bin: number of the bin, 0 the hardest.
        - label: its counts of right responses of the base out of n, such as "1-4".
        - questions: number of questions in the bin.
        - before, before_low, before_high: accuracy of before_arm in [0, 1], with its interval;
          bins with fewer than five questions have none.
        - after, after_low, after_high: accuracy of after_arm.
        - change, change_low, change_high: after minus before, paired by question.
    """
    rows = []
    bins = difficulty_bins(data)
    for one, other in contrasted(data):
        compared = data.compare(one, other, data.base)
        if not compared.most:
            continue
        base = data.tally(data.base)
        bin_of = assign(base.c[compared.rows], base.n[compared.rows], bins)
        member = bin_of[:, None] == np.arange(len(bins))
        before, after = (accuracy(t.n, t.c, t.plan) for t in compared.tallies)
        groups = change_by_group(before, after, member, 1, compared.intervals)
        for index, group in enumerate(groups):
            if not group.questions:
                continue
            pair = {"before_arm": one.arm, "after_arm": other.arm, "seed": one.seed}
            place = {"k": 1, "bin": index, "label": bins.labels[index]}
            figures = change_columns(group.figures)
            rows.append({**pair, **place, "questions": group.questions, **figures})
    return build(rows, {**_PAIR, **_BIN, **_CHANGE})


def transitions(data: StudyData) -> pl.DataFrame:
    """From which difficulty to which difficulty questions moved, beside what noise alone moves.

    Returns:
        One row a checkpoint of an arm, a kind of matrix and a pair of bins, empty ones too.

        - model, arm, seed: the checkpoint.
        - kind: raw (all responses, as the literature prints it), half (a before-half to an
          after-half), or noise (a before-half to the other before-half: nothing was trained).
          Only half and noise may be compared with each other: both rest on half the responses.
        - before_bin, before_label: number (0 the hardest) and counts of the bin of the base; out
          of n for raw, out of half of n for half and noise.
        - after_bin, after_label: likewise of the checkpoint (for noise: of the other half).
        - questions: number of questions; half and noise are means over all splits. Each matrix
          adds up to all questions.
    """
    rows = []
    bins = difficulty_bins(data)
    for model in data.arms:
        compared = data.compare(data.base, model)
        if compared.most < 2:
            continue
        sizes = half_sizes(*compared.counts)
        matrices = {
            "raw": (raw_matrix(*compared.counts, bins), bins.labels),
            "half": (
                half_matrix(*compared.counts, bins),
                bins.labels_at(int(sizes.max())),
            ),
            "noise": (
                noise_matrix(compared.counts[0], bins, sizes=sizes),
                bins.labels_at(int(sizes.max())),
            ),
        }
        for kind, (matrix, labels) in matrices.items():
            # A bin without a label holds no count out of so few responses.
            places = [place for place, label in enumerate(labels) if label]
            for one in places:
                for other in places:
                    rows.append(
                        {
                            **model.columns,
                            "kind": kind,
                            "before_bin": one,
                            "before_label": labels[one],
                            "after_bin": other,
                            "after_label": labels[other],
                            "questions": float(matrix[one, other]),
                        }
                    )
    return build(rows, {**MODEL_COLUMNS, **_CELL})


def difficulty_bins(data: StudyData) -> Bins:
    """The study's bins, stated for the base's number of responses."""
    return study_bins(max(1, int(data.tally(data.base).n.max(initial=1))))
