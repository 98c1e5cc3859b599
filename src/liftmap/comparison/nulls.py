"""Nulls: does something cheaper than training, such as a low temperature, do what training did?

Beside `compare`, whose judgement it takes: reads a third response set, of the model before under
another way of drawing, and holds before, null and after against each other on the questions that
all three answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from liftmap.comparison.checks import proven_copies, without_copies
from liftmap.comparison.load import JudgedBy, Source, load
from liftmap.comparison.match import PairedTallies, match
from liftmap.comparison.parts import NullComparison, NullContrast, Provenance
from liftmap.comparison.provenance import provenance_of
from liftmap.comparison.result import Comparison
from liftmap.errors import InputError
from liftmap.records import Estimate, Tally
from liftmap.stats.intervals import means
from liftmap.stats.passk import FloatArray, accuracy

# Judges a pair at a number of tries.
Judge = Callable[[PairedTallies, int], Comparison]


@dataclass(frozen=True, slots=True, eq=False)
class Null:
    """A null that was read.

    Attributes:
        side: What it was made from.
        tally: Its counts.
        warnings: What has to be known of the source.
    """

    side: Provenance
    tally: Tally
    warnings: tuple[str, ...] = ()


def read_nulls(null: Source | Sequence[Source], judged: JudgedBy) -> list[Null]:
    """The nulls as they are read; responses that stand several times count once.

    Args:
        null: One source, or several.
        judged: Whose verdicts count.

    Raises:
        LiftmapError: One can't be read.
    """
    nulls = []
    sources: list[Source] = [*null] if isinstance(null, list | tuple) else [null]  # type: ignore[list-item]
    for source in sources:
        outcomes = load(source, **judged)
        side = provenance_of((source, source), (outcomes, outcomes))[0]
        name, temperature = side.name, side.settings.get("temperature")
        if not isinstance(source, str | Path) and outcomes.name is None:
            name = "null"
        # A null is often the model before, so that its name alone would not tell them apart.
        if temperature is not None:
            name = f"{name} (temperature {temperature:g})"
        tally = without_copies(outcomes.tally, proven_copies(outcomes))
        nulls.append(Null(replace(side, name=name), tally, outcomes.warnings))
    return nulls


def against_null(
    before: Tally, after: Tally, null: Null, k: int, judge: Judge, level: float
) -> NullComparison:
    """Before, null and after on their common questions.

    Args:
        before: The tally before.
        after: The tally after.
        null: The null.
        k: Tries of capability at most.
        judge: Compares a pair, as `compare_pair` with the options of the comparison.
        level: Coverage of the intervals.

    Returns:
        The three contrasts.

    Raises:
        InputError: The three have fewer than two questions in common.
    """
    sides = before, null.tally, after
    common = set.intersection(*(set(side.question_ids[side.judged].tolist()) for side in sides))
    if len(common) < 2:
        raise InputError(
            f"{null.side.name} shares too few questions with both sides to be their null.",
            seen=len(common),
            remedy="Give the null's responses to the same questions.",
        )
    first, middle, last = (
        side.subset(np.flatnonzero([each in common for each in side.question_ids.tolist()]))
        for side in sides
    )
    pairs = {
        "before to after": match(first, last, min_responses=1),
        "before to null": match(first, middle, min_responses=1),
        "null to after": match(middle, last, min_responses=1),
    }
    tries = min(k, *(pair.most for pair in pairs.values()))

    def contrast(name: str) -> NullContrast:
        comparison = judge(pairs[name], tries)
        first = comparison.capability[0]
        return NullContrast(name, first, comparison.at_k, comparison.verdict)

    training = contrast("before to after")
    trained = training.accuracy.change
    clear = trained.low > 0 or trained.high < 0
    return NullComparison(
        null=null.side,
        questions=len(common),
        contrasts=(training, contrast("before to null"), contrast("null to after")),
        reached=_reached(pairs["before to null"], pairs["before to after"], level)
        if clear
        else None,
        warnings=null.warnings,
    )


def _reached(to_null: PairedTallies, to_after: PairedTallies, level: float) -> Estimate:
    """The null's change of accuracy as a share of training's, by the delta method."""

    def change(pair: PairedTallies) -> FloatArray:
        before, after = (accuracy(side.n, side.c, side.plan) for side in (pair.before, pair.after))
        return after - before

    by_null, by_training = change(to_null), change(to_after)
    share = by_null.mean() / by_training.mean()
    apart = share + (by_null - share * by_training) / by_training.mean()
    cluster = to_after.cluster
    rows = None if cluster is None else cluster[to_after.row_of_question]
    [reached] = means(apart[:, None], cluster=rows, level=level)
    return reached
