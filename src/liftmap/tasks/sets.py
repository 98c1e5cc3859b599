"""The three question sets of a study: train, dev and test, disjoint.

Between the tasks and sampling; reads a study's [task] section, gives Questions.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from liftmap.config import TaskSection
from liftmap.errors import ConfigError, InputError, LiftmapError
from liftmap.records import SPLITS, Question, Split
from liftmap.registry import check_options
from liftmap.tasks import get_task


def make_questions(section: TaskSection) -> dict[Split, list[Question]]:
    """Makes the question sets that a study file asks for.

    Raises:
        ConfigError: The task has no such option.
        InputError: A set is empty, or two sets share a question.
    """
    task = get_task(section.name)
    known = [name for name in inspect.signature(task).parameters if name != "split"]
    sets: dict[Split, list[Question]] = {}
    for split in SPLITS:
        own: Mapping[str, Any] = getattr(section, split)
        check_options(task, section.options, "task.options", known)
        check_options(task, own, f"task.{split}", known)
        try:
            sets[split] = task(**{"split": split, **section.options, **own})
        except (TypeError, ValueError) as error:
            if isinstance(error, LiftmapError):
                raise
            raise ConfigError(
                f"task.{split}: the task {section.name!r} can't use these options: {error}.",
                seen={**section.options, **own},
                remedy="Correct the option's type.",
            ) from None
        if not sets[split]:
            raise InputError(
                f"task.{split}: the task {section.name!r} gives no question.",
                remedy="Change its options.",
            )
    seen: dict[str, str] = {}
    for split, questions in sets.items():
        if len({question.question_id for question in questions}) < len(questions):
            raise InputError(
                f"task.{split}: the task {section.name!r} gives a question_id twice.",
                remedy="Each question needs an id of its own.",
            )
        for question in questions:
            for mark in (question.question_id, question.text):
                other = seen.setdefault(mark, split)
                if other != split:
                    raise InputError(
                        f"The question sets {other!r} and {split!r} share a question.",
                        seen=question.question_id,
                        remedy="Give the splits of [task] options that keep them apart.",
                    )
    return sets
