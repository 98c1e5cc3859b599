"""A row of the benchmark table, and how it is timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison: items a second (more is better), or a plain number of the unit."""

    what: str
    unit: str
    ours: float
    other: float
    other_name: str
    per_second: bool = True

    def cells(self) -> list[str]:
        """The row as text."""
        unit = f"{self.unit}/s" if self.per_second else self.unit
        return [
            self.what,
            f"{self.ours:,.0f} {unit}",
            f"{self.other:,.0f} {unit}",
            self.other_name,
            f"{self.ours / self.other:.1f} x",
        ]


def rate(
    work: Callable[[], int], repeats: int = 3, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The best items a second of some repeats; `work` gives the number of items it did.

    With `clock=time.process_time` a second is one of this process's own CPU time, all threads
    together.
    """
    best = 0.0
    for _ in range(repeats):
        started = clock()
        items = work()
        best = max(best, items / (clock() - started))
    return best
