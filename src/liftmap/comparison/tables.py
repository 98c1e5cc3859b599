"""The figures of a comparison as Polars tables, and in short as HTML for a notebook.

Used by `result`; takes the records of `parts` and `stats`, gives the tables of `Comparison.tables`,
which are a study's own as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import polars as pl

from liftmap.comparison import words
from liftmap.comparison.columns import (
    Schema,
    Values,
    build,
    change_columns,
    columns,
    estimate_schema,
)
from liftmap.comparison.parts import (
    CurvePoint,
    EqualTokens,
    Guidance,
    McNemar,
    Moves,
    NullComparison,
    QuestionsAre,
    Transitions,
)
from liftmap.comparison.response_tables import INDICATORS, RESPONSES
from liftmap.comparison.rounding import count, fixed, interval, percent, points
from liftmap.records import Change
from liftmap.stats.bins import BinChange
from liftmap.stats.intervals import FirstLoss
from liftmap.stats.verdict import Conclusion

CHANGE = estimate_schema("before", "after", "change", ranged=True)
CAPABILITY: Schema = {
    "k": pl.Int64(),
    **CHANGE,
    "band_low": pl.Float64(),
    "band_high": pl.Float64(),
    "extrapolated": pl.Boolean(),
    **estimate_schema("these_before", "these_after", "these_change", ranged=True),
    **estimate_schema("like_these_before", "like_these_after", "like_these_change", ranged=True),
}
DIFFICULTY: Schema = {
    "k": pl.Int64(),
    "bin": pl.Int64(),
    "label": pl.String(),
    "questions": pl.Float64(),
    **CHANGE,
    "band_low": pl.Float64(),
    "band_high": pl.Float64(),
    "survives": pl.Boolean(),
    "responses": pl.Int64(),
}
TRANSITIONS: Schema = {
    "kind": pl.String(),
    "before_bin": pl.Int64(),
    "before_label": pl.String(),
    "after_bin": pl.Int64(),
    "after_label": pl.String(),
    "questions": pl.Float64(),
}
LOST_GAINED: Schema = {
    "direction": pl.String(),
    "k": pl.Int64(),
    **estimate_schema("estimate", "noise", "excess"),
    "n": pl.Int64(),
    "observed_at_n": pl.Int64(),
    **estimate_schema("noise_at_n", "excess_at_n", "gross_at_n", ranged=True),
    "mcnemar_p": pl.Float64(),
    "mcnemar_method": pl.String(),
    "floor_data_sets": pl.Int64(),
    **dict.fromkeys(
        ("excess_floor", "excess_floor_largest", "gross_floor", "gross_floor_largest"),
        pl.Float64(),
    ),
}
VERDICT: Schema = {
    **dict.fromkeys(("label", "accuracy", "capability", "because"), pl.String()),
    "accuracy_needed_if_unchanged": pl.Int64(),
    "accuracy_needed_if_changed": pl.Int64(),
    "capability_needed_if_unchanged": pl.Int64(),
    "capability_needed_if_changed": pl.Int64(),
    "withheld": pl.String(),
    "questions": pl.Int64(),
    "k": pl.Int64(),
    "margin": pl.Float64(),
    "level": pl.Float64(),
    "few_tries": pl.Boolean(),
    "climbing": pl.Boolean(),
    "unsaturated_k": pl.Int64(),
    "first_loss_k": pl.Int64(),
    "first_loss_possible": pl.List(pl.Int64()),
    "first_loss_never": pl.Boolean(),
    "questions_are": pl.String(),
    "accuracy_p": pl.Float64(),
    "capability_p": pl.Float64(),
    **dict.fromkeys(("other_accuracy", "other_capability"), pl.String()),
    "other_k": pl.Int64(),
    "other_because": pl.String(),
    "caveats": pl.List(pl.String()),
    "first_loss_informative": pl.Boolean(),
}
GUIDANCE: Schema = {
    "kind": pl.String(),
    "text": pl.String(),
    "questions": pl.List(pl.String()),
}
EQUAL_TOKENS: Schema = {
    "tokens": pl.Float64(),
    "k_before": pl.Float64(),
    "k_after": pl.Int64(),
    **estimate_schema("before", "after", "change"),
}
NULLS: Schema = {
    "null": pl.String(),
    "questions": pl.Int64(),
    "contrast": pl.String(),
    "k": pl.Int64(),
    "word": pl.String(),
    **estimate_schema("before", "after", "change"),
}
WARNINGS: Schema = {"text": pl.String()}
# The tables of `Comparison.tables` by name.
SCHEMAS: Mapping[str, Schema] = {
    "capability": CAPABILITY,
    "difficulty": DIFFICULTY,
    "transitions": TRANSITIONS,
    "lost_gained": LOST_GAINED,
    "verdict": VERDICT,
    "guidance": GUIDANCE,
    "warnings": WARNINGS,
    "responses": RESPONSES,
    "indicators": INDICATORS,
    "pass_hat": CAPABILITY,
    "equal_tokens": EQUAL_TOKENS,
    "nulls": NULLS,
}


def capability(curve: Sequence[CurvePoint], questions_are: QuestionsAre) -> pl.DataFrame:
    """The table `capability`."""
    rows = []
    for point in curve:
        low, high = point.band or (None, None)
        marks = {"band_low": low, "band_high": high, "extrapolated": point.extrapolated}
        leading: Change | None = None if point.extrapolated else point
        these, like_these = leading, point.other
        if questions_are == "like-these":
            these, like_these = like_these, these
        rows.append(
            {
                "k": point.k,
                **change_columns(point, ranged=True),
                **marks,
                **_named("these", these),
                **_named("like_these", like_these),
            }
        )
    return build(rows, CAPABILITY)


def _named(name: str, figure: Change | None) -> Values:
    """The columns of one figure with a name in front."""
    values = change_columns(figure, ranged=True)
    return {f"{name}_{column}": value for column, value in values.items()}


def difficulty(bins: Sequence[BinChange]) -> pl.DataFrame:
    """The table `difficulty`."""
    rows = [
        {
            "k": change.k,
            "responses": change.responses,
            "bin": change.place,
            "label": change.label,
            "questions": change.questions,
            **change_columns(change, ranged=True),
            "band_low": None if change.band is None else change.band[0],
            "band_high": None if change.band is None else change.band[1],
            "survives": None if change.band is None else change.survives,
        }
        for change in bins
    ]
    return build(rows, DIFFICULTY)


def transitions(matrices: Transitions) -> pl.DataFrame:
    """The table `transitions`."""
    rows = []
    bins, half_n = matrices.bins, matrices.half_n
    halves = bins.labels if half_n is None else bins.labels_at(half_n)
    for kind in ("raw", "half", "noise", "corrected"):
        matrix = getattr(matrices, kind)
        labels = halves if kind in ("half", "noise") else bins.labels
        # A bin without a label holds no count out of so few responses.
        places = [place for place, label in enumerate(labels) if label]
        rows += [
            {
                "kind": kind,
                "before_bin": before,
                "before_label": labels[before],
                "after_bin": after,
                "after_label": labels[after],
                "questions": float(matrix[before][after]),
            }
            for before in (places if matrix is not None else ())
            for after in places
        ]
    return build(rows, TRANSITIONS)


def lost_gained(moves: Mapping[str, Moves], test: McNemar | None) -> pl.DataFrame:
    """The table `lost_gained`."""
    rows = []
    for direction, moved in moves.items():
        at_n = moved.at_n
        floor = None if at_n is None else at_n.floor
        rows.append(
            {
                "direction": direction,
                "k": moved.k,
                **columns(estimate=moved.estimate, noise=moved.noise, excess=moved.excess),
                "n": None if at_n is None else at_n.n,
                "observed_at_n": None if at_n is None else at_n.observed,
                **columns(
                    ranged=True,
                    noise_at_n=None if at_n is None else at_n.noise,
                    excess_at_n=None if at_n is None else at_n.excess,
                    gross_at_n=None if at_n is None else at_n.gross,
                ),
                "mcnemar_p": None if test is None else test.p,
                "mcnemar_method": None if test is None else test.method,
                "floor_data_sets": None if floor is None else floor.data_sets,
                "excess_floor": None if floor is None else floor.excess.mean,
                "excess_floor_largest": None if floor is None else floor.excess.largest,
                "gross_floor": None if floor is None else floor.gross.mean,
                "gross_floor_largest": None if floor is None else floor.gross.largest,
            }
        )
    return build(rows, LOST_GAINED)


def verdict(
    conclusion: Conclusion,
    other: Conclusion | None,
    questions_are: QuestionsAre,
    questions: int,
    first_loss: FirstLoss | None,
    caveats: Sequence[str],
    level: float,
) -> pl.DataFrame:
    """The table `verdict`: one row."""
    axes = {"accuracy": conclusion.accuracy, "capability": conclusion.capability}
    other_are: QuestionsAre = "fixed" if questions_are == "like-these" else "like-these"
    row: dict[str, Any] = {
        "label": conclusion.label,
        "because": words.because(conclusion, questions_are),
        "withheld": conclusion.accuracy.withheld or conclusion.capability.withheld,
        "questions": questions,
        "k": conclusion.k,
        "margin": conclusion.margin,
        "level": level,
        "few_tries": conclusion.few_tries,
        "climbing": conclusion.climbing,
        "unsaturated_k": conclusion.unsaturated_k,
        "first_loss_k": None if first_loss is None else first_loss.estimate,
        "first_loss_possible": None if first_loss is None else list(first_loss.possible),
        "first_loss_never": None if first_loss is None else first_loss.never_possible,
        "questions_are": questions_are,
        "other_accuracy": None if other is None else other.accuracy.word,
        "other_capability": None if other is None else other.capability.word,
        "other_k": None if other is None else other.k,
        "other_because": None if other is None else words.because(other, other_are, leads=False),
        "caveats": list(caveats),
        "first_loss_informative": None if first_loss is None else first_loss.informative,
    }
    for name, axis in axes.items():
        row[name] = axis.word
        row[f"{name}_needed_if_unchanged"] = axis.needed_if_unchanged
        row[f"{name}_needed_if_changed"] = axis.needed_if_changed
        row[f"{name}_p"] = axis.p_value
    return build([row], VERDICT)


def equal_tokens(of_budgets: EqualTokens | None) -> pl.DataFrame:
    """The table `equal_tokens`."""
    rows = [
        {
            "tokens": budget.tokens,
            "k_before": budget.k_before,
            "k_after": budget.k_after,
            **change_columns(budget),
        }
        for budget in (() if of_budgets is None else of_budgets.budgets)
    ]
    return build(rows, EQUAL_TOKENS)


def nulls(comparisons: Sequence[NullComparison]) -> pl.DataFrame:
    """The table `nulls`."""
    rows = []
    for each in comparisons:
        for contrast in each.contrasts:
            named = {"null": each.null.name, "questions": each.questions, "contrast": contrast.name}
            first, last, said = contrast.accuracy, contrast.capability, contrast.verdict
            rows.append({**named, "k": 1, "word": said.accuracy.word, **change_columns(first)})
            if last.k > 1:
                word = said.capability.word
                rows.append({**named, "k": last.k, "word": word, **change_columns(last)})
    return build(rows, NULLS)


def guidance(pieces: Sequence[Guidance]) -> pl.DataFrame:
    """The table `guidance`."""
    rows = [
        {"kind": piece.kind, "text": words.advice(piece), "questions": list(piece.questions)}
        for piece in pieces
    ]
    return build(rows, GUIDANCE)


def warnings(texts: Sequence[str]) -> pl.DataFrame:
    """The table `warnings`."""
    return build([{"text": text} for text in texts], WARNINGS)


def as_html(
    headline: str,
    statements: Sequence[str],
    questions: int,
    figures: Mapping[str, Change],
    moves: Mapping[str, Moves],
    notes: Sequence[str],
) -> str:
    """The verdict and its figures as a small HTML table.

    Args:
        headline: The label.
        statements: The axes in words.
        questions: Number of questions.
        figures: Shares before, after, and their change, by name.
        moves: Questions lost and gained.
        notes: Warnings.
    """
    rows = [
        f"<tr><th scope='row'>{name}</th><td>{percent(figure.before.estimate)}</td>"
        f"<td>{percent(figure.after.estimate)}</td>"
        f"<td>{points(figure.change.estimate)} {interval(figure.change)}</td></tr>"
        for name, figure in figures.items()
    ]
    for name, moved in moves.items():
        if moved.excess is not None:
            rows.append(
                f"<tr><th scope='row'>{name} beyond noise, questions (k = {moved.k})</th><td></td>"
                f"<td></td><td>{fixed(moved.excess.estimate, signed=True)} "
                f"{interval(moved.excess, scale=1)}</td></tr>"
            )
    items = "".join(f"<li>{escape(text)}</li>" for text in notes)
    head = "<tr><th></th><th>before</th><th>after</th><th>change</th></tr>"
    return (
        f"<div><p><b>{escape(headline)}</b>: {escape('; '.join(statements))}. "
        f"{count(questions)} questions.</p><table>{head}{''.join(rows)}</table>"
        f"{f'<ul>{items}</ul>' if items else ''}</div>"
    )
