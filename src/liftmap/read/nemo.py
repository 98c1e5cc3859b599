"""The readers of NVIDIA's NeMo tools: NeMo-Skills, NeMo-RL, NeMo-Gym and NeMo Evaluator.

NeMo-Skills: `output.jsonl`, `output-rs<seed>.jsonl`, a row a question and seed. NeMo-RL:
`val_data_step<n>.jsonl`, and the evaluation's `evaluation_data.json`. NeMo-Gym: rollouts, a
response of the OpenAI API a line. NeMo Evaluator: `results.jsonl`, a row a problem and repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from liftmap.read.chats import (
    chat_text,
    completion_text,
    content_text,
    conversation,
    only,
    table,
    tables_in,
)
from liftmap.read.counting import outcomes_of_table
from liftmap.read.lines import json_document, json_lines
from liftmap.read.look import Glimpse
from liftmap.read.outcomes import Outcomes, ReadOptions
from liftmap.read.response_table import (
    Row,
    files_of_steps,
    step_in_name,
    table_of_columns,
    table_of_rows,
)

# What NeMo Evaluator calls a failure that is not the model's.
INFRASTRUCTURE = ("infra_error", "system")
SKILLS_VERDICTS = ("symbolic_correct", "judge_correct", "is_correct", "is_correct-plus", "passed")


def is_nemo_skills(file: Glimpse) -> bool:
    """Lines with generation and one of the tool's verdicts, or the answer that it found."""
    own = file.fields & {*SKILLS_VERDICTS, "predicted_answer", "judgement"}
    return file.container == "json" and file.has("generation") and bool(own)


def read_nemo_skills(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads the outputs of one or several seeds.

    Args:
        source: What the user named.
        files: `output*.jsonl` files.
        options: The metric (by default symbolic_correct, else what the judge says), or the
            verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    columns = {
        "prompt": "problem",
        "text": "generation",
        "answer": "predicted_answer",
        "gold": "expected_answer",
        "tokens": "num_generated_tokens",
        "finish_reason": "finish_reason",
    }
    fields = {name for file in files for name in file.fields}
    metrics = [name for name in SKILLS_VERDICTS if name in fields]
    if "judgement" in fields and "judge_correct" not in metrics:
        metrics.insert(1 if metrics else 0, "judge_correct")
    rows = table_of_columns(files, columns, metrics, raw=["judgement"], each=_with_judgement)
    return outcomes_of_table(source, "nemo_skills", rows, options)


def _with_judgement(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with the judge's verdict, which ends its words: "Judgement: Yes"."""
    if "judge_correct" not in frame.collect_schema():
        return frame
    said = pl.col("judgement").str.to_lowercase().str.extract_all(r"judgement:\W*(?:yes|no)\b")
    return frame.with_columns(
        pl.coalesce("judge_correct", said.list.last().str.extract(r"(yes|no)$"))
    )


def is_nemo_rl(file: Glimpse) -> bool:
    """Lines with content and rewards, or a document with evaluation_data."""
    if file.kinds.get("evaluation_data") in ("list", "cut"):
        return True
    return file.container == "json" and file.has("content", "rewards")


def read_nemo_rl(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads validation, training or evaluation data.

    Args:
        source: What the user named.
        files: `val_data_step<n>.jsonl` files and their like, or `evaluation_data.json`.
        options: The steps, or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    files = files_of_steps(files, options.steps)
    rows = table_of_rows(files, _rl_rows, ["reward"])
    return outcomes_of_table(source, "nemo_rl", rows, options)


def _rl_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    if "evaluation_data" in file.fields:
        parts = (part for place, part in json_document(file.path, "evaluation_data") if place)
        for number, part in enumerate(parts, 1):
            yield (
                number,
                {
                    "prompt": chat_text(part.get("prompt")),
                    "text": part.get("response"),
                    "metrics": {"reward": part.get("reward")},
                },
            )
        return
    step = step_in_name(file)
    for number, line in json_lines(file.path):
        content = line.get("content")
        if isinstance(content, list) and len(content) == 1 and isinstance(content[0], list):
            content = content[0]
        messages = content if isinstance(content, list) else []
        prompt, text, thought = conversation(messages)
        if isinstance(only(content), str):
            # Training data: the prompt is not told from the response.
            text = str(only(content))
        yield (
            number,
            {
                "step": step,
                "prompt": prompt,
                "text": text,
                "reasoning": thought,
                "metrics": {"reward": only(line.get("rewards"))},
            },
        )


def is_nemo_gym(file: Glimpse) -> bool:
    """Lines with _ng_task_index and reward."""
    return file.container == "json" and file.has("_ng_task_index", "reward")


def read_nemo_gym(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads rollouts.

    Args:
        source: What the user named.
        files: Rollouts, `*.jsonl`.
        options: The verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files, _gym_rows, ["reward"], numbered=True)
    return outcomes_of_table(source, "nemo_gym", rows, options)


def _gym_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    for number, line in json_lines(file.path):
        response = table(line.get("response"))
        items = tables_in(response.get("output"))
        texts = [content_text(i.get("content")) for i in items if i.get("type") == "message"]
        thoughts = [content_text(i.get("summary")) for i in items if i.get("type") == "reasoning"]
        cut = table(response.get("incomplete_details")).get("reason")
        yield (
            number,
            {
                "question_id": line.get("_ng_task_index"),
                "prompt": chat_text(table(line.get("responses_create_params")).get("input")),
                "text": "\n".join(texts) if texts else None,
                "reasoning": "\n".join(filter(None, thoughts)),
                "gold": line.get("expected_answer"),
                "answer": line.get("extracted_answer"),
                "tokens": table(response.get("usage")).get("output_tokens"),
                "finish_reason": cut or ("stop" if response.get("status") else None),
                "model": response.get("model"),
                "metrics": {"reward": line.get("reward")},
            },
        )


def is_nemo_evaluator(file: Glimpse) -> bool:
    """Lines with problem_idx, repeat and reward."""
    return file.container == "json" and file.has("problem_idx", "repeat", "reward")


def read_nemo_evaluator(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads the results of `nel`.

    Args:
        source: What the user named.
        files: `results.jsonl` files.
        options: The verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files, _evaluator_rows, ["reward"], numbered=True)
    return outcomes_of_table(source, "nemo_evaluator", rows, options)


def _evaluator_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    for number, line in json_lines(file.path):
        details = table(line.get("scoring_details"))
        yield (
            number,
            {
                "question_id": line.get("problem_idx"),
                "prompt": chat_text(line.get("prompt")) or None,
                "text": completion_text(line.get("model_response")),
                "answer": line.get("extracted_answer"),
                "gold": line.get("expected_answer"),
                # The tool gives these the reward 0; its own words say that they are its failures.
                "failed": details.get("error_category") in INFRASTRUCTURE,
                "metrics": {"reward": line.get("reward"), **table(line.get("scorer_rewards"))},
            },
        )
