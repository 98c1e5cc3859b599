"""Measuring while several processes train: one answers, the others wait."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from liftmap.store import StepsFolder

SCRIPT = Path(__file__).parent / "train_on_two.py"


@pytest.mark.long
def test_the_main_process_answers_and_the_other_waits(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    ended = subprocess.run(
        [*command, "--nproc_per_node", "2", str(SCRIPT), str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    lines = sorted(line for line in ended.stdout.splitlines() if line.startswith("process"))
    assert lines == [
        "process 0 of DistributedDataParallel logged [0, 1, 2]",
        "process 1 of DistributedDataParallel logged []",
    ]
    assert StepsFolder(tmp_path / "steps").answered() == [0, 1, 2]
