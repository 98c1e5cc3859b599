"""A plan for a study, as a record, as JSON and as tables.

Filled by `planning`, printed by `report.plan_terminal`. The JSON is a public format with a version;
`docs/json.md` defines every field.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from liftmap.comparison.parts import plan_to_dict
from liftmap.records import Estimate, FixedPlan, Plan
from liftmap.stats.power import Clusters, Design, Detection

# Version of the JSON: changes when a field changes its meaning or goes.
SCHEMA = 2


@dataclass(frozen=True, slots=True)
class Smallest:
    """The smallest changes that the questions and responses at hand detect.

    Attributes:
        k: Number of tries; 1 is accuracy.
        up: The smallest rise of pass@k, a share, with its interval: how far the pilot's own
            sampling error reaches; None where even the greatest is not detected.
        down: The smallest fall, below 0; None likewise.
    """

    k: int
    up: Estimate | None
    down: Estimate | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A sampling plan that does what is asked.

    Attributes:
        design: The plan, with the number of questions that it needs and its responses.
        low: Low end of the interval of the number of questions.
        high: High end of it; None where the pilot is too small for one.
    """

    design: Design
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Aim:
    """How to detect a change, or to show that nothing changed.

    Attributes:
        k: Number of tries; 1 is accuracy.
        change: The change of pass@k to detect, signed; 0 where it is to be shown that nothing
            changed.
        offers: Plans that do so with the questions at hand, cheapest first.
        more: Where there is none: the cheapest plan with more questions; None where the change is
            greater than pass@k can change.
        greatest: By how much pass@k can change at most in the direction of `change`; 0 for none.
        extrapolated: Whether k is beyond the pilot's responses, so that the fitted law alone says
            how often so many tries succeed.
    """

    k: int
    change: float
    offers: tuple[Offer, ...]
    more: Offer | None
    greatest: float
    extrapolated: bool


@dataclass(frozen=True, slots=True)
class Planning:
    """What a tally can detect, and what would detect a change or show that there is none.

    Attributes:
        questions: Number of questions.
        plan: How their responses were drawn; both models are sampled so.
        detection: When a change counts as detected.
        margin: The margin that an unchanged model is to be declared within.
        clusters: How the questions hang together; None where each is its own cluster.
        smallest: For accuracy and for pass@k.
        wanted: How to detect the change that is asked for, for accuracy and for pass@k.
        within: How to show that nothing changed, likewise; empty unless asked for.
    """

    questions: int
    plan: Plan
    detection: Detection
    margin: float
    clusters: Clusters | None
    smallest: tuple[Smallest, ...]
    wanted: tuple[Aim, ...]
    within: tuple[Aim, ...]

    def to_dict(self) -> dict[str, Any]:
        """The public form as plain values; `docs/json.md` defines every field."""
        return {
            "schema": SCHEMA,
            "questions": self.questions,
            "plan": plan_to_dict(self.plan),
            "power": self.detection.power,
            "level": self.detection.level,
            "spread": self.detection.spread,
            "margin": self.margin,
            "clusters": None if self.clusters is None else asdict(self.clusters),
            "smallest_change": [
                {
                    "k": smallest.k,
                    "up": None if smallest.up is None else smallest.up.to_dict(),
                    "down": None if smallest.down is None else smallest.down.to_dict(),
                }
                for smallest in self.smallest
            ],
            "wanted": [_aim_to_dict(aim) for aim in self.wanted],
            "within": [_aim_to_dict(aim) for aim in self.within],
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The public form as text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The figures as Polars tables.

        Returns:
            - smallest_change: k; up and down with _low and _high, as in `Smallest`.
            - plans: k, change (0: nothing changed); plan in words; questions needed with _low and
              _high; responses of both models together; extrapolated.
        """
        plans = [
            {
                "k": aim.k,
                "change": aim.change,
                "plan": describe(offer.design.plan),
                "questions": offer.design.questions,
                "questions_low": offer.low,
                "questions_high": offer.high,
                "responses": round(offer.design.responses),
                "extrapolated": aim.extrapolated,
            }
            for aim in (*self.wanted, *self.within)
            for offer in aim.offers
        ]
        ends = ("", "_low", "_high")
        smallest = [
            {
                "k": one.k,
                **{
                    f"{name}{end}": None if change is None else value
                    for name, change in (("up", one.up), ("down", one.down))
                    for end, value in zip(
                        ends,
                        (0, 0, 0) if change is None else (change.estimate, change.low, change.high),
                        strict=True,
                    )
                },
            }
            for one in self.smallest
        ]
        numbers = (*(f"questions{end}" for end in ends), "responses")
        return {
            "smallest_change": pl.DataFrame(
                smallest,
                schema={
                    "k": pl.Int64(),
                    **{f"{name}{end}": pl.Float64() for name in ("up", "down") for end in ends},
                },
            ),
            "plans": pl.DataFrame(
                plans,
                schema={
                    "k": pl.Int64(),
                    "change": pl.Float64(),
                    "plan": pl.String(),
                    **{name: pl.Int64() for name in numbers},
                    "extrapolated": pl.Boolean(),
                },
            ),
        }


def describe(plan: Plan) -> str:
    """A plan in words, as the command line prints it."""
    if isinstance(plan, FixedPlan):
        return f"fixed: {plan.count:,} each"
    return (
        f"curtailed: rounds of {plan.round_size}, stop after {plan.stop_after} right, "
        f"at most {plan.cap:,}"
    )


def _aim_to_dict(aim: Aim) -> dict[str, Any]:
    return {
        "k": aim.k,
        "change": aim.change,
        "greatest": aim.greatest,
        "extrapolated": aim.extrapolated,
        "plans": [_offer_to_dict(offer) for offer in aim.offers],
        "more_questions": None if aim.more is None else _offer_to_dict(aim.more),
    }


def _offer_to_dict(offer: Offer) -> dict[str, Any]:
    return {
        "plan": plan_to_dict(offer.design.plan),
        "questions": offer.design.questions,
        "questions_low": offer.low,
        "questions_high": offer.high,
        "responses": round(offer.design.responses),
    }
