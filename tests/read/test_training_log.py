"""Training logs: what a trainer of Transformers or TRL logged, whatever names its version has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from liftmap import read_training_log
from liftmap.errors import InputError
from liftmap.read.training_log import NAMES

STEP = {
    "loss": 0.5,
    "reward": 0.4,
    "frac_reward_zero_std": 0.75,
    "entropy": 0.2,
    "completions/mean_length": 8.5,
    "completions/clipped_ratio": 0.125,
}


def state(folder: Path, records: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "trainer_state.json"
    file.write_text(json.dumps({"global_step": 2, "log_history": records}))
    return file


def test_each_column_is_the_figure_that_trl_logs(tmp_path: Path) -> None:
    table = read_training_log(state(tmp_path, [{**STEP, "step": 1}, {"loss": 0.25, "step": 2}]))
    first, second = table.to_dicts()
    assert first == {
        "seed": None,
        "step": 1,
        "loss": 0.5,
        "reward": 0.4,
        "reward_std": None,
        "no_gradient": 0.75,
        "all_right": None,
        "all_wrong": None,
        "entropy": 0.2,
        "tokens": 8.5,
        "truncated": 0.125,
    }
    assert (second["loss"], second["no_gradient"]) == (0.25, None)


def test_the_docs_name_every_column_and_what_trainers_call_it() -> None:
    text = (Path(__file__).parents[2] / "docs" / "callback.md").read_text("utf-8")
    for column, names in NAMES.items():
        assert f"`{column}`" in text
        assert any(f"`{name}`" in text for name in names)


def test_an_older_name_is_the_same_figure(tmp_path: Path) -> None:
    table = read_training_log(state(tmp_path, [{"completion_length": 31.0, "step": 5}]))
    assert table["tokens"].to_list() == [31.0]


def test_what_is_no_finite_number_is_unknown(tmp_path: Path) -> None:
    records = [{"loss": 1.0, "reward": value, "step": 1 + i} for i, value in
               enumerate([float("nan"), float("inf"), "high", None, True])]  # fmt: skip
    table = read_training_log(state(tmp_path, records))
    assert table["reward"].to_list() == [None] * 5


def test_two_records_of_a_step_are_one_row(tmp_path: Path) -> None:
    watched = {"liftmap/pass@1": 0.5, "step": 2}
    end = {"train_runtime": 3.0, "entropy": 0.3, "step": 2}
    table = read_training_log(state(tmp_path, [watched, {**STEP, "step": 2}, end]))
    assert table.select("step", "loss", "entropy").rows() == [(2, 0.5, 0.3)]


def test_a_study_s_log_has_seeds_and_may_be_cut_short(tmp_path: Path) -> None:
    lines = [{"arm": "rlvr", "seed": seed, **STEP, "step": 1, "groups/all_right": 0.5,
              "groups/all_wrong": 0.25} for seed in (2, 1)]  # fmt: skip
    file = tmp_path / "rlvr.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"arm": "rl')
    table = read_training_log(file)
    assert table["seed"].to_list() == [1, 2]
    assert (table["all_right"] + table["all_wrong"]).to_list() == table["no_gradient"].to_list()


def test_the_last_checkpoint_of_a_trainer_s_folder_is_read(tmp_path: Path) -> None:
    for last in (20, 100):
        records = [{"loss": 1.0, "step": step} for step in range(20, last + 1, 20)]
        state(tmp_path / f"checkpoint-{last}", records)
    (tmp_path / "checkpoint-200").mkdir()
    assert read_training_log(tmp_path)["step"].to_list() == [20, 40, 60, 80, 100]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("trainer_state.json", "{", "is not JSON"),
        ("trainer_state.json", "[1]", "no log_history.*list"),
        ("trainer_state.json", '{"steps": []}', r"no log_history.*\['steps'\]"),
        ("trainer_state.json", '{"log_history": [{"eval_loss": 1, "step": 1}]}', "eval_loss"),
        ("rlvr.jsonl", '{"loss"\n{"loss": 1, "step": 1}\n', "line 1 is not JSON"),
        ("rlvr.jsonl", "", "no figure of a training"),
    ],
)
def test_what_is_not_a_log_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_training_log(tmp_path / name)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_training_log(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no trainer_state\.json"):
        read_training_log(tmp_path)
