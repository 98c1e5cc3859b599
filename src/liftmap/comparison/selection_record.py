"""A training set out of measured success rates as a record, as JSON and in sentences.

Beside `plan_record`: `selection` fills it; `docs/select.md` defines the fields of the JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from liftmap.comparison.rounding import count, number_of_questions, percent
from liftmap.comparison.words import level_text
from liftmap.records import Estimate
from liftmap.stats.dependence import Dependence

SCHEMA = 1
# Ids that a sentence names.
_NAMED = 3
ResponsesTaken = Literal["none", "right", "all"]


@dataclass(frozen=True, slots=True)
class Promise:
    """What the law of success rates says of a selection; all figures in questions.

    Attributes:
        within: How many of the selected questions truly have a rate in the range.
        missed: How many of the questions that were measured outside it truly have one; None where
            there are none outside.
        group_size: Responses in a GRPO group.
        groups: How many groups, one for each selected question, have right and wrong responses, and
            so a gradient.
        groups_of_all: The same for all questions that were judged.
    """

    within: Estimate
    missed: Estimate | None
    group_size: int
    groups: Estimate
    groups_of_all: Estimate


@dataclass(frozen=True, slots=True)
class WrittenSet:
    """A training set on disk.

    Attributes:
        path: The file.
        rows: Its rows.
        questions: How many questions it holds.
        without_responses: Selected questions without a response to write; they are not in it.
        columns: Its columns.
    """

    path: str
    rows: int
    questions: int
    without_responses: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Questions picked by their success rate.

    Attributes:
        source: What was read.
        format: The reader that knew it.
        split: Which questions of a study or a sampled task they are; None where it is not known.
        rate: Least and greatest success rate.
        by: The estimate of a question's rate that decided.
        asked: Questions of the source.
        judged: Those of them with more scored responses than unscored ones.
        in_range: Those whose rate lies in the range.
        known: Those of them that stand in `--not-in`.
        known_ids: Their ids.
        without_prompts: Whether prompts could not be compared with those of `--not-in`, since the
            source has none.
        test_questions_too: Whether test questions and known ones are taken after all.
        question_ids: The questions that were picked, in the order of the source.
        promise: What the law says of them.
        responses: Which responses are written.
        per_question: At most so many to each question.
        level: Coverage of the intervals.
        seed: Seed of everything random.
        warnings: What has to be known of the source.
        dependence: What speaks against independent draws.
        most_responses: The most responses of a question.
        copies: How many times each response stood that counts once.
        written: The file; None where none was written.
    """

    source: str
    format: str
    split: str | None
    rate: tuple[float, float]
    by: Literal["posterior mean", "c/n"]
    asked: int
    judged: int
    in_range: int
    known: int
    known_ids: tuple[str, ...]
    without_prompts: bool
    test_questions_too: bool
    question_ids: tuple[str, ...]
    promise: Promise
    responses: ResponsesTaken
    per_question: int | None
    level: float
    seed: int
    warnings: tuple[str, ...]
    dependence: tuple[Dependence, ...]
    most_responses: int
    copies: int
    written: WrittenSet | None = None

    def to_dict(self) -> dict[str, Any]:
        """The public form as plain values; `docs/select.md` defines every field."""
        promise, written = self.promise, self.written
        return {
            "schema": SCHEMA,
            "source": self.source,
            "format": self.format,
            "split": self.split,
            "rate": list(self.rate),
            "by": self.by,
            "level": self.level,
            "seed": self.seed,
            "questions": {
                "asked": self.asked,
                "judged": self.judged,
                "in_range": self.in_range,
                "in_not_in": self.known,
                "selected": len(self.question_ids),
            },
            "truly_within": promise.within.to_dict(),
            "missed": None if promise.missed is None else promise.missed.to_dict(),
            "groups": {
                "size": promise.group_size,
                "with_gradient": promise.groups.to_dict(),
                "with_gradient_of_all_judged": promise.groups_of_all.to_dict(),
            },
            "question_ids": list(self.question_ids),
            "not_in": {
                "question_ids": list(self.known_ids),
                "left_out": not self.test_questions_too,
            },
            "written": None
            if written is None
            else {
                "path": written.path,
                "responses": self.responses,
                "per_question": self.per_question,
                "rows": written.rows,
                "questions": written.questions,
                "without_responses": written.without_responses,
                "columns": list(written.columns),
            },
            "warnings": notes(self),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The public form as text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)


def headline(selection: Selection) -> str:
    """How many questions of which rate."""
    low, high = selection.rate
    return (
        f"{count(len(selection.question_ids))} of {count(selection.judged)} questions have a "
        f"success rate from {percent(low)} to {percent(high)} %"
    )


def lines(selection: Selection) -> list[str]:
    """What was picked by what, and what it promises."""
    promise = selection.promise
    number = len(selection.question_ids)
    by = (
        "the plain rate c/n; chance puts questions in and out of the range"
        if selection.by == "c/n"
        else "the posterior mean of their rate under the law of all questions"
    )
    texts = [
        f"Picked by {by}. Intervals cover {level_text(selection.level)}.",
        f"Truly in the range: {_of(promise.within, number)} of those picked"
        + (
            f"; {number_of_questions(promise.missed)} more that are measured outside it"
            if promise.missed is not None
            else ""
        )
        + ".",
        f"GRPO groups of {promise.group_size} with a gradient, one a question: "
        f"{_of(promise.groups, number)}, against {_of(promise.groups_of_all, selection.judged)} "
        "without picking.",
    ]
    if selection.in_range > number + (0 if selection.test_questions_too else selection.known):
        texts.append(f"Drawn from {count(selection.in_range)} in the range (--most).")
    if selection.written is not None:
        written = selection.written
        texts.append(
            f"Written: {count(written.questions)} questions"
            + ("" if selection.responses == "none" else f" with {count(written.rows)} responses")
            + f", columns {', '.join(written.columns)}."
        )
    return texts


def _of(number: Estimate, questions: int) -> str:
    """A number of questions, and its share of them."""
    return f"{number_of_questions(number)} ({percent(number.estimate / questions, 0)} %)"


def notes(selection: Selection) -> list[str]:
    """What has to be known: what was left out, what is not known, what speaks against the rates."""
    texts = list(selection.warnings)
    if selection.asked > selection.judged:
        texts.append(
            f"{count(selection.asked - selection.judged)} questions with fewer scored responses "
            "than unscored ones: left out."
        )
    if selection.split in ("test", "dev"):
        texts.append(
            f"These are {selection.split} questions, taken since --test-questions-too was given: "
            "a model that is trained on them can't be measured by them."
        )
    elif selection.split is None:
        texts.append(
            "The source does not say which split these questions are of: that none of them is a "
            "test question is yours to know (--not-in FILE leaves out what stands there)."
        )
    if selection.known:
        first = ", ".join(selection.known_ids[:_NAMED])
        more = ", ..." if selection.known > _NAMED else ""
        done = "taken nevertheless" if selection.test_questions_too else "left out"
        texts.append(
            f"{count(selection.known)} questions in the range stand in --not-in "
            f"({first}{more}): {done}."
        )
    if selection.without_prompts:
        texts.append(
            "The source has no prompts, so questions were compared with --not-in by id alone."
        )
    if selection.copies > 1:
        texts.append(
            f"Each response stands {count(selection.copies)} times, and counts once: draw with "
            "another temperature or seed for more."
        )
    texts += [_speaks(fact) for fact in selection.dependence]
    if selection.most_responses == 1:
        texts.append(
            "With one response a question nothing tells hard questions from unlucky ones: all that "
            "share an outcome get the same rate."
        )
    written = selection.written
    if written is not None and written.without_responses:
        what = "right response" if selection.responses == "right" else "response"
        texts.append(
            f"{count(written.without_responses)} picked questions have no {what} with a text: they "
            "are not in the file."
        )
    if written is not None and "prompt" not in written.columns:
        texts.append(
            "The source has no prompts: the file names questions by question_id alone, and their "
            "texts have to be joined to it."
        )
    return texts


def _speaks(fact: Dependence) -> str:
    """What speaks against independent draws, in a sentence."""
    chance = " (chance below .001 if responses are independent)"
    if fact.kind == "deterministic":
        return (
            f"Every question is always right or always wrong{chance}: was it decoded without "
            "randomness? Then its rate is not known."
        )
    if fact.kind == "copies":
        return (
            f"Each response seems to stand {count(fact.copies)} times{chance}: rates are less "
            "certain than their intervals say."
        )
    return (
        f"The {count(fact.questions)} questions with the fewest responses are all solved{chance}: "
        "n seems to depend on the outcomes, which biases every rate."
    )
