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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from liftmap.errors import InputError, LiftmapError, SettingsDifferError, StoreError
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


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole.

    Raises:
        StoreError: The disk is full or the folder can't be written.
    """
    with _replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def write_json(path: Path, value: object) -> None:
    """Writes a JSON file whole; errors as `write_text`."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_toml(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a TOML file whole; TOML has no null. Errors as `write_text`."""
    write_text(path, tomli_w.dumps(value))


def write_parquet(path: Path, frame: pl.DataFrame) -> None:
    """Writes a Parquet file whole; errors as `write_text`."""
    with _replacing(path) as temporary:
        frame.write_parquet(temporary.absolute(), compression="zstd", compression_level=1)


def read_parquet(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Reads a Parquet file, or some of its columns.

    Raises:
        StoreError: It is missing or damaged.
    """
    with disk(path):
        if not path.exists():
            raise FileNotFoundError(2, "missing", str(path))
        try:
            return pl.read_parquet(path.absolute(), columns=columns, glob=False)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise StoreError(
                f"{path} is damaged: {str(error).splitlines()[0]}.",
                remedy="Delete that file and run `liftmap study` again; only it is made again.",
            ) from None


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        StoreError: It is missing or damaged.
    """
    with disk(path):
        content = path.read_bytes()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"{path} is damaged: {error}.", remedy="Delete it and run the same command again."
        ) from None


def read_toml(path: Path) -> Any:
    """Reads a TOML file; errors as `read_json`."""
    with disk(path):
        text = path.read_text("utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StoreError(
            f"{path} is damaged: {error}.", remedy="Correct that line, or name another folder."
        ) from None


def keep_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Writes `settings`, or checks that those already there are the same.

    Args:
        path: The settings file of a folder.
        settings: Plain JSON values; nested dictionaries are compared key by key.

    Raises:
        SettingsDifferError: The folder was made with others; the message names the first.
        StoreError: The folder can't be written.
    """
    # As they come back from a file: tuples are lists there.
    plain = json.loads(json.dumps(settings))
    if not path.exists():
        write_json(path, plain)
        return
    difference = first_difference(read_json(path), plain)
    if difference:
        key, old, new = difference
        raise SettingsDifferError(
            f"{path.parent} was made with other settings: {key} was {old!r}, now {new!r}.",
            remedy="Name another folder (--out), put the setting back, or delete the folder.",
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
