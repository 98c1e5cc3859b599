"""Attacks on numbers of questions: what is promised, held against what so many questions do.

Beside `attacks`: a first comparison or a pilot names a number, and a second comparison with as many
questions shows whether it does what the number is for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize, special

import liftmap
from bench.calibrate import worlds
from bench.calibrate.judge import (
    CAPABILITY_SETTLED,
    DETECTED,
    WITHIN,
    needed_questions,
    word_pair,
)
from bench.calibrate.situations import Claims, Trial, compare
from bench.calibrate.worlds import Rates, Respond, World, curtailed, fixed
from liftmap.records import FixedPlan, Plan

# A number of questions above this is not tried.
MOST = 50_000
# Responses of the pilots.
N = 16


def needed(make: Callable[[np.random.Generator], World], changed: bool) -> Callable[..., Trial]:
    """What a comparison says would settle it does so, axis by axis."""

    def made(rng: np.random.Generator) -> Trial:
        world = make(rng)

        def trial(rng: np.random.Generator) -> Claims:
            first = compare(world, *world.draw(rng), rng)
            claims = {}
            for axis, number in needed_questions(first, changed=changed).items():
                if number is not None and number <= MOST:
                    second = compare(world, *world.draw(rng, number), rng)
                    word = word_pair(second)[axis == CAPABILITY_SETTLED]
                    claims[axis] = word != "unsettled"
            return claims

        return trial

    return made


def plan_to_detect(change: float, unsolvable: float, capability: bool) -> Callable[..., Trial]:
    """Studies as a plan wants them see the change that it was made for."""

    def made(rng: np.random.Generator) -> Trial:
        before = _questions(rng, unsolvable)

        def trial(rng: np.random.Generator) -> Claims:
            pilot = fixed(N)(before[rng.integers(len(before), size=200)].ravel(), rng)
            planning = liftmap.plan(worlds.tally(pilot), change=change, resamples=2)
            aim = planning.wanted[capability]
            offer = aim.offers[0] if aim.offers else aim.more
            if offer is None or offer.design.questions > MOST:
                return {}
            after = _shifted(before, aim.k, change, np.random.default_rng(0))
            respond = _respond(offer.design.plan)
            world = World(
                "", before, after, offer.design.questions, (respond, respond), {"k": aim.k}
            )
            comparison = compare(world, *world.draw(rng), rng)
            word = word_pair(comparison)[capability]
            return {DETECTED: word == ("up" if change > 0 else "down")}

        return trial

    return made


def plan_within(margin: float, capability: bool) -> Callable[..., Trial]:
    """Studies as a plan wants them declare an unchanged model within the margin."""

    def made(rng: np.random.Generator) -> Trial:
        p = _questions(rng, 0.1)

        def trial(rng: np.random.Generator) -> Claims:
            pilot = fixed(N)(p[rng.integers(len(p), size=200)].ravel(), rng)
            planning = liftmap.plan(worlds.tally(pilot), within=True, margin=margin, resamples=2)
            aim = planning.within[capability]
            offer = aim.offers[0] if aim.offers else aim.more
            if offer is None or offer.design.questions > MOST:
                return {}
            respond = _respond(offer.design.plan)
            options = {"k": aim.k, "margin": margin}
            world = World("", p, p, offer.design.questions, (respond, respond), options)
            word = word_pair(compare(world, *world.draw(rng), rng))[capability]
            return {WITHIN: word == "within"}

        return trial

    return made


def _questions(rng: np.random.Generator, unsolvable: float) -> Rates:
    p = rng.beta(0.5, 0.7, size=(worlds.UNITS, 1))
    return np.where(rng.random(p.shape) < unsolvable, 0.0, p)


def _shifted(before: Rates, k: int, change: float, rng: np.random.Generator) -> Rates:
    """Success rates after: log-odds shifted so that pass@k changes as much, with own parts of 1."""
    with np.errstate(divide="ignore"):
        moved = special.logit(before) + rng.normal(0, 1, before.shape)
    unsolved = ((1 - before) ** k).mean()

    def missing(shift: float) -> float:
        return float(unsolved - ((1 - special.expit(moved + shift)) ** k).mean() - change)

    return special.expit(moved + optimize.brentq(missing, -20, 20))


def _respond(plan: Plan) -> Respond:
    return fixed(plan.count) if isinstance(plan, FixedPlan) else curtailed(plan)


def _unmoved(rng: np.random.Generator) -> World:
    p = worlds.unchanged(rng)
    return World("nothing changed", p, p, 200, (fixed(N), fixed(N)), {"margin": 0.02})


def _moved(rng: np.random.Generator) -> World:
    before = _questions(rng, 0.1)
    after = _shifted(before, N, 0.04, rng)
    return World("pass@16 +4", before, after, 200, (fixed(N), fixed(N)), {"margin": 0.02})


NEEDED = {
    "needed if nothing changed: from 200 questions, n = 16": needed(_unmoved, changed=False),
    "needed if it changed: from 200 questions, n = 16": needed(_moved, changed=True),
}
PLANS = {
    f"plan, pilot of 200 x {N}, {100 * unsolvable:g} % unsolvable: {axis} {100 * change:+g}": (
        plan_to_detect(change, unsolvable, axis != "accuracy")
    )
    for change, unsolvable, axis in (
        (0.03, 0.0, "accuracy"),
        (-0.03, 0.0, "accuracy"),
        (0.04, 0.1, f"pass@{N}"),
        (-0.04, 0.1, f"pass@{N}"),
    )
}
PLANS_WITHIN = {
    f"plan, pilot of 200 x {N}: {axis} within {100 * margin:g}": (
        plan_within(margin, axis != "accuracy")
    )
    for margin, axis in ((0.02, "accuracy"), (0.03, f"pass@{N}"))
}
