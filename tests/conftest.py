"""What several test files share: small studies made by the real line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="session")
def scripted_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished scripted study."""
    from liftmap.study import run_study
    from liftmap.studyfile import parse_config

    folder = tmp_path_factory.mktemp("studies") / "small"
    run_study(parse_config(SCRIPTED, "the test"), folder)
    return folder
