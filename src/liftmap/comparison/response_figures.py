"""Figures of one model's responses: length, phrases, thinking, truncation, copies, indicators.

Between `response_rows`, whose rows it reads, and what shows them: the response analyses of a pair
(`response_analyses`) and the tables `length` and `quality` of a study. Every figure is a ratio of
sums over the questions of a group, in which every response weighs the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from liftmap.comparison.phrases import PhraseList
from liftmap.records import Estimate
from liftmap.stats.answers import AnswerCounts, count_answers
from liftmap.stats.intervals import IntervalOptions
from liftmap.stats.passk import FloatArray, IntArray
from liftmap.stats.quality import question_aucs
from liftmap.stats.resampling import NO_PSEUDO, SHARE
from liftmap.stats.small_groups import Sums, ratios_or_none

Unit = Literal["tokens", "characters"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a group of responses: the sum of one column over the sum of another.

    Attributes:
        name: What it is called.
        top: The column of numerators; responses where it is null are left out.
        bottom: The column of denominators; None counts the responses, which gives a mean.
        share: Whether it is a share of 1.
    """

    name: str
    top: str
    bottom: str | None = None
    share: bool = True


THINKING = Measure("thinking", "thought_characters", "characters")
TRUNCATED = Measure("truncated", "truncated")
COPIES = Measure("copies", "copied")


def measures_of(lists: Sequence[PhraseList], length: str = "length") -> tuple[Measure, ...]:
    """The figures of responses.

    Args:
        lists: The lists of phrases; each gives a measure of its name.
        length: The column of lengths, after which the measure is named.

    Returns:
        In this order: the mean length; for each list the share of responses with one of its
        phrases; thinking, the share of the characters that are thought; truncated, the share of
        responses that the token limit cut; copies, the share whose text stands more than once among
        the model's responses to the question.
    """
    phrases = (Measure(each.measure, each.measure) for each in lists)
    return (Measure(length, length, share=False), *phrases, THINKING, TRUNCATED, COPIES)


def with_figures(rows: pl.DataFrame, unit: Unit) -> pl.DataFrame:
    """The rows with what the figures are made of.

    Args:
        rows: Rows of `response_rows`; other columns stay.
        unit: What length is counted in.

    Returns:
        The columns besides: characters (of thought and answer together); length, in the unit;
        thinking (share of the characters that are thought; null for an empty response and where no
        response has a thought); copied (whether the text stands more than once for its question);
        majority (whether the answer is one of the question's most common, its own vote counted; no
        answer never is; null where there are no answers at all).
    """
    characters = pl.col("thought_characters").cast(pl.Int64) + pl.col("answer_characters")
    common = (
        rows.filter(pl.col("answer_hash").is_not_null())
        .group_by("question", "answer_hash")
        .len()
        .filter(pl.col("len") == pl.col("len").max().over("question"))
        .select("question", "answer_hash", majority=True)
    )
    thinks = bool((rows["thought_characters"] > 0).any())
    joined = rows.join(common, on=["question", "answer_hash"], how="left", maintain_order="left")
    majority = pl.col("majority").fill_null(False) if len(common) else pl.lit(None, pl.Boolean)
    return joined.with_columns(
        characters=characters,
        length=pl.col("tokens").cast(pl.Int64) if unit == "tokens" else characters,
        thinking=pl.when(pl.lit(thinks) & (characters > 0)).then(
            pl.col("thought_characters") / characters
        ),
        copied=pl.len().over("question", "text_hash") > 1,
        majority=majority,
    )


def sums_by_question(rows: pl.DataFrame, measure: Measure, questions: int) -> Sums:
    """Numerators and denominators of a measure, each of shape (questions, 1)."""
    columns = ["question", measure.top, *([measure.bottom] if measure.bottom else [])]
    complete = rows.select(columns).drop_nulls()
    place = complete["question"].to_numpy()
    top = complete[measure.top].cast(pl.Float64).to_numpy()
    mass = complete[measure.bottom].cast(pl.Float64).to_numpy() if measure.bottom else None
    return Sums(
        np.bincount(place, weights=top, minlength=questions).astype(np.float64)[:, None],
        np.bincount(place, weights=mass, minlength=questions).astype(np.float64)[:, None],
    )


def figures_by_group(
    rows: pl.DataFrame, measures: Sequence[Measure], member: FloatArray, options: IntervalOptions
) -> dict[str, list[Estimate | None]]:
    """Each measure of each group, with its interval; questions are resampled.

    Args:
        rows: The rows of `with_figures`.
        measures: The measures.
        member: Shape (questions, groups): 1 where a question is in a group, else 0.
        options: Weights, cluster and level.

    Returns:
        For each measure by name one figure a group; None where no response tells it.
    """
    figures = {}
    for measure in measures:
        sums = sums_by_question(rows, measure, len(member))
        pseudo = SHARE if measure.share else NO_PSEUDO
        figures[measure.name] = ratios_or_none(
            sums.top * member, sums.bottom * member, options, pseudo
        )
    return figures


def responses_by_group(rows: pl.DataFrame, member: FloatArray) -> IntArray:
    """Number of responses in each group, shape (groups,)."""
    counts = np.bincount(rows["question"].to_numpy(), minlength=len(member))
    return np.rint(counts @ member).astype(np.int64)


def indicator_sums(rows: pl.DataFrame, indicators: Sequence[str], questions: int) -> Sums:
    """For each indicator its area under the ROC curve within each question.

    Args:
        rows: The rows of `with_figures`.
        indicators: Columns; responses where one is null are left out of it.
        questions: Number of questions.

    Returns:
        Shape (questions, indicators): areas in [0, 1], and 1 where a question has both right and
        wrong responses, which alone have one.
    """
    right, place = rows["right"].to_numpy(), rows["question"].to_numpy()
    areas, measured = np.zeros((2, questions, len(indicators)))
    for at, name in enumerate(indicators):
        values = rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        told, area = question_aucs(values, right, place)
        areas[told, at], measured[told, at] = area, 1.0
    return Sums(areas, measured)


def answers_of_rows(rows: pl.DataFrame, questions: int) -> AnswerCounts:
    """How often each question was given each answer."""
    codes = rows["answer_hash"].rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
    right = rows["right"].cast(pl.Int64).to_numpy()
    return count_answers(
        rows["question"].to_numpy(),
        # A right response without an answer that the source kept is an answer of its own.
        np.where((codes < 0) & (right > 0), len(rows), codes),
        right,
        questions,
    )
