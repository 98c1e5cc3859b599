"""Locks: one process at a time works in a folder, and the system lets go however it ends.

Part of the store. The lock is on the file `.lock`, and where the system can on the folder itself as
well: a lock file that somebody deletes lets nobody in.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from liftmap.errors import StoreError
from liftmap.files import disk
from liftmap.stopping import in_order

fcntl: Any
try:
    import fcntl
except ImportError:
    # Windows: filelock has another way there.
    fcntl = None

LOCK = ".lock"
# Set to 1 it does without: for file systems that have no locks.
WITHOUT_LOCKS = "LIFTMAP_WITHOUT_LOCKS"
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)
HELD = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder, made if it is not there, for this process.

    Raises:
        StoreError: Another process holds it, or the file system has no locks.
    """
    from filelock import FileLock, Timeout

    file = folder / LOCK
    with disk(file):
        folder.mkdir(parents=True, exist_ok=True)
        if file.is_symlink() or (file.exists() and not file.is_file()):
            raise StoreError(
                f"{file} is not a file: liftmap's lock goes there.",
                remedy="Move it away, or name another folder.",
            )
    with ExitStack() as held, in_order():
        if os.environ.get(WITHOUT_LOCKS) != "1":
            # A lock of the system, which ends with the process; where Python knows of none, a file
            # that says who holds it.
            lock = FileLock(file, thread_local=False, fallback_to_soft=fcntl is None)
            try:
                held.enter_context(lock.acquire(timeout=0))
                held.enter_context(_folder_locked(folder))
            except Timeout:
                raise _in_use(folder) from None
            except (OSError, NotImplementedError) as error:
                number = error.errno if isinstance(error, OSError) else errno.ENOSYS
                if isinstance(error, StoreError) or number not in NO_LOCKS:
                    with disk(file):
                        raise
                raise StoreError(
                    f"The file system of {folder} has no locks ({os.strerror(number or 0)}).",
                    remedy="Take a folder on another disk; or have it mounted with locks (Lustre: "
                    "-o flock; NFS: without nolock, with lockd running); or, if you are sure that "
                    f"one process alone works in the folder, set {WITHOUT_LOCKS}=1.",
                ) from None
        yield


@contextmanager
def _folder_locked(folder: Path) -> Iterator[None]:
    """Locks the folder itself, where the system can lock folders; elsewhere does nothing."""
    if fcntl is None:
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Anything else: NFS for one locks only files that can be written.
            if error.errno in HELD:
                raise _in_use(folder) from None
        yield
        with suppress(OSError):
            # Said aloud: a process that a library forked may have the same lock in its hands.
            fcntl.flock(number, fcntl.LOCK_UN)
    finally:
        os.close(number)


def _in_use(folder: Path) -> StoreError:
    return StoreError(
        f"Another liftmap process works in {folder}.", remedy="Wait until it has ended, or stop it."
    )
