"""The tables that are comparisons, repeated: each model against the base, and pairs of arms.

Analyses of the `analyse` stage; read comparisons, give the tables `capability`, `difficulty`,
`transitions`, `lost_gained`, `verdict`, `warnings`, `responses`, `indicators` and `contrast`: those
of `Comparison.tables`, with the model in front of each row.
"""

from __future__ import annotations

import polars as pl

from liftmap.analyse.data import StudyData
from liftmap.analyse.likelihood import unsplit
from liftmap.analyse.table import MODEL_COLUMNS, stacked
from liftmap.comparison.columns import Schema
from liftmap.comparison.tables import SCHEMAS
from liftmap.comparison.tables import difficulty as difficulty_table
from liftmap.comparison.tables import warnings as warnings_table
from liftmap.records import StudyModel

PAIR_COLUMNS: Schema = {
    "before_arm": pl.String(),
    "after_arm": pl.String(),
    "seed": pl.Int64(),
}


def _of_models(data: StudyData, name: str, models: list[StudyModel]) -> pl.DataFrame:
    """One of the tables of each model's comparison with the base."""
    comparisons = [(model, data.comparison(data.base, model)) for model in models]
    return stacked(
        [(model.columns, each.table(name)) for model, each in comparisons if each is not None],
        MODEL_COLUMNS,
        SCHEMAS[name],
    )


def capability(data: StudyData) -> pl.DataFrame:
    """pass@k before and after, on all questions.

    Returns:
        One row a model other than the base and a number of tries.

        - model, arm, seed: the model after; the teacher stands here too, without a seed.
        - k: number of tries: each from 1 to the most that every question supports (powers of two
          for huge studies).
        - before, before_low, before_high: pass@k of the base in [0, 1] (Chen et al. 2021, arXiv
          2107.03374, equation 1), with the bootstrap interval over questions.
        - before_least, before_greatest: what it would be if all unscored responses were wrong, or
          right; null where all are scored, or where a plan drew again what was not.
        - after, after_low, after_high, after_least, after_greatest: likewise of the model.
        - change, change_low, change_high, change_least, change_greatest: after minus before,
          paired by question.
        - band_low, band_high: band that holds the change at all these k at once.
        - extrapolated: whether k is beyond the responses: never in a study.
        - these_before, these_before_low, these_before_high: pass@k of the base on these questions:
          what other responses to them would show; null, with what follows, where k is above half
          of the responses, or these are fewer than 8.
        - these_after, these_after_low, these_after_high: likewise after.
        - these_change, these_change_low, these_change_high: after minus before.
        - these_before_least, these_before_greatest: what unscored responses could make of it.
        - these_after_least, these_after_greatest: likewise.
        - these_change_least, these_change_greatest: likewise.
        - like_these_before, like_these_before_low, like_these_before_high: the same on questions
          like these: what other questions would show.
        - like_these_after, like_these_after_low, like_these_after_high: likewise after.
        - like_these_change, like_these_change_low, like_these_change_high: after minus before.
        - like_these_before_least, like_these_before_greatest: as of these questions.
        - like_these_after_least, like_these_after_greatest: likewise.
        - like_these_change_least, like_these_change_greatest: likewise.
    """
    return _of_models(data, "capability", data.afters)


def difficulty(data: StudyData) -> pl.DataFrame:
    """pass@k before and after by the base's difficulty, cross-fitted.

    One half of the base's responses bins a question and the other half measures it, averaged over
    all splits: binning and measuring on the same responses would let hard questions seem to rise
    and easy ones to fall (`stats.bins`).

    Returns:
        One row a checkpoint of an arm, a number of tries and a bin that holds questions.

        - model, arm, seed: the checkpoint.
        - k: number of tries: 1 (accuracy), and half of the responses that all questions have.
        - bin: number of the bin, 0 the hardest.
        - label: its counts of right responses of the base, such as "1-4", out of `responses`.
        - questions: expected number of questions in the bin; not a whole number, since a question
          falls into several bins over the splits.
        - before, before_low, before_high: pass@k of the base in [0, 1], with its interval.
        - before_least, before_greatest: ends of the range that the data leave open; null here.
        - after, after_low, after_high, after_least, after_greatest: pass@k of the checkpoint.
        - change, change_low, change_high, change_least, change_greatest: after minus before,
          paired by question.
        - band_low, band_high: the band that holds the changes of all bins and all checkpoints of
          the study at this k at once (Montiel Olea and Plagborg-Moller 2019, doi 10.1002/jae.2656).
        - survives: whether the band leaves out 0.
        - responses: how many responses put a question into its bin, half of them as a rule; null
          where questions differ in it: the label is then out of all.
    """
    bins = data.banded_bins
    parts = [
        (model.columns, difficulty_table(bins[model.model]))
        for model in data.arms
        if model.model in bins
    ]
    return stacked(parts, MODEL_COLUMNS, SCHEMAS["difficulty"])


def transitions(data: StudyData) -> pl.DataFrame:
    """From which difficulty to which difficulty questions moved, beside what noise alone moves.

    Returns:
        One row a checkpoint of an arm, a kind of matrix and a pair of bins, empty ones too.

        - model, arm, seed: the checkpoint.
        - kind: raw (all responses, as the literature prints it), half (a before-half to an
          after-half), noise (a before-half to the other before-half: nothing was trained), or
          corrected (by success rates instead of counts, from the joint law). Only half and noise
          may be compared with each other: both rest on half the responses.
        - before_bin, before_label: number (0 the hardest) and counts of the bin of the base; out
          of n for raw and corrected, out of half of n for half and noise.
        - after_bin, after_label: likewise of the checkpoint (for noise: of the other half).
        - questions: number of questions; half and noise are means over all splits. Each matrix
          adds up to all questions.
    """
    return _of_models(data, "transitions", data.arms)


def lost_gained(data: StudyData) -> pl.DataFrame:
    """How many questions were lost and gained, and how many of them beyond sampling noise.

    Returns:
        Two rows a checkpoint of an arm.

        - model, arm, seed: the checkpoint.
        - direction: lost (solved within k before, not within k after) or gained (the reverse).
        - k: number of tries: half of the responses that all questions have.
        - estimate, estimate_low, estimate_high: number of questions, with its interval; unbiased.
        - noise, noise_low, noise_high: the number that a second batch of responses from the
          untrained base would show in place of the checkpoint's.
        - excess, excess_low, excess_high: estimate less noise; a net figure, negative where
          training made answers steadier.
        - n: number of responses, where it is one for all questions on both sides; null, with what
          follows, where it differs.
        - observed_at_n: number of questions with a right response among all n before and none
          after (or the reverse), noise included.
        - noise_at_n, noise_at_n_low, noise_at_n_high, noise_at_n_least, noise_at_n_greatest: how
          many of them noise explains, by the joint law, with the range that the data leave open;
          null, with what follows, where `analyse.law_resamples` is 0.
        - excess_at_n, excess_at_n_low, excess_at_n_high, excess_at_n_least, excess_at_n_greatest:
          observed less noise.
        - gross_at_n, gross_at_n_low, gross_at_n_high, gross_at_n_least, gross_at_n_greatest: the
          excess from questions that became harder (or easier) alone.
        - mcnemar_p, mcnemar_method: two-sided p-value of McNemar's test of observed losses against
          gains, exact or by sign flips of clusters; the same in both rows; null where n differs or
          a plan was curtailed.
        - floor_data_sets, excess_floor, excess_floor_largest, gross_floor, gross_floor_largest:
          mean and largest of excess and gross part at n in so many data sets of a model in which
          nothing changed; null where `analyse.law_resamples` is 0.
    """
    return _of_models(data, "lost_gained", data.arms)


def verdict(data: StudyData) -> pl.DataFrame:
    """One word for accuracy, one for capability, and the label that they give together.

    Returns:
        One row a checkpoint of an arm.

        - model, arm, seed: the checkpoint.
        - label: expanded, sharpened, sharpened at a cost, broadened, unchanged, degraded or
          inconclusive; it holds at k. Null where an axis is saturated, too hard or not measured.
        - accuracy, capability: the change of pass@1 and of pass@k: within (the margin), up, down,
          unsettled; saturated or too hard, where no change could leave the margin; or not measured.
        - because: both statements with their numbers.
        - accuracy_needed_if_unchanged, capability_needed_if_unchanged: how many questions would
          show that nothing changed; null where the axis is settled or no number would do.
        - accuracy_needed_if_changed, capability_needed_if_changed: how many would show a change of
          the size of the estimate; null likewise, and where that is too near to 0.
        - withheld: why no word is given: unscored (responses that could have moved a change by an
          unknown amount), n by outcome, or copies; null elsewhere.
        - questions: number of questions compared.
        - k: number of tries of capability, the most that every question supports.
        - margin: equivalence margin, as a share.
        - level: coverage of the intervals.
        - few_tries: whether k is below 16, too few to speak of capability without more ado.
        - climbing: whether the curve of the base still climbs at k.
        - unsaturated_k: the largest k at which not both sides are saturated, where capability is.
        - first_loss_k: the smallest k of the table `capability` at which the estimated change is
          negative; null if there is none.
        - first_loss_possible: every k of that table that may be the first true loss, by the
          simultaneous band.
        - first_loss_never: whether it may be that no k shows a loss.
        - questions_are: what all this is about: "like-these" (other questions could be asked) or
          "fixed" (these questions; other responses could be drawn).
        - accuracy_p, capability_p: the p-value that accuracy, or pass@k, did not change on
          questions like these; null where "fixed" leads or unscored responses have no bound.
        - other_accuracy, other_capability, other_k, other_because: words, k and statements on the
          other of the two; null where it can't be had.
        - caveats: how far the verdict reaches, a sentence each.
        - first_loss_informative: whether that set leaves anything out; else it says nothing.
    """
    return _of_models(data, "verdict", data.arms)


def pass_hat(data: StudyData) -> pl.DataFrame:
    """pass^k before and after: how often all of k responses are right (arXiv 2406.12045).

    Returns:
        One row a model other than the base and a number of tries, with the columns of `capability`,
        of pass^k. Under a curtailed plan k ends at the responses of a question that is always
        right.

        - model, arm, seed: the model after.
        - k: number of tries.
        - before, before_low, before_high, before_least, before_greatest: pass^k of the base.
        - after, after_low, after_high, after_least, after_greatest: pass^k of the model.
        - change, change_low, change_high, change_least, change_greatest: after minus before.
        - band_low, band_high: band that holds the change at all these k at once.
        - extrapolated: never.
        - these_before, these_before_low, these_before_high: on these questions, as in `capability`.
        - these_after, these_after_low, these_after_high: likewise after.
        - these_change, these_change_low, these_change_high: after minus before.
        - these_before_least, these_before_greatest: what unscored responses could make of it.
        - these_after_least, these_after_greatest: likewise.
        - these_change_least, these_change_greatest: likewise.
        - like_these_before, like_these_before_low, like_these_before_high: on questions like these.
        - like_these_after, like_these_after_low, like_these_after_high: likewise after.
        - like_these_change, like_these_change_low, like_these_change_high: after minus before.
        - like_these_before_least, like_these_before_greatest: as of these questions.
        - like_these_after_least, like_these_after_greatest: likewise.
        - like_these_change_least, like_these_change_greatest: likewise.
    """
    return _of_models(data, "pass_hat", data.afters)


def equal_tokens(data: StudyData) -> pl.DataFrame:
    """pass@k of base and model for the same expected tokens a question.

    Returns:
        One row a model other than the base and a budget that both curves reach; none where tokens
        are not known.

        - model, arm, seed: the model after.
        - tokens: the budget: k_after times the mean tokens of a response after.
        - k_before: tries that it pays before; pass@k is interpolated in log k between whole k.
        - k_after: tries that it pays after.
        - before, before_low, before_high: pass@k of the base.
        - after, after_low, after_high: pass@k of the model.
        - change, change_low, change_high: after minus before, paired by question; the interval
          takes in that the costs are known from these questions.
    """
    return _of_models(data, "equal_tokens", data.afters)


def warnings(data: StudyData) -> pl.DataFrame:
    """What has to be known of the responses behind a model's comparison with the base.

    Returns:
        One row a model other than the base and a warning.

        - model, arm, seed: the model.
        - text: what was left out, truncated, unscored or unequal; or why the model could not be
          compared at all; whose log-likelihood is of thought and answer together; and what a
          server gave that was not asked for, as copies.
    """
    parts = []
    for model in data.afters:
        together = {side.model: unsplit(data, side) for side in (data.base, model)}
        if any(together.values()):
            who = " and ".join(f"{n:,} responses of {name}" for name, n in together.items() if n)
            text = (
                f"The log-likelihood under the base of {who} is of thought and answer together: "
                "their scores were made by an earlier version, under another rule for thoughts, or "
                "with a tokenizer that does not say where its tokens begin. Delete their folder of "
                "scores and run `liftmap score` to have both told apart."
            )
            parts.append((model.columns, warnings_table([text])))
        comparison = data.comparison(data.base, model)
        if comparison is not None:
            notes = [
                f"{side.model}: {text}" for side in (data.base, model) for text in data.notes(side)
            ]
            parts.append((model.columns, warnings_table(notes)))
            parts.append((model.columns, comparison.table("warnings")))
        else:
            refusal = data.refusal(data.base, model) or ""
            parts.append((model.columns, warnings_table([f"Not compared: {refusal}"])))
    return stacked(parts, MODEL_COLUMNS, SCHEMAS["warnings"])


def responses(data: StudyData) -> pl.DataFrame:
    """What the texts of responses say, before and after, by difficulty for the base.

    `length` has the same of each model by itself. Every response of a group weighs the same;
    intervals resample the questions, both models' responses to each together.

    Returns:
        One row a model other than the base, a bin, a verdict and a measure.

        - model, arm, seed: the model after; the teacher stands here too, without a seed.
        - label: bin of difficulty, as right responses of the base; "all" for all questions.
        - verdict: right, wrong, or all (of these two).
        - measure: length; reflection (share of responses with a reflection phrase of Kim et al.,
          arXiv 2505.14216); thinking (share of the characters that are thought); truncated (share
          cut by the token limit); copies (share whose text stands more than once among the model's
          responses to the question); distinct (distinct answers to a question among one number of
          responses before and after; of the verdict all).
        - unit: tokens or characters for length, answers for distinct, else share (of 1).
        - before, before_low, before_high: the base; null where no response tells it, and the ends
          with responses to fewer than five questions.
        - after, after_low, after_high: the model.
        - change, change_low, change_high: after minus before, questions paired.
        - responses_before, responses_after: number of responses.
    """
    return _of_models(data, "responses", data.afters)


def indicators(data: StudyData) -> pl.DataFrame:
    """How well indicators tell right from wrong responses, before and after.

    Returns:
        One row a model other than the base and an indicator.

        - model, arm, seed: the model after; the teacher stands here too, without a seed.
        - indicator: length, reflection, thinking or majority, as in `quality`.
        - before, before_low, before_high: mean area under the ROC curve of the base's responses to
          one question, in [0, 1]; .5 tells nothing.
        - after, after_low, after_high: likewise of the model.
        - change, change_low, change_high: after minus before, questions paired.
        - questions_before, questions_after: number of questions with both right and wrong
          responses, which alone count.
    """
    return _of_models(data, "indicators", data.afters)


def contrast(data: StudyData) -> pl.DataFrame:
    """pass@k of two arms that differ in nothing but whose responses they were trained on.

    The arms are `StudyConfig.contrasts`; checkpoints of the same training seed are compared, so a
    seed that only one of the arms has is left out.

    Returns:
        One row a pair of arms, a seed and a number of tries.

        - before_arm: the arm trained on the base's own responses.
        - after_arm: the arm trained on another model's responses to the same questions.
        - seed: the training seed of both.
        - k: number of tries, as in `capability`.
        - before, before_low, before_high, before_least, before_greatest: pass@k of before_arm, as
          in `capability`.
        - after, after_low, after_high, after_least, after_greatest: pass@k of after_arm.
        - change, change_low, change_high, change_least, change_greatest: after minus before,
          paired by question.
        - band_low, band_high: band that holds the change at all these k at once.
        - extrapolated: whether k is beyond the responses: never in a study.
        - these_before, these_before_low, these_before_high: pass@k before on these questions:
          what other responses to them would show; null, with what follows, where k is above half
          of the responses, or these are fewer than 8.
        - these_after, these_after_low, these_after_high: likewise after.
        - these_change, these_change_low, these_change_high: after minus before.
        - these_before_least, these_before_greatest: what unscored responses could make of it.
        - these_after_least, these_after_greatest: likewise.
        - these_change_least, these_change_greatest: likewise.
        - like_these_before, like_these_before_low, like_these_before_high: the same on questions
          like these: what other questions would show.
        - like_these_after, like_these_after_low, like_these_after_high: likewise after.
        - like_these_change, like_these_change_low, like_these_change_high: after minus before.
        - like_these_before_least, like_these_before_greatest: as of these questions.
        - like_these_after_least, like_these_after_greatest: likewise.
        - like_these_change_least, like_these_change_greatest: likewise.
    """
    comparisons = [(pair, data.comparison(*pair)) for pair in data.contrasts]
    return stacked(
        [
            (
                {"before_arm": before.arm, "after_arm": after.arm, "seed": before.seed},
                each.table("capability"),
            )
            for (before, after), each in comparisons
            if each is not None
        ],
        PAIR_COLUMNS,
        SCHEMAS["capability"],
    )
