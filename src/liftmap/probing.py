"""Contamination check: does a model know a task's questions by heart?

Above `ask`, whose folder and engines it uses: shows the model 40, 60 and 80 % of each question's
words and lets it go on greedily; counts how often it writes the rest word for word, and answers
right what it was never fully asked; does the same with fresh questions of the same kind. The
protocol is that of "Reasoning or Memorization?" (Wu et al. 2025, arXiv 2507.10532), whose Qwen2.5
completes half of MATH-500 so and none of a benchmark that is younger than the model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from liftmap.ask import Asking, sample_questions
from liftmap.comparison.probe_record import Probe, ProbeFigures, ProbePoint, Word
from liftmap.console import console
from liftmap.errors import ConfigError, InputError
from liftmap.records import Estimate, Question
from liftmap.sample.scripted import PROBED_OF_TASK, PROBED_REST
from liftmap.stats.overlap import ordered_overlap
from liftmap.stats.shares import difference_of_shares, wilson
from liftmap.store import KEY, ResponseSet, StudyFolder
from liftmap.tasks import preset
from liftmap.tasks.gym import gym
from liftmap.tasks.sets import load_questions
from liftmap.testbed.world import DEFAULT_SEED

SHARES = (0.4, 0.6, 0.8)
# Near enough to 0 that the likeliest token is drawn, and a temperature that every server takes.
GREEDY_TEMPERATURE = 0.001
PROBED_SHARE = "probed_share"
_FILES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
_WORD = re.compile(r"\S+")


def probe(
    model: str,
    asking: Asking,
    out: str | Path,
    *,
    fresh: str | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Probe:
    """Checks whether a model knows the questions of a task by heart.

    Args:
        model: A hub id, a folder, a `.gguf` file, or a served model.
        asking: The task, and how it is asked; responses are drawn greedily, one each, whatever it
            says of their number and temperature.
        out: The folder that keeps questions, responses and verdicts; the same call goes on there.
        fresh: A task, or a file of questions, of the same kind that the model can't have seen; None
            makes them for the tasks kin and gym (another seed), and does without elsewhere.
        level: Coverage of the intervals.
        seed: Seed of the fresh questions.

    Returns:
        What the model completed.

    Raises:
        LiftmapError: Something can't be done; what was drawn is kept.
    """
    if not 0 < level < 1:
        raise ConfigError("level is out of range.", seen=level, remedy="Take one such as 0.95.")
    if seed < 0:
        raise ConfigError("seed is out of range.", seen=seed, remedy="Take a seed of 0 or more.")
    greedy = {"n": 1, "plan": "fixed", "temperature": GREEDY_TEMPERATURE, "top_p": 1.0, "top_k": 0}
    asking = replace(asking, sampling=asking.sampling.model_copy(update=greedy))
    source = fresh if fresh is not None else _fresh_of(asking, seed)

    def make() -> list[Question]:
        questions = load_questions(asking.task, asking.split, asking.options, "the task")
        others = _fresh_questions(asking, fresh, seed, len(questions)) if source else []
        asked = {_normal(question.text) for question in questions}
        others = [each for each in others if _normal(each.text) not in asked][: len(questions)]
        if source and not others:
            raise InputError(
                "None of the fresh questions is new: all are in the task too.",
                seen=source,
                remedy="Name others with --fresh.",
            )
        return [*_partial(questions, of_task=True), *_partial(others, of_task=False)]

    settings = {"fresh": source, "seed": seed, "shares": list(SHARES)}
    target, questions = sample_questions(model, asking, StudyFolder(Path(out)), make, settings)
    return _found(target, questions, asking, model, source, level, seed)


def _fresh_of(asking: Asking, seed: int) -> str | None:
    """What makes fresh questions of the task's kind; None where nothing does."""
    if asking.task == "kin":
        return f"kin of the seed {_other_seed(asking, DEFAULT_SEED, seed)}"
    ready = preset(asking.task)
    if asking.task == "gym" or (ready is not None and ready.task is gym):
        return f"{asking.task} of the seed {_other_seed(asking, 0, seed)}"
    return None


def _other_seed(asking: Asking, usual: int, seed: int) -> int:
    """A seed of the task's generator that the task itself did not take."""
    return int(asking.options.get("seed", usual)) + 1 + seed


def _fresh_questions(asking: Asking, fresh: str | None, seed: int, number: int) -> list[Question]:
    """As many fresh questions as the task has, or a few more."""
    if fresh is None:
        usual = DEFAULT_SEED if asking.task == "kin" else 0
        options = {**asking.options, "seed": _other_seed(asking, usual, seed)}
        return load_questions(asking.task, asking.split, options, "the fresh questions")
    if fresh.endswith(_FILES):
        return load_questions("jsonl", "test", {"path": fresh}, "--fresh")[:number]
    return load_questions(fresh, "test", {}, "--fresh")[:number]


def _partial(questions: Sequence[Question], *, of_task: bool) -> list[Question]:
    """Each question with the first words of its text alone, for each share.

    A question of a single word can't be shown in part: it is left out, and that is said.

    Raises:
        InputError: None is left.
    """
    parts = []
    short = 0
    for question in questions:
        words = list(_WORD.finditer(question.text))
        if len(words) < 2:
            short += 1
            continue
        for share in SHARES:
            shown = min(max(round(share * len(words)), 1), len(words) - 1)
            cut = words[shown - 1].end()
            parts.append(
                Question(
                    f"{'task' if of_task else 'fresh'}-{share:g}-{question.question_id}",
                    question.text[:cut],
                    question.answer,
                    question.cluster or question.question_id,
                    {
                        **question.metadata,
                        PROBED_REST: question.text[cut:],
                        PROBED_OF_TASK: of_task,
                        PROBED_SHARE: share,
                    },
                )
            )
    if short:
        console.print(f"Left out, since they have fewer than two words: {short:,} questions.")
    if questions and not parts:
        raise InputError(
            "No question has two words or more, so none can be shown in part.",
            seen=questions[0].text[:60],
            remedy="Name a task with questions of several words.",
        )
    return parts


def _found(
    target: ResponseSet,
    questions: Sequence[Question],
    asking: Asking,
    model: str,
    fresh: str | None,
    level: float,
    seed: int,
) -> Probe:
    """What was completed, from the responses and their verdicts."""
    verdicts = target.read_verdicts(asking.verifier().verifier).select(
        *KEY, verdict=pl.col("verdict").cast(pl.String)
    )
    rows = target.read_responses(None, [*KEY, "text"]).join(verdicts, on=KEY, how="left")
    said = {
        question_id: (text, verdict)
        for question_id, text, verdict in rows.select("question_id", "text", "verdict").iter_rows()
    }
    strict = 1 - (1 - level) / len(SHARES)
    points, above = [], False
    for share in SHARES:
        asked = [q for q in questions if q.metadata[PROBED_SHARE] == share]
        groups = [
            [q for q in asked if q.metadata[PROBED_OF_TASK] is kind] for kind in (True, False)
        ]
        task, other = (_figures(group, said, level) if group else None for group in groups)
        assert task is not None
        if other is None:
            points.append(ProbePoint(share, task, None, None, None, None))
            continue
        strictly = [_figures(group, said, strict).completed for group in groups]
        above |= difference_of_shares(strictly[0], strictly[1]).low > 0
        right = None
        if task.right is not None and other.right is not None:
            right = difference_of_shares(task.right, other.right)
        points.append(
            ProbePoint(
                share,
                task,
                other,
                difference_of_shares(task.completed, other.completed),
                difference_of_shares(task.overlap, other.overlap),
                right,
            )
        )
    word: Word = "can't tell" if fresh is None else "contaminated" if above else "no sign"
    return Probe(model, asking.task, fresh, tuple(points), level, seed, word)


def _figures(
    group: Sequence[Question], said: dict[str, tuple[str, str]], level: float
) -> ProbeFigures:
    """The shares of one group; clusters of questions count as one draw each."""
    completed, overlaps, right = [], [], []
    for question in group:
        text, verdict = said[question.question_id]
        rest, words = str(question.metadata[PROBED_REST]).split(), text.split()
        given = words[: len(rest)]
        completed.append(given == rest)
        overlaps.append(ordered_overlap(rest, given))
        if verdict != "unscored":
            right.append(verdict == "right")
    draws = len({question.cluster for question in group})

    def share(values: Sequence[float]) -> Estimate:
        return wilson(sum(values) / len(values), min(draws, len(values)), level)

    return ProbeFigures(
        len(group), share(completed), share(overlaps), share(right) if right else None
    )


def _normal(text: str) -> str:
    return " ".join(text.split())
