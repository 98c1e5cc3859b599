"""The changes of several benchmarks as one: pooled with the benchmark as stratum.

Beside `suite`, above `curve`: takes matched tallies, one pair a benchmark, and gives accuracy and
pass@k before, after, and their change, as the mean over benchmarks (each counts alike) or over
questions (each question counts alike), in the form that a verdict is made of. The questions of each
benchmark are resampled among themselves.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from liftmap.comparison.bootstrap import Resamples, resample
from liftmap.comparison.match import PairedTallies
from liftmap.records import Change, Counts, Estimate
from liftmap.stats.floors import change_floor
from liftmap.stats.intervals import change_pseudo
from liftmap.stats.passk import FloatArray, pass_at_k
from liftmap.stats.resampling import CHANGE, SHARE, Pseudo, clipped
from liftmap.stats.strata import Pooled, Stratum, pooled_mean
from liftmap.stats.verdict import MeasuredChange, Withheld

# What a pooled figure is the mean over.
Over = Literal["benchmarks", "questions"]

Side = Callable[[PairedTallies], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class BenchmarkPair:
    """One benchmark as a stratum.

    Attributes:
        name: Its name; with the seed it fixes the stratum's resamples.
        pair: Its matched tallies.
        resamples: How its intervals are made, drawn independently of the other benchmarks'.
        withheld: Why none of its changes can be called, if so.
    """

    name: str
    pair: PairedTallies
    resamples: Resamples
    withheld: Withheld | None

    @classmethod
    def of(
        cls,
        name: str,
        pair: PairedTallies,
        *,
        resamples: int,
        level: float,
        seed: int,
        withheld: Withheld | None,
    ) -> BenchmarkPair:
        """A stratum whose resamples depend on the seed, its name and its questions alone."""
        own = np.random.SeedSequence([seed, zlib.crc32(name.encode())]).generate_state(1)[0]
        drawn = resample(pair, resamples=resamples, law_resamples=0, level=level, seed=int(own))
        return cls(name, pair, drawn, withheld)


def pooled_change(
    pairs: Sequence[BenchmarkPair], k: int, over: Over, *, level: float, seed: int
) -> MeasuredChange:
    """pass@k before, after, and its change, pooled over benchmarks.

    Args:
        pairs: One or more benchmarks.
        k: Number of tries, supported by all of them.
        over: What the mean is over.
        level: Coverage of the intervals.
        seed: Seed of everything random.

    Returns:
        The change as a verdict takes it; `range` and `extremes` where responses are unscored,
        withheld where one benchmark's is.
    """
    # The draws must not depend on the order in which benchmarks are named.
    pairs = sorted(pairs, key=lambda each: each.name)
    whole = sum(each.pair.questions for each in pairs)
    shares = [
        1 / len(pairs) if over == "benchmarks" else each.pair.questions / whole for each in pairs
    ]
    withheld = next((each.withheld for each in pairs if each.withheld is not None), None)

    def pooled(values: Side, pseudo: Pseudo | None, *, analytic: bool = False) -> Pooled:
        strata = []
        for each, share in zip(pairs, shares, strict=True):
            options, row_values = each.resamples.options, values(each.pair)
            shared = {"counts": options["counts"], "cluster": options["cluster"]}
            strata.append(
                Stratum(
                    row_values[:, 0],
                    share,
                    weights=None if analytic else options["weights"],
                    pseudo=_floor_pseudo(each.pair, row_values, k) if pseudo is None else pseudo,
                    **shared,
                )
            )
        return pooled_mean(strata, np.random.default_rng([seed, 3]))

    def side(place: int) -> Estimate:
        return clipped(
            pooled(lambda pair: _passes(pair.rows[place], k), SHARE).interval(level), 0.0
        )

    changes = pooled(_changes(k), None)
    measured = MeasuredChange(
        k,
        Change(side(0), side(1), clipped(changes.interval(level), -1.0)),
        wider=clipped(pooled(_changes(k), CHANGE, analytic=True).interval(level), -1.0),
        withheld=withheld,
        p_value=None if withheld else changes.p_value,
    )
    if withheld == "unscored" or all(each.pair.extremes is None for each in pairs):
        return measured
    least, greatest = (pooled(_extreme(k, best=best), None) for best in (False, True))
    low, high = least.interval(level), greatest.interval(level)
    change = replace(measured.figure.change, range=(low.low, high.high))
    p = least.p_value if least.estimate > 0 else greatest.p_value
    held = least.estimate <= 0 <= greatest.estimate
    return replace(
        measured,
        figure=replace(measured.figure, change=change),
        extremes=(low.estimate, high.estimate),
        p_value=None if withheld else 1.0 if held else p,
    )


def _passes(side: Counts, k: int) -> FloatArray:
    return pass_at_k(side.n, side.c, [k], side.plan)


def _changes(k: int) -> Side:
    return lambda pair: _passes(pair.rows[1], k) - _passes(pair.rows[0], k)


def _extreme(k: int, *, best: bool) -> Side:
    """Changes with every unscored response in their favour, or against them."""

    def values(pair: PairedTallies) -> FloatArray:
        if pair.extremes is None:
            return _changes(k)(pair)
        before, after = pair.extremes
        sides = (before.wrong, after.right) if best else (before.right, after.wrong)
        return _passes(sides[1], k) - _passes(sides[0], k)

    return values


def _floor_pseudo(pair: PairedTallies, change: FloatArray, k: int) -> Pseudo:
    """The pseudo-questions that the interval of a change counts, as in a comparison of one pair."""
    units = pair.questions if pair.cluster is None else len(np.unique(pair.cluster))
    floor = change_floor([k], *pair.rows, units=units, counts=pair.counts)
    pseudo = change_pseudo(change, floor, counts=pair.counts, cluster=pair.cluster)
    return pseudo._replace(scale=float(np.asarray(pseudo.scale).ravel()[0]))
