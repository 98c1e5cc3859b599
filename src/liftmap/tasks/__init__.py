"""Tasks: where questions come from. The first stage of the flow.

A task is a function of options (split, limit, seed ...) that gives Questions. To add one: write the
function in a file of this folder and name it in TASKS; another package registers its own through
the entry point group `liftmap.tasks`. A preset is a task with its options set (`presets`).
"""

from __future__ import annotations

from liftmap.registry import find
from liftmap.tasks.gym import gym
from liftmap.tasks.hub import hub
from liftmap.tasks.jsonl import jsonl
from liftmap.tasks.kin import kin
from liftmap.tasks.presets import PRESETS, Preset, Task, preset, preset_task

__all__ = ["PRESETS", "TASKS", "Preset", "Task", "get_task", "preset"]

TASKS: dict[str, Task] = {"kin": kin, "jsonl": jsonl, "hub": hub, "gym": gym}


def get_task(name: str) -> Task:
    """The task of a name, from TASKS, the presets, or an installed package.

    Args:
        name: A key of TASKS or PRESETS, or an entry point of the group `liftmap.tasks`.

    Raises:
        UnknownNameError: There is no such task; the message gives the nearest name.
    """
    presets = {key: preset_task(ready) for key, ready in PRESETS.items()}
    return find({**presets, **TASKS}, name, "task")
