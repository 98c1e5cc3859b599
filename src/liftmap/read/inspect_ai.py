"""The reader of inspect_ai logs: `.eval` (a zip of JSON files, with any compression) and `.json`.

Each sample is one response to a question; the epochs of a question are its responses. A scorer's C,
1 and true are right; I, 0 and false are wrong, and so are N (no answer) and P (in part right). A
sample that ended in an error, was invalidated, has no score, or the score NaN, is unscored. A
response is cut where the model stopped at max_tokens or at its context's end.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from liftmap.errors import InputError
from liftmap.progress import progress
from liftmap.read.golds import golds_of, letters_of
from liftmap.read.lines import json_document, parse
from liftmap.read.logs import Entry, outcomes_of
from liftmap.read.look import Glimpse, readable
from liftmap.read.outcomes import Outcomes, ReadOptions, drawing_settings

# Zip files compressed with zstandard, as the tool writes them, are read by Python from 3.14 on.
if sys.version_info >= (3, 14):
    import zipfile
else:
    from backports.zstd import zipfile

# What a score's letters and words mean; numbers are left to `metrics`.
WORDS = {
    **dict.fromkeys(("c", "true", "yes", "1"), True),
    **dict.fromkeys(("i", "p", "n", "false", "no", "0"), False),
}
CUT = ("max_tokens", "model_length", "length")
# The largest header or sample, in bytes; pieces in which it is read; and how much larger than the
# file all of them may be together.
LARGEST_PART = 256 << 20
PIECE_BYTES = 8192
MOST_TIMES = 1000
FREE_BYTES = 1 << 30
# Progress is worth a line above this many samples.
SHOWN_FROM = 5_000


def is_inspect_ai(file: Glimpse) -> bool:
    """A zip that begins with one of the tool's own names, or JSON with the keys of its header."""
    if file.container == "zip":
        begins = ("_journal/", "samples/", "header.json", "summaries.json", "reductions.json")
        return any(name.startswith(begins) for name in file.fields)
    return file.container == "json" and file.has("status", "eval")


def read_inspect_ai(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads logs of one task and one model.

    Args:
        source: What the user named.
        files: `.eval` and `.json` logs.
        options: The scorer (as metric), or what verifies the responses instead.

    Raises:
        InputError: See `logs.outcomes_of`; or a file is damaged or no such log.
    """
    warnings: list[str] = []

    def entries() -> Iterator[Entry]:
        warnings.clear()
        return (entry for file in files for entry in _entries(file, warnings))

    return outcomes_of(source, "inspect_ai", entries, options, warnings)


def task_of_log(file: Glimpse) -> str:
    """The task that a log is of, from its header alone; empty where that does not say it.

    Raises:
        InputError: The file is damaged or no such log.
    """
    parts = (
        _zip_parts(file.path) if file.container == "zip" else json_document(file.path, "samples")
    )
    for place, part in parts:
        if place:
            break
        if "eval" in part:
            return str(_table(part["eval"]).get("task") or "")
    return ""


def _entries(file: Glimpse, warnings: list[str]) -> Iterator[Entry]:
    partly = 0
    header: dict[str, Any] = {}
    parts = (
        _zip_parts(file.path) if file.container == "zip" else json_document(file.path, "samples")
    )
    for place, part in parts:
        if not place:
            header.update(part)
            continue
        spec = _table(header.get("eval"))
        entry, in_part = _entry(file.path, place, part, spec)
        partly += in_part
        yield entry
    if header.get("status") != "success":
        warnings.append(
            f"{file.path.name} is of a run that did not finish (status "
            f"{header.get('status', 'started')}); the questions it lacks are missing."
        )
    if partly:
        warnings.append(f"{partly:,} responses right in part (P) count as wrong.")


def _zip_parts(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The header, as ("", header), then each sample with its name in the zip."""
    with readable(path), zipfile.ZipFile(path) as archive:
        # A sample written anew has the name of the old one; the last counts.
        names = dict.fromkeys(archive.namelist())
        whole = sum(archive.getinfo(name).file_size for name in names)
        if whole > FREE_BYTES and whole > MOST_TIMES * path.stat().st_size:
            raise InputError(
                f"{path} unpacks to more than {MOST_TIMES:,} times its size.",
                seen=whole,
                remedy="It was made to fill a memory: take the log from where you trust it.",
            )
        header = next((n for n in ("header.json", "_journal/start.json") if n in names), None)
        if header is None:
            raise InputError(
                f"{path} is a zip file, but no log of inspect_ai.",
                seen=list(names)[:3],
                remedy="Name an .eval file that holds header.json.",
            )
        yield "", parse(_unpacked(archive, header, path), f"{path}, {header}")
        samples = [n for n in names if n.startswith("samples/") and n.endswith(".json")]
        bar = progress(f"read {path.name}", len(samples), "samples")
        with bar if len(samples) > SHOWN_FROM else nullcontext() as advance:
            for name in samples:
                yield name, parse(_unpacked(archive, name, path), f"{path}, {name}")
                if advance:
                    advance(1)


def _unpacked(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """The content of a file in a zip, read piece by piece: what it says of its size may be wrong.

    Raises:
        InputError: It is larger than any sample is.
    """
    content = bytearray()
    says = archive.getinfo(name).file_size
    if says <= LARGEST_PART:
        with archive.open(name) as file:
            # Little of what is packed at once: a few bytes can unpack to more than any memory.
            while len(content) <= LARGEST_PART and (piece := file.read(PIECE_BYTES)):
                content += piece
    if max(says, len(content)) > LARGEST_PART:
        raise InputError(
            f"{path}, {name} unpacks to more than {LARGEST_PART:,} bytes.",
            seen=says,
            remedy="It is no log that this tool wrote, or one of no use here: leave it out.",
        )
    return bytes(content)


def _entry(
    path: Path, row: str, sample: dict[str, Any], spec: dict[str, Any]
) -> tuple[Entry, bool]:
    """A sample as an entry, and whether a score gives credit in part."""
    name, epoch, asked = sample.get("id"), sample.get("epoch", 1), sample.get("input")
    if not isinstance(name, (int, str)) or asked is None:
        raise InputError(
            f"{path}, {row} is no sample of inspect_ai.",
            seen=sorted(sample)[:12],
            remedy="It needs id and input.",
        )
    scores = _scores(sample.get("scores"))
    output = _table(sample.get("output"))
    text = output.get("completion")
    listed = sample.get("choices")
    choices = tuple(map(str, listed)) if isinstance(listed, list) else ()
    entry = Entry(
        file=str(path),
        row=row,
        name=str(name),
        content=_chat(asked),
        numbered=isinstance(name, int),
        count=1,
        metrics={key: _verdict(score.get("value")) for key, score in scores.items()},
        answers={key: [_text(score.get("answer"))] for key, score in scores.items()},
        texts=[text] if isinstance(text, str) else None,
        reasoning=[_reasoning(output)] if isinstance(text, str) else None,
        question=_with_options(_chat(asked), choices),
        golds=golds_of(sample.get("target")),
        choices=choices,
        truncated=_cut(sample, output),
        failed=bool(sample.get("error") or sample.get("invalidation")),
        epoch=str(epoch),
        uid=str(sample.get("uuid") or ""),
        task=str(spec.get("task", "")),
        model=str(spec.get("model", "")),
        settings=drawing_settings(spec.get("model_generate_config")),
    )
    return entry, any(score.get("value") == "P" for score in scores.values())


def _scores(scores: object) -> dict[str, dict[str, Any]]:
    """Scores by name; a score that is a table of values gives one a key, as `scorer/key`."""
    found: dict[str, dict[str, Any]] = {}
    for name, score in _table(scores).items():
        table = _table(score)
        value = table.get("value")
        if isinstance(value, dict):
            found |= {f"{name}/{key}": {**table, "value": one} for key, one in value.items()}
        else:
            found[name] = table
    return found


def _with_options(question: str, choices: tuple[str, ...]) -> str:
    """A question with its choices, as the tool shows them to the model."""
    options = zip(letters_of(choices), choices, strict=False)
    return "\n".join([question, *(f"{letter}) {text}" for letter, text in options)])


def _verdict(value: object) -> object:
    return WORDS.get(value.strip().lower(), value) if isinstance(value, str) else value


def _cut(sample: dict[str, Any], output: dict[str, Any]) -> bool | None:
    """Whether the response was cut; None if the model's server did not say."""
    if _table(sample.get("limit")).get("type") == "token":
        return True
    choices = output.get("choices")
    first = _table(choices[0]) if isinstance(choices, list) and choices else {}
    reason = first.get("stop_reason")
    return None if reason in (None, "unknown") else reason in CUT


def _reasoning(output: dict[str, Any]) -> str:
    """What the model thought, where its server gave it apart from the text."""
    choices = output.get("choices")
    first = _table(choices[0]) if isinstance(choices, list) and choices else {}
    content = _table(first.get("message")).get("content")
    parts = content if isinstance(content, list) else []
    return "\n".join(str(_table(part).get("reasoning") or "") for part in parts).strip()


def _chat(asked: object) -> str:
    """A question's text: as it is, or the messages of a chat one below the other."""
    if isinstance(asked, list):
        return "\n".join(_content(_table(message).get("content")) for message in asked)
    return str(asked)


def _content(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(_table(part).get("text", "")) for part in content)
    return str(content)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
