"""The folder of a training's steps: what the model in training answered at each of them.

Part of the store. Written while a model is trained (`train.track_callback`), read by whoever
follows a training:

    .track.json           what is asked at every step, and how
    step_<n>/             a folder as `liftmap sample` makes it: questions, responses, verdicts
        step.json         tokens and seconds; written last, so it marks the step as answered
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liftmap.files import keep_settings, names_in, read_json, write_json
from liftmap.records import Split
from liftmap.store.response_set import ResponseSet
from liftmap.store.study_folder import StudyFolder

STEP = re.compile(r"step_(\d+)")
# Questions that a training is watched with are no test: what is chosen by them can't be reported.
STEPS_SPLIT: Split = "dev"


def steps_of_arm(study: StudyFolder, arm: str, seed: int) -> StepsFolder:
    """What an arm of a study answered while it was trained with one seed."""
    return StepsFolder(study.path / "steps" / arm / str(seed))


@dataclass(frozen=True)
class StepsFolder:
    """The steps of one training.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def settings_file(self) -> Path:
        """What is asked at every step, and how."""
        return self.path / ".track.json"

    def keep_settings(self, settings: Mapping[str, Any]) -> None:
        """Writes what is asked and how, or checks that it is as before; see `files`."""
        keep_settings(self.settings_file, settings, sealed=True)

    def folder(self, step: int) -> StudyFolder:
        """The folder of a step."""
        return StudyFolder(self.path / f"step_{step}")

    def responses(self, step: int) -> ResponseSet:
        """What was answered at a step; the model is called as its folder is."""
        return self.folder(step).responses(f"step_{step}", STEPS_SPLIT)

    def record_file(self, step: int) -> Path:
        """Tokens and seconds of a step."""
        return self.folder(step).path / "step.json"

    def write_record(self, step: int, record: Mapping[str, Any]) -> None:
        """Marks a step as answered."""
        write_json(self.record_file(step), record)

    def read_record(self, step: int) -> dict[str, Any] | None:
        """What `write_record` wrote; None before.

        Raises:
            StoreError: It is damaged.
        """
        if not self.record_file(step).exists():
            return None
        record: dict[str, Any] = read_json(self.record_file(step), sealed=True)
        return record

    def begun(self) -> list[int]:
        """The steps that have a folder, answered or not, in order."""
        matches = map(STEP.fullmatch, names_in(self.path))
        return sorted(int(match[1]) for match in matches if match)

    def answered(self) -> list[int]:
        """The steps that are answered whole, in order."""
        return [step for step in self.begun() if self.record_file(step).exists()]

    def forget(self, step: int) -> None:
        """Removes what was answered at a step, before other weights take its name."""
        shutil.rmtree(self.folder(step).path, ignore_errors=True)
