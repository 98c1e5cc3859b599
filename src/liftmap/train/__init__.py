"""Training: the arms of the comparison. To add a method, write one file and one line here.

Stands after `verify`: reads questions, verified responses and the base; writes
`checkpoints/<arm>/<seed>/` and `metrics/<arm>.jsonl`. The trainers are TRL's own. A method is a
function of a `TrainingJob` that leaves complete trainer checkpoints in the job's folder; which of
them becomes the arm's checkpoint is decided on the dev questions, in `train.arm`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liftmap.errors import MissingDependencyError
from liftmap.records import Prompt, Question
from liftmap.registry import find
from liftmap.sections import SampleSection, TrackSection, VerifySection
from liftmap.verify import Verifier


@dataclass(frozen=True)
class Tracking:
    """What a model answers while it is trained.

    Attributes:
        questions: The dev questions.
        folder: Where the steps go (`store.steps_folder`).
        track: At which steps, and how many times.
        sampling: How responses are drawn.
        verifying: How they are judged.
    """

    questions: list[Question]
    folder: Path
    track: TrackSection
    sampling: SampleSection
    verifying: VerifySection


@dataclass(frozen=True)
class TrainingJob:
    """Everything that a method needs to train one checkpoint.

    Attributes:
        name: Name of the checkpoint in the study, as `rlvr@1`.
        arm: The arm.
        seed: The training seed.
        base: What the trainer loads: a hub id or a folder.
        questions: The train questions.
        prompts: Their prompts, by question_id.
        pairs: (prompt, response text) pairs to imitate; empty for reinforcement learning.
        verifier: Judges a response; a method sets it to how the base's thoughts are marked.
        reward: "verifier", or a control ("random", "format").
        trl: Settings passed to TRL's config class as they are.
        folder: Where the trainer keeps its checkpoints (`checkpoint-<step>`).
        metrics: The file that training logs go to, one JSON object a line.
        stop: The strings that end a response; the trainer's end token is the first of them that is
            one token.
        tracking: What the model answers meanwhile; None: nothing.
    """

    name: str
    arm: str
    seed: int
    base: str
    questions: list[Question]
    prompts: Mapping[str, Prompt]
    pairs: list[tuple[Prompt, str]]
    verifier: Verifier
    reward: str
    trl: Mapping[str, Any]
    folder: Path
    metrics: Path
    stop: tuple[str, ...] = ()
    tracking: Tracking | None = None


Method = Callable[[TrainingJob], None]


def _grpo(job: TrainingJob) -> None:
    # Imported here, so that an install without TRL can do all other stages.
    from liftmap.train.grpo import grpo

    grpo(job)


def _sft(job: TrainingJob) -> None:
    from liftmap.train.sft import sft

    sft(job)


METHODS: dict[str, Method] = {
    "grpo": _grpo,
    "sft": _sft,
}
GIVEN = "given"


def get_method(name: str) -> Method:
    """The method of this name.

    Raises:
        UnknownNameError: There is none.
    """
    return find(METHODS, name, "method")


def check_trl_settings(method: str, settings: Mapping[str, Any], place: str) -> None:
    """Checks the settings passed to TRL before any long work starts.

    Args:
        method: A method of liftmap's own; a third party's is not checked.
        settings: The table `trl` of an arm.
        place: The key in the study file, for messages.

    Raises:
        ConfigError: TRL has no such setting, or refuses its value.
        MissingDependencyError: TRL is not installed.
    """
    try:
        from liftmap.train.trainer import config_class, make_config
    except ImportError as error:
        raise MissingDependencyError(
            f"Training needs a library that is not installed: {error.name}.",
            remedy="Run: pip install 'liftmap[train]'.",
        ) from None
    if method in METHODS:
        make_config(config_class(method), settings, place, output_dir="unused", seed=0)
