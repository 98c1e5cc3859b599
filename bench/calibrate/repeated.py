"""Attacks that are more than one comparison of two tallies: looks, arms, seeds, matrices.

Beside `attacks`, which lists them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import special

import liftmap
from bench.calibrate import worlds
from bench.calibrate.judge import (
    ACCURACY,
    AXES,
    CALLED,
    COLOURED,
    FAIR_CHOICE,
    FALSE_WORD,
    GATE_FAILED,
    GATE_PASSED,
    LEVEL,
    NO_WARNING,
    STEP_CHANGED,
    STEP_TURNED,
    called,
    holds,
    judge,
    law_claims,
    word_pair,
)
from bench.calibrate.situations import NO_REFITS, Claims, Trial, compare, costly, nothing
from bench.calibrate.worlds import Responses, World
from liftmap.comparison.bootstrap import question_weights, resampled_rows
from liftmap.comparison.compare import compare_pair, load_pair
from liftmap.comparison.figures import banded, bin_draws
from liftmap.comparison.load import JudgedBy
from liftmap.comparison.match import match
from liftmap.comparison.options import Options
from liftmap.comparison.suite import answer_suite_rules
from liftmap.comparison.suite_gate import parse_suite_rules
from liftmap.records import CurtailedPlan
from liftmap.stats.bins import study_bins
from liftmap.stats.multiple import holm, simultaneous_level
from liftmap.stats.passk import accuracy
from liftmap.stats.seeds import change_over_seeds, tolerated_spread
from liftmap.stats.transitions import raw_matrix

NOTHING_NAMED: JudgedBy = {
    "verifier": None,
    "metric": None,
    "think_end": None,
    "verifier_options": None,
    "columns": None,
    "right_at": None,
}
# Standard deviation of the accuracy of checkpoints of one recipe.
SPREAD = 0.015


def same_file_twice(rng: np.random.Generator) -> Trial:
    """Before and after are the same responses."""
    world = nothing(200, 16)(rng)

    def trial(rng: np.random.Generator) -> Claims:
        side = world.draw(rng)[0]
        comparison = compare(world, side, side, rng)
        return {NO_WARNING: not comparison.checks}

    return trial


def unscored_in_order(share: float) -> Callable[[np.random.Generator], Trial]:
    """Nothing changed; after, right responses are unscored under a curtailed plan, stored in order.

    So there are bounds, as there are for response sets.
    """

    def make(rng: np.random.Generator) -> Trial:
        plan = CurtailedPlan(stop_after=8, cap=64, round_size=8)
        p = worlds.unchanged(rng)
        world = World("unscored in order", p, p, 500, (worlds.curtailed(plan),) * 2)

        def trial(rng: np.random.Generator) -> Claims:
            chosen = world.choose(rng)
            rates = p[chosen].ravel()
            before = worlds.tally(worlds.curtailed(plan)(rates, rng))
            responses, order = worlds.curtailed_in_order(rates, rng, plan, share)
            pair = match(before, worlds.tally(responses), orders=(None, order))
            options = Options(law_resamples=NO_REFITS, seed=int(rng.integers(2**31)))
            comparison = compare_pair(pair, options)
            assert pair.bounded
            return judge(comparison, world, chosen)

        return trial

    return make


def gate_unchanged(rng: np.random.Generator) -> Trial:
    """Nothing changed, and four rules require just that nothing falls: none may fail."""
    rules = ("accuracy >= 0", "pass@4 >= 0", "pass@16 >= 0", "lost <= 0")
    world = nothing(300, 16, require=rules)(rng)

    def trial(rng: np.random.Generator) -> Claims:
        gate = compare(world, *world.draw(rng), rng).gate
        return {GATE_FAILED: any(each.word == "failed" for each in gate)}

    return trial


def suite_unchanged(rng: np.random.Generator) -> Trial:
    """Nothing changed on three benchmarks, and nothing may fall: ten questions, none may fail."""
    benchmarks = {"a": nothing(300, 16)(rng), "b": nothing(60, 16)(rng), "c": nothing(500, 4)(rng)}
    rules = parse_suite_rules(
        ("accuracy >= 0", "pass@4 >= 0", "lost <= 0", "pooled: accuracy >= 0")
    )

    def trial(rng: np.random.Generator) -> Claims:
        pairs = {
            name: load_pair(*world.draw(rng), NOTHING_NAMED) for name, world in benchmarks.items()
        }
        options = Options(law_resamples=NO_REFITS, seed=int(rng.integers(2**31)))
        gate = answer_suite_rules(rules, pairs, options)
        return {GATE_FAILED: any(each.answer.word == "failed" for each in gate)}

    return trial


def gate_at_a_cost(rng: np.random.Generator) -> Trial:
    """pass@256 truly falls by 7 points where at most 1 is allowed: the rule may not pass."""
    world = costly(500, 256, require=("pass@256 >= -1",))(rng)

    def trial(rng: np.random.Generator) -> Claims:
        gate = compare(world, *world.draw(rng), rng).gate
        return {GATE_PASSED: any(each.word == "passed" for each in gate)}

    return trial


def steps_unchanged(units: int, steps: int) -> Callable[[np.random.Generator], Trial]:
    """A training that changes nothing, tracked over its steps, four rules asked of the chosen one.

    What is looked at: whether the band says of any step that anything changed, or that capability
    falls from some step on; whether the cross-fitted figure of the chosen step holds 0; whether a
    rule that nothing falls is failed.
    """
    rules = ("accuracy >= 0", "pass@4 >= 0", "pass@16 >= 0", "lost <= 0")

    def make(rng: np.random.Generator) -> Trial:
        world = nothing(units, 16)(rng)

        def trial(rng: np.random.Generator) -> Claims:
            p = world.before[world.choose(rng)].ravel()
            run = {at: worlds.tally(world.respond[0](p, rng)) for at in range(steps + 1)}
            seed = int(rng.integers(2**31))
            tracked = liftmap.track(run, seed=seed, resamples=500, require=rules, at="chosen")
            chosen = tracked.chosen
            return {
                STEP_CHANGED: tracked.changed,
                STEP_TURNED: tracked.turning is not None,
                FAIR_CHOICE: chosen is None or holds(chosen.capability, 0.0),
                GATE_FAILED: any(each.answer.word == "failed" for each in tracked.gate),
            }

        return trial

    return make


def ten_looks(rng: np.random.Generator) -> Trial:
    """500 questions in random order, as many as are planned, looked at after every 50."""
    world = nothing(500, 16, looks=500)(rng)

    def trial(rng: np.random.Generator) -> Claims:
        sides = world.draw(rng)
        looks = [
            called(compare(world, *(side.subset(np.arange(size)) for side in sides), rng))
            for size in range(50, 501, 50)
        ]
        return {claim: any(look[claim] for look in looks) for claim in looks[0]}

    return trial


def six_arms(rng: np.random.Generator) -> Trial:
    """Six arms beside one base, none changed, as the summary of a study shows them."""
    world = nothing(200, 64)(rng)

    def trial(rng: np.random.Generator) -> Claims:
        chosen = rng.integers(len(world.before), size=world.units)
        p = world.before[chosen].ravel()
        base, *arms = (worlds.tally(world.respond[0](p, rng)) for _ in range(7))
        comparisons = [compare(world, base, arm, rng) for arm in arms]
        verdicts = [comparison.verdict for comparison in comparisons]
        adjusted = holm(
            [axis.p_value for each in verdicts for axis in (each.accuracy, each.capability)]
        )
        stands = (adjusted < 1 - LEVEL).reshape(-1, 2).any(axis=0)
        pairs = [match(base, arm) for arm in arms]
        weights = question_weights(world.units, None, 1000, int(rng.integers(2**31)))
        draws = [
            bin_draws(pair, comparison.transitions.bins, resampled_rows(pair, weights))
            for pair, comparison in zip(pairs, comparisons, strict=True)
        ]
        strict = simultaneous_level(np.hstack(draws), LEVEL)
        changes = [
            banded(comparison.bins, pair, comparison.transitions.bins, strict)
            for pair, comparison in zip(pairs, comparisons, strict=True)
        ]
        return {
            COLOURED: any(change.survives for arm in changes for change in arm),
            **{f"{FALSE_WORD} {axis}": bool(x) for axis, x in zip(AXES, stands, strict=True)},
        }

    return trial


def one_seed(rng: np.random.Generator) -> Trial:
    """A recipe without effect, whose checkpoints vary by 1.5 points: one of them is compared.

    What is said: the change holds unless checkpoints vary by more than so much. That is false where
    it is 1.5 points or more.
    """
    world = nothing(500, 16)(rng)

    def trial(rng: np.random.Generator) -> Claims:
        base, checkpoint = _checkpoints(world, 1, rng)
        comparison = compare(world, worlds.tally(base), worlds.tally(checkpoint), rng)
        change = comparison.accuracy.change
        error = (change.high - change.low) / 2 / special.ndtri((1 + LEVEL) / 2)
        said = word_pair(comparison)[0] in ("up", "down")
        return {CALLED: said and tolerated_spread(change.estimate, error) >= SPREAD}

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
    step = SPREAD / float((p * (1 - p)).mean())
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
            return law_claims(comparison, world)

        return trial

    return made
