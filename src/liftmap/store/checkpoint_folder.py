"""The folder of a checkpoint: what the trainer saves, and the model that is kept of it.

Part of the store. The names inside a trainer's checkpoint (`checkpoint-<step>`,
`trainer_state.json`) are those of Transformers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from liftmap.files import read_json, write_json

STEP_PREFIX = "checkpoint-"
COMPLETE = "complete.json"
TRAINER_STATE = "trainer_state.json"
# Files of a trainer's checkpoint that are not of the model.
NOT_OF_THE_MODEL = (COMPLETE, TRAINER_STATE)


@dataclass(frozen=True)
class CheckpointFolder:
    """Where an arm is trained with one seed, and where its checkpoint lies.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def record_file(self) -> Path:
        """Which step was chosen, and why; written last, so it marks the arm as done."""
        return self.path / "checkpoint.json"

    @property
    def trained_file(self) -> Path:
        """Says that the trainer has ended; its steps are then tried on the dev questions."""
        return self.path / "trained.json"

    @property
    def inputs_file(self) -> Path:
        """What the training starts from; written before it."""
        return self.path / "inputs.json"

    @property
    def trainer_dir(self) -> Path:
        """Where the trainer works; removed once a step is chosen."""
        return self.path / "trainer"

    @property
    def model_dir(self) -> Path:
        """The checkpoint: an ordinary Hugging Face folder."""
        return self.path / "model"

    @property
    def partial_model_dir(self) -> Path:
        """The checkpoint while it is copied."""
        return self.path / "model.partial"


def step_dir(trainer_dir: Path, step: int) -> Path:
    """Where a trainer saves a step."""
    return trainer_dir / f"{STEP_PREFIX}{step}"


def step_dirs(trainer_dir: Path) -> list[Path]:
    """Everything that a trainer has saved or begun to save."""
    return sorted(trainer_dir.glob(f"{STEP_PREFIX}*"))


def mark_complete(trainer_dir: Path, step: int) -> None:
    """Marks what a trainer has saved of a step as whole."""
    write_json(step_dir(trainer_dir, step) / COMPLETE, {"step": step})


def complete_steps(trainer_dir: Path) -> dict[int, Path]:
    """The folders of the steps that a trainer has saved whole, by step, in order."""
    steps = {
        int(folder.name.removeprefix(STEP_PREFIX)): folder
        for folder in step_dirs(trainer_dir)
        if (folder / COMPLETE).exists()
    }
    return dict(sorted(steps.items()))


def is_last_step(folder: Path) -> bool:
    """Whether a saved step is the last one that its trainer was to take."""
    state = read_json(folder / TRAINER_STATE)
    return bool(state["global_step"] >= state["max_steps"])
