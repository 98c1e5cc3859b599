"""Runs a launched server and ends it, with all its processes, when liftmap ends.

`launch` runs this file in a process of its own: `python guard.py LIFTMAP_PID COMMAND ...`. That
process outlives liftmap by a moment however liftmap ends, SIGKILL included, so no server is left
behind. It imports the standard library alone, to start at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

GRACE_SECONDS = 10.0


def main(parent: int, command: list[str]) -> int:
    """Runs a command until it ends, SIGTERM comes, or `parent` is no longer our parent.

    Args:
        parent: The process of liftmap.
        command: The server's program and its arguments.

    Returns:
        The server's exit status, as `subprocess` gives it; 127 if it can't be started.
    """
    asked = False

    def ask(number: int, frame: object) -> None:
        nonlocal asked
        asked = True

    signal.signal(signal.SIGTERM, ask)
    try:
        # A session of its own: all that the server starts is in one process group.
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"{command[0]}: {error}", file=sys.stderr, flush=True)
        return 127
    # A process whose parent has died gets another one.
    while server.poll() is None and not asked and os.getppid() == parent:
        time.sleep(0.1)
    _end(server)
    return server.returncode


def _end(server: subprocess.Popen[bytes]) -> None:
    """Ends a process group: kindly, then not."""
    if server.poll() is None:
        _signal(server.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            server.wait(GRACE_SECONDS)
    _signal(server.pid, signal.SIGKILL)
    server.wait()


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
