"""The response analyses of a pair as Polars tables and as plain values.

Used by `result`, beside `tables`; takes `ResponseAnalyses`, gives two of `Comparison.tables` and
the field `responses` of the JSON.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from liftmap.comparison import response_words
from liftmap.comparison.columns import Schema, Values, build, columns, estimate_schema
from liftmap.comparison.response_parts import ResponseAnalyses, ResponseFigure

_FIGURE = estimate_schema("before", "after", "change")
RESPONSES: Schema = {
    **dict.fromkeys(("label", "verdict", "measure", "unit"), pl.String()),
    **_FIGURE,
    "responses_before": pl.Int64(),
    "responses_after": pl.Int64(),
}
INDICATORS: Schema = {
    "indicator": pl.String(),
    **_FIGURE,
    "questions_before": pl.Int64(),
    "questions_after": pl.Int64(),
}


def responses(analyses: ResponseAnalyses | None) -> pl.DataFrame:
    """The table `responses`; without rows where there are no texts."""
    rows = []
    for group in analyses.groups if analyses is not None else ():
        for measure, figure in group.figures.items():
            rows.append(
                {
                    "label": group.label,
                    "verdict": group.verdict,
                    "measure": measure,
                    "unit": response_words.unit_of(measure, analyses),
                    **_columns(figure),
                    "responses_before": group.responses[0],
                    "responses_after": group.responses[1],
                }
            )
    return build(rows, RESPONSES)


def indicators(analyses: ResponseAnalyses | None) -> pl.DataFrame:
    """The table `indicators`; without rows where there are no texts."""
    rows = [
        {
            "indicator": indicator.name,
            **_columns(indicator.auc),
            "questions_before": indicator.questions[0],
            "questions_after": indicator.questions[1],
        }
        for indicator in (analyses.indicators if analyses is not None else ())
    ]
    return build(rows, INDICATORS)


def to_dict(analyses: ResponseAnalyses) -> dict[str, Any]:
    """The public JSON form; docs/json.md defines every field."""
    return {
        "missing": list(analyses.missing),
        "unit": analyses.unit,
        "tokenizer": analyses.tokenizer,
        "phrases": dict(analyses.phrases),
        "distinct_of": analyses.distinct_of,
        "groups": [
            {
                "label": group.label,
                "verdict": group.verdict,
                "responses_before": group.responses[0],
                "responses_after": group.responses[1],
                "figures": {name: figure.to_dict() for name, figure in group.figures.items()},
            }
            for group in analyses.groups
        ],
        "indicators": [
            {
                "indicator": indicator.name,
                "questions_before": indicator.questions[0],
                "questions_after": indicator.questions[1],
                **indicator.auc.to_dict(),
            }
            for indicator in analyses.indicators
        ],
        "notes": [
            {
                "kind": note.kind,
                "side": note.side,
                "evidence": dict(note.evidence),
                "text": response_words.note_text(note),
            }
            for note in analyses.notes
        ],
    }


def _columns(figure: ResponseFigure) -> Values:
    return columns(before=figure.before, after=figure.after, change=figure.change)
