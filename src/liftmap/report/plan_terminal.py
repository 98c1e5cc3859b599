"""A plan in the terminal: what a tally can detect, and how to sample for what is asked.

Reads a `Planning`, gives rich renderables that fit 80 columns.
"""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from liftmap.comparison.plan_record import Aim, Offer, Planning, describe
from liftmap.comparison.rounding import NOTHING, count, interval, percent, points
from liftmap.records import Estimate


def plan_page(planning: Planning) -> Group:
    """What a tally can detect, and what would detect a change or show that there is none."""
    detection = planning.detection
    power, level = percent(detection.power, 0), percent(detection.level, 0)
    smallest = _table("k", "smallest rise", "smallest fall")
    for row in planning.smallest:
        smallest.add_row(_tries(row.k), *(_in_points(change) for change in (row.up, row.down)))
    head = (
        f"{count(planning.questions)} questions, {describe(planning.plan)}: the smallest changes, "
        f"in points, detected with a chance of {power} % at level {level} %"
    )
    parts: list[RenderableType] = [Text(head, "bold"), smallest]
    if planning.clusters is not None:
        parts.append(
            Text(
                f"Clusters of {planning.clusters.size:.1f} questions on average; their questions "
                f"are taken to change alike with a correlation of "
                f"{planning.clusters.correlation:.2f}."
            )
        )
    for aim in planning.wanted:
        title = f"To detect {points(aim.change)} points of {_tries(aim.k)}"
        parts += _aim_parts(title, aim, planning)
    for aim in planning.within:
        margin = f"{100 * planning.margin:g}"
        title = f"To show that {_tries(aim.k)} stayed within {margin} points, if nothing changed"
        parts += _aim_parts(title, aim, planning)
    note = (
        f"Intervals, {level} %, are of the pilot: they say how far the numbers may be off because "
        "other questions could have been asked."
    )
    return Group(*parts, Text(), Text(note))


def _aim_parts(title: str, aim: Aim, planning: Planning) -> list[RenderableType]:
    """The plans for one aim."""
    parts: list[RenderableType] = [Text(), Text(f"{title}, cheapest first", "bold")]
    if aim.extrapolated:
        parts.append(
            Text(
                f"k is beyond the pilot's {count(planning.plan.most)} responses: an extrapolation "
                "by the fitted law."
            )
        )
    if aim.offers:
        plans = _table("plan", "questions", "interval", "responses, both models")
        for offer in aim.offers:
            design = offer.design
            plans.add_row(
                describe(design.plan),
                count(design.questions),
                _questions_between(offer),
                count(round(design.responses)),
            )
        parts.append(plans)
    elif aim.more is not None:
        design = aim.more.design
        parts.append(
            Text(
                f"Not with {count(planning.questions)} questions. Cheapest with more: "
                f"{count(design.questions)} questions ({_questions_between(aim.more)}), "
                f"{describe(design.plan)} ({count(round(design.responses))} responses of both "
                "models)."
            )
        )
    else:
        parts.append(Text(f"{_tries(aim.k)} can change by {points(aim.greatest)} points at most."))
    return parts


def _questions_between(offer: Offer) -> str:
    return (
        f"{count(offer.low)} or more"
        if offer.high is None
        else (f"{count(offer.low)} to {count(offer.high)}")
    )


def _in_points(change: Estimate | None) -> str:
    return NOTHING if change is None else f"{points(change.estimate)} {interval(change)}"


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right")
    return table


def _tries(k: int) -> str:
    return "accuracy" if k == 1 else f"pass@{k:,}"
