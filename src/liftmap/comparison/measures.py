"""Measures beside accuracy and capability: Cover@tau, support, GRPO groups, guessing, answers.

Beside `figures`: takes matched tallies, the fitted law and, where they are known, what was
answered; gives one `Measures` record. What can't be had is None or empty.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.comparison.bootstrap import Resamples
from liftmap.comparison.fitted import SIDES, FittedLaw
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.parts import Measures
from liftmap.records import Estimate
from liftmap.stats.answers import AnswerCounts, answer_spread, count_answers, guess_rate
from liftmap.stats.intervals import means
from liftmap.stats.law.estimates import Cover, cover_at_tau
from liftmap.stats.law.identification import limits_of_side, profile_tolerance
from liftmap.stats.law.measures import covers
from liftmap.stats.passk import IntArray
from liftmap.stats.support import Support, support

# Success rates that Cover@tau is given for.
TAUS = (0.1, 0.5, 0.9)


def measures(
    pair: PairedTallies,
    fitted: FittedLaw,
    resamples: Resamples,
    answers: pl.DataFrame | None,
    golds: pl.DataFrame | None,
) -> Measures:
    """All measures of a comparison.

    Args:
        pair: The matched tallies.
        fitted: The joint law; Cover@tau and the groups need its intervals.
        resamples: How intervals are made.
        answers: A row a response before: question_id, answer (null for none), right (null if
            unscored).
        golds: A row a question: question_id, gold.
    """
    guesses = entropy = None
    if answers is not None:
        guesses, entropy = _of_answers(pair, answers, golds, resamples.options["level"])
    return Measures(_cover(fitted), fitted.groups, _support(pair, resamples), guesses, entropy)


def _cover(fitted: FittedLaw) -> tuple[Cover, ...]:
    """Cover@tau with intervals that are profile limits united with the bootstrap's."""
    if not fitted.has_intervals or fitted.most_responses < 2:
        return ()
    pairs, tolerance = fitted.pairs, profile_tolerance(fitted.level)
    first, then = (
        limits_of_side(
            pairs,
            side,
            [covers(tau, int(getattr(pairs, side).n.max())) for tau in TAUS],
            tolerance=tolerance,
        )
        for side in SIDES
    )
    profiles = list(zip(first, then, strict=True))
    return cover_at_tau(fitted.law, fitted.refits, TAUS, level=fitted.level, profiles=profiles)


def _support(pair: PairedTallies, resamples: Resamples) -> Support | None:
    """Support rates, where a question has two responses and each side solves one."""
    if pair.most < 2 or not all(np.any(side.c > 0) for side in pair.rows):
        return None
    return support(*pair.rows, **resamples.options)


def _of_answers(
    pair: PairedTallies, answers: pl.DataFrame, golds: pl.DataFrame | None, level: float
) -> tuple[Estimate | None, Estimate | None]:
    """Guess rate and answer entropy before."""
    ids = pl.DataFrame({"question_id": pair.question_ids}).with_row_index("question")
    rows = answers.filter(pl.col("right").is_not_null()).join(ids, on="question_id")
    known = None if golds is None else ids.join(golds, on="question_id", maintain_order="left")
    whole = known is not None and len(known) == len(ids) and not known["gold"].null_count()
    texts = rows["answer"].cast(pl.String)
    gold_texts = known["gold"] if whole and known is not None else pl.Series([], dtype=pl.String)
    codes = pl.concat([texts, gold_texts.cast(pl.String)]).rank("dense").cast(pl.Int64)
    numbers = codes.fill_null(0).to_numpy() - 1
    right = rows["right"].cast(pl.Int64).to_numpy()
    of_rows = numbers[: len(rows)]
    counted = count_answers(
        rows["question"].to_numpy(),
        np.where((of_rows < 0) & (right > 0), len(codes), of_rows),
        right,
        pair.questions,
    )
    cluster = None if pair.cluster is None else pair.cluster[pair.row_of_question]
    guesses = None
    if whole:
        rates = guess_rate(counted, numbers[len(rows) :], [1])
        [guesses] = means(rates, cluster=cluster, level=level)
    return guesses, _entropy(counted, cluster, level)


def _entropy(answers: AnswerCounts, cluster: IntArray | None, level: float) -> Estimate | None:
    """Mean entropy of the answers to a question, over the questions with an answer."""
    entropy = answer_spread(answers).entropy
    answered = np.isfinite(entropy)
    units = answered if cluster is None else np.unique(cluster[answered])
    if np.count_nonzero(answered) < 2 or len(units) < 2:
        return None
    [mean] = means(
        entropy[answered][:, None],
        cluster=None if cluster is None else cluster[answered],
        level=level,
    )
    return mean
