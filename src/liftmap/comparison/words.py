"""Every sentence about a comparison, made from its facts: for the JSON, the terminal and the page.

Beside `rounding`, which writes figures: the one place that puts a verdict, a note or a piece of
advice into words. Nothing reads a fact back out of what is made here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from liftmap.comparison.parts import (
    Guidance,
    McNemar,
    Moves,
    MovesAtN,
    QuestionsAre,
    Transitions,
)
from liftmap.comparison.rounding import (
    about,
    change_text,
    count,
    fixed,
    number_of_questions,
    p_value,
    percent,
    points,
)
from liftmap.records import Estimate
from liftmap.stats.intervals import FirstLoss
from liftmap.stats.law.floor import Floor
from liftmap.stats.these_questions import LEAST_RESPONSES
from liftmap.stats.verdict import Axis, Conclusion, Withheld

# --- the verdict --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """One axis in words.

    Attributes:
        word: The word of the axis, such as up or unsettled.
        text: The statement with its interval.
    """

    word: str
    text: str


def headline(verdict: Conclusion) -> str:
    """The label with its k, such as `expanded at k = 16`, or why there is none."""
    return label_text(verdict.label, verdict.k, verdict.accuracy.word, verdict.capability.word)


def label_text(label: str | None, k: int, accuracy: str, capability: str) -> str:
    """As `headline`, from the parts of the verdict.

    Args:
        label: The label; None where there is none.
        k: The number of tries that it holds at.
        accuracy: The word of accuracy.
        capability: The word of capability.
    """
    if label is not None:
        return f"{label} at k = {count(k)}"
    if capability == "not measured":
        return "capability not measured"
    word = capability if capability in ("saturated", "too hard") else accuracy
    return f"{word} to tell" if word == "too hard" else word


def statements(
    verdict: Conclusion, questions_are: QuestionsAre = "like-these", *, leads: bool = True
) -> tuple[Statement, Statement]:
    """The two axes in words: what a report leads with.

    Args:
        verdict: The verdict.
        questions_are: What it is about.
        leads: Whether it is what a report leads with, or stands beside that.
    """
    axes = {"accuracy": verdict.accuracy, "capability": verdict.capability}
    accuracy, capability = (
        Statement(axis.word, statement(name, axis, verdict.margin, questions_are, leads=leads))
        for name, axis in axes.items()
    )
    return accuracy, capability


def because(
    verdict: Conclusion, questions_are: QuestionsAre = "like-these", *, leads: bool = True
) -> str:
    """Both statements in one line."""
    return "; ".join(each.text for each in statements(verdict, questions_are, leads=leads))


# Why no change is called.
WITHHELD: dict[Withheld, str] = {
    "unscored": "responses that are unscored or exhausted the verifier could move it by an unknown "
    "amount",
    "n by outcome": "how often a question was asked seems to depend on what came out, which biases "
    "every rate",
    "copies": "responses seem to stand several times, so they say less than their number",
}


def about_questions(questions_are: QuestionsAre) -> str:
    """What a figure is about: `on these questions`, `on questions like these`."""
    return "on these questions" if questions_are == "fixed" else "on questions like these"


def statement(
    name: str,
    axis: Axis,
    margin: float,
    questions_are: QuestionsAre = "like-these",
    *,
    leads: bool = True,
) -> str:
    """One axis in words: `accuracy up +14.3 points [+10.2, +18.6]`.

    Args:
        name: accuracy or capability.
        axis: What is known of it.
        margin: The equivalence margin, as a share.
        questions_are: What it is about; of these questions it says so, and names its k.
        leads: Whether a report leads with it; what stands beside that says what it is about.
    """
    if questions_are == "fixed" or not leads:
        at = f" at k = {count(axis.k)}" if axis.k > 1 else ""
        name = f"{about_questions(questions_are)} {name}{at}"
    if axis.change is None:
        return f"{name} not measured: a single try (k = 1) is accuracy alone"
    change = axis.change.whole
    if axis.word in ("up", "down"):
        return f"{name} {axis.word} {change_text(change)}"
    size = margin_text(margin)
    if axis.word == "within":
        return f"{name} within the margin of {size}, {change_text(change)}"
    if axis.word == "saturated":
        return (
            f"{name} saturated: {_solved_by_both(axis.k, 'nearly all')}, so they can't show a "
            f"change beyond the margin of {size}"
        )
    if axis.word == "too hard":
        return (
            f"{name} too hard to tell: {_solved_by_both(axis.k, 'next to none')}, so they can't "
            f"show a change beyond the margin of {size}"
        )
    if axis.withheld is not None:
        return f"{name} not settled: {WITHHELD[axis.withheld]}"
    text = f"{name} not settled, {points(change.low)} to {points(change.high)} against a margin of"
    return f"{text} {size}{_needed(axis, questions_are)}"


def _solved_by_both(k: int, share: str) -> str:
    """How many of the questions both sides solve: within k tries, or of all responses."""
    if k == 1:
        return f"{share} of the responses on both sides are right"
    return f"both sides solve {share} of the questions within k = {count(k)}"


def _needed(axis: Axis, questions_are: QuestionsAre) -> str:
    """How many questions (or responses to each of these) would settle an axis."""
    noun = "questions" if questions_are == "like-these" else "responses to each question"
    ways = []
    if axis.needed_if_unchanged is not None:
        ways.append(f"about {about(axis.needed_if_unchanged)} {noun} would show no change")
    if axis.needed_if_changed is not None and axis.change is not None:
        size = f"a change of {points(axis.change.estimate)}"
        shows = "" if ways else f" {noun} would show"
        ways.append(f"about {about(axis.needed_if_changed)}{shows} {size}")
    return f": {', '.join(ways)}" if ways else ""


def caveats(
    verdict: Conclusion,
    *,
    at_64: Estimate | None,
    chance: float | None,
    looks: int | None,
    level: float,
    questions_are: QuestionsAre = "like-these",
    one_response: bool = False,
    these_missing: bool = False,
) -> Iterator[str]:
    """How far a verdict reaches: its k, the curve beyond, guessing, and how often one may look.

    Args:
        verdict: The verdict.
        at_64: The change of pass@64 by the law, where it is asked for.
        chance: Share of right responses that guessing gives.
        looks: Number of questions planned, where intervals hold at every look.
        level: Coverage of the intervals.
        questions_are: What leads.
        one_response: Whether a question has a single response.
        these_missing: Whether responses are too few for figures on these questions.
    """
    if one_response:
        yield "With one response a question only accuracy can be measured; capability takes more."
    if these_missing:
        yield (
            f"Figures on these questions alone are left out: they take {LEAST_RESPONSES} responses "
            "or more to each question on both sides."
        )
    if questions_are == "fixed":
        yield (
            "Bands, changes by difficulty, questions lost and gained, and other measures are about "
            "questions like these."
        )
    measured = verdict.capability.word != "not measured"
    k = count(verdict.k)
    reasons = []
    if measured and verdict.few_tries:
        reasons.append(f"capability at k = {k} rests on few tries")
    if measured and verdict.climbing and verdict.capability.word != "saturated":
        reasons.append(f"pass@k before still climbs at k = {k}")
    if reasons:
        text = " and ".join(reasons)
        more = ": more responses would show more"
        if at_64 is not None:
            more = f"; the fitted law puts the change at k = 64 at {change_text(at_64)}"
            if at_64.range is not None:
                low, high = (points(end) for end in at_64.range)
                more += f", and the data leave open {low} to {high}"
        yield f"{text[0].upper()}{text[1:]}{more}."
    if verdict.capability.word == "saturated":
        yield (
            "No k of the curve is below saturation."
            if verdict.unsaturated_k is None
            else f"The largest k at which not both sides are saturated is "
            f"{count(verdict.unsaturated_k)}: look at the change there."
        )
    if chance is not None:
        within = f", and pass@{k} to {percent(1 - (1 - chance) ** verdict.k)} %" if measured else ""
        yield f"Guessing among the choices alone brings accuracy to {percent(chance)} %{within}."
    if looks is None:
        yield (
            "These intervals hold for one look, at a number of questions fixed beforehand "
            "(--looks for more)."
        )
    else:
        yield (
            f"All intervals hold together, with {level_text(level)}, at every look while questions "
            f"are asked in random order; they are narrowest for their kind at {count(looks)}."
        )


def holm_note(word: str, name: str, p: float, family: int) -> str:
    """That a change does not stand among all that a study looks at."""
    return (
        f"{name} {word} stands alone, but not among the {count(family)} changes of this study: "
        f"{p_text(p)} by Holm's method."
    )


def chosen_note(arm: str, checkpoints: int) -> str:
    """That a checkpoint is the best of several of its arm."""
    return (
        f"The most accurate of {count(checkpoints)} checkpoints of {arm}: whoever picks it for "
        "that has chosen by the result, and its gain is partly luck."
    )


def margin_text(margin: float) -> str:
    """The margin in points: `1 point`, `2.5 points`."""
    text = fixed(100 * margin, 2).rstrip("0").rstrip(".")
    return f"{text} point" if text == "1" else f"{text} points"


def level_text(level: float) -> str:
    """Coverage of intervals: `95 %`."""
    return f"{fixed(100 * level, 1).removesuffix('.0')} %"


# --- what the figures show ----------------------------------------------------------------------


def notes(
    transitions: Transitions,
    lost: Moves,
    gained: Moves,
    mcnemar: McNemar | None,
    first_loss: FirstLoss | None,
) -> Iterator[str]:
    """Unsolved questions, what noise explains, McNemar's test and the first loss, a line each."""
    bins, raw = transitions.bins, transitions.raw
    if bins.last[0] == 0:
        unsolved = (sum(raw[0]), sum(row[0] for row in raw))
        tries = "" if lost.at_n is None else f" in {count(lost.at_n.n)}"
        numbers = f"{count(unsolved[0])} questions before, {count(unsolved[1])} after"
        yield f"Never right{tries}: {numbers}."
    for name, moves in (("lost", lost), ("gained", gained)):
        if moves.at_n is not None and moves.at_n.observed and moves.at_n.noise is not None:
            yield _noise_share(name, moves.at_n, moves.at_n.noise)
    if lost.at_n is not None and lost.at_n.floor is not None:
        yield (
            "If unchanged: mean (and largest) of the same figures in "
            f"{lost.at_n.floor.data_sets} data sets of a model in which nothing changed, by the "
            "law; a gross part means something only above the largest."
        )
    if mcnemar is not None:
        by = "exact McNemar test" if mcnemar.method == "exact" else "McNemar test by clusters"
        yield f"Lost against gained, {by}: {p_text(mcnemar.p)}"
    if first_loss is not None and first_loss.informative:
        first = _first_possible(first_loss.possible, never=first_loss.never_possible)
        yield f"First k at which after lies below before, by the band: {first}."


def p_text(p: float) -> str:
    """A p-value in a sentence: "p = .047", "p < .001"."""
    value = p_value(p)
    return f"p {value}" if value.startswith("<") else f"p = {value}"


def _noise_share(name: str, at_n: MovesAtN, noise: Estimate) -> str:
    """How much of what was observed at n is noise."""
    share, low, high = (
        percent(min(max(end / at_n.observed, 0), 1), 0)
        for end in (noise.estimate, noise.low, noise.high)
    )
    text = (
        f"Of {count(at_n.observed)} {name} at k = {count(at_n.n)}, noise explains "
        f"{number_of_questions(noise)}, {share} % [{low}, {high}]"
    )
    if noise.range is None:
        return f"{text}."
    return f"{text}; the data leave open {range_of_questions(noise)}."


def floor_text(floor: Floor, *, signed: bool = False) -> str:
    """A floor in questions, mean and largest: `9.3 (18.8)`."""
    decimals = 0 if max(abs(floor.mean), abs(floor.largest)) >= 20 else 1
    mean, largest = (fixed(end, decimals, signed=signed) for end in (floor.mean, floor.largest))
    return f"{mean} ({largest})"


def range_of_questions(estimate: Estimate, *, signed: bool = False) -> str:
    """The identification range of a number of questions: `10 to 66`."""
    low, high = estimate.range or (estimate.low, estimate.high)
    decimals = 0 if abs(estimate.estimate) >= 20 else 1
    return " to ".join(fixed(end, decimals, signed=signed) for end in (low, high))


def _first_possible(ks: Sequence[int], *, never: bool) -> str:
    """The set of the first k in words: `1 to 8 or never`."""
    if not ks:
        return "none"
    runs: list[list[int]] = []
    for k in ks:
        if runs and k == runs[-1][-1] + 1:
            runs[-1].append(k)
        else:
            runs.append([k])
    spans = [
        ", ".join(map(count, run)) if len(run) < 3 else f"{count(run[0])} to {count(run[-1])}"
        for run in runs
    ]
    return f"{', '.join(spans)}{' or never' if never else ''}"


# --- what to do ---------------------------------------------------------------------------------


def advice(guidance: Guidance) -> str:
    """A piece of advice in a sentence or two; only on train questions it says what to train on."""
    text = _ADVICE[guidance.kind](guidance.evidence)
    return f"{text} {_TRAIN[guidance.kind]}" if guidance.for_training else text


def advice_title(guidance: Sequence[Guidance]) -> str:
    """The heading over all advice."""
    return "What to do" if any(piece.for_training for piece in guidance) else "What to look at"


def _lost(evidence: Mapping[str, Any]) -> str:
    if "excess" in evidence:
        excess: Estimate = evidence["excess"]
        return (
            f"{fixed(excess.estimate, 0)} questions [{fixed(excess.low, 0)}, "
            f"{fixed(excess.high, 0)}] are lost beyond noise at k = {count(evidence['k'])}: look "
            "first at those most likely among them."
        )
    noise: Estimate = evidence["noise"]
    least, greatest = noise.range or (noise.low, noise.high)
    first, last = evidence["right_before"]
    which = count(first) if first == last else f"{count(first)}-{count(last)}"
    observed = evidence["observed"]
    return (
        f"Of the questions with {which} right of {count(evidence['responses'])} before, "
        f"{count(observed)} {'is' if observed == 1 else 'are'} lost where about "
        f"{fixed(noise.estimate)} [{fixed(noise.low)}, {fixed(noise.high)}] is noise "
        f"({fixed(least)} to {fixed(greatest)} is all that the data allow): look at these first."
    )


def _distil(evidence: Mapping[str, Any]) -> str:
    unsolved = evidence["unsolved"]
    plural = " is" if unsolved == 1 else "s are"
    number = f"{count(unsolved)} question{plural} unsolved by both"
    if evidence["teacher_answered"] is None:
        return f"{number} (--teacher says which of them a teacher solves)."
    return (
        f"{number}; the teacher solves {count(evidence['teacher_solved'])} of the "
        f"{count(evidence['teacher_answered'])} of them that it answered."
    )


def _rlvr(evidence: Mapping[str, Any]) -> str:
    return (
        f"{count(evidence['mixed'])} of {count(evidence['compared'])} questions have mixed "
        "outcomes after."
    )


def _saturated(evidence: Mapping[str, Any]) -> str:
    return (
        f"{count(evidence['saturated'])} of {count(evidence['compared'])} questions are answered "
        f"right every time after ({count(evidence['saturated_before_too'])} of them before too)."
    )


def _samples(evidence: Mapping[str, Any]) -> str:
    voted, votes = evidence["majority_reaches_accuracy_at"], evidence["majority"]
    accuracy: Estimate = evidence["accuracy_after"]
    parts = []
    if voted is not None:
        parts.append(
            f"a majority vote of {count(voted)} samples of the model before is as accurate as one "
            "after"
        )
    elif votes:
        best = max(vote["right"].estimate for vote in votes)
        parts.append(
            f"a majority vote of up to {count(votes[-1]['k'])} samples of the model before stays "
            f"less accurate than one after ({percent(best)} against {percent(accuracy.estimate)} %)"
        )
    reaches, overtaking = evidence["pass_reaches_accuracy_at"], evidence["overtaking_possible"]
    if reaches is not None:
        parts.append(
            f"{count(reaches)} samples of the model before solve as many questions as one after"
        )
    if overtaking is not None:
        first = _first_possible(overtaking, never=evidence["never_possible"])
        parts.append(
            f"by pass@k it may overtake the model after first at k = {first}"
            if overtaking
            else f"up to {count(evidence['tries'])} samples it does not overtake the model after"
        )
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


# What follows for training, where the questions are those of training.
_TRAIN = {
    "distil": "Distil those that a teacher solves.",
    "rlvr": "RLVR has signal on such questions.",
    "saturated": "Drop them from further training.",
}
_ADVICE = {
    "lost": _lost,
    "distil": _distil,
    "rlvr": _rlvr,
    "saturated": _saturated,
    "samples": _samples,
}
