"""The response analyses of a pair in words: what a measure is, and what could not be told.

Used by `response_tables` and by whatever shows a comparison; takes records, gives sentences.
"""

from __future__ import annotations

import math

from liftmap.comparison.response_parts import ResponseAnalyses, ResponseFigure, ResponseNote
from liftmap.comparison.rounding import NOTHING, count, fixed, interval

_MEASURES = {
    "length": "length",
    "reflection": "with a reflection phrase",
    "thinking": "thinking, of characters",
    "truncated": "cut off by the token limit",
    "copies": "copies of another response",
    "distinct": "distinct answers to a question",
    "majority": "agrees with the majority answer",
}


def unit_of(measure: str, analyses: ResponseAnalyses | None) -> str:
    """What a measure is counted in: tokens, characters, answers, or a share of 1."""
    if measure == "length":
        return (analyses.unit if analyses is not None else None) or "characters"
    return "answers" if measure == "distinct" else "share"


def measure_text(measure: str) -> str:
    """What a measure, or an indicator, is called: `with a phrase of own`."""
    kind, _, name = measure.partition(":")
    return f"with a phrase of {name}" if kind == "phrases" else _MEASURES[measure]


def note_text(note: ResponseNote, sides: str | None = None) -> str:
    """What could not be told of the responses, as a sentence.

    Args:
        note: The fact.
        sides: What is said for the side, as `before and after` where both are alike.
    """
    seen = {name: count(number) for name, number in note.evidence.items()}
    side = sides or note.side or ""
    if note.kind == "no texts":
        return f"There are no texts of the responses {side}: nothing is said of them."
    if note.kind == "unreadable":
        return f"Nothing is said of texts, since those {side} can't be read. {note.reason}"
    if note.kind == "some texts":
        return (
            f"The texts of {seen['missing']} of {seen['responses']} scored responses {side} are "
            "missing: they are left out of what is said of texts."
        )
    if note.kind == "tokens unknown":
        return (
            f"Tokens are unknown of {seen['unknown']} of {seen['responses']} responses {side}: "
            "length is in characters (--tokenizer counts tokens)."
        )
    if note.kind == "truncation unknown":
        return f"Which responses {side} were cut off by the token limit is unknown."
    if note.kind == "answers unknown":
        return (
            f"The answers {side} are unknown: distinct answers, and the majority answer as an "
            "indicator, are left out."
        )
    if note.kind == "no thoughts":
        return "No response sets a thought apart from its answer."
    if note.kind == "curtailed":
        return (
            "How many responses a question has depends on what came out: distinct answers are "
            "left out, which can't be told without bias then."
        )
    if note.kind == "few responses":
        return "Some question has one response only: distinct answers are left out."
    return (
        f"A question has some {seen['before']} responses before and {seen['after']} after: the "
        "more there are, the more are copies of another, so the two shares can't be compared."
    )


def note_texts(analyses: ResponseAnalyses) -> list[str]:
    """All that could not be told, a sentence each; what holds of both sides is said once."""
    alike: dict[tuple[object, ...], list[ResponseNote]] = {}
    for note in analyses.notes:
        alike.setdefault((note.kind, *note.evidence.items()), []).append(note)
    return [
        note_text(notes[0], " and ".join(note.side or "" for note in notes))
        for notes in alike.values()
    ]


def row_text(measure: str, verdict: str, analyses: ResponseAnalyses) -> str:
    """A measure of the responses of one verdict: `right: length, tokens`."""
    unit = unit_of(measure, analyses)
    return f"{verdict}: {measure_text(measure)}, {'%' if unit == 'share' else unit}"


def figure_cells(measure: str, figure: ResponseFigure) -> tuple[str, str, str]:
    """A figure before, after, and its change with its interval; shares in % and points."""
    scale = 1.0 if measure in ("length", "distinct") else 100.0
    before, after, change = (
        NOTHING if estimate is None else fixed(scale * estimate.estimate, signed=signed)
        for estimate, signed in (
            (figure.before, False),
            (figure.after, False),
            (figure.change, True),
        )
    )
    if figure.change is not None and math.isfinite(figure.change.low):
        change += " " + interval(figure.change, scale)
    return before, after, change
