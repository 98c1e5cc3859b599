"""The figures of a comparison as Polars tables, and in short as HTML for a notebook.

Used by `result`; takes its records, gives tables with the columns of a study's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import polars as pl

from liftmap.comparison.columns import build, change_columns, columns, estimate_schema
from liftmap.records import Estimate
from liftmap.stats.bins import BinChange, custom_bins

if TYPE_CHECKING:
    from liftmap.comparison.result import Comparison, CurvePoint, Moves, Transitions


def capability(points: Sequence[CurvePoint]) -> pl.DataFrame:
    """The table `capability` of `Comparison.tables`."""
    rows = []
    for point in points:
        low, high = point.band or (None, None)
        figures = change_columns(point, ranged=True)
        marks = {"band_low": low, "band_high": high, "extrapolated": point.extrapolated}
        rows.append({"k": point.k, **figures, **marks})
    schema = {
        "k": pl.Int64(),
        **estimate_schema("before", "after", "change", ranged=True),
        "band_low": pl.Float64(),
        "band_high": pl.Float64(),
        "extrapolated": pl.Boolean(),
    }
    return build(rows, schema)


def difficulty(bins: Sequence[BinChange]) -> pl.DataFrame:
    """The table `difficulty` of `Comparison.tables`."""
    rows = [
        {
            "bin": one.place,
            "label": one.label,
            "questions": one.questions,
            **change_columns(one, ranged=True),
        }
        for one in bins
    ]
    schema = {
        "bin": pl.Int64(),
        "label": pl.String(),
        "questions": pl.Float64(),
        **estimate_schema("before", "after", "change", ranged=True),
    }
    return build(rows, schema)


def transitions(found: Transitions) -> pl.DataFrame:
    """The table `transitions` of `Comparison.tables`."""
    rows = []
    halves = found.bins if found.half_n is None else _labels_at(found.bins, found.half_n)
    for kind in ("raw", "half", "noise", "corrected"):
        labels = halves if kind in ("half", "noise") else found.bins
        # A bin without a label holds no count out of so few responses.
        places = [place for place, label in enumerate(labels) if label]
        for one in places if getattr(found, kind) else ():
            for other in places:
                rows.append(
                    {
                        "kind": kind,
                        "before_bin": one,
                        "before_label": labels[one],
                        "after_bin": other,
                        "after_label": labels[other],
                        "questions": float(getattr(found, kind)[one][other]),
                    }
                )
    schema = {
        "kind": pl.String(),
        "before_bin": pl.Int64(),
        "before_label": pl.String(),
        "after_bin": pl.Int64(),
        "after_label": pl.String(),
        "questions": pl.Float64(),
    }
    return build(rows, schema)


def _labels_at(labels: Sequence[str], n: int) -> tuple[str, ...]:
    """What bins, given by their labels, are called out of another number of responses."""
    whole = int(labels[-1].split("-")[-1])
    return custom_bins(",".join(labels), whole).labels_at(n)


def lost_gained(moves: Mapping[str, Moves], mcnemar_p: float | None) -> pl.DataFrame:
    """The table `lost_gained` of `Comparison.tables`."""
    rows = []
    for direction, one in moves.items():
        at_n = one.at_n
        rows.append(
            {
                "direction": direction,
                "k": one.k,
                **columns(estimate=one.estimate, noise=one.noise, excess=one.excess),
                "n": None if at_n is None else at_n.k,
                "observed_at_n": None if at_n is None else at_n.observed,
                **columns(
                    ranged=True,
                    noise_at_n=None if at_n is None else at_n.noise,
                    excess_at_n=None if at_n is None else at_n.excess,
                    gross_at_n=None if at_n is None else at_n.gross,
                ),
                "mcnemar_p": mcnemar_p,
            }
        )
    schema = {
        "direction": pl.String(),
        "k": pl.Int64(),
        **estimate_schema("estimate", "noise", "excess"),
        "n": pl.Int64(),
        "observed_at_n": pl.Int64(),
        **estimate_schema("noise_at_n", "excess_at_n", "gross_at_n", ranged=True),
        "mcnemar_p": pl.Float64(),
    }
    return build(rows, schema)


def verdict(found: Comparison) -> pl.DataFrame:
    """The table `verdict` of `Comparison.tables`: one row."""
    one, loss = found.verdict, found.first_loss_k
    row = {
        "label": one.label,
        "accuracy": one.accuracy,
        "capability": one.capability,
        "because": one.because,
        "needed": one.needed,
        "questions": found.questions,
        "k": found.k,
        "margin": found.margin,
        "first_loss_k": None if loss is None else loss.estimate,
        "first_loss_possible": None if loss is None else list(loss.possible),
        "first_loss_never": None if loss is None else loss.never_possible,
    }
    schema = {
        **dict.fromkeys(("label", "accuracy", "capability", "because"), pl.String()),
        **dict.fromkeys(("needed", "questions", "k"), pl.Int64()),
        "margin": pl.Float64(),
        "first_loss_k": pl.Int64(),
        "first_loss_possible": pl.List(pl.Int64()),
        "first_loss_never": pl.Boolean(),
    }
    return build([row], schema)


def as_html(found: Comparison) -> str:
    """The verdict and its figures as a small HTML table."""
    rows = [
        ("accuracy, %", found.accuracy.before, found.accuracy.after, found.accuracy.change, 100),
        *(
            (f"pass@{point.k}, %", point.before, point.after, point.change, 100)
            for point in found.capability
            if point.k == found.k
        ),
    ]
    cells = [
        f"<tr><th scope='row'>{name}</th><td>{scale * before.estimate:.1f}</td>"
        f"<td>{scale * after.estimate:.1f}</td><td>{_interval(change, scale)}</td></tr>"
        for name, before, after, change, scale in rows
    ]
    for name, moves in (("lost", found.lost), ("gained", found.gained)):
        if moves.excess is not None:
            cells.append(
                f"<tr><th scope='row'>{name} beyond noise, questions (k = {moves.k})</th>"
                f"<td></td><td></td><td>{_interval(moves.excess, 1)}</td></tr>"
            )
    notes = "".join(f"<li>{escape(text)}</li>" for text in found.warnings)
    head = "<tr><th></th><th>before</th><th>after</th><th>change</th></tr>"
    return (
        f"<div><p><b>{escape(found.verdict.label)}</b>: {escape(found.verdict.because)}. "
        f"{found.questions:,} questions.</p><table>{head}{''.join(cells)}</table>"
        f"{f'<ul>{notes}</ul>' if notes else ''}</div>"
    )


def _interval(change: Estimate, scale: float) -> str:
    low, high = scale * change.low, scale * change.high
    return f"{scale * change.estimate:+.1f} [{low:+.1f}, {high:+.1f}]"
