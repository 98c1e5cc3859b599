"""Scores of responses that came from elsewhere: the folder that `liftmap score SOURCE` keeps.

Part of the store. Shards hold the responses in the order of the source, a row each; a shard names
the digest of the responses that it was made of.

    scores/<source|other>/<model>/  settings.json, shard-<number>.parquet
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from liftmap.errors import ConfigError
from liftmap.files import damaged
from liftmap.store.shards import ShardFolder

SourceSide = Literal["source", "other"]
SOURCE_SCORE_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "response_index": pl.Int32(),
        "log_probability": pl.Float64(),
        "token_count": pl.Int32(),
        "ended": pl.Boolean(),
        "entropy": pl.Float64(),
        "token_log_probabilities": pl.List(pl.Float32()),
        "segmentation": pl.UInt64(),
        "error": pl.String(),
    }
)
# In the facts of a shard: the digest of the responses that it was made of.
MADE_OF = "made_of"


def model_folder(model: str) -> str:
    """The name under which what a model gave lies in a folder.

    Raises:
        ConfigError: Nothing is left of the name.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", model).strip("-.")
    if not name:
        raise ConfigError("This is not a model's name.", seen=model, remedy="Name a model.")
    return name


@dataclass(frozen=True)
class SourceScores:
    """The scores of a source's responses under one model.

    Attributes:
        root: The folder.
        side: Which responses: those of the source, or those of the other model.
        model: The model that scores.
    """

    root: Path
    side: SourceSide
    model: str

    @property
    def folder(self) -> ShardFolder:
        """The shards."""
        path = self.root / "scores" / self.side / model_folder(self.model)
        return ShardFolder(self.root, path, "scores")

    def settings(self) -> dict[str, Any]:
        """How the scores were made; empty before the first."""
        return self.folder.settings() if self.folder.has_settings() else {}

    def keep_settings(self, settings: Mapping[str, Any]) -> None:
        """Writes how the scores are made, or checks it; see `ShardFolder.keep_settings`."""
        self.folder.keep_settings(settings)

    def shards(self) -> list[str]:
        """Names of the finished shards, in order."""
        return self.folder.shards()

    def write(self, shard: str, frame: pl.DataFrame, made_of: str) -> None:
        """Writes a shard; columns of `SOURCE_SCORE_SCHEMA`."""
        columns = frame.select(SOURCE_SCORE_SCHEMA.names()).cast(SOURCE_SCORE_SCHEMA)
        self.folder.write(shard, columns, **{MADE_OF: made_of})

    def read(self, shard: str) -> pl.DataFrame:
        """The rows of a shard.

        Raises:
            StoreError: It is missing or damaged.
        """
        return self.folder.read(shard).cast(SOURCE_SCORE_SCHEMA)

    def check(self, shard: str, made_of: str) -> None:
        """Checks that a shard was made of these responses.

        Raises:
            StoreError: It was made of others, or is damaged.
        """
        if self.folder.facts(shard).get(MADE_OF) != made_of:
            raise damaged(self.folder.path / shard, "it was made of other responses")
