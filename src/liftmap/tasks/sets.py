"""The three question sets of a study: train, dev and test, disjoint.

Between the tasks and sampling; reads a study's [task] section, gives Questions.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from liftmap.config import TestSection
from liftmap.errors import ConfigError, InputError, LiftmapError
from liftmap.records import SPLITS, Question, Split
from liftmap.registry import check_options
from liftmap.sections import TaskSection
from liftmap.tasks import get_task

# In [task.train], [task.dev] and [task.test]: the questions of this split come from another task.
OTHER_TASK = "task"
SPLIT = "split"
# Characters of an id or a cluster at most; as for what is read from elsewhere.
LONGEST_NAME = 1000


def make_questions(section: TaskSection) -> dict[Split, list[Question]]:
    """Makes the question sets that a study file asks for.

    A split may name a task of its own (`task = "math"` in [task.train]); [task.options] are then
    not for it.

    Raises:
        ConfigError: The task has no such option, or lacks one that it needs.
        InputError: A set is empty, or two sets share a question.
        UnknownNameError: There is no such task, or it has no such split.
    """
    plans: dict[Split, tuple[str, dict[str, Any]]] = {}
    for split in SPLITS:
        own = dict(getattr(section, split))
        name = own.pop(OTHER_TASK, section.name)
        shared = section.options if name == section.name else {}
        check_task_options(name, shared, "task.options")
        check_task_options(name, own, f"task.{split}")
        plans[split] = name, {**shared, **own}
    sets = {
        split: load_questions(name, split, options, f"task.{split}")
        for split, (name, options) in plans.items()
    }
    seen: dict[str, str] = {}
    for split, questions in sets.items():
        for question in questions:
            for mark in (question.question_id, question.text):
                first = seen.setdefault(mark, split)
                if first != split:
                    raise InputError(
                        f"The question sets {first!r} and {split!r} share a question.",
                        seen=question.question_id,
                        remedy="Give the splits of [task] options that keep them apart.",
                    )
    return sets


def make_test_set(
    name: str, section: TestSection, trained_on: Mapping[str, Sequence[Question]] | None = None
) -> list[Question]:
    """Makes a further test set of a study.

    Args:
        name: Its name in [tests].
        section: What it is.
        trained_on: The study's train and dev questions, which it may not share; None: not looked
            at.

    Raises:
        ConfigError: The task has no such option, or lacks one that it needs.
        InputError: The set has fewer than two questions, or shares one with those trained on.
        UnknownNameError: There is no such task, or it has no such split.
    """
    questions = load_questions(section.task, section.split, section.options, f"tests.{name}")
    if len(questions) < 2:
        raise InputError(
            f"The test set {name!r} has a single question.",
            seen=questions[0].question_id,
            remedy="A comparison needs two questions or more.",
        )
    for split, others in (trained_on or {}).items():
        texts = {question.text for question in others}
        shared = next((question for question in questions if question.text in texts), None)
        if shared is not None:
            raise InputError(
                f"The test set {name!r} and the {split} questions share a question.",
                seen=shared.question_id,
                remedy=f"Give [tests.{name}.options] and [task] what keeps them apart.",
            )
    return questions


def check_task_options(name: str, options: Mapping[str, Any], place: str) -> None:
    """Checks that a task takes these options.

    Args:
        name: The task.
        options: What the user set.
        place: Where, for messages.

    Raises:
        UnknownNameError: There is no such task.
        ConfigError: It has no such option; the message names the nearest.
    """
    task = get_task(name)
    check_options(
        task, options, place, [n for n in inspect.signature(task).parameters if n != SPLIT]
    )


def load_questions(
    name: str,
    split: Split,
    options: Mapping[str, Any] = MappingProxyType({}),
    place: str = "the task",
) -> list[Question]:
    """The questions of one split of a task.

    Args:
        name: The task or preset.
        split: "train", "dev" or "test".
        options: The task's options.
        place: Where they were set, for messages: `task.test`, or `the command line`.

    Raises:
        UnknownNameError: There is no such task, or it has no such split.
        ConfigError: The task has no such option, lacks one that it needs, or can't use one.
        InputError: There is no question, or two questions have one id.
    """
    check_task_options(name, options, place)
    task = get_task(name)
    for parameter in inspect.signature(task).parameters.values():
        needed = parameter.default is parameter.empty and parameter.name != SPLIT
        if needed and parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in options:
            raise ConfigError(
                f"{place}: the task {name!r} needs the option {parameter.name!r}.",
                remedy="Add it.",
            )
    try:
        questions = task(**{SPLIT: split, **options})
    except (TypeError, ValueError) as error:
        if isinstance(error, LiftmapError):
            raise
        raise ConfigError(
            f"{place}: the task {name!r} can't use these options: {error}.",
            seen=dict(options),
            remedy="Correct the option's type.",
        ) from None
    if not questions:
        raise InputError(
            f"{place}: the task {name!r} gives no question.", remedy="Change its options."
        )
    longest = max(questions, key=lambda q: max(len(q.question_id), len(q.cluster or "")))
    if max(len(longest.question_id), len(longest.cluster or "")) > LONGEST_NAME:
        raise InputError(
            f"{place}: the task {name!r} gives a question_id or cluster of more than "
            f"{LONGEST_NAME:,} characters.",
            seen=longest.question_id[:60],
            remedy="Give the questions shorter names.",
        )
    if len({question.question_id for question in questions}) < len(questions):
        raise InputError(
            f"{place}: the task {name!r} gives a question_id twice.",
            remedy="Each question needs an id of its own.",
        )
    return questions
