"""The parts of a comparison as plain values, for the public JSON.

Used by `result`, whose `to_dict` puts them together; `docs/json.md` defines every field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from liftmap.comparison import measure_words, words
from liftmap.comparison.parts import Matrix, Measures, Moves, NullComparison, QuestionsAre
from liftmap.records import Change, Estimate
from liftmap.stats.verdict import Conclusion

# Keys of the two estimands in the JSON.
KEYS: Mapping[QuestionsAre, str] = {
    "fixed": "on_these_questions",
    "like-these": "on_questions_like_these",
}


def plain_change(figure: Change) -> dict[str, Any]:
    """A figure before, after, and its change."""
    return {
        "before": figure.before.to_dict(),
        "after": figure.after.to_dict(),
        "change": figure.change.to_dict(),
    }


def plain_matrix(matrix: Matrix | None) -> list[list[float]] | None:
    """A matrix of numbers of questions."""
    return None if matrix is None else [list(row) for row in matrix]


def plain_moves(moves: Moves) -> dict[str, Any]:
    """Questions lost, or gained."""
    at_n = moves.at_n
    return {
        "k": moves.k,
        "estimate": plain(moves.estimate),
        "noise": plain(moves.noise),
        "excess": plain(moves.excess),
        "at_n": None
        if at_n is None
        else {
            "observed": at_n.observed,
            "noise": plain(at_n.noise),
            "excess": plain(at_n.excess),
            "gross": plain(at_n.gross),
            "floor": None if at_n.floor is None else plain(asdict(at_n.floor)),
        },
    }


def plain_null(null: NullComparison) -> dict[str, Any]:
    """A null beside before and after."""
    return {
        "null": null.null.to_dict(),
        "questions": null.questions,
        "reached": plain(null.reached),
        "contrasts": [
            {
                "name": each.name,
                "accuracy": {"word": each.verdict.accuracy.word, **plain_change(each.accuracy)},
                "capability": None
                if each.capability.k == 1
                else {
                    "k": each.capability.k,
                    "word": each.verdict.capability.word,
                    **plain_change(each.capability),
                },
            }
            for each in null.contrasts
        ],
        "text": measure_words.null_lines(null),
        "warnings": list(null.warnings),
    }


def plain_verdict(
    verdict: Conclusion, questions_are: QuestionsAre, *, leads: bool = True
) -> dict[str, Any]:
    """A verdict: its label, the words of both axes, and what would settle them."""
    axes = {"accuracy": verdict.accuracy, "capability": verdict.capability}
    # For each axis that is not settled the smaller of its two numbers, of these the largest.
    needed = [
        min(numbers)
        for axis in axes.values()
        if (numbers := [n for n in (axis.needed_if_unchanged, axis.needed_if_changed) if n])
    ]
    return {
        "label": verdict.label,
        "k": None if verdict.capability.change is None else verdict.k,
        **{name: axis.word for name, axis in axes.items()},
        "because": words.because(verdict, questions_are, leads=leads),
        "needed": max(needed, default=None),
        "needed_if_unchanged": {name: axis.needed_if_unchanged for name, axis in axes.items()},
        "needed_if_changed": {name: axis.needed_if_changed for name, axis in axes.items()},
        "needed_are": "questions"
        if questions_are == "like-these"
        else "responses to each question",
        "bounded": all(axis.withheld != "unscored" for axis in axes.values()),
        "withheld": {name: axis.withheld for name, axis in axes.items()},
        "p": {name: axis.p_value for name, axis in axes.items()},
        "few_tries": verdict.few_tries,
        "saturated_below": verdict.unsaturated_k,
    }


def plain_measures(measures: Measures) -> dict[str, Any]:
    """The measures beside accuracy and capability."""
    of_support = measures.support
    return {
        "cover_at": [{"tau": each.tau, **plain_change(each)} for each in measures.cover],
        "grpo_groups": [
            {"size": each.size, "before": each.before.to_dict(), "after": each.after.to_dict()}
            for each in measures.groups
        ],
        "support": None
        if of_support is None
        else {part.name: plain(getattr(of_support, part.name)) for part in fields(of_support)},
        "guess_rate": plain(measures.guess_rate),
        "answer_entropy": plain(measures.answer_entropy),
    }


def plain(value: Any) -> Any:
    """Values that JSON can hold."""
    if isinstance(value, Estimate):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(part) for part in value]
    return value
