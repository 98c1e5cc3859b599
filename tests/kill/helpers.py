"""Commands that are killed at random moments and given again, until they end by themselves."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

NURSERY = Path(__file__).with_name("nursery.py")
SAMPLING = ("liftmap.cli", "liftmap.ask")
# With what the engine, the scores, the training and the page import once they are used.
EVERYTHING = (
    "liftmap.sample.transformers_engine",
    "liftmap.sample.score",
    "liftmap.train.grpo",
    "liftmap.train.sft",
    "liftmap.report.terminal",
    *SAMPLING,
)


@dataclass(frozen=True)
class Nursery:
    """Where the commands run: see nursery.py.

    Attributes:
        process: It.
        log: What the last command printed.
    """

    process: subprocess.Popen[str]
    log: Path

    def run(
        self, arguments: list[str], kill_after: float | None = None, kill_at: Path | None = None
    ) -> float:
        """Runs a command; gives the seconds it took, or -1 if it was killed before its end.

        Args:
            arguments: The command.
            kill_after: It is killed after so many seconds.
            kill_at: It is killed once there is such a file.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        call = {"arguments": arguments, "kill_after": kill_after, "log": str(self.log)}
        call["kill_at"] = None if kill_at is None else str(kill_at)
        print(json.dumps(call), file=self.process.stdin, flush=True)
        ended = json.loads(self.process.stdout.readline())
        if ended["status"] == -signal.SIGKILL:
            return -1.0
        assert ended["status"] == 0, self.log.read_text()
        return float(ended["seconds"])

    def run_killed(
        self,
        arguments: list[str],
        longest: float,
        most: int,
        chance: random.Random,
        at_kill: Callable[[], bool],
    ) -> None:
        """Gives a command again after each kill until it ends by itself.

        Args:
            arguments: The command.
            longest: Each process is killed once it has lived for a time between 0 and this.
            most: So many kills at most: more would come to its last part, again and again.
            chance: Gives the time.
            at_kill: Looks at what a kill left; whether to go on killing.
        """
        going = True
        while self.run(arguments, chance.uniform(0, longest) if going else None) < 0:
            most -= 1
            going = at_kill() and most > 0


@contextmanager
def nursery(log: Path, modules: tuple[str, ...]) -> Iterator[Nursery]:
    """A nursery that has imported these modules."""
    with subprocess.Popen(
        [sys.executable, str(NURSERY), *modules],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # One thread: sums in the same order in every run.
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        yield Nursery(process, log)


def files(folder: Path) -> set[str]:
    """All files of a folder, what a killed process was writing among them; the lock is none."""
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    return names - {".lock"}


def unfinished(names: set[str]) -> set[str]:
    """Those that a process was writing when it was killed."""
    return {name for name in names if name.endswith(".liftmap-unfinished")}


def assert_same(folder: Path, other: Path) -> None:
    """Both folders hold the same files with the same contents."""
    assert files(folder) == files(other)
    for name in sorted(files(folder)):
        if name.endswith(".parquet"):
            # Rows, their order, and every column; NaN equals NaN.
            assert pl.read_parquet(folder / name).equals(pl.read_parquet(other / name)), name
        else:
            assert (folder / name).read_bytes() == (other / name).read_bytes(), name
