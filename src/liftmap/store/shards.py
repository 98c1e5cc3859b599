"""Folders of shards: responses, and the verdicts and scores beside them.

Part of the store. Each has settings.json, which says how the shards were made. A shard is a sealed
Parquet file; its facts name the shard, the settings, and for verdicts and scores the seal of the
response shard that they were made of. So a shard of another place, or one that was made from
something else, is not taken for this one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from liftmap.errors import StoreError
from liftmap.files import (
    damaged,
    keep_settings,
    names_in,
    parquet_facts,
    read_json,
    read_parquet,
    write_parquet,
)
from liftmap.store.schema import FIRST_SCHEMA, SCHEMA_FILE, begin, schema_of

SETTINGS = "settings.json"
ShardKind = Literal["responses", "verdicts", "scores"]
SHARD = re.compile(r"shard-(\d+)\.parquet")


def shard_name(index: int) -> str:
    """File name of the shard at `index`."""
    return f"shard-{index:05d}.parquet"


def shards_in(folder: Path) -> list[str]:
    """Names of the shards in a folder, in order, whatever is in them."""
    return [name for name in names_in(folder) if SHARD.fullmatch(name)]


@dataclass(frozen=True)
class ShardFolder:
    """A folder of shards with their settings.

    Attributes:
        root: The study folder.
        path: The folder.
        kind: What the shards hold.
    """

    root: Path
    path: Path
    kind: ShardKind

    @property
    def settings_file(self) -> Path:
        """How the shards were made."""
        return self.path / SETTINGS

    @property
    def place(self) -> str:
        """Where in the study folder it lies."""
        return self.path.relative_to(self.root).as_posix()

    def has_settings(self) -> bool:
        """Whether anything was kept of how the shards are made."""
        return self.settings_file.exists()

    def settings(self) -> dict[str, Any]:
        """How the shards were made.

        Raises:
            StoreError: The settings are missing or damaged.
        """
        self._refuse_missing_settings()
        settings: dict[str, Any] = read_json(self.settings_file, self._sealed())
        return settings

    def keep_settings(self, settings: Mapping[str, Any], later: Collection[str] = ()) -> None:
        """Writes how the shards are made, or checks that it is as before.

        Args:
            settings: Plain JSON values.
            later: Keys that folders of earlier versions lack.

        Raises:
            SettingsDifferError: The shards there were made in another way.
            StoreError: There are shards and no settings, or the settings are damaged.
        """
        begin(self.root)
        # Scores of schema 1 may have no settings.
        if shards_in(self.path) and (self._sealed() or self.kind != "scores"):
            self._refuse_missing_settings()
        keep_settings(self.settings_file, settings, self._sealed(), later)

    def _refuse_missing_settings(self) -> None:
        if not self.settings_file.exists():
            raise StoreError(
                f"{self.settings_file} is missing: it isn't known how what is beside it was made.",
                remedy="Put it back, or run `liftmap check` on this folder with --repair, which "
                "makes it again from the shards.",
            )

    def _sealed(self) -> bool:
        return schema_of(self.root) > FIRST_SCHEMA

    def shards(self) -> list[str]:
        """Names of the finished shards, in order."""
        return shards_in(self.path)

    def write(self, shard: str, frame: pl.DataFrame, **facts: Any) -> None:
        """Writes a shard.

        Args:
            shard: `shard_name(index)`.
            frame: Its rows.
            **facts: Further facts about it.

        Raises:
            StoreError: It can't be written, or the folder has no settings.
        """
        about = {
            "schema": schema_of(self.root),
            "place": self.place,
            "shard": shard,
            "settings": self.settings(),
        }
        write_parquet(self.path / shard, frame, {**about, **facts})

    def facts(self, shard: str, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a shard says of itself, its seal among it, all of it checked.

        Args:
            shard: Its name.
            settings: The settings of the folder, where they are read already.

        Raises:
            StoreError: It is missing or damaged, or is a shard of another place.
        """
        path, schema = self.path / shard, schema_of(self.root)
        seal, facts = parquet_facts(path, schema > FIRST_SCHEMA)
        if schema == FIRST_SCHEMA and facts.get("schema", FIRST_SCHEMA) > FIRST_SCHEMA:
            raise damaged(
                self.root / SCHEMA_FILE, "it is missing although what is beside it was made with it"
            )
        if facts:
            if (facts.get("place"), facts.get("shard")) != (self.place, shard):
                raise damaged(path, f"it is {facts.get('shard')} of {facts.get('place')}")
            if facts.get("settings") != (self.settings() if settings is None else settings):
                raise damaged(path, f"it was made with other settings than {self.settings_file}")
        return {**facts, "seal": seal}

    def read(self, shard: str, columns: list[str] | None = None) -> pl.DataFrame:
        """The rows of a shard; errors as `facts`."""
        self.facts(shard)
        return read_parquet(self.path / shard, columns)
