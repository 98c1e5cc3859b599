"""Ctrl-C and SIGTERM: one message that says how to go on, whenever and how often they come.

Used by the command line from its first moment, and by whatever has to be left in order (a folder
that is held, a file that is written). Where nothing has to be, the process ends at once: in the
middle of an import an exception would become a traceback of some library.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

GOES_ON = "What was finished is kept; the same command goes on from there."
# A second signal within so many seconds of the first is a part of it; a later one ends the process
# however much is left to be put in order. Whole files or none are on disk in any case.
PATIENCE_SECONDS = 1.0
SHOW_CURSOR = "\x1b[?25h"

_in_order = 0
_first_signal: float | None = None
_said = False
_owner = 0


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


def message(number: int) -> str:
    """What is said when a signal ends the process."""
    by = " by SIGTERM" if number == signal.SIGTERM else ""
    return f"Stopped{by}. {GOES_ON}"


def listen() -> dict[int, Any]:
    """Listens to Ctrl-C and SIGTERM; one that was ignored before still is.

    Returns:
        The handlers that were there, by signal.
    """
    global _first_signal, _said, _owner
    _first_signal, _said, _owner = None, False, os.getpid()
    before: dict[int, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _stop)
        except ValueError:
            # Not the main thread: whoever started it listens.
            break
    return before


@contextmanager
def listening() -> Iterator[None]:
    """Listens in the block; see `listen`."""
    before = listen()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def in_order() -> Iterator[None]:
    """A block that a signal leaves by an exception, so that it can be put in order."""
    global _in_order
    _in_order += 1
    try:
        yield
    finally:
        _in_order -= 1


def said() -> None:
    """Notes that the message has been printed."""
    global _said
    _said = True


def _stop(number: int, frame: object) -> None:
    global _first_signal
    if os.getpid() != _owner:
        # A process that a library forked: as if nobody listened.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    elif _first_signal is not None and time.monotonic() - _first_signal < PATIENCE_SECONDS:
        return
    elif _in_order and _first_signal is None:
        _first_signal = time.monotonic()
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
    else:
        _leave(number)


def _leave(number: int) -> NoReturn:
    """Ends the process at once."""
    if not _said:
        # A bar may have hidden the cursor.
        shown = SHOW_CURSOR if sys.stderr is not None and sys.stderr.isatty() else ""
        os.write(2, f"{shown}\n{message(number)}\n".encode())
    os._exit(128 + number)
