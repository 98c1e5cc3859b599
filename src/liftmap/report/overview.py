"""The two statements, accuracy and capability, for each checkpoint: what a report leads with.

Reads the tables `capability`, `verdict`, `lost_gained` and `length`; the page, the terminal and the
findings speak from the rows made here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from liftmap.comparison.message import Arm, MeasuredAxis
from liftmap.comparison.rounding import (
    NOTHING,
    change_text,
    estimate_of,
    fixed,
    interval,
    percent,
    points,
)
from liftmap.comparison.words import (
    Statement,
    chosen_note,
    holm_note,
    label_text,
    statement,
)
from liftmap.config import BASE, TEACHER
from liftmap.errors import InputError
from liftmap.records import Estimate
from liftmap.stats.multiple import holm
from liftmap.stats.verdict import Axis

Tables = Mapping[str, pl.DataFrame]


def summarise(tables: Tables) -> pl.DataFrame:
    """One row a checkpoint, in the order of the study.

    Args:
        tables: The study's tables by name; `capability` and `verdict` have to be among them.

    Returns:
        The columns of the table `verdict`; then each with _low and _high (and _least and _greatest,
        the ends of its range): accuracy_before, accuracy_after, accuracy_change and the same of
        capability (at k), as shares; lost and gained (questions beyond noise), tokens and
        tokens_before (of right responses), reflection and reflection_before (share of right
        responses with a phrase); null where a table lacks them. accuracy_p_holm, capability_p_holm:
        p-values adjusted for all changes of the study, `family` in number; best_of: the number of
        checkpoints of the arm, for the most accurate of several; null else.

    Raises:
        InputError: One of the two tables is missing.
    """
    for name in ("capability", "verdict"):
        if name not in tables:
            raise InputError(
                f"There is no table {name!r}, which every report leads with.",
                seen=sorted(tables),
                remedy="Run `liftmap analyse` on the study folder first.",
            )
    verdict = tables["verdict"].filter(~pl.col("arm").is_in([BASE, TEACHER]))
    rows = verdict
    ends = ("", "_low", "_high", "_least", "_greatest")
    for name, k in (("accuracy", pl.lit(1)), ("capability", pl.col("verdict_k"))):
        columns = {f"{name}_{part}{e}": f"{part}{e}" for part in _PARTS for e in ends}
        at_k = tables["capability"].join(verdict.select("model", verdict_k="k"), on="model")
        at_k = at_k.filter(pl.col("k") == k).select("model", **columns)
        rows = rows.join(at_k, on="model", how="left", maintain_order="left")
    rows = _among_others(rows)
    return _with_shape(_with_losses(rows, tables), tables)


_PARTS = ("before", "after", "change")
_AXES = ("accuracy", "capability")


def _among_others(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds what many checkpoints cost: p-values by Holm's method, and which one was the best."""
    p = rows.select(f"{name}_p" for name in _AXES).to_numpy().astype(np.float64)
    adjusted = holm(p.ravel()).reshape(p.shape)
    several = pl.len().over("arm") > 1
    best = pl.col("accuracy_after").rank("ordinal", descending=True).over("arm") == 1
    return rows.with_columns(
        *(
            pl.Series(f"{name}_p_holm", adjusted[:, at], pl.Float64).fill_nan(None)
            for at, name in enumerate(_AXES)
        ),
        family=pl.lit(int(np.isfinite(p).sum()), pl.Int64),
        best_of=pl.when(several & best).then(pl.len().over("arm").cast(pl.Int64)),
    )


def _with_losses(overview: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Adds lost and gained beyond noise."""
    for direction in ("lost", "gained"):
        names = [f"{direction}{end}" for end in ("", "_low", "_high")]
        if "lost_gained" not in tables:
            overview = overview.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
            continue
        rows = tables["lost_gained"].filter(pl.col("direction") == direction)
        columns = dict(zip(names, ("excess", "excess_low", "excess_high"), strict=True))
        overview = overview.join(
            rows.select("model", **columns), on="model", how="left", maintain_order="left"
        )
    return overview


def _with_shape(overview: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Adds length and reflection phrases of right responses, the base's beside the arm's."""
    if "length" not in tables:
        names = ("tokens", "reflection", "tokens_before", "reflection_before")
        return overview.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
    rows = tables["length"].filter((pl.col("label") == "all") & (pl.col("verdict") == "right"))
    base = rows.filter(pl.col("arm") == BASE)
    overview = overview.join(
        rows.select("model", "tokens", "reflection"), on="model", how="left", maintain_order="left"
    )
    return overview.with_columns(
        pl.lit(base[name].item() if len(base) == 1 else None, pl.Float64).alias(f"{name}_before")
        for name in ("tokens", "reflection")
    )


@dataclass(frozen=True)
class Line:
    """What the report says first of a checkpoint.

    Attributes:
        model: The checkpoint.
        label: The verdict's label with its k, or why there is none.
        statements: Of accuracy and of capability.
        notes: How far they reach, and what stands beside them; a sentence each.
    """

    model: str
    label: str
    statements: tuple[Statement, Statement]
    notes: tuple[str, ...] = ()


def lines(overview: pl.DataFrame) -> list[Line]:
    """The two statements for each row of `summarise`."""
    rows = overview.to_dicts()
    return [Line(row["model"], label_of(row), statements_of(row), notes_of(row)) for row in rows]


def said_once(rows: Sequence[Line]) -> tuple[list[Line], tuple[str, ...]]:
    """The lines without the notes that stand beside every one of several, and those notes."""
    if len(rows) < 2:
        return list(rows), ()
    shared = tuple(note for note in rows[0].notes if all(note in line.notes for line in rows[1:]))
    return [
        replace(line, notes=tuple(note for note in line.notes if note not in shared))
        for line in rows
    ], shared


def notes_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands beside the statements of a row of `summarise`, a sentence each."""
    notes = [
        holm_note(row[name], name, row[f"{name}_p_holm"], row["family"])
        for name in _AXES
        if not _stands(row, name)
    ]
    if row["best_of"] is not None:
        notes.append(chosen_note(row["arm"], row["best_of"]))
    other = [] if row["other_because"] is None else [f"{row['other_because']}."]
    return (*notes, *other, *(row["caveats"] or ()))


def _stands(row: Mapping[str, Any], name: str) -> bool:
    """Whether an axis that is up or down stays so among all changes of the study."""
    p, alpha = row[f"{name}_p_holm"], 1 - row["level"]
    return row[name] not in ("up", "down") or p is None or p < alpha


def label_of(row: Mapping[str, Any]) -> str:
    """The label of a row of `summarise`, or why there is none."""
    return label_text(row["label"], row["k"], row["accuracy"], row["capability"])


def arms_of(overview: pl.DataFrame) -> list[Arm]:
    """The rows of `summarise` as the headline of a study counts them.

    A change that does not stand among all of the study counts as open.
    """
    return [
        Arm(
            row["model"],
            _measured(row, "accuracy", 1),
            None if row["capability"] == "not measured" else _measured(row, "capability", row["k"]),
        )
        for row in overview.to_dicts()
    ]


def _measured(row: Mapping[str, Any], name: str, k: int) -> MeasuredAxis:
    axis = _axis(row, name, k)
    if not _stands(row, name):
        axis = replace(axis, word="unsettled")
    return MeasuredAxis(axis, estimate_of(row, f"{name}_before"), estimate_of(row, f"{name}_after"))


def statements_of(row: Mapping[str, Any]) -> tuple[Statement, Statement]:
    """The two axes of a row of `summarise` in words."""
    accuracy, capability = (
        Statement(
            row[name], statement(name, _axis(row, name, k), row["margin"], row["questions_are"])
        )
        for name, k in (("accuracy", 1), ("capability", row["k"]))
    )
    return accuracy, capability


def _axis(row: Mapping[str, Any], name: str, k: int) -> Axis:
    """What a row of `summarise` says of one axis."""
    word = row[name]
    return Axis(
        word,
        None if word == "not measured" else estimate_of(row, f"{name}_change"),
        k,
        row[f"{name}_needed_if_unchanged"],
        row[f"{name}_needed_if_changed"],
        row["withheld"],
    )


@dataclass(frozen=True)
class SummaryRow:
    """A row of the summary table, as text; changes as `+14.3 [+10.2, +18.6]`.

    Attributes:
        model: The checkpoint, or the teacher.
        label: The verdict's label with its k.
        accuracy: Before and after, in %: `47.5 → 61.8`.
        accuracy_change: In points.
        accuracy_word: The word of the axis; unsettled where it does not stand among all changes of
            the study.
        capability: As `accuracy`, at the verdict's k.
        capability_change: In points.
        capability_word: As `accuracy_word`.
        lost: Questions lost beyond noise, net, with interval.
        tokens: Mean tokens of right responses, before and after.
        reflection: Share of right responses with a reflection phrase in %, before and after.
    """

    model: str
    label: str
    accuracy: str
    accuracy_change: str
    accuracy_word: str
    capability: str
    capability_change: str
    capability_word: str
    lost: str
    tokens: str
    reflection: str


def summary_rows(overview: pl.DataFrame) -> list[SummaryRow]:
    """The summary table: one row for each row of `summarise`."""
    rows = []
    for row in overview.to_dicts():
        shares = {
            name: f"{percent(row[f'{name}_before'])} → {percent(row[f'{name}_after'])}"
            for name in ("accuracy", "capability")
        }
        changes = {name: estimate_of(row, f"{name}_change") for name in shares}
        lost = estimate_of(row, "lost")
        net = f"{fixed(lost.estimate, signed=True)} {interval(lost, scale=1)}"
        tokens = f"{fixed(row['tokens_before'])} → {fixed(row['tokens'])}"
        reflection = f"{percent(row['reflection_before'])} → {percent(row['reflection'])}"
        rows.append(
            SummaryRow(
                model=row["model"],
                label=label_of(row),
                accuracy=shares["accuracy"],
                accuracy_change=cell(changes["accuracy"]),
                accuracy_word=row["accuracy"] if _stands(row, "accuracy") else "unsettled",
                capability=shares["capability"],
                capability_change=cell(changes["capability"]),
                capability_word=row["capability"] if _stands(row, "capability") else "unsettled",
                lost=NOTHING if row["lost"] is None else net,
                tokens=NOTHING if row["tokens"] is None else tokens,
                reflection=NOTHING if row["reflection"] is None else reflection,
            )
        )
    return rows


def cell(by: Estimate) -> str:
    """A change with its interval, short, for a table: `+14.3 [+10.2, +18.6]`."""
    return f"{points(by.estimate)} {interval(by)}"


def spread(tables: Tables, arms: Collection[str] | None = None) -> list[str]:
    """What checkpoints say about the way of training, a sentence or two for each arm.

    Args:
        tables: The study's tables by name; without `seeds` there is nothing to say.
        arms: Names of arms; None takes all.
    """
    if "seeds" not in tables:
        return []
    rows = [row for row in tables["seeds"].to_dicts() if arms is None or row["arm"] in arms]
    return [
        _of_several_seeds(row) if row["seeds"] > 1 else _of_one_seed(row)
        for row in rows
        if row["accuracy_change"] is not None
    ]


def _of_several_seeds(row: Mapping[str, Any]) -> str:
    accuracy, capability = (
        change_text(estimate_of(row, f"{name}_change")) for name in ("accuracy", "capability")
    )
    return (
        f"The {row['seeds']} checkpoints of {row['arm']} have an accuracy of "
        f"{percent(row['accuracy_min'])} to {percent(row['accuracy_max'])} % (standard deviation "
        f"{percent(row['accuracy_sd'])} points) and a pass@{row['k']} of "
        f"{percent(row['capability_min'])} to {percent(row['capability_max'])} % "
        f"({percent(row['capability_sd'])}). For this way of training, other seeds included, "
        f"accuracy changes by {accuracy} and pass@{row['k']} by {capability}."
    )


def _of_one_seed(row: Mapping[str, Any]) -> str:
    holds = [
        f"the change of {name} holds for its way of training unless checkpoints of one recipe vary "
        f"by a standard deviation of more than {percent(row[f'{column}_tolerated'])} points"
        for column, name in (("accuracy", "accuracy"), ("capability", f"pass@{row['k']}"))
        if row[f"{column}_tolerated"]
    ]
    if not holds:
        return f"The one checkpoint of {row['arm']} shows no sure change."
    return f"There is one checkpoint of {row['arm']}: {', and '.join(holds)}."
