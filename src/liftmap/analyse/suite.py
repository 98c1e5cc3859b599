"""What each checkpoint changed on the further test sets of a study, beside its own test questions.

Analysis of the `analyse` stage; reads the response sets of all test sets, gives the table `suite`:
that of `liftmap suite` for the base and each checkpoint, with the model in front of each row.
"""

from __future__ import annotations

import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.table import MODEL_COLUMNS, stacked
from liftmap.comparison.loaded_pair import LoadedPair, load_pair
from liftmap.comparison.options import Options
from liftmap.comparison.suite import suite_of
from liftmap.comparison.suite_tables import SUITE
from liftmap.records import StudyModel


def suite(data: StudyData) -> pl.DataFrame:
    """Change on each test set of the study, pooled, and of old test sets apart.

    Returns:
        Rows of each checkpoint of an arm: one a test set, then the pooled ones; empty where the
        study has no further test sets.

        - model, arm, seed: the checkpoint.
        - benchmark: the test set's name; `test` is the study's own; null in pooled rows.
        - of: benchmark; of pooled rows all, old or new: which test sets.
        - over: of pooled rows benchmarks or questions: what the mean is over.
        - old: whether the training was not for it; null in pooled rows of all.
        - benchmarks, questions: how many.
        - k: number of tries of capability, the most that all questions support.
        - accuracy_before, accuracy_before_low, accuracy_before_high: pass@1 of the base in [0, 1].
        - accuracy_before_least, accuracy_before_greatest: the range that unscored responses leave.
        - accuracy_after, accuracy_after_low, accuracy_after_high: likewise after.
        - accuracy_after_least, accuracy_after_greatest: likewise.
        - accuracy_change, accuracy_change_low, accuracy_change_high: after minus before, paired by
          question; in pooled rows the questions of each test set are resampled among themselves.
        - accuracy_change_least, accuracy_change_greatest: likewise.
        - capability_before, capability_before_low, capability_before_high: pass@k of the base;
          null, with what follows, at k = 1.
        - capability_before_least, capability_before_greatest: as of accuracy.
        - capability_after, capability_after_low, capability_after_high: likewise after.
        - capability_after_least, capability_after_greatest: likewise.
        - capability_change, capability_change_low, capability_change_high: after minus before.
        - capability_change_least, capability_change_greatest: likewise.
        - lost, lost_low, lost_high, gained, gained_low, gained_high: questions beyond noise, at
          half of the responses.
        - label, accuracy, capability: the verdict in words.
        - accuracy_p, capability_p: p-values that nothing changed.
        - accuracy_p_holm, capability_p_holm: adjusted for all test sets of the checkpoint.
        - changed: the axes whose change stands among all test sets of the checkpoint.
        - margin: equivalence margin, as a share.
    """
    section, tests = data.config.analyse, data.config.tests
    options = Options(
        margin=section.margin,
        level=section.level,
        seed=section.seed,
        law_resamples=0,
        resamples=section.resamples,
        min_responses=section.min_responses,
    )
    old = [name for name, test in tests.items() if test.old]
    parts = []
    for model in data.arms if tests else []:
        pairs = {
            name: _pair(data, model, name)
            for name in ("test", *tests)
            if all(_answered(data, each, name) for each in (data.base, model))
        }
        if pairs:
            parts.append((model.columns, suite_of(pairs, options, old).table))
    return stacked(parts, MODEL_COLUMNS, SUITE)


def _answered(data: StudyData, model: StudyModel, name: str) -> bool:
    return bool(data.folder.responses(model.model, name).shards())


def _pair(data: StudyData, model: StudyModel, name: str) -> LoadedPair:
    """The base and a checkpoint on one test set."""
    sides = [data.folder.responses(each.model, name) for each in (data.base, model)]
    return load_pair(
        sides[0],
        sides[1],
        {
            "verifier": data.config.verify_of(name).verifier,
            "metric": None,
            "think_end": None,
            "verifier_options": None,
            "columns": None,
            "right_at": None,
        },
        min_responses=data.config.analyse.min_responses,
    )
