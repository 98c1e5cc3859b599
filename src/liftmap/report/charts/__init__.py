"""The charts of the report by name. To add one, write a function and one entry of `CHARTS` here.

A chart takes one table and gives its panels, each a chart under its own small title; the page puts
its legend and one sentence on how to read it above, and its table beneath. Third parties add charts
through the entry-point group `liftmap.charts`, each a `Chart`.
"""

from __future__ import annotations

from importlib.metadata import entry_points

import polars as pl

from liftmap.report.charts import benchmarks, difficulty, lift, responses, training
from liftmap.report.charts.chart import Chart as Chart
from liftmap.report.charts.chart import Legend as Legend
from liftmap.report.charts.chart import Subject as Subject
from liftmap.report.charts.rows import (
    APART,
    PARTS,
    both_estimands,
    change_rows,
    curve_rows,
    doubling,
    known_parts,
    of_k,
    of_kinds,
    of_measure,
    of_phrases,
    with_range,
    without,
)
from liftmap.report.charts.style import DOWN, GREY, INK, LIGHT, UP
from liftmap.report.tables import (
    Grid,
    metrics_grid,
    moved_grid,
    moves_at_n_grid,
    moves_grid,
    response_grid,
    spans,
    transition_grid,
)

_COUNTED: tuple[Subject, ...] = ("study", "counts")
_ALWAYS: tuple[Subject, ...] = ("study", "counts", "matrix")
_BEFORE_AND_AFTER: Legend = (("{before}", GREY, "line"), ("{after}", INK, "line"))
_BASE_AND_ARM: Legend = (("base", GREY, "line"), ("arm", INK, "line"))
_SIGNS: Legend = (
    ("interval above zero", UP, "dot"),
    ("below zero", DOWN, "dot"),
    ("holds zero", GREY, "dot"),
)
_SURVIVES: Legend = (
    ("band over all bins above zero", UP, "dot"),
    ("below zero", DOWN, "dot"),
    ("holds zero", GREY, "dot"),
)
_MEASURES: Legend = (("accuracy (pass@1)", INK, "dot"), ("pass@k at the larger k", INK, "diamond"))

HERO = Chart(
    "What changed",
    "Change of accuracy against change of capability",
    "Right is more reliable, up is more solved; bars are {level} intervals over questions, and a "
    "bar inside the grey stripe is a change of at most {margin}.",
    "overview",
    lift.hero,
    (
        ("capability up", UP, "dot"),
        ("capability down", DOWN, "dot"),
        ("interval holds zero", GREY, "dot"),
        ("hollow: capability not settled", GREY, "ring"),
        ("within the margin", LIGHT, "square"),
    ),
    size="wide",
)

CHARTS: dict[str, Chart] = {
    "curves": Chart(
        "Accuracy and capability",
        "Questions solved within k responses (pass@k), before and after",
        "The left end is accuracy, the right end capability; where the curves meet, {after} solves "
        "no more than {before} given enough tries. Shades are {level} intervals.",
        "capability",
        lift.curves,
        _BEFORE_AND_AFTER,
        rows=curve_rows("before", "after"),
        subjects=_ALWAYS,
    ),
    "changes": Chart(
        "Accuracy and capability",
        "Change of pass@k from {before} to {after}",
        "The shade is a simultaneous {level} band: the whole curve lies in it, so a coloured point "
        "is a change at that k even though many k were looked at. A range is what unscored "
        "responses could make of the change.",
        "capability",
        lift.changes,
        (("band above zero", UP, "dot"), ("below zero", DOWN, "dot"), ("holds zero", GREY, "dot")),
        {"range": "points"},
        change_rows,
        subjects=_COUNTED,
    ),
    "pass-hat": Chart(
        "Accuracy and capability",
        "Questions answered right in all of k responses (pass^k), before and after",
        "The left end is accuracy again; a curve that falls less is a model that can be relied on. "
        "Shades are {level} intervals.",
        "pass_hat",
        lift.pass_hat,
        _BEFORE_AND_AFTER,
        # At k = 1 alone it is accuracy, which stands above.
        rows=lambda table: curve_rows("before", "after")(
            table.filter(pl.col("k").max().over("model") > 1)
        ),
        subjects=_COUNTED,
    ),
    "equal-tokens": Chart(
        "Accuracy and capability",
        "What {before} and {after} solve for the same tokens",
        "k responses cost k times the mean tokens of one. Each row holds {after} at k against "
        "{before} at as many responses as the same tokens pay, interpolated in log k; brackets are "
        "{level} intervals.",
        "equal_tokens",
        None,
        kinds={"tokens": "count", "k_before": "number1"},
        subjects=_COUNTED,
    ),
    "nulls": Chart(
        "Against nulls",
        "What the null does, and what training does beyond it",
        "A null is what a sceptic would try instead of training, such as {before} at a low "
        "temperature. From it to {after} is what training adds; all on the questions that before, "
        "null and after answered. Brackets are {level} intervals.",
        "nulls",
        None,
        subjects=("counts",),
    ),
    "both-estimands": Chart(
        "Accuracy and capability",
        "On these questions, and on questions like these",
        "On these questions: what other responses to the very questions asked would show. On "
        "questions like these: what other questions would show, which is less certain. The first "
        "needs 8 responses a question and reaches half of them. Brackets are {level} intervals.",
        "capability",
        None,
        kinds={
            f"{which}_{part}": "points" if part == "change" else "percent"
            for which in ("these", "like_these")
            for part in PARTS
        },
        rows=both_estimands,
        subjects=_COUNTED,
    ),
    "changes-by-law": Chart(
        "Accuracy and capability",
        "Change of pass@k from {before} to {after}",
        "The range is what the matrix leaves open, beside the {level} interval.",
        "capability",
        None,
        kinds={"range": "points"},
        rows=change_rows,
        subjects=("matrix",),
    ),
    "first-loss": Chart(
        "Accuracy and capability",
        "The first k at which the arm solves less than the base",
        "Possible: every k that the band allows as the first true loss; whether it allows that "
        "there is none stands last. Models of which it says nothing are left out.",
        "verdict",
        None,
        rows=lambda table: table.filter("first_loss_informative").select(
            "model",
            pl.col("first_loss_possible")
            .map_elements(spans, return_dtype=pl.String)
            .alias("possible k"),
            pl.col("first_loss_never").alias("may never lose"),
        ),
    ),
    "seeds": Chart(
        "Accuracy and capability",
        "Spread between training seeds",
        "Intervals elsewhere cover questions, not training; this is how far checkpoints of one arm "
        "that differ in the seed alone lie apart.",
        "seeds",
        None,
        rows=lambda table: table.filter(pl.col("seeds") > 1),
    ),
    "difficulty": Chart(
        "By difficulty",
        "Change of accuracy by difficulty for {before}",
        "Hard questions stand left. Questions are binned by one half of the responses of {before} "
        "and measured on the other, so that luck in the binning does not look like a change; bars "
        "are {level} intervals, and one that the frame cuts is in the table. A bin is coloured if "
        "it stands though many were looked at: the band of all bins (and arms) leaves out zero.",
        "difficulty",
        difficulty.by_difficulty,
        _SURVIVES,
        {"range": "points"},
        of_k(accuracy=True),
        subjects=_COUNTED,
    ),
    "difficulty-by-law": Chart(
        "By difficulty",
        "Change of accuracy by difficulty for {before}",
        "Questions by printed bin; success rates within it by the fitted law. Bars are {level} "
        "intervals; the table has the range that the matrix leaves open.",
        "difficulty",
        difficulty.by_difficulty,
        _SIGNS,
        {"range": "points"},
        of_k(accuracy=True),
        subjects=("matrix",),
    ),
    "difficulty-solved": Chart(
        "By difficulty",
        "Change of pass@{half} by difficulty for {before}",
        "As above, for questions solved within {half} responses; a bin that is solved nearly "
        "always has no room to rise.",
        "difficulty",
        difficulty.by_difficulty,
        _SURVIVES,
        {"range": "points"},
        of_k(accuracy=False),
        subjects=_COUNTED,
    ),
    "transitions": Chart(
        "By difficulty",
        "Where questions went: right responses of {n}, from {before} to {after}",
        "A row is a bin before, a column where its questions are after; right of the rising "
        "diagonal they gained, left of it they lost. Much of this is sampling noise: see the next "
        "figure.",
        "transitions",
        difficulty.transitions,
        (("share of the row", "#7d858f", "square"),),
        rows=of_kinds("raw"),
        show=transition_grid,
        size="big",
        subjects=_ALWAYS,
    ),
    "beyond-noise": Chart(
        "By difficulty",
        "Where questions went beyond noise: right responses of {half}",
        "Upper figure: questions, from half of the responses of {before} to half of those of "
        "{after}. Small figure: the noise floor, from one half of the responses of {before} to the "
        "other, nothing trained. Colour: the first exceeds the second.",
        "transitions",
        difficulty.beyond_noise,
        (
            ("more rose than noise gives", UP, "square"),
            ("more fell than noise gives", DOWN, "square"),
        ),
        rows=of_kinds("half", "noise"),
        show=transition_grid,
        size="big",
        subjects=_ALWAYS,
    ),
    "corrected": Chart(
        "By difficulty",
        "Where questions went by success rates, noise taken out",
        "By the joint law of success rates before and after that fits all counts best; it takes "
        "out what noise moves and adds the roughness of a fitted law.",
        "transitions",
        difficulty.transitions,
        (("share of the row", "#7d858f", "square"),),
        rows=of_kinds("corrected"),
        show=transition_grid,
        size="big",
        subjects=_ALWAYS,
    ),
    "lost-gained": Chart(
        "By difficulty",
        "Questions gained and lost",
        "Lost: solved within k = {half} responses before and not after; gained: the reverse. "
        "Beyond noise is the first minus what a second batch from {before} would show; bars are "
        "{level} intervals.",
        "lost_gained",
        difficulty.lost_gained,
        (
            ("estimated", INK, "dot"),
            ("noise alone", GREY, "dot"),
            ("gained beyond noise", UP, "dot"),
            ("lost beyond noise", DOWN, "dot"),
        ),
        rows=lambda table: table.filter(pl.col("estimate").is_not_null()),
        show=moves_grid,
        subjects=_COUNTED,
    ),
    "lost-gained-at-n": Chart(
        "By difficulty",
        "Questions gained and lost with all {n} responses",
        "Observed is a count. How much of it noise explains the fitted law says: with its {level} "
        "interval, and with the range that the data leave open. Gross is what questions that "
        "became harder (or easier) alone add beyond noise.",
        "lost_gained",
        None,
        rows=lambda table: table.filter(pl.col("noise_at_n").is_not_null()),
        show=moves_at_n_grid,
        subjects=_ALWAYS,
    ),
    "contrast": Chart(
        "Whose responses teach better",
        "Trained on another model's right responses, against trained on the base's own",
        "Both arms saw the same questions with the same number of right responses each, so above "
        "zero the other model's responses taught better; the shade is a simultaneous {level} band.",
        "contrast",
        lift.contrast,
        (("band above zero", UP, "dot"), ("below zero", DOWN, "dot"), ("holds zero", GREY, "dot")),
        {"range": "points"},
        lambda table: with_range(doubling(table).drop("extrapolated")),
    ),
    "contrast-difficulty": Chart(
        "Whose responses teach better",
        "The same lead in accuracy by difficulty for the base",
        "Hard questions stand left; bars are {level} intervals.",
        "contrast_difficulty",
        difficulty.contrast_by_difficulty,
        _SIGNS,
    ),
    "length": Chart(
        "What the responses look like",
        "Length of responses by difficulty",
        "Compare the two full lines: right responses of base and arm to equally hard questions; "
        "bars are {level} intervals, and one that the frame cuts is in the table.",
        "length",
        responses.length,
        (*_BASE_AND_ARM, ("right", INK, "dot"), ("wrong, dashed", INK, "ring")),
        rows=without("reflection", "thought_reflection", "answer_reflection"),
    ),
    "reflection": Chart(
        "What the responses look like",
        "Responses with a reflection phrase by difficulty",
        "Share of responses that hold at least one phrase such as 'wait' or 'double-check'; bars "
        "are {level} intervals, and one that the frame cuts is in the table.",
        "length",
        responses.reflection,
        (*_BASE_AND_ARM, ("right", INK, "dot"), ("wrong, dashed", INK, "ring")),
        rows=without("tokens", "thought", "answer", "unit", "thinking", "truncated", "copies"),
    ),
    "likelihood": Chart(
        "What the responses look like",
        "Likelihood, under the base, of the arm's right responses against the base's own",
        "Left of zero the base finds the arm's right responses less likely than its own; right of "
        "it, likelier. Bars are {level} intervals.",
        "likelihood",
        responses.likelihood,
        _SIGNS,
        {
            **{f"{part}{side}": "number3" for part in APART for side in ("before", "after")},
            **{f"{part}change": "signed3" for part in APART},
            **{f"{part}questions": "count" for part in APART},
        },
        rows=known_parts,
    ),
    "quality": Chart(
        "What the responses look like",
        "What tells right from wrong responses to one question",
        "AUC is the chance that a right response has the higher value of two to the same question, "
        "one right and one wrong: at .5 the indicator tells nothing. Bars are {level} intervals.",
        "quality",
        responses.quality,
        (("above .5", UP, "dot"), ("below .5", DOWN, "dot"), ("holds .5", GREY, "dot")),
    ),
    "length-of-two": Chart(
        "What the responses look like",
        "Length of responses by difficulty",
        "Compare the two full lines: right responses of {before} and {after} to equally hard "
        "questions; bars are {level} intervals, and one that the frame cuts is in the table.",
        "responses",
        responses.length_of_two,
        (*_BEFORE_AND_AFTER, ("right", INK, "dot"), ("wrong, dashed", INK, "ring")),
        rows=of_measure("length"),
        show=response_grid,
        subjects=("counts",),
    ),
    "phrases-of-two": Chart(
        "What the responses look like",
        "Responses with a phrase by difficulty",
        "Share of responses that hold at least one phrase of the list, such as 'wait' or "
        "'double-check'; bars are {level} intervals.",
        "responses",
        responses.phrases_of_two,
        (*_BEFORE_AND_AFTER, ("right", INK, "dot"), ("wrong, dashed", INK, "ring")),
        rows=of_phrases,
        show=response_grid,
        subjects=("counts",),
    ),
    "responses-of-two": Chart(
        "What the responses look like",
        "Responses to all questions",
        "Thinking is a share of the characters; copies have the text of another response to the "
        "question; distinct answers are counted among as many responses before as after.",
        "responses",
        None,
        rows=lambda table: table.filter(pl.col("label") == responses.ALL),
        show=response_grid,
        subjects=("counts",),
    ),
    "indicators": Chart(
        "What the responses look like",
        "What tells right from wrong responses to one question",
        "The chance that a right response has the higher value of two to the same question, one "
        "right and one wrong: at .5 the indicator tells nothing.",
        "indicators",
        None,
        kinds={name: "number3" for name in ("before", "after")} | {"change": "signed3"},
        subjects=("counts",),
    ),
    "styles": Chart(
        "What the responses look like",
        "Styles of response",
        "Each bar is a model's responses to questions of one wording, split by style.",
        "styles",
        responses.styles,
    ),
    "knowledge": Chart(
        "What the base knows",
        "Change by what the base knows of a question's facts",
        "On facts that the base does not know, a gain means that something was learned; on known "
        "ones it can be mere reliability. Bars are {level} intervals.",
        "knowledge",
        responses.knowledge,
        (*_MEASURES, *_SIGNS),
    ),
    "moved": Chart(
        "Question by question",
        "Questions whose success rate moved beyond noise",
        "A point is a question; above the line it rose, below it fell. Only questions that pass a "
        "test corrected for the number of questions are shown.",
        "moved",
        difficulty.moved,
        (("rose", UP, "dot"), ("fell", DOWN, "dot")),
        show=moved_grid,
    ),
    "new-against-old": Chart(
        "Benchmarks",
        "What was gained on new benchmarks, against what was kept of old ones",
        "Right is a gain where training aimed, down a loss where it did not: forgetting. Each is "
        "the mean over its benchmarks; bars are {level} intervals.",
        "suite",
        benchmarks.new_against_old,
        (
            ("old benchmarks: interval above zero", UP, "dot"),
            ("below zero: forgotten", DOWN, "dot"),
            ("holds zero", GREY, "dot"),
        ),
        show=lambda table: Grid([], [], []),
        size="wide",
        subjects=("study", "suite"),
    ),
    "benchmarks": Chart(
        "Benchmarks",
        "Change on each benchmark",
        "Bars are {level} intervals over questions, each for itself; Holm's p in the table is the "
        "smaller of the two axes', adjusted for all of them. In means, the questions of each "
        "benchmark are resampled among themselves.",
        "suite",
        benchmarks.by_benchmark,
        _SIGNS,
        show=benchmarks.suite_grid,
        size="big",
        subjects=("study", "suite"),
    ),
    "training": Chart(
        "Training",
        "Accuracy on the dev questions, from which the checkpoint was chosen",
        "The filled step is the one that the rest of this page reports; test questions had no part "
        "in the choice. Arms with one saved step are in the table alone.",
        "training",
        training.dev_accuracy,
        (("chosen step", INK, "dot"), ("other saved steps", INK, "ring")),
    ),
    "steps": Chart(
        "Training",
        "Accuracy and capability on dev questions while the arm was trained",
        "Step 0 is the base. Shades are {level} intervals, each about its own step: over many "
        "steps the largest change is partly luck. The questions are dev questions: no figure of "
        "the test questions is among these.",
        "steps",
        training.steps,
        (("accuracy (pass@1)", INK, "line"), ("capability (pass@k)", GREY, "line")),
        {
            "accuracy": "percent",
            "capability": "percent",
            "accuracy_change": "points",
            "capability_change": "points",
            "lost": "signed1",
            "tokens": "count",
        },
    ),
    "gradient": Chart(
        "Training",
        "Groups without a gradient: logged, and predicted by the law of success rates",
        "Dots are what the trainer logged of its groups of train questions, a few groups a step; "
        "lines are what the success rates on dev questions at that step (or, without them, of the "
        "base on the test questions) predict for groups of this size, shades their {level} "
        "intervals. A group whose responses are all alike teaches GRPO nothing.",
        "gradient",
        training.gradient,
        (
            ("no gradient", INK, "line"),
            ("all right", UP, "line"),
            ("all wrong", DOWN, "line"),
            ("logged", GREY, "dot"),
        ),
        {
            **{name: "percent" for name in ("no_gradient", "all_right", "all_wrong", "reward")},
            **{
                f"predicted_{name}": "percent" for name in ("no_gradient", "all_right", "all_wrong")
            },
            "truncated": "percent",
        },
    ),
    "metrics": Chart(
        "Training",
        "What the trainers logged",
        "Grey is every step, black a running mean: the reward of reinforcement learning on its "
        "train questions, the loss of everything else.",
        "metrics",
        training.metrics,
        show=metrics_grid,
    ),
    "rates": Chart(
        "Responses that count otherwise",
        "Truncated, unscored, answerless and unfinished responses, and those too costly to verify",
        "Truncated responses (cut at the token limit) are scored as they stand. Answerless ones, "
        "those that ended while thinking and those that exhausted the verifier's time or memory "
        "are wrong; unscored ones are failures of the verifier and left out of all figures.",
        "rates",
        None,
    ),
    "warnings": Chart(
        "Responses that count otherwise",
        "What has to be known of the responses behind a comparison",
        "Questions left out of a model's comparison with the base, truncated and unscored "
        "responses, unequal numbers of responses.",
        "warnings",
        None,
    ),
}


def charts(subject: Subject) -> dict[str, Chart]:
    """The charts of a page by name, in its order: ours, then those of third parties."""
    others = {e.name: e.load() for e in entry_points(group="liftmap.charts")}
    known = CHARTS | {name: chart for name, chart in others.items() if name not in CHARTS}
    return {name: chart for name, chart in known.items() if subject in chart.subjects}
