"""What the logs of all evaluation tools have in common: entries in, outcomes out.

A tool's reader yields an `Entry` for each line of its log: a question, its responses, and what each
metric says of them. Here it is checked that the log is of one task and one model and has no line
twice; `metrics` then finds the verdicts, or the responses are verified anew.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from liftmap.errors import InputError
from liftmap.read.golds import letter_of, letters_of
from liftmap.read.metrics import Metrics, Verdicts
from liftmap.read.outcomes import (
    TEXTS,
    Judge,
    Outcomes,
    ReadOptions,
    from_rows,
    unfinished_thoughts,
)
from liftmap.records import ENDED_WHILE_THINKING, Question, Tally
from liftmap.store import exhausted_verifier

# Lines of a log that are handed to the judge at a time.
JUDGED_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a log: the responses of a model to a question.

    Attributes:
        file: The file it is in.
        row: Where in the file, as `row 3`.
        name: The question's id in the log.
        content: Whatever the log has of the question that does not depend on the model.
        numbered: Whether the name is merely the question's place in the data set. Its id then
            holds a hash of its content too, so that two logs agree on it only where both do.
        count: How many responses there are.
        metrics: What each metric says; see `metrics.Metrics.add`.
        answers: By metric, the answer found in each response (None: none), where known.
        texts: The responses, if the log has them; None in place of one that the tool did not get.
        reasoning: What the model thought before each, if the log has it apart from the texts.
        question: The question's text.
        golds: The gold answers, if the log has any; a response may agree with any of them.
        choices: The texts of the choices of a multiple-choice question, A first, if the log has
            them.
        truncated: Whether the responses were cut by the token limit; None if the log doesn't say.
        failed: The responses have no verdict for a cause that isn't the model's: unscored.
        epoch: Sets lines with further responses to the same question apart.
        filter: Sets lines apart that look at the same responses in several ways.
        uid: The same in two files for one and the same responses, copied by a resumed run.
        task: The task's name, if the log has it.
        model: The model's name, if the log has it.
        settings: How the responses were drawn, as in `Outcomes`, if the log has it.
        prompt: The whole text that the model was given, templates and examples included, if the log
            has it.
    """

    file: str
    row: str
    name: str
    content: object
    numbered: bool
    count: int
    metrics: dict[str, object]
    answers: dict[str, list[str | None]] = field(default_factory=dict)
    texts: list[str | None] | None = None
    reasoning: list[str] | None = None
    question: str = ""
    golds: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    truncated: bool | None = None
    failed: bool = False
    epoch: str = ""
    filter: str = ""
    uid: str = ""
    task: str = ""
    model: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    prompt: str = ""

    @property
    def place(self) -> str:
        """File and row."""
        return f"{self.file}, {self.row}"

    @property
    def question_id(self) -> str:
        """The question's id among the outcomes."""
        return f"{self.name}-{self.content_hash}" if self.numbered else self.name

    @property
    def responses(self) -> tuple[str, str, str]:
        """The same for lines that look at the same responses."""
        return self.file, self.question_id, self.epoch

    @property
    def missing(self) -> list[int]:
        """Places of the responses that the tool did not get."""
        return [at for at, text in enumerate(self.texts or ()) if text is None]

    @property
    def content_hash(self) -> str:
        """Eight hexadecimal digits."""
        return digest_of(
            self.content
            if isinstance(self.content, str)
            else json.dumps(self.content, sort_keys=True, default=str)
        )


def digest_of(text: str) -> str:
    """Eight hexadecimal digits that stand for a text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


@dataclass(slots=True)
class _Seen:
    """What is known of a log, as far as it has been read.

    Attributes:
        golds: Gold answers by question_id, in the order of the log.
        files: The question_ids of each file.
        cut_known: Whether the log says which responses were cut.
        copies: Entries left out since another file has them too.
        judged: Responses that were verified here.
        unfinished: Those of them that ended while thinking.
        exhausted: Those of each question that are wrong since they exhausted the verifier.
        without_text: Responses that can't be verified here, since the log lacks their texts.
        first_without_text: File and row of the first of them.
        several_golds: Questions with more than one gold answer.
        model: The model, if the log says it.
        settings: How the responses were drawn: what the log says of all of them alike.
        prompts: A digest of the prompt of each question, where known.
        texts: Whether the log holds texts of responses.
    """

    golds: dict[str, str | None] = field(default_factory=dict)
    files: dict[str, set[str]] = field(default_factory=dict)
    cut_known: bool = False
    copies: int = 0
    judged: int = 0
    unfinished: int = 0
    exhausted: Counter[str] = field(default_factory=Counter)
    without_text: int = 0
    first_without_text: str = ""
    several_golds: set[str] = field(default_factory=set)
    model: str = ""
    settings: dict[str, object] | None = None
    prompts: dict[str, str] = field(default_factory=dict)
    texts: bool = False


def outcomes_of(
    source: str,
    format: str,
    entries: Callable[[], Iterable[Entry]],
    options: ReadOptions,
    warnings: Sequence[str] = (),
) -> Outcomes:
    """Outcomes of a log.

    Args:
        source: What the user named.
        format: The reader's name.
        entries: Gives the lines of the log, in its order; called once, and again whenever the
            texts are asked for.
        options: The metric to take, or what verifies the responses instead.
        warnings: What the reader has to say; looked at after the entries were read.

    Raises:
        InputError: The log is empty, of two tasks or models, or has a line twice; no metric gives
            each response a verdict, and no verifier was named; a verifier was named but can't work.
    """
    seen, metrics, wanted = _Seen(), Metrics(), options.metric
    lines = _checked(source, entries(), seen)
    if options.verifier is not None:
        if options.metric is not None:
            raise InputError(
                "Verdicts are either those of a metric of the log (--metric) or those of a "
                "verifier (--verifier).",
                seen=[options.metric, options.verifier],
                remedy="Leave one of them out.",
            )
        if options.judge is None:
            raise InputError(
                f"{source} is to be verified, but nothing was given that can do it.",
                seen=options.verifier,
                remedy="Give the argument judge together with verifier.",
            )
        wanted = options.verifier
        lines = _judged(lines, wanted, options.judge, seen)
    for line in lines:
        metrics.add(
            line.question_id,
            line.count,
            line.metrics,
            line.answers,
            key=line.responses,
            truncated=bool(line.truncated),
            place=line.place,
            failed=line.failed,
            missing=line.missing,
        )
    if seen.without_text and not seen.judged:
        raise InputError(
            f"{seen.first_without_text} holds no texts of responses that could be verified here, "
            f"nor does the rest of {source}.",
            seen=options.verifier,
            remedy="Leave --verifier out to take the log's own verdicts.",
        )
    rows, said = metrics.choose(source, wanted)
    if options.verifier is not None and not rows["right"].any():
        gold = next(iter(seen.golds.values()), None)
        said.append(
            f"The verifier {options.verifier} calls no response right; does it read gold answers "
            f"such as {gold!r}?"
        )
    if seen.without_text:
        said.append(
            f"{seen.without_text:,} responses have no text in the log, so they could not be "
            "verified: unscored."
        )
    if seen.several_golds:
        said.append(
            f"{len(seen.several_golds):,} questions have several gold answers; a response is right "
            "if it agrees with any of them."
        )
    said += unfinished_thoughts(seen.unfinished, seen.judged)
    if len(seen.files) > 1:
        shared = set.intersection(*seen.files.values())
        if shared:
            said.append(
                f"{len(shared):,} questions are in all {len(seen.files)} files of {source}; their "
                "responses are counted together."
            )
    if seen.copies:
        said.append(f"{seen.copies:,} responses are in several files of {source}; counted once.")
    if not seen.cut_known:
        said.append("The log does not say which responses were cut by the token limit.")
    golds = pl.DataFrame(
        {"question_id": list(seen.golds), "gold": list(seen.golds.values())},
        schema={"question_id": pl.String, "gold": pl.String},
    )
    known = golds["gold"].null_count() < len(golds)
    outcomes = from_rows(source, format, rows, golds if known else None, [*warnings, *said])
    return replace(
        outcomes,
        model=seen.model or None,
        tally=_with_exhausted(outcomes.tally, seen),
        settings=seen.settings or {},
        prompts=seen.prompts,
        responses=_with_texts(entries, metrics.verdicts()) if seen.texts else None,
    )


def _with_texts(
    entries: Callable[[], Iterable[Entry]], verdicts: Verdicts | None
) -> pl.LazyFrame | None:
    """The responses with their texts, read anew: `Outcomes.responses`."""
    if verdicts is None:
        return None

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        rows = islice(_text_rows(entries(), verdicts), n_rows)
        while part := list(islice(rows, JUDGED_AT_ONCE)):
            frame = pl.DataFrame(part, schema=TEXTS, orient="row")
            frame = frame if predicate is None else frame.filter(predicate)
            yield frame if with_columns is None else frame.select(with_columns)

    return register_io_source(source, schema=TEXTS)


def _text_rows(entries: Iterable[Entry], verdicts: Verdicts) -> Iterator[tuple[object, ...]]:
    """A row for each response that has a text, each once; in the order of `TEXTS`."""
    done: set[Hashable] = set()
    for entry in entries:
        if entry.responses in done or entry.responses not in verdicts:
            continue
        done.add(entry.responses)
        verdicts_of_entry = verdicts[entry.responses]
        thoughts = entry.reasoning or [""] * entry.count
        asked = entry.prompt or entry.question
        for place, text in enumerate(entry.texts or ()):
            if text is not None and place < len(verdicts_of_entry):
                right, answer = verdicts_of_entry[place]
                values = (right, asked, text, thoughts[place], answer, None)
                yield entry.question_id, *values, entry.truncated


def _with_exhausted(tally: Tally, seen: _Seen) -> Tally:
    """The tally with the responses that exhausted the verifier, where they were verified here."""
    if not seen.judged:
        return tally
    spent = [seen.exhausted[question_id] for question_id in tally.question_ids.tolist()]
    return replace(tally, exhausted=np.array(spent, dtype=np.int64))


def _checked(source: str, entries: Iterable[Entry], seen: _Seen) -> Iterator[Entry]:
    """The entries as they are.

    Raises:
        InputError: They are of two tasks or models, one occurs twice, or there are none.
    """
    first: dict[tuple[str, ...], tuple[str, str]] = {}
    rows: dict[tuple[str, str, str, str], str] = {}
    uids: set[str] = set()
    for entry in entries:
        for what, value in (("task", entry.task), ("model", entry.model)):
            if not value:
                continue
            known, place = first.setdefault((what,), (value, entry.place))
            if known != value:
                raise InputError(
                    f"{source} is of two {what}s: {known} in {place}; {value} in {entry.place}.",
                    remedy=f"Name the logs of one {what}.",
                )
        if entry.uid and entry.uid in uids:
            seen.copies += 1
            continue
        uids.add(entry.uid)
        content = entry.content_hash
        known, place = first.setdefault(("question", entry.name), (content, entry.place))
        if known != content:
            raise InputError(
                f"{source} has two different questions of one id, in {place} and in "
                f"{entry.place}: it is a mix of two tasks, or of two versions of one.",
                seen=entry.name,
                remedy="Name the logs of one task.",
            )
        key = (entry.file, entry.name, entry.epoch, entry.filter)
        if key in rows:
            raise InputError(
                f"{entry.file} has the responses to a question twice, in {rows[key]} and in "
                f"{entry.row}.",
                seen=entry.name,
                remedy="Remove one, or name another copy of the log.",
            )
        rows[key] = entry.row
        question_id = entry.question_id
        seen.golds.setdefault(question_id, entry.golds[0] if entry.golds else None)
        seen.files.setdefault(entry.file, set()).add(question_id)
        seen.cut_known |= entry.truncated is not None
        seen.texts |= bool(entry.texts)
        seen.model = seen.model or entry.model
        known_settings = entry.settings if seen.settings is None else seen.settings
        seen.settings = dict(known_settings.items() & entry.settings.items())
        if entry.prompt:
            seen.prompts.setdefault(question_id, digest_of(entry.prompt))
        yield entry
    if not rows:
        raise InputError(f"{source} holds no responses.", remedy="Name a log of a finished run.")


def _judged(entries: Iterable[Entry], verifier: str, judge: Judge, seen: _Seen) -> Iterator[Entry]:
    """The entries with the verdicts of `judge` alone, each response once."""
    lines = iter(entries)
    done: set[tuple[str, str, str]] = set()
    while part := list(islice(lines, JUDGED_AT_ONCE)):
        chosen: list[Entry] = []
        for entry in part:
            if entry.responses not in done:
                done.add(entry.responses)
                chosen.append(_with_letters(entry) if verifier == "choice" else entry)
        questions = {q.question_id: q for entry in chosen for q in _questions(entry)}
        texts = [text for entry in chosen for text in _texts(entry, seen)]
        verdicts = _verdicts(texts, questions, judge, seen)
        for entry in chosen:
            if entry.failed:
                yield entry
                continue
            found = _found(entry, verdicts)
            seen.exhausted[entry.question_id] += sum(each.exhausted for each in found)
            yield replace(
                entry,
                metrics={verifier: [each.right for each in found]},
                answers={verifier: [each.answer for each in found]},
            )


def _with_letters(entry: Entry) -> Entry:
    """The entry with letters in place of gold answers that are texts of its choices."""
    letters = dict.fromkeys(letter_of(gold, entry.choices) for gold in entry.golds)
    return replace(entry, golds=tuple(letters))


def _questions(entry: Entry) -> Iterator[Question]:
    """The question of an entry once for each gold answer, by an id of its own."""
    letters = letters_of(entry.choices)
    for place, gold in enumerate(entry.golds or ("",)):
        metadata = {"letters": letters} if letters else {}
        yield Question(_gold_id(entry, place), entry.question, gold, metadata=metadata)


def _gold_id(entry: Entry, place: int) -> str:
    """The id of a question with the gold answer in this place, from 0."""
    return f"{entry.question_id}\n{place}" if place else entry.question_id


def _texts(entry: Entry, seen: _Seen) -> Iterator[tuple[str, int, str, str]]:
    """What the judge is asked of an entry: each response once for each gold answer."""
    if entry.failed:
        return
    if entry.texts is None or len(entry.texts) != entry.count:
        seen.without_text += entry.count
        seen.first_without_text = seen.first_without_text or entry.place
        return
    if len(entry.golds) > 1:
        seen.several_golds.add(entry.question_id)
    thoughts = entry.reasoning or [""] * entry.count
    for index, (text, thought) in enumerate(zip(entry.texts, thoughts, strict=True)):
        if text is not None:
            for gold in range(max(1, len(entry.golds))):
                yield _gold_id(entry, gold), index, text, thought


class _Found(NamedTuple):
    """What the judge says of a response.

    Attributes:
        right: Whether it is right; None: unscored.
        answer: The answer found in it; None: none.
        exhausted: Whether it is wrong since it exhausted the verifier.
    """

    right: bool | None = None
    answer: str | None = None
    exhausted: bool = False


def _found(entry: Entry, verdicts: Iterator[_Found]) -> list[_Found]:
    """The verdict of each response of an entry; `verdicts` are those of its `_texts`.

    Right is what agrees with any gold answer. A gold answer that can't be used leaves the others;
    one with which no comparison came to an end leaves open whether a wrong response is right.
    """
    if entry.texts is None or len(entry.texts) != entry.count:
        return [_Found()] * entry.count
    found: list[_Found] = []
    for text in entry.texts:
        if text is None:
            found.append(_Found())
            continue
        by_gold = list(islice(verdicts, max(1, len(entry.golds))))
        order = (True, False, None)
        best = min(by_gold, key=lambda each: (order.index(each.right), not each.exhausted))
        found.append(best)
    return found


def _verdicts(
    texts: list[tuple[str, int, str, str]],
    questions: dict[str, Question],
    judge: Judge,
    seen: _Seen,
) -> Iterator[_Found]:
    """The verdict of each response."""
    if not texts:
        return iter(())
    columns = {
        "question_id": pl.String,
        "response_index": pl.Int32,
        "text": pl.String,
        "reasoning": pl.String,
    }
    found = judge(pl.DataFrame(texts, schema=columns, orient="row"), questions)
    if len(found) != len(texts):
        raise ValueError(f"the judge gave {len(found)} verdicts for {len(texts)} responses")
    # A response is judged once for each gold answer.
    first = ~found["question_id"].str.contains("\n", literal=True)
    seen.judged += int(first.sum())
    if "reason" in found.columns:
        seen.unfinished += int((first & (found["reason"] == ENDED_WHILE_THINKING)).sum())
    verdict = pl.col("verdict").cast(pl.String)
    rows = found.select(
        right=pl.when(verdict != "unscored").then(verdict == "right"),
        answer=pl.col("answer").replace("", None),
        exhausted=exhausted_verifier() if "reason" in found.columns else pl.lit(False),
    ).iter_rows()
    return (_Found(*row) for row in rows)
