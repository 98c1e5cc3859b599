"""What texts say of two models' responses: by difficulty and verdict, before, after and change.

After `match` in the flow of `comparison`: takes the rows of `response_rows` of both sides, gives
`ResponseAnalyses`. The same for `compare` of any two sources and for the arms of a study.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from liftmap.comparison.match import PairedTallies
from liftmap.comparison.phrases import PhraseList, phrase_lists
from liftmap.comparison.response_figures import (
    Measure,
    Unit,
    answers_of_rows,
    indicator_sums,
    measures_of,
    responses_by_group,
    sums_by_question,
    with_figures,
)
from liftmap.comparison.response_parts import (
    SIDES,
    Indicator,
    ResponseAnalyses,
    ResponseFigure,
    ResponseGroup,
    ResponseNote,
    Verdict,
)
from liftmap.comparison.response_rows import TokenCounter, read_rows
from liftmap.errors import InputError
from liftmap.read.outcomes import Outcomes
from liftmap.stats.answers import distinct_at_k
from liftmap.stats.bins import Bins, assign
from liftmap.stats.intervals import IntervalOptions
from liftmap.stats.passk import FloatArray
from liftmap.stats.resampling import NO_PSEUDO, SHARE
from liftmap.stats.small_groups import Sums, changes_or_none, ratios_or_none

VERDICTS: tuple[Verdict, ...] = ("right", "wrong", "all")
DISTINCT = "distinct"


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How texts are looked at.

    Attributes:
        lists: The lists of phrases.
        tokenizer: What counts tokens in place of the sources, as the user named it.
        count_tokens: Counts them.
        think_end: The text that ends thoughts, where the user has named one.
        asked: Whether something was asked for that needs texts: without them it is then an error.
    """

    lists: tuple[PhraseList, ...]
    tokenizer: str | None = None
    count_tokens: TokenCounter | None = None
    think_end: str | None = None
    asked: bool = False


def text_options(
    phrases: Sequence[str | Path] = (), tokenizer: str | None = None, think_end: str | None = None
) -> TextOptions:
    """How texts are looked at, from what the user names.

    Args:
        phrases: Files with a phrase a line, beside the shipped list.
        tokenizer: A folder or a hub id of a tokenizer; None takes the tokens of the sources.
        think_end: The text that ends thoughts.

    Raises:
        InputError: A file can't be used.
        ModelError: The tokenizer can't be loaded.
    """
    lists, count = phrase_lists(phrases), None
    if tokenizer is not None:
        # Imported here: it needs the extra [hf].
        from liftmap.sample.token_counts import token_counter

        count = token_counter(tokenizer)
    asked = bool(phrases) or tokenizer is not None
    return TextOptions(lists, tokenizer, count, think_end, asked)


def analyses_of_sources(
    sources: tuple[Outcomes, Outcomes],
    pair: PairedTallies,
    bins: Bins,
    options: Callable[[], IntervalOptions],
    reading: TextOptions,
    copies: tuple[int, ...] = (1, 1),
) -> ResponseAnalyses:
    """The response analyses of two sources.

    Args:
        sources: Before and after.
        pair: Their matched tallies.
        bins: Bins of difficulty before.
        options: Gives how intervals are made, by compared question, where there are texts; from
            `bootstrap.question_options`.
        reading: How texts are looked at.
        copies: How often each response stands, before and after; each counts once.

    Raises:
        InputError: Texts can't be read, or a source has none, although something that needs them
            was asked for.
    """
    lacking = tuple(
        side for side, source in zip(SIDES, sources, strict=True) if source.responses is None
    )
    if lacking and reading.asked:
        source = sources[SIDES.index(lacking[0])]
        raise InputError(
            f"{source.source} has no texts of responses, or does not say which of them are right: "
            "phrases and tokens can't be counted.",
            seen=f"a source of the format {source.format}, {lacking[0]}",
            remedy="Leave --phrases and --tokenizer out, or give the responses themselves on both "
            "sides.",
        )
    if lacking:
        notes = tuple(ResponseNote("no texts", side) for side in lacking)
        return ResponseAnalyses(missing=lacking, notes=notes)
    ids = pair.question_ids.tolist()
    rows = []
    for side, source in zip(SIDES, sources, strict=True):
        try:
            rows.append(
                read_rows(source, ids, reading.lists, reading.count_tokens, reading.think_end)
            )
        except InputError as error:
            if reading.asked:
                raise
            note = ResponseNote("unreadable", side, reason=str(error))
            return ResponseAnalyses(missing=(side,), notes=(note,))
    return analyses_of_rows((rows[0], rows[1]), pair, bins, options(), reading, copies)


def analyses_of_rows(
    sides: tuple[pl.DataFrame, pl.DataFrame],
    pair: PairedTallies,
    bins: Bins,
    options: IntervalOptions,
    reading: TextOptions,
    copies: tuple[int, ...] = (1, 1),
) -> ResponseAnalyses:
    """The response analyses of the rows of `response_rows`, whose questions are those of the pair.

    Which bin a question is in, and how its responses are, rests on the same responses before: the
    bins say which questions are meant, no success is measured in them. Arguments and errors as in
    `analyses_of_sources`.
    """
    notes: list[ResponseNote] = list(_missing_texts(sides, pair, copies))
    unit: Unit = "tokens"
    for side, rows in zip(SIDES, sides, strict=True):
        unknown = rows["tokens"].null_count()
        if unknown:
            unit = "characters"
            evidence = {"unknown": unknown, "responses": len(rows)}
            notes.append(ResponseNote("tokens unknown", side, evidence))
    before, after = (
        _once(with_figures(rows, unit), times) for rows, times in zip(sides, copies, strict=True)
    )
    measures = list(measures_of(reading.lists))
    thinks = any(rows["thought_characters"].sum() for rows in (before, after))
    if not thinks:
        measures = [measure for measure in measures if measure.name != "thinking"]
        notes.append(ResponseNote("no thoughts"))
    for side, rows in zip(SIDES, (before, after), strict=True):
        if rows["truncated"].is_null().all():
            notes.append(ResponseNote("truncation unknown", side))
    notes += _unequal_n(before, after, pair.questions)
    labels, member = _groups(pair, bins)
    distinct_of, distinct, of_distinct = _distinct(before, after, pair)
    notes += of_distinct
    groups = []
    for verdict in VERDICTS:
        chosen = _with_verdict(before, verdict), _with_verdict(after, verdict)
        figures = {measure.name: _figures(chosen, measure, member, options) for measure in measures}
        if distinct is not None and verdict == "all":
            sums = [Sums(side.top * member, side.bottom * member) for side in distinct]
            figures[DISTINCT] = _changed(sums[0], sums[1], options, share=False)
        numbers = [responses_by_group(rows, member).tolist() for rows in chosen]
        groups += [
            ResponseGroup(
                label,
                verdict,
                (numbers[0][at], numbers[1][at]),
                {name: by_group[at] for name, by_group in figures.items()},
            )
            for at, label in enumerate(labels)
        ]
    return ResponseAnalyses(
        unit=unit,
        tokenizer=reading.tokenizer,
        phrases={phrases.name: len(phrases.phrases) for phrases in reading.lists},
        distinct_of=distinct_of,
        groups=tuple(groups),
        indicators=_indicators(before, after, reading.lists, pair.questions, options),
        notes=tuple(notes),
    )


def _figures(
    sides: tuple[pl.DataFrame, pl.DataFrame],
    measure: Measure,
    member: FloatArray,
    options: IntervalOptions,
) -> list[ResponseFigure]:
    """A measure of each group."""
    before, after = (
        Sums(sums.top * member, sums.bottom * member)
        for sums in (sums_by_question(rows, measure, len(member)) for rows in sides)
    )
    return _changed(before, after, options, share=measure.share)


def _changed(
    before: Sums, after: Sums, options: IntervalOptions, *, share: bool, pooled: bool = True
) -> list[ResponseFigure]:
    """The figures of each column before and after, and the changes."""
    pseudo = SHARE if share else NO_PSEUDO
    top, bottom = (np.hstack([before[part], after[part]]) for part in (0, 1))
    both = ratios_or_none(top, bottom, options, pseudo)
    changes = changes_or_none(before, after, options, share=share, pooled=pooled)
    size = len(changes)
    return [
        ResponseFigure(*figure) for figure in zip(both[:size], both[size:], changes, strict=True)
    ]


def _indicators(
    before: pl.DataFrame,
    after: pl.DataFrame,
    lists: Sequence[PhraseList],
    questions: int,
    options: IntervalOptions,
) -> tuple[Indicator, ...]:
    names = ["length", *(phrases.measure for phrases in lists), "thinking", "majority"]
    names = [
        name for name in names if not all(rows[name].is_null().all() for rows in (before, after))
    ]
    sums = [indicator_sums(rows, names, questions) for rows in (before, after)]
    figures = _changed(sums[0], sums[1], options, share=True, pooled=False)
    numbers = [side.bottom.sum(axis=0).astype(np.int64).tolist() for side in sums]
    return tuple(
        Indicator(name, (first, then), figure)
        for name, first, then, figure in zip(names, *numbers, figures, strict=True)
    )


def _groups(pair: PairedTallies, bins: Bins) -> tuple[list[str], FloatArray]:
    """The labels of all questions and of each bin, and who is in them: (questions, labels)."""
    labels = ["all", *bins.labels]
    member = np.zeros((pair.questions, len(labels)))
    member[:, 0] = 1
    member[np.arange(pair.questions), 1 + assign(pair.before.c, pair.before.n, bins)] = 1
    return labels, member


def _with_verdict(rows: pl.DataFrame, verdict: Verdict) -> pl.DataFrame:
    if verdict == "all":
        return rows
    return rows.filter(pl.col("right") == (verdict == "right"))


def _once(rows: pl.DataFrame, times: int) -> pl.DataFrame:
    """Each response once instead of `times` times."""
    if times == 1:
        return rows
    alike = pl.int_range(pl.len()).over("question", "text_hash", "right")
    return rows.filter(alike % times == 0)


def _distinct(
    before: pl.DataFrame, after: pl.DataFrame, pair: PairedTallies
) -> tuple[int | None, tuple[Sums, Sums] | None, list[ResponseNote]]:
    """Distinct answers of each question among one number of responses, and why there are none."""
    notes = [
        ResponseNote("answers unknown", side)
        for side, rows in zip(SIDES, (before, after), strict=True)
        if rows["answer_hash"].is_null().all()
    ]
    if any(side.stops_early for side in pair.rows):
        notes.append(ResponseNote("curtailed"))
    if notes:
        return None, None, notes
    counted = [answers_of_rows(rows, pair.questions) for rows in (before, after)]
    sizes = np.concatenate([answers.n[answers.n > 0] for answers in counted])
    number = int(sizes.min(initial=sizes[0])) if len(sizes) else 0
    if number < 2:
        return None, None, [ResponseNote("few responses")]
    sums = []
    for answers in counted:
        expected = distinct_at_k(answers, number)
        finite = np.isfinite(expected)
        sums.append(Sums(np.where(finite, expected, 0.0)[:, None], finite.astype(float)[:, None]))
    return number, (sums[0], sums[1]), []


def _missing_texts(
    sides: tuple[pl.DataFrame, pl.DataFrame], pair: PairedTallies, copies: tuple[int, ...]
) -> Iterator[ResponseNote]:
    """Of which sides texts are missing though others are there."""
    tallies = (pair.before, pair.after)
    for side, rows, tally, times in zip(SIDES, sides, tallies, copies, strict=True):
        scored = int(tally.n.sum()) * times
        if len(rows) < scored:
            evidence = {"missing": scored - len(rows), "responses": scored}
            yield ResponseNote("some texts", side, evidence)


def _unequal_n(before: pl.DataFrame, after: pl.DataFrame, questions: int) -> list[ResponseNote]:
    """Whether the sides differ in how many responses a question has: copies grow with them."""
    means = [len(rows) / questions for rows in (before, after)]
    if min(means) >= 0.95 * max(means):
        return []
    first, then = (round(number) for number in means)
    return [ResponseNote("unequal n", None, {"before": first, "after": then})]
