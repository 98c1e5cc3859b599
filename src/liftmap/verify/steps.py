"""What a verifier is that judges in two steps, because judging is slow or dangerous.

Used by the `verify` stage: `judging` finds the answers with `extract` in this process and has them
compared by `pool` in worker processes. Reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from liftmap.errors import MissingDependencyError
from liftmap.records import NO_COMPARISON, Question, Verdict

NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A comparison that reached a limit of its worker.

    Attributes:
        limit: The limit: "5 s of CPU" or "2 GiB of memory".
    """

    limit: str


@dataclass(frozen=True, slots=True)
class TwoSteps:
    """A verifier in two steps; each distinct (question, extracted answer) is compared once.

    The functions but `extract` run in a worker process, so they must be picklable: functions of a
    module, or a `functools.partial` of one. What they raise makes the response unscored; a
    `LiftmapError` ends the run.

    Attributes:
        extract: (question, text) -> the answer in the response, or None if it gives none: it is
            wrong then, with the reason "no answer". Must be quick, whatever the text is.
        compare: (question, answer) -> verdict.
        seconds: The CPU time that one `compare` may take; its worker is then killed. The machine's
            load does not matter.
        compare_gold: question -> the verdict of its gold answer, compared with itself and nothing
            taken for granted because the two texts are equal. A response that reaches a limit is
            wrong if this does not, else unscored; None: it is unscored.
        load: Loads what comparing needs for a question, such as a package; not part of `seconds`.
    """

    extract: Callable[[Question, str], str | None]
    compare: Callable[[Question, str], Verdict]
    seconds: float
    compare_gold: Callable[[Question], Verdict] | None = None
    load: Callable[[Question], None] | None = None


def require_workers() -> None:
    """Checks that this system has what worker processes need: limits, signals, a fork server.

    Raises:
        MissingDependencyError: It does not, as Windows.
    """
    import multiprocessing
    import signal

    try:
        import resource
    except ImportError:
        limits = False
    else:
        limits = hasattr(resource, "setrlimit") and hasattr(signal, "setitimer")
    if not limits or "forkserver" not in multiprocessing.get_all_start_methods():
        raise MissingDependencyError(
            "This verifier compares answers in processes with limits of time and memory, which "
            "this system does not have.",
            remedy="Judge on Linux or macOS (`liftmap verify` takes a folder that was sampled "
            "elsewhere), or choose exact, numeric or choice.",
        )


def exhausted(verdict: Verdict) -> bool:
    """Whether a response is wrong because it exhausted the verifier's time or memory."""
    return verdict.label == "wrong" and verdict.reason.startswith(NO_COMPARISON)
