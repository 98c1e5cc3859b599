"""Are the responses what every interval takes for granted: independent draws, alike on both sides?

Beside `match`: takes matched tallies and what was read with them, gives `Check` records; `words`
says them. Nothing is changed here: `without_copies` is for whoever knows that responses stand
several times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from liftmap.comparison.match import PairedTallies
from liftmap.comparison.parts import Check, Provenance, QuestionsAre
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
from liftmap.stats.verdict import Withheld

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


def withheld_by(
    checks: Sequence[Check], questions_are: QuestionsAre, *, bounded: bool
) -> Withheld | None:
    """Why no change gets a word, out of what speaks against the responses; None if nothing does.

    Copies leave intervals on questions like these as they are, since whole questions are drawn.

    Args:
        checks: What speaks against independent draws.
        questions_are: What the words are about.
        bounded: Whether the unscored responses, if there are any, have bounds.
    """
    if not bounded:
        return "unscored"
    if any(check.kind == "n by outcome" for check in checks):
        return "n by outcome"
    if questions_are == "fixed" and any(map(_has_copies, checks)):
        return "copies"
    return None


def independent(checks: Sequence[Check]) -> bool:
    """Whether nothing speaks against counts of independent draws, which noise is computed from."""
    return not any(check.kind == "n by outcome" or _has_copies(check) for check in checks)


def _has_copies(check: Check) -> bool:
    """Whether responses stand several times in the counts."""
    return check.kind == "copies" or (
        check.kind == "repeated texts" and not check.evidence["counted_once"]
    )


def proven_copies(outcomes: Outcomes) -> int:
    """How many times each response surely stands; 1 where nothing proves it.

    Texts prove it, or a recorded temperature of 0, where every question was asked equally often and
    is always right or always wrong.
    """
    tally, repeated = outcomes.tally, outcomes.repeated
    if tally.counts.stops_early:
        return 1
    if _is_greedy(outcomes):
        numbers = np.unique(tally.n + tally.unscored)
        parts = (tally.c, tally.unscored, tally.truncated)
        if len(numbers) == 1 and all(np.isin(part, (0, numbers[0])).all() for part in parts):
            return int(numbers[0])
    return repeated.copies if repeated is not None and repeated.complete else 1


def _is_greedy(outcomes: Outcomes) -> bool:
    """Whether several responses a question were drawn at a recorded temperature of 0."""
    asked = outcomes.tally.n + outcomes.tally.unscored
    return outcomes.settings.get("temperature") == 0 and bool(np.any(asked > 1))


def checks_of_sources(
    before: Outcomes, after: Outcomes, copies: Sequence[int] = (1, 1)
) -> tuple[Check, ...]:
    """What texts and generation settings say, where they were read.

    Args:
        before: What was read of the side before.
        after: The same after.
        copies: How many times each response stood that is counted once now, before and after.
    """
    checks = []
    sides: tuple[Literal["before", "after"], ...] = ("before", "after")
    for side, outcomes, times in zip(sides, (before, after), copies, strict=True):
        if _is_greedy(outcomes):
            checks.append(Check("temperature 0", side, None, {"counted_once": times > 1}))
        elif outcomes.repeated is not None:
            checks.append(_of_texts(side, outcomes.repeated, times > 1))
    differing = different_settings(before.settings, after.settings)
    if differing:
        checks.append(Check("settings", "both", None, differing))
    common = before.prompts.keys() & after.prompts.keys()
    differing_prompts = sum(before.prompts[each] != after.prompts[each] for each in common)
    if differing_prompts:
        counts = {"differing": differing_prompts, "questions": len(common)}
        checks.append(Check("prompts", "both", None, counts))
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
