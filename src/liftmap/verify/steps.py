"""What a verifier is that judges in two steps, because judging is slow or dangerous.

Used by the `verify` stage: `judging` finds the answers with `extract` in this process and has them
compared by `pool` in worker processes. Reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


def exhausted(verdict: Verdict) -> bool:
    """Whether a response is wrong because it exhausted the verifier's time or memory."""
    return verdict.label == "wrong" and verdict.reason.startswith(NO_COMPARISON)
