"""What a contamination check found, as a record, as JSON and in sentences.

Filled by `probing`, shown by `report.probe_terminal`; `docs/probe.md` defines the fields.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from liftmap.comparison.rounding import interval, points
from liftmap.comparison.words import level_text
from liftmap.records import Estimate

SCHEMA = 1
Word = Literal["contaminated", "no sign", "can't tell"]


@dataclass(frozen=True, slots=True)
class ProbeFigures:
    """What one group of questions shows; shares of 1.

    Attributes:
        questions: How many were probed.
        completed: Share whose rest the model wrote word for word.
        overlap: Mean share of the rest's words that the model wrote in their order.
        right: Share answered right; None where no response could be scored.
    """

    questions: int
    completed: Estimate
    overlap: Estimate
    right: Estimate | None


@dataclass(frozen=True, slots=True)
class ProbePoint:
    """One share of the questions' texts.

    Attributes:
        share: How much of a question's words the model was shown.
        task: The questions asked about.
        fresh: Fresh questions of the same kind; None where there are none.
        completed: Task less fresh, word for word.
        overlap: Task less fresh.
        right: Task less fresh.
    """

    share: float
    task: ProbeFigures
    fresh: ProbeFigures | None
    completed: Estimate | None
    overlap: Estimate | None
    right: Estimate | None


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a model knows a task's questions by heart.

    Attributes:
        model: The model.
        task: The task.
        fresh: Where the fresh questions come from; None where there are none.
        points: What it completed, by the share shown.
        level: Coverage of the intervals; those of `word` hold together.
        seed: Seed of the fresh questions.
        word: Whether more is completed word for word of the task than of fresh questions.
    """

    model: str
    task: str
    fresh: str | None
    points: tuple[ProbePoint, ...]
    level: float
    seed: int
    word: Word

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be known, a sentence each."""
        texts = []
        if self.fresh is None:
            texts.append(
                "There are no fresh questions of this kind to compare with: how much a model that "
                "never saw these questions completes is not known. Name some with --fresh."
            )
        return tuple(texts)

    @property
    def headline(self) -> str:
        """The finding in a line."""
        if self.word == "contaminated":
            text = "knows questions by heart"
        elif self.word == "no sign":
            text = "no sign that questions are known by heart"
        else:
            text = "can't tell whether questions are known by heart"
        return f"{self.model}, {self.task}: {text}"

    def to_dict(self) -> dict[str, Any]:
        """The public form as plain values."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "task": self.task,
            "fresh": self.fresh,
            "level": self.level,
            "seed": self.seed,
            "word": self.word,
            "points": [
                {
                    "share": point.share,
                    "task": _figures(point.task),
                    "fresh": None if point.fresh is None else _figures(point.fresh),
                    "difference": None
                    if point.completed is None or point.overlap is None
                    else {
                        "completed": point.completed.to_dict(),
                        "overlap": point.overlap.to_dict(),
                        "right": None if point.right is None else point.right.to_dict(),
                    },
                }
                for point in self.points
            ],
            "warnings": list(self.notes),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The public form as text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)


def _figures(figures: ProbeFigures) -> dict[str, Any]:
    return {
        "questions": figures.questions,
        "completed": figures.completed.to_dict(),
        "overlap": figures.overlap.to_dict(),
        "right": None if figures.right is None else figures.right.to_dict(),
    }


def bound_note(level: float) -> str:
    """What the word rests on."""
    return (
        "Contaminated: at some share the whole interval of the difference, with all intervals "
        f"together covering {level_text(level)}, lies above 0."
    )


def difference_text(difference: Estimate | None) -> str:
    """A difference in points with its interval, or a dash."""
    if difference is None:
        return "\N{EN DASH}"
    return f"{points(difference.estimate)} {interval(difference)}"
