"""The page of a comparison: whole, alone, escaped, in order."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import vl_convert

from liftmap.comparison.compare import compare
from liftmap.comparison.parts import Provenance, QuestionsAre
from liftmap.comparison.published import reanalyse
from liftmap.comparison.result import Comparison
from liftmap.comparison.words import advice
from liftmap.report.comparison import build_comparison_page, render_comparison

from .conftest import FEW, make_tally, make_world


def _own_text(page: str) -> str:
    """The page without the Vega library."""
    return max(re.split(r"<script>.{500000,}?</script>", page, flags=re.S), key=len)


def _specs(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="specs" type="application/json">(.*?)</script>', page, re.S)
    assert found
    specs: dict[str, Any] = json.loads(found[1])
    return specs


@pytest.fixture(scope="module")
def page(large: Comparison, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pages") / "comparison.html"
    assert build_comparison_page(large, path) == path
    return path.read_text("utf-8")


def test_what_changed_comes_first_then_what_to_do(page: str, large: Comparison) -> None:
    text = unescape(_own_text(page))
    parts = [large.message, "More reliable", "Solves more", "Lost beyond noise"]
    parts += ['id="pass-at-k"', 'id="gain-by-difficulty"', 'id="matrix"', 'id="questions"']
    parts += [*(advice(single) for single in large.guidance), "accuracy up", "capability"]
    parts += ['id="curves"', 'id="difficulty"', 'id="transitions"', 'id="beyond-noise"']
    parts += ['id="corrected"', 'id="lost-gained"', 'id="lost-gained-at-n"', "McNemar"]
    place = text.index("<h1")
    for part in parts:
        place = text.index(part, place)


def test_charts_are_valid_and_show_the_figures(page: str, large: Comparison) -> None:
    specs = _specs(page)
    for spec in specs.values():
        vl_convert.vegalite_to_vega(spec)
    rows = [row for data in specs["curves-0"]["datasets"].values() for row in data]
    last = next(row for row in rows if row["k"] == large.k)
    assert last["after"] == pytest.approx(100 * large.capability[-1].after.estimate)


def test_the_page_asks_nothing_of_the_network(page: str) -> None:
    text = _own_text(page)
    assert "default-src 'none'" in text
    assert not re.findall(r"""(?:src|href|action|data)\s*=\s*["']?(?:https?:)?//""", text)
    assert page.count("window.vegaEmbed") == 1


def test_names_and_ids_are_escaped() -> None:
    evil = "</script><script>alert(1)</script>"
    sides = (make_tally(c, ids=[evil, "q1", "q2"]) for c in ([0, 1, 2], [0, 3, 4]))
    found = compare(*sides, **FEW)
    named = replace(found, before=Provenance(evil), after=Provenance(evil))
    page = render_comparison(named)
    assert "alert(1)" in page
    assert "<script>alert" not in page


def test_a_published_matrix_leads_with_what_it_fixes(figure_9a: Path) -> None:
    text = unescape(_own_text(render_comparison(reanalyse(figure_9a, 256, **FEW))))
    place = 0
    for part in ("What the matrix does fix", "5-64 right of 256", "<h1", "range, points"):
        place = text.index(part, place)
    assert 'id="lost-gained"' not in text


@pytest.mark.parametrize("n", [1, 2])
def test_few_responses_make_a_page_too(n: int) -> None:
    page = render_comparison(compare(make_tally([0, 1, 1], n), make_tally([1, 1, 0], n), **FEW))
    assert "In the terms of the field" in page


def test_one_response_has_its_interval_drawn_and_no_capability() -> None:
    text = render_comparison(compare(*make_world(40, 1, 2), **FEW))
    assert "within 1 responses" not in text
    assert len(re.findall(r'"strokeWidth": ?8[,}]', text)) == 3, "two sides and their change"


def test_the_page_says_what_intervals_are_about() -> None:
    world = make_world(40, 8, 2)
    readings: tuple[QuestionsAre, QuestionsAre] = ("like-these", "fixed")
    like, fixed = (render_comparison(compare(*world, **FEW, questions=q)) for q in readings)
    assert "an interval says what other questions would give" in like
    assert "an interval says what other responses would give" in fixed


def test_a_picture_to_share_stands_beside_the_page(large: Comparison, tmp_path: Path) -> None:
    name = "<b>&" * 20
    after = replace(large.after, name=name)
    build_comparison_page(replace(large, after=after), tmp_path / "page.html")
    picture = (tmp_path / "page.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (1200, 630)
