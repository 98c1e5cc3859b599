"""What the trainer logged beside the steps of a run: one row for each step that was tracked.

Used by `track` and `follow`. Reads a training log (`read.training_log`); the figures are the
trainer's own, without intervals, on its batches and not on the questions of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import polars as pl

from liftmap.comparison.columns import Schema
from liftmap.errors import InputError
from liftmap.read.training_log import NAMES, read_training_log

LOG: Schema = {
    "step": pl.Int64(),
    "logged": pl.Int64(),
    **{name: pl.Float64() for name in NAMES},
}


def logged_by_step(path: str | Path, steps: Sequence[int]) -> pl.DataFrame:
    """The mean of what was logged after the step before, up to and with each step.

    Args:
        path: As in `read_training_log`.
        steps: The base and the other steps, by rising number.

    Returns:
        Columns of `LOG`, a row for each step but the base: `logged`, the number of logged steps
        that the figures are means of, and the figures, null where the log lacks them.

    Raises:
        InputError: It is not a training log, is of several training seeds, or logged nothing
            between these steps.
    """
    table = read_training_log(path)
    seeds = table["seed"].drop_nulls().unique().sort().to_list()
    if len(seeds) > 1:
        raise InputError(
            f"{path} is the log of {len(seeds)} trainings.",
            seen=seeds[:8],
            remedy="Name the log of the one that these steps are of.",
        )
    rows = [
        table.filter((pl.col("step") > before) & (pl.col("step") <= step))
        .select(pl.len().alias("logged"), *(pl.col(name).mean() for name in NAMES))
        .with_columns(step=pl.lit(step))
        for before, step in pairwise(steps)
    ]
    by_step = pl.concat(rows).select(pl.col(name).cast(kind) for name, kind in LOG.items())
    if not by_step["logged"].sum():
        raise InputError(
            f"{path} logged nothing between the steps of the run.",
            seen={"logged": [table["step"].min(), table["step"].max()], "run": list(steps)[:8]},
            remedy="Name the log of this training.",
        )
    return by_step
