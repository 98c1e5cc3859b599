"""Seals: the digest of a file inside the file, so that no changed bit of it goes unseen.

Below the store. A file is written in one piece with its seal, so that a kill leaves both or
neither. The seal stands after the mark `liftmap-seal:`: in the metadata of a Parquet file, as the
last key of a JSON object, in a comment at the end of a TOML or HTML file. It is the XXH3-128 of all
bytes of the file, its own 32 hexadecimal digits taken as zeros. It finds accidents; whoever wants
to deceive can make another.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import polars as pl
import xxhash

MARK = b"liftmap-seal:"
DIGITS = 32
UNSEALED = (MARK + b"0" * DIGITS).decode()
# The key of a JSON object, and of the metadata of a Parquet file.
JSON_KEY = "seal"
PARQUET_KEY = "liftmap"


def digest_of(content: bytes) -> str:
    """XXH3-128 of some bytes, as 32 hexadecimal digits."""
    return xxhash.xxh3_128_hexdigest(content)


def digest_of_json(value: object) -> str:
    """The digest of a JSON value, whatever the order of its keys."""
    return digest_of(json.dumps(value, sort_keys=True).encode())


def seal(content: bytes) -> bytes:
    """The content of a file, its last `UNSEALED` replaced by its seal."""
    place = content.rindex(UNSEALED.encode()) + len(MARK)
    return content[:place] + _digest_around(content, place).encode() + content[place + DIGITS :]


def seal_of(content: bytes) -> str | None:
    """The seal of a file.

    Args:
        content: All of its bytes.

    Returns:
        The seal; None where there is none.

    Raises:
        ValueError: It is not the digest of the rest.
    """
    place = content.rfind(MARK)
    if place < 0:
        return None
    place += len(MARK)
    written = content[place : place + DIGITS]
    if written != _digest_around(content, place).encode():
        raise ValueError("its digest differs from the one that was written with it")
    return written.decode()


def _digest_around(content: bytes, place: int) -> str:
    state = xxhash.xxh3_128()
    view = memoryview(content)
    for part in (view[:place], b"0" * DIGITS, view[place + DIGITS :]):
        state.update(part)
    return state.hexdigest()


def sealed_parquet(frame: pl.DataFrame, facts: Mapping[str, Any]) -> bytes:
    """A table as a sealed Parquet file with facts about it, JSON values, in its metadata."""
    buffer = io.BytesIO()
    about = json.dumps({**facts, JSON_KEY: UNSEALED})
    metadata = {PARQUET_KEY: about}
    frame.write_parquet(buffer, compression="zstd", compression_level=1, metadata=metadata)
    return seal(buffer.getvalue())


def facts_of_parquet(content: bytes) -> dict[str, Any]:
    """The facts that `sealed_parquet` wrote; empty where there are none."""
    file = io.BytesIO(content)
    found = pl.read_parquet_metadata(file).get(PARQUET_KEY)
    facts: dict[str, Any] = json.loads(found) if found else {}
    return facts


def sealed_json(value: Mapping[str, Any]) -> bytes:
    """An object as a sealed JSON file."""
    text = json.dumps({**value, JSON_KEY: UNSEALED}, indent=2, ensure_ascii=False)
    return seal(f"{text}\n".encode())
