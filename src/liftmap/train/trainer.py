"""What every TRL trainer here shares: its config, its log, its complete checkpoints, resuming.

Used by the methods; writes `metrics/<arm>.jsonl` and marks the trainer's checkpoints as complete.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import torch
from transformers import AutoTokenizer, PrinterCallback, TrainerCallback
from trl import GRPOConfig, SFTConfig

from liftmap.errors import ConfigError
from liftmap.files import disk, write_text
from liftmap.progress import Advance, progress
from liftmap.records import Prompt
from liftmap.registry import nearest
from liftmap.sample.hf_messages import quiet as quiet_models
from liftmap.store.checkpoint_folder import complete_steps, is_last_step, mark_complete, step_dirs
from liftmap.train import Tracking, TrainingJob
from liftmap.train.track_callback import TrackCallback

# liftmap's business: where things go, and that every step is logged and every checkpoint is whole.
RESERVED_SETTINGS = ("output_dir", "seed", "data_seed", "save_only_model", "resume_from_checkpoint")


def config_class(method: str) -> type[Any]:
    """TRL's config class of a method of liftmap's own."""
    kinds: dict[str, type[Any]] = {"grpo": GRPOConfig, "sft": SFTConfig}
    return kinds[method]


def make_config(
    kind: type[Any], settings: Mapping[str, Any], place: str, output_dir: str, seed: int
) -> Any:
    """Builds TRL's config from the settings that a study passes through.

    Args:
        kind: TRL's config class.
        settings: Passed as they are; they override liftmap's defaults (a log at every step, no
            tracker, and on a machine without CUDA no bf16).
        place: The key in the study file, for messages.
        output_dir: Where the trainer keeps checkpoints.
        seed: The training seed.

    Raises:
        ConfigError: TRL has no such setting or refuses its value.
    """
    known = [f.name for f in dataclasses.fields(kind) if f.init]
    for key in settings:
        if key in RESERVED_SETTINGS:
            raise ConfigError(
                f"{place}.{key} is set by liftmap itself.",
                seen=settings[key],
                remedy="Remove it; seeds go into the arm's key 'seeds'.",
            )
        if key not in known:
            raise ConfigError(
                f"{place}: TRL's {kind.__name__} has no setting {key!r}.",
                seen=settings[key],
                remedy=nearest(key, known),
            )
    defaults: dict[str, Any] = {
        "logging_steps": 1,
        "report_to": "none",
        "disable_tqdm": True,
        "log_level": "error",
    }
    if not torch.cuda.is_available():
        defaults |= {"use_cpu": True, "bf16": False}
    try:
        with quiet():
            return kind(**{**defaults, **settings}, output_dir=output_dir, seed=seed)
    except (ValueError, TypeError) as error:
        message = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"{place}: TRL's {kind.__name__} refuses these settings: {message}",
            remedy="Correct them; TRL's documentation describes each.",
        ) from None


def load_tokenizer(job: TrainingJob) -> Any:
    """The base's tokenizer; where responses end at a stop string, that is its end token.

    Raises:
        ConfigError: None of the stop strings is one token.
    """
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(
            job.base, padding_side="left", trust_remote_code=False
        )
    if not job.stop:
        return tokenizer
    for text in job.stop:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) == 1:
            tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ids[0])
            return tokenizer
    raise ConfigError(
        "sample.stop: none of these strings is one token of the base, so no arm can be trained to "
        "end with it.",
        seen=list(job.stop),
        remedy="Name one that is, as a line's end.",
    )


def as_completion(prompt: Prompt, text: str) -> Any:
    """A response in the form that TRL wants after this prompt."""
    return text if isinstance(prompt, str) else [{"role": "assistant", "content": text}]


class _Log(TrainerCallback):  # type: ignore[misc]
    """Writes the trainer's log, moves the bar and marks complete checkpoints."""

    def __init__(self, job: TrainingJob, advance: Advance) -> None:
        self._job = job
        self._advance = advance

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._advance(1)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if not state.is_world_process_zero:
            return
        head = {"arm": self._job.arm, "seed": self._job.seed, "step": state.global_step}
        line = json.dumps({**head, "time": round(time.time(), 3), **(logs or {})})
        with self._job.metrics.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            mark_complete(Path(args.output_dir), state.global_step)


def train_or_resume(job: TrainingJob, build: Callable[[], Any]) -> None:
    """Runs a trainer from its last complete checkpoint, or from the start.

    What an interrupted run left behind of a later step (a half-written checkpoint, log lines) is
    removed first, so that nothing is mixed.

    Args:
        job: The job.
        build: Makes the trainer.
    """
    saved = complete_steps(job.folder)
    for leftover in step_dirs(job.folder):
        if leftover not in saved.values():
            shutil.rmtree(leftover)
    last = max(saved, default=0)
    if last and is_last_step(saved[last]):
        # Killed after its last step: TRL would go on beyond the end.
        return
    _trim_log(job, last)
    with quiet(), disk(job.folder):
        trainer = build()
        with _bar(job, trainer, last) as advance:
            trainer.remove_callback(PrinterCallback)
            trainer.add_callback(_Log(job, advance))
            if job.tracking is not None:
                trainer.add_callback(_tracking(job.tracking, trainer))
            trainer.train(resume_from_checkpoint=str(saved[last]) if last else None)
        if not complete_steps(job.folder).get(trainer.state.global_step):
            # The last step is a candidate too, whatever save_steps says.
            trainer.state.is_world_process_zero = trainer.is_world_process_zero()
            trainer._save_checkpoint(trainer.model, trial=None)
            trainer.control = trainer.callback_handler.on_save(
                trainer.args, trainer.state, trainer.control
            )


def _tracking(tracking: Tracking, trainer: Any) -> TrackCallback:
    return TrackCallback(
        trainer,
        tracking.questions,
        tracking.folder,
        track=tracking.track,
        sampling=tracking.sampling,
        verifying=tracking.verifying,
    )


@contextmanager
def _bar(job: TrainingJob, trainer: Any, done: int) -> Iterator[Advance]:
    steps = trainer.args.max_steps
    if steps <= 0:
        per_epoch = len(trainer.get_train_dataloader()) // trainer.args.gradient_accumulation_steps
        steps = int(max(1, per_epoch) * trainer.args.num_train_epochs)
    with progress(f"{job.name}: train", steps, "steps", done=done) as advance:
        yield advance


def _trim_log(job: TrainingJob, last: int) -> None:
    """Keeps the lines of other seeds, and of this one up to step `last`."""
    lines = job.metrics.read_text("utf-8").splitlines() if job.metrics.exists() else []
    lines_kept = []
    for line in lines:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue  # A kill cut this line.
        if entry["seed"] != job.seed or entry["step"] <= last:
            lines_kept.append(line)
    write_text(job.metrics, "".join(f"{line}\n" for line in lines_kept))


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the libraries' own bars and notices off the terminal while the block runs."""
    bars = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        with quiet_models():
            yield
    finally:
        if bars:
            datasets.enable_progress_bars()
