"""`liftmap study` with real trainers, killed at random moments and given again.

It ends with the same questions, every response once with its verdict, and the weights of an
uninterrupted run; and at no moment does a checkpoint of mixed state pass for a whole one.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tomli_w
from safetensors.numpy import load_file

from liftmap.store import KEY, ResponseSet

from ..conftest import SCRIPTED
from .helpers import EVERYTHING, files, nursery, unfinished

KILLS = 20
ARMS = ("rlvr", "self")
STUDY: dict[str, Any] = {
    "name": "mini",
    "base": {"model": "testbed:base"},
    "task": {"name": "kin", "train": {"limit": 16}, "dev": {"limit": 4}, "test": {"limit": 8}},
    "sample": {"n": 8, "n_train": 8, "n_dev": 4, "max_tokens": 24, "shard_responses": 32},
    "verify": SCRIPTED["verify"],
    "trl": {
        "grpo": {
            "max_steps": 5,
            "save_steps": 2,
            "per_device_train_batch_size": 32,
            "num_generations": 8,
            "max_completion_length": 24,
            "learning_rate": 1e-3,
            "gradient_checkpointing": False,
        },
        "sft": {
            "num_train_epochs": 2,
            "save_strategy": "epoch",
            "per_device_train_batch_size": 16,
            "learning_rate": 1e-3,
            "gradient_checkpointing": False,
        },
    },
    "arms": {
        "rlvr": {"method": "grpo"},
        "self": {"method": "sft", "responses": {"of": "base"}},
    },
    "analyse": {"resamples": 100},
}
Weights = dict[str, np.ndarray]


@pytest.mark.slow
def test_a_study(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(tomli_w.dumps(STUDY))
    straight = tmp_path / "straight"
    chance = random.Random(3)
    phases: Counter[str] = Counter()
    with nursery(tmp_path / "log", EVERYTHING) as runs:
        seconds = runs.run(["study", str(study), "--out", str(straight)])
        seen = dict(whole_checkpoints(straight))
        for rounds in itertools.count():
            if phases.total() >= KILLS and {f"training {arm}" for arm in ARMS} <= set(phases):
                break
            assert rounds < 100, f"the kills do not come where they should: {phases}"
            out = tmp_path / f"killed-{rounds}"
            command = ["study", str(study), "--out", str(out)]

            def at_kill(out: Path = out) -> bool:
                if not (out / "report.html").exists():
                    phases[phase(out)] += 1
                assert_none_is_mixed(out, seen)
                leave_half_a_checkpoint(out)
                return phases.total() < KILLS

            if rounds == 0:
                # Two moments that chance seldom finds: a step is just saved, and the last one is.
                for step in (2, 5):
                    saved = out / f"checkpoints/rlvr/1/trainer/checkpoint-{step}/complete.json"
                    assert runs.run(command, kill_at=saved) < 0
                    at_kill()
            runs.run_killed(command, seconds / 2, 6, chance, at_kill)
            assert_same_end(out, straight)
            assert_none_is_mixed(out, seen)
        # What is left when the kill comes while a finished training is tidied up.
        last = out / "checkpoints" / "rlvr" / "1" / "trainer" / "checkpoint-2"
        last.mkdir(parents=True)
        runs.run(["train", str(out)])
        assert not last.parent.exists()
    print(phases)


def phase(folder: Path) -> str:
    """Where a kill came, by what it left."""
    if not (folder / "checkpoints").exists():
        return "before the training"
    for arm in ARMS:
        home = folder / "checkpoints" / arm / "1"
        if not (home / "checkpoint.json").exists():
            return f"{'choosing' if (home / 'trained.json').exists() else 'training'} {arm}"
    return "after the training"


def whole_checkpoints(folder: Path) -> list[tuple[tuple[str, str], Weights]]:
    """What the study takes for whole now: (arm, step or `model`), weights."""
    found = []
    for arm in ARMS:
        home = folder / "checkpoints" / arm / "1"
        places = [path.parent for path in home.glob("trainer/checkpoint-*/complete.json")]
        if (home / "checkpoint.json").exists():
            places.append(home / "model")
        found += [((arm, place.name), load_file(place / "model.safetensors")) for place in places]
    return found


def assert_none_is_mixed(folder: Path, seen: dict[tuple[str, str], Weights]) -> None:
    """The weights of a step are the same whenever they are seen: TRL restores all of its state."""
    for name, weights in whole_checkpoints(folder):
        first = seen.setdefault(name, weights)
        assert first.keys() == weights.keys()
        assert all(np.allclose(first[n], weights[n], atol=1e-5) for n in first), name


def leave_half_a_checkpoint(folder: Path) -> None:
    """What a kill in the middle of saving leaves, which few of the kills are."""
    for trainer in folder.glob("checkpoints/*/1/trainer"):
        if not (trainer.parent / "trained.json").exists():
            half = trainer / "checkpoint-9"
            half.mkdir(exist_ok=True)
            (half / "model.safetensors").write_bytes(b"half")


def assert_same_end(folder: Path, straight: Path) -> None:
    """The study in `folder` ended as the uninterrupted one."""
    assert files(folder) == files(straight)
    assert not unfinished(files(folder))
    assert not list(folder.rglob("trainer")) + list(folder.rglob("*.partial"))
    for name in sorted(files(folder)):
        # The trained models are as they were up to rounding; what they say may differ.
        same = ("questions/", "responses/base/", "verdicts/base/", "scores/base/")
        if name.startswith(same) and name.endswith(".parquet"):
            assert pl.read_parquet(folder / name).equals(pl.read_parquet(straight / name)), name
    for home in folder.glob("responses/*/*"):
        responses = ResponseSet(folder, home.parent.name, home.name)
        whole = ResponseSet(straight, home.parent.name, home.name)
        keys = responses.read_responses(columns=KEY).sort(KEY)
        assert keys.is_unique().all()
        assert keys.equals(whole.read_responses(columns=KEY).sort(KEY))
        assert keys.equals(responses.read_verdicts("exact").select(KEY).sort(KEY))
    for arm in ARMS:
        step, expected = (
            json.loads((path / "checkpoints" / arm / "1" / "checkpoint.json").read_text())["step"]
            for path in (folder, straight)
        )
        assert step == expected
        assert logged(folder, arm) == logged(straight, arm)
    assert logged(folder, "rlvr") == [(1, step) for step in range(1, 6)]


def logged(folder: Path, arm: str) -> list[tuple[int, int]]:
    """Seed and step of each step in an arm's log."""
    lines = (folder / "metrics" / f"{arm}.jsonl").read_text().splitlines()
    return [(e["seed"], e["step"]) for e in map(json.loads, lines) if "loss" in e]
