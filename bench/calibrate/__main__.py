"""The command: runs attacks, prints their table, writes it into docs/calibration.md."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro

from bench.calibrate.run import chosen, rounds_of, run
from bench.calibrate.table import insert, lines, markdown
from liftmap.progress import progress


def main(
    words: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    rounds: int = 200,
    seed: int = 0,
    processes: int = 2,
    out: Path | None = None,
) -> None:
    """Run the attacks and print how often liftmap held what it promises.

    Args:
        words: Only attacks whose name holds one of these.
        rounds: Rounds of each attack; dear ones run a share of them.
        seed: Seed of everything.
        processes: How many processes share the work.
        out: A Markdown page whose table is replaced.
    """
    attacks = chosen(words)
    total = sum(rounds_of(attack, rounds) for attack in attacks)
    with progress("calibrate", total, "rounds") as advance:
        counts = run(attacks, rounds, seed=seed, processes=processes, advance=advance)
    print("\n".join(lines(attacks, counts)))
    if out is not None:
        command = f"python -m bench.calibrate --rounds {rounds} --seed {seed}"
        insert(out, command, markdown(attacks, counts))


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
