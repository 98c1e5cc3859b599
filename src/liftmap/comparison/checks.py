"""Are the responses what every interval takes for granted: independent draws, alike on both sides?

Beside `match`: takes matched tallies and what was read with them, gives `Check` records; `words`
says them. Nothing is changed here: `without_copies` is for whoever knows that responses stand
several times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from liftmap.comparison.match import PairedTallies
from liftmap.comparison.parts import Check, Provenance
from liftmap.errors import InputError
from liftmap.read.outcomes import Outcomes
from liftmap.records import FixedPlan, Tally
from liftmap.stats.dependence import (
    Dependence,
    copies,
    deterministic,
    n_by_outcome,
    same_responses,
)
from liftmap.stats.repeated_texts import RepeatedTexts

# Fewer clusters than this say little about how far others would differ.
FEWEST_CLUSTERS = 20


def checks_of_counts(pair: PairedTallies) -> tuple[Check, ...]:
    """What the counts say against independent draws, and whether there are enough clusters."""
    checks = []
    same = same_responses(*pair.rows, pair.counts)
    if same is not None:
        checks.append(_of_counts("both", same))
    sides: tuple[Literal["before", "after"], ...] = ("before", "after")
    for side, rows, tally in zip(sides, pair.rows, (pair.before, pair.after), strict=True):
        facts = [
            deterministic(rows, pair.counts, pair.cluster),
            copies(rows, pair.counts),
            n_by_outcome(
                tally.counts,
                tally.unscored,
                cluster=None if pair.cluster is None else pair.cluster[pair.row_of_question],
            ),
        ]
        checks += [_of_counts(side, fact) for fact in facts if fact is not None]
    if pair.cluster is not None:
        clusters = len(np.unique(pair.cluster))
        if clusters < FEWEST_CLUSTERS:
            checks.append(Check("few clusters", "both", None, {"clusters": clusters}))
    return tuple(checks)


def _of_counts(side: Literal["before", "after", "both"], fact: Dependence) -> Check:
    evidence = {"questions": fact.questions}
    if fact.copies is not None:
        evidence["copies"] = fact.copies
    return Check(fact.kind, side, fact.chance, evidence)


def proven_copies(outcomes: Outcomes) -> int:
    """How many times each response surely stands, by its text; 1 where texts prove nothing."""
    repeated = outcomes.repeated
    if repeated is None or not repeated.complete or outcomes.tally.counts.stops_early:
        return 1
    return repeated.copies


def checks_of_sources(
    before: Outcomes, after: Outcomes, *, counted_once: tuple[bool, bool] = (False, False)
) -> tuple[Check, ...]:
    """What texts and generation settings say, where they were read.

    Args:
        before: What was read of the side before.
        after: The same after.
        counted_once: Whether copies were taken out before, and after.
    """
    checks = []
    sides: tuple[Literal["before", "after"], ...] = ("before", "after")
    for side, outcomes, once in zip(sides, (before, after), counted_once, strict=True):
        if outcomes.repeated is not None:
            checks.append(_of_texts(side, outcomes.repeated, once))
    differing = different_settings(before.settings, after.settings)
    if differing:
        checks.append(Check("settings", "both", None, differing))
    return tuple(checks)


def same_file(before: Provenance, after: Provenance) -> Check | None:
    """Whether both sides are one file.

    Two files that are equal byte for byte count as one where they hold more than counts: two models
    may well have the same counts.
    """
    if before.path is None or after.path is None:
        return None
    same = Path(before.path).resolve() == Path(after.path).resolve()
    with_texts = before.format not in ("tally", "responses")
    copied = with_texts and before.digest_of_file == after.digest_of_file is not None
    return Check("same file", "both", None, {}) if same or copied else None


def _of_texts(side: Literal["before", "after"], fact: RepeatedTexts, once: bool) -> Check:
    evidence = {
        "copies": fact.copies,
        "questions": fact.questions,
        "repeated": fact.repeated,
        "counted_once": once,
    }
    return Check("repeated texts", side, fact.chance, evidence)


def different_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The settings that both sides have and that differ: their values before and after."""
    return {
        name: [value, after[name]]
        for name, value in before.items()
        if name in after and after[name] != value
    }


def without_copied_answers(answers: pl.DataFrame | None, copies: int) -> pl.DataFrame | None:
    """The rows of `Outcomes.answers` with each response standing once instead of `copies` times."""
    if answers is None or copies == 1:
        return answers
    alike = pl.int_range(pl.len()).over("question_id", "answer", "right")
    return answers.filter(alike % copies == 0)


def without_copies(tally: Tally, copies: int) -> Tally:
    """The tally with each response standing once instead of `copies` times.

    Raises:
        InputError: Fewer than one copy, a curtailed plan, or counts that are not multiples of it.
    """
    if copies == 1:
        return tally
    parts = (tally.n, tally.c, tally.unscored)
    plan = tally.plan
    if copies < 1 or any(np.any(part % copies) for part in parts):
        bad = 0 if copies < 1 else int(np.argmax(sum(part % copies for part in parts) > 0))
        raise InputError(
            "Every number of responses must be a multiple of the number of copies.",
            seen={"copies": copies, "question": str(tally.question_ids[bad])},
            remedy="Take a number that divides all of them, or leave --copies out.",
        )
    if tally.counts.stops_early:
        raise InputError(
            "A tally of a curtailed plan can't be freed of copies: they decided when it stopped.",
            seen=copies,
            remedy="Leave --copies out.",
        )
    return replace(
        tally,
        n=tally.n // copies,
        c=tally.c // copies,
        unscored=tally.unscored // copies,
        truncated=tally.truncated // copies,
        exhausted=None if tally.exhausted is None else tally.exhausted // copies,
        plan=None if plan is None else FixedPlan(plan.most // copies),
    )
