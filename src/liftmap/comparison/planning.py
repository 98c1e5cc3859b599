"""What a tally can detect, and the cheapest way to sample that detects what is wanted.

Beside the comparison: takes the tally of the model before, gives changes, plans and their costs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from liftmap.comparison.load import Source, load
from liftmap.errors import InputError
from liftmap.records import FixedPlan, Plan
from liftmap.stats.law.fit import MarginalLaw, fit_marginal_law
from liftmap.stats.power import (
    Design,
    Detection,
    candidate_plans,
    cheapest_plans,
    needed_questions,
    smallest_change,
)

SCHEMA = 1
# Beyond this cap exact path counting takes minutes.
_MOST_RESPONSES = 1024


@dataclass(frozen=True, slots=True)
class Smallest:
    """The smallest changes that the questions and responses at hand detect.

    Attributes:
        k: Number of tries; 1 is accuracy.
        up: The smallest rise of pass@k, a share; None where even the greatest is not detected.
        down: The smallest fall, below 0; None likewise.
    """

    k: int
    up: float | None
    down: float | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to detect a wanted change.

    Attributes:
        k: Number of tries; 1 is accuracy.
        change: The wanted change of pass@k, signed.
        designs: Plans that detect it with the questions at hand, cheapest first, each with the
            number of questions that it needs.
        more: Where there is none: the cheapest plan with more questions; None where no number of
            questions is enough, or no more are needed.
    """

    k: int
    change: float
    designs: tuple[Design, ...]
    more: Design | None


@dataclass(frozen=True, slots=True)
class Planning:
    """What a tally can detect, and what would detect a wanted change.

    Attributes:
        questions: Number of questions.
        plan: How their responses were drawn; both models are sampled so.
        detection: When a change counts as detected.
        smallest: For accuracy and for pass@k.
        wanted: For accuracy and for pass@k.
    """

    questions: int
    plan: Plan
    detection: Detection
    smallest: tuple[Smallest, ...]
    wanted: tuple[Wanted, ...]

    def to_dict(self) -> dict[str, Any]:
        """The public form as plain values; `docs/json.md` defines every field."""
        return {
            "schema": SCHEMA,
            "questions": self.questions,
            "plan": plan_to_dict(self.plan),
            "power": self.detection.power,
            "level": self.detection.level,
            "spread": self.detection.spread,
            "smallest_change": [
                {"k": one.k, "up": one.up, "down": one.down} for one in self.smallest
            ],
            "wanted": [
                {
                    "k": one.k,
                    "change": one.change,
                    "plans": [_design(design) for design in one.designs],
                    "more_questions": None if one.more is None else _design(one.more),
                }
                for one in self.wanted
            ],
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The public form as text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The figures as Polars tables.

        Returns:
            - smallest_change: k, up, down, as in `Smallest`.
            - plans: k, change; plan in words, questions needed, responses of both models together.
        """
        plans = [
            {
                "k": design.k,
                "change": design.change,
                "plan": describe(design.plan),
                "questions": design.questions,
                "responses": round(design.responses),
            }
            for one in self.wanted
            for design in one.designs
        ]
        kinds = {"k": pl.Int64(), "change": pl.Float64(), "plan": pl.String()}
        return {
            "smallest_change": pl.DataFrame(
                [{"k": one.k, "up": one.up, "down": one.down} for one in self.smallest],
                schema={"k": pl.Int64(), "up": pl.Float64(), "down": pl.Float64()},
            ),
            "plans": pl.DataFrame(
                plans, schema={**kinds, "questions": pl.Int64(), "responses": pl.Int64()}
            ),
        }


def plan(
    tally: Source,
    *,
    k: int | None = None,
    change: float = 0.01,
    power: float = 0.8,
    level: float = 0.95,
    spread: float = 1.0,
    verifier: str | None = None,
) -> Planning:
    """Says what a study on these questions can detect, and how to sample for less.

    Args:
        tally: Results of the model before: what `compare` takes.
        k: Number of tries of capability; default the most that every question supports.
        change: The change of accuracy and of pass@k that is wanted to be seen, signed: 0.01 is one
            point up.
        power: Chance that such a change is detected.
        level: Coverage of the interval that has to leave out 0.
        spread: Standard deviation of the questions' own changes of log-odds (see `stats.power`).
        verifier: Whose verdicts count, where a log has several.

    Returns:
        The smallest detectable changes, and plans that detect the wanted one, cheapest first.

    Raises:
        LiftmapError: The tally can't be read, has fewer than two questions with responses, or an
            option is out of range.
    """
    found = load(tally, verifier=verifier).tally
    judged = found.subset(np.flatnonzero(found.judged))
    questions = len(judged.n)
    if questions < 2:
        raise InputError(
            "A plan needs two questions with scored responses, or more.",
            seen=questions,
            remedy="Give the tally of a pilot: a few responses to each question.",
        )
    most = judged.most_tries
    tries = most if k is None else k
    law = fit_marginal_law(judged.n, judged.c, plan=judged.plan)
    now = found.plan if found.plan is not None and found.plan.stops_early else FixedPlan(most)
    detection = Detection(power, level, spread)
    ks = sorted({1, tries})
    return Planning(
        questions=questions,
        plan=now,
        detection=detection,
        smallest=tuple(_smallest(law, now, one, questions, detection) for one in ks if one <= most),
        wanted=tuple(_wanted(law, one, tries, change, questions, detection) for one in ks),
    )


def describe(plan: Plan) -> str:
    """A plan in words, as the command line prints it."""
    if isinstance(plan, FixedPlan):
        return f"fixed: {plan.count:,} each"
    return (
        f"curtailed: rounds of {plan.round_size}, stop after {plan.stop_after} right, "
        f"at most {plan.cap:,}"
    )


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """A plan as plain values."""
    if isinstance(plan, FixedPlan):
        return {"kind": "fixed", "count": plan.count}
    return {
        "kind": "curtailed",
        "stop_after": plan.stop_after,
        "cap": plan.cap,
        "round_size": plan.round_size,
    }


def _design(design: Design) -> dict[str, Any]:
    return {
        "plan": plan_to_dict(design.plan),
        "questions": design.questions,
        "responses": round(design.responses),
    }


def _smallest(
    law: MarginalLaw, now: Plan, k: int, questions: int, detection: Detection
) -> Smallest:
    up = smallest_change(law, now, k, questions, direction="up", detection=detection)
    down = smallest_change(law, now, k, questions, direction="down", detection=detection)
    return Smallest(k, None if up is None else up.change, None if down is None else down.change)


def _wanted(
    law: MarginalLaw, k: int, tries: int, change: float, questions: int, detection: Detection
) -> Wanted:
    """Plans for pass@k among those that serve pass@`tries` too, and plain ones."""
    fixed = [FixedPlan(2**power) for power in range(11)]
    plans = dict.fromkeys([FixedPlan(k), *fixed, *candidate_plans(tries)])
    affordable = [p for p in plans if k <= p.most <= max(_MOST_RESPONSES, k)]
    designs = cheapest_plans(law, k, change, questions, plans=affordable, detection=detection)
    more = None
    if not designs:
        needs = [needed_questions(law, p, k, change, detection=detection) for p in affordable]
        more = min(
            (one for one in needs if one is not None), key=lambda d: d.responses, default=None
        )
    return Wanted(k, change, designs[:5], more)
