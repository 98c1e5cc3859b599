"""The reader of training logs: what a trainer of Transformers or TRL logged, by step.

Reads `trainer_state.json` (of a checkpoint, or of a trainer's folder) or `metrics/<arm>.jsonl` of a
study; gives one table, in which a figure that the log lacks is null. TRL's names change with its
versions, so each figure knows several.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from liftmap.errors import InputError
from liftmap.files import disk, path_of
from liftmap.store.checkpoint_folder import STEP_PREFIX, TRAINER_STATE

# Our columns, and what trainers call them; the first name that a record has counts.
NAMES: dict[str, tuple[str, ...]] = {
    "loss": ("loss",),
    "reward": ("reward",),
    "reward_std": ("reward_std",),
    "no_gradient": ("frac_reward_zero_std",),
    "all_right": ("groups/all_right",),
    "all_wrong": ("groups/all_wrong",),
    "entropy": ("entropy",),
    "tokens": ("completions/mean_length", "completion_length"),
    "truncated": ("completions/clipped_ratio", "clip_ratio/truncated"),
}
SHARES = ("no_gradient", "all_right", "all_wrong", "truncated")
SCHEMA: dict[str, pl.DataType] = {
    "seed": pl.Int64(),
    "step": pl.Int64(),
    **{name: pl.Float64() for name in NAMES},
}


def read_training_log(path: str | Path) -> pl.DataFrame:
    """What a trainer logged.

    Args:
        path: A `trainer_state.json`; a checkpoint's folder; a trainer's folder, of which the last
            checkpoint is read; or a `metrics/<arm>.jsonl` of a study.

    Returns:
        One row a training seed and a logged step, in order; each figure is a mean since the step
        that was logged before. Null: the log lacks it, or it was no finite number.

        - seed: the training seed; null where the log does not say.
        - step: the optimiser step.
        - loss: the training loss.
        - reward: mean reward of the responses.
        - reward_std: its standard deviation, as the trainer has it.
        - no_gradient: share of groups, in [0, 1], whose rewards are all alike: such a group gives
            GRPO no gradient. (With TRL's `scale_rewards="batch"` its log says this of whole
            batches.)
        - all_right, all_wrong: share of groups, in [0, 1], all of whose responses are right, or
            wrong; together no_gradient, where rewards are 0 and 1. TRL itself does not log them; a
            study's GRPO does.
        - entropy: mean entropy of the next token, in nats.
        - tokens: mean length of the responses, in tokens.
        - truncated: share of the responses, in [0, 1], that the token limit cut.

    Raises:
        InputError: It does not exist, or is not such a log; the message names what was seen.
        StoreError: It can't be read.
    """
    file = _file_of(path_of(path))
    with disk(file):
        text = file.read_text("utf-8", errors="replace")
    records = _lines(text, file) if file.suffix == ".jsonl" else _history(text, file)
    return table_of_log(records, str(file))


def table_of_log(records: list[Mapping[str, Any]], source: str) -> pl.DataFrame:
    """The records of a log as the table of `read_training_log`.

    Args:
        records: What was logged, in order.
        source: What the user named, for messages.

    Raises:
        InputError: No record has one of the figures and the step that it is of.
    """
    rows = []
    for record in records:
        figures = {name: _figure(record, names) for name, names in NAMES.items()}
        step = record.get("step")
        if isinstance(step, int) and any(value is not None for value in figures.values()):
            rows.append({"seed": record.get("seed"), "step": step, **figures})
    if not rows:
        raise InputError(
            f"{source} holds no figure of a training.",
            seen=sorted({key for record in records for key in record})[:20],
            remedy="Name the log of a trainer: records with a step and a loss, a reward or such.",
        )
    table = pl.DataFrame(rows, schema=SCHEMA)
    # What a trainer logs at its end has figures of the last step too, but no loss.
    last = [pl.col(name).drop_nulls().last() for name in NAMES]
    return table.group_by("seed", "step", maintain_order=True).agg(last).sort("seed", "step")


def _figure(record: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    """The first of these values that is a finite number."""
    values = (record[name] for name in names if name in record)
    value = next(values, None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _file_of(path: Path) -> Path:
    """The file that holds the log."""
    if not path.exists():
        raise InputError(
            f"{path} does not exist.",
            remedy=f"Name a {TRAINER_STATE}, a trainer's folder, or a study's metrics/<arm>.jsonl.",
        )
    if path.is_file():
        return path
    if (path / TRAINER_STATE).exists():
        return path / TRAINER_STATE
    checkpoints = [
        (int(folder.name.removeprefix(STEP_PREFIX)), folder)
        for folder in path.glob(f"{STEP_PREFIX}*")
        if folder.name.removeprefix(STEP_PREFIX).isdecimal() and (folder / TRAINER_STATE).exists()
    ]
    if not checkpoints:
        raise InputError(
            f"{path} holds no {TRAINER_STATE}, and no {STEP_PREFIX}<step> folder with one.",
            remedy="Name the folder that a trainer saves its checkpoints in.",
        )
    return max(checkpoints)[1] / TRAINER_STATE


def _history(text: str, file: Path) -> list[Mapping[str, Any]]:
    """The `log_history` of a trainer's state."""
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is not JSON: {error}.", remedy="Name a trainer's log.") from None
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list):
        raise InputError(
            f"{file} is not the state of a trainer: it has no log_history.",
            seen=sorted(state)[:20] if isinstance(state, dict) else type(state).__name__,
            remedy=f"Name a {TRAINER_STATE} as Transformers writes it.",
        )
    return [record for record in history if isinstance(record, dict)]


def _lines(text: str, file: Path) -> list[Mapping[str, Any]]:
    """The records of a file with one JSON object a line; one that a kill cut short is left out."""
    lines = [line for line in text.splitlines() if line.strip()]
    records: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                continue
            raise InputError(
                f"{file}, line {number} is not JSON: {error}.", remedy="Name a trainer's log."
            ) from None
        if isinstance(record, dict):
            records.append(record)
    return records
