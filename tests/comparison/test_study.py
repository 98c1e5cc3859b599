"""The comparison of a study's responses says what the study's own tables say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from liftmap.analyse.data import StudyData
from liftmap.comparison.compare import compare
from liftmap.comparison.result import Comparison
from liftmap.config import StudyConfig
from liftmap.records import Estimate
from liftmap.store import StudyFolder
from liftmap.study import run_study
from liftmap.studyfile import load_config, parse_config
from tests.conftest import SCRIPTED


@pytest.fixture(scope="module", params=["fixed", "curtailed"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished scripted study, under each sampling plan."""
    if request.param == "fixed":
        done: Path = request.getfixturevalue("scripted_study")
        return done
    place = tmp_path_factory.mktemp("studies") / "curtailed"
    sample = {**SCRIPTED["sample"], "plan": "curtailed", "stop_after": 4, "round_size": 4}
    run_study(parse_config({**SCRIPTED, "sample": sample}, "the test"), place)
    return place


@pytest.fixture(scope="module")
def config(folder: Path) -> StudyConfig:
    return load_config(folder / "study.toml")


@pytest.fixture(scope="module")
def study(folder: Path) -> dict[str, pl.DataFrame]:
    """The study's tables, the rows of one arm."""
    place = StudyFolder(folder)
    tables = {name: place.read_table(name) for name in place.tables()}
    return {
        name: table.filter(pl.col("arm") == "sharper")
        for name, table in tables.items()
        if "arm" in table.columns
    }


@pytest.fixture(scope="module")
def found(folder: Path, config: StudyConfig) -> Comparison:
    """The same two models, compared from their response sets."""
    return compare(
        str(folder / "responses" / "base" / "test"),
        f"{folder}:sharper@1",
        margin=config.analyse.margin,
        level=config.analyse.level,
    )


def _assert_same(figure: Estimate, row: dict[str, Any], name: str) -> None:
    """Equal estimates, and intervals that differ by the luck of the bootstrap alone."""
    assert figure.estimate == pytest.approx(row[name], abs=1e-12)
    width = row[f"{name}_high"] - row[f"{name}_low"]
    for end in ("low", "high"):
        assert getattr(figure, end) == pytest.approx(row[f"{name}_{end}"], abs=0.2 * width + 1e-12)


def test_accuracy_and_capability(found: Comparison, study: dict[str, pl.DataFrame]) -> None:
    points = {point.k: point for point in found.capability}
    rows = study["capability"].to_dicts()
    assert [row["k"] for row in rows] == [1, 2, 4, 8, 16, 32]
    for row in rows:
        for name in ("before", "after", "change"):
            _assert_same(getattr(points[row["k"]], name), row, name)
        band = points[row["k"]].band
        assert band is not None
        # The study's band holds for powers of two, this one for every k.
        assert math.dist(band, (row["band_low"], row["band_high"])) < 0.02


def test_difficulty_and_transitions(found: Comparison, study: dict[str, pl.DataFrame]) -> None:
    rows = study["difficulty"].filter(pl.col("k") == 1).to_dicts()
    assert [one.label for one in found.bins] == [row["label"] for row in rows]
    for one, row in zip(found.bins, rows, strict=True):
        assert one.questions == pytest.approx(row["questions"])
        for name in ("before", "after", "change"):
            assert getattr(one, name).estimate == pytest.approx(row[name])
    for kind in ("raw", "half", "noise"):
        matrix = getattr(found.transitions, kind)
        for row in study["transitions"].filter(pl.col("kind") == kind).to_dicts():
            cell = matrix[row["before_bin"]][row["after_bin"]]
            assert cell == pytest.approx(row["questions"])


def test_lost_and_gained(found: Comparison, study: dict[str, pl.DataFrame]) -> None:
    for row in study["lost_gained"].to_dicts():
        moves = getattr(found, row["direction"])
        assert moves.k == row["k"]
        # The study gives it for equal fixed numbers of responses alone.
        assert row["observed_at_n"] in (moves.at_n.observed, None)
        assert (found.mcnemar_p is None) == (row["mcnemar_p"] is None)
        assert found.mcnemar_p is None or found.mcnemar_p == pytest.approx(row["mcnemar_p"])
        for name in ("estimate", "noise", "excess"):
            _assert_same(getattr(moves, name), row, name)


def test_the_verdict(found: Comparison, study: dict[str, pl.DataFrame]) -> None:
    [row] = study["verdict"].to_dicts()
    assert (found.questions, found.k) == (row["questions"], row["k"])
    for name in ("label", "accuracy", "capability"):
        assert getattr(found.verdict, name) == row[name]


def test_tallies_of_the_study_give_the_same(
    folder: Path, config: StudyConfig, found: Comparison
) -> None:
    data = StudyData(StudyFolder(folder), config)
    models = {model.model: model for model in data.models}
    again = compare(*(data.tally(models[name]) for name in ("base", "sharper@1")))
    assert again.capability == found.capability
    assert again.lost == found.lost
    # Answers are known from responses alone.
    votes = [
        next(one for one in side.guidance if one.kind == "samples").evidence["majority"]
        for side in (found, again)
    ]
    assert votes[0]
    assert votes[1] == []
