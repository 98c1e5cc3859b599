"""Results as objects: a short repr, charts, figures, tables for papers, the responses behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import liftmap
from liftmap.comparison.compare import compare
from liftmap.comparison.published import reanalyse
from liftmap.comparison.result import Comparison
from liftmap.errors import InputError
from liftmap.read.outcomes import TEXTS
from liftmap.study_result import StudyResult
from liftmap.studyfile import parse_config
from tests.comparison.conftest import FEW
from tests.conftest import SCRIPTED


def write_log(path: Path, rates: Mapping[str, float], seed: int) -> Path:
    """A log of 16 responses to each question, with texts."""
    rng = np.random.default_rng(seed)
    with path.open("w") as log:
        for question_id, rate in rates.items():
            for index, right in enumerate(rng.random(16) < rate):
                text = f"{path.stem} says {index} to {question_id}"
                row = {"question_id": question_id, "response": text, "correct": bool(right)}
                log.write(json.dumps(row) + "\n")
    return path


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Two logs of 40 questions with texts; the last question is in the second alone."""
    folder = tmp_path_factory.mktemp("logs")
    rates = {f"q{i:02}": i / 40 for i in range(40)}
    raised = {question_id: min(1, rate + 0.2) for question_id, rate in rates.items()}
    before = write_log(folder / "base.jsonl", rates, 1)
    return compare(before, write_log(folder / "rl.jsonl", raised | {"late": 0.5}, 2), **FEW)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """The scripted study, smaller."""
    config = parse_config(SCRIPTED, "the test")
    return liftmap.run_study(config, tmp_path_factory.mktemp("study") / "small")


def test_a_repr_is_one_line_with_the_verdict(large: Comparison) -> None:
    assert large.verdict.label is not None
    text = repr(large)
    assert len(text) < 300
    assert "\n" not in text
    assert "400 questions" in text
    assert large.verdict.label in text


def test_a_repr_of_a_study_is_short(study: StudyResult) -> None:
    assert len(repr(study)) < 300 + 2 * len(str(study.folder))


def test_dir_shows_the_public_names_and_each_is_there() -> None:
    names = dir(liftmap)
    assert {"compare", "run_study", "track", "suite", "__version__"} <= set(names)
    assert all(getattr(liftmap, name) is not None for name in names)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize(
    ("ending", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_a_chart_is_saved_as_what_its_file_says(
    large: Comparison, tmp_path: Path, ending: str, start: bytes
) -> None:
    path = large.save(tmp_path / f"figure.{ending}", "gain-by-difficulty")
    assert path.read_bytes().startswith(start)


def test_two_charts_are_two_figures(large: Comparison, tmp_path: Path) -> None:
    curve = large.save(tmp_path / "curve.svg").read_text()
    assert curve == large.save(tmp_path / "again.svg", "pass-at-k").read_text()
    assert curve != large.save(tmp_path / "gain.svg", "gain-by-difficulty").read_text()


def test_an_unknown_chart_gets_the_nearest_name(large: Comparison, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pass-at-k"):
        large.save(tmp_path / "figure.svg", "pass-at-n")
    assert not (tmp_path / "figure.svg").exists()


def test_a_figure_of_another_kind_is_refused(large: Comparison, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SVG, PNG or PDF"):
        large.save(tmp_path / "figure.gif")


def test_every_chart_of_every_kind_of_result_can_be_drawn(
    small: Comparison, logs: Comparison, study: StudyResult, figure_9a: Path
) -> None:
    matrix = reanalyse(figure_9a, n=256, **FEW)
    for result in (small, logs, study, matrix):
        assert "pass-at-k" in result.charts
        for name, chart in result.charts.items():
            assert chart.to_dict()["$schema"].startswith("https://vega.github.io"), name


def test_latex_holds_the_figures_and_escapes_names(large: Comparison) -> None:
    named = replace(large, after=replace(large.after, name=r"a_b & 50% #1 {x} $y$ ~z^2 \end"))
    text = named.to_latex()
    escaped = r"a\_b \& 50\% \#1 \{x\} \$y\$ \textasciitilde{}z\textasciicircum{}2"
    assert escaped + r" \textbackslash{}end &" in text
    lines = text.splitlines()
    assert [line.split("{")[0] for line in lines if "rule" in line and "cmid" not in line] == [
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
    ]
    [row] = [line for line in lines if line.startswith("a\\_b")]
    cells = row.removesuffix(r" \\").split(" & ")
    assert cells[-1].count("$") == 4
    accuracy = large.accuracy
    assert f"{100 * accuracy.before.estimate:.1f}" in cells
    assert f"{100 * accuracy.after.estimate:.1f}" in cells
    # LaTeX's own fonts lack the typographic minus and the narrow space.
    assert text.isascii()


def test_markdown_says_the_label_and_both_figures(large: Comparison) -> None:
    text = large.to_markdown()
    assert text.startswith(f"### {large.verdict.label}")
    assert "| accuracy |" in text
    assert "| pass@64 |" in text


def test_html_escapes_what_comes_from_data(logs: Comparison) -> None:
    noted = replace(logs, warnings=("<script>alert(1)</script>",))
    assert "<script" not in noted._repr_html_()
    assert "&lt;script&gt;" in noted._repr_html_()


def test_responses_are_those_of_both_sides_to_this_question(logs: Comparison) -> None:
    responses = logs.responses("q07")
    assert responses.columns == ["side", *TEXTS]
    assert responses["side"].to_list() == ["before"] * 16 + ["after"] * 16
    assert responses["text"].to_list() == [
        f"{side} says {index} to q07" for side in ("base", "rl") for index in range(16)
    ]
    row = logs.question_table().row(by_predicate=pl.col("question_id") == "q07", named=True)
    right = responses.group_by("side", maintain_order=True).agg(pl.col("right").sum())
    assert right["right"].to_list() == [row["before_c"], row["after_c"]]


def test_a_question_that_one_side_lacks_has_the_other_alone(logs: Comparison) -> None:
    assert set(logs.responses("late")["side"]) == {"after"}


def test_responses_that_are_not_there_are_one_message(logs: Comparison, small: Comparison) -> None:
    with pytest.raises(InputError, match="no texts of responses to this question"):
        logs.responses("q99")
    with pytest.raises(InputError, match="Neither side was read from a source that has texts"):
        small.responses("q1")


def test_a_study_has_the_same_methods(study: StudyResult, tmp_path: Path) -> None:
    assert study.save(tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    shown, latex = study._repr_html_(), study.to_latex()
    models = set(study.tables["verdict"]["model"])
    assert models
    for model in models:
        assert model in shown
        assert model in latex.replace(r"\_", "_")
        assert model in study.to_markdown()
    question_id = study.tables["questions"]["question_id"][0]
    answers = study.responses(question_id)
    assert set(answers["model"]) >= models
    assert set(answers["question_id"]) == {question_id}
    with pytest.raises(InputError, match="no such test question"):
        study.responses("nothing")
