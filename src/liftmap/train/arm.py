"""The training stage: one arm, one seed, from the base to a checkpoint chosen on dev.

Reads questions and verified train responses; writes `checkpoints/<arm>/<seed>/` (the chosen model,
and `checkpoint.json` last, which marks the arm as done), the dev responses of every saved step, and
`metrics/<arm>.jsonl`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from liftmap.config import ArmSection, StudyConfig, model_name
from liftmap.errors import SettingsDifferError
from liftmap.files import damaged, first_difference, write_json
from liftmap.records import Checkpoint, FixedPlan, Prompt, Question
from liftmap.sample import make_engine
from liftmap.sample.identity import identity_of_folder, identity_of_model
from liftmap.sample.sampling import model_seed
from liftmap.sample.templates import render_prompt
from liftmap.seals import digest_of_json
from liftmap.store import CheckpointFolder, StudyFolder, steps_of_arm
from liftmap.store.checkpoint_folder import NOT_OF_THE_MODEL, complete_steps, step_dir
from liftmap.train import Tracking, TrainingJob, get_method
from liftmap.train.recipes import right_responses, training_pairs
from liftmap.verify import make_verifier
from liftmap.verify.answer import answer
from liftmap.verify.thinking import USUAL, ThinkingRule

MODEL_FILES = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")


def read_checkpoint(folder: StudyFolder, arm: str, seed: int) -> Checkpoint | None:
    """The finished checkpoint of an arm, or None; its path is relative to the study folder."""
    file = folder.checkpoint(arm, seed).record_file
    if not file.exists():
        return None
    record = folder.read_record(file)
    return Checkpoint(arm=arm, seed=seed, path=record["path"], step=record["step"])


def train_arm(folder: StudyFolder, config: StudyConfig, arm: str, seed: int) -> Checkpoint:
    """Trains one arm with one seed, or goes on where an interrupted run stopped.

    Args:
        folder: The study; the train responses that the recipe names are there and verified.
        config: The study's settings.
        arm: Name of an enabled arm of a method other than `given`.
        seed: The training seed.

    Returns:
        The checkpoint with the highest accuracy on the dev questions (the earliest of equals).

    Raises:
        SettingsDifferError: The arm was, or is being, trained from another base or on other
            responses than its recipe names now.
        EmptyTrainingSetError: The recipe leaves nothing to train on.
        ConfigError: TRL refuses the arm's settings.
        StoreError: A stage before is missing, or the disk is full.
    """
    done = read_checkpoint(folder, arm, seed)
    home = folder.checkpoint(arm, seed)
    sources = _sources(folder, config, arm, seed)
    if done is not None:
        _refuse_other_inputs(folder, arm, seed, home.record_file, {"sources": sources})
        # A run that was killed at its very end left them.
        shutil.rmtree(home.trainer_dir, ignore_errors=True)
        return done
    started = time.monotonic()
    section = config.arms[arm]
    train_questions = folder.read_questions("train")
    prompts = {q.question_id: render_prompt(config.sample.template, q) for q in train_questions}
    pairs, used = _pairs(folder, config, arm, seed, prompts)
    job = TrainingJob(
        name=model_name(arm, seed),
        arm=arm,
        seed=seed,
        base=_base_path(config),
        questions=train_questions,
        prompts=prompts,
        pairs=pairs,
        verifier=make_verifier(
            config.verify.verifier,
            config.verify.options,
            ThinkingRule(end=config.verify.think_end) if config.verify.think_end else USUAL,
        ),
        reward=section.reward,
        trl=config.trl_settings(arm),
        folder=home.trainer_dir,
        metrics=folder.metrics_file(arm),
        stop=config.sample.stop,
        tracking=_tracking(folder, config, arm, seed),
    )
    saved = bool(complete_steps(job.folder))
    inputs = {"base": identity_of_model(config.base.model), "sources": sources}
    if saved:
        _refuse_other_inputs(folder, arm, seed, home.inputs_file, inputs)
    else:
        write_json(home.inputs_file, {"inputs": inputs})
        # Nothing of an earlier training is left: what it answered belongs to other weights.
        folder.forget(job.name)
        shutil.rmtree(steps_of_arm(folder, arm, seed).path, ignore_errors=True)
    if not (home.trained_file.exists() and saved):
        get_method(section.method)(job)
        write_json(home.trained_file, {"seconds": time.monotonic() - started})
    dev = _measure_on_dev(folder, config, job)
    best = max(dev, key=lambda row: (row["accuracy"], -row["step"]))
    _keep_model(step_dir(job.folder, int(best["step"])), home)
    record = Checkpoint(
        arm=arm,
        seed=seed,
        path=str(home.model_dir.relative_to(folder.path)),
        step=int(best["step"]),
    )
    details = {
        "method": section.method,
        "dev": dev,
        "training_questions": used or len(train_questions),
        "training_responses": len(pairs),
        "seconds": time.monotonic() - started,
        "inputs": inputs,
        "weights": identity_of_folder(home.model_dir),
        "log": folder.log_digest(arm, seed),
    }
    write_json(home.record_file, {**asdict(record), **details})
    shutil.rmtree(job.folder)
    return record


def _tracking(folder: StudyFolder, config: StudyConfig, arm: str, seed: int) -> Tracking | None:
    """What the arm answers while it is trained: dev questions, each arm with its own draws."""
    track = config.arms[arm].track
    if track is None:
        return None
    own = model_seed(config.sample.seed, model_name(arm, seed))
    return Tracking(
        questions=folder.read_questions("dev"),
        folder=steps_of_arm(folder, arm, seed).path,
        track=track,
        sampling=config.sample.model_copy(update={"seed": own}),
        verifying=config.verify,
    )


def _sources(folder: StudyFolder, config: StudyConfig, arm: str, seed: int) -> dict[str, Any]:
    """The models that a recipe takes responses from, with digests of these and their verdicts.

    The digest is None where shards have no seals, as in folders of earlier versions.
    """
    sources = {}
    for source in config.sources(arm):
        model = source_model(config, source, seed)
        target = folder.responses(model, "train")
        folders = (target.responses, target.verdicts(config.verify.verifier))
        seals = [each.facts(shard)["seal"] for each in folders for shard in each.shards()]
        all_sealed = seals and None not in seals
        sources[source] = {"model": model, "digest": digest_of_json(seals) if all_sealed else None}
    return sources


def _refuse_other_inputs(
    folder: StudyFolder, arm: str, seed: int, file: Path, inputs: Mapping[str, Any]
) -> None:
    """Refuses what was trained from something else than a recipe names now.

    Args:
        folder: The study.
        arm: The arm.
        seed: The training seed.
        file: Where it stands what the arm was trained from; earlier versions did not keep it.
        inputs: What it would be trained from now, or a part of that.

    Raises:
        SettingsDifferError: They differ.
    """
    if not file.exists():
        return
    earlier_inputs = folder.read_record(file).get("inputs")
    if earlier_inputs is None:
        return
    difference = first_difference({name: earlier_inputs[name] for name in inputs}, dict(inputs))
    if difference:
        key, was, now = difference
        raise SettingsDifferError(
            f"{model_name(arm, seed)} was trained from something else than its recipe names now: "
            f"{key} was {was!r}, now {now!r}.",
            remedy=f"Put that back (a source's seed, its responses, the base), or move "
            f"{file.parent} and the responses of {model_name(arm, seed)} away to train again.",
        )


def refuse_other_weights_of(
    folder: StudyFolder, arm: str, seed: int, identity: Mapping[str, Any] | None
) -> None:
    """Refuses a checkpoint whose files are not those that the training left.

    Raises:
        StoreError: They are others. Earlier versions did not keep digests of them.
    """
    file = folder.checkpoint(arm, seed).record_file
    earlier_weights = folder.read_record(file).get("weights")
    if earlier_weights is not None and identity is not None and earlier_weights != dict(identity):
        raise damaged(
            folder.checkpoint(arm, seed).model_dir, f"its files are not those of {file.name}"
        )


def _base_path(config: StudyConfig) -> str:
    from liftmap.sample.hf import resolve_model

    return resolve_model(config.base.model)


def _pairs(
    folder: StudyFolder, config: StudyConfig, arm: str, seed: int, prompts: dict[str, Prompt]
) -> tuple[list[tuple[Prompt, str]], int]:
    """Training pairs of an arm and the number of questions; none for reinforcement learning."""
    section: ArmSection = config.arms[arm]
    if section.responses is None:
        return [], 0
    right = {}
    for source in config.sources(arm):
        source_set = folder.responses(source_model(config, source, seed), "train")
        right[source] = right_responses(
            source_set.read_responses(), source_set.read_verdicts(config.verify.verifier)
        )
    return training_pairs(arm, seed, section.responses, right, prompts)


def source_model(config: StudyConfig, source: str, seed: int) -> str:
    """The model behind a recipe's source: an arm's checkpoint of the same seed, else its first."""
    if source not in config.arms:
        return source
    seeds = config.arms[source].seeds
    return model_name(source, seed if seed in seeds else seeds[0])


def _measure_on_dev(
    folder: StudyFolder, config: StudyConfig, job: TrainingJob
) -> list[dict[str, float]]:
    """Dev accuracy of every step that the trainer saved."""
    questions: list[Question] = folder.read_questions("dev")
    rows = []
    for step, path in complete_steps(job.folder).items():
        target = folder.responses(f"{job.name}-step{step}", "dev")
        label = str(path.relative_to(folder.path))
        answer(
            target,
            label,
            questions,
            FixedPlan(config.sample.n_dev),
            config.sample,
            config.verify,
            lambda path=path: make_engine(str(path), config.sample, questions),  # type: ignore[misc]
        )
        tally = target.tally(config.verify.verifier, questions)
        scored = tally.n > 0
        rows.append(
            {
                "step": step,
                "accuracy": float((tally.c[scored] / tally.n[scored]).mean()),
                "questions": int(scored.sum()),
                "responses": int(tally.n.sum()),
            }
        )
    return rows


def _keep_model(saved: Path, home: CheckpointFolder) -> None:
    """Copies a trainer checkpoint's model and tokenizer, without the optimiser's state."""
    partial = home.partial_model_dir
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for pattern in MODEL_FILES:
        for file in saved.glob(pattern):
            if file.name not in NOT_OF_THE_MODEL:
                shutil.copy2(file, partial / file.name)
    shutil.rmtree(home.model_dir, ignore_errors=True)
    partial.rename(home.model_dir)
