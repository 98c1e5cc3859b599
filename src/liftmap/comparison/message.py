"""What a page says first: one or two sentences in plain words, made from the numbers.

Beside `words`, which puts the same verdict into the terms of the field: this is for a reader who
has ten seconds. What is known leads; what is open is said as open, never as "no change".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liftmap.comparison.rounding import about, count, fixed, percent, points
from liftmap.records import Estimate
from liftmap.stats.verdict import Axis

# Characters of a name in a headline.
NAME_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class MeasuredAxis:
    """One axis of one model, as a page leads with it.

    Attributes:
        axis: What is known of the change.
        before: The share before.
        after: The share after.
    """

    axis: Axis
    before: Estimate
    after: Estimate


def message(
    before: str, after: str, accuracy: MeasuredAxis, capability: MeasuredAxis | None
) -> str:
    """The headline of a page about two models.

    Args:
        before: What the model before is called.
        after: What the model after is called.
        accuracy: What is known of accuracy.
        capability: What is known of capability; None where a question has one response.

    Returns:
        Two sentences, such as "rlvr answers 67 of 100 tries right, base 47. It solves more
        questions: within 256 tries 94 % instead of 86 %."
    """
    before, after = _short(before), _short(after)
    return f"{_accuracy(before, after, accuracy)} {_capability(capability)}"


def _short(name: str) -> str:
    """A name that leaves room for the sentence: of a long one the end, which tells it apart."""
    if len(name) <= NAME_CHARACTERS:
        return name
    return f"\N{HORIZONTAL ELLIPSIS}{name[1 - NAME_CHARACTERS :]}"


def _accuracy(before: str, after: str, measured: MeasuredAxis) -> str:
    axis = measured.axis
    then, now = of_100(measured.before.estimate, measured.after.estimate)
    if axis.word in ("up", "down"):
        return f"{after} answers {now} of 100 tries right, {before} {then}."
    if axis.word == "within":
        return f"{after} answers as many tries right as {before}: {now} of 100 against {then}."
    if axis.word == "saturated":
        return f"Both {before} and {after} answer nearly every try right."
    if axis.word == "too hard":
        return f"Neither {before} nor {after} answers more than a few tries right."
    if axis.withheld is not None:
        return f"Whether {after} answers more tries right than {before} can't be told from these."
    return (
        f"Whether {after} answers more tries right than {before} is open: {now} of 100 against "
        f"{then}{_between(axis)}."
    )


def _capability(measured: MeasuredAxis | None) -> str:
    if measured is None:
        return "One response a question can't say whether it solves more of them."
    axis = measured.axis
    then, now = in_percent(measured.before.estimate, measured.after.estimate)
    within = f"within {count(axis.k)} tries {now} %"
    if axis.word in ("up", "down"):
        amount = "more" if axis.word == "up" else "fewer"
        return f"It solves {amount} questions: {within} instead of {then} %."
    if axis.word == "within":
        return f"It solves as many questions as before: {within} against {then} %."
    if axis.word == "saturated":
        return (
            f"Both solve nearly all questions within {count(axis.k)} tries, so these questions "
            "can't show whether it solves more."
        )
    if axis.word == "too hard":
        return f"Both solve next to none of the questions within {count(axis.k)} tries."
    if axis.withheld is not None:
        return "Whether it solves more questions can't be told from these."
    return (
        f"No change shows in how many questions it solves: {within} against {then} %"
        f"{_between(axis)}."
    )


def _between(axis: Axis) -> str:
    if axis.change is None:
        return ""
    low, high = axis.change.whole.low, axis.change.whole.high
    return f", change between {points(low)} and {points(high)} points"


def open_text(axis: Axis, noun: str = "questions") -> str:
    """What would settle an axis that is open, in a few words; empty where nothing is known."""
    if axis.word != "unsettled":
        return ""
    if axis.needed_if_unchanged is not None:
        return f"about {about(axis.needed_if_unchanged)} {noun} would show it if nothing changed"
    if axis.needed_if_changed is not None:
        return f"about {about(axis.needed_if_changed)} {noun} would show a change as large"
    return ""


@dataclass(frozen=True, slots=True)
class Arm:
    """A checkpoint of a study, as its headline counts it.

    Attributes:
        name: What it is called.
        accuracy: What is known of accuracy.
        capability: What is known of capability; None where a question has one response.
    """

    name: str
    accuracy: MeasuredAxis
    capability: MeasuredAxis | None


def study_message(arms: Sequence[Arm]) -> str:
    """The headline of a study: how many arms rose, on both axes, and which are open.

    Args:
        arms: The checkpoints, in the order of the study.

    Returns:
        Two sentences; for a single arm those of `message`.
    """
    if len(arms) == 1:
        return message("the base", arms[0].name, arms[0].accuracy, arms[0].capability)
    then, _ = of_100(arms[0].accuracy.before.estimate, arms[0].accuracy.before.estimate)
    sentences = [
        f"The base answers {then} of 100 tries right; {_grouped(arms, 'accuracy')}.",
    ]
    capabilities = [arm for arm in arms if arm.capability is not None]
    if capabilities:
        k = max(arm.capability.axis.k for arm in capabilities if arm.capability)
        base = capabilities[0].capability
        assert base is not None
        solved = percent(base.before.estimate, 0)
        sentences.append(
            f"Within {count(k)} tries it solves {solved} % of the questions; "
            f"{_grouped(capabilities, 'capability')}."
        )
    else:
        sentences.append("One response a question can't say which of them solve more.")
    return " ".join(sentences)


def _grouped(arms: Sequence[Arm], name: str) -> str:
    """Which arms rose, fell, stayed or are open on one axis, the sure ones with their range."""
    groups: dict[str, list[Arm]] = {"up": [], "down": [], "within": [], "open": []}
    for arm in arms:
        measured = arm.accuracy if name == "accuracy" else arm.capability
        assert measured is not None
        groups[measured.axis.word if measured.axis.word in groups else "open"].append(arm)
    verb = "answer" if name == "accuracy" else "solve"
    parts = []
    for word, members in groups.items():
        if not members:
            continue
        who = _how_many(len(members), len(arms))
        if len(members) < len(arms):
            who += f" ({', '.join(arm.name for arm in members)})"
        does = f"{verb}s" if len(members) == 1 else verb
        if word in ("up", "down"):
            amount = "more" if word == "up" else "fewer"
            changes = sorted(_change_of(arm, name).estimate for arm in members)
            parts.append(f"{who} {does} {amount}, {_span(changes)} points")
        elif word == "within":
            parts.append(f"{who} {does} as many")
        else:
            parts.append(f"for {who} no change shows")
    return "; ".join(parts)


def _change_of(arm: Arm, name: str) -> Estimate:
    measured = arm.accuracy if name == "accuracy" else arm.capability
    assert measured is not None
    if measured.axis.change is None:
        return Estimate(0.0, 0.0, 0.0)
    return measured.axis.change


def _span(changes: Sequence[float]) -> str:
    """`+4.5 to +8.0`, or the one change."""
    low, high = points(changes[0]), points(changes[-1])
    return low if low == high else f"{low} to {high}"


_NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _how_many(number: int, of: int) -> str:
    if number == of:
        return "both arms" if of == 2 else f"all {_NUMBERS[of] if of < len(_NUMBERS) else of} arms"
    return _NUMBERS[number] if number < len(_NUMBERS) else count(number)


def of_100(before: float, after: float) -> tuple[str, str]:
    """Two shares as numbers out of 100, with a decimal only where they would look alike."""
    decimals = 0 if round(100 * before) != round(100 * after) else 1
    if before == after:
        decimals = 0
    return fixed(100 * before, decimals), fixed(100 * after, decimals)


def in_percent(before: float, after: float) -> tuple[str, str]:
    """Two shares in %, with a decimal only where they lie within two points of each other."""
    decimals = 1 if abs(before - after) < 0.02 else 0
    return percent(before, decimals), percent(after, decimals)
