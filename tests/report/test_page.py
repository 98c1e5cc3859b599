"""The page: whole, alone, escaped, in order; the terminal and the picture beside it."""

from __future__ import annotations

import json
import math
import re
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import vl_convert
from rich.console import Console

from liftmap.analyse import ANALYSES
from liftmap.comparison.rounding import change_text, count, duration, fixed, p_value, points
from liftmap.comparison.words import statement
from liftmap.errors import InputError, StoreError
from liftmap.records import Estimate
from liftmap.report.build import build_report, render, save_picture
from liftmap.report.charts import CHARTS, HERO, charts, lift
from liftmap.report.charts.labels import Point, place, text_box
from liftmap.report.metrics import read_metrics
from liftmap.report.overview import lines, summarise
from liftmap.report.tables import grid, moved_grid
from liftmap.report.terminal import summary
from liftmap.stats.verdict import Axis
from liftmap.store import StudyFolder


@pytest.fixture(scope="session")
def page(made: Any) -> str:
    return build_report(made.folder, made.config).read_text("utf-8")


def own_text(page: str) -> str:
    """The page without the Vega library."""
    return max(re.split(r"<script>.{500000,}?</script>", page, flags=re.S), key=len)


def plain(text: str) -> str:
    """The text with a keyboard's minus, dash and space."""
    return text.replace("\u2212", "-").replace("\u2013", "-").replace("\u00a0", " ")


def specs_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="specs" type="application/json">(.*?)</script>', page, re.S)
    assert found
    specs: dict[str, Any] = json.loads(found[1])
    return specs


def test_page_says_first_what_changed(page: str, made: Any) -> None:
    text = unescape(page)
    statements = [s.text for line in lines(summarise(made.tables)) for s in line.statements]
    assert len(statements) == 2 * len(made.config.arm_models())
    order = ["The base answers", *(arm[2] for arm in made.config.arm_models())]
    order += ['id="pass-at-k"', 'id="gain-by-difficulty"', 'id="matrix"', 'id="questions"']
    order += [*(f"Finding {i}" for i in (1, 2, 3, 4)), *statements, 'id="curves"', 'id="settings"']
    place = 0
    for part in order:
        place = text.index(part, place)


def test_page_holds_every_chart_and_table(page: str) -> None:
    specs = specs_of(page)
    # One seed, no trainer's log, no arm watched, nothing to warn of, the law not refitted, no
    # further test set.
    nothing = {"seeds", "metrics", "steps", "gradient", "warnings", "lost-gained-at-n"}
    nothing |= {"new-against-old", "benchmarks"}
    for name, chart in charts("study").items():
        if name in nothing:
            continue
        assert f'<figure id="{name}">' in page
        if chart.draw:
            assert f"{name}-0" in specs
    assert page.count('class="chart"') == len(specs)
    # The list of questions is made of the table of that name.
    shown = {"questions"} | {chart.table for chart in CHARTS.values()}
    assert shown >= set(ANALYSES), "no analysis is left out"


def test_page_asks_nothing_of_the_network(page: str) -> None:
    text = own_text(page)
    assert "default-src 'none'" in text
    assert not re.findall(r"""(?:src|href|action|data)\s*=\s*["']?(?:https?:)?//""", text)
    assert not re.findall(r'url\(|@import|<link(?! rel="icon" href="data:,")', text)
    assert page.count("window.vegaEmbed") == 1, "the library stands once on the page"
    assert len(page) < 3_000_000


def test_what_comes_from_data_is_escaped(made: Any) -> None:
    evil = "</script><script>alert(1)</script><img src=x>"
    tables = {name: made.tables[name] for name in ("capability", "verdict", "moved")}
    tables["moved"] = tables["moved"].with_columns(text=pl.lit(evil))
    base = made.config.base.model_copy(update={"model": evil})
    config = made.config.model_copy(update={"base": base})
    page = render(tables, config, {"machine": {evil: evil}, "versions": {"x": evil}})
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "<img" not in own_text(page)
    assert "moved-0" in specs_of(page)


def test_charts_are_valid_and_show_the_tables_numbers(page: str, made: Any) -> None:
    specs = specs_of(page)
    for name in CHARTS:
        if f"{name}-0" in specs:
            vl_convert.vegalite_to_vega(specs[f"{name}-0"])
    (panel,) = lift.hero(summarise(made.tables)).values()
    rows = [row for data in panel.to_dict()["datasets"].values() for row in data if "model" in row]
    shown = {row["model"]: row["capability_change"] for row in rows}
    wanted = made.tables["capability"].filter((pl.col("k") == 32) & (pl.col("arm") != "teacher"))
    assert shown == pytest.approx({row["model"]: 100 * row["change"] for row in wanted.to_dicts()})


def test_page_of_the_barest_study(made: Any) -> None:
    tables = {name: made.tables[name] for name in ("capability", "verdict")}
    assert 'id="curves"' in render(tables, made.config, {})
    nothing = {name: table.clear() for name, table in made.tables.items()}
    assert "In the terms of the field" in render(nothing, made.config, {})
    with pytest.raises(InputError, match="verdict"):
        render({"capability": made.tables["capability"]}, made.config, {})


def test_a_folder_without_tables_says_what_to_do(tmp_path: Path, made: Any) -> None:
    with pytest.raises(StoreError, match="liftmap analyse"):
        build_report(StudyFolder(tmp_path), made.config)


def test_one_seed_and_several_are_spoken_of_differently(page: str, seeded: Any) -> None:
    assert "There is one checkpoint of rlvr" in page or "one checkpoint of rlvr shows" in page
    tables = {name: seeded.tables[name] for name in ("capability", "verdict", "seeds")}
    other = render(tables, seeded.config, {})
    assert "The 3 checkpoints of rlvr" in other
    assert "For this way of training, other seeds included" in other
    assert '<figure id="seeds">' in other


def test_statements_in_words() -> None:
    def say(word: Any, *by: float, **more: Any) -> str:
        axis = Axis(word, Estimate(*by) if by else None, more.pop("k", 1), **more)
        return plain(statement("accuracy", axis, 0.01))

    assert say("up", 0.143, 0.102, 0.186) == "accuracy up +14.3 points [+10.2, +18.6]"
    assert say("down", -0.02, -0.03, -0.011) == "accuracy down -2.0 points [-3.0, -1.1]"
    assert say("within", 0.001, -0.005, 0.006) == (
        "accuracy within the margin of 1 point, +0.1 points [-0.5, +0.6]"
    )
    assert say("unsettled", 0.005, -0.015, 0.025) == (
        "accuracy not settled, -1.5 to +2.5 against a margin of 1 point"
    )
    numbers = {"needed_if_unchanged": 900, "needed_if_changed": 3000}
    assert say("unsettled", 0.005, -0.015, 0.025, **numbers).endswith(
        ": about 900 questions would show no change, about 3\u202f000 a change of +0.5"
    )
    assert say("unsettled", 0.0, -0.1, 0.1, withheld="unscored").endswith("by an unknown amount")
    assert say("saturated", 0.0, -0.01, 0.01, k=64).startswith("accuracy saturated: both sides")
    assert say("not measured").startswith("accuracy not measured: a single try")


def test_numbers_as_text() -> None:
    assert fixed(-0.04, 1, signed=True) == "0.0", "no negative zero"
    assert fixed(1234567.8, 0) == "1\u202f234\u202f568"
    assert [plain(points(x)) for x in (-0.1, None, math.nan)] == ["-10.0", "-", "-"]
    assert plain(change_text(Estimate(0.1, -0.2, 0.3))) == "+10.0 points [-20.0, +30.0]"
    assert (p_value(0.0002), p_value(0.05), count(3.0), count(2.5)) == (
        "< .001",
        ".050",
        "3",
        "2.5",
    )
    assert [duration(s) for s in (4.21, 185, 7620)] == ["4.2 s", "3 min 05 s", "2 h 07 min"]


def test_tables_put_an_estimate_in_one_cell() -> None:
    table = pl.DataFrame(
        {
            "model": ["a@1"],
            "arm": ["a"],
            "seed": [1],
            "change": [0.1],
            "change_low": [-0.2],
            "change_high": [0.3],
            "band_low": [None],
            "band_high": [None],
        },
        schema_overrides={"band_low": pl.Float64(), "band_high": pl.Float64()},
    )
    shown = grid(table)
    assert shown.headings == ["model", "change, points", "band, points"]
    assert [plain(cell) for cell in shown.rows[0]] == ["a@1", "+10.0 [-20.0, +30.0]", "-"]


def test_long_tables_say_what_they_leave_out(made: Any) -> None:
    table = made.tables["moved"]
    shown = moved_grid(table)
    assert len(shown.rows) + shown.left_out == len(table)
    assert shown.left_out > 0
    assert "{" not in shown.rows[0][-1], "what the task knows is no JSON to the reader"


def test_labels_of_a_dense_cluster_stay_apart() -> None:
    xs = [0.40, 0.42, 0.43, 0.47, 0.70, 0.93]
    dots = [
        Point(f"an-arm-name-{i}@1", x, x - 0.03, x + 0.03, 200 + 4 * i, 175, 235)
        for i, x in enumerate(xs)
    ]
    widths = (290, 700, 1000)
    flags = place(dots, widths, 420)
    for width in widths:
        boxes = [text_box(dot, flag, width) for dot, flag in zip(dots, flags, strict=True)]
        bars = [bar for dot in dots for bar in dot.bars(width)]
        assert all(box.left >= 0 and box.right <= width for box in boxes)
        for i, box in enumerate(boxes):
            assert not any(box.meets(other) for other in [*boxes[:i], *bars])


def test_trainers_logs_survive_a_cut_line(tmp_path: Path, made: Any) -> None:
    folder = StudyFolder(tmp_path)
    for arm, key in (("rlvr", "reward"), ("self", "loss")):
        file = folder.metrics_file(arm)
        file.parent.mkdir(exist_ok=True)
        rows = [{"arm": arm, "seed": 1, "step": s, "loss": 0.5, key: s / 10} for s in (1, 2)]
        file.write_text("\n".join(map(json.dumps, rows)) + '\n{"arm": "rl')
    table = read_metrics(folder, made.config)
    assert table["model"].to_list() == ["rlvr@1", "rlvr@1", "self@1", "self@1"]
    assert table["measure"].unique(maintain_order=True).to_list() == ["reward", "loss"]
    tables = {name: made.tables[name] for name in ("capability", "verdict")}
    page = render({**tables, "metrics": table}, made.config, {})
    assert "rlvr@1, reward" in page


def test_readings_hold_no_number_of_one_study() -> None:
    for chart in (HERO, *CHARTS.values()):
        words = dict.fromkeys(("n", "k", "half", "level", "margin", "before", "after"), "")
        text = (chart.title + chart.reading).format(**words)
        assert not re.search(r"\d{2,}", text)


def test_terminal_summary_fits_a_hundred_columns(made: Any) -> None:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(summary(made.tables))
    text = console.export_text()
    overview = summarise(made.tables)
    assert max(map(len, text.splitlines())) <= 100
    for row in overview.to_dicts():
        assert row["model"] in text
        assert row["label"] in text
        assert points(row["accuracy_change"]) in text
    assert "…" not in text


@pytest.mark.parametrize(("name", "head"), [("hero.png", b"\x89PNG"), ("hero.svg", b"<svg")])
def test_the_picture(tmp_path: Path, made: Any, name: str, head: bytes) -> None:
    save_picture(made.folder, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(head)
    with pytest.raises(StoreError, match="does not exist"):
        save_picture(made.folder, tmp_path / "nowhere" / name)


def test_the_table_of_likelihoods_leaves_out_parts_that_are_unknown_alone() -> None:
    ends = ("", "_low", "_high")
    unknown = {key: [None] for key in (f"thought_change{end}" for end in ends)}
    table = pl.DataFrame(
        {"style": ["all"], "before": [-1.0], "change": [0.5], **unknown}
    ).with_columns(change_low=pl.lit(None, pl.Float64), change_high=pl.lit(None, pl.Float64))
    shown = CHARTS["likelihood"].rows(table)
    assert shown.columns == ["style", "before", "change", "change_low", "change_high"]
