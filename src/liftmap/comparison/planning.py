"""What a tally can detect, and the cheapest way to sample that detects what is wanted.

Beside the comparison: takes the tally of the model before, gives changes, plans and their costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from liftmap.comparison.load import Source, load
from liftmap.comparison.plan_record import Aim, Offer, Planning, Smallest
from liftmap.errors import InputError
from liftmap.records import Estimate, FixedPlan, Plan
from liftmap.stats.law.fit import MarginalLaw
from liftmap.stats.pilot import Pilot, fit_pilot, interval_of
from liftmap.stats.power import (
    Clusters,
    Design,
    Detection,
    Direction,
    candidate_plans,
    cheapest,
    greatest_change,
    needed_questions,
    needed_within,
    smallest_change,
)

# Beyond this cap exact path counting takes minutes.
_MOST_RESPONSES = 1024
# Plans of each kind that are shown.
_SHOWN = 5


def plan(
    tally: Source,
    *,
    k: int | None = None,
    change: float = 0.01,
    within: bool = False,
    margin: float = 0.01,
    power: float = 0.8,
    level: float = 0.95,
    spread: float = 1.0,
    cluster: str | None = None,
    resamples: int = 50,
    seed: int = 0,
    verifier: str | None = None,
    metric: str | None = None,
    columns: Mapping[str, str] | None = None,
    right_at: float | None = None,
) -> Planning:
    """Says what a study on these questions can detect, and how to sample for less.

    Args:
        tally: Results of the model before: what `compare` takes.
        k: Number of tries of capability; default the most that every question supports. Beyond
            that the numbers are an extrapolation, marked as such.
        change: The change of accuracy and of pass@k that is to be seen, signed: 0.01 is one point
            up.
        within: Whether to plan for showing that nothing changed, too.
        margin: The margin that an unchanged model is then declared within, a share.
        power: Chance that such a change is detected, or an unchanged model declared within.
        level: Coverage of the interval that has to leave out 0, or to lie within the margin.
        spread: Standard deviation of the questions' own changes of log-odds (see `stats.power`).
        cluster: Column whose equal values make questions one sampling unit; default the column
            `cluster`, where there is one.
        resamples: Resamples of the pilot behind the intervals.
        seed: Seed of the resamples.
        verifier: Whose verdicts count, where a log has several.
        metric: Which metric of a log gives the verdicts.
        columns: Of a table: its own names for some of ours.
        right_at: The value from which on a graded reward counts as right.

    Returns:
        The smallest detectable changes, and plans that do what is asked, cheapest first.

    Raises:
        LiftmapError: The tally can't be read, has fewer than two questions with responses, or an
            option is out of range.
    """
    source = load(
        tally,
        verifier=verifier,
        metric=metric,
        cluster=cluster,
        columns=columns,
        right_at=right_at,
    ).tally
    judged = source.subset(np.flatnonzero(source.judged))
    questions = len(judged.n)
    if questions < 2:
        raise InputError(
            "A plan needs two questions with scored responses, or more.",
            seen=questions,
            remedy="Give the tally of a pilot: a few responses to each question.",
        )
    counts, labels, most = judged.counts, judged.cluster, judged.most_tries
    now = judged.plan if judged.plan is not None and judged.plan.stops_early else FixedPlan(most)
    tries = now.most if k is None else k
    detection = Detection(power, level, spread)
    planners = [
        _Planner(
            fit_pilot(
                counts,
                min(aim, now.most),
                rng=np.random.default_rng([seed, 0]),
                cluster=labels,
                resamples=resamples,
            ),
            now,
            aim,
            questions,
            detection,
        )
        for aim in sorted({1, tries})
    ]
    return Planning(
        questions=questions,
        plan=now,
        detection=detection,
        margin=margin,
        clusters=None if labels is None else planners[-1].pilot.clusters,
        smallest=tuple(one.smallest() for one in planners if one.k <= now.most),
        wanted=tuple(one.to_detect(change, tries) for one in planners),
        within=tuple(one.to_stay_within(margin, tries) for one in planners) if within else (),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Planner:
    """What is planned for one k.

    Attributes:
        pilot: The questions.
        now: How the pilot's responses were drawn.
        k: Number of tries.
        questions: Number of questions at hand.
        detection: When a change counts as detected.
    """

    pilot: Pilot
    now: Plan
    k: int
    questions: int
    detection: Detection

    def smallest(self) -> Smallest:
        """The smallest changes that the questions at hand detect."""
        return Smallest(self.k, self._smallest("up"), self._smallest("down"))

    def _smallest(self, direction: Direction) -> Estimate | None:
        def size(law: MarginalLaw, clusters: Clusters) -> float | None:
            design = smallest_change(
                law,
                self.now,
                self.k,
                self.questions,
                direction=direction,
                detection=self.detection,
                clusters=clusters,
            )
            return None if design is None else abs(design.change)

        estimate = size(self.pilot.law, self.pilot.clusters)
        if estimate is None:
            return None
        most = abs(greatest_change(self.pilot.law, self.k, direction))
        sizes = [size(*refit) for refit in self.pilot.refits]
        low, high = interval_of(estimate, sizes, self.detection.level)
        high = most if high is None else min(high, most)
        if direction == "up":
            return Estimate(estimate, low, high)
        return Estimate(-estimate, -high, -low)

    def to_detect(self, change: float, tries: int) -> Aim:
        """Plans that detect a change."""

        def design(plan: Plan, law: MarginalLaw, clusters: Clusters) -> Design | None:
            return needed_questions(
                law, plan, self.k, change, detection=self.detection, clusters=clusters
            )

        direction: Direction = "up" if change > 0 else "down"
        return self._aim(change, design, tries, greatest_change(self.pilot.law, self.k, direction))

    def to_stay_within(self, margin: float, tries: int) -> Aim:
        """Plans that show that nothing changed."""

        def design(plan: Plan, law: MarginalLaw, clusters: Clusters) -> Design | None:
            return needed_within(
                law, plan, self.k, margin, detection=self.detection, clusters=clusters
            )

        return self._aim(0.0, design, tries, 0.0)

    def _aim(
        self,
        change: float,
        design: Callable[[Plan, MarginalLaw, Clusters], Design | None],
        tries: int,
        greatest: float,
    ) -> Aim:
        designs = [design(plan, self.pilot.law, self.pilot.clusters) for plan in self._plans(tries)]
        possible = cheapest(designs, self.questions)[:_SHOWN]
        offers = []
        for one in possible or cheapest(designs)[:1]:
            refits = [design(one.plan, *refit) for refit in self.pilot.refits]
            low, high = interval_of(
                one.questions,
                [None if refit is None else refit.questions for refit in refits],
                self.detection.level,
            )
            offers.append(Offer(one, floor(low), None if high is None else ceil(high)))
        return Aim(
            k=self.k,
            change=change,
            offers=tuple(offers) if possible else (),
            more=None if possible or not offers else offers[0],
            greatest=greatest,
            extrapolated=self.k > self.now.most,
        )

    def _plans(self, tries: int) -> list[Plan]:
        """Plans for pass@k: that of the pilot, plain ones, and those that serve `tries` too."""
        fixed = [FixedPlan(2**exponent) for exponent in range(11)]
        plans = dict.fromkeys([self.now, FixedPlan(self.k), *fixed, *candidate_plans(tries)])
        return [plan for plan in plans if self.k <= plan.most <= max(_MOST_RESPONSES, self.k)]
