"""What the scores of the responses say: every table of the record, and its warnings.

Last step of the flow of `scoring`: reads the scores of each source under each model, gives a
`SourceScoring`. Only responses that every model scored are in its figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from liftmap.errors import InputError
from liftmap.records import Tally
from liftmap.scoring import scored_words
from liftmap.scoring.by_question import (
    Questions,
    divergence_rows,
    likelihood_rows,
    questions_of,
    right_compared,
    sampled_entropy,
    within_range,
)
from liftmap.scoring.divergence import (
    MOST_RETOKENISED,
    Doubt,
    retokenised,
    sampling_doubts,
    side_by_side,
)
from liftmap.scoring.passes import NO_TOKENS, ScoredSide
from liftmap.scoring.scored_record import (
    Divergence,
    LikelihoodTable,
    SampledEntropy,
    ScoredModel,
    ScoredSource,
    SourceScoring,
    WithinRange,
)
from liftmap.stats.bins import Bins

# Which model drew the responses of each side, and which other one they are compared under.
DRAWN_BY = {"source": ("own", "under"), "other": ("under", "own")}


@dataclass(frozen=True)
class SummaryOptions:
    """How scores are summed up; see `source_score.score`.

    Attributes:
        difficulty: The counts that put questions into bins.
        bins: The bins.
        bins_of: Whose counts they are; None: the source's own.
        plain_sampling: The user says that responses were drawn at temperature 1 with nothing cut.
        tail: Share of a model's own responses that may lie outside its range.
        level: Coverage of the intervals.
        resamples: Bootstrap resamples of the questions.
        seed: Seed of the bootstrap.
        folder: Where the scores are kept; None where they are not.
    """

    difficulty: Tally
    bins: Bins
    bins_of: str | None
    plain_sampling: bool
    tail: float
    level: float
    resamples: int
    seed: int
    folder: str | None


@dataclass(frozen=True)
class _Scored:
    """One source with its scores.

    Attributes:
        side: The source.
        rows: By role of the model: the responses that every model scored.
        left_out: How many are not among them, by the reason.
        complete: Which of all responses are among them, as a column of booleans.
        questions: Their questions.
        doubts: Why differences on them are not called KL.
        retokenised: As in `ScoredSource`.
    """

    side: ScoredSide
    rows: dict[str, pl.DataFrame]
    left_out: dict[str, int]
    complete: pl.Series
    questions: Questions
    doubts: tuple[Doubt, ...]
    retokenised: tuple[int, int]


def summary(
    sides: list[ScoredSide], models: Mapping[str, ScoredModel], options: SummaryOptions
) -> SourceScoring:
    """Sums up the scores.

    Args:
        sides: The source, and where there are any the other model's responses, all scored.
        models: The models by their role: "under", and "own" where there is one.
        options: How.

    Raises:
        InputError: Fewer than two questions have responses that could be scored.
        StoreError: A shard is missing or damaged.
    """
    scored = [_scored(side, models, options) for side in sides]
    likelihoods = [
        LikelihoodTable(
            each.side.side, model.name, likelihood_rows(each.rows[role], each.questions)
        )
        for each in scored
        for role, model in models.items()
    ]
    ranged = compared = None
    if len(scored) > 1:
        source, other = (each.rows["under"] for each in scored)
        ranged = within_range(source, other, scored[0].questions, options.tail)
        compared = right_compared(source, other, scored[0].questions)
    records = tuple(_record(each) for each in scored)
    return SourceScoring(
        under=models["under"],
        own=models.get("own"),
        sources=records,
        questions=len(scored[0].questions.place_of),
        bins_of=options.bins_of,
        likelihoods=tuple(likelihoods),
        divergences=tuple(_divergences(scored, models)),
        sampled_entropies=tuple(_sampled_entropies(scored, models)),
        within_range=ranged,
        right_compared=compared,
        level=options.level,
        resamples=options.resamples,
        seed=options.seed,
        folder=options.folder,
        warnings=tuple(_warnings(scored, records, models, ranged, options)),
    )


def _scored(
    side: ScoredSide, models: Mapping[str, ScoredModel], options: SummaryOptions
) -> _Scored:
    rows = {role: side.rows(role) for role in models}
    reasons = pl.DataFrame(
        {
            role: frame.select(
                pl.when(pl.col("error") != "")
                .then("error")
                .when(pl.col("token_count") < 1)
                .then(pl.lit(NO_TOKENS))
            ).to_series()
            for role, frame in rows.items()
        }
    )
    reason = reasons.select(pl.coalesce(pl.all())).to_series()
    left_out = reason.drop_nulls().value_counts(name="responses")
    complete = reason.is_null()
    rows = {role: frame.filter(complete) for role, frame in rows.items()}
    under = rows["under"]
    counted = dict(left_out.iter_rows())
    if under["question_id"].n_unique() < 2:
        raise InputError(
            f"Fewer than two questions of {side.asked.source} have responses that could be scored.",
            seen=counted,
            remedy="These are the reasons, with how often each came.",
        )
    differing, compared = retokenised(under)
    doubts = list(sampling_doubts(side.asked, options.plain_sampling))
    if side.passes["under"].rows["has_reasoning"].any():
        doubts.append(Doubt("thoughts apart"))
    if differing > MOST_RETOKENISED * compared:
        doubts.append(Doubt("retokenised"))
    questions = questions_of(
        under,
        side.asked.outcomes.tally,
        options.difficulty,
        options.bins,
        resamples=options.resamples,
        level=options.level,
        seed=options.seed,
    )
    return _Scored(side, rows, counted, complete, questions, tuple(doubts), (differing, compared))


def _divergences(scored: list[_Scored], models: Mapping[str, ScoredModel]) -> Iterator[Divergence]:
    """What can be had of both directions."""
    for each in scored:
        drawing, second = DRAWN_BY[each.side.side]
        doubts = list(each.doubts)
        if {drawing, second} <= set(models):
            first, then = (each.side.passes[role].scores for role in (drawing, second))
            parts = [side_by_side(first, then, shard) for shard in first.shards()]
            rows = pl.concat(
                [each.rows[drawing], pl.concat(parts).filter(each.complete)], how="horizontal"
            )
            if rows["compared_tokens"].is_null().any():
                doubts.append(Doubt("other tokens"))
            drawn_from = models[drawing].name
            recorded = False
        elif each.side.side == "source" and _has_recorded(each, models):
            rows = each.rows["under"].with_columns(
                k1=pl.col("recorded") - pl.col("log_probability"),
                k3=pl.lit(None, pl.Float64),
                compared_tokens=pl.lit(None, pl.Int32),
            )
            drawn_from = each.side.asked.outcomes.model or "the source's model"
            recorded = True
        else:
            continue
        yield Divergence(
            each.side.side,
            drawn_from,
            models[second].name,
            recorded,
            tuple(doubts),
            divergence_rows(rows, each.questions),
        )


def _has_recorded(each: _Scored, models: Mapping[str, ScoredModel]) -> bool:
    """Whether the drawing model's own sums are there, of the same tokens as the scores'."""
    if not (each.side.asked.recorded and models["under"].counts_end):
        return False
    recorded = each.rows["under"]["recorded"]
    return bool(recorded.is_finite().fill_null(False).all())


def _sampled_entropies(
    scored: list[_Scored], models: Mapping[str, ScoredModel]
) -> Iterator[SampledEntropy]:
    for each in scored:
        drawing, _ = DRAWN_BY[each.side.side]
        if drawing in models and not each.doubts:
            rows = each.rows[drawing]
            entropy = sampled_entropy(rows, each.questions)
            yield SampledEntropy(models[drawing].name, each.side.side, len(rows), entropy)


def _record(each: _Scored) -> ScoredSource:
    asked = each.side.asked
    return ScoredSource(
        source=asked.source,
        format=asked.outcomes.format,
        side=each.side.side,
        model=asked.outcomes.model,
        prompts_from=asked.prompts_from,
        template=asked.template,
        sampling=asked.sampling,
        responses=len(each.complete),
        scored=int(each.complete.sum()),
        left_out=each.left_out,
        retokenised=each.retokenised,
        doubts=each.doubts,
    )


def _warnings(
    scored: list[_Scored],
    records: tuple[ScoredSource, ...],
    models: Mapping[str, ScoredModel],
    ranged: WithinRange | None,
    options: SummaryOptions,
) -> Iterator[str]:
    """What a reader has to know."""
    for each, record in zip(scored, records, strict=True):
        outcomes = each.side.asked.outcomes
        yield from (f"{record.source}: {warning}" for warning in outcomes.warnings)
        yield from scored_words.source_notes(record)
        unknown = int(each.side.passes["under"].rows["truncated"].null_count())
        if note := scored_words.unknown_ends_note(models.values(), record.source, unknown):
            yield note
        if outcomes.tally.plan is not None and outcomes.tally.plan.stops_early:
            yield scored_words.curtailed_note(record.source)
    said, own = records[0].model, models.get("own")
    if own is not None and said is not None and said != own.name:
        yield scored_words.other_model_note(own.name, said)
    yield from scored_words.served_notes(models.values())
    if own is None and scored[0].side.asked.recorded and not models["under"].counts_end:
        yield scored_words.recorded_note()
    if options.bins_of is None:
        yield scored_words.own_bins_note()
    if ranged is not None and ranged.questions_left_out:
        yield scored_words.range_note(ranged.tail, ranged.least, ranged.questions_left_out)
