"""The whole line on the scripted engine: truth found, resumed, mistakes refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from liftmap.errors import ConfigError, InputError, LiftmapError, SettingsDifferError, StoreError
from liftmap.sample.scripted import ScriptedEngine
from liftmap.store import StudyFolder
from liftmap.study import open_study, run_study
from liftmap.studyfile import parse_config
from liftmap.tasks.sets import make_questions

from .conftest import SCRIPTED


def changed(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(SCRIPTED) | changes


def contents(folder: Path) -> dict[str, pl.DataFrame]:
    """Everything that was sampled and judged, by file."""
    return {
        str(path.relative_to(folder)): pl.read_parquet(path)
        for kind in ("questions", "responses", "verdicts")
        for path in sorted((folder / kind).rglob("*.parquet"))
    }


def same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> bool:
    return one.keys() == other.keys() and all(one[k].equals(other[k]) for k in one)


def test_the_line_ends_in_a_report(scripted_study: Path) -> None:
    folder = StudyFolder(scripted_study)
    assert folder.report_file.stat().st_size > 10_000
    assert set(folder.models("test")) == {"base", "sharper@1", "unchanged@1"}
    for model in folder.models("test"):
        frame = folder.responses(model, "test").read_responses()
        assert len(frame) == 60 * 32
        assert frame.select("question_id", "response_index").is_unique().all()


def test_success_rates_are_the_scripted_ones(scripted_study: Path) -> None:
    folder = StudyFolder(scripted_study)
    questions = folder.read_questions("test")
    tally = folder.responses("base", "test").tally("exact", questions)
    engine = ScriptedEngine(SCRIPTED["base"]["model"], questions)
    for question, n, c in zip(questions, tally.n, tally.c, strict=True):
        rate = engine.rate(question.question_id)
        assert abs(c / n - rate) <= 5 * (rate * (1 - rate) / n) ** 0.5


def test_models_draw_with_their_own_randomness(scripted_study: Path) -> None:
    folder = StudyFolder(scripted_study)
    base, unchanged = (
        folder.responses(m, "test").read_verdicts("exact") for m in ("base", "unchanged@1")
    )
    joined = base.join(unchanged, on=["question_id", "response_index"])
    assert (joined["verdict"] != joined["verdict_right"]).any()


def test_a_second_call_samples_nothing_and_changes_nothing(scripted_study: Path) -> None:
    before = contents(scripted_study)
    times = {p: p.stat().st_mtime_ns for p in scripted_study.rglob("shard-*.parquet")}
    run_study(parse_config(SCRIPTED, "x"), scripted_study)
    assert same(contents(scripted_study), before)
    assert times == {p: p.stat().st_mtime_ns for p in times}


def test_arms_may_be_added_but_nothing_else_may_change(tmp_path: Path) -> None:
    one = changed(arms={"sharper": SCRIPTED["arms"]["sharper"]})
    run_study(parse_config(one, "x"), tmp_path)
    first = contents(tmp_path)
    run_study(parse_config(changed(analyse={"resamples": 100}), "x"), tmp_path)
    second = contents(tmp_path)
    assert {k: v for k, v in second.items() if "unchanged" not in k}.keys() == first.keys()
    assert any("unchanged@1" in name for name in second)
    other = changed(sample=SCRIPTED["sample"] | {"seed": 9})
    with pytest.raises(SettingsDifferError, match=r"sample.seed was 0, now 9.*--out"):
        run_study(parse_config(other, "x"), tmp_path)
    moved = changed(arms={"sharper": {"method": "given", "model": "scripted:1"}})
    with pytest.raises(SettingsDifferError, match=r"arms\.sharper\.model"):
        run_study(parse_config(moved, "x"), tmp_path)
    assert same(contents(tmp_path), second)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"task": {"name": "kim"}}, LiftmapError, "mean 'kin'"),
        ({"task": {"name": "kin", "test": {"limt": 3}}}, ConfigError, "mean 'limit'"),
        ({"task": {"name": "kin", "options": {"limit": "ten"}}}, ConfigError, "task.train"),
        ({"task": {"name": "kin", "dev": {"split": "test"}}}, ConfigError, "no option 'split'"),
        ({"verify": {"verifier": "exact", "options": {"pattern": "("}}}, ConfigError, "pattern"),
        ({"verify": {"verifier": "exact", "options": {"pattern": 5}}}, ConfigError, "no text"),
        ({"arms": {"a": {"method": "ppo"}}}, LiftmapError, "no method of this name"),
        ({"trl": {"sftt": {"learning_rate": 1}}}, LiftmapError, "mean 'sft'"),
        ({"sample": {"template": "plane"}}, LiftmapError, "mean 'plain'"),
        ({"base": {"model": "scripted:2"}}, LiftmapError, "out of range"),
        ({"teacher": {"model": "scripted:often"}}, LiftmapError, "not a number"),
    ],
)
def test_mistakes_are_found_before_the_work(
    tmp_path: Path, changes: dict[str, Any], error: type[LiftmapError], message: str
) -> None:
    with pytest.raises(error, match=message):
        run_study(parse_config(changed(**changes), "x"), tmp_path / "study")
    assert not (tmp_path / "study" / "responses").exists() or not list(
        (tmp_path / "study" / "responses").rglob("*.parquet")
    )


def test_missing_shards_are_never_left_out_in_silence(tmp_path: Path) -> None:
    config = parse_config(SCRIPTED, "x")
    run_study(config, tmp_path)
    whole = contents(tmp_path)
    for kind in ("verdicts", "responses"):
        next((tmp_path / kind / "base" / "test").rglob("shard-00002.parquet")).unlink()
        with (
            open_study(StudyFolder(tmp_path)) as run,
            pytest.raises(StoreError, match=r"of their verdicts.*`liftmap study`"),
        ):
            run.analyse()
        run_study(config, tmp_path)
        assert same(contents(tmp_path), whole)


def test_a_held_folder_keeps_its_settings(scripted_study: Path) -> None:
    before = (scripted_study / "study.toml").read_text()
    other = parse_config(changed(analyse={"level": 0.5}), "x")
    with (
        open_study(StudyFolder(scripted_study)),
        pytest.raises(StoreError, match="Another liftmap process"),
    ):
        run_study(other, scripted_study)
    assert (scripted_study / "study.toml").read_text() == before


def test_overlapping_splits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from liftmap.tasks import TASKS
    from liftmap.tasks.kin import kin

    monkeypatch.setitem(TASKS, "same", lambda split, limit=None: kin("test", limit=limit))
    config = parse_config(changed(task={"name": "same", "test": {"limit": 2}}), "x")
    with pytest.raises(InputError, match=r"share a question.*kin-"):
        make_questions(config.task)


def test_two_processes_do_not_share_a_folder(scripted_study: Path) -> None:
    with (
        open_study(StudyFolder(scripted_study)),
        pytest.raises(StoreError, match="Another liftmap process"),
        open_study(StudyFolder(scripted_study)),
    ):
        pass


def test_a_folder_that_is_no_study(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match="is not a study folder"),
        open_study(StudyFolder(tmp_path)),
    ):
        pass
