"""Data sets in the hub's own layout: a folder with a card whose front matter names the files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Rows = Sequence[Mapping[str, Any]]
MakeHub = Callable[..., Path]


def hub_folder(
    folder: Path, splits: Mapping[str, Rows], config: str = "default", ending: str = "parquet"
) -> Path:
    """Writes rows by split as the hub lays them out: README.md with `configs`, and data files."""
    card = ["---", "configs:", f"- config_name: {config}", "  data_files:"]
    for split, rows in splits.items():
        file = folder / config / f"{split}-00000-of-00001.{ending}"
        file.parent.mkdir(parents=True, exist_ok=True)
        if ending == "parquet":
            pl.DataFrame(list(rows), infer_schema_length=None).write_parquet(file)
        elif ending == "csv":
            pl.DataFrame(list(rows), infer_schema_length=None).write_csv(file)
        else:
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        card += [f"  - split: {split}", f"    path: {config}/{split}-*"]
    (folder / "README.md").write_text("\n".join([*card, "---", "# A local copy", ""]))
    return folder


@pytest.fixture
def make_hub(tmp_path: Path) -> MakeHub:
    """Makes a local data set; call it as often as needed."""
    made: list[Path] = []

    def make(splits: Mapping[str, Rows], config: str = "default", ending: str = "parquet") -> Path:
        made.append(hub_folder(tmp_path / f"set-{len(made)}", splits, config, ending))
        return made[-1]

    return make
