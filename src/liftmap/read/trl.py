"""The reader of TRL's completions: what GRPO and its kin write with `log_completions`.

`<output_dir>/completions/completions_<step>.parquet` has a row a completion: step, prompt,
completion, a column for each reward function, extras and the advantage. ms-swift's
`completions.jsonl` has the same by the step: a line holds lists. Tables of these columns that were
logged to W&B are read too. No reward is known to be the verdict: where several differ, one has to
be named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from liftmap.read.chats import chat_text, completion_text
from liftmap.read.column_names import verdicts
from liftmap.read.counting import outcomes_of_table
from liftmap.read.lines import json_lines
from liftmap.read.look import Glimpse
from liftmap.read.outcomes import Outcomes, ReadOptions
from liftmap.read.response_table import Row, files_of_steps, table_of_columns, table_of_rows
from liftmap.read.tabular import column_names, is_wandb_table

# Columns that are not what a reward function returned.
NO_REWARD = {
    *("step", "gen_step", "prompt", "completion", "advantage", "advantages", "entropy"),
    *("image", "images", "completion_length", "solution", "answer", "ground_truth"),
}


def is_trl(file: Glimpse) -> bool:
    """Parquet, or a W&B table, with step, prompt and completion."""
    if file.container == "parquet":
        return file.has("step", "prompt", "completion")
    return is_wandb_table(file) and {"prompt", "completion"} <= set(column_names(file))


def is_ms_swift(file: Glimpse) -> bool:
    """Lines with prompt, completion and gen_step (or step and advantages)."""
    return (
        file.container == "json"
        and file.has("prompt", "completion")
        and (file.has("gen_step") or file.has("step", "advantages"))
    )


def read_trl(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads completions, of one step or of several that are named.

    Args:
        source: What the user named.
        files: `completions_<step>.parquet` files.
        options: The reward that is the verdict (as metric), the steps, or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    files = files_of_steps(files, options.steps, "step")
    rewards = dict.fromkeys(name for file in files for name in _rewards(file))
    columns: dict[str, str | pl.Expr] = {"prompt": "prompt", "text": "completion", "step": "step"}
    table = table_of_columns(files, columns, _ordered(list(rewards)), verdict=False)
    return outcomes_of_table(source, "trl", table, options)


def _rewards(file: Glimpse) -> list[str]:
    """The columns of numbers; of a W&B table, which has no types, all that could be."""
    if file.container != "parquet":
        return [name for name in column_names(file) if name not in NO_REWARD]
    return [
        name
        for name, kind in file.kinds.items()
        if name not in NO_REWARD and kind in ("number", "bool")
    ]


def _ordered(rewards: list[str]) -> list[str]:
    """The rewards, those first whose names say that they are about being right."""
    sure = verdicts(rewards)
    likely = [name for name in rewards if "acc" in name or "correct" in name]
    return list(dict.fromkeys([*sure, *likely, *rewards]))


def read_ms_swift(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads ms-swift's completions.

    Args:
        source: What the user named.
        files: `completions.jsonl` files.
        options: The reward that is the verdict (as metric), the steps, or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rewards = [
        name
        for file in files
        for name, kind in file.kinds.items()
        if name not in NO_REWARD and kind in ("list", "number", "bool")
    ]
    table = table_of_rows(files, _swift_rows, _ordered(rewards), verdict=False)
    return outcomes_of_table(source, "ms_swift", table, options)


def _swift_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    """A line holds a completion, or lists of as many values as it has completions."""
    row = 0
    for _, line in json_lines(file.path):
        count = len(line["completion"]) if isinstance(line.get("completion"), list) else 1
        for at in range(count):
            row += 1
            yield row, _swift_row({name: _at(value, at, count) for name, value in line.items()})


def _at(value: object, at: int, count: int) -> Any:
    listed = isinstance(value, list) and len(value) == count
    return value[at] if listed else value  # type: ignore[index]


def _swift_row(values: dict[str, Any]) -> Row:
    step = values.get("gen_step", values.get("step"))
    return {
        "prompt": chat_text(values.get("prompt")),
        "text": completion_text(values.get("completion")),
        "step": int(str(step)) if str(step).isdecimal() else None,
        "metrics": {
            name: value
            for name, value in values.items()
            if name not in NO_REWARD and isinstance(value, bool | int | float | None)
        },
    }
