"""What several test files share: small studies made by the real line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

# Two test processes with two threads each would be slower than one; and nothing is fetched.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

SCRIPTED: dict[str, Any] = {
    "name": "small",
    "base": {"model": "scripted:0,0.02,0.1,0.4,0.8,1"},
    "task": {"name": "kin", "test": {"limit": 60}, "train": {"limit": 20}, "dev": {"limit": 10}},
    "sample": {
        "engine": "scripted",
        "n": 32,
        "n_train": 16,
        "n_dev": 4,
        "max_tokens": 24,
        "shard_responses": 320,
    },
    "verify": {"verifier": "exact", "options": {"pattern": r"so (\S+)\s*$"}},
    "arms": {
        "sharper": {"method": "given", "model": "scripted:0,0.05,0.4,0.8,0.95,1"},
        "unchanged": {"method": "given", "model": "scripted:0,0.02,0.1,0.4,0.8,1"},
    },
    "analyse": {"resamples": 200, "law_resamples": 4},
}


def as_earlier(folder: Path) -> None:
    """Makes a folder one of schema 1: no seals, no facts, no number, no digest of gold answers."""
    from liftmap.files import read_json

    (folder / "liftmap.json").unlink()
    for path in folder.rglob("*.parquet"):
        frame = pl.read_parquet(path)
        frame.write_parquet(path, compression="zstd")
    for path in folder.rglob("*.json"):
        plain = read_json(path)
        for key in ("golds", "weights", "seed"):
            plain.pop(key, None)
        path.write_text(json.dumps(plain, indent=2) + "\n")
    for path in (*folder.glob("study.toml"), *folder.glob("report.html")):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if "liftmap-seal" not in line))


@pytest.fixture(scope="session")
def scripted_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished scripted study."""
    from liftmap.study import run_study
    from liftmap.studyfile import parse_config

    folder = tmp_path_factory.mktemp("studies") / "small"
    run_study(parse_config(SCRIPTED, "the test"), folder)
    return folder
