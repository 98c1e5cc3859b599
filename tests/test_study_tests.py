"""Further test sets of a study: every arm and the base answer them, and they make one table."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from liftmap.check import check
from liftmap.cli import main
from liftmap.comparison.suite import suite
from liftmap.errors import ConfigError, InputError, SettingsDifferError
from liftmap.report.build import read_tables
from liftmap.store import StudyFolder
from liftmap.study import run_study
from liftmap.studyfile import parse_config

from .conftest import SCRIPTED

PATTERN = SCRIPTED["verify"]
KIN = {"task": "kin", "options": {"limit": 40, "seed": 3}}
TESTS: dict[str, Any] = {
    **SCRIPTED,
    "arms": {"sharper": SCRIPTED["arms"]["sharper"]},
    "tests": {
        "other-people": {**KIN, "n": 8},
        "sums": {**KIN, "options": {"limit": 30, "seed": 2}, "verify": PATTERN, "old": True},
    },
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "tests"
    run_study(parse_config(TESTS, "the test"), folder)
    return folder


def test_base_and_arms_answer_every_test_set(study: Path) -> None:
    folder = StudyFolder(study)
    for model in ("base", "sharper@1"):
        for name, n in (("test", 32), ("other-people", 8), ("sums", 32)):
            tally = folder.responses(model, name).tally("exact", folder.read_questions(name))
            assert set(tally.n.tolist()) == {n}
    assert not check(study).damages


def test_the_table_is_that_of_the_command(study: Path) -> None:
    table = read_tables(StudyFolder(study))["suite"]
    rows = table.filter(of="benchmark")
    assert dict(rows.select("benchmark", "old").iter_rows()) == {
        "test": False,
        "other-people": False,
        "sums": True,
    }
    assert table.filter(pl.col("over").is_not_null())["of"].unique().sort().to_list() == [
        "all",
        "new",
        "old",
    ]
    beside = suite(f"{study}:base", f"{study}:sharper@1", old=["sums"], resamples=200, seed=0).table
    for name in ("accuracy_change", "accuracy_change_low", "capability_p_holm"):
        same = beside.sort("benchmark", "of", "over")[name].fill_null(-9).to_numpy()
        own = table.sort("benchmark", "of", "over")[name].fill_null(-9).to_numpy()
        assert np.allclose(same, own)


def test_the_report_shows_it(study: Path) -> None:
    page = (study / "report.html").read_text()
    assert 'id="new-against-old-0"' in page
    assert "mean over new benchmarks" in page


def test_a_finished_study_draws_nothing_and_takes_another_set(study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(study, copy)
    shard = next((copy / "responses" / "base" / "sums").glob("*.parquet"))
    written = shard.stat().st_mtime_ns
    more = {**TESTS["tests"], "third": {**KIN, "options": {"limit": 20, "seed": 4}, "n": 4}}
    run_study(parse_config({**TESTS, "tests": more}, "the test"), copy)
    assert shard.stat().st_mtime_ns == written
    assert StudyFolder(copy).responses("sharper@1", "third").shards()
    changed = {**more, "sums": {**TESTS["tests"]["sums"], "n": 16}}
    config = parse_config({**TESTS, "tests": changed}, "the test")
    with pytest.raises(SettingsDifferError, match=r"tests\.sums"):
        run_study(config, copy)


def test_damage_to_a_test_set_is_found_and_mended(study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(study, copy)
    shard = next((copy / "responses" / "sharper@1" / "sums").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-40])
    (copy / "questions" / "other-people.parquet").unlink()
    assert {damage.kind for damage in check(copy).damages} >= {"responses", "questions"}
    assert not check(copy, repair=True).damages
    assert main(["check", str(copy)]) == 0


def test_what_can_not_be_a_test_set_is_refused(tmp_path: Path) -> None:
    for tests, error in (
        ({"dev": KIN}, ConfigError),
        ({"a": {**KIN, "m": 3}}, ConfigError),
        ({"a": {"task": "kin", "split": "train", "options": {"limit": 20}}}, InputError),
    ):
        with pytest.raises(error):
            run_study(parse_config({**TESTS, "tests": tests}, "the test"), tmp_path / "none")
