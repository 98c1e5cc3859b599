"""Measures what a kin checkpoint has learnt, against what the world says it should know.

Stands beside `pretrain`, near the top of the flow: it samples a checkpoint on a question set and
gives one row per question and style. The figures of the shipped checkpoints come from here.
"""

from __future__ import annotations

import polars as pl

from liftmap.records import SamplingSettings, Split
from liftmap.testbed.language import classify_style
from liftmap.testbed.questions import expected_success, question_sets
from liftmap.testbed.world import DEFAULT_SEED, make_world
from liftmap.verify.exact import exact

MAX_TOKENS = 24


def measure(
    model: str,
    *,
    split: Split = "test",
    responses: int = 256,
    limit: int | None = None,
    seed: int = 0,
    world_seed: int = DEFAULT_SEED,
) -> pl.DataFrame:
    """Samples a checkpoint at temperature 1 and counts right responses by question and style.

    Args:
        model: A Hugging Face folder, `testbed:base` or `testbed:teacher`.
        split: The question set to ask.
        responses: Responses per question, at least 1.
        limit: Take the first so many questions; None takes all.
        seed: Seed of the sampling.
        world_seed: The world that the checkpoint was trained in.

    Returns:
        One row per question and style that came up, with the columns question_id, level (0 to 1),
        hops, wording, key_fact, shortcut, expected (pass@1 of an ideal base, 0 to 1), style
        (careful, sloppy, direct or other), responses (at least 1), right (0 to responses).

    Raises:
        ModelError: The model can't be loaded.
    """
    from liftmap.sample.transformers_engine import TransformersEngine

    world = make_world(world_seed)
    described = question_sets(world_seed)[split][:limit]
    questions = {q.question_id: q for q in (kin.to_question() for kin in described)}
    expected = [expected_success(world, kin) for kin in described]
    settings = SamplingSettings(max_tokens=MAX_TOKENS, seed=seed)
    prompts = {question_id: question.text for question_id, question in questions.items()}
    responses_drawn = pl.DataFrame(
        [
            (
                response.question_id,
                classify_style(response.text),
                exact(questions[response.question_id], response.text).label == "right",
            )
            for response in TransformersEngine(model).generate(prompts, responses, settings)
        ],
        schema={"question_id": pl.String, "style": pl.String, "right": pl.Boolean},
        orient="row",
    )
    known = pl.DataFrame(
        [
            {
                "question_id": question_id,
                "level": float(question.metadata["level"]),
                "hops": int(question.metadata["hops"]),
                "wording": str(question.metadata["wording"]),
                "key_fact": question.cluster,
                "shortcut": bool(question.metadata["shortcut"]),
                "expected": chance,
            }
            for (question_id, question), chance in zip(questions.items(), expected, strict=True)
        ]
    )
    counts = responses_drawn.group_by("question_id", "style").agg(
        responses=pl.len(), right=pl.col("right").sum()
    )
    return known.join(counts, on="question_id", how="left").sort("question_id", "style")
