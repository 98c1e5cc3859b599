"""The parts of a suite as records: a benchmark's row, and several benchmarks pooled.

Beside `parts`: `suite` makes these, `suite_result` holds them, `suite_words` and `suite_tables`
show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from liftmap.comparison.pooled import Over
from liftmap.comparison.result import Comparison
from liftmap.records import Change
from liftmap.stats.verdict import Conclusion

Group = Literal["all", "old", "new"]


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """One row of a suite.

    Attributes:
        name: The benchmark.
        old: Whether the training was not for it.
        comparison: The comparison of its two sides, as `compare` makes it.
        accuracy_p_holm: p-value that accuracy did not change, adjusted for all changes of the
            suite; None where the change is withheld.
        capability_p_holm: The same of pass@k; None too where k is 1.
    """

    name: str
    old: bool
    comparison: Comparison
    accuracy_p_holm: float | None
    capability_p_holm: float | None

    @property
    def changed(self) -> tuple[str, ...]:
        """The axes whose change stands among all benchmarks: accuracy, capability."""
        adjusted = {"accuracy": self.accuracy_p_holm, "capability": self.capability_p_holm}
        alpha = 1 - self.comparison.level
        return tuple(name for name, p in adjusted.items() if p is not None and p < alpha)


@dataclass(frozen=True, slots=True, eq=False)
class PooledBenchmarks:
    """Several benchmarks as one.

    Attributes:
        of: Which of them: all, the old or the new ones.
        over: What the mean is over.
        benchmarks: Their number.
        questions: Number of their questions.
        k: Number of tries of capability: the most that all of them support.
        accuracy: pass@1 before, after and its change.
        capability: pass@k likewise; None where k is 1.
        verdict: The words of both.
    """

    of: Group
    over: Over
    benchmarks: int
    questions: int
    k: int
    accuracy: Change
    capability: Change | None
    verdict: Conclusion
