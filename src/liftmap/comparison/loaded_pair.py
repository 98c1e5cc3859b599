"""Two sources, read and matched: all that a comparison is made of.

Between `load` and `compare`: whoever compares (two sources, a step of a training, a benchmark of a
suite) makes its pair here, so that copies are counted once, sides are named and notes are said the
same way for all.
"""

from __future__ import annotations

from dataclasses import dataclass

from liftmap.comparison.checks import checks_of_sources, proven_copies, same_file, without_copies
from liftmap.comparison.load import JudgedBy, Source, load
from liftmap.comparison.match import PairedTallies, match
from liftmap.comparison.parts import Check, Provenance
from liftmap.comparison.provenance import provenance_of
from liftmap.errors import InputError
from liftmap.read.outcomes import Outcomes
from liftmap.records import Tally


@dataclass(frozen=True, slots=True, eq=False)
class LoadedPair:
    """Two sources, read and matched: all that a comparison is made of.

    Attributes:
        tallies: The matched tallies.
        outcomes: What was read of the two sides.
        sides: What the two sides were made from.
        counted: Both tallies before they were matched, each response counted once.
        copies: How many times each response stood, before and after; they are counted once.
        checks: What texts and settings say of the responses.
        notes: What the readers have to say, a sentence each.
    """

    tallies: PairedTallies
    outcomes: tuple[Outcomes, Outcomes]
    sides: tuple[Provenance, Provenance]
    counted: tuple[Tally, Tally]
    copies: tuple[int, int]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def of_training(self) -> bool:
        """Whether the questions are those of training."""
        return all(side.split == "train" for side in self.outcomes)


def load_pair(
    before: Source,
    after: Source,
    judged: JudgedBy,
    *,
    cluster: str | None = None,
    copies: tuple[int, int] = (1, 1),
    min_responses: int | None = None,
) -> LoadedPair:
    """Reads two sources and matches their questions.

    Args:
        before: As in `compare`.
        after: As in `compare`.
        judged: Whose verdicts count.
        cluster: As in `compare`.
        copies: As in `compare`.
        min_responses: As in `compare`.

    Raises:
        LiftmapError: As in `compare`.
    """
    first, then = (load(side, cluster=cluster, **judged) for side in (before, after))
    sides = provenance_of((before, after), (first, then))
    return pair_outcomes((first, then), sides, copies=copies, min_responses=min_responses)


def pair_outcomes(
    outcomes: tuple[Outcomes, Outcomes],
    sides: tuple[Provenance, Provenance],
    *,
    copies: tuple[int, int] = (1, 1),
    min_responses: int | None = None,
) -> LoadedPair:
    """Matches the questions of two sides that are read already.

    Args:
        outcomes: What was read of the two sides.
        sides: What they were made from.
        copies: As in `compare`.
        min_responses: As in `compare`.

    Raises:
        InputError: As `match`, or copies is out of range.
    """
    first, then = outcomes
    if min(copies) < 1:
        raise InputError(
            "copies is out of range.",
            seen=copies,
            remedy="Say how many times each response stands, before and after: 1 is once.",
        )
    times = (
        copies[0] if copies[0] > 1 else proven_copies(first),
        copies[1] if copies[1] > 1 else proven_copies(then),
    )
    tallies = without_copies(first.tally, times[0]), without_copies(then.tally, times[1])
    pair = match(
        *tallies,
        orders=(first.answers, then.answers),
        min_responses=min_responses,
    )
    same = same_file(*sides)
    notes = [f"Before: {text}" for text in first.warnings]
    notes += [f"After: {text}" for text in then.warnings]
    if first.by_prompt or then.by_prompt:
        asked, then_asked = (len(tally.n) for tally in tallies)
        notes.append(
            "The questions have no ids and were joined by a digest of their prompts: "
            f"{pair.drawn_from.number:,} of {asked:,} before and of {then_asked:,} after."
        )
    return LoadedPair(
        pair,
        outcomes,
        sides,
        tallies,
        times,
        checks=(
            *(() if same is None else (same,)),
            *checks_of_sources(first, then, times),
        ),
        notes=tuple(notes),
    )
