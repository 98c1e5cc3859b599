"""Which of a table's columns is the verdict, and what it says of each response.

Used by `counting`; takes the rows that are counted, gives a verdict for each. A metric covers the
responses that it has a value for; one that covers fewer than another is not taken by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from liftmap.errors import InputError
from liftmap.read.outcomes import ReadOptions
from liftmap.read.response_table import METRIC, ResponseTable, place_text

# What a verdict is written as, beside numbers.
WORDS = {
    **dict.fromkeys(("true", "right", "correct", "pass", "passed", "yes"), 1.0),
    **dict.fromkeys(("false", "wrong", "incorrect", "fail", "failed", "no"), 0.0),
}
NOTHING = ("", "null", "none", "nan", "unscored")
GRADED = (
    "If it is graded, --right-at 1.0 counts a response as right from that value on; or verify the "
    "responses here with --verifier."
)


@dataclass(frozen=True, slots=True)
class _Metric:
    """What a metric says of the responses.

    Attributes:
        name: The metric.
        right: A verdict for each response; null: none.
        covered: How many responses it has a value for.
        bad: The first row whose value is no verdict; None if there is none.
    """

    name: str
    right: pl.Series
    covered: int
    bad: int | None


def _metric(rows: pl.DataFrame, name: str, right_at: float | None) -> _Metric:
    text = pl.col(METRIC + name).str.strip_chars().str.to_lowercase()
    number = (
        pl.when(text.is_in(list(WORDS)))
        .then(text.replace_strict(WORDS, default=None, return_dtype=pl.Float64))
        .when(~text.is_in(NOTHING))
        .then(text.cast(pl.Float64, strict=False).fill_null(float("nan")))
    )
    values = rows.select(number.alias("value"))["value"]
    if right_at is None:
        bad = (values != 0) & (values != 1)
        right = values == 1
    else:
        bad, right = values.is_nan(), values >= right_at
    where = bad.fill_null(False).arg_true()
    return _Metric(
        name, right, int(values.is_not_null().sum()), int(where[0]) if len(where) else None
    )


def chosen_verdicts(
    source: str, rows: pl.DataFrame, table: ResponseTable, options: ReadOptions
) -> tuple[pl.Series, list[str]]:
    """The verdicts of one metric, and what has to be said of the choice.

    Raises:
        InputError: There is none, it gives no verdicts, or it is not clear which is meant.
    """
    metrics = [_metric(rows, name, options.right_at) for name in table.metrics]
    metrics = [metric for metric in metrics if metric.covered]
    if options.metric is not None:
        metrics = [_named(source, options.metric, metrics)]
    if not metrics:
        raise InputError(
            f"{source} holds no verdicts.",
            remedy="Name the column that holds them with --columns correct=..., or verify the "
            "responses here with --verifier.",
        )
    most = max(metric.covered for metric in metrics)
    usable = [metric for metric in metrics if metric.bad is None and metric.covered == most]
    if not usable:
        raise _no_verdict(rows, table, metrics, options)
    chosen = usable[0]
    others = [metric.name for metric in usable[1:] if not metric.right.equals(chosen.right)]
    if others and not table.verdict:
        raise InputError(
            f"{source} has several columns that could be the verdict, and they differ.",
            seen=[chosen.name, *others],
            remedy=f"Name one of them: {_flags([chosen.name, *others])}.",
        )
    said = []
    if others:
        said.append(
            f"The verdicts are those of {chosen.name}; others of the log differ: "
            f"{', '.join(others)}. To take another: {_flags(others[:1])}."
        )
    elif not table.verdict and options.metric is None:
        said.append(f"The verdicts are those of {chosen.name}.")
    if options.right_at is not None:
        said.append(f"A response is right where {chosen.name} is {options.right_at:g} or more.")
    missing = (
        len(rows)
        - chosen.covered
        - int(rows.filter(chosen.right.is_null())["failed"].fill_null(False).sum())
    )
    if missing:
        said.append(
            f"{missing:,} of {len(rows):,} responses have no value of {chosen.name}: unscored."
        )
    return chosen.right, said


def _no_verdict(
    rows: pl.DataFrame, table: ResponseTable, metrics: Sequence[_Metric], options: ReadOptions
) -> InputError:
    """Why no metric gives each response a verdict, in words for the first of them."""
    first = metrics[0]
    bad = next((metric for metric in metrics if metric.bad is not None), first)
    row = bad.bad or 0
    value = rows[METRIC + bad.name][row]
    good = [metric.name for metric in metrics if metric.bad is None]
    another = f"Take another: {_flags(good)}. " if good else ""
    wrong = (
        "is not a number"
        if options.right_at is not None
        else ("is neither right (1) nor wrong (0)")
    )
    return InputError(
        f"{place_text(table, int(rows['place'][row]))}: {bad.name} {wrong}.",
        seen=value,
        remedy=another + GRADED,
    )


def _flags(names: Sequence[str]) -> str:
    return ", ".join(f"--metric {shlex.quote(name)}" for name in names)


def _named(source: str, wanted: str, metrics: Sequence[_Metric]) -> _Metric:
    """The metric of this name.

    Raises:
        InputError: There is none.
    """
    names = [metric.name for metric in metrics]
    if wanted in names:
        return metrics[names.index(wanted)]
    near = get_close_matches(wanted, names, n=1, cutoff=0.5)
    close = f"Did you mean {near[0]!r}? " if near else ""
    raise InputError(
        f"{source} has no such metric.",
        seen=wanted,
        remedy=f"{close}It has: {_flags(names)}." if names else "It holds no verdicts at all.",
    )
