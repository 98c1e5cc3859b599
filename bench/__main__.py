"""Runs the benchmarks and prints one table: what, ours, the other, the ratio.

python -m bench            all
python -m bench sampling   those whose name holds the word
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from bench import durability, reading, sampling, statistics, verifying
from bench.timing import Row

BENCHMARKS: dict[str, Callable[[], list[Row]]] = {
    "durability": durability.run,
    "reading": reading.run,
    "sampling": sampling.run,
    "statistics": statistics.run,
    "verifying": verifying.run,
}


def main(words: list[str]) -> int:
    table = Table(title="liftmap bench: ratios of one run")
    for column in ("what", "ours", "other", "the other is", "ratio"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, benchmark in BENCHMARKS.items():
        if not words or any(word in name for word in words):
            for row in benchmark():
                table.add_row(*row.cells())
    Console().print(table)
    return 0


sys.exit(main(sys.argv[1:]))
