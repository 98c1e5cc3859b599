"""A run that is still going on: its steps as they come.

Stands on `track`: looks into a folder again and again, reads a step when its file is whole, and
gives the run so far.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date as Date
from pathlib import Path

from liftmap.comparison.load import JudgedBy
from liftmap.comparison.options import Options
from liftmap.comparison.track import track_steps
from liftmap.comparison.track_record import Track
from liftmap.comparison.track_steps import StepOutcomes, as_step, read_step, refuse_mixed
from liftmap.errors import InputError
from liftmap.files import path_of
from liftmap.read.look import ENDINGS
from liftmap.read.step_files import Step, steps_in_folder, unfinished

INTERVAL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """What is followed, and how.

    Attributes:
        folder: The folder of steps; it may not be there yet.
        judged: Whose verdicts count.
        cluster: As in `track`.
        within: As in `track`.
        interval: Seconds between two looks; a file counts as whole if it did not grow in between
            and its last line is complete.
        until: The step after which it ends; None goes on until it is interrupted.
    """

    folder: str
    judged: JudgedBy
    cluster: str | None = None
    within: str | None = None
    interval: float = INTERVAL_SECONDS
    until: int | None = None

    def check(self) -> None:
        """Raises an InputError where the options can't be used."""
        if not self.interval > 0:
            raise InputError(
                "The interval between two looks is above 0.",
                seen=self.interval,
                remedy="Give seconds, as 10.",
            )


def follow(
    options: FollowOptions,
    comparing: Options,
    *,
    tell: Callable[[str], None],
    at: str = "last",
    date: Date | None = None,
) -> Iterator[Track]:
    """The run after each new step.

    A step is read when its files are whole, and again if they grow. One that can't be used (it has
    other questions, or is damaged) is told of and left out: the run goes on, so does this.

    Args:
        options: What is followed.
        comparing: How each comparison is made.
        tell: Told what is waited for and what is left out, a sentence each.
        at: As in `track`; a step's number counts once it is there.
        date: As in `track`.

    Yields:
        The run so far, from the second step on. Each holds by itself: whoever looks after every
        step looks often.

    Raises:
        InputError: The folder is a file, a step is there twice, or an option is out of range.
    """
    options.check()
    comparing.check()
    steps: list[StepOutcomes] = []
    notes: list[str] = []
    # Sizes of the files of each step when it was last seen, and when it was read or left out.
    seen: dict[str, tuple[int, ...]] = {}
    handled: dict[str, tuple[int, ...]] = {}
    waiting = False
    while True:
        new = False
        for step in _listed(options):
            sizes = _sizes(step.source)
            is_still = seen.get(step.source) == sizes
            seen[step.source] = sizes
            # A folder may be there before its files; what has grown since then is read again.
            if not sizes or not is_still or handled.get(step.source) == sizes:
                continue
            if unfinished(step.source):
                continue
            handled[step.source] = sizes
            try:
                track = _with(steps, step, options, comparing, at=at, notes=notes, date=date)
            except InputError as error:
                notes.append(f"Step {step.number} is left out: {error.what}")
                tell(notes[-1])
                continue
            new = True
            if track is not None:
                yield track
            else:
                tell(f"Step {step.number} is the base.")
        if options.until is not None and any(each.number >= options.until for each in steps):
            return
        if not new and not waiting:
            tell(f"Waiting for steps in {options.folder}.")
        waiting = not new
        time.sleep(options.interval)


def _listed(options: FollowOptions) -> tuple[Step, ...]:
    """The steps that are in the folder now; none while it isn't there."""
    path = path_of(options.folder)
    if not path.exists():
        return ()
    if options.within is None:
        return steps_in_folder(options.folder).steps
    # A step's folder may be there before the part that is asked for.
    steps = steps_in_folder(options.folder).steps
    return tuple(
        Step(step.number, str(Path(step.source) / options.within))
        for step in steps
        if (Path(step.source) / options.within).exists()
    )


def _sizes(source: str) -> tuple[int, ...]:
    """Sizes of the files of a step."""
    path = Path(source)
    if path.is_file():
        return (path.stat().st_size,)
    files = sorted(file for file in path.rglob("*") if file.suffix in ENDINGS)
    return tuple(file.stat().st_size for file in files if file.is_file())


def _with(
    steps: list[StepOutcomes],
    step: Step,
    options: FollowOptions,
    comparing: Options,
    *,
    at: str,
    notes: list[str],
    date: Date | None,
) -> Track | None:
    """The run with one step more, which is then added to `steps`; None of the base alone.

    Raises:
        InputError: The step can't be used.
    """
    assert step.number is not None
    outcomes = read_step(step.source, options.judged, options.cluster, options.folder, step.number)
    others = [each for each in steps if each.side.path != step.source]
    added = [*others, as_step(step.number, step.source, outcomes)]
    refuse_mixed(options.folder, added)
    added = sorted(added, key=lambda each: each.number)
    track = None
    if len(added) > 1:
        required = at in ("last", "chosen", "all") or any(
            at == str(each.number) for each in added[1:]
        )
        rules = comparing.require if required else ()
        where = at if required else "last"
        track = track_steps(
            added, replace(comparing, require=rules), at=where, notes=notes, date=date
        )
    steps[:] = added
    return track
