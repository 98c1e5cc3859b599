"""Every sentence about a run over its steps, made from the facts of a `Track`.

Beside `words`, which words one comparison. What the band does not say is not said: no rise, no
fall, no trend.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from liftmap.comparison.rounding import count, fixed, interval, percent, points
from liftmap.comparison.track_parts import ChosenStep, Ends, StepPass, TrackFigures, Turning
from liftmap.comparison.words import about_questions, level_text, margin_text
from liftmap.records import Estimate

_WITHHELD = {
    "unscored": "unscored responses could have moved it by an unknown amount",
    "n by outcome": "how often a question was asked seems to depend on what came out",
    "copies": "responses seem to stand several times",
}


def sentences(track: TrackFigures) -> Iterator[str]:
    """What a run shows: accuracy, capability, losses, where it turns, which step was chosen."""
    base = f"step {track.base.number}"
    if not track.changed:
        yield f"No step is shown to differ from {base}: {_nothing(track)}."
    else:
        axes = [_axis("Accuracy", track, 0)]
        if track.k > 1:
            axes.append(_axis(f"pass@{count(track.k)}", track, -1))
        yield f"{'; '.join(axes)}."
        between = _between(track)
        if between:
            yield between
        lost = [step for step in track.steps if step.lost and _above(step.lost.band)]
        if lost:
            last = lost[-1].lost
            assert last is not None
            yield (
                f"Questions are lost beyond noise at {_steps([s.number for s in lost])}: "
                f"{_questions(last.excess.estimate, last.band)} at step {lost[-1].number}, within "
                f"{count(last.k)} tries."
            )
        if not between and not lost and not any(_differs(step.passes) for step in track.steps):
            yield (
                f"Fewer questions are lost or gained than two samples of {base} would show: "
                "answers became steadier."
            )
    if track.turning is not None:
        yield turning_text(track.turning, track)
    if track.chosen is not None:
        yield chosen_text(track.chosen, track)


def _nothing(track: TrackFigures) -> str:
    """That the band holds 0 throughout, with its ends at the last step."""
    last = track.steps[-1]
    if last.accuracy.band is None:
        return "no change can be called"
    what = f"the band over {number_of(len(track.steps), 'step')}"
    if track.k > 1:
        what += f" and {number_of(len(track.ks), 'number')} of tries"
    text = f"{what} holds 0 throughout (accuracy {_banded(last.accuracy)} at step {last.number}"
    if track.k > 1:
        text += f", pass@{count(track.k)} {_banded(last.capability)}"
    return text + ")"


def _axis(name: str, track: TrackFigures, place: int) -> str:
    """At which steps one axis lies above or below the base, and how it stands at the last step."""
    figures = [(step.number, step.passes[place]) for step in track.steps]
    base = f"step {track.base.number}"
    parts = [
        f"{side} {base} at {_steps(numbers)}"
        for side, numbers in (
            ("above", [number for number, figure in figures if _above(figure.band)]),
            ("below", [number for number, figure in figures if _below(figure.band)]),
        )
        if numbers
    ]
    last_number, last = figures[-1]
    at_last = "" if last.band is None else f" ({_banded(last)} at step {last_number})"
    if not parts:
        return f"{name} is not shown to differ from {base} at any step{at_last}"
    return f"{name} is {' and '.join(parts)}{at_last}"


def _between(track: TrackFigures) -> str:
    """The numbers of tries between 1 and the largest at which some step differs."""
    parts = []
    for place, k in enumerate(track.ks[1:-1], 1):
        bands = [(step.number, step.passes[place].band) for step in track.steps]
        for side, test in (("above", _above), ("below", _below)):
            numbers = [number for number, band in bands if test(band)]
            if numbers:
                parts.append(f"pass@{count(k)} is {side} at {_steps(numbers)}")
    return f"At other numbers of tries, {'; '.join(parts)}." if parts else ""


def turning_text(turning: Turning, track: TrackFigures) -> str:
    """From where on capability falls while accuracy does not rise."""
    last = track.steps[-1].number
    if turning.accuracy.high <= track.margin:
        rise = f"accuracy rises by less than {margin_text(track.margin)}"
    else:
        rise = "no rise of accuracy is shown"
    return (
        f"From step {turning.step} to step {last} pass@{count(track.k)} falls, "
        f"{_change(turning.capability)}, and {rise}, {_change(turning.accuracy)}."
    )


def chosen_text(chosen: ChosenStep, track: TrackFigures) -> str:
    """Which step was chosen, and what the choice is worth on other questions."""
    k = f"pass@{count(track.k)}" if track.k > 1 else "accuracy"
    fair = [f"accuracy {_change(chosen.accuracy)}"]
    if track.k > 1:
        fair.append(f"{k} {_change(chosen.capability)}")
    seen = chosen.capability_seen if track.k > 1 else chosen.accuracy_seen
    return (
        f"Chosen: step {chosen.step}, of the highest {k} among {count(len(track.steps))} steps "
        f"({points(seen.estimate)} points on these very questions, which is too high since they "
        f"chose it). Steps chosen on one half of the questions have on the other half "
        f"{' and '.join(fair)}; {percent(chosen.share, 0)} % of halves choose step {chosen.step}."
    )


def caveats(track: TrackFigures) -> Iterator[str]:
    """How far the statements reach."""
    more = " and questions lost and gained" if any(step.lost for step in track.steps) else ""
    yield (
        f"All these statements hold together with {level_text(track.level)}: one band over "
        f"{number_of(len(track.steps), 'step')}, {number_of(len(track.ks), 'number')} of "
        f"tries{more}, on questions like these. It says nothing of another training run."
    )
    for reason in dict.fromkeys(step.withheld for step in track.steps if step.withheld):
        numbers = [step.number for step in track.steps if step.withheld == reason]
        yield f"No change is called at {_steps(numbers)}: {_WITHHELD[reason]}."
    if track.k == 1:
        yield "With one response a question only accuracy can be measured."
    if track.questions_are == "fixed":
        yield "The band is about questions like these, whatever --questions says."
    entropies = [step.entropy for step in track.all_steps]
    if any(entropies):
        yield (
            "The entropy of answers grows with the number of responses: compare it between steps "
            "of equal n alone."
        )


def gate_note(track: TrackFigures) -> str:
    """What the answers of a gate hold for."""
    rules = len({each.answer.rule for each in track.gate})
    steps = len({each.step for each in track.gate})
    asked = f"{number_of(rules, 'rule')} at {number_of(track.gate_steps, 'step')}"
    if track.gate_steps > steps:
        asked += f", since step {track.gate[0].step} was picked among them"
    return (
        "Passed if the whole interval keeps the rule, failed if all of it breaks it; the intervals "
        f"hold together with {level_text(track.level)} for {asked}, "
        f"{about_questions(track.questions_are)}."
    )


def step_line(track: TrackFigures) -> str:
    """The last step in one line, for whoever follows a run."""
    step = track.steps[-1]
    parts = [f"accuracy {percent(step.accuracy.value.estimate)} % {_banded(step.accuracy)}"]
    if track.k > 1:
        value = percent(step.capability.value.estimate)
        parts.append(f"pass@{count(track.k)} {value} % {_banded(step.capability)}")
    if step.lost is not None:
        parts.append(f"lost {_questions(step.lost.excess.estimate, step.lost.band)}")
    if step.length is not None:
        parts.append(f"{fixed(step.length.estimate, 0)} {track.length_unit}")
    return f"step {step.number}: {', '.join(parts)}"


def _steps(numbers: Sequence[int]) -> str:
    shown = [str(number) for number in numbers]
    if len(shown) == 1:
        return f"step {shown[0]}"
    if len(shown) > 8:
        return f"{len(shown)} steps ({', '.join(shown[:3])} ... {shown[-1]})"
    return f"steps {', '.join(shown[:-1])} and {shown[-1]}"


def number_of(number: int, noun: str) -> str:
    """A number of things: `1 step`, `2 steps`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def _above(band: Ends | None) -> bool:
    return band is not None and band[0] > 0


def _below(band: Ends | None) -> bool:
    return band is not None and band[1] < 0


def _differs(passes: Sequence[StepPass]) -> bool:
    return any(_above(figure.band) or _below(figure.band) for figure in passes)


def _banded(figure: StepPass) -> str:
    """The change from the base with the ends of its band: `+4.0 points [+1.2, +6.8]`."""
    assert figure.change is not None
    if figure.band is None:
        return f"{points(figure.change.estimate)} points"
    return _change(Estimate(figure.change.estimate, *figure.band))


def _change(estimate: Estimate) -> str:
    return f"{points(estimate.estimate)} points {interval(estimate)}"


def _questions(value: float, band: Ends | None) -> str:
    if band is None:
        return f"{fixed(value, signed=True)} questions"
    return f"{fixed(value, signed=True)} questions {interval(Estimate(value, *band), scale=1)}"
