"""A training run over its steps: what rose, what fell, from where on, and what is only noise.

Stands on `compare`, which judges each step against the base; adds what takes several steps: one
band over all of them, the step that is chosen, the step from which capability falls.

    track_steps -> track_ground -> track_band, track_responses, compare -> track_record
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date as Date
from pathlib import Path
from typing import Any

from liftmap.comparison.compare import answer_rules, compare_loaded
from liftmap.comparison.curve import doubling, most_tries_of
from liftmap.comparison.gate import level_of_each, parse_rules
from liftmap.comparison.load import JudgedBy
from liftmap.comparison.loaded_pair import pair_outcomes
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.options import Options
from liftmap.comparison.parts import Provenance, QuestionsAre, Rule
from liftmap.comparison.provenance import with_responses
from liftmap.comparison.result import Comparison, today
from liftmap.comparison.track_band import (
    BandOptions,
    Bands,
    bands,
    choose,
    cluster_of,
    fair_figures,
)
from liftmap.comparison.track_ground import CommonGround, on_common_ground
from liftmap.comparison.track_log import logged_by_step
from liftmap.comparison.track_parts import (
    ChosenStep,
    StepAnswer,
    StepMoves,
    StepPass,
    TrackStep,
    Turning,
)
from liftmap.comparison.track_record import Track
from liftmap.comparison.track_responses import (
    LengthUnit,
    answer_entropy,
    length,
    length_unit,
    truncated,
)
from liftmap.comparison.track_steps import StepOutcomes, Steps, read_run
from liftmap.errors import InputError
from liftmap.stats.chosen import Choice

# Steps that a warning names.
_SHOWN = 4


def track(
    *sources: Steps,
    k: int | None = None,
    margin: float = 0.01,
    level: float = 0.95,
    seed: int = 0,
    cluster: str | None = None,
    resamples: int = 1000,
    questions: QuestionsAre = "like-these",
    min_responses: int | None = None,
    verifier: str | None = None,
    metric: str | None = None,
    think_end: str | None = None,
    verifier_options: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
    right_at: float | None = None,
    within: str | None = None,
    require: Sequence[str] = (),
    at: str = "last",
    log: str | Path | None = None,
    date: Date | None = None,
) -> Track:
    """Follows a model over the steps of its training, on the questions that every step answered.

    Args:
        sources: The base and the steps, each as `compare` takes it (a file, `FOLDER:100`, a
            response set, a tally, a table); or one folder with a file or a folder for each step,
            whose first step is the base; or one mapping from steps to sources.
        k: Number of tries of capability; default the most that every question supports at every
            step.
        margin: Changes below it count as none: a share, 0.01 is one point.
        level: Coverage of all intervals, and of the band over all steps, k and moves at once.
        seed: Seed of everything random.
        cluster: As in `compare`.
        resamples: Resamples of intervals and of the band.
        questions: What the comparison of each step and the gate are about; as in `compare`.
        min_responses: As in `compare`.
        verifier: As in `compare`.
        metric: As in `compare`.
        think_end: As in `compare`.
        verifier_options: As in `compare`.
        columns: As in `compare`.
        right_at: As in `compare`.
        within: Of each step's folder this part alone, as `eval/all`.
        require: As in `compare`; answered in `gate`.
        at: For which step it is required: "last", "chosen" (the step that keeps capability best,
            with intervals that allow for its having been picked), "all", or a step's number.
        log: The log of the training, as `read_training_log` takes it, to be shown beside the run.
        date: The day that the result names; default today (UTC).

    Returns:
        The run over its steps.

    Raises:
        LiftmapError: As in `compare`; a step is there twice, half-written or of another tool, fewer
            than two questions are common to all steps, or there is no such step.
    """
    options = Options(
        k=k,
        margin=margin,
        level=level,
        seed=seed,
        law_resamples=0,
        resamples=resamples,
        questions=questions,
        min_responses=min_responses,
        require=parse_rules(require),
    )
    options.check()
    judged: JudgedBy = {
        "verifier": verifier,
        "metric": metric,
        "think_end": think_end,
        "verifier_options": verifier_options,
        "columns": columns,
        "right_at": right_at,
    }
    steps, notes = read_run(sources, judged, cluster=cluster, within=within)
    return track_steps(steps, options, at=at, notes=notes, log=log, date=date)


def track_steps(
    steps: Sequence[StepOutcomes],
    options: Options,
    *,
    at: str = "last",
    notes: Sequence[str] = (),
    log: str | Path | None = None,
    date: Date | None = None,
) -> Track:
    """`track` for steps that are read already.

    Args:
        steps: The base, and the others by rising number.
        options: How each comparison is made.
        at: As in `track`.
        notes: What has to be said of what was left out.
        log: As in `track`.
        date: As in `track`.

    Raises:
        LiftmapError: As in `track`.
    """
    day = date or today()
    numbers = [step.number for step in steps[1:]]
    check_at(at, numbers, options.require)
    ground = on_common_ground(steps, options.min_responses)
    pairs = ground.pairs
    mosts = [most_tries_of(pair, options.questions) for pair in pairs]
    if options.k is None and len(set(mosts)) > 1:
        options = replace(options, k=min(mosts))
    k = min(mosts) if options.k is None else options.k
    choice = choose(pairs, min(k, *mosts), options.seed) if len(pairs) > 1 else None
    asked = _asked(at, numbers, choice)
    times = len(numbers) if at in ("all", "chosen") else 1
    without_rules = replace(options, require=())
    comparisons = [
        compare_loaded(
            pair_outcomes(
                (ground.steps[0].outcomes, step.outcomes),
                (ground.steps[0].side, step.side),
                min_responses=options.min_responses,
            ),
            without_rules,
            date=day,
        )
        for step in ground.steps[1:]
    ]
    ks = doubling(comparisons[0].k)
    made = bands(
        pairs,
        ks,
        [_moves_k(comparison) for comparison in comparisons],
        BandOptions(options.level, options.resamples, options.seed),
    )
    unit = length_unit(ground.steps)
    cluster = cluster_of(pairs[0])
    records = [
        _step(step, comparison, made, place, ks, unit, cluster)
        for place, (step, comparison) in enumerate(zip(ground.steps[1:], comparisons, strict=True))
    ]
    callable_ = all(step.withheld is None for step in records)
    return Track(
        base=_base(ground.steps[0], comparisons[0], pairs[0], ks, unit),
        steps=tuple(records),
        questions=pairs[0].questions,
        ks=tuple(ks),
        chosen=_chosen(pairs, choice, records, ks[-1], options.level)
        if choice is not None and callable_
        else None,
        turning=_turning(ground.steps, made) if callable_ else None,
        gate=_gate(asked, records, comparisons, pairs, options, times),
        gate_at=at,
        gate_steps=times,
        length_unit=unit,
        margin=options.margin,
        level=options.level,
        seed=options.seed,
        questions_are=options.questions,
        warnings=(*notes, *ground.notes, *_warnings(ground, comparisons)),
        date=day,
        training_log=None
        if log is None
        else logged_by_step(log, [ground.steps[0].number, *numbers]),
    )


def check_at(at: str, numbers: Sequence[int], rules: Sequence[Rule]) -> None:
    """Whether a gate can be asked at these steps.

    Args:
        at: As in `track`.
        numbers: The steps but the base.
        rules: What is required.

    Raises:
        InputError: There is no such step, or nothing is required of it.
    """
    if at not in ("last", "chosen", "all") and not (at.isdecimal() and int(at) in numbers):
        raise InputError(
            "There is no such step to require anything of.",
            seen=at,
            remedy=f"Take last, chosen, all, or one of the steps {_shown(numbers)}.",
        )
    if at != "last" and not rules:
        raise InputError(
            "A step was named for a gate, but nothing is required of it.",
            seen=at,
            remedy='Add --require "accuracy >= -1", or leave --at out.',
        )


def _asked(at: str, numbers: Sequence[int], choice: Choice | None) -> set[int]:
    """The steps that the rules are asked of."""
    if at == "all":
        return set(numbers)
    if at == "chosen" and choice is not None:
        return {numbers[choice.place]}
    return {int(at)} if at.isdecimal() else {numbers[-1]}


def _gate(
    asked: set[int],
    steps: Sequence[TrackStep],
    comparisons: Sequence[Comparison],
    pairs: Sequence[PairedTallies],
    options: Options,
    times: int,
) -> tuple[StepAnswer, ...]:
    """The answers of the steps that are asked, by intervals that hold together."""
    level = level_of_each(options.level, max(1, len(options.require) * times))
    return tuple(
        StepAnswer(step.number, answer)
        for step, comparison, pair in zip(steps, comparisons, pairs, strict=True)
        if step.number in asked
        for answer in answer_rules(options.require, pair, options, comparison.checks, level)
    )


def _moves_k(comparison: Comparison) -> int | None:
    """The tries of lost and gained questions, where noise can be taken out of them."""
    return None if comparison.lost.excess is None else comparison.lost.k


def _step(
    step: StepOutcomes,
    comparison: Comparison,
    made: Bands,
    place: int,
    ks: Sequence[int],
    unit: LengthUnit,
    cluster: Any,
) -> TrackStep:
    axes = comparison.verdict.accuracy, comparison.verdict.capability
    withheld = next((axis.withheld for axis in axes if axis.withheld is not None), None)
    points = {point.k: point for point in comparison.capability}
    passes = tuple(
        StepPass(k, points[k].after, points[k].change, None if withheld else band)
        for k, band in zip(ks, made.passes[place], strict=True)
    )
    moves = [
        None
        if moved.excess is None or moved.k is None
        else StepMoves(moved.k, moved.excess, None if withheld else ends[place])
        for moved, ends in ((comparison.lost, made.lost), (comparison.gained, made.gained))
    ]
    level = comparison.level
    return TrackStep(
        number=step.number,
        side=comparison.after,
        passes=passes,
        lost=moves[0],
        gained=moves[1],
        length=length(step, unit, cluster, level),
        entropy=answer_entropy(step, cluster, level),
        truncated=truncated(step, cluster, level),
        withheld=withheld,
        comparison=comparison,
    )


def _base(
    step: StepOutcomes,
    comparison: Comparison,
    pair: PairedTallies,
    ks: Sequence[int],
    unit: LengthUnit,
) -> TrackStep:
    points = {point.k: point for point in comparison.capability}
    cluster, level = cluster_of(pair), comparison.level
    side: Provenance = with_responses(step.side, pair.before)
    return TrackStep(
        number=step.number,
        side=side,
        passes=tuple(StepPass(k, points[k].before) for k in ks),
        length=length(step, unit, cluster, level),
        entropy=answer_entropy(step, cluster, level),
        truncated=truncated(step, cluster, level),
    )


def _chosen(
    pairs: Sequence[PairedTallies],
    choice: Choice,
    steps: Sequence[TrackStep],
    k: int,
    level: float,
) -> ChosenStep:
    accuracy, capability = fair_figures(pairs, choice, k, level)
    step = steps[choice.place]
    seen = step.accuracy.change, step.capability.change
    assert seen[0] is not None
    assert seen[1] is not None
    return ChosenStep(
        step.number, float(choice.shares[choice.place]), accuracy, capability, seen[0], seen[1]
    )


def _turning(steps: Sequence[StepOutcomes], made: Bands) -> Turning | None:
    """The first step from which to the last capability falls while no rise of accuracy is shown."""
    for step, (accuracy, capability) in zip(steps, made.to_last, strict=False):
        if capability.high < 0 and accuracy.low <= 0:
            return Turning(step.number, accuracy, capability)
    return None


def _warnings(ground: CommonGround, comparisons: Sequence[Comparison]) -> list[str]:
    """What has to be known of the steps, once for all steps that it is true of."""
    said: dict[str, list[int]] = {}
    for step in ground.steps:
        for text in step.outcomes.warnings:
            said.setdefault(text, []).append(step.number)
    own = {f"{side}: {text}" for text in said for side in ("Before", "After")}
    for step, comparison in zip(ground.steps[1:], comparisons, strict=True):
        for text in comparison.warnings:
            if text not in own:
                said.setdefault(text, []).append(step.number)
    return [
        text if len(numbers) >= len(ground.steps) - 1 else f"Step {_shown(numbers)}: {text}"
        for text, numbers in said.items()
    ]


def _shown(numbers: Sequence[int]) -> str:
    first = ", ".join(map(str, numbers[:_SHOWN]))
    return f"{first} ... {numbers[-1]}" if len(numbers) > _SHOWN else first
