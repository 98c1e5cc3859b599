"""The readers of rollouts whose rows need few words: SkyRL, oat, tinker-cookbook and rLLM.

SkyRL: `dumped_evals/global_step_<n>_evals/<source>.jsonl`. oat: `eval_results/<step>.json`.
tinker-cookbook: `<run>/<benchmark>/trajectories.jsonl`. rLLM: `<data>_<model>_<time>.json`, which
has verdicts and no texts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Any

from pydantic_core import from_json

from liftmap.errors import InputError
from liftmap.read.chats import chat_text, conversation, table, tables_in
from liftmap.read.counting import outcomes_of_table
from liftmap.read.lines import json_document, json_lines
from liftmap.read.look import Glimpse, readable
from liftmap.read.outcomes import Outcomes, ReadOptions
from liftmap.read.response_table import Row, files_of_steps, step_in_name, table_of_rows


def is_skyrl(file: Glimpse) -> bool:
    """Lines with input_prompt, output_response and score."""
    return file.container == "json" and file.has("input_prompt", "output_response", "score")


def read_skyrl(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads dumped evaluations.

    Args:
        source: What the user named.
        files: `<source>.jsonl` files.
        options: The steps, or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files_of_steps(files, options.steps), _skyrl_rows, ["score"])
    return outcomes_of_table(source, "skyrl", rows, options)


def _skyrl_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    step = step_in_name(file)
    for number, line in json_lines(file.path):
        score = line.get("score")
        if isinstance(score, list):
            # A reward for each token: the episode's is their sum.
            score = sum(value for value in score if isinstance(value, int | float))
        extras = table(line.get("env_extras"))
        yield (
            number,
            {
                "step": step,
                "task": line.get("data_source"),
                "prompt": chat_text(line.get("input_prompt")),
                "text": line.get("output_response"),
                "gold": table(extras.get("reward_spec") or extras.get("reward_model")).get(
                    "ground_truth"
                ),
                "finish_reason": line.get("stop_reason"),
                "metrics": {"score": score},
            },
        )


def is_oat(file: Glimpse) -> bool:
    """A JSON list with output, scores and generator, and a prompt."""
    return (
        file.container == "array"
        and file.has("output", "scores", "generator")
        and _oat_prompt(file.fields) is not None
    )


def _oat_prompt(fields: Collection[str]) -> str | None:
    """The column of prompts, whose name is a setting of the tool: `x` where there is `format_x`."""
    formatted = (name for name in fields if f"format_{name}" in fields)
    usual = (name for name in ("input", "prompt") if name in fields)
    return next(chain(formatted, usual), None)


def read_oat(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads results of evaluations while training.

    Args:
        source: What the user named.
        files: `<step>.json` files.
        options: The steps, or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files_of_steps(files, options.steps), _oat_rows, ["scores"])
    return outcomes_of_table(source, "oat", rows, options)


def _oat_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    step = step_in_name(file)
    with readable(file.path):
        document = from_json(file.path.read_bytes())
    prompt = _oat_prompt(file.fields) or "input"
    row = 0
    for line in tables_in(document):
        outputs, scores = _listed(line.get("output")), _listed(line.get("scores"))
        if len(outputs) != len(scores):
            raise InputError(
                f"{file.path}, row {row + 1} has {len(outputs)} outputs and {len(scores)} scores.",
                remedy="Each output needs its score.",
            )
        for output, score in zip(outputs, scores, strict=True):
            row += 1
            yield (
                row,
                {
                    "step": step,
                    "prompt": chat_text(line.get(prompt)),
                    "text": output,
                    "gold": line.get("reference"),
                    "metrics": {"scores": score},
                },
            )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_tinker_cookbook(file: Glimpse) -> bool:
    """Lines with example_id, turns and reward."""
    return file.container == "json" and file.has("example_id", "turns", "reward")


def read_tinker_cookbook(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads trajectories of one benchmark.

    Args:
        source: What the user named.
        files: `trajectories.jsonl` files.
        options: The metric (by default `correct`, or else the reward), or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files, _tinker_rows, ["correct", "reward"])
    return outcomes_of_table(source, "tinker_cookbook", rows, options)


def _tinker_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    for number, line in json_lines(file.path):
        turns = tables_in(line.get("turns"))
        prompt, text, _ = conversation(turns)
        metrics, logs = table(line.get("metrics")), table(line.get("logs"))
        cut = metrics.get("max_tokens_reached") or metrics.get("context_overflow")
        own = [turn.get("token_count") for turn in turns if turn.get("role") == "assistant"]
        counts = [count for count in own if isinstance(count, int)]
        yield (
            number,
            {
                "question_id": line.get("example_id") or line.get("idx"),
                "task": line.get("benchmark"),
                "prompt": prompt,
                "text": text,
                "answer": logs.get("extracted"),
                "gold": logs.get("expected"),
                "tokens": sum(counts) if counts else None,
                "finish_reason": "length" if cut else "stop",
                "failed": bool(line.get("error")),
                "metrics": {"reward": line.get("reward"), **metrics},
            },
        )


def is_rllm(file: Glimpse) -> bool:
    """A document with items, each an attempt at a question."""
    if file.container != "json" or not file.has("items"):
        return False
    if file.has("agent", "dataset_name"):
        return True
    with readable(file.path):
        first = next((part for place, part in json_document(file.path, "items") if place), {})
    return {"idx", "attempt"} <= set(first) and not {"is_correct", "reward"}.isdisjoint(first)


def read_rllm(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads results, which have no texts.

    Args:
        source: What the user named.
        files: `<data>_<model>_<time>.json` files.
        options: The metric (by default is_correct, or else the reward).

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files, _rllm_rows, ["is_correct", "reward"])
    return outcomes_of_table(source, "rllm", rows, options)


def _rllm_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    head: dict[str, Any] = {}
    number = 0
    for place, part in json_document(file.path, "items"):
        if not place:
            head.update(part)
            continue
        number += 1
        task = part.get("task_id")
        yield (
            number,
            {
                "question_id": part.get("idx") if task is None else task,
                "task": head.get("dataset_name"),
                "model": head.get("model"),
                # An agent that ran out of time is wrong; what broke down around it is not.
                "failed": bool(part.get("error")) and part.get("termination_reason") != "timeout",
                "metrics": {"is_correct": part.get("is_correct"), "reward": part.get("reward")},
            },
        )
