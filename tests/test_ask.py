"""Any model on any task: what lies in the folder, plans, and the commands that make it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from liftmap import Asking, audit_folder, compare, compare_models, sample_model, verify_folder
from liftmap.cli import main
from liftmap.errors import ConfigError, InputError, LiftmapError, SettingsDifferError
from liftmap.records import CurtailedPlan, FixedPlan, SamplingSettings
from liftmap.sample.plans import curtailed
from liftmap.sample.scripted import ScriptedEngine
from liftmap.sample.templates import render_prompt
from liftmap.sections import SampleSection, VerifySection
from liftmap.stats.curtailed import stopping_points
from liftmap.store import ResponseSet, StudyFolder
from liftmap.tasks.kin import kin

MODEL = "scripted:0,0.05,0.5,0.95"
BETTER = "scripted:0,0.3,0.6,0.95"
SAMPLING = SampleSection(engine="scripted", n=32, seed=1, shard_responses=512)
ASKING = Asking("kin", options={"limit": 60}, sampling=SAMPLING)
CURTAILED = replace(
    ASKING, sampling=SAMPLING.model_copy(update={"plan": "curtailed", "round_size": 4})
)
KEY = ["question_id", "response_index"]


def tally_of(target: ResponseSet, folder: Path, verifier: str = "exact"):  # type: ignore[no-untyped-def]
    return target.tally(verifier, StudyFolder(folder).read_questions(target.split))


def test_one_folder_holds_several_models_and_asks_each_once(tmp_path: Path) -> None:
    first = sample_model(MODEL, ASKING, tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.parquet")}
    sample_model(BETTER, ASKING, tmp_path)
    sample_model(MODEL, ASKING, tmp_path)
    assert all(p.stat().st_mtime_ns == time for p, time in before.items())
    assert StudyFolder(tmp_path).models("test") == [
        "scripted-0-0.05-0.5-0.95",
        "scripted-0-0.3-0.6-0.95",
    ]
    frame = first.read_responses()
    assert len(frame) == 60 * 32 == frame.select(KEY).n_unique()
    assert set(frame["template"].cast(pl.String)) == {"plain/1"}
    assert first.settings()["template"]["text"] == "{{ question }}"
    assert tally_of(first, tmp_path).plan == FixedPlan(32)


def test_a_folder_asks_one_question_set(tmp_path: Path) -> None:
    sample_model(MODEL, ASKING, tmp_path)
    with pytest.raises(SettingsDifferError, match=r"options\.limit was 60, now 50"):
        sample_model(MODEL, replace(ASKING, options={"limit": 50}), tmp_path)
    cooler = SAMPLING.model_copy(update={"temperature": 0.7})
    with pytest.raises(SettingsDifferError, match=r"sampling\.temperature was 1\.0, now 0\.7"):
        sample_model(MODEL, replace(ASKING, sampling=cooler), tmp_path)


def test_a_curtailed_plan_draws_what_the_fixed_plan_draws_first(tmp_path: Path) -> None:
    fixed = sample_model(MODEL, ASKING, tmp_path / "fixed")
    short = sample_model(MODEL, CURTAILED, tmp_path / "curtailed")
    rows = fixed.read_responses().select(*KEY, "text").rows()
    whole = {(question, index): text for question, index, text in rows}
    drawn = short.read_responses().select(*KEY, "text").rows()
    assert all(whole[question, index] == text for question, index, text in drawn)
    tally = tally_of(short, tmp_path / "curtailed")
    plan = CurtailedPlan(stop_after=8, cap=32, round_size=4)
    assert tally.plan == plan
    points = stopping_points(plan)
    assert set(zip(tally.n, tally.c, strict=True)) <= set(zip(points.n, points.c, strict=True))
    assert tally.n.sum() < 0.8 * 60 * 32


def test_what_cannot_be_scored_is_drawn_again() -> None:
    questions = kin("test", limit=20)
    engine = ScriptedEngine("scripted:0.5", questions)
    prompts = {q.question_id: render_prompt("plain", q) for q in questions}
    plan = CurtailedPlan(stop_after=3, cap=12, round_size=4)

    def judge(frame: pl.DataFrame) -> pl.DataFrame:
        # Every fifth response can't be scored, and none to the last question.
        lost = (pl.col("response_index") % 5 == 2) | (
            pl.col("question_id") == questions[-1].question_id
        )
        verdict = pl.when(lost).then(pl.lit("unscored")).otherwise(pl.lit("right"))
        right = pl.col("response_index") % 3 == 0
        return frame.select(
            "question_id",
            verdict=pl.when(~lost & ~right).then(pl.lit("wrong")).otherwise(verdict),
        )

    frames = curtailed(engine, prompts, plan, SamplingSettings(seed=1), judge, "plain/1")
    drawn = pl.concat(frames)
    assert drawn.select(KEY).n_unique() == len(drawn)
    verdicts = drawn.with_columns(judge(drawn)["verdict"])
    points = set(zip(*stopping_points(plan)[:2], strict=True))
    for (question_id,), rows in verdicts.group_by("question_id"):
        indices = sorted(rows["response_index"])
        assert indices == list(range(len(indices)))
        n = int((rows["verdict"] != "unscored").sum())
        c = int((rows["verdict"] == "right").sum())
        if question_id == questions[-1].question_id:
            assert n == 0
            assert len(rows) <= 4 * plan.round_size
        else:
            assert (n, c) in points


def test_two_models_are_asked_and_compared(tmp_path: Path) -> None:
    found = compare_models(MODEL, BETTER, CURTAILED, tmp_path, law_resamples=5, resamples=100)
    paths = [
        tmp_path / "responses" / name / "test"
        for name in ("scripted-0-0.05-0.5-0.95", "scripted-0-0.3-0.6-0.95")
    ]
    again = compare(str(paths[0]), str(paths[1]), law_resamples=5, resamples=100)
    results = [json.loads(result.to_json()) for result in (found, again)]
    given = [result[side].pop("path") for result in results for side in ("before", "after")]
    assert given == [None, None, *map(str, paths)]
    assert results[0] == results[1]
    assert found.accuracy.change.estimate > 0
    with pytest.raises(InputError, match="same model"):
        compare_models(MODEL, MODEL, CURTAILED, tmp_path)


def test_another_verifier_and_an_audit(tmp_path: Path) -> None:
    sample_model(MODEL, ASKING, tmp_path)
    shards = {p: p.read_bytes() for p in (tmp_path / "responses").rglob("*.parquet")}
    loose = VerifySection(verifier="choice")
    assert verify_folder(tmp_path, loose) == 60 * 32
    assert verify_folder(tmp_path, loose) == 0
    assert {p: p.read_bytes() for p in shards} == shards
    audit = audit_folder(tmp_path, "exact", "choice")
    assert audit.responses == 60 * 32
    assert audit.disagreements > 0
    place = str(tmp_path / "responses" / "scripted-0-0.05-0.5-0.95" / "test")
    with pytest.raises(InputError, match=r"not clear whose verdicts.*--verifier"):
        compare(place, place)


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "run")
    ask = ["--task", "kin", "--option", "limit=40", "--n", "16", "--seed", "1", "--out", folder]
    assert main(["sample", "--model", MODEL, *ask]) == 0
    printed = capsys.readouterr()
    assert Path(printed.out.strip()).is_dir()
    assert "640 scored responses to 40 questions, 0 unscored, accuracy (pass@1)" in " ".join(
        printed.err.split()
    )
    assert main(["verify", folder, "--verifier", "choice"]) == 0
    capsys.readouterr()
    assert main(["audit", folder, "--first", "exact", "--second", "choice", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["responses"] == 640
    assert main(["audit", folder, "--first", "exact", "--second", "choice"]) == 0
    assert "disagree about" in capsys.readouterr().out
    quick = ["--law-resamples", "5", "--resamples", "100", "--json", "-"]
    assert main(["compare", MODEL, BETTER, *ask, *quick]) == 0
    assert "verdict" in json.loads(capsys.readouterr().out)


def test_a_text_that_ends_thoughts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "run")
    ask = ["--task", "kin", "--option", "limit=40", "--n", "16", "--out", folder]
    exact = ["--verifier", "exact"]
    assert main(["sample", "--model", MODEL, *ask, *exact, "--think-end", "wait"]) == 0
    capsys.readouterr()
    quick = ["--law-resamples", "5", "--resamples", "100", "--json", "-"]
    assert main(["compare", MODEL, BETTER, *ask, *exact, "--think-end", "wait", *quick]) == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    # Some of the scripted responses wait.
    assert any("ended while thinking" in warning for warning in warnings)
    sets = [f"{folder}/responses/scripted-0-0.05-0.5-0.95/test"] * 2
    assert main(["compare", *sets, *exact, "--think-end", "thus", *quick]) == 2
    assert "made with another text that ends thoughts" in " ".join(capsys.readouterr().err.split())
    assert main(["verify", folder, *exact]) == 2
    assert "think_end was 'wait', now None" in " ".join(capsys.readouterr().err.split())
    assert main(["verify", folder, "--think-end", "wait"]) == 2
    assert "--think-end needs --verifier" in " ".join(capsys.readouterr().err.split())


def test_a_comparison_judges_with_options_of_the_verifier(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "samples_t_2026-01-01T00-00-00.000000.jsonl"
    rows = [
        {"doc_id": i, "doc": {"question": f"q{i}"}, "target": "7", "resps": [[text]],
         "filtered_resps": [text], "filter": "none", "metrics": ["exact_match"], "exact_match": 0.0}
        for i, text in enumerate(["so 7.05", "so 7", "so 9"])
    ]  # fmt: skip
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    quick = ["--law-resamples", "5", "--resamples", "100", "--json", "-"]
    judged = ["compare", str(log), str(log), "--verifier", "numeric", *quick]

    def accuracy(*words: str) -> float:
        assert main([*judged, *words]) == 0
        return float(json.loads(capsys.readouterr().out)["accuracy"]["before"]["estimate"])

    assert accuracy() == pytest.approx(1 / 3)
    assert accuracy("--verifier-option", "tolerance=0.01") == pytest.approx(2 / 3)
    assert main([*judged, "--verifier-option", "tolerence=0.01"]) == 2
    assert "tolerance" in capsys.readouterr().err
    assert main(["compare", str(log), str(log), "--verifier-option", "tolerance=1"]) == 2
    assert "--verifier-option needs --verifier" in " ".join(capsys.readouterr().err.split())
    # Verdicts of a folder must have been made with the options.
    folder = str(tmp_path / "run")
    ask = ["--task", "kin", "--option", "limit=40", "--n", "16", "--out", folder]
    assert main(["sample", "--model", MODEL, *ask]) == 0
    sets = [f"{folder}/responses/scripted-0-0.05-0.5-0.95/test"] * 2
    other = ["--verifier", "exact", "--verifier-option", "pattern=(x)"]
    assert main(["compare", *sets, *other, *quick]) == 2
    assert "made with other options" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sample", "--model", MODEL, "--out", "x"], "Name either a study folder, or a task"),
        (["sample", "--task", "kin", "--out", "x"], "--model is missing"),
        (["sample", "--task", "kin", "--model", MODEL], "--out is missing"),
        (["compare", MODEL, BETTER, "--task", "kin"], "--out is missing"),
        (["sample", "--task", "math-50", "--model", MODEL, "--out", "x"], "mean 'math-500'"),
        (["sample", "--task", "kin", "--model", MODEL, "--out", "x", "--n", "0"], "--n: "),
        (["sample", "--task", "kin", "--model", MODEL, "--out", "x", "--option", "a"], "KEY=VALUE"),
        (
            ["sample", "--task", "kin", "--model", MODEL, "--out", "x", "--option", "limt=3"],
            "mean 'limit'",
        ),
        (
            ["sample", "--task", "kin", "--model", MODEL, "--out", "x", "--template", "plan"],
            "mean 'plain'",
        ),
        (
            ["sample", "--task", "kin", "--model", MODEL, "--out", "x", "--verifier", "exct"],
            "mean 'exact'",
        ),
        (["sample", "--task", "kin", "--model", "no/model", "--out", "x"], "can't be loaded"),
        (
            ["sample", "--task", "kin", "--model", MODEL, "--out", "x", "--unsafe-code"],
            "is for the code verifier",
        ),
        (["verify", "."], "not a study"),
        (["audit", ".", "--first", "exact", "--second", "math"], "holds no responses"),
    ],
)
def test_mistakes_are_named_before_any_response_is_drawn(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(words) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.rglob("shard-*.parquet"))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LiftmapError, match="is a file where a folder is needed"):
        sample_model(MODEL, ASKING, tmp_path / "file")
    with pytest.raises(ConfigError, match="not a model's name"):
        sample_model("//", ASKING, tmp_path / "other")


def test_engines_are_closed_whatever_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    generate: Callable[..., object] = ScriptedEngine.generate
    monkeypatch.setattr(ScriptedEngine, "close", lambda self: closed.append(True), raising=False)
    sample_model(MODEL, ASKING, tmp_path / "good")

    def broken(*args: object, **kwargs: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(ScriptedEngine, "generate", broken)
    with pytest.raises(KeyboardInterrupt):
        sample_model(MODEL, ASKING, tmp_path / "stopped")
    assert closed == [True, True]
    monkeypatch.setattr(ScriptedEngine, "generate", generate)
    target = sample_model(MODEL, ASKING, tmp_path / "stopped")
    assert np.all(tally_of(target, tmp_path / "stopped").n == 32)
