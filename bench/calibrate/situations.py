"""Situations: worlds with a way of asking, and the comparison that is judged in each round.

Between `worlds`, `judge` and the list in `attacks`. A situation is a function of sizes that gives
the trial; the population is made when the trial is, since it takes a moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import liftmap
from bench.calibrate import worlds
from bench.calibrate.judge import judge
from bench.calibrate.worlds import World, curtailed, fixed, right_ones_unscored, topped_up
from liftmap.records import CurtailedPlan, Tally

Claims = dict[str, bool]
Trial = Callable[[np.random.Generator], Claims]
Situation = Callable[[np.random.Generator], World]

# Refits of the law where no figure of the law is looked at: it is then not fitted.
NO_REFITS = 0


def compare(world: World, before: Tally, after: Tally, rng: np.random.Generator) -> Any:
    """The comparison of two sides of a world."""
    options = {"law_resamples": NO_REFITS, **world.options}
    return liftmap.compare(before, after, seed=int(rng.integers(2**31)), **options)


def judged(situation: Situation) -> Callable[[np.random.Generator], Trial]:
    """Compares two sides of a world and judges what is said."""

    def make(rng: np.random.Generator) -> Trial:
        world = situation(rng)

        def trial(rng: np.random.Generator) -> Claims:
            chosen = world.choose(rng)
            before, after = world.ask(chosen, rng)
            return judge(compare(world, before, after, rng), world, chosen)

        return trial

    return make


# Worlds by number of responses and of questions.


def nothing(units: int, n: int, **options: Any) -> Situation:
    """Nothing changed."""

    def make(rng: np.random.Generator) -> World:
        p = worlds.unchanged(rng)
        return World("nothing changed", p, p, units, (fixed(n), fixed(n)), options)

    return make


def costly(units: int, n: int, **options: Any) -> Situation:
    """Sharpened at a cost: +7.6 points at k = 1, -7 at k = 256."""

    def make(rng: np.random.Generator) -> World:
        sides = worlds.sharpened_at_a_cost(rng)
        return World("sharpened at a cost", *sides, units, (fixed(n), fixed(n)), options)

    return make


def fallen(units: int, n: int, share: float, to: float) -> Situation:
    """Sure questions, of which a few fall."""

    def make(rng: np.random.Generator) -> World:
        sides = worlds.sure(rng, share, to)
        return World("sure questions", *sides, units, (fixed(n), fixed(n)))

    return make


def fig9a(units: int, n: int = 256, **options: Any) -> Situation:
    """RLVR as published."""

    def make(rng: np.random.Generator) -> World:
        return World("RLVR", *worlds.published(rng), units, (fixed(n), fixed(n)), options)

    return make


def lifted(units: int, n: int = 256, **options: Any) -> Situation:
    """A distillation that lifts the hardest questions."""

    def make(rng: np.random.Generator) -> World:
        before, _ = worlds.published(rng)
        sides = before, worlds.distilled(before, rng)
        return World("distillation", *sides, units, (fixed(n), fixed(n)), options)

    return make


def only_better(units: int, n: int = 256, **options: Any) -> Situation:
    """The same distillation where no question becomes harder."""

    def make(rng: np.random.Generator) -> World:
        before, _ = worlds.published(rng)
        after = np.maximum(before, worlds.distilled(before, rng))
        return World("only better", before, after, units, (fixed(n), fixed(n)), options)

    return make


def unmoved(units: int, n: int = 256, **options: Any) -> Situation:
    """The questions of figure 9a, nothing changed."""

    def make(rng: np.random.Generator) -> World:
        before, _ = worlds.published(rng)
        return World("unmoved", before, before, units, (fixed(n), fixed(n)), options)

    return make


# Worlds whose questions or responses are not independent.


def clustered(units: int, size: int, n: int) -> Situation:
    """Clusters that move together, without change on average."""

    def make(rng: np.random.Generator) -> World:
        sides = worlds.alike_in_clusters(rng, size)
        return World("clusters", *sides, units, (fixed(n), fixed(n)))

    return make


def whole_losses(units: int, size: int, n: int) -> Situation:
    """Clusters of which a few are lost as a whole."""

    def make(rng: np.random.Generator) -> World:
        sides = worlds.clusters_lost(rng, size, 0.03)
        return World("clusters lost", *sides, units, (fixed(n), fixed(n)))

    return make


def unscored(units: int, n: int, share: float) -> Situation:
    """Nothing changed; after, a share of the responses, right ones, could not be scored."""

    def make(rng: np.random.Generator) -> World:
        p = worlds.unchanged(rng)
        return World("unscored", p, p, units, (fixed(n), right_ones_unscored(n, share)))

    return make


def unscored_curtailed(units: int, share: float) -> Situation:
    """The same under a curtailed plan, from the tally alone."""
    plan = CurtailedPlan(stop_after=8, cap=64, round_size=8)

    def make(rng: np.random.Generator) -> World:
        p = worlds.unchanged(rng)
        return World("unscored", p, p, units, (curtailed(plan), curtailed(plan, share)))

    return make


def stopping_early(units: int) -> Situation:
    """Nothing changed under a curtailed plan."""
    plan = CurtailedPlan(stop_after=8, cap=64, round_size=8)

    def make(rng: np.random.Generator) -> World:
        p = worlds.unchanged(rng)
        return World("curtailed", p, p, units, (curtailed(plan), curtailed(plan)))

    return make


def doubled(units: int, n: int) -> Situation:
    """Nothing changed; each response stands twice in the files."""

    def make(rng: np.random.Generator) -> World:
        p = worlds.unchanged(rng)
        return World("doubled", p, p, units, (fixed(n, copies=2), fixed(n, copies=2)))

    return make


def greedy(units: int, n: int) -> Situation:
    """Temperature 0 asked n times; questions change their answer, as many each way."""

    def make(rng: np.random.Generator) -> World:
        before = (rng.random((worlds.UNITS // 2, 1)) < 0.5).astype(np.float64)
        after = np.where(rng.random(before.shape) < 0.06, 1 - before, before)
        both = np.concatenate([before, after]), np.concatenate([after, before])
        return World("greedy", *both, units, (fixed(n), fixed(n)))

    return make


def topped(units: int) -> Situation:
    """Nothing changed; after, unsolved questions were asked again, which nothing says."""

    def make(rng: np.random.Generator) -> World:
        p = worlds.unchanged(rng)
        return World("topped up", p, p, units, (fixed(16), topped_up(16, 64)))

    return make


def ceiling(units: int, n: int) -> Situation:
    """Nothing changed where nearly everything is solved."""

    def make(rng: np.random.Generator) -> World:
        p = rng.beta(12, 0.6, size=(worlds.UNITS, 1))
        return World("ceiling", p, p, units, (fixed(n), fixed(n)))

    return make
