"""Log files in parts: lines of JSON, samples of one large JSON document, with progress.

A log may be larger than memory; its readers get one part at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from liftmap.errors import InputError
from liftmap.progress import progress
from liftmap.read.look import readable, skip

# Progress is worth a line above this many bytes.
SHOWN_FROM = 20_000_000
MEGABYTE = 1_000_000


def parse(text: str | bytes, place: str) -> dict[str, Any]:
    """One JSON object.

    Raises:
        InputError: It is none; the message names the place.
    """
    try:
        value = from_json(text)
    except ValueError as error:
        raise InputError(
            f"{place} is no JSON: {error}.",
            seen=text[-60:],
            remedy="If the file was cut off, write it again; else correct that line.",
        ) from None
    if not isinstance(value, dict):
        raise InputError(
            f"{place} is no JSON object.", seen=str(value)[:60], remedy="Correct that line."
        )
    return value


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSONL file, with their line numbers from 1.

    Raises:
        InputError: A line is no JSON object.
    """
    size = path.stat().st_size
    bar = progress(f"read {path.name}", size // MEGABYTE, "MB")
    with (
        readable(path),
        path.open("rb") as lines,
        bar if size > SHOWN_FROM else nullcontext() as go,
    ):
        waiting = 0
        for number, line in enumerate(lines, 1):
            waiting += len(line)
            if go and waiting > MEGABYTE:
                go(waiting / MEGABYTE)
                waiting = 0
            if line.strip():
                yield number, parse(line, f"{path}, line {number}")


def json_document(path: Path, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """One JSON object: its values, then the objects of the list under `key`, one at a time.

    Args:
        path: The file, which is held in memory as text.
        key: Where the list is.

    Yields:
        ("", {name: value}) for each other key, in the document's order; and (place, object) for
        each object of the list, its place as `samples 3`.

    Raises:
        InputError: The document is cut off or no JSON.
    """
    with readable(path):
        text = path.read_text("utf-8-sig")
    document = _Document(text, path)
    bar = progress(f"read {path.name}", len(text) // MEGABYTE, "MB")
    with bar if len(text) > SHOWN_FROM else nullcontext() as go:
        document.expect("{")
        while not document.at("}"):
            name = document.value()
            document.expect(":")
            if name == key and document.at("["):
                number = 0
                while not document.at("]"):
                    number, before = number + 1, document.place
                    value = document.value()
                    if not isinstance(value, dict):
                        raise document.broken(f"{key} {number} is no object")
                    yield f"{key} {number}", value
                    if go:
                        go((document.place - before) / MEGABYTE)
                    document.comma("]")
            else:
                yield "", {str(name): document.value()}
            document.comma("}")


class _Document:
    """A place in a JSON text, and what stands there."""

    def __init__(self, text: str, path: Path) -> None:
        self.text, self.path, self.place = text, path, 0
        self.decoder = json.JSONDecoder()

    def at(self, mark: str) -> bool:
        """Whether `mark` comes next; it is passed over if so."""
        self.place = skip(self.text, self.place)
        found = self.text.startswith(mark, self.place)
        self.place += found
        return found

    def expect(self, mark: str) -> None:
        if not self.at(mark):
            raise self.broken(f"{mark} is missing")

    def comma(self, end: str) -> None:
        """Passes over a comma, or stays before the mark that ends the list or object."""
        if not self.at(",") and not self.text.startswith(end, self.place):
            raise self.broken(f"{end} is missing")

    def value(self) -> Any:
        self.place = skip(self.text, self.place)
        try:
            value, self.place = self.decoder.raw_decode(self.text, self.place)
        except (ValueError, RecursionError) as error:
            raise self.broken(str(error)) from None
        return value

    def broken(self, problem: str) -> InputError:
        line = self.text.count("\n", 0, self.place) + 1
        return InputError(
            f"{self.path}, line {line} is no JSON: {problem}.",
            seen=self.text[max(0, self.place - 30) : self.place + 30],
            remedy="If the file was cut off, write it again; else correct that line.",
        )
