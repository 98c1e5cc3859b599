"""After SIGKILL of liftmap no process that it started lives on: workers, sandboxes, servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from liftmap.verify.sandbox import WAYS, why_not

# Two responses of each kind, so that several workers are at work.
PROGRAMS = {
    "busy": "while True: pass",
    "idle": "import time\nwhile True: time.sleep(60)",
    "with children": "import os, time\nos.fork()\nwhile True: time.sleep(60)",
}
CODE = """
from liftmap.records import Question
from liftmap.verify import make_verifier, sandbox
sandbox.WAYS = ({way!r},)
verifier = make_verifier("code", {{"seconds": 30.0}})
test = "def check(candidate):\\n    assert candidate() == 1\\n"
questions = [
    Question(f"q{{i}}", "", "", metadata={{"prompt": "", "test": test, "entry_point": "f"}})
    for i in range(4)
]
print("judging", flush=True)
verifier.judge([(q, "def f(): return 1\\n" + {program!r}) for q in questions])
"""
MATH = """
import time
from liftmap.verify.pool import compare_all
from liftmap.records import Question
from tests.kill.slow_verifier import compare
print("judging", flush=True)
compare_all(compare, [(Question(f"q{i}", "", ""), "x") for i in range(4)], 60.0)
"""
ROOT = Path(__file__).parents[2]


def children(of: int) -> set[int]:
    """All processes below one, by their ids."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
        except (OSError, ValueError):
            continue
        if not lines["State"].startswith("Z"):
            parents[int(lines["Pid"])] = int(lines["PPid"])
    below: set[int] = set()
    while True:
        more = {p for p, parent in parents.items() if parent in below | {of}} - below
        if not more:
            return below
        below |= more


def alive(processes: set[int]) -> set[int]:
    left = set()
    for process in processes:
        status = Path(f"/proc/{process}/stat")
        try:
            state = status.read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            left.add(process)
    return left


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    latest = time.monotonic() + seconds
    while not what():
        if time.monotonic() > latest:
            return False
        time.sleep(0.05)
    return True


def kill_and_look(program: str, at_work: int) -> None:
    """Kills a process once it has so many below it that have work; none of them lives on."""
    running = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT, env=os.environ
    )
    assert running.stdout is not None
    try:
        assert running.stdout.readline() == b"judging\n"
        assert wait_for(lambda: len(children(running.pid)) >= at_work, 60)
        time.sleep(1)
        below = children(running.pid)
        assert len(below) >= at_work
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        gone = wait_for(lambda: not alive(below), 5)
        assert gone, f"{len(alive(below))} of {len(below)} live on"
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", PROGRAMS)
@pytest.mark.parametrize("way", WAYS)
def test_programs_in_a_sandbox(way: str, kind: str) -> None:
    if why_not(way):  # type: ignore[arg-type]
        pytest.skip(f"{way} does not work here")
    # The fork server and its tracker, a worker, and what closes a program in.
    kill_and_look(CODE.format(way=way, program=PROGRAMS[kind]), 5)


@pytest.mark.slow
def test_workers_that_compare() -> None:
    kill_and_look(MATH, 3)
