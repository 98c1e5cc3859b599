"""A run over its steps in the terminal: a sentence first, then a row for each step.

Reads a `Track`, gives rich renderables that fit 80 columns.
"""

from __future__ import annotations

import polars as pl
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from liftmap.comparison import gate_words, track_words, words
from liftmap.comparison.rounding import NOTHING, count, fixed, percent, points
from liftmap.comparison.track_parts import StepMoves, StepPass, direction_of
from liftmap.comparison.track_record import Track
from liftmap.records import Estimate

_STYLES = {"up": "bold blue", "down": "bold dark_orange3", None: ""}
_MOVED = {("lost", "up"): "bold dark_orange3", ("gained", "up"): "bold blue"}
# Figures of a training log: title, factor and decimals.
LOGGED = (
    ("reward", "reward", 1, 2),
    ("no_gradient", "no gradient, %", 100, 1),
    ("all_right", "all right, %", 100, 1),
    ("all_wrong", "all wrong, %", 100, 1),
    ("entropy", "entropy, nats", 1, 2),
    ("tokens", "tokens", 1, 1),
    ("truncated", "cut off, %", 100, 1),
    ("loss", "loss", 1, 4),
)
_GATE_STYLES = {"passed": "bold blue", "failed": "bold dark_orange3", "can't tell": "bold"}


def track_page(track: Track) -> Group:
    """The whole run."""
    first, *rest = track.sentences
    scope = (
        f"{count(track.questions)} questions, {track_words.number_of(len(track.steps), 'step')} "
        f"against step {track.base.number}; brackets are one {words.level_text(track.level)} band "
        "over all"
    )
    parts: list[RenderableType] = [
        Text(first, "bold"),
        *(Text(text) for text in rest),
        *_gate(track),
        Text(),
        Text(scope, "dim"),
        _passes(track),
    ]
    others = _others(track)
    if others.columns[1:]:
        heading = "Questions lost and gained beyond noise; length of a response, entropy of answers"
        parts += [Text(), Text(heading, "dim"), others]
    if track.training_log is not None:
        heading = "What the trainer logged: means of its steps since the step before"
        parts += [Text(), Text(heading, "dim"), _log(track.training_log)]
    parts.append(Text())
    parts += [_bullet(text) for text in track.caveats]
    if track.warnings:
        parts += [Text(), Text("Note", "bold"), *map(_bullet, track.warnings)]
    return Group(*parts)


def _gate(track: Track) -> list[RenderableType]:
    if not track.gate:
        return []
    return [
        Text(),
        Text("Required", "bold"),
        *(
            Text(
                f"step {each.step}: {gate_words.gate_text(each.answer)}",
                _GATE_STYLES[each.answer.word],
            )
            for each in track.gate
        ),
        Text(track_words.gate_note(track), "dim"),
    ]


def _passes(track: Track) -> Table:
    """A row for each step: accuracy and pass@k with their changes."""
    table = _plain_table("step", "accuracy, %", "change")
    if track.k > 1:
        table.add_column(f"pass@{count(track.k)}, %", justify="right", no_wrap=True)
        table.add_column("change", justify="right", no_wrap=True)
    chosen = None if track.chosen is None else track.chosen.step
    for step in track.all_steps:
        cells = [Text(f"{step.number}{' *' if step.number == chosen else ''}")]
        cells += _axis(step.accuracy)
        if track.k > 1:
            cells += _axis(step.capability)
        table.add_row(*cells)
    if chosen is not None:
        table.caption = "* chosen"
        table.caption_justify = "left"
    return table


def _axis(figure: StepPass) -> list[Text]:
    value = Text(percent(figure.value.estimate))
    if figure.change is None:
        return [value, Text()]
    ends = "" if figure.band is None else f" [{', '.join(map(percent, figure.band))}]"
    style = _STYLES[direction_of(figure.band)]
    return [value, Text(points(figure.change.estimate) + ends, style)]


def _others(track: Track) -> Table:
    """A row for each step: questions lost and gained, and what responses are like, where known."""
    table = _plain_table("step")
    moved = any(step.lost for step in track.steps)
    measured = [
        (name, title, scale, decimals)
        for name, title, scale, decimals in (
            ("length", track.length_unit, 1, 1),
            ("entropy", "entropy, nats", 1, 2),
            ("truncated", "cut off, %", 100, 1),
        )
        if any(getattr(step, name) is not None for step in track.all_steps)
    ]
    for title in (*("lost", "gained") * moved, *(title for _, title, *_ in measured)):
        table.add_column(title, justify="right", no_wrap=True)
    for step in track.all_steps:
        cells = [Text(str(step.number))]
        if moved:
            cells += [_moves("lost", step.lost), _moves("gained", step.gained)]
        for name, _, scale, decimals in measured:
            estimate: Estimate | None = getattr(step, name)
            value = NOTHING if estimate is None else fixed(scale * estimate.estimate, decimals)
            cells.append(Text(value))
        table.add_row(*cells)
    return table


def _log(by_step: pl.DataFrame) -> Table:
    """A row for each step: the figures that the log has."""
    measured = [
        (name, title, scale, decimals)
        for name, title, scale, decimals in LOGGED
        if by_step[name].is_not_null().any()
    ]
    table = _plain_table("step", "logged", *(title for _, title, *_ in measured))
    for row in by_step.iter_rows(named=True):
        values = (
            NOTHING if row[name] is None else fixed(scale * row[name], decimals)
            for name, _, scale, decimals in measured
        )
        table.add_row(str(row["step"]), count(row["logged"]), *values)
    return table


def _moves(direction: str, moves: StepMoves | None) -> Text:
    if moves is None:
        return Text()
    text = fixed(moves.excess.estimate, signed=True)
    if moves.band is not None:
        text += f" [{', '.join(fixed(end) for end in moves.band)}]"
    return Text(text, _MOVED.get((direction, direction_of(moves.band) or ""), ""))


def _plain_table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right", no_wrap=True)
    return table


def _bullet(text: str) -> Table:
    bullet = Table.grid(padding=(0, 1))
    bullet.add_row("-", Text(text))
    return bullet
