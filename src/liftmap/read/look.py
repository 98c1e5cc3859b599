"""A first look at what was named: which files it means and what is at their beginning.

Knows containers (Parquet, zip, JSON, CSV, a folder of response shards), not formats: each reader
says from a `Glimpse` whether a file is its own.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from liftmap.errors import InputError, LiftmapError
from liftmap.files import disk, path_of
from liftmap.store import StudyFolder, response_set_at

Container = Literal["parquet", "zip", "json", "csv", "responses", "other"]

# In a folder only files of these endings are looked into; what is in them decides.
ENDINGS = (".csv", ".parquet", ".jsonl", ".json", ".eval")
# Enough for the first keys of a JSON document whose values are long.
HEAD_BYTES = 1 << 20
SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The beginning of a file.

    Attributes:
        path: The file, or the folder of a response set.
        container: How it is laid out.
        fields: Columns of a table, the first keys of the first JSON object, or names in a zip.
    """

    path: Path
    container: Container
    fields: frozenset[str]

    def has(self, *fields: str) -> bool:
        """Whether all of these fields are there."""
        return self.fields.issuperset(fields)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns whatever a damaged file makes a library raise into one message.

    Raises:
        InputError: The file is damaged or can't be read.
    """
    try:
        with disk(path):
            yield
    except LiftmapError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path} is damaged: {reason.rstrip('.')}.",
            remedy="Copy or write the file again.",
        ) from None


def glimpse(path: Path) -> Glimpse:
    """Looks at the beginning of a file.

    Raises:
        InputError: It is empty, or damaged so that not even its columns can be read.
    """
    if path.is_dir():
        return Glimpse(path, "responses" if _is_response_set(path) else "other", frozenset())
    with readable(path), path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.strip():
        raise InputError(f"{path} is empty.", remedy="Name a file with at least one question.")
    if head.startswith(b"PAR1"):
        with readable(path):
            columns = pl.scan_parquet(path.absolute(), glob=False).collect_schema()
        return Glimpse(path, "parquet", frozenset(columns))
    if head.startswith(b"PK\x03\x04"):
        # Names in a zip stand at its end; the first one is at the beginning too.
        size = int.from_bytes(head[26:28], "little")
        return Glimpse(path, "zip", frozenset([head[30 : 30 + size].decode("utf-8", "replace")]))
    text = head.decode("utf-8-sig", "replace").lstrip()
    if text.startswith("{"):
        return Glimpse(path, "json", frozenset(_first_keys(text)))
    first = text.splitlines()[0]
    if "," in first and first.isprintable():
        return Glimpse(path, "csv", frozenset(c.strip() for c in next(csv.reader([first]))))
    return Glimpse(path, "other", frozenset())


def _first_keys(text: str) -> Iterator[str]:
    """Keys of the JSON object at the beginning of `text`, as far as the text goes."""
    decoder, place = json.JSONDecoder(), 1
    try:
        while True:
            key, place = decoder.raw_decode(text, skip(text, place))
            if not isinstance(key, str):
                return
            yield key
            place = skip(text, place)
            if text[place] != ":":
                return
            _, place = decoder.raw_decode(text, skip(text, place + 1))
            place = skip(text, place)
            if text[place] != ",":
                return
            place += 1
    except (ValueError, IndexError, RecursionError):
        return


def skip(text: str, place: int) -> int:
    """The next place in a JSON text that is not white space."""
    found = SPACE.match(text, place)
    return found.end() if found else place


def files_of(source: str | Path) -> list[Path]:
    """The files, or the response set's folder, that a source names.

    Args:
        source: A file; a folder of logs; a response set, as `STUDY/responses/MODEL/SPLIT` or
            `STUDY:MODEL` (its test questions) or `STUDY:MODEL:SPLIT`.

    Raises:
        InputError: There is nothing of this name, or nothing in it.
    """
    path = path_of(source)
    if path.is_dir():
        return _files_below(path)
    if path.exists():
        return [path]
    study, *rest = str(source).split(":")
    if rest and len(rest) <= 2 and path_of(study).is_dir():
        split = rest[1] if len(rest) == 2 else "test"
        return [_response_set(StudyFolder(path_of(study)), rest[0], split)]
    raise InputError(
        f"{source} does not exist.",
        remedy="Name a tally, a log, a folder of logs, or a study's responses as STUDY:MODEL.",
    )


def _files_below(folder: Path) -> list[Path]:
    if _is_response_set(folder):
        return [folder]
    study = StudyFolder(folder)
    models = study.models("test")
    if study.config_file.exists() or models:
        raise InputError(
            f"{folder} is a whole study.",
            seen=models,
            remedy=f"Name one of its models, as {folder}:{models[0] if models else 'base'}.",
        )
    with disk(folder):
        found = sorted(p for p in folder.rglob("*") if p.suffix in ENDINGS and p.is_file())
    if not found:
        raise InputError(
            f"{folder} holds no file that could be a log.",
            remedy=f"Name a folder with {', '.join(ENDINGS)} files.",
        )
    return found


def _response_set(study: StudyFolder, model: str, split: str) -> Path:
    responses = study.responses(model, split)
    if not responses.shards():
        raise InputError(
            f"{study.path} holds no {split} responses of the model {model}.",
            seen=study.models(split),
            remedy="Name one of the models seen, or sample first.",
        )
    return responses.path


def _is_response_set(folder: Path) -> bool:
    responses = response_set_at(folder)
    return responses is not None and bool(responses.shards())
