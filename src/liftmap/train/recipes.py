"""Recipes: which responses go into an arm's training set.

Reads verified responses to the train questions; gives (prompt, response) pairs. Pure tables in,
pairs out; nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from liftmap.config import BASE, ResponsesSection
from liftmap.errors import EmptyTrainingSetError
from liftmap.records import Prompt


def right_responses(responses: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """The right ones among verified responses: question_id, response_index, text, in key order."""
    right = verdicts.filter(pl.col("verdict").cast(pl.String) == "right")
    keys = ["question_id", "response_index"]
    return (
        responses.select(*keys, "text")
        .join(right.select(keys), on=keys, how="semi")
        .sort(keys, maintain_order=True)
    )


def quotas(section: ResponsesSection, right: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """How many responses each question gives to a training set.

    Args:
        section: The recipe.
        right: `right_responses` of each model that the recipe names, and of the base.

    Returns:
        question_id -> number, at least 1, for the questions that give any. With `matched_with`,
        both arms of a pair get the same numbers, since the rule is the same seen from either side.
    """
    counts = {
        name: dict(frame.group_by("question_id").len().iter_rows()) for name, frame in right.items()
    }
    base, teacher = counts[BASE], counts[section.of]
    matched = teacher if section.matched_with is None else counts[section.matched_with]
    return {
        question_id: min(section.per_question, given, matched[question_id])
        for question_id, given in sorted(teacher.items())
        if question_id in matched and base.get(question_id, 0) >= section.base_right_at_least
    }


def training_pairs(
    arm: str,
    seed: int,
    section: ResponsesSection,
    right: Mapping[str, pl.DataFrame],
    prompts: Mapping[str, Prompt],
) -> tuple[list[tuple[Prompt, str]], int]:
    """The training set of an arm.

    Args:
        arm: Its name, for messages.
        seed: Chooses among a question's right responses, without replacement and evenly.
        section: The recipe.
        right: `right_responses` of each model that the recipe names, and of the base.
        prompts: Prompt of each question.

    Returns:
        The (prompt, response text) pairs, by question, and the number of questions.

    Raises:
        EmptyTrainingSetError: No response is left; the message says whose are missing.
    """
    if right[section.of].is_empty():
        raise EmptyTrainingSetError(
            f"arms.{arm}: {section.of!r} has no right response to any train question.",
            remedy="Use a stronger teacher, easier train questions, or raise sample.n_train.",
        )
    counts = quotas(section, right)
    if not counts:
        raise EmptyTrainingSetError(
            f"arms.{arm}: the training set is empty: no train question has right responses of "
            f"{section.of!r} and passes base_right_at_least = {section.base_right_at_least}"
            + (f" and matched_with = {section.matched_with!r}." if section.matched_with else "."),
            remedy="Loosen the recipe, use easier train questions, or raise sample.n_train.",
        )
    rng = np.random.default_rng(seed)
    texts = dict(right[section.of].group_by("question_id").agg("text").iter_rows())
    pairs = []
    for question_id, count in counts.items():
        for chosen in rng.permutation(len(texts[question_id]))[:count]:
            pairs.append((prompts[question_id], texts[question_id][chosen]))
    return pairs, len(counts)
