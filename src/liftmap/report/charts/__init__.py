"""The charts of the report by name. To add one, write a function and one entry of `CHARTS` here.

A chart takes one table and gives its panels, each a chart under its own small title; the page puts
its legend and one sentence on how to read it above, and its table beneath. Third parties add charts
through the entry-point group `liftmap.charts`, each a `Chart`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Literal

import polars as pl

from liftmap.report.charts import difficulty, lift, responses, training
from liftmap.report.charts.style import DOWN, GREY, INK, LIGHT, UP, Panel
from liftmap.report.tables import Grid, metrics_grid, moved_grid, transition_grid

Mark = Literal["line", "dash", "dot", "ring", "diamond", "square"]
Legend = tuple[tuple[str, str, Mark], ...]


def _all_rows(table: pl.DataFrame) -> pl.DataFrame:
    return table


def _without(*names: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    columns = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    return lambda table: table.drop(columns, strict=False)


def _kinds(*kinds: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda table: table.filter(pl.col("kind").is_in(kinds))


@dataclass(frozen=True)
class Chart:
    """One figure of the report.

    Attributes:
        section: Heading under which it stands; sections come in the order of their first chart.
        title: States what is shown.
        reading: One sentence on how to read it. {level}, {n}, {half} and {margin} are filled in:
            coverage of the intervals, responses a question, half of them, the margin in points.
        table: The table it draws and shows beneath.
        draw: Gives the panels by title from the table; None where the table speaks for itself.
        legend: What marks mean: text, colour, shape.
        kinds: How columns are written where it isn't as `tables.KINDS` says.
        rows: The rows that it draws and shows; all by default.
        show: Makes the printed table of these rows; None takes `tables.grid`.
        size: Width of a panel: "" shares a row with others, "big" takes more, "wide" all of it.
    """

    section: str
    title: str
    reading: str
    table: str
    draw: Callable[[pl.DataFrame], dict[str, Panel]] | None
    legend: Legend = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    rows: Callable[[pl.DataFrame], pl.DataFrame] = _all_rows
    show: Callable[[pl.DataFrame], Grid] | None = None
    size: Literal["", "big", "wide"] = ""


_BASE_AND_ARM: Legend = (("base", GREY, "line"), ("arm", INK, "line"))
_SIGNS: Legend = (
    ("interval above zero", UP, "dot"),
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
        "The left end is accuracy, the right end capability; where the curves meet, the arm solves "
        "no more than the base given enough tries. Shades are {level} intervals.",
        "capability",
        lift.curves,
        _BASE_AND_ARM,
        rows=_without("change", "band"),
    ),
    "changes": Chart(
        "Accuracy and capability",
        "Change of pass@k against the base",
        "The shade is a simultaneous {level} band: the whole curve lies in it, so a coloured point "
        "is a change at that k even though many k were looked at.",
        "capability",
        lift.changes,
        (("band above zero", UP, "dot"), ("below zero", DOWN, "dot"), ("holds zero", GREY, "dot")),
        rows=_without("before", "after"),
    ),
    "first-loss": Chart(
        "Accuracy and capability",
        "The first k at which the arm solves less than the base",
        "Estimated: where the curve first falls below zero. Possible: every k that the band allows "
        "as the first true loss; whether it allows that there is none stands last.",
        "verdict",
        None,
        rows=lambda table: table.select(
            "model",
            pl.col("first_loss_k").alias("estimated k"),
            pl.col("first_loss_possible").alias("possible k"),
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
        "Change of accuracy by difficulty for the base",
        "Hard questions stand left. Questions are binned by one half of the base's responses and "
        "measured on the other, so that luck in the binning does not look like a change; bars are "
        "{level} intervals, and one that the frame cuts is in the table.",
        "difficulty",
        difficulty.by_difficulty,
        _SIGNS,
        rows=lambda table: table.filter(pl.col("k") == 1),
    ),
    "difficulty-solved": Chart(
        "By difficulty",
        "Change of pass@{half} by difficulty for the base",
        "As above, for questions solved within {half} responses; a bin that is solved nearly "
        "always has no room to rise.",
        "difficulty",
        difficulty.by_difficulty,
        _SIGNS,
        rows=lambda table: table.filter(pl.col("k") > 1),
    ),
    "transitions": Chart(
        "By difficulty",
        "Where questions went: right responses of {n}, base against arm",
        "A row is a bin of the base, a column where its questions are after; right of the rising "
        "diagonal they gained, left of it they lost. Much of this is sampling noise: see the next "
        "figure.",
        "transitions",
        difficulty.transitions,
        (("share of the row", "#7d858f", "square"),),
        rows=_kinds("raw"),
        show=transition_grid,
        size="big",
    ),
    "beyond-noise": Chart(
        "By difficulty",
        "Where questions went beyond noise: right responses of {half}",
        "Upper figure: questions, from half of the base's responses to half of the arm's. Small "
        "figure: the noise floor, from one half of the base's responses to the other, nothing "
        "trained. Colour: the first exceeds the second.",
        "transitions",
        difficulty.beyond_noise,
        (
            ("more rose than noise gives", UP, "square"),
            ("more fell than noise gives", DOWN, "square"),
        ),
        rows=_kinds("half", "noise"),
        show=transition_grid,
        size="big",
    ),
    "lost-gained": Chart(
        "By difficulty",
        "Questions gained and lost",
        "Lost: solved within k = {half} responses before and not after; gained: the reverse. "
        "Beyond noise is the first minus what a second batch from the untrained base would show; "
        "bars are {level} intervals.",
        "lost_gained",
        difficulty.lost_gained,
        (
            ("estimated", INK, "dot"),
            ("noise alone", GREY, "dot"),
            ("gained beyond noise", UP, "dot"),
            ("lost beyond noise", DOWN, "dot"),
        ),
    ),
    "contrast": Chart(
        "Whose responses teach better",
        "Trained on another model's right responses, against trained on the base's own",
        "Both arms saw the same questions with the same number of right responses each, so above "
        "zero the other model's responses taught better; the shade is a simultaneous {level} band.",
        "contrast",
        lift.contrast,
        (("band above zero", UP, "dot"), ("below zero", DOWN, "dot"), ("holds zero", GREY, "dot")),
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
        rows=_without("reflection", "thought_reflection", "answer_reflection"),
    ),
    "reflection": Chart(
        "What the responses look like",
        "Responses with a reflection phrase by difficulty",
        "Share of responses that hold at least one phrase such as 'wait' or 'double-check'; bars "
        "are {level} intervals, and one that the frame cuts is in the table.",
        "length",
        responses.reflection,
        (*_BASE_AND_ARM, ("right", INK, "dot"), ("wrong, dashed", INK, "ring")),
        rows=_without("tokens", "thought", "answer", "unit"),
    ),
    "likelihood": Chart(
        "What the responses look like",
        "Likelihood, under the base, of the arm's right responses against the base's own",
        "Left of zero the base finds the arm's right responses less likely than its own; right of "
        "it, likelier. Bars are {level} intervals.",
        "likelihood",
        responses.likelihood,
        _SIGNS,
        {"before": "number3", "after": "number3", "change": "signed3"},
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
    "training": Chart(
        "Training",
        "Accuracy on the dev questions, from which the checkpoint was chosen",
        "The filled step is the one that the rest of this page reports; test questions had no part "
        "in the choice. Arms with one saved step are in the table alone.",
        "training",
        training.dev_accuracy,
        (("chosen step", INK, "dot"), ("other saved steps", INK, "ring")),
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
        "Truncated, unscored and answerless responses, and those that ended while thinking",
        "Truncated responses (cut at the token limit) are scored as they stand, answerless ones "
        "and those that ended while thinking are wrong; unscored ones are failures of the "
        "verifier and left out of all figures.",
        "rates",
        None,
    ),
}


def charts() -> dict[str, Chart]:
    """All charts by name, in the order of the page: ours, then those of third parties."""
    found = {e.name: e for e in entry_points(group="liftmap.charts")}
    return CHARTS | {name: e.load() for name, e in found.items() if name not in CHARTS}
