"""Progress on standard error: what runs, how many, at what rate, how long still.

Used by every stage; reads and writes nothing. Standard output stays free for results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from liftmap.console import console

BAR_COLUMNS = 20


class _Count(ProgressColumn):
    """Items done, and in all: `1,024/102,400 responses`."""

    def render(self, task: Task) -> Text:
        total = "?" if task.total is None else f"{task.total:,.0f}"
        return Text(f"{task.completed:,.0f}/{total} {task.fields['unit']}")


class _Rate(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s")


class _Left(ProgressColumn):
    """How long still: `0:01:10 left`."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        seconds = task.time_remaining
        if seconds is None:
            return Text("")
        minutes, rest = divmod(int(seconds), 60)
        return Text(f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} left")


class TwoLines(Progress):
    """A bar below what it is about, so that 80 columns hold done, total, rate and times."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is being done and the note on one line, the bar and its figures on the next."""
        for task in self.tasks:
            note = task.fields["note"]
            label = f"{task.description}{', ' if note else ''}{note}"
            yield Text(label, no_wrap=True, overflow="ellipsis")
            yield self.make_tasks_table([task])


class Advance:
    """Moves a bar on: `advance(amount)` by so many items."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def __call__(self, amount: float) -> None:
        """Moves the bar on by so many items."""
        self._bar.advance(self._task, amount)

    def note(self, text: str) -> None:
        """Shows a short text beside what is being done, as `accuracy 47.1 %`."""
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
    bar = TwoLines(
        # The bar gives way where the figures are long; they keep their width.
        BarColumn(None, table_column=Column(ratio=1, max_width=BAR_COLUMNS)),
        _Count(Column(no_wrap=True)),
        _Rate(Column(no_wrap=True)),
        TimeElapsedColumn(Column(no_wrap=True)),
        _Left(Column(no_wrap=True)),
        console=console,
        # A log file or CI gets one line when the step ends instead of a bar that moves.
        disable=not (shown and console.is_terminal),
        expand=True,
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


def loading(what: str) -> None:
    """Says at once that something is being loaded that takes seconds, such as a model."""
    console.print(f"loading {what} ...")
