"""A training set out of measured success rates: which questions, and what they promise.

Beside `planning`: reads what `load` gives of one model, gives a `Selection`; `training_set` writes
its questions and responses. Whoever picks questions by c/n picks chance too: of the questions with
0 of 8 right some are solved now and then, of those with 1 of 8 some hardly ever. So questions are
picked by the posterior mean of their rate under the law of all questions, and how many of them
truly lie in the range is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from liftmap.comparison.checks import proven_copies, without_copies
from liftmap.comparison.known_questions import MarkedQuestions, known_questions, marks_of
from liftmap.comparison.load import Source, load
from liftmap.comparison.match import cluster_codes
from liftmap.comparison.selection_record import Promise, ResponsesTaken, Selection
from liftmap.comparison.training_set import SelectedQuestions, write_training_set
from liftmap.errors import ConfigError, InputError
from liftmap.records import Tally
from liftmap.stats.dependence import Dependence, copies, deterministic, n_by_outcome
from liftmap.stats.law.measures import covers, mixed_group
from liftmap.stats.law.posterior import LawOfRates, expected_numbers, law_of_rates, within
from liftmap.stats.passk import FloatArray, accuracy
from liftmap.tasks.ids import place_of

BoolArray = NDArray[np.bool_]
# Splits whose questions measure a model: training on them spoils the measure.
MEASURING_SPLITS = ("test", "dev")


def select(
    source: Source,
    rate: tuple[float, float] = (0.05, 0.8),
    *,
    out: str | Path | None = None,
    raw: bool = False,
    group_size: int = 8,
    responses: ResponsesTaken = "none",
    per_question: int | None = None,
    most: int | None = None,
    not_in: Sequence[str | Path] = (),
    test_questions_too: bool = False,
    level: float = 0.95,
    law_resamples: int = 50,
    seed: int = 0,
    cluster: str | None = None,
    verifier: str | None = None,
    metric: str | None = None,
    think_end: str | None = None,
    verifier_options: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
    right_at: float | None = None,
) -> Selection:
    """Picks the questions whose success rate lies in a range, and writes them as a training set.

    Args:
        source: Responses of the model that is to be trained: what `compare` takes.
        rate: The least and the greatest success rate, both included, in [0, 1].
        out: The JSONL file to write; None writes none.
        raw: Pick by c/n (under a curtailed plan its unbiased counterpart) instead of the posterior
            mean under the fitted law.
        group_size: Responses in a GRPO group, 2 or more.
        responses: Which responses are written: "none" (a row a question), "right" or "all" (a row a
            response).
        per_question: At most so many responses to each question; drawn evenly.
        most: At most so many questions; drawn evenly from those in the range.
        not_in: Files of questions, or sources: questions whose id or prompt stands in one are left
            out.
        test_questions_too: Take questions of a test or dev split, and those of `not_in`, after all.
        level: Coverage of all intervals.
        law_resamples: Refits of the law behind the intervals, 2 or more.
        seed: Seed of everything random.
        cluster: As in `compare`.
        verifier: As in `compare`.
        metric: As in `compare`.
        think_end: As in `compare`.
        verifier_options: As in `compare`.
        columns: As in `compare`.
        right_at: As in `compare`.

    Returns:
        What was picked, and what it promises.

    Raises:
        LiftmapError: The source can't be read or holds test questions, no question is left, or an
            option is out of range.
    """
    _check(rate, group_size, responses, per_question, most, level, law_resamples, seed)
    outcomes = load(
        source,
        verifier=verifier,
        metric=metric,
        cluster=cluster,
        think_end=think_end,
        verifier_options=verifier_options,
        columns=columns,
        right_at=right_at,
    )
    if outcomes.split in MEASURING_SPLITS and not test_questions_too:
        raise InputError(
            f"{outcomes.source} holds {outcomes.split} questions: what is trained on them can't be "
            "measured by them any more.",
            seen=outcomes.split,
            remedy="Name responses to train questions (`liftmap sample --split train`), or insist "
            "with --test-questions-too.",
        )
    if responses != "none" and outcomes.responses is None:
        raise InputError(
            f"{outcomes.source} holds no texts of responses.",
            seen=f"--responses {responses}",
            remedy="Leave --responses out, or name a source with texts.",
        )
    times = proven_copies(outcomes)
    tally = without_copies(outcomes.tally, times)
    judged = np.flatnonzero(tally.judged)
    if len(judged) < 2:
        raise InputError(
            "A selection needs two questions with scored responses, or more.",
            seen=len(judged),
            remedy="Give more questions.",
        )
    measured = tally.subset(judged)
    law = law_of_rates(
        measured.counts,
        resamples=law_resamples,
        rng=np.random.default_rng([seed, 0]),
        cluster=cluster_codes(measured.cluster),
    )
    rates = accuracy(measured.n, measured.c, measured.plan) if raw else law.rates
    in_range = (rates >= rate[0]) & (rates <= rate[1])
    marked = marks_of(outcomes)
    listed = _known(measured.question_ids, marked, not_in)
    chosen = in_range if test_questions_too else in_range & ~listed
    if not chosen.any():
        raise _nothing_left(rates, rate, in_range, listed)
    ids = measured.question_ids
    if most is not None and int(chosen.sum()) > most:
        # By the ids alone, so that the order of the source's rows does not matter.
        places = {i: place_of(f"select {seed}", str(ids[i])) for i in np.flatnonzero(chosen)}
        subset = sorted(places, key=lambda i: places[i])[:most]
        chosen = np.isin(np.arange(len(ids)), subset)
    selection = Selection(
        source=outcomes.source,
        format=outcomes.format,
        split=outcomes.split,
        rate=rate,
        by="c/n" if raw else "posterior mean",
        asked=len(tally.n),
        judged=len(judged),
        in_range=int(in_range.sum()),
        known=int((in_range & listed).sum()),
        known_ids=tuple(ids[in_range & listed].tolist()),
        without_prompts=bool(not_in) and not marked.prompts,
        test_questions_too=test_questions_too,
        question_ids=tuple(ids[chosen].tolist()),
        promise=_promise(law, chosen, ~in_range, rate, group_size, level),
        responses=responses,
        per_question=per_question,
        level=level,
        seed=seed,
        warnings=outcomes.warnings,
        dependence=_dependence(measured),
        most_responses=int(measured.n.max()),
        copies=times,
    )
    if out is None:
        return selection
    written = write_training_set(
        Path(out),
        SelectedQuestions(
            outcomes,
            ids[chosen],
            rates[chosen],
            measured.n[chosen],
            measured.c[chosen],
        ),
        responses=responses,
        per_question=per_question,
        seed=seed,
    )
    return replace(selection, written=written)


def _check(
    rate: tuple[float, float],
    group_size: int,
    responses: str,
    per_question: int | None,
    most: int | None,
    level: float,
    law_resamples: int,
    seed: int,
) -> None:
    for name, value, good, remedy in (
        ("rate", rate, 0 <= rate[0] <= rate[1] <= 1, "Write it as 0.05..0.8."),
        ("group_size", group_size, group_size >= 2, "A group has 2 responses or more."),
        (
            "responses",
            responses,
            responses in get_args(ResponsesTaken),
            f"Take one of: {', '.join(get_args(ResponsesTaken))}.",
        ),
        (
            "per_question",
            per_question,
            per_question is None or (per_question >= 1 and responses != "none"),
            "Give a number of responses, 1 or more, beside --responses right or all.",
        ),
        ("most", most, most is None or most >= 1, "Give a number of questions, 1 or more."),
        ("level", level, 0 < level < 1, "The level lies between 0 and 1, such as 0.95."),
        ("law_resamples", law_resamples, law_resamples >= 2, "Take 2 or more, such as 50."),
        ("seed", seed, seed >= 0, "Take a seed of 0 or more."),
    ):
        if not good:
            raise ConfigError(f"{name} is out of range.", seen=value, remedy=remedy)


def _known(
    ids: NDArray[np.str_], marked: MarkedQuestions, not_in: Sequence[str | Path]
) -> BoolArray:
    """Which questions stand in one of the files or sources that none may stand in."""
    listed = np.zeros(len(ids), dtype=np.bool_)
    for place in not_in:
        listed |= known_questions(place).hold(ids, marked)
    return listed


def _nothing_left(
    rates: FloatArray, rate: tuple[float, float], in_range: BoolArray, known: BoolArray
) -> InputError:
    least, greatest = float(rates.min()), float(rates.max())
    if not in_range.any():
        return InputError(
            f"No question has a success rate from {rate[0]:g} to {rate[1]:g}.",
            seen=f"rates from {least:.3f} to {greatest:.3f}",
            remedy="Widen --rate, or give other questions.",
        )
    return InputError(
        f"All {int(in_range.sum()):,} questions of that success rate stand in --not-in.",
        remedy="Give other questions, or insist with --test-questions-too.",
    )


def _promise(
    law: LawOfRates,
    chosen: BoolArray,
    outside: BoolArray,
    rate: tuple[float, float],
    group_size: int,
    level: float,
) -> Promise:
    """What the law says of the chosen questions, and of those outside the range."""

    def truly(grid: FloatArray) -> FloatArray:
        return within(*rate, grid)

    # Blurred by a standard error, as `covers` is: the data don't fix the law at a sharp edge.
    most = int(law.n.max())
    from_low, above_high = covers(rate[0], most), covers(rate[1], most)

    def roughly(grid: FloatArray) -> FloatArray:
        inside = from_low(grid) if rate[0] > 0 else np.ones_like(grid)
        blurred: FloatArray = inside - (above_high(grid) if rate[1] < 1 else 0)
        return blurred

    groups = mixed_group(group_size)
    number, of_chosen = expected_numbers(
        law, chosen, [truly, groups], level=level, blurred=[roughly, groups]
    )
    everyone = np.ones_like(chosen)
    [of_all] = expected_numbers(law, everyone, [groups], level=level)
    missed = None
    if outside.any():
        [missed] = expected_numbers(law, outside, [truly], level=level, blurred=[roughly])
    return Promise(number, missed, group_size, of_chosen, of_all)


def _dependence(measured: Tally) -> tuple[Dependence, ...]:
    """What the counts say against independent draws."""
    facts = (
        deterministic(measured.counts, cluster=cluster_codes(measured.cluster)),
        copies(measured.counts),
        n_by_outcome(measured.counts, measured.unscored, cluster=cluster_codes(measured.cluster)),
    )
    return tuple(fact for fact in facts if fact is not None)
