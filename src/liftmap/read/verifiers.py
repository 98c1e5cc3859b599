"""The readers of verifiers, v0 and v1, and of prime-rl, whose rollouts are v1 episodes.

v0: `results.jsonl` with a row a response (example_id, prompt, completion, reward, metrics). v1:
`traces.jsonl` with an episode a line: its task, and the trace of each agent with a graph of
messages, the calls and named rewards. prime-rl writes the same below `rollouts/step_<n>/`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from liftmap.read.chats import (
    chat_text,
    completion_text,
    content_text,
    conversation,
    table,
    tables_in,
)
from liftmap.read.counting import outcomes_of_table
from liftmap.read.lines import json_lines
from liftmap.read.look import Glimpse
from liftmap.read.outcomes import Outcomes, ReadOptions
from liftmap.read.response_table import Row, files_of_steps, step_in_name, table_of_rows

# Why a trace stopped, where that cut the response.
LIMITS = ("max_turns", "max_input_tokens", "max_output_tokens", "max_total_tokens")


def is_verifiers_v0(file: Glimpse) -> bool:
    """Lines with example_id, completion and reward."""
    return file.container == "json" and file.has("example_id", "completion", "reward")


def is_verifiers(file: Glimpse) -> bool:
    """Lines with task and traces, an episode each."""
    return (
        file.container == "json"
        and file.kinds.get("task") in ("object", "cut")
        and file.has("traces")
    )


def read_verifiers_v0(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads v0 results of one environment and model.

    Args:
        source: What the user named.
        files: `results.jsonl` files.
        options: The metric (by default the reward), or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files, _v0_rows, ["reward"], numbered=True)
    return outcomes_of_table(source, "verifiers_v0", rows, options)


def _v0_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    for number, line in json_lines(file.path):
        cut = line.get("is_truncated")
        yield (
            number,
            {
                "question_id": line.get("example_id"),
                "task": line.get("task"),
                "prompt": chat_text(line.get("prompt")),
                "text": completion_text(line.get("completion")),
                "gold": line.get("answer"),
                "finish_reason": None if cut is None else "length" if cut else "stop",
                "failed": bool(line.get("error")),
                "metrics": {"reward": line.get("reward"), **table(line.get("metrics"))},
            },
        )


def read_verifiers(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads v1 episodes, a run's or those of a step of prime-rl.

    Args:
        source: What the user named.
        files: `traces.jsonl` files.
        options: The metric (by default the reward, the weighted sum), the steps, or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files_of_steps(files, options.steps), _episode_rows, ["reward"])
    return outcomes_of_table(source, "verifiers", rows, options)


def _episode_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    """A row for each trace whose agent is the model that is trained or evaluated."""
    row = 0
    of_folder = step_in_name(file)
    for _, episode in json_lines(file.path):
        task = table(episode.get("task"))
        work = table(table(episode.get("run")).get("work"))
        step = work.get("step", of_folder)
        traces = [
            t
            for t in tables_in(episode.get("traces"))
            if table(t.get("agent")).get("trainable", True)
        ]
        for trace in traces or [{}]:
            row += 1
            yield row, {"step": step, **_trace(task, trace)}


def _trace(task: dict[str, Any], trace: dict[str, Any]) -> Row:
    nodes = tables_in(trace.get("nodes"))
    first = next((i for i, node in enumerate(nodes) if node.get("sampled")), len(nodes))
    messages = [table(node.get("message")) for node in nodes]
    asked, written = (
        messages[:first],
        [m for m, n in zip(messages, nodes, strict=True) if n.get("sampled")],
    )
    own = conversation([{**message, "role": "assistant"} for message in written])
    data = table(task.get("data"))
    rewards = {name: table(value) for name, value in table(trace.get("rewards")).items()}
    scored = bool(rewards) and all(reward for reward in rewards.values())
    total = sum(map(_weighted, rewards.values())) if scored else None
    calls = tables_in(trace.get("calls"))
    ended = next((c.get("finish_reason") for c in reversed(calls) if not c.get("error")), None)
    cut = ended == "length" or trace.get("stop_condition") in LIMITS
    usages = [table(call.get("usage")).get("completion_tokens") for call in calls]
    counts = [count for count in usages if isinstance(count, int)]
    return {
        "question_id": task.get("hash") or task.get("key"),
        "prompt": chat_text(asked) or content_text(data.get("prompt")),
        "text": own.text,
        "reasoning": own.reasoning,
        "gold": data.get("answer"),
        "tokens": sum(counts) if counts else None,
        "finish_reason": "length" if cut else ended,
        "failed": not scored and bool(trace.get("errors") or not trace),
        "metrics": {
            "reward": total,
            **{name: reward.get("score") for name, reward in rewards.items()},
            **table(trace.get("metrics")),
        },
    }


def _weighted(reward: dict[str, Any]) -> float:
    """A reward times its weight; NaN if one of them is not a number."""
    parts = reward.get("score"), reward.get("weight", 1.0)
    numbers = [float(part) for part in parts if isinstance(part, int | float)]
    return numbers[0] * numbers[1] if len(numbers) == 2 else math.nan
