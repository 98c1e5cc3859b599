"""Tables as a reader sees them: headings in words, an estimate with its interval in one cell.

Reads an analysis table, gives a grid of text for the page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from liftmap.comparison.response_words import measure_text
from liftmap.comparison.rounding import NOTHING, count, duration, fixed, p_value, percent, points

# The page shows so many rows of a table; the whole of it is a file of the study folder.
MAX_ROWS = 200
MOST_MOVED = 10

# How a column's values are written, and the unit that its heading names.
WRITERS: dict[str, tuple[Callable[[Any], str], str]] = {
    "percent": (percent, "%"),
    "points": (points, "points"),
    "number1": (lambda v: fixed(v, 1), ""),
    "signed1": (lambda v: fixed(v, 1, signed=True), ""),
    "number3": (lambda v: fixed(v, 3), ""),
    "signed3": (lambda v: fixed(v, 3, signed=True), ""),
    "small": (lambda v: percent(v, 2), "%"),
    "p": (p_value, ""),
    "count": (count, ""),
    "time": (duration, ""),
}

# Columns that mean the same in every table; a chart names the exceptions.
KINDS: dict[str, str] = {
    "before": "percent",
    "after": "percent",
    "change": "points",
    "band": "points",
    "dev_accuracy": "percent",
    "reflection": "percent",
    "share": "percent",
    "accuracy_mean": "percent",
    "accuracy_sd": "percent",
    "accuracy_min": "percent",
    "accuracy_max": "percent",
    "capability_mean": "percent",
    "capability_sd": "percent",
    "capability_min": "percent",
    "capability_max": "percent",
    "estimate": "number1",
    "noise": "number1",
    "excess": "signed1",
    "tokens": "number1",
    "truncated": "small",
    "unscored": "small",
    "no_answer": "small",
    "ended_thinking": "small",
    "exhausted": "small",
    "thought": "number1",
    "answer": "number1",
    "thought_reflection": "percent",
    "answer_reflection": "percent",
    "thinking": "percent",
    "copies": "percent",
    "mcnemar_p": "p",
    "p_value": "p",
    "q_value": "p",
    "questions": "count",
    "seconds": "time",
}


@dataclass(frozen=True)
class Grid:
    """A table to be printed.

    Attributes:
        headings: One a column.
        numeric: Whether a column holds numbers (set flush right).
        rows: Text of the cells.
        left_out: How many rows the table has beyond those shown.
    """

    headings: list[str]
    numeric: list[bool]
    rows: list[list[str]]
    left_out: int = 0


def grid(table: pl.DataFrame, kinds: Mapping[str, str] | None = None) -> Grid:
    """A table as text; x, x_low and x_high share one cell.

    Args:
        table: An analysis table. Numbers of bins are left out, as their labels stand beside them;
            with a column `model` so are arm and seed, as it says both.
        kinds: For a column, a name of `WRITERS`; replaces `KINDS`.
    """
    known = {**KINDS, **(kinds or {})}
    hidden = {"bin", "before_bin", "after_bin"}
    if "model" in table.columns:
        hidden |= {"arm", "seed"}
    shown = table.drop(hidden, strict=False).head(MAX_ROWS)
    headings, numeric, cells = [], [], []
    for name in _heads(shown.columns):
        has_ends = f"{name}_low" in shown.columns
        source = shown[name] if name in shown.columns else shown[f"{name}_low"]
        kind = known.get(name) or _kind_of(source.dtype)
        write, unit = WRITERS.get(kind, (_text, ""))
        headings.append(f"{name.replace('_', ' ')}, {unit}" if unit else name.replace("_", " "))
        numeric.append(kind in WRITERS)
        if has_ends:
            ends = zip(shown[f"{name}_low"], shown[f"{name}_high"], strict=True)
            spans = [_span(write, low, high) for low, high in ends]
        else:
            spans = [""] * len(shown)
        values = [write(v) for v in source] if name in shown.columns else [""] * len(shown)
        cells.append([f"{v} {s}".strip() or NOTHING for v, s in zip(values, spans, strict=True)])
    rows = [list(row) for row in zip(*cells, strict=True)]
    return Grid(headings, numeric, rows, max(0, len(table) - MAX_ROWS))


def transition_grid(table: pl.DataFrame) -> Grid:
    """The matrices of `transitions`: one row a bin before, one column a bin after."""
    labels = table.sort("after_bin")["after_label"].unique(maintain_order=True).to_list()
    wide = table.pivot(
        "after_label",
        index=["model", "kind", "before_bin", "before_label"],
        values="questions",
        sort_columns=False,
    ).rename({"before_label": "right responses before / after"})
    return grid(wide, dict.fromkeys(labels, "count"))


def moves_grid(table: pl.DataFrame) -> Grid:
    """Lost and gained questions at k tries."""
    names = [f"{x}{end}" for x in ("estimate", "noise", "excess") for end in ("", "_low", "_high")]
    return grid(table.select("model", "direction", "k", *names))


def moves_at_n_grid(table: pl.DataFrame) -> Grid:
    """Lost and gained questions at k = n, each figure of the law with its range."""
    columns = [pl.col("observed_at_n").alias("observed")]
    for name in ("noise", "excess", "gross"):
        for end in ("", "_low", "_high"):
            columns.append(pl.col(f"{name}_at_n{end}").alias(f"{name}{end}"))
        columns.append(pl.col(f"{name}_at_n_least").alias(f"range_of_{name}_low"))
        columns.append(pl.col(f"{name}_at_n_greatest").alias(f"range_of_{name}_high"))
    columns += [
        pl.col("gross_floor").alias("gross_if_unchanged"),
        pl.col("gross_floor_largest").alias("gross_if_unchanged,_at_most"),
    ]
    kinds = {"range_of_excess": "signed1", "gross": "number1"}
    kinds |= dict.fromkeys(("gross_if_unchanged", "gross_if_unchanged,_at_most"), "number1")
    ranges = dict.fromkeys(("range_of_noise", "range_of_gross"), "number1")
    chosen = table.select("model", "direction", "n", *columns, "mcnemar_p")
    return grid(chosen, {**kinds, **ranges})


def response_grid(table: pl.DataFrame) -> Grid:
    """The figures of `responses`; shares are in % and points, as the unit says."""
    scale = pl.when(pl.col("unit") == "share").then(100).otherwise(1)
    figures = [f"{name}{end}" for name in ("before", "after", "change") for end in _ENDS]
    shown = table.select(
        "verdict",
        pl.col("measure").map_elements(measure_text, return_dtype=pl.String),
        pl.when(pl.col("label") != "all").then("label").alias("right_before"),
        pl.col("unit").replace("share", "%"),
        *(pl.col(name) * scale for name in figures),
        "responses_before",
        "responses_after",
    )
    if shown["right_before"].is_null().all():
        shown = shown.drop("right_before")
    return grid(shown, {"before": "number1", "after": "number1", "change": "signed1"})


_ENDS = ("", "_low", "_high")


def spans(numbers: Iterable[int]) -> str:
    """Whole numbers with runs drawn together: `1, 4-9`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = (str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return ", ".join(words) or NOTHING


def metrics_grid(table: pl.DataFrame) -> Grid:
    """What the trainers logged at the beginning and at the end: means over a tenth of the steps."""
    value, tenth = pl.col("value").sort_by("step"), (pl.len() // 10).clip(1)
    ends = table.group_by("model", "measure", maintain_order=True).agg(
        steps=pl.col("step").max(), first=value.head(tenth).mean(), last=value.tail(tenth).mean()
    )
    return grid(ends)


def moved_grid(table: pl.DataFrame) -> Grid:
    """The largest moves of `moved`: at most `MOST_MOVED` falls and rises of each checkpoint."""
    size = pl.col("change").abs()
    rank = size.rank("ordinal", descending=True).over("model", "direction")
    moves = grid(
        table.filter(rank <= MOST_MOVED)
        .with_columns(pl.col("metadata").map_elements(_facts, return_dtype=pl.String))
        .select("model", "text", "before", "after", "change", "q_value", "metadata")
    )
    return Grid(moves.headings, moves.numeric, moves.rows, len(table) - len(moves.rows))


def _facts(metadata: str) -> str:
    """What a task knows of a question, without the braces of JSON."""
    facts: dict[str, Any] = json.loads(metadata)
    words = {
        key.replace("_", " "): _text(value)
        for key, value in facts.items()
        if value not in ("", None)
    }
    return ", ".join(f"{key} {value}" for key, value in words.items())


def _heads(columns: list[str]) -> list[str]:
    """Column names without _low and _high; a pair of ends alone gives its own name."""
    heads: list[str] = []
    for name in columns:
        head = name.removesuffix("_low").removesuffix("_high")
        paired = f"{head}_low" in columns and f"{head}_high" in columns
        heading = head if paired else name
        if heading not in heads:
            heads.append(heading)
    return heads


def _kind_of(dtype: pl.DataType) -> str:
    if dtype.is_float():
        return "number3"
    return "count" if dtype.is_integer() else "text"


def _span(write: Callable[[Any], str], low: float | None, high: float | None) -> str:
    ends = [write(low), write(high)]
    return "" if ends == [NOTHING, NOTHING] else f"[{ends[0]}, {ends[1]}]"


def _text(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, list | pl.Series):
        return ", ".join(map(_text, value)) or NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
