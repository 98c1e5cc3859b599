"""`liftmap verify` with its worker processes, and `liftmap report`, killed at random moments.

The verdicts are those of an uninterrupted run, file by file; no worker of a killed process lives
on; the page is a whole one at every moment.
"""

from __future__ import annotations

import json
import random
import shutil
import threading
from pathlib import Path

import pytest
import tomli_w

from ..conftest import SCRIPTED
from .helpers import SAMPLING, assert_same, files, nursery, unfinished
from .test_workers import alive, children, wait_for

KILLS = 5


def watch(process: int, below: set[int], ended: threading.Event) -> None:
    """Notes all processes that there ever are below one."""
    while not ended.wait(0.1):
        below |= children(process)


@pytest.mark.slow
def test_verify_with_worker_processes(tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    rows = [{"question": f"How much is {i} + 1?", "answer": str(i + 1)} for i in range(30)]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    straight = tmp_path / "straight"
    sampling = ["sample", "--model", "scripted:0,0.5", "--task", "jsonl", "--n", "32"]
    sampling += ["--option", f"path={questions}", "--shard-responses", "64", "--verifier", "exact"]
    chance = random.Random(5)
    kills = 0
    workers: set[int] = set()
    ended = threading.Event()
    with nursery(tmp_path / "log", (*SAMPLING, "liftmap.verify.pool")) as runs:
        watching = threading.Thread(target=watch, args=(runs.process.pid, workers, ended))
        watching.start()
        runs.run([*sampling, "--out", str(straight)])
        sampled = tmp_path / "sampled"
        shutil.copytree(straight, sampled)
        seconds = runs.run(["verify", str(straight), "--verifier", "math"])
        for rounds in range(50):
            if kills >= KILLS:
                break
            out = tmp_path / f"killed-{rounds}"
            shutil.copytree(sampled, out)
            while True:
                going = kills < KILLS
                after = chance.uniform(0.3, 1.0) * seconds if going else None
                if runs.run(["verify", str(out), "--verifier", "math"], after) >= 0:
                    break
                kills += files(straight) > files(out)
            assert_same(out, straight)
            assert not unfinished(files(out))
        assert kills >= KILLS
        ended.set()
        assert workers
        assert wait_for(lambda: not alive(workers), 10), "workers live on"


@pytest.mark.slow
def test_report(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(tomli_w.dumps(SCRIPTED))
    out = tmp_path / "out"
    page = out / "report.html"
    chance = random.Random(6)
    kills = 0
    with nursery(tmp_path / "log", (*SAMPLING, "liftmap.study", "liftmap.report.build")) as runs:
        runs.run(["study", str(study), "--out", str(out)])
        before = files(out)
        seconds = runs.run(["report", str(out)])
        for _ in range(10 * KILLS):
            if kills >= KILLS:
                break
            page.unlink(missing_ok=True)
            if runs.run(["report", str(out)], chance.uniform(0, 1.1) * seconds) < 0:
                kills += 1
                assert not page.exists() or "</html>" in page.read_text("utf-8")[-300:]
        assert kills >= KILLS
        runs.run(["report", str(out)])
    assert files(out) == before
    assert "</html>" in page.read_text("utf-8")[-300:]
