"""Running attacks: so many rounds each, spread over processes, counted.

The same seed gives the same counts, whatever the number of processes.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context

import numpy as np

from bench.calibrate.attacks import ATTACKS, Attack
from bench.calibrate.judge import Promise
from bench.calibrate.situations import Trial
from liftmap.progress import Advance

# Rounds that a process does at a time.
ROUNDS_TOGETHER = 10


@dataclass
class Count:
    """How often a claim came true.

    Attributes:
        true: Rounds in which it did.
        rounds: Rounds in which it could.
    """

    true: int = 0
    rounds: int = 0

    @property
    def share(self) -> float:
        """Share of the rounds in which it came true."""
        return self.true / self.rounds

    @property
    def error(self) -> float:
        """Standard error of the share; of one round more that went the other way for 0 or all."""
        share = self.share if 0 < self.true < self.rounds else 1 / (self.rounds + 1)
        return float(np.sqrt(share * (1 - share) / self.rounds))

    def keeps(self, promise: Promise, errors: float = 2.0) -> bool:
        """Whether the promise holds within so many standard errors, as they are if it does."""
        error = float(np.sqrt(promise.share * (1 - promise.share) / self.rounds))
        shortfall = promise.share - self.share if promise.at_least else self.share - promise.share
        return shortfall <= errors * error


Counts = dict[str, Count]


def chosen(words: Sequence[str]) -> tuple[Attack, ...]:
    """The attacks whose name holds one of the words; all without words."""
    return tuple(one for one in ATTACKS if not words or any(word in one.name for word in words))


def rounds_of(attack: Attack, rounds: int) -> int:
    """How many rounds of an attack are run."""
    return max(2, round(attack.share * rounds))


def run(
    attacks: Sequence[Attack],
    rounds: int,
    *,
    seed: int = 0,
    processes: int = 1,
    advance: Advance | None = None,
) -> dict[str, Counts]:
    """Counts how often the claims of each attack come true.

    Args:
        attacks: The attacks.
        rounds: Rounds of an attack with a share of 1.
        seed: Seed of everything.
        processes: How many processes share the work.
        advance: Told of every round that is done.

    Returns:
        For each attack, by name, the counts of its claims.
    """
    pieces = [
        (attack.name, seed, start, min(start + ROUNDS_TOGETHER, rounds_of(attack, rounds)))
        for attack in attacks
        for start in range(0, rounds_of(attack, rounds), ROUNDS_TOGETHER)
    ]
    counts: dict[str, Counts] = {attack.name: {} for attack in attacks}
    for name, claims in _done(pieces, processes):
        for one in claims:
            for claim, true in one.items():
                count = counts[name].setdefault(claim, Count())
                count.true += true
                count.rounds += 1
        if advance is not None:
            advance(len(claims))
    return counts


Piece = tuple[str, int, int, int]
Done = tuple[str, list[dict[str, bool]]]


def _done(pieces: list[Piece], processes: int) -> Iterator[Done]:
    if processes == 1:
        yield from map(_work, pieces)
        return
    # Two processes with two threads each would be slower than one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_work, piece) for piece in pieces]):
            yield future.result()


def _work(piece: Piece) -> Done:
    name, seed, start, end = piece
    trial, key = _trial(name, seed), zlib.crc32(name.encode())
    return name, [trial(np.random.default_rng([seed, key, 1, at])) for at in range(start, end)]


@lru_cache(maxsize=4)
def _trial(name: str, seed: int) -> Trial:
    attack = next(one for one in ATTACKS if one.name == name)
    return attack.make(np.random.default_rng([seed, zlib.crc32(name.encode()), 0]))
