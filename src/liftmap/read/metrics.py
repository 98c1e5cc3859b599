"""What a log's metrics say of its responses: a verdict for each, or why there is none.

Reads values as evaluation tools write them; gives `logs` the rows that are counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from liftmap.errors import InputError

NAME_VERIFIER = (
    "Name --verifier to have the responses verified here, or let the tool log a verdict for each."
)


@dataclass(frozen=True, slots=True)
class Share:
    """A metric that is the share of right ones among `count` responses, not saying which."""

    value: object
    count: int


@dataclass(slots=True)
class _Column:
    """The verdicts of one metric; a value for each response, entries the number of questions."""

    question_ids: list[str] = field(default_factory=list)
    right: list[bool | None] = field(default_factory=list)
    truncated: list[bool] = field(default_factory=list)
    answers: list[str | None] | None = field(default_factory=list)
    entries: int = 0
    # The first value that is no verdict.
    trouble: InputError | None = None

    def add(
        self,
        question_id: str,
        verdicts: list[bool | None],
        answers: list[str | None] | None,
        truncated: bool,
    ) -> None:
        self.question_ids += [question_id] * len(verdicts)
        self.right += verdicts
        self.truncated += [truncated] * len(verdicts)
        if answers is None or len(answers) != len(verdicts):
            self.answers = None
        elif self.answers is not None:
            self.answers += answers

    def rows(self) -> pl.DataFrame:
        rows = pl.DataFrame(
            {"question_id": self.question_ids, "right": self.right, "truncated": self.truncated},
            schema={"question_id": pl.String, "right": pl.Boolean, "truncated": pl.Boolean},
        )
        if self.answers is None or all(answer is None for answer in self.answers):
            return rows
        return rows.with_columns(answer=pl.Series(self.answers, dtype=pl.String))


class Metrics:
    """The verdicts of all metrics of a log, as far as it has been read."""

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self._unscored: list[tuple[str, int, bool]] = []

    def add(
        self,
        question_id: str,
        count: int,
        values: Mapping[str, object],
        answers: Mapping[str, list[str | None]],
        *,
        truncated: bool,
        place: str,
    ) -> None:
        """Adds what the metrics say of the responses to a question.

        Args:
            question_id: The question.
            count: How many responses there are.
            values: By metric: a verdict if there is one response, a list of `count` verdicts, a
                `Share`, or what else a tool computes. A verdict is 1 or true, 0 or false, and null
                or NaN if unscored.
            answers: By metric: the answer found in each response, where known.
            truncated: Whether the responses were cut.
            place: File and row, for messages.
        """
        for metric, value in values.items():
            column = self._columns.setdefault(metric, _Column())
            column.entries += 1
            if column.trouble is None:
                try:
                    verdicts = _verdicts(value, count, f"{place}: {metric}")
                except InputError as error:
                    column.trouble = error
                else:
                    known = None if isinstance(value, Share) else answers.get(metric)
                    column.add(question_id, verdicts, known, truncated)

    def add_unscored(self, question_id: str, count: int, truncated: bool) -> None:
        """Adds responses that no metric could score."""
        self._unscored.append((question_id, count, truncated))

    def choose(self, source: str, wanted: str | None) -> tuple[pl.DataFrame, list[str]]:
        """The verdicts of one metric.

        Args:
            source: What was read.
            wanted: The metric; None takes the first one that gives each response a verdict.

        Returns:
            A row for each response: question_id, right, truncated, and answer where known; and a
            warning if other metrics of the log say otherwise.

        Raises:
            InputError: There is no such metric, or it does not give each response a verdict.
        """
        columns = self._columns or ({"none": _Column()} if self._unscored else {})
        if wanted is not None and wanted not in columns and self._columns:
            raise InputError(
                f"{source} has no such metric.",
                seen=wanted,
                remedy=f"Its metrics: {', '.join(columns)}.",
            )
        most = max((column.entries for column in columns.values()), default=0)
        usable = [m for m, c in columns.items() if c.trouble is None and c.entries == most]
        troubles = [c.trouble for m, c in columns.items() if c.trouble and wanted in (None, m)]
        if troubles and not (usable and wanted is None):
            raise troubles[0]
        name = wanted if wanted in columns else next(iter(usable), None)
        if name is None:
            raise InputError(f"{source} holds no verdicts.", remedy=NAME_VERIFIER)
        chosen, said = columns[name], []
        others = [m for m in usable if m != name and columns[m].right != chosen.right]
        if others and wanted is None:
            said.append(
                f"The verdicts are those of {name}; other metrics of the log say otherwise: "
                f"{', '.join(others)}."
            )
        for question_id, count, truncated in self._unscored:
            chosen.add(question_id, [None] * count, [None] * count, truncated)
        return chosen.rows(), said


def _verdicts(value: object, count: int, place: str) -> list[bool | None]:
    """A verdict for each response.

    Raises:
        InputError: The value does not give one.
    """
    if isinstance(value, Share):
        right = _number(value.value) * value.count
        if not (0 <= right <= value.count and abs(right - round(right)) < 1e-6):
            raise InputError(
                f"{place} is no share of {value.count} responses that are right or wrong.",
                seen=value.value,
                remedy=NAME_VERIFIER,
            )
        return [index < round(right) for index in range(value.count)]
    if isinstance(value, list) and len(value) == count:
        return [_verdict(one, place) for one in value]
    if count != 1:
        raise InputError(
            f"{place} gives one verdict for {count} responses.", seen=value, remedy=NAME_VERIFIER
        )
    return [_verdict(value, place)]


def _verdict(value: object, place: str) -> bool | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    number = _number(value)
    if number not in (0, 1):
        raise InputError(
            f"{place} is neither right (1) nor wrong (0).",
            seen=value,
            remedy=f"Choose another metric. {NAME_VERIFIER}",
        )
    return number == 1


def _number(value: object) -> float:
    return float(value) if isinstance(value, (bool, int, float)) else math.nan
