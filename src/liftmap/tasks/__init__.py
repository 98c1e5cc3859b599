"""Tasks: where questions come from. The first stage of the flow.

A task is a function of options (split, limit, seed ...) that gives Questions. To add one: write the
function in a file of this folder and name it in TASKS; another package registers its own through
the entry point group `liftmap.tasks`.
"""

from __future__ import annotations

from collections.abc import Callable

from liftmap.records import Question
from liftmap.registry import find
from liftmap.tasks.kin import kin

Task = Callable[..., list[Question]]

TASKS: dict[str, Task] = {"kin": kin}


def get_task(name: str) -> Task:
    """The task of a name, from TASKS or from an installed package.

    Args:
        name: A key of TASKS, or an entry point of the group `liftmap.tasks`.

    Raises:
        UnknownNameError: There is no such task; the message gives the nearest name.
    """
    return find(TASKS, name, "task")
