"""The pages in the terminal: in order, and not wider than promised."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from liftmap.comparison.compare import compare
from liftmap.comparison.planning import plan
from liftmap.comparison.published import reanalyse
from liftmap.comparison.result import Comparison
from liftmap.comparison.words import headline, statements
from liftmap.report.comparison_terminal import comparison_page
from liftmap.report.plan_terminal import plan_page

from .conftest import FEW, make_tally, make_world

PARTS = ("Accuracy (k = 1)", "Accuracy by difficulty", "lost and gained", "What to look at")


def _printed(page: RenderableType) -> str:
    out = StringIO()
    Console(file=out, width=80).print(page)
    return out.getvalue()


def test_the_verdict_comes_first_and_advice_last(large: Comparison) -> None:
    text = _printed(comparison_page(large))
    assert text.startswith(f"{large.verdict.label} at k = 64")
    places = [text.index(part) for part in PARTS]
    assert places == sorted(places)
    words = " ".join(text.split())
    assert all(" ".join(one.text.split()) in words for one in statements(large.verdict))
    assert "…" not in text
    [row] = [line for line in text.splitlines() if line.startswith("64 ")]
    assert row.count("[") == 3


def test_a_published_matrix_leads_with_what_it_fixes(figure_9a: Path) -> None:
    found = reanalyse(figure_9a, 256, resamples=100, law_resamples=20)
    text = _printed(comparison_page(found))
    assert text.startswith("What the matrix does fix\n- Of the questions with 5-64 right of 256")
    assert "Never right in 256: 213 questions before, 220 after." in text
    assert "p = .579" in text
    # Every row of a table on one line.
    rows = {line.split()[0]: line for line in text.splitlines() if line[:1].isdigit()}
    assert rows["1"].count("[") == rows["128"].count("[") == 3
    assert "Of 62 lost at k = 256, noise explains" in " ".join(text.split())


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_responses_make_a_page_too(n: int) -> None:
    found = compare(make_tally([0, 1, 1, 0], n), make_tally([1, 1, 0, 0], n), **FEW)
    assert headline(found.verdict) in _printed(comparison_page(found))


def test_plans_are_printed() -> None:
    text = _printed(plan_page(plan(make_world(200, 16, 2)[0], change=0.1)))
    assert "smallest changes" in text
    assert "cheapest first" in text
    more = _printed(plan_page(plan(make_world(60, 16, 2)[0], change=0.001)))
    assert "Not with 60 questions" in more
