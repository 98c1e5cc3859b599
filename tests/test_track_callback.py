"""Measuring while training: TRL's own trainers on the testbed, watched and left alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import liftmap
from liftmap.errors import ConfigError, InputError, LiftmapError, ModelError, SettingsDifferError
from liftmap.records import FixedPlan, Question, Tally
from liftmap.sections import SampleSection, TrackSection, VerifySection
from liftmap.store import StepsFolder, StudyFolder
from liftmap.study import open_study, run_study
from liftmap.studyfile import parse_config
from liftmap.testbed import checkpoint_path
from liftmap.verify import make_verifier

EXACT = VerifySection(verifier="exact", options={"pattern": r"so (\S+)\s*$"})
SHORT = SampleSection(max_tokens=24)
EVERY_2 = TrackSection(every=2, questions=20, n=8, stop_after=2, round_size=2)
# What differs between two runs of one training: how long it took.
TIMES = ("time", "runtime", "per_second")

pytestmark = pytest.mark.slow


def grpo_trainer(out: Path) -> Any:
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    questions = {q.question_id: q for q in liftmap.load_questions("kin", "train", {"limit": 16})}
    verifier = make_verifier(EXACT.verifier, EXACT.options)

    def reward(completions: list[str], question_id: list[str], **_: Any) -> list[float | None]:
        pairs = [(questions[q], text) for q, text in zip(question_id, completions, strict=True)]
        return [verdict.reward for verdict in verifier.judge(pairs)]

    model = str(checkpoint_path("base"))
    return GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=GRPOConfig(
            output_dir=str(out),
            max_steps=4,
            save_steps=2,
            logging_steps=1,
            per_device_train_batch_size=32,
            num_generations=8,
            max_completion_length=24,
            learning_rate=1e-3,
            use_cpu=True,
            bf16=False,
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(
            [{"prompt": q.text, "question_id": q.question_id} for q in questions.values()]
        ),
        processing_class=AutoTokenizer.from_pretrained(model, padding_side="left"),
    )


def sft_trainer(out: Path, **more: Any) -> Any:
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    model = str(checkpoint_path("base"))
    rows = [{"prompt": "quick : Ann 's boss ?", "completion": " so Zack"}] * 8
    return SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(out),
            max_steps=2,
            per_device_train_batch_size=4,
            save_strategy="no",
            use_cpu=True,
            bf16=False,
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(model),
        **more,
    )


def watch(trainer: Any, steps: Path, **changes: Any) -> Any:
    asked: dict[str, Any] = {"track": EVERY_2, "sampling": SHORT, "verifying": EXACT} | changes
    callback = liftmap.TrackCallback(trainer, liftmap.load_questions("kin", "dev"), steps, **asked)
    trainer.add_callback(callback)
    return callback


@dataclass
class Run:
    """A training that has ended: its trainer, its checkpoints and its steps."""

    trainer: Any
    checkpoints: Path
    steps: StepsFolder

    @property
    def logged(self) -> dict[int, dict[str, float]]:
        """What the callback logged, by step."""
        return {
            entry["step"]: entry
            for entry in self.trainer.state.log_history
            if "liftmap/tokens" in entry
        }


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("watched")
    trainer = grpo_trainer(folder / "trainer")
    watch(trainer, folder / "steps")
    trainer.train()
    return Run(trainer, folder / "trainer", StepsFolder(folder / "steps"))


@pytest.fixture(scope="module")
def unwatched(tmp_path_factory: pytest.TempPathFactory) -> Any:
    trainer = grpo_trainer(tmp_path_factory.mktemp("unwatched"))
    trainer.train()
    return trainer


def test_the_training_is_the_same_with_and_without(watched: Run, unwatched: Any) -> None:
    import torch

    weights = [dict(t.model.named_parameters()) for t in (watched.trainer, unwatched)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
    logs = [
        [
            {k: v for k, v in entry.items() if not any(word in k for word in TIMES)}
            for entry in trainer.state.log_history
            if "liftmap/tokens" not in entry
        ]
        for trainer in (watched.trainer, unwatched)
    ]
    assert logs[0] == logs[1]
    assert [entry["step"] for entry in logs[0] if "loss" in entry] == [1, 2, 3, 4]


def test_what_is_logged_is_what_compare_says_of_the_folder(watched: Run) -> None:
    assert sorted(watched.logged) == watched.steps.answered() == [0, 2, 4]
    base = watched.steps.responses(0)
    for step, logged in watched.logged.items():
        comparison = liftmap.compare(base, watched.steps.responses(step), law_resamples=0)
        assert comparison.k == 8
        expected = {
            "pass@1": comparison.accuracy.after.estimate,
            "pass@8": comparison.at_k.after.estimate,
        }
        if step:
            assert comparison.lost.excess is not None
            expected["lost"] = comparison.lost.excess.estimate
        else:
            assert "liftmap/lost" not in logged
        for name, estimate in expected.items():
            assert logged[f"liftmap/{name}"] == pytest.approx(estimate)
            assert logged[f"liftmap/{name}/low"] <= estimate <= logged[f"liftmap/{name}/high"]
        assert logged["liftmap/questions"] == comparison.questions == 20


def test_the_docs_name_what_is_logged(watched: Run) -> None:
    text = (Path(__file__).parent.parent / "docs" / "callback.md").read_text("utf-8")
    logged = {name.removesuffix("/low").removesuffix("/high") for name in watched.logged[4]}
    for name in logged - {"epoch", "step"}:
        assert f"`{name.replace('pass@8', 'pass@16')}`" in text, name


def test_the_price_is_stated_and_measured(watched: Run) -> None:
    price = watch(watched.trainer, watched.steps.path).price(4)
    assert price.steps == (0, 2, 4)
    assert price.tokens == 3 * price.responses * 24 == 3 * 20 * 8 * 24
    for step, logged in watched.logged.items():
        responses = watched.steps.responses(step).read_responses()
        assert logged["liftmap/tokens"] == responses["token_count"].sum()
        assert len(responses) < price.responses
        assert logged["liftmap/seconds"] > 0
        assert logged["liftmap/tokens/expected"] == 3 * watched.logged[0]["liftmap/tokens"]
        assert logged["liftmap/tokens/expected"] < price.tokens


def test_the_log_of_a_real_trainer_is_read(watched: Run) -> None:
    table = liftmap.read_training_log(watched.checkpoints)
    state = json.loads((watched.checkpoints / "checkpoint-4" / "trainer_state.json").read_text())
    losses = {e["step"]: e for e in state["log_history"] if "loss" in e}
    assert table["step"].to_list() == sorted(losses)
    for row in table.iter_rows(named=True):
        entry = losses[row["step"]]
        assert row["no_gradient"] == entry["frac_reward_zero_std"]
        assert row["tokens"] == entry["completions/mean_length"]
        assert row["truncated"] == entry["completions/clipped_ratio"]
        assert (row["reward"], row["entropy"]) == (entry["reward"], entry["entropy"])
        assert row["all_right"] is row["all_wrong"] is None, "TRL does not tell them apart"


def test_a_step_that_is_answered_is_not_answered_again(watched: Run, tmp_path: Path) -> None:
    steps = StepsFolder(Path(shutil.copytree(watched.steps.path, tmp_path / "steps")))
    trainer = grpo_trainer(tmp_path / "trainer")
    watch(trainer, steps.path)
    trainer.train(resume_from_checkpoint=str(watched.checkpoints / "checkpoint-2"))
    again = Run(trainer, tmp_path / "trainer", steps)
    for step in (0, 2, 4):
        shard = "shard-00000.parquet"
        times = [run.steps.responses(step).path / shard for run in (watched, again)]
        assert times[0].stat().st_mtime_ns == times[1].stat().st_mtime_ns
    assert again.logged.keys() == watched.logged.keys()
    assert again.logged[4] == watched.logged[4]


def test_other_weights_after_resuming_answer_again(
    watched: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = grpo_trainer(tmp_path / "trainer")
    steps = StepsFolder(Path(shutil.copytree(watched.steps.path, tmp_path / "steps")))
    watch(trainer, steps.path)
    # Other questions than before the interruption lead to other weights at step 4.
    trainer.train_dataset = trainer.train_dataset.select(range(8))
    trainer.train(resume_from_checkpoint=str(watched.checkpoints / "checkpoint-2"))
    weights = [s.responses(4).settings()["weights"] for s in (watched.steps, steps)]
    assert weights[0] != weights[1]
    assert "step 4 is answered again" in " ".join(capsys.readouterr().err.split())


def test_a_folder_of_another_training_is_refused(watched: Run, tmp_path: Path) -> None:
    steps = Path(shutil.copytree(watched.steps.path, tmp_path / "steps"))
    trainer = grpo_trainer(tmp_path / "trainer")
    watch(trainer, steps)
    with pytest.raises(SettingsDifferError, match=r"another training.*\[2, 4\]"):
        trainer.train()
    other = sft_trainer(tmp_path / "other")
    watch(other, steps, sampling=SampleSection(max_tokens=20))
    with pytest.raises(SettingsDifferError, match=r"sampling.max_tokens was 24, now 20"):
        other.train()
    assert other.state.global_step == 0


def test_sft_with_a_chat_template_and_a_base_from_elsewhere(tmp_path: Path) -> None:
    trainer = sft_trainer(tmp_path / "trainer")
    with pytest.raises(ModelError, match="no chat template"):
        watch(trainer, tmp_path / "steps", sampling=SampleSection(template="chat", max_tokens=24))
    trainer.processing_class.chat_template = "{{ messages[0].content }}"
    ids = [q.question_id for q in liftmap.load_questions("kin", "dev")]
    rng = np.random.default_rng(1)
    n, c = np.full(len(ids), 16), rng.binomial(16, rng.random(len(ids)))
    nothing = np.zeros_like(n)
    base = Tally(np.array(ids[::-1]), n, c, nothing, nothing, plan=FixedPlan(16))
    sampling = SampleSection(template="chat", max_tokens=24)
    watch(trainer, tmp_path / "steps", sampling=sampling, base=base)
    trainer.train()
    run = Run(trainer, tmp_path / "trainer", StepsFolder(tmp_path / "steps"))
    assert sorted(run.logged) == [0, 2]
    comparison = liftmap.compare(base, run.steps.responses(0), law_resamples=0)
    assert comparison.lost.excess is not None
    assert run.logged[0]["liftmap/lost"] == pytest.approx(comparison.lost.excess.estimate)
    asked = run.steps.responses(0).settings()["template"]["name"]
    assert asked.startswith("chat/")


def test_an_adapter_is_measured_with_its_base(tmp_path: Path) -> None:
    from peft import LoraConfig

    adapter = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    trainer = sft_trainer(tmp_path / "trainer", peft_config=adapter)
    watch(trainer, tmp_path / "steps")
    trainer.train()
    run = Run(trainer, tmp_path / "trainer", StepsFolder(tmp_path / "steps"))
    assert sorted(run.logged) == [0, 2]
    weights = [run.steps.responses(step).settings()["weights"]["weights"] for step in (0, 2)]
    assert weights[0] != weights[1]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"track": TrackSection(steps=(1, 7))}, ConfigError, r"steps 0 to 2; \[7\] are not"),
        ({"track": TrackSection(steps=(-1,))}, ConfigError, r"\[-1\] are not among them"),
        ({"verifying": VerifySection(verifier="gym")}, ConfigError, "can't judge 20 of the 20"),
        ({"verifying": VerifySection(verifier="exat")}, LiftmapError, "mean 'exact'"),
        ({"sampling": SampleSection(max_tokens=1000)}, InputError, "exceeds the model's"),
        ({"sampling": SampleSection(template="plane")}, LiftmapError, "mean 'plain'"),
        ({"base": "nowhere.csv"}, InputError, "does not exist"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_mistakes_are_found_before_the_training(
    tmp_path: Path, changes: dict[str, Any], error: type[LiftmapError], message: str
) -> None:
    if isinstance(changes.get("track"), TrackSection):
        changes = {**changes, "track": changes["track"].model_copy(update={"questions": 20})}
    else:
        changes = {"track": EVERY_2, **changes}
    with pytest.raises(error, match=message):
        watch(sft_trainer(tmp_path / "trainer"), tmp_path / "steps", **changes)
    assert not (tmp_path / "steps").exists()


def test_questions_that_can_not_be_compared_are_refused(tmp_path: Path) -> None:
    trainer = sft_trainer(tmp_path / "trainer")
    question = Question("a", "quick : Ann 's boss ?", "Zack")

    def callback(questions: list[Question], **more: Any) -> Any:
        return liftmap.TrackCallback(
            trainer, questions, tmp_path, sampling=SHORT, verifying=EXACT, **more
        )

    for few in ([], [question]):
        with pytest.raises(InputError, match="two questions or more"):
            callback(few)
    with pytest.raises(InputError, match="Two questions have one id"):
        callback([question, question])
    n = np.array([4])
    base = Tally(np.array(["a"]), n, n, 0 * n, 0 * n)
    with pytest.raises(InputError, match=r"not answered 1 of the 2 questions.*'b'"):
        callback([question, Question("b", question.text, "Ann")], base=base)
    # A model that no process has whole.
    trainer.is_fsdp_enabled = True
    with pytest.raises(ConfigError, match=r"cut into parts.*FSDP.*liftmap sample"):
        callback([question, Question("b", question.text, "Ann")])


def test_a_pass_leaves_modes_and_random_states_as_they_were() -> None:
    import random

    import torch

    from liftmap.train.live_engine import undisturbed

    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout())
    model.train()
    model[1].eval()

    def draws() -> tuple[float, ...]:
        return random.random(), float(np.random.rand()), float(torch.rand(1))  # noqa: NPY002

    def seed() -> None:
        random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002

    seed()
    expected = draws()
    seed()
    with suppress(ZeroDivisionError), undisturbed(model):
        assert not model.training
        draws()
        raise ZeroDivisionError
    assert draws() == expected
    assert [module.training for module in model.modules()] == [True, True, False]


@pytest.fixture(scope="module")
def tracked_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "tracked"
    grpo = {
        "max_steps": 4,
        "save_steps": 2,
        "per_device_train_batch_size": 32,
        "num_generations": 8,
        "max_completion_length": 24,
        "learning_rate": 1e-3,
    }
    study = {
        "name": "tracked",
        "base": {"model": "testbed:base"},
        "task": {"name": "kin", "train": {"limit": 8}, "dev": {"limit": 16}, "test": {"limit": 8}},
        "sample": {"n": 8, "n_train": 8, "n_dev": 4, "max_tokens": 24},
        "verify": {"verifier": "exact", "options": EXACT.options},
        "score": {"enabled": False},
        "trl": {"grpo": grpo},
        "arms": {
            "watched": {"method": "grpo", "track": {"every": 2, "n": 8, "questions": 12}},
            "whole": {"method": "grpo", "track": True},
            "alone": {"method": "grpo"},
        },
        "analyse": {"resamples": 50, "law_resamples": 4},
    }
    run_study(parse_config(study, "the test"), folder)
    return folder


def test_a_study_keeps_the_steps_of_its_arms(tracked_study: Path) -> None:
    study = StudyFolder(tracked_study)
    steps = study.read_table("steps")
    by_arm = dict(steps.group_by("arm").agg(pl.col("step").sort()).iter_rows())
    assert by_arm == {"watched": [0, 2, 4], "whole": [0, 1, 2, 3, 4]}
    assert set(steps["questions"]) == {12, 16}
    test_ids = {q.question_id for q in study.read_questions("test")}
    for step in (0, 2, 4):
        folder = StepsFolder(tracked_study / "steps" / "watched" / "1").folder(step)
        asked = {q.question_id for q in folder.read_questions("dev")}
        assert asked < {q.question_id for q in study.read_questions("dev")}
        assert not asked & test_ids
    first = steps.filter(step=0)
    assert first["accuracy"].null_count() == 0
    assert first["lost"].null_count() == first["accuracy_change"].null_count() == len(first)
    assert steps.filter(pl.col("step") > 0).null_count().sum_horizontal().item() == 0
    # Both arms begin as the base, and neither draws what the other does.
    texts = [
        StepsFolder(tracked_study / "steps" / arm / "1").responses(0).read_responses()["text"]
        for arm in ("watched", "whole")
    ]
    assert texts[0].to_list() != texts[1].to_list()


def test_arms_train_alike_whether_watched_or_not(tracked_study: Path) -> None:
    from safetensors.numpy import load_file

    study = StudyFolder(tracked_study)
    chosen = {
        arm: json.loads(study.checkpoint(arm, 1).record_file.read_text())["step"]
        for arm in ("watched", "alone")
    }
    logs = {
        arm: [
            {k: v for k, v in entry.items() if not any(word in k for word in (*TIMES, "arm"))}
            for entry in study.read_log(arm)
            if "liftmap/tokens" not in entry
        ]
        for arm in ("watched", "alone")
    }
    assert logs["watched"] == logs["alone"]
    if chosen["watched"] == chosen["alone"]:
        weights = [
            load_file(study.checkpoint(arm, 1).model_dir / "model.safetensors") for arm in chosen
        ]
        assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_groups_without_a_gradient_stand_beside_the_prediction(tracked_study: Path) -> None:
    table = StudyFolder(tracked_study).read_table("gradient")
    logged = table.filter(pl.col("no_gradient").is_not_null())
    assert logged.group_by("arm").len()["len"].to_list() == [4, 4, 4]
    apart = logged["all_right"] + logged["all_wrong"]
    assert np.allclose(apart, logged["no_gradient"])
    predicted = table.filter(pl.col("predicted_no_gradient").is_not_null())
    sources = dict(predicted.group_by("arm").agg(pl.col("predicted_from").unique()).iter_rows())
    assert sources == {"watched": ["dev"], "whole": ["dev"], "alone": ["base"]}
    for name in ("no_gradient", "all_right", "all_wrong"):
        low, middle, high = (
            predicted[f"predicted_{name}{end}"].to_numpy() for end in ("_low", "", "_high")
        )
        assert (low >= 0).all()
        assert (low <= middle).all()
        assert (middle <= high).all()
        assert (high <= 1).all()
    page = (tracked_study / "report.html").read_text("utf-8")
    assert "while the arm was trained" in page
    assert "predicted by the law of success rates" in page


def test_a_finished_study_answers_nothing_again(
    tracked_study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from liftmap.train.track_callback import TrackCallback

    called: list[Callable[..., Any]] = []
    monkeypatch.setattr(TrackCallback, "_answer", lambda *_: called.append(TrackCallback._answer))
    with open_study(StudyFolder(tracked_study)) as run:
        assert run.train_with_sources("watched") == ["watched@1"]
    assert not called
