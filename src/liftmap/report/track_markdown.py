"""A run over its steps in Markdown: what a pull request or a job's summary shows.

Reads a `Track`, gives text in the Markdown that GitHub renders.
"""

from __future__ import annotations

from liftmap.comparison import gate_words, track_words
from liftmap.comparison.rounding import count, fixed, interval, percent, points
from liftmap.comparison.track_parts import StepMoves, StepPass
from liftmap.comparison.track_record import Track
from liftmap.records import Estimate
from liftmap.report.markdown import GATE_MARKS, escaped


def track_markdown(track: Track) -> str:
    """What changed, what was required, a row for each step and what has to be known.

    Args:
        track: The run.

    Returns:
        Markdown that ends with a line break.
    """
    first, *rest = track.sentences
    lines = [f"### {escaped(first)}", "", *(f"- {escaped(text)}" for text in rest), ""]
    if track.gate:
        lines += ["| step | required | answer | evidence |", "|---|---|---|---|"]
        for each in track.gate:
            mark = f"{GATE_MARKS[each.answer.word]} {each.answer.word}"
            evidence = escaped(gate_words.gate_evidence(each.answer))
            lines.append(f"| {each.step} | `{each.answer.rule.text}` | {mark} | {evidence} |")
        lines += ["", escaped(track_words.gate_note(track)), ""]
    heads = ["step", "accuracy, %", "change, points"]
    if track.k > 1:
        heads += [f"pass@{count(track.k)}, %", "change, points"]
    heads += ["lost beyond noise", "gained"]
    lines += [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for step in track.all_steps:
        cells = [str(step.number), *_axis(step.accuracy)]
        if track.k > 1:
            cells += _axis(step.capability)
        cells += [_moves(step.lost), _moves(step.gained)]
        lines.append(f"| {' | '.join(cells)} |")
    notes = (*track.caveats, *track.warnings)
    return "\n".join([*lines, "", *(f"- {escaped(note)}" for note in notes)]) + "\n"


def _axis(figure: StepPass) -> list[str]:
    value = percent(figure.value.estimate)
    if figure.change is None:
        return [value, ""]
    change = points(figure.change.estimate)
    if figure.band is not None:
        change += f" {interval(Estimate(0, *figure.band))}"
    return [value, change]


def _moves(moves: StepMoves | None) -> str:
    if moves is None:
        return ""
    text = fixed(moves.excess.estimate, signed=True)
    return text if moves.band is None else f"{text} {interval(Estimate(0, *moves.band), scale=1)}"
