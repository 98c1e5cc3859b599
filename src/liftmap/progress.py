"""Progress on standard error: what runs, how many, at what rate, how long still.

Used by every stage; reads and writes nothing. Standard output stays free for results.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from liftmap.console import console


class _Rate(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        shown = f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}"
        return Text(f"{shown} {task.fields.get('unit', '')}/s")


class Advance:
    """Moves a bar on: `advance(amount)` by so many items."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def __call__(self, amount: float) -> None:
        """Moves the bar on by so many items."""
        self._bar.advance(self._task, amount)

    def note(self, text: str) -> None:
        """Shows a short text beside the bar, as `accuracy 47.1 %`."""
        self._bar.update(self._task, note=text)

    def total(self, total: float) -> None:
        """Corrects how many items there are in all."""
        self._bar.update(self._task, total=total)


@contextmanager
def progress(
    what: str, total: float, unit: str, done: float = 0, *, shown: bool = True
) -> Iterator[Advance]:
    """Shows a bar while the block runs and gives what moves it on.

    Args:
        what: What is being done, as `rlvr@1 answers 400 test questions`.
        total: How many items there are in all.
        unit: What an item is, in the plural.
        done: Items that an earlier run finished.
        shown: Whether anything is shown: what takes no time needs no bar.
    """
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
        # A log file or CI gets one line when the step ends instead of a bar that moves.
        disable=not (shown and console.is_terminal),
    )
    with bar:
        task = bar.add_task(what, total=total, completed=int(done), unit=unit, note="")
        yield Advance(bar, task)
    if shown and not console.is_terminal:
        elapsed = bar.tasks[0].elapsed or 0.0
        finished = bar.tasks[0].completed - done
        note = bar.tasks[0].fields["note"]
        line = f"{what}: {finished:,.0f} {unit} in {elapsed:.1f} s{', ' if note else ''}{note}"
        console.print(line)
