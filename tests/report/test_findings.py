"""The findings: rules on intervals, roles of arms, and words that follow the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftmap.config import StudyConfig
from liftmap.records import Estimate
from liftmap.report import claims
from liftmap.report.claims import Claim, Evidence
from liftmap.report.evidence import Run
from liftmap.report.findings import Finding, findings, roles
from liftmap.report.overview import summarise
from liftmap.stats.verdict import direction
from liftmap.studyfile import parse_config

UP, DOWN, LEVEL, OPEN = (
    (0.1, 0.08, 0.12),
    (-0.1, -0.12, -0.08),
    (0.0, -0.004, 0.004),
    (0.0, -0.03, 0.03),
)
Interval = tuple[float, float, float]


def judged(
    made: Any, tables: Mapping[str, pl.DataFrame], config: StudyConfig | None = None
) -> list[Finding]:
    return findings(Run(tables, summarise(tables), config or made.config))


def with_change(
    tables: Mapping[str, pl.DataFrame], table: str, change: Interval, **where: Any
) -> dict[str, pl.DataFrame]:
    """The tables with another change, and its interval, in some rows of one of them."""
    chosen = pl.all_horizontal(pl.col(name) == value for name, value in where.items())
    columns = zip(("change", "change_low", "change_high"), change, strict=True)
    return {
        **tables,
        table: tables[table].with_columns(
            pl.when(chosen).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
            for name, value in columns
        ),
    }


def textbook(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Tables in which RLVR does just what the study says."""
    out = with_change(tables, "capability", UP, arm="rlvr", k=1)
    out = with_change(out, "capability", LEVEL, arm="rlvr", k=32)
    for bin_ in out["difficulty"]["bin"].unique():
        hard = bin_ < 2 or bin_ == out["difficulty"]["bin"].max()
        out = with_change(out, "difficulty", LEVEL if hard else UP, arm="rlvr", k=1, bin=bin_)
    return out


def test_first_finding_follows_the_intervals(made: Any) -> None:
    tables = textbook(made.tables)
    assert judged(made, tables)[0].word == "appears here"
    for change, word in ((UP, "does not appear here"), (OPEN, "not settled here")):
        other = with_change(tables, "capability", change, arm="rlvr", k=32)
        assert judged(made, other)[0].word == word
    flat = with_change(tables, "capability", LEVEL, arm="rlvr", k=1)
    assert judged(made, flat)[0].word == "does not appear here"
    hard = with_change(tables, "difficulty", (0.5, 0.4, 0.6), arm="rlvr", k=1, bin=0)
    assert judged(made, hard)[0].word == "does not appear here"


def test_intervals_of_the_tables_stand_in_the_text(made: Any) -> None:
    first = judged(made, textbook(made.tables))[0]
    assert "+10.0 points [+8.0,\u00a0+12.0]" in first.shows
    assert "0.0 points [\u22120.4,\u00a0+0.4]" in first.shows


@pytest.mark.parametrize(
    ("lead", "word"),
    [
        (UP, "appears here"),
        (LEVEL, "does not appear here"),
        (DOWN, "does not appear here"),
        (OPEN, "not settled here"),
    ],
)
def test_second_finding_is_the_contrast(made: Any, lead: Interval, word: str) -> None:
    tables = with_change(made.tables, "contrast", lead, k=1)
    # What the other arms do must not matter.
    tables = with_change(tables, "capability", UP, arm="self", k=1)
    assert judged(made, tables)[1].word == word


def test_third_finding_needs_every_bin(made: Any) -> None:
    def lengths(tokens: float, reflection: float, longer_in: str = "") -> dict[str, pl.DataFrame]:
        ours = pl.col("arm") == "rlvr"
        long = ours & (pl.col("label") == longer_in)
        table = made.tables["length"].with_columns(
            pl.when(long).then(20.0).when(ours).then(tokens).otherwise(10.0).alias("tokens"),
            pl.when(ours).then(reflection).otherwise(0.3).alias("reflection"),
        )
        return {
            **made.tables,
            "length": table.with_columns(
                *((pl.col("tokens") + by).alias(f"tokens{end}") for end, by in ENDS),
                *((pl.col("reflection") + by).alias(f"reflection{end}") for end, by in ENDS),
            ),
        }

    ends = (
        made.tables["length"].filter(pl.col("label") != "all")["label"].unique(maintain_order=True)
    )
    assert judged(made, lengths(9.0, 0.1))[2].word == "appears here"
    assert judged(made, lengths(9.0, 0.1, ends[3]))[2].word == "does not appear here"
    assert judged(made, lengths(9.0, 0.5))[2].word == "does not appear here"


ENDS = (("_low", -0.01), ("_high", 0.01))


def test_fourth_finding_needs_both_halves(made: Any) -> None:
    tables = made.tables
    for arm, capability in (("knowledge", UP), ("reasoning-only", LEVEL), ("solved-once", LEVEL)):
        tables = with_change(tables, "capability", UP, arm=arm, k=1)
        tables = with_change(tables, "capability", capability, arm=arm, k=32)
    assert judged(made, tables)[3].word == "appears here"
    # Two arms of one part that contradict each other settle nothing; two that agree do.
    one = with_change(tables, "capability", UP, arm="solved-once", k=32)
    assert judged(made, one)[3].word == "not settled here"
    both = with_change(one, "capability", UP, arm="reasoning-only", k=32)
    assert judged(made, both)[3].word == "does not appear here"


def test_arms_are_found_by_role_not_by_name(made: Any) -> None:
    plain = made.config.model_dump(mode="json", exclude_none=True)
    names = {name: f"arm-{place}" for place, name in enumerate(plain["arms"])}
    renamed = {names[name]: arm for name, arm in plain["arms"].items()}
    for arm in renamed.values():
        for key, source in arm.get("responses", {}).items():
            if source in names:
                arm["responses"][key] = names[source]
    found = roles(parse_config({**plain, "arms": renamed}, "the test"))
    assert found.rlvr == [names["rlvr"]]
    assert found.pairs == [(names["self"], names["from-rlvr"])]
    assert found.knowledge == [names["knowledge"]]
    assert found.reasoning == [names["reasoning-only"], names["solved-once"]]


def test_a_missing_part_is_not_tested(seeded: Any) -> None:
    assert roles(seeded.config).rlvr == ["rlvr"], "a random reward is no RLVR"
    words = [finding.word for finding in judged(seeded, seeded.tables)]
    assert words[1] == words[3] == "not tested here"
    assert "does not test this" in judged(seeded, seeded.tables)[1].shows


def test_missing_tables_leave_claims_untested(made: Any) -> None:
    tables = {name: made.tables[name] for name in ("capability", "verdict")}
    assert [f.word for f in judged(made, tables)][1:3] == ["not tested here", "not tested here"]


def test_several_seeds_each_give_evidence_and_their_spread(seeded: Any) -> None:
    first = judged(seeded, seeded.tables)[0]
    assert {len(claim.evidence) for claim in first.claims} == {3}
    assert "The 3 checkpoints of rlvr" in first.shows
    assert "random-reward" not in first.shows


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["holds", "holds"], "holds"),
        (["holds", "unsettled"], "unsettled"),
        (["fails", "unsettled"], "fails"),
        (["fails", "holds"], "unsettled"),
        (["holds", None], "holds"),
        ([], None),
    ],
)
def test_checkpoints_of_one_claim(outcomes: Sequence[claims.Outcome | None], expected: str) -> None:
    assert Claim("it is so", [Evidence("", o) for o in outcomes]).outcome == expected


intervals = st.tuples(st.floats(-0.2, 0.2), st.floats(0, 0.1), st.floats(0, 0.1)).map(
    lambda t: Estimate(t[0], t[0] - t[1], t[0] + t[2])
)


@given(intervals, st.floats(0.001, 0.05))
def test_rules_agree_with_the_verdict(change: Estimate, margin: float) -> None:
    word = direction(change, margin)
    expected = {"up": "holds", "down": "fails", "within": "fails", "unsettled": "unsettled"}
    assert claims.rises(change, margin) == expected[word]
    stays = claims.at_most(change, margin)
    assert stays in {"up": {"fails", "unsettled"}}.get(word, {"unsettled", "holds"})
    assert (stays == "fails") == (change.low > margin)


def test_difference_of_two_estimates() -> None:
    # Half-widths 3 and 4 give 5.
    found = claims.difference(Estimate(10, 7, 13), Estimate(2, -2, 6))
    assert (found.estimate, found.low, found.high) == (8, 3, 13)


def test_widening_is_bonferroni() -> None:
    # Two looks at 95 % need 97.5 % each: 2.2414 standard errors instead of 1.9600.
    wide = claims.widened(Estimate(0, -1.96, 1.96), 2, 0.95)
    assert wide.high == pytest.approx(2.2414, abs=1e-3)
    assert claims.widened(Estimate(0, -1, 1), 1, 0.9).low == pytest.approx(-1)


def test_everywhere_is_strict_both_ways() -> None:
    assert claims.everywhere(["holds", "holds"], ["unsettled", "holds"]) == "holds"
    assert claims.everywhere(["holds", "fails"], ["holds", "unsettled"]) == "unsettled"
    assert claims.everywhere(["holds", "fails"], ["holds", "fails"]) == "fails"
    assert claims.everywhere([], []) is None
