"""What it costs that a shard is on the disk before it has its name.

The same shards are written with and without fsync, on the disk that this file lies on.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from bench.timing import Row, rate
from liftmap.records import Response
from liftmap.store import ResponseSet, shard_name

SHARDS = 8
SIZES = (128, 8192)


def run() -> list[Row]:
    return [_row(size) for size in SIZES]


def _row(size: int) -> Row:
    responses = [
        Response(f"q{i // 256}", i % 256, f" so it is {i}. " * 20, (), "stop", -1.5, 60)
        for i in range(size)
    ]
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:
        write = _writing(Path(folder), responses)
        synced = rate(write)
        with patch.object(os, "fsync", lambda number: None):
            unsynced = rate(write)
    return Row(f"write shards of {size:,} responses", "shards", synced, unsynced, "without fsync")


def _writing(folder: Path, responses: list[Response]) -> Callable[[], int]:
    target = ResponseSet(folder, "base", "test")
    target.keep_settings({"model": "none"})

    def write() -> int:
        for index in range(SHARDS):
            target.write_responses(shard_name(index), responses)
        return SHARDS

    return write
