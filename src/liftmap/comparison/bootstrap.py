"""Bootstrap weights that depend on the seed, the question ids and their clusters alone.

Beside `match`: takes matched tallies, gives the options that every interval of a comparison is made
with. Weights are drawn question by question in the order of the ids, before any question is left
out, and then added up on the distinct rows of counts. So a study's arm and `compare` draw the same,
whoever asks and however the rows of a file are ordered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from liftmap.comparison.match import PairedTallies
from liftmap.stats.intervals import IntervalOptions, bootstrap_weights
from liftmap.stats.looks import level_for_looks
from liftmap.stats.passk import IntArray
from liftmap.stats.resampling import WeightArray

# Beyond so many draws in all (about a second) intervals are analytic; so many questions make the
# two ways agree.
_MOST_DRAWS = 50_000_000
# Weights that are kept as float64: 80 MB.
_MOST_CAST = 10_000_000
# Resamples drawn at once: 32 MB of weights for a million questions. The draws depend on it.
_BLOCK = 8


@dataclass(frozen=True, slots=True, eq=False)
class Resamples:
    """How the intervals of one comparison are made, the same for all its figures.

    Attributes:
        options: Weights (None: analytic), counts, cluster and level, as `stats.intervals` takes
            them.
        of_law: Shape (law resamples, rows): weights for the refits of the law.
        number: Resamples of the band.
        seed: Seed of everything random.
        drawn: Shape (resamples, rows): the weights, also where intervals are analytic because they
            hold at every look; None where there are too many questions to draw.
    """

    options: IntervalOptions
    of_law: WeightArray
    number: int
    seed: int
    drawn: WeightArray | None = None


def resample(
    pair: PairedTallies,
    *,
    resamples: int,
    law_resamples: int,
    level: float,
    seed: int,
    looks: int | None = None,
) -> Resamples:
    """Draws the bootstrap weights of a comparison: those of the law are the first of all.

    Args:
        pair: The matched tallies.
        resamples: Number of resamples; a huge comparison has analytic intervals instead.
        law_resamples: Number of resamples that the law is refitted to.
        level: Coverage of the intervals.
        seed: Seed of everything random.
        looks: Number of questions planned, where intervals are to hold at every look on the way
            there; they are then analytic.
    """
    drawn_from = pair.drawn_from
    weighted = resamples if resamples * drawn_from.number <= _MOST_DRAWS else 0
    weights = np.empty((max(weighted, law_resamples), len(pair.counts)), dtype=np.int32)
    for row, draw in zip(weights, _draws(pair, seed), strict=False):
        row[:] = np.bincount(pair.row_of_question, weights=draw, minlength=len(row))
    drawn: WeightArray | None = None
    if weighted:
        # Cast once where there is room for it, not in each of some thirty products.
        few = weighted * weights.shape[1] <= _MOST_CAST
        drawn = weights[:weighted].astype(np.float64) if few else weights[:weighted]
    if looks is not None:
        level = level_for_looks(pair.questions, looks, level)
    options: IntervalOptions = {
        "weights": drawn if looks is None else None,
        "counts": pair.counts,
        "cluster": pair.cluster,
        "level": level,
    }
    return Resamples(options, weights[:law_resamples], resamples, seed, drawn)


def question_options(
    pair: PairedTallies, *, resamples: int, level: float, seed: int, looks: int | None = None
) -> IntervalOptions:
    """What intervals take of values by compared question instead of by row: the same draws.

    Args:
        pair: The matched tallies.
        resamples: As in `resample`, with what follows.
        level: Coverage of the intervals.
        seed: Seed of everything random.
        looks: Number of questions planned, where one looks more than once.
    """
    weights: WeightArray | None = None
    if looks is not None:
        level = level_for_looks(pair.questions, looks, level)
    elif resamples * pair.drawn_from.number <= _MOST_DRAWS:
        weights = np.empty((resamples, pair.questions), dtype=np.int32)
        for row, draw in zip(weights, _draws(pair, seed), strict=False):
            row[:] = draw
        if weights.size <= _MOST_CAST:
            weights = weights.astype(np.float64)
    cluster = None if pair.cluster is None else pair.cluster[pair.row_of_question]
    return {"weights": weights, "cluster": cluster, "level": level}


def resampled_rows(pair: PairedTallies, weights: WeightArray) -> WeightArray:
    """Weights of the compared questions (resamples, questions), added up on the distinct rows."""
    rows = [np.bincount(pair.row_of_question, draw, len(pair.counts)) for draw in weights]
    return np.array(rows, dtype=np.float64)


def _draws(pair: PairedTallies, seed: int) -> Iterator[WeightArray]:
    """Without end, how often each compared question is drawn in a resample."""
    drawn_from = pair.drawn_from
    everyone = len(drawn_from.compared) == drawn_from.number
    for block in _blocks(drawn_from.number, drawn_from.cluster, None, seed):
        for draw in block:
            compared = draw if everyone else draw[drawn_from.compared]
            # Where few questions are compared of those that are drawn from, it may hold none.
            if compared.any():
                yield compared


def question_weights(
    questions: int, cluster: IntArray | None, resamples: int, seed: int
) -> WeightArray:
    """The weights that `resample` draws, question by question.

    Args:
        questions: Number of questions, in increasing order of their ids.
        cluster: Shape (questions,): numbers of clusters in the order of their labels.
        resamples: Number of resamples.
        seed: Seed of everything random.

    Returns:
        Shape (resamples, questions).
    """
    blocks = _blocks(questions, cluster, resamples, seed)
    return np.concatenate(list(blocks))[:resamples]


def _blocks(
    questions: int, cluster: IntArray | None, resamples: int | None, seed: int
) -> Iterator[WeightArray]:
    """Blocks of draws: so many as to hold the resamples, or without end where None is given."""
    rng = np.random.default_rng([seed, 0])
    for _ in count() if resamples is None else range(-(-resamples // _BLOCK)):
        yield bootstrap_weights(questions, _BLOCK, rng, cluster)
