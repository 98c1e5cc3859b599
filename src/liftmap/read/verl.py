"""The reader of verl: dumps of validation and rollouts, and the Parquet of its generation.

`<validation_data_dir>/<step>.jsonl` and `<rollout_data_dir>/<step>.jsonl` have a row a response
with input, output, gts, score, step and what the reward function returned besides (`acc`, `pred`).
The generation's Parquet has a row a question with a list of responses and no verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from liftmap.read.column_names import verdicts
from liftmap.read.counting import outcomes_of_table
from liftmap.read.look import Glimpse
from liftmap.read.outcomes import Outcomes, ReadOptions
from liftmap.read.response_table import as_text, files_of_steps, table_of_columns

COLUMNS = {"prompt": "input", "text": "output", "gold": "gts", "answer": "pred"}


def is_verl(file: Glimpse) -> bool:
    """Lines with input, output, score and step; or Parquet with responses and reward_model."""
    if file.container == "parquet":
        return file.has("responses", "reward_model")
    return file.container == "json" and file.has("input", "output", "score", "step")


def read_verl(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads dumps, a file or a folder of steps.

    Args:
        source: What the user named.
        files: `<step>.jsonl` files, or generation Parquet.
        options: The metric (any field of the rows), the steps, or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    if files[0].container == "parquet":
        return _read_generation(source, files, options)
    files = files_of_steps(files, options.steps, "step")
    fields = {name for file in files for name in file.fields}
    # The score may hold penalties and credit for form; what says "accuracy" does not.
    metrics = verdicts(fields)
    if options.metric in fields and options.metric not in metrics:
        metrics.append(str(options.metric))
    columns: dict[str, str | pl.Expr] = dict(COLUMNS)
    columns["step"] = pl.col("step").cast(pl.Int64, strict=False)
    table = table_of_columns(files, columns, metrics, raw=["step"])
    return outcomes_of_table(source, "verl", table, options)


def _read_generation(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """A row a question: prompt (messages), responses, reward_model.ground_truth."""
    gold = pl.col("reward_model").struct.field("ground_truth")

    def each(frame: pl.LazyFrame) -> pl.LazyFrame:
        kinds = frame.collect_schema()
        asked = as_text(kinds["prompt"], "prompt").alias("prompt")
        return frame.with_columns(asked).explode("responses")

    columns: dict[str, str | pl.Expr] = {"prompt": "prompt", "text": "responses", "gold": gold}
    table = table_of_columns(files, columns, [], raw=["reward_model"], each=each)
    return outcomes_of_table(source, "verl", table, options)
