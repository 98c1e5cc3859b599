"""Worker processes that compare answers: one that hangs or dies costs one response.

Used by the `verify` stage for verifiers in two steps. Takes questions and answers, gives verdicts;
reads and writes nothing. The processes belong to a Pebble pool, as many as there are cores; they
start with the first answer and end with this process.
"""

from __future__ import annotations

import atexit
import os
import resource
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from liftmap.errors import LiftmapError, MissingDependencyError
from liftmap.records import Question, Verdict
from liftmap.verify.parent import end_with_parent
from liftmap.verify.steps import Exhausted

if TYPE_CHECKING:
    from pebble import ProcessPool

Compare = Callable[[Question, str], Verdict]
Load = Callable[[Question], None]
Pair = tuple[Question, str]
Outcome = Verdict | Exhausted

# What a worker may take beyond what it has when it starts, in GiB.
MEMORY = 2
# The most answers in one task. A task ends early after TASK_SECONDS of CPU, so that slow answers
# spread over the workers; among others an answer gets FIRST_SECONDS, and then its full time alone.
CHUNK = 64
TASK_SECONDS = 0.25
# It ends early after so much wall time too, for answers that are programs with a process of their
# own.
TASK_WALL_SECONDS = 10.0
FIRST_SECONDS = 0.5
# The CPU time for loading what a question needs.
LOADING_SECONDS = 60.0
# Limits are CPU time, so that a busy machine changes no verdict. A worker that does not use the
# CPU, or gets hardly any, is ended after so much wall time: a share of the limits, and a rest.
WALL_SHARE = 20.0
WALL_REST = 60.0
# Should nothing be heard for so many seconds longer, the pool starts anew.
SILENCE = 60.0
# A worker is replaced after so many tasks, since sympy's caches grow.
TASKS_A_WORKER = 500
# So often may the pool break in a row without one answer compared.
BREAKS = 5

_TOO_LARGE = Exhausted(f"{MEMORY} GiB of memory")


def compare_all(
    compare: Compare, pairs: Sequence[Pair], seconds: float, load: Load | None = None
) -> list[Outcome]:
    """Compares answers in the worker processes.

    Args:
        compare: (question, answer) -> verdict; picklable.
        pairs: Questions and answers, each compared once.
        seconds: The CPU time that one may take.
        load: Loads what comparing needs for a question, before its time begins; picklable.

    Returns:
        An outcome for each pair, in their order: a verdict, unscored with the reason where the
        worker died or `compare` raised; or the limit of time or memory that was reached.

    Raises:
        LiftmapError: `compare` raised one, or no worker can be kept running.
        MissingDependencyError: Pebble is not installed.
    """
    outcomes: dict[int, Outcome] = {}
    size = max(1, min(CHUNK, len(pairs) // (4 * cores())))
    waiting = deque(
        list(range(start, min(start + size, len(pairs)))) for start in range(0, len(pairs), size)
    )
    running: dict[Future[list[Outcome]], list[int]] = {}
    breaks = 0
    try:
        while waiting or running:
            try:
                while waiting and len(running) < 2 * cores():
                    task = [pairs[i] for i in waiting[0]]
                    limit = seconds if len(task) == 1 else min(seconds, FIRST_SECONDS)
                    future = _schedule(compare, load, task, limit)
                    running[future] = waiting.popleft()
                ended, _ = wait(running, _wall(seconds) + SILENCE, return_when=FIRST_COMPLETED)
                if not ended:
                    raise BrokenProcessPool("they have fallen silent")
                for future in ended:
                    found = _results(future, len(running[future]), seconds)
                    indices = running.pop(future)
                    outcomes.update(zip(indices, found, strict=False))
                    left = indices[len(found) :]
                    # If there are none, one of them ended the worker: alone it costs no other.
                    waiting.extend([left] if found and left else [[i] for i in left])
                    breaks = 0
            except BrokenProcessPool as error:
                breaks += 1
                if breaks > BREAKS:
                    raise LiftmapError(
                        f"The processes that compare answers can't be kept running: {error}.",
                        remedy="Look for what ends them, as a limit of memory or of processes.",
                    ) from error
                close_pool()
                waiting.extend([i] for indices in running.values() for i in indices)
                running.clear()
    except BaseException:
        # Ctrl-C among others: what still runs is not waited for.
        close_pool()
        raise
    return [outcomes[i] for i in range(len(pairs))]


def _wall(limit: float) -> float:
    """The wall time of a task whose answers have `limit` seconds of CPU each."""
    return WALL_REST + WALL_SHARE * (TASK_SECONDS + limit)


def _schedule(
    compare: Compare, load: Load | None, task: list[Pair], limit: float
) -> Future[list[Outcome]]:
    pool = _pool(compare)
    try:
        return pool.schedule(_work, args=(compare, load, task, limit), timeout=_wall(limit))
    except RuntimeError as error:
        raise BrokenProcessPool(str(error)) from error


def _results(future: Future[list[Outcome]], size: int, seconds: float) -> list[Outcome]:
    """The outcomes of an ended task of `size` answers: of its first ones, or of none if it failed.

    Raises:
        BrokenProcessPool: The pool broke.
        LiftmapError: `compare` raised one.
    """
    from pebble import ProcessExpired

    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrokenProcessPool | LiftmapError):
        raise error
    if size > 1:
        return []
    if isinstance(error, TimeoutError):
        reason = f"its worker gave no result in {_wall(seconds):g} s of wall time"
        return [Verdict("unscored", reason=reason)]
    if isinstance(error, ProcessExpired) and error.exitcode == -signal.SIGPROF:
        return [Exhausted(f"{seconds:g} s of CPU")]
    if isinstance(error, ProcessExpired) and error.exitcode == -signal.SIGVTALRM:
        reason = f"what it needs could not be loaded in {LOADING_SECONDS:g} s of CPU"
        return [Verdict("unscored", reason=reason)]
    if isinstance(error, ProcessExpired):
        return [Verdict("unscored", reason="worker died")]
    return [Verdict("unscored", reason=f"{type(error).__name__}: {error}")]


def _work(compare: Compare, load: Load | None, pairs: list[Pair], limit: float) -> list[Outcome]:
    """Runs in a worker: the outcomes of as many answers as fit into a task, at least one."""
    outcomes: list[Outcome] = []
    compared = 0.0
    begun = time.monotonic()
    for question, answer in pairs:
        try:
            if load is not None:
                with _limited(signal.ITIMER_VIRTUAL, LOADING_SECONDS):
                    load(question)
            started = time.process_time()
            with _limited(signal.ITIMER_PROF, limit):
                outcomes.append(compare(question, answer))
            compared += time.process_time() - started
        except LiftmapError:
            raise
        except MemoryError:
            outcomes.append(_TOO_LARGE)
        except Exception as error:
            outcomes.append(Verdict("unscored", reason=f"{type(error).__name__}: {error}"))
        if compared > TASK_SECONDS or time.monotonic() - begun > TASK_WALL_SECONDS:
            break
    return outcomes


@contextmanager
def _limited(clock: int, seconds: float) -> Iterator[None]:
    """Ends this process, even within one long operation of C code, after so much CPU time."""
    signal.setitimer(clock, seconds)
    try:
        yield
    finally:
        signal.setitimer(clock, 0)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_lock = RLock()
# The pool, and the process that started it: a fork of that process needs a pool of its own.
_running: tuple[ProcessPool, int] | None = None


def _pool(compare: Compare) -> ProcessPool:
    """The pool of this process, started if there is none."""
    global _running
    with _lock:
        if _running is not None and _running[1] == os.getpid():
            return _running[0]
        try:
            from pebble import ProcessPool
        except ImportError as error:
            raise MissingDependencyError(
                "This verifier needs Pebble.", remedy="Install it: pip install 'liftmap[math]'"
            ) from error
        # Not fork: threads of torch or Polars may hold locks in this process. A fork server has no
        # threads, and once it has loaded what compares, new workers start at once.
        context = _Context()
        module = compare.func.__module__ if isinstance(compare, partial) else compare.__module__
        context.set_forkserver_preload([module])
        pool = ProcessPool(cores(), TASKS_A_WORKER, initializer=_prepare, context=context)
        _running = (pool, os.getpid())
        return pool


@atexit.register
def close_pool() -> None:
    """Ends the worker processes, whatever they are at; the next answer starts new ones."""
    global _running
    with _lock:
        if _running is not None and _running[1] == os.getpid():
            pool = _running[0]
            _running = None
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def _prepare() -> None:
    """Runs in each new worker: limits its memory, and lets signals end it at once.

    It ends with the process that started the pool.
    """
    end_with_parent()
    for ends in (signal.SIGPROF, signal.SIGVTALRM, signal.SIGTERM):
        signal.signal(ends, signal.SIG_DFL)
    statm = Path("/proc/self/statm")
    if statm.exists():
        now = int(statm.read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        # The soft limit alone, so that a program which a worker starts can be given its own.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY * 1024**3, hard))


class _Process(ForkServerProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with _without_main():
            return ForkServerProcess._Popen(process_obj)  # type: ignore[attr-defined]


class _Context(ForkServerContext):
    Process = _Process


@contextmanager
def _without_main() -> Iterator[None]:
    """Hides the main module, which multiprocessing would run again in each worker.

    Workers need nothing of it; a script without `if __name__ == "__main__"` would start all over,
    and one that imports torch would load it in each worker.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
