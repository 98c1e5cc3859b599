"""A first look at what was named: which files it means and what is at their beginning.

Knows containers (Parquet, zip, JSON, CSV, NumPy, a folder of response shards or of a data set), not
formats: each reader says from a `Glimpse` whether a file is its own.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from liftmap.errors import InputError, LiftmapError
from liftmap.files import disk, path_of
from liftmap.registry import nearest
from liftmap.store import StudyFolder, response_set_at

Container = Literal[
    "parquet", "zip", "json", "array", "csv", "npy", "dataset", "responses", "other"
]
# What stands under a key of a JSON object; "cut" where the glimpse ends before it does.
Kind = Literal["text", "number", "bool", "null", "list", "object", "cut"]

# In a folder only files of these endings are looked into; what is in them decides.
ENDINGS = (".csv", ".parquet", ".jsonl", ".json", ".eval", ".npy")
# What may part the columns of a CSV: where a comma writes the decimals, a semicolon does.
SEPARATORS = (",", ";", "\t")
# Enough for the first keys of a JSON document whose values are long.
HEAD_BYTES = 1 << 20
SPACE = re.compile(r"\s*")
_STEPS = re.compile(r"(?P<path>.+):(?P<first>\d+)(?:-(?P<last>\d+))?")


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The beginning of a file.

    Attributes:
        path: The file, or the folder of a response set.
        container: How it is laid out; `array` is a JSON list, `dataset` a folder that Hugging
            Face's `save_to_disk` wrote.
        fields: Columns of a table, the first keys of the first JSON object, or names in a zip.
        kinds: Of JSON and Parquet: what stands under each of these keys.
        names: Columns that the user has named: the file's own name for each of ours.
        separator: Of CSV: what parts its columns.
    """

    path: Path
    container: Container
    fields: frozenset[str]
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    separator: str = ","

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
        if "utf-8" in reason.lower():
            raise _not_utf8(path, reason.rstrip(".")) from None
        raise InputError(
            f"{path} is damaged: {reason.rstrip('.')}.",
            remedy="Copy or write the file again.",
        ) from None


def _not_utf8(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path} is not text in UTF-8: {reason}.",
        remedy="Save it in UTF-8 (in Excel: CSV UTF-8), or copy it again if it is damaged.",
    )


def glimpse(path: Path) -> Glimpse:
    """Looks at the beginning of a file.

    Raises:
        InputError: It is empty, or damaged so that not even its columns can be read.
    """
    if path.is_dir():
        if _is_dataset(path):
            return Glimpse(path, "dataset", frozenset(_features(path)))
        return Glimpse(path, "responses" if _is_response_set(path) else "other", frozenset())
    with readable(path), path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.strip():
        raise InputError(f"{path} is empty.", remedy="Name a file with at least one question.")
    if head.startswith(b"PAR1"):
        with readable(path):
            columns = pl.scan_parquet(path.absolute(), glob=False).collect_schema()
            kinds = {name: _kind_of(dtype) for name, dtype in columns.items()}
        return Glimpse(path, "parquet", frozenset(kinds), kinds)
    if head.startswith(b"PK\x03\x04"):
        # Names in a zip stand at its end; the first one is at the beginning too.
        size = int.from_bytes(head[26:28], "little")
        return Glimpse(path, "zip", frozenset([head[30 : 30 + size].decode("utf-8", "replace")]))
    if head.startswith(b"\x93NUMPY"):
        return Glimpse(path, "npy", frozenset())
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _not_utf8(path, "it begins as UTF-16 does")
    text = head.decode("utf-8-sig", "replace").lstrip()
    if text.startswith("{"):
        kinds = dict(_first_keys(text, 0))
        return Glimpse(path, "json", frozenset(kinds), kinds)
    if text.startswith("["):
        kinds = dict(_first_keys(text, skip(text, 1)))
        return Glimpse(path, "array", frozenset(kinds), kinds)
    first = text.splitlines()[0]
    separator, header = _parted(first)
    if len(header) > 1 and first.replace("\t", "").isprintable():
        return Glimpse(path, "csv", frozenset(header), separator=separator)
    return Glimpse(path, "other", frozenset())


def _parted(header: str) -> tuple[str, list[str]]:
    """What parts the columns of a CSV's first line, and their names: what gives the most of them.

    A comma is taken before a semicolon or a tab that gives as many.
    """
    headers = {mark: next(csv.reader([header], delimiter=mark)) for mark in SEPARATORS}
    separator = max(SEPARATORS, key=lambda mark: len(headers[mark]))
    return separator, [name.strip() for name in headers[separator]]


def _first_keys(text: str, start: int) -> Iterator[tuple[str, Kind]]:
    """Keys of the JSON object that begins at `start`, as far as the text goes, and their values."""
    decoder, place = json.JSONDecoder(), start + 1
    if not text.startswith("{", start):
        return
    key = None
    try:
        while True:
            key, place = decoder.raw_decode(text, skip(text, place))
            if not isinstance(key, str):
                return
            place = skip(text, place)
            if text[place] != ":":
                yield key, "cut"
                return
            value, place = decoder.raw_decode(text, skip(text, place + 1))
            yield key, _kind(value)
            key = None
            place = skip(text, place)
            if text[place] != ",":
                return
            place += 1
    except (ValueError, IndexError, RecursionError):
        if isinstance(key, str):
            yield key, "cut"


def _kind_of(dtype: pl.DataType) -> Kind:
    """The same of a column of Parquet."""
    if dtype.is_nested():
        return "object" if isinstance(dtype, pl.Struct) else "list"
    if dtype == pl.Boolean:
        return "bool"
    return "number" if dtype.is_numeric() else "text"


def _kind(value: object) -> Kind:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    names: dict[type, Kind] = {str: "text", list: "list", dict: "object"}
    return names.get(type(value), "null")


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
        remedy=f"{_near(path)}Name a tally, a log, a folder of logs, or a study's responses as "
        "STUDY:MODEL.",
    )


def _near(path: Path) -> str:
    """A question that names the file of the same folder whose name is closest, if one is."""
    try:
        names = [file.name for file in path.parent.iterdir()]
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean {str(path.with_name(close[0]))!r}? " if close else ""


def steps_of(source: str | Path) -> tuple[str, tuple[int, int] | None]:
    """A source without the steps that it names, and the first and the last of them.

    Args:
        source: `FOLDER:100`, `FILE:100` or `FOLDER:100-200`, where FOLDER or FILE exists; whatever
            else there is names no steps.
    """
    named = _STEPS.fullmatch(str(source))
    if named is None or path_of(source).exists():
        return str(source), None
    path = path_of(named["path"])
    if not path.exists() or (path.is_dir() and StudyFolder(path).config_file.exists()):
        return str(source), None
    first = int(named["first"])
    return named["path"], (first, int(named["last"] or first))


def _is_dataset(folder: Path) -> bool:
    """Whether Hugging Face's `save_to_disk` wrote this folder, with one split or several."""
    is_dataset = (folder / "state.json").exists() and (folder / "dataset_info.json").exists()
    return is_dataset or (folder / "dataset_dict.json").exists()


def _features(folder: Path) -> list[str]:
    """Columns of a data set.

    Raises:
        InputError: It has several splits, or is damaged.
    """
    splits = folder / "dataset_dict.json"
    with readable(folder):
        if splits.exists():
            raise InputError(
                f"{folder} is a data set of several splits.",
                seen=json.loads(splits.read_text("utf-8")).get("splits"),
                remedy="Name the folder of one of them.",
            )
        info = json.loads((folder / "dataset_info.json").read_text("utf-8"))
        return list(info["features"])


def _files_below(folder: Path) -> list[Path]:
    if _is_response_set(folder) or _is_dataset(folder):
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
            remedy=f"{nearest(model, study.models(split))} Or sample first.",
        )
    return responses.path


def _is_response_set(folder: Path) -> bool:
    responses = response_set_at(folder)
    return responses is not None and bool(responses.shards())
