"""A GRPO run alone, killed some 40 times, most often between two saved steps.

`liftmap train` goes on from the last whole step: the log has each step once, and the weights are
those of a run that nobody killed.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from safetensors.numpy import load_file

from .helpers import EVERYTHING, files, nursery, unfinished
from .test_study import STUDY, logged, whole_checkpoints

KILLS = 40
STEPS = 12
GRPO = STUDY | {
    "trl": {"grpo": STUDY["trl"]["grpo"] | {"max_steps": STEPS, "save_steps": 3}},
    "arms": {"rlvr": {"method": "grpo"}},
}


@pytest.mark.long
def test_a_grpo_run(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(tomli_w.dumps(GRPO))
    chance = random.Random(8)
    kills, midway = 0, 0
    with nursery(tmp_path / "log", EVERYTHING) as runs:
        straight = tmp_path / "straight"
        seconds = runs.run(["study", str(study), "--out", str(straight)])
        whole = load_file(straight / "checkpoints/rlvr/1/model/model.safetensors")
        seen = dict(whole_checkpoints(straight))
        rounds = 0
        while kills < KILLS:
            rounds += 1
            assert rounds < 40, f"{kills} kills, {midway} in the training"
            out = tmp_path / f"killed-{rounds}"
            while True:
                after = chance.uniform(0.2, 1) * seconds if kills < KILLS else None
                if runs.run(["study", str(study), "--out", str(out)], after) >= 0:
                    break
                kills += 1
                home = out / "checkpoints/rlvr/1"
                midway += home.exists() and not (home / "trained.json").exists()
                for name, weights in whole_checkpoints(out):
                    first = seen.setdefault(name, weights)
                    assert all(np.allclose(first[n], weights[n], atol=1e-5) for n in first), name
            assert logged(out, "rlvr") == [(1, step) for step in range(1, STEPS + 1)]
            weights = load_file(out / "checkpoints/rlvr/1/model/model.safetensors")
            assert all(np.allclose(whole[n], weights[n], atol=1e-5) for n in whole)
            assert files(out) == files(straight)
            assert not unfinished(files(out))
    assert midway > KILLS // 4
    print(f"{kills} kills in {rounds} runs, {midway} in the middle of the training")
