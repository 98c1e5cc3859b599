"""What a run shows of each claim of the findings: one function a claim, one entry a checkpoint.

Stands between the tables and `findings`; reads tables and overview rows, applies the rules of
`claims`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from liftmap.comparison.rounding import change_text, estimate_of, fixed, interval, percent
from liftmap.config import BASE, StudyConfig
from liftmap.records import Estimate
from liftmap.report import claims
from liftmap.report.claims import Evidence, Outcome
from liftmap.report.overview import Tables

Row = dict[str, Any]

# Two responses are as long as each other if they differ by at most this share of the base's length.
LENGTH_TOLERANCE = 0.05
# An indicator tells nothing if its AUC lies this close to .5.
AUC_TOLERANCE = 0.05
# Bins at the hard end of the scale that the study sets apart: unsolved, and solved a few times.
HARDEST = 2


@dataclass(frozen=True)
class Run:
    """What the findings are read from.

    Attributes:
        tables: The study's tables by name.
        overview: The rows of `overview.summarise`.
        config: The study.
    """

    tables: Tables
    overview: pl.DataFrame
    config: StudyConfig

    @property
    def margin(self) -> float:
        """The equivalence margin, as a share."""
        return self.config.analyse.margin

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        return self.config.analyse.level

    def checkpoints(self, arms: Sequence[str]) -> list[Row]:
        """Rows of the overview of these arms, one a checkpoint."""
        return self.overview.filter(pl.col("arm").is_in(list(arms))).to_dicts()

    def rows(self, table: str, **where: str | int) -> list[Row] | None:
        """Rows of a table with these values; None if the table is missing."""
        if table not in self.tables:
            return None
        conditions = [pl.col(column) == value for column, value in where.items()]
        return self.tables[table].filter(*conditions).to_dicts()


def known(value: Estimate) -> bool:
    """Whether an estimate has an interval."""
    return value.low == value.low and value.high == value.high


def _unbroken(label: str) -> str:
    """A bin's label that stays on one line."""
    return label.replace("-", "\u2011")


def accuracy_rises(row: Row, run: Run) -> Evidence:
    """Accuracy rises beyond the margin or at least beyond 0; `claims.rises`."""
    return _on_axis(row, "accuracy", 1, claims.rises(_change(row, "accuracy"), run.margin))


def capability_rises(row: Row, run: Run) -> Evidence:
    """The same of pass@k at the k of the verdict."""
    outcome = claims.rises(_change(row, "capability"), run.margin)
    return _on_axis(row, "capability", row["k"], outcome)


def capability_stays(row: Row, run: Run) -> Evidence:
    """Capability does not rise by more than the margin; `claims.at_most`."""
    outcome = claims.at_most(_change(row, "capability"), run.margin)
    return _on_axis(row, "capability", row["k"], outcome)


def _change(row: Row, axis: str) -> Estimate:
    return estimate_of(row, f"{axis}_change")


def _on_axis(row: Row, axis: str, k: int, outcome: Outcome) -> Evidence:
    before, after = percent(row[f"{axis}_before"]), percent(row[f"{axis}_after"])
    text = f"{row['model']}, pass@{k}: {before} % to {after} %, {change_text(_change(row, axis))}"
    return Evidence(text, outcome)


def _accuracy_bins(row: Row, run: Run) -> list[tuple[int, str, Estimate]] | None:
    """Bin, label and change of accuracy, hardest first; bins without an interval left out."""
    rows = run.rows("difficulty", model=row["model"], k=1)
    if rows is None:
        return None
    bins = [(r["bin"], _unbroken(r["label"]), estimate_of(r, "change")) for r in rows]
    return sorted((b for b in bins if known(b[2])), key=lambda b: b[0])


def middle_gains_most(row: Row, run: Run) -> Evidence:
    """The largest gain is in the middle, and exceeds that of each bin at either end.

    Holds if the lead over each end bin has its interval above 0; fails if the gain of one end bin
    exceeds that of every middle bin so. Intervals of leads are widened for the number of bins that
    were searched.
    """
    bins = _accuracy_bins(row, run)
    if bins is None:
        return Evidence("the table by difficulty is missing", None)
    last = max((b for b, _, _ in bins), default=0)
    ends = [b for b in bins if b[0] < HARDEST or b[0] == last]
    middle = [b for b in bins if b not in ends]
    if not middle or not any(b[0] < HARDEST for b in ends):
        return Evidence(f"{row['model']}: too few bins hold questions", "unsettled")
    _, label, best = max(middle, key=lambda b: b[2].estimate)
    others = ", ".join(f"{change_text(by)} in bin {name}" for _, name, by in ends)
    text = f"{row['model']}: {change_text(best)} in bin {label}; {others}"
    if all(_lead(best, end[2], len(middle), run).low > 0 for end in ends):
        return Evidence(text, "holds")
    looks = len(middle) * len(ends)
    beaten = any(all(_lead(m[2], e[2], looks, run).high < 0 for m in middle) for e in ends)
    return Evidence(text, "fails" if beaten else "unsettled")


def _lead(first: Estimate, second: Estimate, looks: int, run: Run) -> Estimate:
    return claims.widened(claims.difference(first, second), looks, run.level)


def hardest_gain_nothing(row: Row, run: Run) -> Evidence:
    """No bin at the hard end gains more accuracy than the margin; `claims.everywhere`."""
    bins = _accuracy_bins(row, run)
    if bins is None:
        return Evidence("the table by difficulty is missing", None)
    hardest = [b for b in bins if b[0] < HARDEST]
    parts = "; ".join(f"{change_text(by)} in bin {label}" for _, label, by in hardest)
    plain = [claims.at_most(by, run.margin) for _, _, by in hardest]
    wide = [claims.widened(by, len(hardest), run.level) for _, _, by in hardest]
    outcome = claims.everywhere(plain, [claims.at_most(by, run.margin) for by in wide])
    if outcome is None:
        return Evidence(f"{row['model']}: no test question is so hard for the base", "unsettled")
    return Evidence(f"{row['model']}: {parts}", outcome)


def lost(row: Row, run: Run) -> Evidence:
    """More questions are lost than noise gives.

    Holds if the interval of the excess lies above 0; fails if it ends within the margin (as a share
    of the questions).
    """
    if row["lost"] is None:
        return Evidence("the table of lost questions is missing", None)
    excess = estimate_of(row, "lost")
    text = (
        f"{row['model']}: {fixed(excess.estimate, signed=True)} {interval(excess, scale=1)} "
        f"of {row['questions']} questions"
    )
    few: Outcome = "fails" if excess.high <= run.margin * row["questions"] else "unsettled"
    return Evidence(text, "holds" if excess.low > 0 else few)


def at_every_difficulty(run: Run, model: str, name: Literal["tokens", "reflection"]) -> Evidence:
    """Right responses are in no bin longer, or in every bin hold fewer phrases; by `everywhere`.

    Longer means by more than `LENGTH_TOLERANCE` of the base's length; fewer means fewer than none.
    """
    tables = [run.rows("length", model=m, verdict="right") for m in (BASE, model)]
    if tables[0] is None or tables[1] is None:
        return Evidence("the table of lengths is missing", None)
    before, after = (
        {_unbroken(r["label"]): estimate_of(r, name) for r in rows if r["label"] != "all"}
        for rows in (tables[0], tables[1])
    )
    shared = [b for b in before if b in after and known(before[b]) and known(after[b])]
    by = {b: claims.difference(after[b], before[b]) for b in shared}

    def rule(difference: Estimate, base: Estimate) -> Outcome:
        if name == "tokens":
            return claims.at_most(difference, LENGTH_TOLERANCE * base.estimate)
        return claims.below(difference)

    plain = [rule(by[b], before[b]) for b in shared]
    wide = [rule(claims.widened(by[b], len(shared), run.level), before[b]) for b in shared]
    outcome = claims.everywhere(plain, wide)
    if outcome is None:
        return Evidence(f"{model}: no bin has right responses of both", "unsettled")
    scale, unit = (1, "tokens") if name == "tokens" else (100, "points")
    ends = [pick(by, key=lambda b: by[b].estimate) for pick in (min, max)]
    low, high = (
        f"{fixed(scale * by[b].estimate, signed=True)} {unit} {interval(by[b], scale)} in bin {b}"
        for b in ends
    )
    held = sum(o == "holds" for o in plain)
    text = f"{model} minus base: from {low} to {high}; borne out in {held} of {len(shared)} bins"
    return Evidence(text, outcome)


def indicator_tells_nothing(run: Run, name: str, model: str) -> Evidence:
    """The AUC of an indicator lies near .5; `claims.near` with `AUC_TOLERANCE`."""
    rows = run.rows("quality", model=model)
    if rows is None:
        return Evidence("the table of indicators is missing", None)
    for row in rows:
        auc = estimate_of(row, "auc")
        if row["indicator"].startswith(name) and known(auc):
            text = (
                f"{model}, AUC {fixed(auc.estimate, 2)} [{fixed(auc.low, 2)}, {fixed(auc.high, 2)}]"
            )
            return Evidence(text, claims.near(auc, 0.5, AUC_TOLERANCE))
    return Evidence(f"{model}: no question has right and wrong responses", "unsettled")
