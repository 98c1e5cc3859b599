"""Means over questions of what was found of each response, with intervals.

Fourth step of the flow of `scoring`: reads rows of responses, gives the rows of `scored_record`. A
question counts once however many responses it has; questions (or their clusters) are resampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.comparison.bootstrap import question_weights
from liftmap.comparison.match import cluster_codes
from liftmap.records import Change, Counts, Estimate, Tally
from liftmap.scoring.scored_record import (
    DivergenceRow,
    LikelihoodRow,
    RangeRow,
    RightCompared,
    VerdictGroup,
    WithinRange,
)
from liftmap.stats.bins import Bins, assign, custom_bins, quantile_bins, study_bins
from liftmap.stats.intervals import IntervalOptions
from liftmap.stats.passk import FloatArray
from liftmap.stats.resampling import NO_PSEUDO, SHARE, Pseudo
from liftmap.stats.small_groups import ratios_or_none

VERDICTS: dict[VerdictGroup, bool | None] = {"all": None, "right": True, "wrong": False}
# Batches of other sizes give other roundings: such differences per token are ties.
TIE_NATS = 1e-3

Mask = NDArray[np.bool_]


class Group(NamedTuple):
    """Some of the responses.

    Attributes:
        verdict: Which.
        bin: The label of their bin; None: all questions.
        rows: (responses,) whether a response is one of them.
    """

    verdict: VerdictGroup
    bin: str | None
    rows: Mask


@dataclass(frozen=True, eq=False)
class Questions:
    """The questions that responses are summed up by.

    Attributes:
        place_of: The place of each question by its id.
        options: Weights, clusters and level of the intervals.
        bins: The bins of difficulty.
        bin_of: (questions,) the bin of each; -1 where it is not known.
    """

    place_of: dict[str, int]
    options: IntervalOptions
    bins: Bins
    bin_of: NDArray[np.int64]

    def places(self, rows: pl.DataFrame) -> NDArray[np.int64]:
        """(responses,) the place of each response's question."""
        ids = rows["question_id"].to_list()
        return np.array([self.place_of[question_id] for question_id in ids], dtype=np.int64)

    def means(self, places: NDArray[np.int64], values: FloatArray, rows: Mask) -> FloatArray:
        """(questions,) the mean over a question's responses among `rows`; 0 where it has none."""
        count = np.bincount(places[rows], minlength=len(self.place_of))
        total = np.bincount(places[rows], values[rows], minlength=len(self.place_of))
        means: FloatArray = total / np.maximum(count, 1)
        return means

    def inside(self, places: NDArray[np.int64], rows: Mask) -> FloatArray:
        """(questions,) 1 where a question has a response among `rows`, else 0."""
        has_any = np.bincount(places[rows], minlength=len(self.place_of)) > 0
        return has_any.astype(np.float64)

    def estimates(
        self, tops: Sequence[FloatArray], bottoms: Sequence[FloatArray], pseudo: Pseudo = NO_PSEUDO
    ) -> list[Estimate | None]:
        """Sum of each numerator over that of its denominator, with intervals."""
        top, bottom = np.column_stack(tops), np.column_stack(bottoms)
        return ratios_or_none(top, bottom, self.options, pseudo)

    def groups(self, rows: pl.DataFrame, verdicts: Sequence[VerdictGroup]) -> Iterator[Group]:
        """All questions and each bin, each with all, right and wrong responses as asked for."""
        right = rows["right"].to_numpy()
        bin_of = self.bin_of[self.places(rows)]
        for index in (None, *range(len(self.bins))):
            in_bin = np.ones(len(rows), bool) if index is None else bin_of == index
            for verdict in verdicts:
                wanted = VERDICTS[verdict]
                chosen = in_bin if wanted is None else in_bin & (right == wanted)
                if index is None or chosen.any():
                    label = None if index is None else self.bins.labels[index]
                    yield Group(verdict, label, chosen.astype(bool))


def questions_of(
    rows: pl.DataFrame,
    tally: Tally,
    difficulty: Tally,
    bins: Bins,
    *,
    resamples: int,
    level: float,
    seed: int,
) -> Questions:
    """The questions of some responses.

    Args:
        rows: A row a response with its question_id, of two questions or more.
        tally: The counts of their source, for its clusters.
        difficulty: The counts that put questions into bins.
        bins: The bins.
        resamples: Bootstrap resamples.
        level: Coverage of the intervals.
        seed: Seed of the bootstrap.
    """
    ids = sorted(set(rows["question_id"]))
    place_of = {question_id: place for place, question_id in enumerate(ids)}
    cluster = None
    if tally.cluster is not None:
        labels = dict(zip(tally.question_ids.tolist(), tally.cluster.tolist(), strict=True))
        cluster = cluster_codes(np.array([labels[question_id] for question_id in ids]))
    bin_of = np.full(len(ids), -1, dtype=np.int64)
    counted = zip(difficulty.question_ids.tolist(), difficulty.c, difficulty.n, strict=True)
    for question_id, right, responses in counted:
        if responses and question_id in place_of:
            bin_of[place_of[question_id]] = assign(right, responses, bins)
    options: IntervalOptions = {
        "weights": question_weights(len(ids), cluster, resamples, seed),
        "cluster": cluster,
        "level": level,
    }
    return Questions(place_of, options, bins, bin_of)


def bins_for(text: str, tally: Tally) -> Bins:
    """The bins that an option asks for, as `liftmap compare` takes them.

    Args:
        text: "study", a number of quantile bins, or counts out of n such as "0,1-4,5-256".
        tally: The counts that put questions into bins.

    Raises:
        InputError: The text means no bins.
    """
    counted = tally.n > 0
    side = Counts(tally.n[counted], tally.c[counted], tally.plan)
    if text == "study":
        return study_bins(side.most)
    if text.isdecimal():
        return quantile_bins(side, int(text))
    return custom_bins(text, side.most)


def likelihood_rows(rows: pl.DataFrame, questions: Questions) -> tuple[LikelihoodRow, ...]:
    """How likely the responses are, right and wrong apart, by difficulty.

    Args:
        rows: question_id, right, log_probability, token_count (1 or more) and entropy.
        questions: Their questions.
    """
    places, groups = questions.places(rows), list(questions.groups(rows, tuple(VERDICTS)))
    tokens = rows["token_count"].cast(pl.Float64).to_numpy()
    per_token = rows["log_probability"].to_numpy() / tokens
    inside = [questions.inside(places, group.rows) for group in groups]
    means = [questions.means(places, per_token, group.rows) for group in groups]
    likelihoods = questions.estimates(means, inside)
    entropies: list[Estimate | None] = [None] * len(groups)
    if not rows["entropy"].is_null().any():
        summed = rows["entropy"].to_numpy()
        entropies = questions.estimates(
            [questions.means(places, summed, group.rows) for group in groups],
            [questions.means(places, tokens, group.rows) for group in groups],
        )
    return tuple(
        LikelihoodRow(
            group.verdict,
            group.bin,
            int(group.rows.sum()),
            int(asked.sum()),
            likelihood,
            None if likelihood is None else _perplexity(likelihood),
            entropy,
        )
        for group, asked, likelihood, entropy in zip(
            groups, inside, likelihoods, entropies, strict=True
        )
    )


def _perplexity(likelihood: Estimate) -> Estimate:
    return Estimate(
        math.exp(-likelihood.estimate), math.exp(-likelihood.high), math.exp(-likelihood.low)
    )


def divergence_rows(rows: pl.DataFrame, questions: Questions) -> tuple[DivergenceRow, ...]:
    """The divergence on these responses, of all and by difficulty.

    Args:
        rows: question_id, right, k1, token_count, and k3 and compared_tokens, which may be null.
        questions: Their questions.
    """
    places = questions.places(rows)
    tokens = rows["compared_tokens"].fill_null(rows["token_count"]).cast(pl.Float64).to_numpy()
    groups = list(questions.groups(rows, ("all",)))
    inside = [questions.inside(places, group.rows) for group in groups]
    sizes = [questions.means(places, tokens, group.rows) for group in groups]
    columns: list[list[Estimate | None]] = []
    for name in ("k1", "k3"):
        if rows[name].is_null().any():
            columns += [[None] * len(groups)] * 2
            continue
        summed = rows[name].to_numpy()
        means = [questions.means(places, summed, group.rows) for group in groups]
        columns += [questions.estimates(means, inside), questions.estimates(means, sizes)]
    return tuple(
        DivergenceRow(group.bin, int(group.rows.sum()), int(asked.sum()), *figures)
        for group, asked, *figures in zip(groups, inside, *columns, strict=True)
    )


def sampled_entropy(rows: pl.DataFrame, questions: Questions) -> Estimate | None:
    """Minus the mean log-probability per token of responses that the model drew itself."""
    places, everything = questions.places(rows), np.ones(len(rows), bool)
    summed, tokens = rows["log_probability"].to_numpy(), rows["token_count"].cast(pl.Float64)
    tops = questions.means(places, -summed, everything)
    return questions.estimates([tops], [questions.means(places, tokens.to_numpy(), everything)])[0]


def within_range(
    rows: pl.DataFrame, own: pl.DataFrame, questions: Questions, tail: float
) -> WithinRange:
    """Share of responses within the range of the scoring model's own, to the same question.

    The rank of a response among m responses of the model itself and it is uniform if it was drawn
    as they were, so at least 1 - tail of such responses lie within.

    Args:
        rows: The source's: question_id, right, log_probability and token_count under the model.
        own: The model's own responses: the same columns.
        questions: The questions of `rows`.
        tail: The share that may lie outside, between 0 and 1.
    """
    # The lowest of m + 1 lies outside only if 1 / (m + 1) is no more than the tail.
    least = math.ceil(1 / tail - 1e-9) - 1
    values = {
        question_id: np.sort(_per_token(part))
        for (question_id,), part in own.partition_by("question_id", as_dict=True).items()
        if len(part) >= least
    }
    of_questions = rows.filter(pl.col("question_id").is_in(list(values)))
    left_out = len(questions.place_of) - of_questions["question_id"].n_unique()
    inside_range = np.empty(len(of_questions))
    for at, (question_id, value) in enumerate(
        zip(of_questions["question_id"], _per_token(of_questions), strict=True)
    ):
        others = values[question_id]
        rank = 1 + np.searchsorted(others, value + TIE_NATS, side="right")
        inside_range[at] = rank > tail * (len(others) + 1)
    places = questions.places(of_questions)
    groups = list(questions.groups(of_questions, tuple(VERDICTS)))
    inside = [questions.inside(places, group.rows) for group in groups]
    means = [questions.means(places, inside_range, group.rows) for group in groups]
    shares = questions.estimates(means, inside, SHARE)
    return WithinRange(
        tail,
        least,
        left_out,
        tuple(
            RangeRow(group.verdict, group.bin, int(group.rows.sum()), int(asked.sum()), share)
            for group, asked, share in zip(groups, inside, shares, strict=True)
        ),
    )


def right_compared(
    rows: pl.DataFrame, own: pl.DataFrame, questions: Questions
) -> RightCompared | None:
    """Log-likelihood of right responses of both, on the questions to which both gave some."""
    sides = []
    for side in (own, rows):
        right = side.filter(pl.col("right"), pl.col("question_id").is_in(list(questions.place_of)))
        places, every = questions.places(right), np.ones(len(right), bool)
        means = questions.means(places, _per_token(right), every)
        sides.append((means, questions.inside(places, every)))
    (before, of_own), (after, of_rows) = sides
    both = of_own * of_rows
    figures = questions.estimates(
        [before * both, after * both, (after - before) * both], [both] * 3
    )
    first, then, change = figures
    if first is None or then is None or change is None:
        return None
    return RightCompared(int(both.sum()), Change(first, then, change))


def _per_token(rows: pl.DataFrame) -> FloatArray:
    values: FloatArray = (rows["log_probability"] / rows["token_count"]).to_numpy()
    return values
