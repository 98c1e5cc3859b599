"""Runs the command line again and again in processes that may be killed, without a new start each.

A process of its own, since a process that has used polars or torch can't be forked safely: this one
has imported them and does nothing with them. For each line that it reads it forks a child that runs
`liftmap.cli.main`, kills it by SIGKILL when its time has come, and writes how it ended.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback


def run(
    arguments: list[str], kill_after: float | None, kill_at: str | None, log: str
) -> dict[str, float]:
    """Runs a command.

    Args:
        arguments: The words after `liftmap`.
        kill_after: It is killed after so many seconds.
        kill_at: It is killed once there is such a file.
        log: What it prints goes there.

    Returns:
        status: the exit status, or -9 if it was killed; seconds: how long it lived.
    """
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _live(arguments, log)
    ended, status = 0, 0
    while not ended:
        late = kill_after is not None and time.monotonic() - started >= kill_after
        if late or (kill_at is not None and os.path.exists(kill_at)):
            os.kill(child, signal.SIGKILL)
            ended, status = os.waitpid(child, 0)
        else:
            time.sleep(0.0005)
            ended, status = os.waitpid(child, os.WNOHANG)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - started,
    }


def _live(arguments: list[str], log: str) -> None:
    """The child's whole life."""
    status = 1
    try:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        from liftmap.cli import main

        status = main(arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    for module in sys.argv[1:]:
        importlib.import_module(module)
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)
