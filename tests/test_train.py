"""Training by TRL's own trainers, for real and small: a whole study."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from liftmap.errors import ConfigError, EmptyTrainingSetError
from liftmap.records import Question
from liftmap.sample.hf import load_model
from liftmap.store import StudyFolder
from liftmap.study import open_study, run_study
from liftmap.studyfile import parse_config
from liftmap.train import TrainingJob, check_trl_settings
from liftmap.train.grpo import make_reward, shares_alike
from liftmap.verify import make_verifier
from liftmap.verify.thinking import ThinkingRule

from .conftest import SCRIPTED

REAL: dict[str, Any] = {
    "name": "mini",
    "base": {"model": "testbed:base"},
    "teacher": {"model": "testbed:teacher"},
    "task": {"name": "kin", "train": {"limit": 24}, "dev": {"limit": 8}, "test": {"limit": 16}},
    "sample": {"n": 16, "n_train": 16, "n_dev": 4, "max_tokens": 24, "shard_responses": 64},
    "verify": SCRIPTED["verify"],
    "trl": {
        "grpo": {
            "max_steps": 5,
            "save_steps": 2,
            "per_device_train_batch_size": 32,
            "num_generations": 8,
            "max_completion_length": 24,
            "learning_rate": 1e-3,
            "gradient_checkpointing": False,
        },
        "sft": {
            "num_train_epochs": 2,
            "save_strategy": "epoch",
            "per_device_train_batch_size": 16,
            "learning_rate": 1e-3,
            "gradient_checkpointing": False,
        },
    },
    "arms": {
        "rlvr": {"method": "grpo"},
        "self": {"method": "sft", "responses": {"of": "base", "matched_with": "rlvr"}},
        "from-rlvr": {"method": "sft", "responses": {"of": "rlvr", "matched_with": "base"}},
        "knowledge": {"method": "sft", "responses": {"of": "teacher"}},
    },
    "analyse": {"resamples": 100},
}


@pytest.fixture(scope="module")
def mini_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "mini"
    run_study(parse_config(REAL, "the test"), folder)
    return folder


def steps_logged(folder: Path, arm: str) -> list[int]:
    lines = (folder / "metrics" / f"{arm}.jsonl").read_text().splitlines()
    return [entry["step"] for entry in map(json.loads, lines) if "loss" in entry]


@pytest.mark.slow
def test_a_whole_study_with_real_trainers(mini_study: Path) -> None:
    folder = StudyFolder(mini_study)
    assert folder.report_file.exists()
    for arm in REAL["arms"]:
        found = json.loads((folder.checkpoint(arm, 1).record_file).read_text())
        best = max(row["accuracy"] for row in found["dev"])
        assert found["step"] == next(r["step"] for r in found["dev"] if r["accuracy"] == best)
        assert not (folder.checkpoint(arm, 1).trainer_dir).exists()
        _, tokenizer = load_model(str(folder.path / found["path"]))
        assert tokenizer("so Ann")["input_ids"]
        logged = steps_logged(mini_study, arm)
        assert logged == sorted(set(logged))
    matched = [
        json.loads((folder.checkpoint(arm, 1).record_file).read_text())
        for arm in ("self", "from-rlvr")
    ]
    for key in ("training_questions", "training_responses"):
        assert matched[0][key] == matched[1][key] > 0


@pytest.mark.slow
def test_training_changes_the_weights(mini_study: Path) -> None:
    folder = StudyFolder(mini_study)
    weights = {
        arm: load_file(folder.checkpoint(arm, 1).model_dir / "model.safetensors")
        for arm in ("rlvr", "self", "from-rlvr")
    }
    for one, other in (("rlvr", "self"), ("self", "from-rlvr")):
        assert any(
            not np.array_equal(weights[one][name], weights[other][name]) for name in weights[one]
        )


@pytest.mark.slow
def test_a_teacher_without_a_right_response_is_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    plain = copy.deepcopy(REAL) | {"arms": {"knowledge": REAL["arms"]["knowledge"]}}
    plain["task"]["train"]["limit"] = 4
    plain["verify"]["options"] = {"pattern": r"therefore (\S+)"}  # Nobody writes that.
    with pytest.raises(EmptyTrainingSetError, match="'teacher' has no right response"):
        run_study(parse_config(plain, "x"), tmp_path)
    folder = StudyFolder(tmp_path)
    assert len(folder.responses("teacher", "train").read_responses()) == 4 * 16
    with open_study(folder) as run:
        assert run.trained_models() == ["base", "teacher"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lerning_rate": 1}, "mean 'learning_rate'"),
        ({"output_dir": "x"}, "set by liftmap itself"),
        ({"seed": 4}, "'seeds'"),
        ({"num_generations": 7, "per_device_train_batch_size": 32}, "refuses these settings"),
        ({"save_strategy": "sometimes"}, "refuses these settings"),
    ],
)
def test_trl_settings_are_checked_before_the_work(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_trl_settings("grpo", settings, "arms.rlvr.trl")


def test_the_reward_is_the_verifier(tmp_path: Path) -> None:
    questions = [Question("a", "who ?", "Zack"), Question("b", "who ?", "")]
    rewards = {}
    for reward in ("verifier", "random", "format"):
        job = TrainingJob(
            name="rlvr@1",
            arm="rlvr",
            seed=1,
            base="",
            questions=questions,
            prompts={},
            pairs=[],
            verifier=make_verifier("exact", SCRIPTED["verify"]["options"]),
            reward=reward,
            trl={},
            folder=tmp_path,
            metrics=tmp_path / "m",
        )
        completions = [" so Zack", " so Olga", " Zack", " so Zack"]
        rewards[reward] = make_reward(job)(
            prompts=[], completions=completions, question_id=["a", "a", "a", "b"]
        )
    assert rewards["verifier"] == [1.0, 0.0, 0.0, None]
    assert rewards["format"][:3] == [1.0, 1.0, 0.0]
    assert set(rewards["random"]) <= {0.0, 1.0}


def test_groups_that_are_alike_are_counted() -> None:
    groups = [[1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [None, 1.0], [None, None]]
    shares = shares_alike([reward for group in groups for reward in group], 2)
    assert shares == {"groups/all_right": 0.4, "groups/all_wrong": 0.2}


def test_thoughts_get_no_reward(tmp_path: Path) -> None:
    def rewards(*completions: object, opened: bool = False) -> list[float | None]:
        verifier = make_verifier("numeric", {}, ThinkingRule(opened=opened))
        job = TrainingJob("rlvr@1", "rlvr", 1, "", [Question("a", "2 + 3 ?", "5")], {}, [],
                          verifier, "verifier", {}, tmp_path, tmp_path / "m")  # fmt: skip
        return make_reward(job)(
            prompts=[], completions=list(completions), question_id=["a"] * len(completions)
        )

    assert rewards("<think>6?</think>5", "<think>5", "5") == [1.0, 0.0, 1.0]
    assert rewards("6?</think>5", "It may be 5", opened=True) == [1.0, 0.0]
    message = {"role": "assistant", "content": "It is 5"}
    assert rewards([message], [{**message, "reasoning_content": "6?"}]) == [1.0, 1.0]
    assert rewards([{**message, "content": None, "reasoning_content": "5"}]) == [0.0]
