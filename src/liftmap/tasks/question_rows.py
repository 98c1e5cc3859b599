"""Rows of a table in, Questions out: what the tasks `jsonl` and `hub` share.

Stands inside `tasks`: those two read a file or a data set row by row, this module knows which
column holds what, finds the gold answer, gives ids, and refuses what could not be verified later.
"""

from __future__ import annotations

import json
import math
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from liftmap.console import console
from liftmap.errors import ConfigError, InputError
from liftmap.records import Question
from liftmap.registry import nearest
from liftmap.sections import Section
from liftmap.tasks.gold_answers import compile_answer_pattern, last_boxed, last_match
from liftmap.tasks.ids import place_of, question_id

Row = Mapping[str, object]
AnswerFrom = Literal["column", "boxed"]
Unanswered = Literal["error", "drop", "keep"]
Duplicates = Literal["error", "drop"]
Metadata = str | int | float | bool


class Reading(Section):
    r"""How rows become questions; the options that `jsonl` and `hub` share.

    Attributes:
        question: The column of the question's text.
        answer: The column of the gold answer, or of the solution that holds it. A list of answers
            is joined with commas.
        answer_pattern: A regular expression with one group, the answer in that column; its last
            match counts.
        answer_from: "column" takes the column (or the pattern's match), "boxed" the content of the
            last \boxed{...} in it.
        choices: Columns of the wrong answers of a multiple-choice question. They and the right one
            are lettered from A in an order that the question's content decides, and written below
            the question; the answer is the letter, and `answer_text` in the metadata what it says.
        context: A column whose text is put before the question, where it has any.
        id: A column of ids; None makes them from the content.
        cluster: A column that questions of one source share: they are resampled together.
        metadata: Columns to keep. What is not a text, number or truth value is kept as JSON.
        unanswered: What to do with a row that has no gold answer: no verifier but `code` and `gym`
            can judge it, so it is an error unless it is to be dropped or kept.
        duplicates: What to do with a question that is there already.
        limit: The first so many questions; None takes all.
        skip: Leave out so many before those.
        shuffle_seed: Order by a hash of the seed and the id, so that the order of the rows does not
            matter; None keeps their order. Comes before `skip` and `limit`.
    """

    question: str = Field(default="question", min_length=1)
    answer: str = Field(default="answer", min_length=1)
    answer_pattern: str | None = None
    answer_from: AnswerFrom = "column"
    choices: tuple[str, ...] = ()
    context: str | None = None
    id: str | None = None
    cluster: str | None = None
    metadata: tuple[str, ...] = ()
    unanswered: Unanswered = "error"
    duplicates: Duplicates = "error"
    limit: int | None = Field(default=None, ge=1)
    skip: int = Field(default=0, ge=0)
    shuffle_seed: int | None = None

    @model_validator(mode="after")
    def _one_way_to_the_answer(self) -> Reading:
        if self.answer_pattern is not None and self.answer_from == "boxed":
            raise ValueError("answer_pattern and answer_from = 'boxed' are two ways; keep one")
        if len(self.choices) >= len(string.ascii_uppercase):
            raise ValueError("there are more choices than letters")
        return self

    def columns(self) -> list[str]:
        """Every column that is read, the needed ones first."""
        more = [self.context, self.id, self.cluster, *self.metadata]
        names = [self.question, self.answer, *self.choices, *(name for name in more if name)]
        return list(dict.fromkeys(names))


def check_reading(**options: Any) -> Reading:
    """The options as one record.

    Raises:
        ConfigError: One of them can't be used.
    """
    try:
        return Reading(**options)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(
            f"The option {name} can't be used: {message}." if name else f"{message}.",
            seen=None if isinstance(first["input"], dict) else first["input"],
            remedy="Correct it.",
        ) from None


def questions_of(rows: Iterable[tuple[str, Row]], reading: Reading, source: str) -> list[Question]:
    """The questions of a table, in its order; `select` takes a part of them.

    Args:
        rows: Each row with its place, as `line 7`.
        reading: Which column holds what.
        source: The file or data set, for messages.

    Raises:
        InputError: A column is missing; a row has no question, no answer or no id; a question is
            there twice; or there is not one question.
        ConfigError: `answer_pattern` is not a regular expression with one group.
    """
    find = _answer_finder(reading)
    questions: list[Question] = []
    ids: dict[str, str] = {}
    texts: dict[str, str] = {}
    seen: set[str] = set()
    dropped: Counter[str] = Counter()
    for place, row in rows:
        where = f"{source}, {place}"
        seen.update(row)
        question = _question(row, reading, find, where)
        if question is None:
            dropped["without an answer"] += 1
            continue
        text = question_id(question.text, "")
        if question.question_id in ids or text in texts:
            if reading.duplicates == "drop":
                dropped["asked before"] += 1
                continue
            earlier = ids.get(question.question_id) or texts[text]
            raise _twice(question, f"{source}: {earlier} and {place}", reading, ids)
        ids[question.question_id] = texts[text] = place
        questions.append(question)
    if not questions:
        raise InputError(
            f"{source} gives no question.",
            seen=dict(dropped) or None,
            remedy="Name another file or data set, or other options.",
        )
    for name in reading.columns():
        if name != reading.answer or reading.unanswered == "error":
            _need_column(name, seen, source)
    if dropped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items())
        console.print(
            f"{source}: rows left out: {reasons}",
            soft_wrap=True,
        )
    return questions


def select(
    questions: Sequence[Question],
    limit: int | None = None,
    skip: int = 0,
    shuffle_seed: int | None = None,
) -> list[Question]:
    """A part of the questions; see `Reading`.

    Raises:
        InputError: `skip` leaves none.
    """
    chosen = list(questions)
    if shuffle_seed is not None:
        chosen.sort(key=lambda q: (place_of(str(shuffle_seed), q.question_id), q.question_id))
    end = None if limit is None else skip + limit
    part = chosen[skip:end]
    if not part:
        raise InputError(
            f"skip leaves none of the {len(chosen)} questions.", seen=skip, remedy="Lower it."
        )
    return part


def _question(
    row: Row, reading: Reading, find: Callable[[str], str | None], where: str
) -> Question | None:
    """The question of one row; None if it has no answer and such rows are dropped."""
    for name in (reading.question, *reading.choices):
        _need_column(name, row, where)
    if reading.unanswered == "error":
        _need_column(reading.answer, row, where)
    text = _text(row, reading.question, where)
    if not text.strip():
        raise InputError(
            f"{where}: the question is empty.", remedy="Write it, or take the row out."
        )
    if reading.context and (context := _text(row, reading.context, where)).strip():
        text = f"{context.strip()}\n\n{text}"
    answer = find(_text(row, reading.answer, where)) or ""
    if not answer.strip():
        if reading.unanswered == "error":
            raise _unanswered(row, reading, where)
        if reading.unanswered == "drop":
            return None
    metadata = _metadata(row, reading)
    if reading.choices:
        metadata["answer_text"] = answer
        text, answer = _lettered(text, answer, row, reading, where)
    identity = question_id(text, answer)
    if reading.id is not None:
        identity = _text(row, reading.id, where).strip()
        if not identity:
            raise InputError(
                f"{where}: the id column {reading.id!r} is empty.",
                remedy="Give each row an id, or leave the option id out.",
            )
    cluster = _text(row, reading.cluster, where).strip() if reading.cluster else ""
    return Question(identity, text, answer, cluster, metadata)


def _answer_finder(reading: Reading) -> Callable[[str], str | None]:
    if reading.answer_from == "boxed":
        return last_boxed
    if reading.answer_pattern is not None:
        pattern = compile_answer_pattern(reading.answer_pattern)
        return lambda text: last_match(pattern, text)
    return lambda text: text


def _lettered(text: str, answer: str, row: Row, reading: Reading, where: str) -> tuple[str, str]:
    """The question with its options below, and the right one's letter."""
    right = answer.strip()
    wrong = [_text(row, name, where).strip() for name in reading.choices]
    if not right or not all(wrong) or right in wrong:
        raise InputError(
            f"{where}: the options are empty or the right one is among the wrong ones.",
            seen=[right, *wrong],
            remedy="Correct the row.",
        )
    own = question_id(text, right)
    options = sorted({right, *wrong}, key=lambda option: place_of(own, option))
    lines = [f"{string.ascii_uppercase[i]}) {option}" for i, option in enumerate(options)]
    letter = string.ascii_uppercase[options.index(right)]
    return "\n".join([text.strip(), "", *lines]), letter


def _text(row: Row, name: str, where: str) -> str:
    """A cell as text, the same whichever file format it comes from."""
    value = row.get(name)
    if isinstance(value, list | tuple):
        return ", ".join(_text({name: part}, name, where) for part in value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | bytes):
        raise InputError(
            f"{where}: the column {name!r} holds no text.",
            seen=str(value)[:80],
            remedy="Name a column of texts or numbers.",
        )
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{where}: the column {name!r} is not valid Unicode.",
            seen=text[:80],
            remedy="Write the file again as UTF-8.",
        ) from None
    return text


def _metadata(row: Row, reading: Reading) -> dict[str, Metadata]:
    metadata: dict[str, Metadata] = {}
    for name in reading.metadata:
        value = row.get(name)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            continue
        if isinstance(value, str | int | float | bool):
            metadata[name] = value
        else:
            metadata[name] = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return metadata


def _need_column(name: str, known: Iterable[str], where: str) -> None:
    names = list(known)
    if name not in names:
        raise InputError(
            f"{where} has no column {name!r}.", seen=names[:20], remedy=nearest(name, names)
        )


def _unanswered(row: Row, reading: Reading, where: str) -> InputError:
    held = _text(row, reading.answer, where)
    if not held.strip():
        what = f"the answer column {reading.answer!r} is empty"
    elif reading.answer_from == "boxed":
        what = f"there is no complete \\boxed{{...}} in the column {reading.answer!r}"
    else:
        what = f"answer_pattern finds nothing in the column {reading.answer!r}"
    return InputError(
        f"{where}: {what}, and a question without a gold answer can't be verified.",
        seen=held[-80:] or None,
        remedy='Correct the row, set unanswered = "drop", or, for a verifier that needs no gold '
        'answer (code, gym), unanswered = "keep".',
    )


def _twice(question: Question, places: str, reading: Reading, ids: Mapping[str, str]) -> InputError:
    if question.question_id not in ids:
        what = "ask the same question" + ("" if reading.id else " and give different answers")
    elif reading.id:
        what = f"have the same id {question.question_id!r}"
    else:
        what = "hold the same question"
    return InputError(
        f"{places} {what}.",
        seen=question.text[:80],
        remedy='Take one of them out, or set duplicates = "drop" to keep the first.',
    )
