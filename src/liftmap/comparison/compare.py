"""Comparing two models whose responses exist: what rose, what fell, and what is noise.

The main path of `comparison`: load -> match -> figures -> guidance -> result. `published` does the
same for a printed matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date as Date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from liftmap.comparison import check_words, figures
from liftmap.comparison.bootstrap import Resamples, question_options, resample
from liftmap.comparison.checks import (
    checks_of_counts,
    independent,
    withheld_by,
    without_copied_answers,
)
from liftmap.comparison.curve import curve, doubling, most_tries_of, p_value, tries
from liftmap.comparison.equal_tokens import Tokens, equal_tokens
from liftmap.comparison.gate import answer, level_of_each, parse_rules
from liftmap.comparison.guidance import advise
from liftmap.comparison.load import JudgedBy, Source, load
from liftmap.comparison.loaded_pair import LoadedPair, load_pair
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.measures import measures
from liftmap.comparison.nulls import against_null, read_nulls
from liftmap.comparison.options import Options
from liftmap.comparison.parts import Answer, Check, CurvePoint, Provenance, QuestionsAre, Rule
from liftmap.comparison.pass_hat import pass_hat_curve
from liftmap.comparison.provenance import with_responses
from liftmap.comparison.response_analyses import TextOptions, analyses_of_sources, text_options
from liftmap.comparison.response_parts import ResponseAnalyses
from liftmap.comparison.result import Comparison, today
from liftmap.comparison.votes import Vote, majority
from liftmap.errors import InputError
from liftmap.read.outcomes import Outcomes
from liftmap.records import Tally
from liftmap.stats.bins import Bins
from liftmap.stats.intervals import IntervalOptions, first_loss_k
from liftmap.stats.law.measures import pass_change, passes_before, swapped
from liftmap.stats.verdict import Conclusion, MeasuredChange, conclude

# Where k is small, or the curve still climbs, the law says what this many tries would show.
LAW_TRIES = 64
# So many numbers of responses are named in a message, each with its questions.
_SHOWN = 3


def compare(
    before: Source,
    after: Source,
    *,
    k: int | None = None,
    margin: float = 0.01,
    bins: str = "study",
    level: float = 0.95,
    seed: int = 0,
    cluster: str | None = None,
    law_resamples: int = 50,
    resamples: int = 1000,
    teacher: Source | None = None,
    extrapolate: bool = False,
    questions: QuestionsAre = "like-these",
    min_responses: int | None = None,
    looks: int | None = None,
    verifier: str | None = None,
    metric: str | None = None,
    think_end: str | None = None,
    verifier_options: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
    right_at: float | None = None,
    advise_training: bool = False,
    date: Date | None = None,
    copies: tuple[int, int] = (1, 1),
    require: Sequence[str] = (),
    texts: bool = True,
    phrases: Sequence[str | Path] = (),
    tokenizer: str | None = None,
    null: Source | Sequence[Source] = (),
) -> Comparison:
    """Compares two models on the questions that both answered.

    Args:
        before: The model that one starts from: a response set of a study, a tally file, the log of
            another framework, a `Tally`, or a table with the columns question_id, n and c.
        after: The trained model, likewise; questions are matched by id.
        k: Number of tries of capability; default the most that every question supports. Lost and
            gained questions take the same k, but at most half of the responses.
        margin: Changes of accuracy or capability below it count as none: a share, 0.01 is one
            point.
        bins: Bins of difficulty: "study", a number of quantile bins, or counts of right responses
            out of n such as "0,1-4,5-256".
        level: Coverage of all intervals, between 0 and 1.
        seed: Seed of the bootstrap.
        cluster: Column whose equal values make questions one sampling unit (one template, one
            passage); default the column `cluster`, where there is one.
        law_resamples: Bootstrap refits of the joint law of success rates; 0 leaves out what needs
            them: noise, excess and gross figures at k = n, and the groups with a gradient.
        resamples: Bootstrap resamples of everything else.
        teacher: Results of a teacher on the same questions: says which unsolved ones it solves.
        extrapolate: Allows k beyond the responses: the curve then ends with that k, by the joint
            law, marked; the verdict stays within the responses.
        questions: Which of the two readings of every figure leads and gives the label; both are
            always there. "like-these": other questions like these could be asked. "fixed": it is
            about these very questions; capability is then given at half of the responses at most.
        min_responses: Questions asked fewer times on a side are left out; default half of the
            median. Never where the number of responses depends on outcomes.
        looks: Number of questions planned, asked in random order, where one looks at the result
            while they still come in: intervals then hold at every look.
        verifier: Whose verdicts count, where a response set has several; the responses of a log
            are verified here.
        metric: Which metric of a log gives the verdicts, as `exact_match,flexible-extract`.
        think_end: With a verifier: the text that ends the models' thoughts, where they have no tags
            that are known.
        verifier_options: With a verifier: its options, as docs/verifiers.md has them.
        columns: Of tables: their own names for some of ours, as {"correct": "solved"}; see
            `liftmap.read.column_names.NAMES`.
        right_at: The value from which on a graded reward counts as right.
        advise_training: Whether the questions are those of training: advice then says what to train
            on next. Response sets of a study's train split say so themselves.
        date: The day that the result names; default today (UTC). Two runs on the same input differ
            in it alone.
        copies: How many times each response stands before, and after; they are then counted once.
        require: What has to hold, as `accuracy >= -1`, `pass@16 >= -1` (points), `lost <= 2`
            (questions beyond noise), or paths of files with such a rule a line; answered in `gate`.
        texts: Whether the texts of the responses are looked at, where both sides have them: length,
            reflection phrases, thinking, copies and more, by difficulty, in `responses`.
        phrases: Files with a phrase a line, to be looked for beside the reflection phrases of Kim
            et al. (arXiv 2505.14216); each list is called what its file is called.
        tokenizer: A folder or a hub id of a tokenizer that counts the tokens of all texts; default
            the numbers of tokens that the sources know, or else characters.
        null: What a sceptic would try instead of training, one source or several: responses of the
            model before at a low temperature, say. The change from before to after stands beside
            those from before to null and from null to after, on the questions common to all.

    Returns:
        What changed, with the noise taken out.

    Raises:
        LiftmapError: Something can't be read, counts are impossible, no two questions are common,
            k is above the responses, an option is out of range, or texts that were asked for
            are missing.
    """
    if not texts and (phrases or tokenizer is not None):
        raise InputError(
            "Phrases and tokens can't be counted without looking at texts.",
            seen=tokenizer or [str(file) for file in phrases],
            remedy="Leave --no-texts out, or --phrases and --tokenizer.",
        )
    reading = text_options(phrases, tokenizer, think_end) if texts else None
    options = Options(
        k,
        margin,
        bins,
        level,
        seed,
        law_resamples,
        resamples,
        extrapolate,
        questions,
        min_responses,
        looks,
        advise_training,
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
    taught = None if teacher is None else load(teacher, **judged).tally
    nulls = read_nulls(null, judged)
    pair = load_pair(
        before, after, judged, cluster=cluster, copies=copies, min_responses=min_responses
    )
    comparison = compare_loaded(pair, options, teacher=taught, date=date, reading=reading)
    if not nulls:
        return comparison
    return replace(
        comparison,
        nulls=tuple(
            against_null(
                *pair.counted,
                each,
                comparison.k,
                lambda pair, tries: compare_pair(pair, _of_null(options, tries), date=date),
                level,
            )
            for each in nulls
        ),
    )


def _of_null(options: Options, k: int) -> Options:
    """The options of a comparison with a null: those of the comparison, less what is not shown."""
    return replace(
        options, k=k, law_resamples=0, extrapolate=False, advise_training=False, require=()
    )


def compare_loaded(
    pair: LoadedPair,
    options: Options,
    *,
    teacher: Tally | None = None,
    date: Date | None = None,
    reading: TextOptions | None = None,
) -> Comparison:
    """`compare` for two sides that are matched already.

    Args:
        pair: The two sides.
        options: How the comparison is made.
        teacher: A teacher's tally.
        date: As in `compare`.
        reading: How texts are looked at; None looks at none.

    Raises:
        LiftmapError: As `compare`.
    """
    first, _ = pair.outcomes
    comparison = compare_pair(
        pair.tallies,
        replace(options, advise_training=options.advise_training or pair.of_training),
        teacher=teacher,
        answers=without_copied_answers(first.answers, pair.copies[0]),
        sides=pair.sides,
        chance=first.chance,
        date=date,
        golds=first.golds,
        checks=pair.checks,
        tokens=(first.tokens, pair.outcomes[1].tokens),
    )
    responses = None
    if reading is not None:
        responses = responses_of(
            pair.tallies,
            options,
            comparison.transitions.bins,
            pair.outcomes,
            reading,
            pair.copies,
        )
    return replace(
        comparison,
        warnings=(*pair.notes, *comparison.warnings),
        response_analyses=responses,
        outcomes=pair.outcomes,
    )


def responses_of(
    pair: PairedTallies,
    options: Options,
    bins: Bins,
    sources: tuple[Outcomes, Outcomes],
    reading: TextOptions,
    copies: tuple[int, ...],
) -> ResponseAnalyses:
    """What the texts of two sources say of their responses; see `analyses_of_sources`."""
    return analyses_of_sources(
        sources, pair, bins, lambda: question_intervals(pair, options), reading, copies
    )


def question_intervals(pair: PairedTallies, options: Options) -> IntervalOptions:
    """How intervals of figures by compared question are made, with the draws of all others."""
    return question_options(
        pair,
        resamples=options.resamples,
        level=options.level,
        seed=options.seed,
        looks=options.looks,
    )


def compare_pair(
    pair: PairedTallies,
    options: Options,
    teacher: Tally | None = None,
    answers: pl.DataFrame | None = None,
    sides: tuple[Provenance, Provenance] = (Provenance("before"), Provenance("after")),
    chance: float | None = None,
    date: Date | None = None,
    checks: tuple[Check, ...] = (),
    golds: pl.DataFrame | None = None,
    tokens: Tokens = (None, None),
) -> Comparison:
    """`compare` for tallies that are matched already.

    Args:
        pair: The matched tallies.
        options: How the comparison is made.
        teacher: A teacher's tally.
        answers: What the model before answered: question_id, answer (null for none) and right
            (null if unscored), a row a response; None where it is unknown.
        sides: What the two sides were made from.
        chance: Share of right responses that guessing gives, where questions offer choices.
        date: As in `compare`.
        checks: What texts and settings say of the responses; the counts are checked here.
        golds: A row a question: question_id, gold; None where they are unknown.
        tokens: For each side the mean tokens of each question's responses; None: unknown.

    Returns:
        What changed.

    Raises:
        InputError: k is above the responses, or the bins mean nothing.
    """
    most = most_tries_of(pair, options.questions)
    k = most if options.k is None else min(options.k, most)
    beyond = options.k if options.k is not None and options.k > most else None
    if beyond is not None and not options.extrapolate:
        has = "tries (half of the responses)" if options.questions == "fixed" else "responses"
        if most == 1:
            has = "response"
        raise InputError(
            f"k is above the {most:,} {has} that every question has on both sides. {_have(pair)}",
            seen=options.k,
            remedy=f"Take a k up to {most:,}, or add --extrapolate for an estimate from the law.",
        )
    checks = all_checks(pair, checks)
    draws_are_independent = independent(checks)
    bins = figures.difficulty_bins(options.bins, pair)
    resamples = resample(
        pair,
        resamples=options.resamples,
        law_resamples=options.law_resamples if draws_are_independent else 0,
        level=options.level,
        seed=options.seed,
        looks=options.looks,
    )
    measured = curve(pair, tries(k, len(pair.counts)), resamples, options.questions)
    points = measured.points
    fitted = figures.joint_law(pair, resamples)
    lost, gained = figures.lost_and_gained(
        pair, options.k, resamples, fitted, independent=draws_are_independent
    )
    loss = first_loss_k(
        [point.k for point in points],
        [point.change.estimate for point in points],
        [point.band[0] for point in points if point.band],
        [point.band[1] for point in points if point.band],
    )
    votes: tuple[Vote, ...] = ()
    if answers is not None:
        rng = np.random.default_rng([options.seed, 2])
        votes = majority(answers, pair, doubling(pair.most), options.level, rng)
    verdict = _concluded(pair, measured.leading, options, resamples, checks)
    beside = [each for k, each in sorted(measured.other.items()) if k in (1, max(measured.other))]
    other = _concluded(pair, beside, options, resamples, checks, leads=False) if beside else None
    at_64 = None
    if fitted.has_intervals and 1 < k < LAW_TRIES and (verdict.few_tries or verdict.climbing):
        [at_64] = fitted.numbers([pass_change(LAW_TRIES)])
    guidance = advise(
        pair, points, loss, lost, fitted, teacher, votes, on_train_questions=options.advise_training
    )
    if beyond is not None:
        before, after, change = fitted.numbers(
            [passes_before(beyond), swapped(passes_before(beyond)), pass_change(beyond)]
        )
        points.append(CurvePoint(before, after, change, beyond, extrapolated=True))
    return Comparison(
        before=with_responses(sides[0], pair.before),
        after=with_responses(sides[1], pair.after),
        questions=pair.questions,
        k=k,
        capability=tuple(points),
        bins=figures.changes_by_difficulty(pair, bins, resamples),
        solved_bins=figures.changes_by_difficulty(pair, bins, resamples, pair.most // 2)
        if pair.most > 3
        else (),
        transitions=figures.transitions(pair, bins, fitted),
        lost=lost,
        gained=gained,
        # Its p-value holds for one look.
        mcnemar=figures.mcnemar_at_n(pair) if options.looks is None else None,
        first_loss_k=loss,
        verdict=verdict,
        guidance=guidance,
        warnings=(*pair.warnings, *map(check_words.check_text, checks)),
        margin=options.margin,
        level=options.level,
        seed=options.seed,
        looks=options.looks,
        questions_are=options.questions,
        other_verdict=other,
        capability_at_64=at_64,
        chance=chance,
        date=date or today(),
        checks=checks,
        measures=measures(pair, fitted, resamples, answers, golds),
        gate=_gate(pair, options, checks),
        pass_hat=pass_hat_curve(pair, tries(k, len(pair.counts)), resamples, options.questions),
        equal_tokens=equal_tokens(pair, tokens, level=resamples.options["level"]),
        pair=pair,
    )


def all_checks(pair: PairedTallies, checks: Sequence[Check]) -> tuple[Check, ...]:
    """What speaks against the responses: by their counts, then by texts and settings."""
    counted = checks_of_counts(pair)
    # That both sides are one file says more than that their counts are the same.
    if any(check.kind == "same file" for check in checks):
        counted = tuple(check for check in counted if check.kind != "same responses")
    return (*counted, *checks)


def _gate(pair: PairedTallies, options: Options, checks: Sequence[Check]) -> tuple[Answer, ...]:
    """The answers to what is required, by intervals that hold together."""
    level = level_of_each(options.level, max(1, len(options.require)))
    return answer_rules(options.require, pair, options, checks, level)


def answer_rules(
    rules: Sequence[Rule],
    pair: PairedTallies,
    options: Options,
    checks: Sequence[Check],
    level: float,
) -> tuple[Answer, ...]:
    """The answers to rules about one pair.

    Args:
        rules: The rules.
        pair: The matched tallies.
        options: How the comparison is made; its own rules and level are not looked at.
        checks: What speaks against the responses: those of the comparison.
        level: Coverage of the interval of each rule.
    """
    if not rules:
        return ()
    resamples = resample(
        pair,
        resamples=options.resamples,
        law_resamples=0,
        level=level,
        seed=options.seed,
        looks=options.looks,
    )
    return answer(
        rules,
        pair,
        resamples,
        most=most_tries_of(pair, options.questions),
        questions_are=options.questions,
        withheld=withheld_by(checks, options.questions, bounded=pair.bounded),
        independent=independent(checks),
    )


def _have(pair: PairedTallies) -> str:
    """How many questions have how many responses, the commonest numbers first."""
    before, after = (side.supported for side in pair.rows)
    supported, at = np.unique(np.minimum(before, after), return_inverse=True)
    questions = np.bincount(at, weights=pair.counts).astype(np.int64)
    order = np.argsort(-questions, kind="stable")
    shown = [f"{questions[i]:,} have {supported[i]:,}" for i in order[:_SHOWN]]
    if len(order) > _SHOWN:
        rest = supported[order[_SHOWN:]]
        left = int(questions[order[_SHOWN:]].sum())
        shown.append(f"{left:,} have {rest.min():,} to {rest.max():,}")
    return f"Of {pair.questions:,} questions {', '.join(shown)}."


def _concluded(
    pair: PairedTallies,
    changes: Sequence[MeasuredChange],
    options: Options,
    resamples: Resamples,
    checks: Sequence[Check],
    *,
    leads: bool = True,
) -> Conclusion:
    """The words for accuracy and capability on one estimand, from its changes by rising k.

    On questions like these each word comes with its p-value, which a study of many checkpoints
    adjusts; there is none where one looks more than once.
    """
    about_like_these = leads == (options.questions == "like-these")
    withheld = withheld_by(
        checks, "like-these" if about_like_these else "fixed", bounded=pair.bounded
    )
    axes = [replace(each, withheld=withheld) for each in (changes[0], changes[-1])]
    if about_like_these and options.looks is None and withheld is None:
        axes = [replace(each, p_value=p_value(pair, each.k, resamples)) for each in axes]
    return conclude(
        *axes,
        curve={
            each.k: (each.figure.before.estimate, each.figure.after.estimate) for each in changes
        },
        margin=options.margin,
        level=resamples.options["level"],
    )
