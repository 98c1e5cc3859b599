"""The attacks: what liftmap is asked in each world, and which of its claims are counted.

Above `situations`, `repeated` and `promises`: the list that the command and the tests run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bench.calibrate import judge, promises, repeated, situations
from bench.calibrate.judge import ACCURACY, BAND, CAPABILITY, FALSE_WORD, LOST
from bench.calibrate.situations import Situation, Trial, judged

Make = Callable[[np.random.Generator], Trial]

LEVELS = (judge.ACCURACY_BEFORE, judge.CAPABILITY_BEFORE)
THESE = (judge.THESE_ACCURACY, judge.THESE_CAPABILITY)
INTERVALS = (*LEVELS, ACCURACY, CAPABILITY, BAND, LOST, *judge.FALSE)
ALL_INTERVALS = (*INTERVALS, judge.BIN, judge.BAND_AT_1, judge.BAND_OVER_BINS, *THESE)
BOUNDED = (ACCURACY, CAPABILITY, *judge.FALSE)
DEPENDENT = (*BOUNDED, judge.FALSE_LOSS, judge.NO_WARNING)
LAW = (judge.GROSS, judge.EXCESS, judge.ABOVE_FLOOR)
SIZES = (12, 30, 100, 500)
# Refits of the law where its figures are looked at.
USUAL = {"law_resamples": 50}


@dataclass(frozen=True, eq=False)
class Attack:
    """One row of the table.

    Attributes:
        name: What the world is, as the table says it.
        make: Gives the trial, from a generator that draws the population.
        claims: The claims that the row shows, of those that the trial counts.
        share: Of the asked rounds this share is run: the dear ones run less often.
    """

    name: str
    make: Make
    claims: tuple[str, ...]
    share: float = 1.0


def _compared(
    claims: tuple[str, ...], worlds: dict[str, Situation], share: float = 1.0
) -> Iterator[Attack]:
    """Attacks that compare two tallies."""
    return (Attack(name, judged(make), claims, share) for name, make in worlds.items())


def _other(claims: tuple[str, ...], makes: dict[str, Make], share: float = 1.0) -> Iterator[Attack]:
    return (Attack(name, make, claims, share) for name, make in makes.items())


_SMALL: dict[str, Situation] = {
    **{
        f"nothing changed: {units} questions, n = {n}": situations.nothing(units, n)
        for n in (1, 4, 16)
        for units in SIZES
    },
    **{
        f"sharpened at a cost: {units} questions, n = {n}": situations.costly(units, n)
        for n in (1, 4, 16)
        for units in (100, 500)
    },
    **{
        f"2 of 100 sure questions fall: {units} questions, n = 1": situations.fallen(
            units, 1, 0.02, 0.0
        )
        for units in SIZES
    },
    "4 of 100 sure questions fall to 1/2: 30 questions, n = 256": situations.fallen(
        30, 256, 0.04, 0.5
    ),
    "3 of 100 clusters lost: 30 of 20 questions, n = 16": situations.whole_losses(30, 20, 16),
    "ceiling: 200 questions, n = 16": situations.ceiling(200, 16),
    "nothing changed, curtailed: 200 questions": situations.stopping_early(200),
}
_LARGE: dict[str, Situation] = {
    "nothing changed, figure 9a: 60 questions, n = 256": situations.unmoved(60),
    "nothing changed, figure 9a: 500 questions, n = 256": situations.unmoved(500),
    "nothing changed, figure 9a: 1,300 questions, n = 256": situations.unmoved(1300),
    "RLVR, figure 9a: 60 questions, n = 256": situations.fig9a(60),
    "RLVR, figure 9a: 500 questions, n = 256": situations.fig9a(500),
    "distillation: 60 questions, n = 256": situations.lifted(60),
    "distillation: 500 questions, n = 256": situations.lifted(500),
}
_THESE: dict[str, Situation] = {
    f"these {units} questions, nothing changed, n = {n}": situations.nothing(units, n)
    for units, n in ((12, 64), (30, 64), (30, 256))
}
_CLUSTERS: dict[str, Situation] = {
    "clusters: 10 of 50 questions, n = 16": situations.clustered(10, 50, 16),
    "clusters: 30 of 20 questions, n = 16": situations.clustered(30, 20, 16),
}
_UNSCORED: dict[str, Situation] = {
    f"{percent} % unscored, right ones: 500 questions, n = 64": situations.unscored(
        500, 64, percent / 100
    )
    for percent in (2, 5)
}
_UNSCORED_CURTAILED: dict[str, Situation] = {
    f"{percent} % unscored, curtailed, the tally alone: 500 questions": (
        situations.unscored_curtailed(500, percent / 100)
    )
    for percent in (2, 5)
}
_DEPENDENT: dict[str, Situation] = {
    "each response twice: 60 questions, n = 16": situations.doubled(60, 16),
    "each response twice: 500 questions, n = 16": situations.doubled(500, 16),
    "temperature 0 asked 16 times: 200 questions": situations.greedy(200, 16),
    "unsolved asked again, undeclared: 500 questions": situations.topped(500),
}
_OF_LAW: dict[str, Situation] = {
    "law, nothing changed: 1,300 questions, n = 64": situations.nothing(1300, 64, **USUAL),
    "law, RLVR, figure 9a: 500 questions, n = 256": situations.fig9a(500, **USUAL),
    "law, only better: 500 questions, n = 256": situations.only_better(500, **USUAL),
}
_OF_LARGE_LAW: dict[str, Situation] = {
    "law, nothing changed: 7,500 questions, n = 256": situations.nothing(7500, 256, **USUAL),
}

ATTACKS: tuple[Attack, ...] = (
    *_compared(INTERVALS, _SMALL),
    *_compared(ALL_INTERVALS, _LARGE, share=0.5),
    *_compared((*THESE, *judge.FALSE), _THESE),
    *_compared((*INTERVALS, judge.MCNEMAR), _CLUSTERS),
    *_compared(BOUNDED, _UNSCORED),
    *_compared(judge.FALSE, _UNSCORED_CURTAILED),
    *_other(
        (*BOUNDED, *THESE),
        {
            f"{percent} % unscored, curtailed, in stored order: 500 questions": (
                repeated.unscored_in_order(percent / 100)
            )
            for percent in (2, 5)
        },
    ),
    *_compared(DEPENDENT, _DEPENDENT),
    *_compared(LAW, _OF_LAW, share=0.1),
    *_compared(LAW, _OF_LARGE_LAW, share=0.05),
    *_other(
        LAW,
        {
            f"matrix: {name}": repeated.matrix(make)
            for name, make in (_OF_LAW | _OF_LARGE_LAW).items()
        },
        share=0.05,
    ),
    *_other(
        (judge.GATE_FAILED,),
        {
            "four rules, nothing changed: 300 questions, n = 16": repeated.gate_unchanged,
            "a suite's gate, ten answers, nothing changed: 3 benchmarks": repeated.suite_unchanged,
        },
    ),
    *_other(
        (judge.GATE_PASSED,),
        {"a rule, sharpened at a cost: 500 questions, n = 256": repeated.gate_at_a_cost},
        share=0.5,
    ),
    *_other(
        (judge.STEP_CHANGED, judge.STEP_TURNED, judge.FAIR_CHOICE, judge.GATE_FAILED),
        {
            "a training without effect, 4 steps: 100 questions, n = 16": (
                repeated.steps_unchanged(100, 4)
            ),
            "a training without effect, 10 steps: 300 questions, n = 16": (
                repeated.steps_unchanged(300, 10)
            ),
        },
        share=0.5,
    ),
    *_other(
        (judge.NO_WARNING,),
        {"the same file twice: 200 questions, n = 16": repeated.same_file_twice},
    ),
    *_other(
        (FALSE_WORD,), {"ten looks at up to 500 questions, n = 16": repeated.ten_looks}, share=0.2
    ),
    *_other(
        (FALSE_WORD, judge.COLOURED),
        {"six unchanged arms: 200 questions, n = 64": repeated.six_arms},
        share=0.2,
    ),
    *_other(
        (judge.CALLED,),
        {
            "a recipe without effect, one seed: 500 questions": repeated.one_seed,
            "a recipe without effect, three seeds: 500 questions": repeated.three_seeds,
        },
    ),
    *_other((judge.ACCURACY_SETTLED, judge.CAPABILITY_SETTLED), promises.NEEDED, share=0.5),
    *_other((judge.DETECTED,), promises.PLANS, share=0.5),
    *_other((judge.WITHIN,), promises.PLANS_WITHIN, share=0.5),
)
