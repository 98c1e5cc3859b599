"""What works without fcntl, resource and POSIX signals, as on Windows; what does not says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tomli_w

from .conftest import SCRIPTED
from .sample.faulty_server import FaultyServer

# What Windows lacks. Its own ways (msvcrt, CreateProcess) can't be tried here.
WITHOUT = """
import multiprocessing, os, signal, sys
import subprocess, asyncio, selectors, socket  # of the standard library, which has its own ways
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty"):
    sys.modules[name] = None
for name in ("SIGKILL", "SIGPROF", "SIGVTALRM", "SIGIO", "SIGHUP", "setitimer", "ITIMER_PROF"):
    delattr(signal, name)
for name in ("fork", "killpg", "getuid", "getgid", "setsid", "sched_getaffinity", "sysconf",
             "mkfifo", "O_ASYNC"):
    if hasattr(os, name):
        delattr(os, name)
multiprocessing.get_all_start_methods = lambda: ["spawn"]
import multiprocessing.context
del multiprocessing.context.ForkServerContext, multiprocessing.context.ForkServerProcess
from liftmap.__main__ import main
sys.exit(main())
"""


def run(*arguments: str, status: int = 0) -> str:
    """What a command prints on such a system."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments], capture_output=True, text=True, env=os.environ
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def test_comparing_and_reading(tmp_path: Path) -> None:
    for name, step in (("before", 9), ("after", 5)):
        rows = "".join(f"q{i},8,{i % step}\n" for i in range(20))
        (tmp_path / f"{name}.csv").write_text("question_id,n,c\n" + rows)
    tallies = [str(tmp_path / "before.csv"), str(tmp_path / "after.csv")]
    fast = ["--resamples", "50", "--law-resamples", "5"]
    page = tmp_path / "page.html"
    assert "accuracy" in run("compare", *tallies, *fast, "--report", str(page)).lower()
    assert page.stat().st_size > 10_000
    log = tmp_path / "log.jsonl"
    lines = [f'{{"question_id": "q{i}", "correct": {str(i % 2 == 0).lower()}}}' for i in range(40)]
    log.write_text("\n".join(lines))
    run("compare", str(log), str(log), *fast)


@pytest.mark.slow
def test_a_study_its_tables_and_its_report(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(tomli_w.dumps(SCRIPTED))
    out = str(tmp_path / "out")
    run("study", str(study), "--out", out)
    for command in ("analyse", "report"):
        run(command, out)


def test_sampling_from_a_server_and_what_is_not_there(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    sampling = ["sample", "--model", "served", "--task", "kin", "--option", "limit=6", "--n", "4"]
    with FaultyServer() as server:
        run(*sampling, "--url", server.url, "--out", out)
    assert "Judge on Linux or macOS" in run("verify", out, "--verifier", "math", status=2)
    assert "Judge on Linux or macOS" in run("verify", out, "--verifier", "code", status=2)
    launch = ["--launch", "serve {model} --port {port}", "--out", f"{out}-launched"]
    launched = run(*sampling, *launch, status=2)
    assert "Start it by hand" in launched
