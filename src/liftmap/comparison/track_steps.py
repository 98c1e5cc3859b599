"""The steps of a run read: from what the user named to the outcomes of each step.

First part of the flow of `track`: takes sources, gives a `StepOutcomes` for each step, numbered;
`track_ground` puts them on their common questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from liftmap.comparison.load import JudgedBy, Source, load
from liftmap.comparison.parts import Provenance
from liftmap.comparison.provenance import provenance_of_side
from liftmap.errors import InputError, LiftmapError
from liftmap.files import path_of
from liftmap.read.counting import SeveralStepsError
from liftmap.read.outcomes import Outcomes
from liftmap.read.step_files import (
    Step,
    is_folder_of_steps,
    numbers_of,
    step_of,
    steps_in_folder,
    unfinished,
)

# What `track` takes: results of the base and of each step, a folder of them, or all by step.
Steps = Source | Mapping[int, Source]

# Steps that a message names.
_SHOWN = 4


@dataclass(frozen=True, slots=True, eq=False)
class StepOutcomes:
    """What was read of one step.

    Attributes:
        number: The training step.
        side: What it was made from.
        outcomes: Its outcomes.
        texts: A row a question: question_id, mean tokens and characters of its responses, and the
            share that was cut; null where unknown. None where the source has no texts.
    """

    number: int
    side: Provenance
    outcomes: Outcomes
    texts: pl.DataFrame | None


@dataclass(frozen=True, slots=True)
class _Unread:
    """A source with the step that its name, or whoever named it, says."""

    number: int | None
    source: Source


def read_run(
    sources: Sequence[Steps], judged: JudgedBy, *, cluster: str | None, within: str | None
) -> tuple[list[StepOutcomes], list[str]]:
    """Reads the steps of a run: the base first, then the others by rising number.

    Args:
        sources: As `track` takes them.
        judged: Whose verdicts count.
        cluster: As in `load`.
        within: Of each step's folder this part alone.

    Returns:
        The steps, and what has to be said of what was left out.

    Raises:
        LiftmapError: A step can't be read or is there twice, tools are mixed in a folder, or there
            is no second step.
    """
    named, notes, folder = _named(sources, judged, within)
    if folder is not None and len(named) > 1:
        last = str(named[-1].source)
        if cut := unfinished(last):
            notes.append(f"Step {named[-1].number} is still being written ({cut.name}): left out.")
            named = named[:-1]
    if len(named) < 2:
        raise InputError(
            "A run needs a base and one step more.",
            seen=[str(each.source) for each in named] if named else folder,
            remedy="Name the base and the steps, or a folder with a file or folder for each step.",
        )
    outcomes = [read_step(each.source, judged, cluster, folder, each.number) for each in named]
    numbers = _numbered(named, outcomes, notes)
    steps = [
        as_step(number, each.source, read)
        for number, each, read in zip(numbers, named, outcomes, strict=True)
    ]
    if folder is not None:
        refuse_mixed(folder, steps)
    return [steps[0], *sorted(steps[1:], key=lambda step: step.number)], notes


def _named(
    sources: Sequence[Steps], judged: JudgedBy, within: str | None
) -> tuple[list[_Unread], list[str], str | None]:
    """The steps that sources name, what was left out, and the folder where there is only one."""
    if len(sources) == 1:
        [source] = sources
        if isinstance(source, Mapping):
            return [_Unread(number, source[number]) for number in sorted(source)], [], None
        if isinstance(source, str | Path):
            steps, notes = _in_folder(str(source), judged, within)
            return steps, notes, str(source)
    if within is not None:
        raise InputError(
            "A part of each step's folder is asked for, but the steps are named one by one.",
            seen=within,
            remedy="Name these parts themselves, or the folder of steps alone.",
        )
    named: list[_Unread] = []
    notes = []
    for source in sources:
        if isinstance(source, Mapping):
            raise InputError(
                "A mapping of steps stands alone.",
                seen=len(sources),
                remedy="Give the base in it too, under its step.",
            )
        if isinstance(source, str | Path) and is_folder_of_steps(str(source)):
            steps, left_out = _in_folder(str(source), judged, None)
            named += steps
            notes += left_out
        elif isinstance(source, str | Path):
            step = step_of(str(source))
            named.append(_Unread(step.number, step.source))
        else:
            named.append(_Unread(None, source))
    return named, notes, None


def _in_folder(
    folder: str, judged: JudgedBy, within: str | None
) -> tuple[list[_Unread], list[str]]:
    """The steps of a folder by names; where names say none, those that its rows say."""
    steps_there = steps_in_folder(folder, within) if path_of(folder).is_dir() else None
    if steps_there is not None and steps_there.steps:
        return [_Unread(step.number, step.source) for step in steps_there.steps], [
            *steps_there.notes
        ]
    try:
        load(folder, **judged)
    except SeveralStepsError as error:
        steps = [Step(number, f"{folder}:{number}") for number in error.steps]
        return [_Unread(step.number, step.source) for step in steps], []
    return [_Unread(None, folder)], []


def read_step(
    source: Source,
    judged: JudgedBy,
    cluster: str | None,
    folder: str | None,
    number: int | None,
) -> Outcomes:
    """The outcomes of one step; what goes wrong in a folder names the step.

    Raises:
        LiftmapError: It can't be read, or its rows are of another step than its name says.
    """
    where = f"Step {number} of {folder}" if folder is not None else str(source)
    try:
        if folder is not None and (cut := unfinished(str(source))):
            raise InputError(f"{cut} is cut off.", remedy="Write the file again, or move it away.")
        outcomes = load(source, cluster=cluster, **judged)
    except LiftmapError as error:
        if folder is None:
            raise
        raise InputError(
            f"{where} can't be used: {error.what}", seen=error.seen, remedy=error.remedy
        ) from error
    if None not in (number, outcomes.step) and number != outcomes.step:
        raise InputError(
            f"{where} is called step {number}, but its rows are of step {outcomes.step}.",
            remedy="Give the file the number of its step.",
        )
    return outcomes


def as_step(number: int, source: Source, outcomes: Outcomes) -> StepOutcomes:
    """A step that is read, with what its texts say; texts are read once and not kept."""
    path = str(source) if isinstance(source, str | Path) else None
    side = provenance_of_side(f"step {number}", path, outcomes)
    return StepOutcomes(number, side, outcomes, _texts(outcomes))


def _texts(outcomes: Outcomes) -> pl.DataFrame | None:
    if outcomes.responses is None:
        return None
    characters = pl.col("text").str.len_chars() + pl.col("reasoning").str.len_chars().fill_null(0)
    scored = pl.col("right").is_not_null()
    return (
        outcomes.responses.filter(scored)
        .select("question_id", "tokens", "truncated", characters=characters)
        .group_by("question_id")
        .agg(
            # Unknown of one response, unknown of the question.
            pl.when(pl.col("tokens").is_not_null().all()).then(pl.col("tokens").mean()),
            pl.col("characters").mean(),
            cut=pl.when(pl.col("truncated").is_not_null().all()).then(pl.col("truncated").mean()),
        )
        .collect(engine="streaming")
    )


def _numbered(
    named: Sequence[_Unread], outcomes: Sequence[Outcomes], notes: list[str]
) -> list[int]:
    """The number of each step: by its name, by its rows, or by its place."""
    numbers = [
        each.number if each.number is not None else read.step
        for each, read in zip(named, outcomes, strict=True)
    ]
    base, *steps = numbers
    if any(number is None for number in steps):
        stems = [Path(str(each.source)).stem for each in named[1:]]
        paths = all(isinstance(each.source, str | Path) for each in named[1:])
        numbers = [base, *(numbers_of(stems) or ())] if paths and len(stems) > 1 else []
        if len(numbers) < len(named):
            notes.append("Nothing says which steps these are: they are numbered by their order.")
            return list(range(len(named)))
    in_order = [0 if number is None else number for number in numbers]
    twice = sorted({number for number in in_order if in_order.count(number) > 1})
    if twice:
        raise InputError(
            f"Step {twice[0]} is there twice.",
            seen=[
                str(each.source)
                for each, number in zip(named, in_order, strict=True)
                if number == twice[0]
            ],
            remedy="Leave one of them out; a base whose name says no step is step 0.",
        )
    if in_order[0] > min(in_order[1:]):
        raise InputError(
            f"The base is step {in_order[0]}, but step {min(in_order[1:])} comes before it.",
            remedy="Name the base first: the results of the model that training started from.",
        )
    return in_order


def refuse_mixed(folder: str, steps: Sequence[StepOutcomes]) -> None:
    """Refuses a folder whose steps were written by several tools.

    Raises:
        InputError: They were.
    """
    formats: dict[str, list[int]] = {}
    for step in steps:
        formats.setdefault(step.outcomes.format, []).append(step.number)
    if len(formats) > 1:
        raise InputError(
            f"{folder} is a mix of {len(formats)} formats.",
            seen={name: f"steps {numbers[:_SHOWN]}" for name, numbers in formats.items()},
            remedy="Keep the files of one tool in it, or name the base and each step.",
        )
