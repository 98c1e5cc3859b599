"""Ctrl-C and SIGTERM: one message that says how to go on, and no traceback, whenever they come."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tomli_w

from liftmap.files import UNFINISHED

from .conftest import SCRIPTED

MESSAGE = "the same command goes on"


def start(tmp_path: Path) -> subprocess.Popen[str]:
    study = tmp_path / "study.toml"
    sample = SCRIPTED["sample"] | {"n": 2048, "shard_responses": 2048}
    study.write_text(tomli_w.dumps(SCRIPTED | {"sample": sample}))
    command = [sys.executable, "-m", "liftmap", "study", str(study), "--out", str(tmp_path / "out")]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def listens(process: subprocess.Popen[str]) -> bool:
    """Whether a process catches SIGTERM, which Python alone does not."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def wait_for(what: object, seconds: float = 60) -> None:
    assert callable(what)
    latest = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < latest
        time.sleep(0.002)


def assert_stopped(process: subprocess.Popen[str], status: int) -> str:
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said, said
    assert said.count(MESSAGE) == 1, said
    assert process.returncode == status, said
    return said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_first_half_second(number: int, tmp_path: Path) -> None:
    for delay in (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5):
        process = start(tmp_path)
        wait_for(lambda process=process: listens(process))
        time.sleep(delay)
        process.send_signal(number)
        assert_stopped(process, 128 + number)


@pytest.mark.slow
def test_several_within_a_fifth_of_a_second(tmp_path: Path) -> None:
    process = start(tmp_path)
    shards = tmp_path / "out" / "responses" / "base" / "test"
    wait_for(lambda: list(shards.glob("shard-*")))
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        time.sleep(0.04)
    assert_stopped(process, 130)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name.endswith(UNFINISHED)]


@pytest.mark.slow
def test_sigterm_while_it_works(tmp_path: Path) -> None:
    process = start(tmp_path)
    shards = tmp_path / "out" / "responses" / "base" / "test"
    wait_for(lambda: list(shards.glob("shard-*")))
    process.send_signal(signal.SIGTERM)
    assert "Stopped by SIGTERM" in assert_stopped(process, 143)


def test_what_was_ignored_still_is(tmp_path: Path) -> None:
    # As `nohup` and a shell's `&` leave it.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); import liftmap.stopping; "
        "liftmap.stopping.listen(); import os; os.kill(os.getpid(), signal.SIGINT); print('on')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("on\n", 0)


def test_a_process_that_was_forked_dies_as_if_nobody_listened() -> None:
    program = (
        "import os, signal, liftmap.stopping as s; s.listen(); pid = os.fork(); "
        "os.kill(os.getpid(), signal.SIGTERM) if pid == 0 else print(os.waitpid(pid, 0)[1])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{int(signal.SIGTERM)}\n", "")
