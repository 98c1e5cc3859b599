"""What can be said of an interval: the rules by which the page calls a claim seen or not.

Stands below `findings`; takes estimates, gives outcomes. Every rule is stated here once, in words
that the page prints, and has three outcomes, for an interval may say neither yes nor no.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import stats

from liftmap.records import Estimate

Outcome = Literal["holds", "fails", "unsettled"]


@dataclass(frozen=True)
class Evidence:
    """What one checkpoint shows of a claim.

    Attributes:
        text: The figures, with intervals.
        outcome: Whether they bear the claim out; None where a needed table is missing.
    """

    text: str
    outcome: Outcome | None


@dataclass(frozen=True)
class Claim:
    """One thing that a finding says, held against this run.

    Attributes:
        says: What the finding says.
        evidence: What the checkpoints show, one entry each.
        decides: Whether the finding stands or falls with it; the others are asked beside it.
    """

    says: str
    evidence: Sequence[Evidence]
    decides: bool = True

    @property
    def outcome(self) -> Outcome | None:
        """Holds if all checkpoints bear it out; fails if one does not and none does.

        Checkpoints that contradict each other leave it unsettled; None without evidence.
        """
        seen = [e.outcome for e in self.evidence if e.outcome is not None]
        if not seen:
            return None
        if all(o == "holds" for o in seen):
            return "holds"
        return "fails" if "fails" in seen and "holds" not in seen else "unsettled"


def every(outcomes: Iterable[Outcome | None]) -> Outcome | None:
    """All claims at once: fails if one fails; else None if one is untested; holds if all do."""
    seen = list(outcomes)
    if "fails" in seen:
        return "fails"
    if None in seen or not seen:
        return None
    return "holds" if all(o == "holds" for o in seen) else "unsettled"


def rises(change: Estimate, margin: float) -> Outcome:
    """Holds if the interval lies above 0 and reaches beyond the margin.

    Fails if it lies inside the margin or below 0.
    """
    if -margin <= change.low and change.high <= margin:
        return "fails"
    if change.low > 0:
        return "holds"
    return "fails" if change.high < 0 else "unsettled"


def at_most(value: Estimate, bound: float) -> Outcome:
    """Holds if the interval ends at or below `bound`; fails if it begins above it."""
    if value.high <= bound:
        return "holds"
    return "fails" if value.low > bound else "unsettled"


def below(change: Estimate) -> Outcome:
    """Holds if the interval lies below 0; fails if it begins at or above 0."""
    if change.high < 0:
        return "holds"
    return "fails" if change.low >= 0 else "unsettled"


def near(value: Estimate, middle: float, tolerance: float) -> Outcome:
    """Holds if the interval lies within `tolerance` of `middle`; fails if it lies outside."""
    if middle - tolerance <= value.low and value.high <= middle + tolerance:
        return "holds"
    outside = value.low > middle + tolerance or value.high < middle - tolerance
    return "fails" if outside else "unsettled"


def difference(after: Estimate, before: Estimate) -> Estimate:
    """Change, after - before, with an interval made from the two intervals.

    Zou and Donner's (2008) way, exact for independent estimates and too wide for ones that vary
    together, as two models' figures on the same questions do.
    """
    by = after.estimate - before.estimate
    low = by - math.hypot(after.estimate - after.low, before.high - before.estimate)
    high = by + math.hypot(after.high - after.estimate, before.estimate - before.low)
    return Estimate(by, low, high)


def widened(value: Estimate, looks: int, level: float) -> Estimate:
    """The interval stretched so that it holds for `looks` looks at once (Bonferroni).

    Args:
        value: An estimate with an interval of coverage `level`.
        looks: How many such intervals are searched for an exception.
        level: Coverage, in (0, 1).
    """
    alpha = 1 - level
    stretch = stats.norm.isf(alpha / (2 * max(looks, 1))) / stats.norm.isf(alpha / 2)
    return Estimate(
        value.estimate,
        value.estimate - stretch * (value.estimate - value.low),
        value.estimate + stretch * (value.high - value.estimate),
    )


def everywhere(
    rule_holds: Sequence[Outcome], rule_fails_widened: Sequence[Outcome]
) -> Outcome | None:
    """A rule that has to hold in every bin.

    It holds if it holds in each bin by the plain intervals (no correction is needed for that), and
    fails if it fails in one bin by intervals widened for the number of bins.

    Args:
        rule_holds: Outcomes by the plain intervals, one a bin.
        rule_fails_widened: Outcomes by the widened ones.
    """
    if not rule_holds:
        return None
    if "fails" in rule_fails_widened:
        return "fails"
    return "holds" if all(o == "holds" for o in rule_holds) else "unsettled"
