"""What a log's metrics say of its responses: a verdict for each, or why there is none.

Reads values as evaluation tools write them; gives `logs` the rows that are counted.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import polars as pl

from liftmap.errors import InputError

NAME_VERIFIER = (
    "Name --verifier to have the responses verified here, or let the tool log a verdict for each."
)
# A share times its number of responses is a whole number but for rounding.
ROUNDING = 1e-3


# By the key of some responses: a verdict and an answer for each.
Verdicts = dict[Hashable, list[tuple[bool | None, str | None]]]


@dataclass(frozen=True, slots=True)
class Share:
    """A metric that is the share of right ones among the first `count` responses."""

    value: object
    count: int


@dataclass(slots=True)
class _Column:
    """The verdicts of one metric; a value for each response that it covers."""

    question_ids: list[str] = field(default_factory=list)
    right: list[bool | None] = field(default_factory=list)
    truncated: list[bool] = field(default_factory=list)
    answers: list[str | None] | None = field(default_factory=list)
    # Of each verdict: the place of its responses among those that were added.
    places: list[int] = field(default_factory=list)
    # Whether it says how many are right, not which.
    shared: bool = False
    # Places among the responses that were added.
    covered: set[int] = field(default_factory=set)
    # The first value that is no verdict.
    trouble: InputError | None = None

    def add(
        self,
        question_id: str,
        verdicts: list[bool | None],
        answers: list[str | None] | None,
        truncated: bool,
        place: int,
    ) -> None:
        self.question_ids += [question_id] * len(verdicts)
        self.places += [place] * len(verdicts)
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


@dataclass(frozen=True, slots=True)
class _Responses:
    """Responses to one question.

    Attributes:
        question_id: The question.
        count: How many there are.
        truncated: Whether they were cut.
        failed: Whether they have no verdict for a cause that isn't the model's.
        missing: How many of them the tool did not get.
    """

    question_id: str
    count: int
    truncated: bool
    failed: bool
    missing: int


class Metrics:
    """The verdicts of all metrics of a log, as far as it has been read."""

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self._responses: list[_Responses] = []
        self._places: dict[Hashable, int] = {}
        self._chosen: _Column | None = None

    def add(
        self,
        question_id: str,
        count: int,
        values: Mapping[str, object],
        answers: Mapping[str, list[str | None]],
        *,
        key: Hashable,
        truncated: bool,
        place: str,
        failed: bool = False,
        missing: Sequence[int] = (),
    ) -> None:
        """Adds what the metrics say of the responses to a question.

        Args:
            question_id: The question.
            count: How many responses there are.
            values: By metric: a verdict if there is one response, a list of `count` verdicts, a
                `Share`, or what else a tool computes. A verdict is 1 or true, 0 or false, and null
                or NaN if unscored.
            answers: By metric: the answer found in each response, where known.
            key: The same for lines that look at the same responses in several ways.
            truncated: Whether the responses were cut.
            place: File and row, for messages.
            failed: No metric could score the responses: all are unscored.
            missing: Places from 0 of responses that the tool did not get: unscored, whatever a
                metric says of them.
        """
        known = len(self._responses)
        at = self._places.setdefault(key, known)
        if at == known:
            self._responses.append(_Responses(question_id, count, truncated, failed, len(missing)))
        if failed:
            return
        for metric, value in values.items():
            column = self._columns.setdefault(metric, _Column())
            column.covered.add(at)
            if column.trouble is None:
                try:
                    verdicts = _verdicts(value, count, f"{place}: {metric}")
                except InputError as error:
                    column.trouble = error
                else:
                    shared = isinstance(value, Share)
                    verdicts = _without(verdicts, missing, shared)
                    column.shared |= shared
                    answers_of_metric = None if shared else answers.get(metric)
                    column.add(question_id, verdicts, answers_of_metric, truncated, at)

    def choose(self, source: str, wanted: str | None) -> tuple[pl.DataFrame, list[str]]:
        """The verdicts of one metric.

        Args:
            source: What was read.
            wanted: The metric, or the part of its name before or after the comma where that is
                enough; None takes, of those that give each response a verdict, the one that covers
                the most responses, and the first of several.

        Returns:
            A row for each response: question_id, right, truncated, and answer where known; and
            what has to be said of the choice and of responses that the metric does not cover.

        Raises:
            InputError: There is no such metric, or it does not give each response a verdict.
        """
        columns = self._columns or ({"none": _Column()} if self._responses else {})
        if wanted is not None and self._columns:
            wanted = _full_name(source, wanted, columns)
        most = max((len(column.covered) for column in columns.values()), default=0)
        good = [m for m, c in columns.items() if c.trouble is None]
        usable = [m for m in good if len(columns[m].covered) == most]
        troubles = [c.trouble for m, c in columns.items() if c.trouble and wanted in (None, m)]
        if troubles and not (usable and wanted is None):
            raise InputError(
                troubles[0].what,
                seen=troubles[0].seen,
                remedy=_take_another(good) + NAME_VERIFIER,
            )
        widest = max(usable, key=lambda m: len(columns[m].right), default=None)
        name = wanted if wanted in columns else widest
        if name is None:
            raise InputError(f"{source} holds no verdicts.", remedy=NAME_VERIFIER)
        chosen = columns[name]
        said = [] if wanted is not None else _others(name, usable, columns)
        said += self._not_covered(name, chosen)
        for at, responses in enumerate(self._responses):
            if at not in chosen.covered:
                unscored: list[bool | None] = [None] * responses.count
                nothing: list[str | None] = [None] * responses.count
                chosen.add(responses.question_id, unscored, nothing, responses.truncated, at)
        self._chosen = chosen
        return chosen.rows(), said

    def verdicts(self) -> Verdicts | None:
        """Verdicts of the metric that was chosen, by the key of the responses that they are of.

        Returns:
            For each key of `add` a verdict and an answer (None: none, or unknown) for each response
            that is covered, in their order; None where the metric does not say which responses are
            right.
        """
        chosen = self._chosen
        if chosen is None or chosen.shared:
            return None
        answers = chosen.answers or [None] * len(chosen.right)
        by_place: dict[int, list[tuple[bool | None, str | None]]] = {}
        for place, right, answer in zip(chosen.places, chosen.right, answers, strict=True):
            by_place.setdefault(place, []).append((right, answer))
        return {key: by_place.get(place, []) for key, place in self._places.items()}

    def _not_covered(self, name: str, chosen: _Column) -> list[str]:
        """What has to be said of responses without a verdict of the metric `name`."""
        said = []
        total = sum(responses.count for responses in self._responses)
        covered = sum(self._responses[at].count for at in chosen.covered)
        if len(chosen.right) < covered:
            said.append(
                f"{name} says of {len(chosen.right):,} of {covered:,} responses alone whether they "
                "are right; the others are left out."
            )
        without = sum(
            responses.count
            for at, responses in enumerate(self._responses)
            if at not in chosen.covered and not responses.failed
        )
        if without and self._columns:
            said.append(
                f"{without:,} of {total:,} responses have no value of {name} in the log: unscored."
            )
        missing = sum(r.missing for r in self._responses if not r.failed)
        if missing:
            said.append(
                f"{missing:,} of {total:,} responses are null in the log, so the tool did not get "
                "them: unscored."
            )
        return said


def _full_name(source: str, wanted: str, columns: Mapping[str, _Column]) -> str:
    """The metric of this name, or the only one with this part of its name.

    Raises:
        InputError: There is none, or several.
    """
    if wanted in columns:
        return wanted
    named = [name for name in columns if wanted in re.split("[,/]", name)]
    if len(named) == 1:
        return named[0]
    if named:
        raise InputError(
            f"{source} has {len(named)} metrics of this name.",
            seen=wanted,
            remedy=f"Take one of them: {_options(named)}.",
        )
    parts = {part for name in columns for part in re.split("[,/]", name)}
    near = get_close_matches(wanted, sorted({*columns, *parts}), n=1, cutoff=0.5)
    close = f"Did you mean {near[0]!r}? " if near else ""
    raise InputError(
        f"{source} has no such metric.",
        seen=wanted,
        remedy=f"{close}Its metrics: {_options(columns)}.",
    )


def _options(names: Iterable[str]) -> str:
    """Metrics as they are chosen on the command line."""
    return ", ".join(f"--metric {shlex.quote(name)}" for name in names)


def _take_another(names: Sequence[str]) -> str:
    return f"Take another metric: {_options(names)}. " if names else ""


def _others(name: str, usable: Sequence[str], columns: Mapping[str, _Column]) -> list[str]:
    """Says which other metrics give as many responses other verdicts."""
    chosen = columns[name].right
    others = [
        m for m in usable if len(columns[m].right) == len(chosen) and columns[m].right != chosen
    ]
    if not others:
        return []
    return [
        f"The verdicts are those of {name}; other metrics of the log say otherwise: "
        f"{', '.join(others)}. To take another: {_options(others[:1])}."
    ]


def _without(
    verdicts: list[bool | None], missing: Sequence[int], shared: bool
) -> list[bool | None]:
    """The verdicts with None for responses that are missing.

    A share does not say which responses are right: none of those that are missing is.
    """
    places = [at for at in missing if at < len(verdicts)]
    if shared:
        wrong = [at for at, right in enumerate(verdicts) if right is False]
        places = wrong[max(0, len(wrong) - len(places)) :] if places else []
    return [None if at in places else right for at, right in enumerate(verdicts)]


def _verdicts(value: object, count: int, place: str) -> list[bool | None]:
    """A verdict for each response.

    Raises:
        InputError: The value does not give one.
    """
    if isinstance(value, Share):
        right = _number(value.value) * value.count
        if not (0 <= right <= value.count and abs(right - round(right)) < ROUNDING):
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
            remedy=NAME_VERIFIER,
        )
    return number == 1


def _number(value: object) -> float:
    return float(value) if isinstance(value, (bool, int, float)) else math.nan
