"""Selected questions as a file that trainers read: JSONL, a row a question or a row a response.

Beside `selection`: reads the source's prompts, golds and texts in parts, writes one file. Texts are
never all in memory: what is written is chosen by place first, and streams from source to file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.comparison.selection_record import ResponsesTaken, WrittenSet
from liftmap.files import write_ndjson
from liftmap.read.outcomes import Outcomes
from liftmap.stats.passk import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class SelectedQuestions:
    """Questions that were picked, with what was measured of them; all arrays (questions,).

    Attributes:
        outcomes: The source they come from.
        question_ids: Their ids.
        rates: The success rates that they were picked by.
        n: Their scored responses.
        c: Right ones.
    """

    outcomes: Outcomes
    question_ids: NDArray[np.str_]
    rates: FloatArray
    n: IntArray
    c: IntArray


def write_training_set(
    path: Path,
    selected: SelectedQuestions,
    *,
    responses: ResponsesTaken = "none",
    per_question: int | None = None,
    seed: int = 0,
) -> WrittenSet:
    """Writes a training set.

    Args:
        path: The file.
        selected: The questions.
        responses: Which responses are written; "none" writes a row a question.
        per_question: At most so many to each question, drawn evenly.
        seed: Seed of that draw.

    Returns:
        What was written. Columns, where the source has them: question_id, prompt, answer (the gold
        answer), rate, n, c; and with responses completion, reasoning and right.

    Raises:
        StoreError: The file can't be written.
        InputError: The source can't be read any more.
    """
    outcomes = selected.outcomes
    questions = pl.DataFrame(
        {
            "question_id": selected.question_ids,
            "rate": selected.rates,
            "n": selected.n,
            "c": selected.c,
        }
    )
    questions = _with_prompts_and_golds(questions, outcomes)
    columns = ["question_id", "prompt", "answer", "rate", "n", "c"]
    if responses == "none" or outcomes.responses is None:
        columns = [name for name in columns if name in questions.columns]
        write_ndjson(path, questions.lazy().select(columns))
        return WrittenSet(str(path), len(questions), len(questions), 0, tuple(columns))
    rows = outcomes.responses.with_row_index("row")
    taken = _taken(rows, questions, responses, per_question, seed)
    columns += ["completion", "reasoning", "right"]
    if not taken["has_reasoning"].any():
        columns.remove("reasoning")
    there = {*questions.columns, "completion", "reasoning", "right"}
    columns = [name for name in columns if name in there]
    facts = taken.select("row", "question_id").join(
        questions, on="question_id", how="left", maintain_order="left"
    )
    texts = rows.select("row", "reasoning", "right", completion="text")
    write_ndjson(
        path,
        texts.join(facts.lazy(), on="row", how="inner", maintain_order="left").select(columns),
    )
    held = taken["question_id"].n_unique()
    return WrittenSet(str(path), len(taken), held, len(questions) - held, tuple(columns))


def _with_prompts_and_golds(questions: pl.DataFrame, outcomes: Outcomes) -> pl.DataFrame:
    """The questions with the columns prompt and answer, where the source has any."""
    if outcomes.responses is not None:
        prompts = (
            outcomes.responses.select("question_id", "prompt")
            .join(questions.lazy().select("question_id"), on="question_id", how="semi")
            .filter(pl.col("prompt").is_not_null())
            .group_by("question_id")
            .agg(pl.col("prompt").first())
            .collect(engine="streaming")
        )
        if len(prompts):
            questions = questions.join(prompts, on="question_id", how="left", maintain_order="left")
    if outcomes.golds is not None:
        golds = outcomes.golds.select("question_id", answer="gold").unique("question_id")
        questions = questions.join(golds, on="question_id", how="left", maintain_order="left")
    return questions


def _taken(
    rows: pl.LazyFrame,
    questions: pl.DataFrame,
    responses: ResponsesTaken,
    per_question: int | None,
    seed: int,
) -> pl.DataFrame:
    """Which responses are written: row, question_id, has_reasoning, in the source's order."""
    is_taken = pl.col("text").is_not_null() & pl.col("right").is_not_null()
    if responses == "right":
        is_taken &= pl.col("right")
    candidates = (
        rows.filter(is_taken)
        .select("row", "question_id", has_reasoning=pl.col("reasoning").fill_null("") != "")
        .join(questions.lazy().select("question_id"), on="question_id", how="semi")
        .collect(engine="streaming")
        .sort("row")
    )
    if per_question is None:
        return candidates
    places = np.random.default_rng([seed, 1]).permutation(len(candidates))
    return (
        candidates.with_columns(place=pl.Series(places))
        .filter(pl.col("place").rank("ordinal").over("question_id") <= per_question)
        .drop("place")
    )
