"""Attacks that are more than one comparison of two tallies: looks, arms, seeds, matrices.

Beside `attacks`, which lists them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import liftmap
from bench.calibrate import worlds
from bench.calibrate.judge import (
    ACCURACY,
    CALLED,
    COLOURED,
    EXCESS,
    GROSS,
    NO_WARNING,
    called,
    coloured_bins,
    holds,
    word_pair,
)
from bench.calibrate.situations import Claims, Trial, compare, nothing
from bench.calibrate.worlds import Responses, World
from liftmap.stats.bins import study_bins
from liftmap.stats.passk import accuracy
from liftmap.stats.seeds import change_over_seeds
from liftmap.stats.transitions import raw_matrix


def same_file_twice(rng: np.random.Generator) -> Trial:
    """Before and after are the same responses."""
    world = nothing(200, 16)(rng)

    def trial(rng: np.random.Generator) -> Claims:
        side = world.draw(rng)[0]
        comparison = compare(world, side, side, rng)
        return {NO_WARNING: not comparison.warnings}

    return trial


def ten_looks(rng: np.random.Generator) -> Trial:
    """500 questions in random order, looked at after every 50."""
    world = nothing(500, 16)(rng)

    def trial(rng: np.random.Generator) -> Claims:
        sides = world.draw(rng)
        looks = [
            called(compare(world, *(side.subset(np.arange(size)) for side in sides), rng))
            for size in range(50, 501, 50)
        ]
        return {claim: any(look[claim] for look in looks) for claim in looks[0]}

    return trial


def six_arms(rng: np.random.Generator) -> Trial:
    """Six arms beside one base, none changed."""
    world = nothing(200, 64)(rng)

    def trial(rng: np.random.Generator) -> Claims:
        chosen = rng.integers(len(world.before), size=world.units)
        p = world.before[chosen].ravel()
        base, *arms = (worlds.tally(world.respond[0](p, rng)) for _ in range(7))
        comparisons = [compare(world, base, arm, rng) for arm in arms]
        words = [called(comparison) for comparison in comparisons]
        return {
            COLOURED: any(coloured_bins(comparison) for comparison in comparisons),
            **{claim: any(arm[claim] for arm in words) for claim in words[0]},
        }

    return trial


def one_seed(rng: np.random.Generator) -> Trial:
    """A recipe without effect, whose checkpoints vary by 1.5 points: one of them is compared."""
    world = nothing(500, 16)(rng)

    def trial(rng: np.random.Generator) -> Claims:
        base, checkpoint = _checkpoints(world, 1, rng)
        word = word_pair(compare(world, worlds.tally(base), worlds.tally(checkpoint), rng))[0]
        return {CALLED: word in ("up", "down")}

    return trial


def three_seeds(rng: np.random.Generator) -> Trial:
    """The same recipe trained three times: what is said of the way of training."""
    world = nothing(500, 16)(rng)

    def trial(rng: np.random.Generator) -> Claims:
        base, *checkpoints = (accuracy(side.n, side.c) for side in _checkpoints(world, 3, rng))
        change = change_over_seeds([one - base for one in checkpoints]).change
        return {CALLED: not change.low <= 0 <= change.high, ACCURACY: holds(change, 0.0)}

    return trial


def _checkpoints(world: World, seeds: int, rng: np.random.Generator) -> list[Responses]:
    """Responses of the base and of so many checkpoints to the same questions."""
    p = world.before
    # A shift of all log-odds by s moves accuracy by about s times the mean of p (1 - p).
    step = 0.015 / float((p * (1 - p)).mean())
    chosen = p[rng.integers(len(p), size=world.units)].ravel()
    log_odds = np.log(chosen) - np.log1p(-chosen)
    shifts = [0.0, *rng.normal(0, step, seeds)]
    return [world.respond[0](1 / (1 + np.exp(-log_odds - shift)), rng) for shift in shifts]


def matrix(make: Callable[[np.random.Generator], World]) -> Callable[..., Trial]:
    """A published matrix instead of tallies."""

    def made(rng: np.random.Generator) -> Trial:
        world = make(rng)

        def trial(rng: np.random.Generator) -> Claims:
            before, after = world.draw(rng)
            n = int(before.n[0])
            bins = study_bins(n)
            cells = raw_matrix(before.counts, after.counts, bins)
            rows = [",".join(["", *bins.labels])]
            rows += [
                ",".join([label, *map(str, row)])
                for label, row in zip(bins.labels, cells.tolist(), strict=True)
            ]
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "matrix.csv"
                path.write_text("\n".join(rows) + "\n", "utf-8")
                comparison = liftmap.reanalyse(path, n, **world.options)
            at_n = comparison.lost.at_n
            assert at_n is not None
            return {
                GROSS: holds(at_n.gross, world.gross(n)),
                EXCESS: holds(at_n.excess, world.excess(n)),
            }

        return trial

    return made
