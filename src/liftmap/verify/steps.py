"""What a verifier is that judges in two steps, because judging is slow or dangerous.

Used by the `verify` stage: `judging` finds the answers with `extract` in this process and has them
compared by `pool` in worker processes. Reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from liftmap.records import Question, Verdict

NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class TwoSteps:
    """A verifier in two steps; each distinct (question, extracted answer) is compared once.

    Attributes:
        extract: (question, text) -> the answer in the response, or None if it gives none: it is
            wrong then, with the reason "no answer". Must be quick, whatever the text is.
        compare: (question, answer) -> verdict. Runs in a worker process, so it must be picklable: a
            function of a module, or a `functools.partial` of one. What it raises makes the response
            unscored; a `LiftmapError` ends the run.
        seconds: The longest that one `compare` may take; its worker is then killed, and the
            response is unscored.
    """

    extract: Callable[[Question, str], str | None]
    compare: Callable[[Question, str], Verdict]
    seconds: float
