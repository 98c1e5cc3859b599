"""Notes of people who read responses: "this verdict is wrong".

Part of the store. `liftmap view` writes them, a JSON object a line, into `notes.jsonl` of a study
folder, or beside a log as `<log>.notes.jsonl`; `verify` and `audit` read those of a folder. A line
is only ever added: a later one about the same response replaces the earlier, or takes it back. The
file is a person's own, so it has no seal and may be edited.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from liftmap.errors import StoreError
from liftmap.files import disk
from liftmap.records import VerdictLabel
from liftmap.store.response_set import RESPONSES, ResponseSet
from liftmap.store.rows import KEY

NOTES = "notes.jsonl"
VERDICTS: tuple[VerdictLabel, ...] = ("right", "wrong", "unscored")
NOTED_SCHEMA = pl.Schema(
    {
        "model": pl.String(),
        "split": pl.String(),
        "question_id": pl.String(),
        "response_index": pl.Int32(),
        "noted_as_wrong": pl.String(),
        "noted_verifier": pl.String(),
        "comment": pl.String(),
    }
)


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody says of a verdict.

    Attributes:
        question_id: The question.
        response_index: The response; in a log its number among those to the question, from 0.
        verdict: The verdict that is wrong.
        answer: The answer that the verdict was about; empty where none was found.
        model: The model's name in its folder, or the source as the user named it.
        split: The question set; empty for a log.
        verifier: Whose verdict it is; empty where the source does not say.
        comment: What the reader adds.
        time: When, by UTC, as ISO 8601 has it.
        taken_back: Whether this takes the earlier note about this response back.
    """

    question_id: str
    response_index: int
    verdict: VerdictLabel
    answer: str = ""
    model: str = ""
    split: str = ""
    verifier: str = ""
    comment: str = ""
    time: str = ""
    taken_back: bool = False

    @property
    def response(self) -> tuple[str, str, str, int]:
        """What it is about: model, split, question and response."""
        return self.model, self.split, self.question_id, self.response_index


def notes_file(source: Path) -> Path:
    """Where notes on a folder, or on a log, are kept.

    Args:
        source: A study folder, or one that `liftmap sample` made; or a log, a file or a folder.
    """
    if (source / RESPONSES).is_dir():
        return source / NOTES
    return source.absolute().with_name(f"{source.absolute().name}.{NOTES}")


def add_note(file: Path, note: Note) -> Note:
    """Adds a note, with the time; gives it as it is kept.

    Raises:
        StoreError: It can't be written.
    """
    timed = {**asdict(note), "time": datetime.now(UTC).isoformat(timespec="seconds")}
    line = json.dumps(timed, ensure_ascii=True) + "\n"
    with disk(file), file.open("ab") as lines:
        lines.write(line.encode())
        lines.flush()
        os.fsync(lines.fileno())
    return Note(**timed)


def read_notes(file: Path) -> list[Note]:
    """The notes that stand, in the order in which they were made; none where there is no file.

    Raises:
        StoreError: A line is not a note; the message names it.
    """
    if not file.exists():
        return []
    with disk(file):
        lines = file.read_bytes().splitlines()
    standing: dict[tuple[str, str, str, int], Note] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        note = _note(file, number, line)
        standing.pop(note.response, None)
        if not note.taken_back:
            standing[note.response] = note
    return list(standing.values())


def _note(file: Path, number: int, line: bytes) -> Note:
    remedy = "Correct or delete that line."
    try:
        values = json.loads(line)
        note = Note(**values)
    except (ValueError, TypeError, RecursionError):
        raise StoreError(
            f"{file}, line {number} is not a note.",
            seen=line[:80].decode("utf-8", "replace"),
            remedy=remedy,
        ) from None
    texts = (note.question_id, note.model, note.split, note.verifier, note.answer, note.comment)
    if (
        note.verdict not in VERDICTS
        or type(note.response_index) is not int
        or not 0 <= note.response_index < 2**31
        or not all(isinstance(text, str) for text in texts)
    ):
        raise StoreError(f"{file}, line {number} is not a note.", seen=note.response, remedy=remedy)
    return note


def noted_responses(target: ResponseSet, notes: Iterable[Note]) -> pl.DataFrame:
    """The notes on one response set, a row each; columns of `NOTED_SCHEMA`."""
    rows = [
        {
            "model": note.model,
            "split": note.split,
            "question_id": note.question_id,
            "response_index": note.response_index,
            "noted_as_wrong": note.verdict,
            "noted_verifier": note.verifier,
            "comment": note.comment,
        }
        for note in notes
        if (note.model, note.split) == (target.model, target.split)
    ]
    return pl.DataFrame(rows, schema=NOTED_SCHEMA)


def verdicts_on_noted(target: ResponseSet, verifier: str, noted: pl.DataFrame) -> pl.DataFrame:
    """What a verifier says of the responses that were noted.

    Args:
        target: The responses.
        verifier: It has judged some of them or all.
        noted: From `noted_responses`.

    Returns:
        `noted` with the column `verdict`; null where it has not judged the response.

    Raises:
        StoreError: A shard can't be read.
    """
    judged = [
        target.read_verdicts(verifier, shard)
        .select(*KEY, pl.col("verdict").cast(pl.String))
        .join(noted.select(KEY), on=KEY, how="semi")
        for shard in (target.verdict_shards(verifier) if len(noted) else [])
    ]
    there = pl.concat(
        [pl.DataFrame(schema={**{k: NOTED_SCHEMA[k] for k in KEY}, "verdict": pl.String}), *judged]
    )
    return noted.join(there, on=KEY, how="left", maintain_order="left")
