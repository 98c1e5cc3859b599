"""Whole files or none: how everything under a study folder is written and read.

Used by the store and by training; knows no file names. A file is written under a temporary name and
renamed into place, so a kill leaves either all of it or none. What the system refuses (a full disk,
missing rights) and what is damaged becomes one message with a remedy.
"""

from __future__ import annotations

import errno
import json
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from liftmap.errors import InputError, LiftmapError, SettingsDifferError, StoreError
from liftmap.seals import (
    JSON_KEY,
    UNSEALED,
    facts_of_parquet,
    seal,
    seal_of,
    sealed_json,
    sealed_parquet,
)
from liftmap.stopping import in_order


def path_of(name: str | Path) -> Path:
    """The path that a user means: `~` at the beginning is a home, unless a file is called so.

    A name such as `~x.csv`, of no user of this machine, stands for itself.
    """
    path = Path(name)
    if path.exists():
        return path
    try:
        return path.expanduser()
    except RuntimeError:
        return path


@contextmanager
def disk(path: Path, special: bool = False) -> Iterator[None]:
    """Turns the system's errors about `path` into one message with a remedy.

    Args:
        path: What is read or written in the block.
        special: Whether it may be a pipe or a device: reading one may never end.
    """
    try:
        _refuse_name(path)
        if not special:
            _refuse_special(path)
        yield
    except LiftmapError:
        raise
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreError(
            f"{error.filename or path} is a file where a folder is needed.",
            remedy="Name another folder with --out, or move that file.",
        ) from None
    except FileNotFoundError as error:
        raise StoreError(
            f"{error.filename or path} does not exist.",
            remedy="Run the stage that writes it first, or check the path.",
        ) from None
    except PermissionError as error:
        raise StoreError(
            f"{error.filename or path} can't be written or read: no permission.",
            remedy="Choose another folder with --out, or change its rights.",
        ) from None
    except IsADirectoryError as error:
        raise StoreError(
            f"{error.filename or path} is a folder where a file is needed.",
            remedy="Name another file, or move that folder.",
        ) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise StoreError(
                f"{path} has a name that is too long.", remedy="Choose a shorter one."
            ) from None
        raise _unusable(path, error.strerror or str(error)) from None
    except UnicodeEncodeError as error:
        raise StoreError(
            f"{path} could not be written: {error}.",
            remedy="Names and texts of a study are UTF-8: rename what is not.",
        ) from None
    except Exception as error:
        # Polars, safetensors and torch wrap the system's error in one of their own.
        if any(os.strerror(code) in str(error) for code in (errno.ENOSPC, errno.EFBIG, errno.EIO)):
            raise _unusable(path, str(error)) from None
        raise


def _refuse_name(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        # As Python has bytes of a name that are no text.
        raise InputError(
            f"{str(path)!a} has a name that is not UTF-8.", remedy="Rename it, or name another."
        ) from None


def _refuse_special(path: Path) -> None:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(
            f"{path} is not a file, but a pipe or a device.",
            remedy="Write what comes from it to a file first, and name that.",
        )


def _unusable(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"{path} could not be written or read: {reason}.",
        remedy="All finished shards are safe. Make room or choose another disk, then run the same "
        "command again.",
    )


# How a file is called while it is written: nobody else calls one so.
UNFINISHED = "liftmap-unfinished"


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A path to write to, renamed onto `path` when the block ends without an error.

    What was written is on the disk, not only in the system's memory, before it has its name: a
    power cut, too, leaves all of it or none. A link is followed; a device or a pipe, such as
    /dev/stdout, is written as it is.
    """
    with disk(path, special=True), in_order():
        path.parent.mkdir(parents=True, exist_ok=True)
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        if path.exists() and (not target.is_file() or target.is_relative_to("/proc")):
            yield path
            return
        temporary = target.with_name(f".{target.name}.{os.getpid()}.{UNFINISHED}")
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(target)
            _sync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Waits until a file or the names in a folder are on the disk; folders where that is known."""
    if os.name == "nt" and path.is_dir():
        return
    number = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        # Some network file systems can't.
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise
    finally:
        os.close(number)


def names_in(folder: Path) -> list[str]:
    """The names in a folder, in order; none where there is no such folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def remove_unfinished(folder: Path) -> None:
    """Removes what killed processes were writing; only for whoever alone writes in the folder."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            ours = re.fullmatch(rf"\..+\.\d+\.{UNFINISHED}", name)
            if ours and path.is_file() and not path.is_symlink():
                with disk(path):
                    path.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole.

    Raises:
        StoreError: The disk is full or the folder can't be written.
    """
    with _replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole; errors as `write_bytes`."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a JSON object whole and sealed; errors as `write_bytes`."""
    write_bytes(path, sealed_json(value))


def write_toml(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a TOML file whole and sealed; TOML has no null. Errors as `write_bytes`."""
    write_bytes(path, seal(f"{tomli_w.dumps(value)}\n# {UNSEALED}\n".encode()))


def write_html(path: Path, text: str) -> None:
    """Writes a page whole and sealed; errors as `write_bytes`."""
    write_bytes(path, seal(f"{text}\n<!-- {UNSEALED} -->\n".encode()))


def write_parquet(path: Path, frame: pl.DataFrame, facts: Mapping[str, Any] | None = None) -> None:
    """Writes a Parquet file whole and sealed, with facts about it; errors as `write_bytes`."""
    write_bytes(path, sealed_parquet(frame, facts or {}))


def write_ndjson(path: Path, frame: pl.LazyFrame) -> None:
    """Writes a table as JSON, a line a row, while it is read; errors as `write_bytes`."""
    with _replacing(path) as temporary:
        frame.sink_ndjson(temporary)


def damaged(path: Path, reason: str) -> StoreError:
    """The error for a file that isn't what was written."""
    return StoreError(
        f"{path} is damaged: {reason}.",
        remedy="Run `liftmap check` on this folder: it names all damage, and with --repair it "
        "makes again what can be made again.",
    )


def read_bytes(path: Path, sealed: bool = False) -> bytes:
    """All of a file, its seal checked.

    Args:
        path: The file.
        sealed: Whether it has to have a seal; files of earlier versions have none.

    Raises:
        StoreError: It is missing or damaged.
    """
    with disk(path):
        content = path.read_bytes()
    _check_seal(path, content, sealed)
    return content


def _check_seal(path: Path, content: bytes, required: bool) -> str | None:
    try:
        seal = seal_of(content)
    except ValueError as error:
        raise damaged(path, str(error)) from None
    if required and seal is None:
        raise damaged(path, "it has no digest, which all files of this folder have")
    return seal


# Seals and facts of Parquet files that were checked, by path, size, times and inode.
_checked: dict[tuple[object, ...], tuple[str | None, dict[str, Any]]] = {}


def parquet_facts(path: Path, sealed: bool = False) -> tuple[str | None, dict[str, Any]]:
    """Seal and facts of a Parquet file; the seal is checked once for each state of the file.

    Args:
        path: The file.
        sealed: As `read_bytes`.

    Raises:
        StoreError: It is missing or damaged.
    """
    with disk(path):
        state = path.stat()
    key = (path.absolute(), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
    if key not in _checked:
        with disk(path):
            content = path.read_bytes()
        seal = _check_seal(path, content, sealed)
        with _parquet(path):
            _checked[key] = seal, facts_of_parquet(content)
    seal, facts = _checked[key]
    if sealed and seal is None:
        raise damaged(path, "it has no digest, which all files of this folder have")
    return seal, facts


def read_parquet(
    path: Path, columns: list[str] | None = None, sealed: bool = False
) -> pl.DataFrame:
    """Reads a Parquet file, or some of its columns.

    Args:
        path: The file.
        columns: The columns; None takes all.
        sealed: As `read_bytes`.

    Raises:
        StoreError: It is missing or damaged.
    """
    parquet_facts(path, sealed)
    with disk(path), _parquet(path):
        return pl.read_parquet(path.absolute(), columns=columns, glob=False)


@contextmanager
def _parquet(path: Path) -> Iterator[None]:
    """Turns what a damaged Parquet file makes Polars raise into one message."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        raise damaged(path, str(error).splitlines()[0].rstrip(".")) from None


def read_json(path: Path, sealed: bool = False) -> Any:
    """Reads a JSON file; an object comes without its seal.

    Args:
        path: The file.
        sealed: As `read_bytes`.

    Raises:
        StoreError: It is missing or damaged.
    """
    try:
        value = json.loads(read_bytes(path, sealed))
    except (ValueError, RecursionError) as error:
        raise damaged(path, str(error).rstrip(".")) from None
    if isinstance(value, dict):
        value.pop(JSON_KEY, None)
    return value


def read_toml(path: Path, sealed: bool = False) -> Any:
    """Reads a TOML file; arguments and errors as `read_json`."""
    try:
        return tomllib.loads(read_bytes(path, sealed).decode())
    except (ValueError, RecursionError) as error:
        raise damaged(path, str(error).rstrip(".")) from None


def keep_settings(
    path: Path, settings: Mapping[str, Any], sealed: bool = False, later: Collection[str] = ()
) -> None:
    """Writes `settings`, or checks that those already there are the same.

    Args:
        path: The settings file of a folder.
        settings: Plain JSON values; nested dictionaries are compared key by key.
        sealed: As `read_bytes`.
        later: Keys that folders of earlier versions lack; where they do, nothing is compared.

    Raises:
        SettingsDifferError: The folder was made with others; the message names the first.
        StoreError: The folder can't be written, or its settings are damaged.
    """
    # As they come back from a file: tuples are lists there.
    plain = json.loads(json.dumps(settings))
    if not path.exists():
        write_json(path, plain)
        return
    old = read_json(path, sealed)
    plain = {k: v for k, v in plain.items() if k in old or k not in later}
    difference = first_difference(old, plain)
    if difference:
        key, was, now = difference
        raise SettingsDifferError(
            f"{path.parent} was made with other settings: {key} was {was!r}, now {now!r}.",
            remedy="Name another folder (--out), or put the setting back.",
        )


def first_difference(old: Any, new: Any, key: str = "") -> tuple[str, Any, Any] | None:
    """Place and values of the first difference between two JSON values, or None."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(n for n in new if n not in old)]:
            place = f"{key}.{name}" if key else name
            difference = first_difference(old.get(name), new.get(name), place)
            if difference:
                return difference
        return None
    return None if old == new else (key, old, new)
