"""The schema number of a folder: which rules its files follow.

Part of the store. The number stands in `liftmap.json` at the root of every folder that liftmap
makes, written before anything else. A folder without it is of schema 1.

    1   no seals; settings don't say which weights answered, or which gold answers were used
    2   every file sealed (see `liftmap.seals`); shards name what they depend on
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from liftmap.errors import StoreError
from liftmap.files import read_json, write_json

SCHEMA = 2
FIRST_SCHEMA = 1
SCHEMA_FILE = "liftmap.json"
# What a folder holds in which something was made; only a folder without them is new.
MADE = ("study.toml", "questions", "responses", "verdicts", "scores", "checkpoints", "tables")


def begin(root: Path) -> None:
    """Writes the schema number of a folder in which nothing was made yet; else leaves it alone."""
    if not (root / SCHEMA_FILE).exists() and not any((root / name).exists() for name in MADE):
        write_schema(root)


def write_schema(root: Path) -> None:
    """Writes the schema number of this version."""
    write_json(root / SCHEMA_FILE, {"schema": SCHEMA})


def schema_of(root: Path) -> int:
    """The schema number of a folder.

    Raises:
        StoreError: The folder was made by a later version of liftmap, or the file is damaged.
    """
    file = root / SCHEMA_FILE
    if not file.exists():
        return FIRST_SCHEMA
    schema = read_json(file, sealed=True).get("schema")
    refuse_later(root, schema)
    return int(schema)


def refuse_later(place: Path, schema: Any) -> None:
    """Refuses what a later version of liftmap made.

    Raises:
        StoreError: It did.
    """
    if not isinstance(schema, int) or schema > SCHEMA:
        raise StoreError(
            f"{place} was made by a later version of liftmap.",
            seen=f"schema {schema}; this version knows schemas up to {SCHEMA}",
            remedy="Update liftmap: pip install --upgrade liftmap.",
        )


def is_sealed(root: Path) -> bool:
    """Whether all files of a folder have seals."""
    return schema_of(root) > FIRST_SCHEMA
