r"""Presets: benchmarks of the field that are ready to use by name, as `math-500`.

A preset is a task with its options set, and says which verifier and template fit. To add one, add a
record to PRESETS. Column names, splits and revisions were looked up in public code that loads these
sets (lighteval, lm-evaluation-harness and others; docs/tasks.md says which): a revision stands here
only where at least two independent projects pin the same commit. The hub itself was not reached.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from liftmap.errors import InputError, UnknownNameError
from liftmap.records import Question, Split
from liftmap.tasks.gym import gym
from liftmap.tasks.hub import hub
from liftmap.tasks.ids import place_of
from liftmap.tasks.question_rows import select

Task = Callable[..., list[Question]]

# The answer of a gym question, asked for in a box; one pair of braces inside is allowed.
BOXED = r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}"
UNSTATED = "see the data set's page"
# The options that choose among a split's questions, after the preset has made the split.
SELECTION_OPTIONS = ("limit", "skip", "shuffle_seed")


@dataclass(frozen=True, slots=True)
class Preset:
    """A benchmark that is ready to use.

    Attributes:
        name: What the user calls it.
        task: The task that reads it: `hub` or `gym`.
        splits: The task's options for each split that there is. Those of `hub`: path (the data set
            on the hub), name (its config), revision, hub_split, the columns, and how the answer is
            found.
        licence: The licence that its page or a public copy of its card states.
        questions: How many questions the source has, by the split; where `dev_share` is set, train
            stands for train and dev together. Empty for `gym`, where `size` says it.
        verifier: The verifier that fits, with `verifier_options`.
        template: The prompt template that fits.
        dev_share: The share of the train questions that are set apart as dev, chosen by a hash of
            each question, so that a question's split depends on nothing but itself; 0: none.
    """

    name: str
    task: Task
    splits: Mapping[Split, Mapping[str, Any]]
    licence: str = UNSTATED
    questions: Mapping[Split, int] = field(default_factory=dict)
    verifier: str = "math"
    verifier_options: Mapping[str, Any] = field(default_factory=dict)
    template: str = "step-by-step"
    dev_share: float = 0.0


def _test(path: str, revision: str, hub_split: str, **columns: Any) -> dict[Split, dict[str, Any]]:
    """The splits of a set that is for testing alone."""
    return {"test": {"path": path, "revision": revision, "hub_split": hub_split, **columns}}


_MATH_500: dict[str, Any] = {
    "path": "HuggingFaceH4/MATH-500",
    "revision": "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be",
    "hub_split": "test",
    "question": "problem",
    "answer": "answer",
    "metadata": ("subject", "level", "unique_id"),
}
# A training set may hold a question twice or lack an answer: such rows are left out, and counted.
_MATH_TRAIN: dict[str, Any] = {
    "path": "DigitalLearningGmbH/MATH-lighteval",
    "name": "default",
    "revision": "0530c78699ea5e8eb5530600900e1f328b48acad",
    "hub_split": "train",
    "question": "problem",
    "answer": "solution",
    "answer_from": "boxed",
    "metadata": ("level", "type"),
    "unanswered": "drop",
    "duplicates": "drop",
}
_GSM8K: dict[str, Any] = {
    "path": "openai/gsm8k",
    "name": "main",
    "revision": "740312add88f781978c0658806c59bc2815b9866",
    "answer_pattern": r"#### (.+)",
    "duplicates": "drop",
}
_PROBLEM = {"question": "problem"}
_MBPP: dict[str, Any] = {
    "path": "google-research-datasets/mbpp",
    "name": "full",
    "revision": "4bb6404fdc6cacfda99d4ac4205087b89d32030c",
    "question": "text",
    "answer": "code",
    "metadata": ("task_id", "test_list", "test_setup_code"),
    "duplicates": "drop",
}
_GYM_SIZES: dict[Split, int] = {"train": 400, "dev": 100, "test": 400}


_LIVECODEBENCH_KEPT = (
    *("question_id", "platform", "contest_date", "difficulty", "starter_code"),
    *("public_test_cases", "private_test_cases", "metadata"),
)


def _matharena(name: str, path: str, revision: str, **columns: Any) -> Preset:
    """A competition of MathArena (arXiv 2505.23281): 30 questions."""
    return Preset(
        name=name,
        task=hub,
        splits=_test(path, revision, "train", **_PROBLEM, **columns),
        licence="CC-BY-NC-SA-4.0",
        questions={"test": 30},
    )


def _gym(name: str, gym_name: str) -> Preset:
    return Preset(
        name=name,
        task=gym,
        splits={split: {"name": gym_name, "size": size} for split, size in _GYM_SIZES.items()},
        licence="made by reasoning-gym (Apache-2.0)",
        verifier="gym",
        verifier_options={"pattern": BOXED},
    )


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("math-500", hub, {"test": _MATH_500}, questions={"test": 500}),
        Preset(
            name="math",
            task=hub,
            splits={"train": _MATH_TRAIN, "dev": _MATH_TRAIN, "test": _MATH_500},
            licence="MIT (train); test: see the data set's page",
            questions={"train": 7500, "test": 500},
            dev_share=1 / 15,
        ),
        Preset(
            name="gsm8k",
            task=hub,
            splits={
                "train": {**_GSM8K, "hub_split": "train"},
                "dev": {**_GSM8K, "hub_split": "train"},
                "test": {**_GSM8K, "hub_split": "test"},
            },
            licence="MIT",
            questions={"train": 7473, "test": 1319},
            verifier="numeric",
            dev_share=1 / 15,
        ),
        Preset(
            name="aime-2024",
            task=hub,
            splits=_test(
                "HuggingFaceH4/aime_2024",
                "2fe88a2f1091d5048c0f36abc874fb997b3dd99a",
                "train",
                **_PROBLEM,
                metadata=("id", "url", "year"),
            ),
            licence="none stated",
            questions={"test": 30},
        ),
        Preset(
            name="aime-2025",
            task=hub,
            splits=_test(
                "math-ai/aime25",
                "563bb8404243c5f09de6ec262f2db674fe5bce9b",
                "test",
                **_PROBLEM,
                metadata=("id",),
            ),
            questions={"test": 30},
        ),
        _matharena(
            "aime-2026",
            "MathArena/aime_2026",
            "d2de22f3c656b4f56cf8981212186377d1e23bc3",
            metadata=("problem_idx",),
        ),
        _matharena(
            "hmmt-feb-2025",
            "MathArena/hmmt_feb_2025",
            "6fdc4277120810ff75aa22d2d5489b91f7a262a1",
            metadata=("problem_idx", "problem_type"),
        ),
        _matharena(
            "hmmt-nov-2025",
            "MathArena/hmmt_nov_2025",
            "118dbfb45c4c9467c672268ed55166642897aa46",
            metadata=("problem_idx", "problem_type"),
        ),
        Preset(
            name="amc-23",
            task=hub,
            splits=_test(
                "math-ai/amc23",
                "80815d37005feb82cd7f8fbc6901d5d3eff43057",
                "test",
                metadata=("id", "url"),
            ),
            questions={"test": 40},
        ),
        Preset(
            name="minerva",
            task=hub,
            splits=_test("math-ai/minervamath", "ee46ddc498933b1977577953250ca5c66be64f96", "test"),
            questions={"test": 272},
        ),
        # Open-ended, text alone, mathematics, English: what papers call OlympiadBench in short.
        Preset(
            name="olympiadbench",
            task=hub,
            splits=_test(
                "Hothan/OlympiadBench",
                "91184b52131e7fc9455fef848035173aea8cc01a",
                "train",
                name="OE_TO_maths_en_COMP",
                answer="final_answer",
                context="context",
                metadata=("id", "subfield", "answer_type", "is_multiple_answer", "unit", "error"),
            ),
            licence="Apache-2.0",
            questions={"test": 674},
        ),
        Preset(
            name="gpqa-diamond",
            task=hub,
            splits=_test(
                "Idavidrein/gpqa",
                "633f5ee89ab8ad4522a9f850766b73f62147ffdd",
                "train",
                name="gpqa_diamond",
                question="Question",
                answer="Correct Answer",
                choices=("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3"),
                metadata=("Record ID", "High-level domain", "Subdomain"),
            ),
            licence="CC-BY-4.0, gated; its authors ask not to publish the questions",
            questions={"test": 198},
            verifier="choice",
        ),
        # The question is the beginning of a program, which a base model goes on with.
        Preset(
            name="humaneval",
            task=hub,
            splits=_test(
                "openai/openai_humaneval",
                "7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544",
                "test",
                name="openai_humaneval",
                question="prompt",
                answer="canonical_solution",
                metadata=("task_id", "prompt", "test", "entry_point"),
            ),
            licence="MIT",
            questions={"test": 164},
            verifier="code",
            template="plain",
        ),
        Preset(
            name="mbpp",
            task=hub,
            splits={
                "train": {**_MBPP, "hub_split": "train"},
                "dev": {**_MBPP, "hub_split": "validation"},
                "test": {**_MBPP, "hub_split": "test"},
            },
            licence="CC-BY-4.0",
            questions={"train": 374, "dev": 90, "test": 500},
            verifier="code",
            template="program",
        ),
        # The copy in Parquet: livecodebench/code_generation_lite itself comes as a script, which
        # `datasets` no longer runs. No revision: only one project was found to pin one.
        Preset(
            name="livecodebench",
            task=hub,
            splits={
                "test": {
                    "path": "lighteval/code_generation_lite",
                    "name": "v6",
                    "hub_split": "test",
                    "question": "question_content",
                    "metadata": _LIVECODEBENCH_KEPT,
                    "unanswered": "keep",
                    "duplicates": "drop",
                }
            },
            licence="CC, as its card says",
            questions={"test": 175},
            verifier="code",
            verifier_options={"seconds": 6.0, "memory": 2048},
            template="program",
        ),
        _gym("countdown", "countdown"),
        _gym("knights-and-knaves", "knights_knaves"),
    )
}


def preset(name: str) -> Preset | None:
    """The preset of a name, or None if there is none."""
    return PRESETS.get(name)


def preset_task(preset: Preset) -> Task:
    """A preset as a task: a function of the split and of the options of the task below it.

    An option that is given overrides the preset's own; `path` points it to a local copy.
    """

    def task(split: Split = "test", **options: Any) -> list[Question]:
        if split not in preset.splits:
            raise UnknownNameError(
                f"The preset {preset.name!r} has no {split} questions.",
                seen=split,
                remedy=f"It has {', '.join(preset.splits)}. In a study, take the others from "
                f'another task: task = "math", for instance, in [task.{split}].',
            )
        settings = {**preset.splits[split], **options}
        if not preset.dev_share or split == "test":
            return preset.task(split, **settings)
        selection = {key: settings.pop(key) for key in SELECTION_OPTIONS if key in settings}
        questions = [q for q in preset.task(split, **settings) if _split_of(q, preset) == split]
        if not questions:
            raise InputError(
                f"The preset {preset.name!r} finds no {split} questions in {settings['path']!r}.",
                remedy="Name a larger copy.",
            )
        return select(questions, **selection)

    # What may be set, and what is set already, for whoever asks with inspect.signature.
    below = inspect.signature(preset.task)
    bound = {key: value for options in preset.splits.values() for key, value in options.items()}
    parameters = [
        p.replace(default=bound.get(p.name, p.default)) for p in below.parameters.values()
    ]
    functools.update_wrapper(task, preset.task)
    task.__name__ = preset.name
    task.__signature__ = below.replace(parameters=parameters)  # type: ignore[attr-defined]
    return task


def _split_of(question: Question, preset: Preset) -> Split:
    return "dev" if place_of("dev", question.question_id) < preset.dev_share else "train"
