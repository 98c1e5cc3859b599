"""`liftmap track`: what it writes, how it ends, what it refuses; and a run that it follows."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from liftmap.cli import main
from liftmap.comparison.follow import FollowOptions, follow
from liftmap.comparison.load import JudgedBy
from liftmap.comparison.options import Options
from liftmap.comparison.track import track
from liftmap.errors import InputError

DATA = Path(__file__).parents[1] / "read" / "data"
QUICK = ["--resamples", "60"]
JUDGED: JudgedBy = {
    "verifier": None,
    "metric": None,
    "think_end": None,
    "verifier_options": None,
    "columns": None,
    "right_at": None,
}


def rows(rates: list[float], step: int, n: int = 8, seed: int = 0) -> str:
    """One verl dump."""
    rng = np.random.default_rng([seed, step])
    lines = []
    for place, rate in enumerate(rates):
        for right in rng.random(n) < rate:
            answer = place if right else place + 1
            row = {
                "input": f"user\nWhat is {place} + 0?\nassistant\n",
                "output": "So. " * (step + 1) + str(answer),
                "gts": str(place),
                "score": float(right),
                "step": step,
                "acc": bool(right),
                "pred": str(answer),
            }
            lines.append(json.dumps(row) + "\n")
    return "".join(lines)


def verl(folder: Path, rates: dict[int, float], questions: int = 60) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for step, rate in rates.items():
        (folder / f"{step}.jsonl").write_text(rows([rate] * questions, step))
    return folder


def test_a_folder_of_steps_gives_all_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = verl(tmp_path / "val", {0: 0.4, 10: 0.5, 20: 0.7})
    files = {name: tmp_path / f"t.{name}" for name in ("json", "html", "md")}
    asked = ["--json", str(files["json"]), "--report", str(files["html"])]
    asked += ["--markdown", str(files["md"]), "--parquet", str(tmp_path / "tables")]
    assert main(["track", str(folder), *QUICK, *asked, "--require", "accuracy >= 0"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Accuracy is above step 0 at")
    assert "step 20: accuracy >= 0: passed" in printed
    result = json.loads(files["json"].read_text())
    assert [step["step"] for step in result["steps"]] == [10, 20]
    length = result["steps"][1]["length"]["estimate"]
    assert length == pytest.approx(4 * 21 + 1.85, abs=0.3)
    assert result["length_unit"] == "characters"
    assert result["steps"][1]["entropy"]["estimate"] > 0
    assert result["steps"][1]["truncated"] is None
    page = files["html"].read_text()
    assert "<title>Steps 0 to 20</title>" in page
    assert page.count('class="chart"') == 6
    assert "<script src" not in page
    assert "| 20 | `accuracy >= 0` | ✅ passed" in files["md"].read_text()
    table = pl.read_parquet(tmp_path / "tables" / "passes.parquet")
    assert table["step"].unique().sort().to_list() == [0, 10, 20]


def test_steps_may_be_named_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = verl(tmp_path / "val", {5: 0.4, 10: 0.5, 20: 0.7})
    steps = [f"{folder}:5", str(folder / "20.jsonl"), f"{folder}:10"]
    assert main(["track", *steps, *QUICK, "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["base"]["step"] == 5
    assert [step["step"] for step in result["steps"]] == [10, 20]
    # A base of its own, and then a folder.
    base = tmp_path / "base.jsonl"
    base.write_text(rows([0.4] * 60, 0))
    tracked = track(base, folder, resamples=60)
    assert [step.number for step in tracked.all_steps] == [0, 5, 10, 20]


def test_the_files_of_other_tools_are_steps_too(tmp_path: Path) -> None:
    trl = track(DATA / "trl", resamples=60, metric="correct")
    assert [step.number for step in trl.all_steps] == [1, 2]
    # Names that say no step: the rows do.
    single = tmp_path / "all.jsonl"
    single.write_text("".join(rows([0.5] * 20, step) for step in (0, 3, 6)))
    assert [step.number for step in track(single, resamples=60).all_steps] == [0, 3, 6]
    prime = tmp_path / "rollouts"
    source = DATA / "rollouts" / "verifiers" / "rollouts" / "step_20"
    for step in (20, 40):
        shutil.copytree(source, prime / f"step_{step}")
    for path in (prime / "step_40").rglob("*.jsonl"):
        path.write_text(path.read_text().replace('"step":20', '"step":40'))
    tracked = track(prime, within="eval/all", resamples=60)
    assert [step.number for step in tracked.all_steps] == [20, 40]


def test_response_sets_of_steps_are_read(tmp_path: Path) -> None:
    for step, rates in ((0, "scripted:0.2,0.4"), (10, "scripted:0.5,0.9")):
        asked = ["--task", "kin", "--option", "limit=30", "--n", "8"]
        out = tmp_path / "run" / f"step_{step}"
        assert main(["sample", "--model", rates, *asked, "--out", str(out)]) == 0
    tracked = track(tmp_path / "run", resamples=60)
    assert [step.number for step in tracked.all_steps] == [0, 10]
    assert tracked.changed
    assert tracked.length_unit == "tokens"


def test_exit_status_says_what_the_gate_says(tmp_path: Path) -> None:
    folder = str(verl(tmp_path / "val", {0: 0.7, 10: 0.7, 20: 0.4}))
    base = ["track", folder, *QUICK, "--require"]
    assert main([*base, "accuracy >= -1"]) == 1
    assert main([*base, "accuracy >= 0", "--at", "10"]) == 3
    assert main([*base, "accuracy >= -60", "--at", "all"]) == 0
    assert main([*base, "accuracy >= -40", "--at", "chosen"]) == 0
    assert main([*base, "accuracy >= -1", "--at", "30"]) == 2


# What can't be tracked


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        track(folder, resamples=60)
    return str(caught.value)


def test_a_half_written_last_step_is_left_out_loudly(tmp_path: Path) -> None:
    folder = verl(tmp_path / "val", {0: 0.4, 10: 0.5, 20: 0.7})
    file = folder / "20.jsonl"
    file.write_text(file.read_text()[:-30])
    tracked = track(folder, resamples=60)
    assert [step.number for step in tracked.steps] == [10]
    assert "Step 20 is still being written (20.jsonl): left out." in tracked.warnings
    # One in between is damaged.
    (folder / "30.jsonl").write_text(rows([0.5] * 60, 30))
    assert "Step 20 of" in refusal(folder)
    assert "20.jsonl is cut off" in refusal(folder)


def test_folders_that_make_no_run_are_refused(tmp_path: Path) -> None:
    single = verl(tmp_path / "one", {0: 0.4})
    assert "A run needs a base and one step more" in refusal(single)
    mixed = verl(tmp_path / "mixed", {0: 0.4, 10: 0.5})
    (mixed / "20.jsonl").write_text('{"question_id": "a", "correct": true}\n')
    assert "is a mix of 2 formats. Seen: {'verl'" in refusal(mixed)
    twice = verl(tmp_path / "twice", {0: 0.4, 10: 0.5})
    shutil.copytree(single, twice / "step_10")
    assert "holds a step twice" in refusal(twice)
    wrong = verl(tmp_path / "wrong", {0: 0.4, 10: 0.5})
    shutil.copy(wrong / "10.jsonl", wrong / "20.jsonl")
    assert "is called step 20, but its rows are of step 10" in refusal(wrong)
    empty = verl(tmp_path / "empty", {0: 0.4, 10: 0.5, 20: 0.5})
    (empty / "10.jsonl").write_text("")
    assert "Step 10 of" in refusal(empty)
    other = verl(tmp_path / "other", {0: 0.4, 10: 0.5})
    (other / "20.jsonl").write_text(rows([0.5] * 60, 20).replace(" + 0?", " + 1?"))
    assert "can be judged at every step" in refusal(other)


def test_sources_that_make_no_run_are_refused(tmp_path: Path) -> None:
    folder = verl(tmp_path / "val", {0: 0.4, 10: 0.5})
    with pytest.raises(InputError, match="Step 10 is there twice"):
        track(f"{folder}:0", f"{folder}:10", folder / "10.jsonl")
    with pytest.raises(InputError, match="base is step 10, but step 0 comes before"):
        track(f"{folder}:10", f"{folder}:0")
    with pytest.raises(InputError, match="named one by one"):
        track(f"{folder}:0", f"{folder}:10", within="eval")
    assert main(["track"]) == 2
    assert main(["track", str(folder), "--until", "10"]) == 2
    assert main(["track", str(tmp_path / "nowhere")]) == 2


def test_files_without_steps_are_numbered_by_their_order(tmp_path: Path) -> None:
    for name, rate in (("base", 0.4), ("first", 0.5), ("last", 0.6)):
        (tmp_path / f"{name}.jsonl").write_text(
            rows([rate] * 30, 0).replace('"step": 0', '"step": null')
        )
    sources = [tmp_path / f"{name}.jsonl" for name in ("base", "last", "first")]
    tracked = track(*sources, resamples=60)
    assert [Path(str(step.side.path)).stem for step in tracked.all_steps] == [
        "base",
        "last",
        "first",
    ]
    assert any("numbered by their order" in text for text in tracked.warnings)


# A run that goes on


def test_a_run_is_followed_step_by_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, report = tmp_path / "val", tmp_path / "track.json"

    def train() -> None:
        time.sleep(0.2)
        (folder / "step_5").mkdir(parents=True)
        verl(folder, {0: 0.4})
        for step, rate in ((10, 0.5), (20, 0.8)):
            text = rows([rate] * 60, step)
            # A dump that is written in two pieces, the first of which ends within a line.
            with (folder / f"{step}.jsonl").open("w") as file:
                file.write(text[:5000])
                file.flush()
                time.sleep(0.3)
                file.write(text[5000:])

    trainer = threading.Thread(target=train)
    trainer.start()
    command = ["track", "--follow", str(folder), "--interval", "0.1", "--until", "20", *QUICK]
    status = main([*command, "--json", str(report), "--require", "accuracy >= 0"])
    trainer.join()
    assert status == 0
    printed, said = capsys.readouterr()
    lines = [
        line for line in printed.splitlines() if line.startswith("step 1") or "step 20: acc" in line
    ]
    assert lines[0].startswith("step 10: accuracy 5")
    assert lines[1].startswith("step 20: accuracy 8")
    assert "Step 0 is the base." in said
    result = json.loads(report.read_text())
    assert [step["step"] for step in result["steps"]] == [10, 20]
    assert result["steps"][1]["side"]["responses"] == 480


def test_a_step_that_can_not_be_used_is_left_out_while_following(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = verl(tmp_path / "val", {0: 0.4, 20: 0.5})
    (folder / "10.jsonl").write_text(rows([0.5] * 60, 10).replace(" + 0?", " + 1?"))
    command = ["track", "--follow", str(folder), "--interval", "0.05", "--until", "20", *QUICK]
    assert main(command) == 0
    printed, said = capsys.readouterr()
    assert "Step 10 is left out: Of 120 questions 0 can be judged at every step" in said
    assert "step 20: accuracy" in printed
    # A rule about a step that never came is not kept.
    rule = ["--require", "accuracy >= -100", "--at", "30"]
    assert main([*command, *rule]) == 3


def test_a_step_that_grows_is_read_again(tmp_path: Path) -> None:
    folder = verl(tmp_path / "val", {0: 0.4, 10: 0.5})
    options = FollowOptions(str(folder), JUDGED, interval=0.02, until=20)
    seen = []
    for run in follow(options, Options(law_resamples=0, resamples=60), tell=lambda _: None):
        seen.append((len(run.steps), run.k))
        if len(seen) == 1:
            with (folder / "10.jsonl").open("a") as file:
                file.write(rows([0.5] * 60, 10, seed=1))
        elif len(seen) == 2:
            (folder / "0.jsonl").write_text(rows([0.4] * 60, 0, n=16))
        elif len(seen) == 3:
            (folder / "20.jsonl").write_text(rows([0.6] * 60, 20, n=16))
    assert seen == [(1, 8), (1, 8), (1, 16), (2, 16)]


@pytest.mark.slow
def test_ctrl_c_ends_following_with_all_written(tmp_path: Path) -> None:
    folder, report = verl(tmp_path / "val", {0: 0.4, 10: 0.5}), tmp_path / "track.json"
    command = [sys.executable, "-m", "liftmap", "track", "--follow", str(folder), *QUICK]
    process = subprocess.Popen(
        [*command, "--interval", "0.1", "--json", str(report)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    latest = time.monotonic() + 60
    while not report.exists() and time.monotonic() < latest:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "step 10: accuracy" in printed
    assert json.loads(report.read_text())["steps"][0]["step"] == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["track.json", "val"]


def test_the_log_of_the_training_stands_beside_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = verl(tmp_path / "val", {0: 0.3, 10: 0.4, 20: 0.5}, 20)
    history = [
        {"step": step, "reward": step / 10, "frac_reward_zero_std": 0.5}
        for step in (0, 5, 10, 20, 30)
    ]
    state = tmp_path / "trainer_state.json"
    state.write_text(json.dumps({"log_history": history}))
    target = tmp_path / "t.json"
    assert main(["track", str(folder), *QUICK, "--log", str(state), "--json", str(target)]) == 0
    logged = json.loads(target.read_text())["training_log"]
    # Step 10 is the mean of the steps 5 and 10; that of the base, and what comes after, is left.
    assert [(row["step"], row["logged"], row["reward"]) for row in logged] == [
        (10, 2, 0.75),
        (20, 1, 2.0),
    ]
    assert logged[0]["entropy"] is None
    shown = capsys.readouterr().out
    assert "What the trainer logged" in shown
    assert "no gradient, %" in shown
    assert "entropy, nats" not in shown.partition("What the trainer logged")[2]
    state.write_text(json.dumps({"log_history": [{"step": 99, "reward": 1.0}]}))
    assert main(["track", str(folder), *QUICK, "--log", str(state)]) == 2
    assert "logged nothing between the steps" in " ".join(capsys.readouterr().err.split())
