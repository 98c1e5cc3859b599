"""A worker process ends with the process that it works for, however that one ends.

Used by `pool` in each new worker. A pipe that the other process holds open closes when it ends; on
Linux the kernel then signals the worker, whatever it is at; elsewhere a thread sees it. Nothing
else would end it before its answer is done: the fork server between them lives as long as they do.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """From now on this process ends once the process that started its pool has ended."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    pipe = parent.sentinel
    if not _signalled(pipe):
        threading.Thread(target=_watch, args=(pipe,), name="liftmap-parent", daemon=True).start()
    elif wait([pipe], 0):
        # It ended before anybody looked.
        os._exit(1)


def _signalled(pipe: int) -> bool:
    """Asks the kernel for a signal that ends this process when a pipe closes; False if it can't."""
    try:
        import fcntl

        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
        fcntl.fcntl(pipe, fcntl.F_SETFL, flags | os.O_ASYNC)
    except (ImportError, AttributeError, OSError):
        return False
    return os.uname().sysname == "Linux"


def _watch(pipe: int) -> None:
    wait([pipe])
    os._exit(1)
