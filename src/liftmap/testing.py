"""What a plug-in has to keep, as checks that its author can call from a test.

Beside `check`, above all stages. Each check runs a task, engine, verifier, method, analysis or
reader as liftmap would, and raises an AssertionError that names what it does not keep; liftmap's
own are held to the same checks. docs/extend.md shows one of each kind.
"""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl

from liftmap.analyse import Analysis
from liftmap.analyse.data import StudyData
from liftmap.errors import LiftmapError
from liftmap.read import Reader
from liftmap.read.look import Container, files_of, glimpse
from liftmap.read.outcomes import Outcomes, ReadOptions
from liftmap.records import (
    SPLITS,
    FinishReason,
    Prompt,
    Question,
    Response,
    SamplingSettings,
    Split,
    Verdict,
    VerdictLabel,
)
from liftmap.sample import Engine
from liftmap.sample.templates import render_prompt
from liftmap.store import StudyFolder
from liftmap.store.checkpoint_folder import complete_steps
from liftmap.study import StudyRun, open_study
from liftmap.studyfile import parse_config
from liftmap.tasks import Task
from liftmap.tasks.kin import kin
from liftmap.tasks.sets import LONGEST_NAME
from liftmap.train import Method, TrainingJob
from liftmap.verify import TwoSteps, Verifier, bind_verifier, make_verifier

# Texts that any verifier meets sooner or later; none of them may make it fail or last.
HOSTILE_TEXTS = (
    "",
    " \n\t",
    "\x00\x1b[2J\u202e",
    "\ud800",
    "(" * 5000,
    "9" * 5000,
    "\\boxed{" * 500,
    "a" * 200_000,
)
# Beginnings of files that are of no one's format, or of a tally's alone.
FOREIGN_FILES: tuple[tuple[Container, frozenset[str]], ...] = (
    ("csv", frozenset({"a", "b"})),
    ("json", frozenset({"a"})),
    ("other", frozenset()),
)
KIN_ANSWER = {"pattern": r"so (\S+)\s*$"}


def check_task(task: Task, split: Split = "test", **options: Any) -> list[Question]:
    """A task gives Questions, the same at every call, and keeps the splits apart.

    Args:
        task: The function.
        split: The split that is looked at most closely.
        **options: The task's options.

    Returns:
        The questions of the split.

    Raises:
        AssertionError: It does not.
    """
    questions = list(task(split=split, **options))
    _require(questions, "the task gives no question")
    for question in questions:
        _require(isinstance(question, Question), f"{question!r} is not a liftmap.records.Question")
        texts = (question.question_id, question.text, question.answer, question.cluster)
        _require(all(isinstance(t, str) for t in texts), f"{question!r} holds something not a text")
        name = question.question_id
        _require(0 < len(name) <= LONGEST_NAME, f"the question_id {name[:60]!r} is empty or long")
        kinds = {type(value) for value in question.metadata.values()}
        _require(kinds <= {str, int, float, bool}, f"metadata of {name} holds {kinds}")
    twice = [name for name, n in Counter(q.question_id for q in questions).items() if n > 1]
    _require(not twice, f"the question_id {twice[:1]} stands twice")
    _require(list(task(split=split, **options)) == questions, "two calls give other questions")
    for other in SPLITS:
        try:
            theirs = task(split=other, **options) if other != split else []
        except LiftmapError:
            continue  # A task need not have all splits.
        shared = {q.question_id for q in theirs} & {q.question_id for q in questions}
        _require(not shared, f"{split} and {other} share the question {sorted(shared)[:1]}")
    return questions


def check_engine(
    engine: Engine,
    prompts: Mapping[str, Prompt] | None = None,
    settings: SamplingSettings | None = None,
    *,
    repeats: bool = True,
) -> list[Response]:
    """An engine yields each response once, and draws by settings, question_id and index alone.

    Args:
        engine: The engine, made.
        prompts: What it is asked, by question_id, two or more; None takes questions of kin.
        settings: How it draws; None takes 16 tokens.
        repeats: Whether the same call gives the same texts; false for a server that can't be held
            to a seed.

    Returns:
        What it drew: 4 responses for each prompt.

    Raises:
        AssertionError: It does not.
    """
    if prompts is None:
        prompts = {q.question_id: render_prompt("plain", q) for q in kin("test", limit=6)}
    settings = settings or SamplingSettings(max_tokens=16, seed=3)
    responses = list(engine.generate(prompts, 4, settings))
    texts = _by_key(responses)
    expected = {(question_id, index) for question_id in prompts for index in range(4)}
    _require(
        texts.keys() == expected, "keys are missing or too many: each (question_id, index) once"
    )
    for response in responses:
        _check_response(response, settings.max_tokens)
    _require(not list(engine.generate({}, 4, settings)), "no prompt gives a response")
    later = _by_key(engine.generate(prompts, 2, settings, 2))
    keys = {(question_id, index) for question_id in prompts for index in (2, 3)}
    _require(later.keys() == keys, "with first = 2 and count = 2 the indices are not 2 and 3")
    left = engine.generate(prompts, 4, settings)
    next(iter(left))
    del left
    if repeats:
        _require(_by_key(engine.generate(prompts, 4, settings)) == texts, "a second call differs")
        _require(later.items() <= texts.items(), "what is drawn depends on first")
        some = dict(list(prompts.items())[1:2])
        alone = _by_key(engine.generate(some, 4, settings))
        _require(alone.items() <= texts.items(), "what is drawn depends on the other prompts")
        seeded = _by_key(engine.generate(prompts, 4, replace(settings, seed=settings.seed + 1)))
        _require(seeded != texts, "another seed draws the same")
    return responses


def _by_key(responses: Any) -> dict[tuple[str, int], str]:
    texts: dict[tuple[str, int], str] = {}
    for response in responses:
        key = (response.question_id, response.response_index)
        _require(key not in texts, f"the response {key} comes twice")
        texts[key] = response.text
    return texts


def _check_response(response: Response, max_tokens: int) -> None:
    key = (response.question_id, response.response_index)
    reason = response.finish_reason
    _require(reason in get_args(FinishReason), f"{key} has the finish_reason {reason!r}")
    tokens = response.token_count
    tokens = len(response.token_ids) if tokens is None else tokens
    _require(tokens <= max_tokens, f"{key} has {tokens} tokens, more than {max_tokens}")
    _require(reason != "length" or tokens in (-1, max_tokens), f"{key} is cut before max_tokens")
    probability = response.log_probability
    _require(not probability > 0, f"{key} has the log_probability {probability}")


def check_verifier(
    verifier: Callable[..., Any],
    cases: Sequence[tuple[Question, str, VerdictLabel]],
    options: Mapping[str, Any] | None = None,
) -> list[Verdict]:
    """A verifier says what the cases say, twice the same, and nothing is right by silence or size.

    Args:
        verifier: The function (question, text, *, options) -> Verdict, or (*, options) -> TwoSteps.
        cases: Questions, texts of responses, and the label that each deserves; one or more.
        options: Its options.

    Returns:
        Its verdicts on the cases.

    Raises:
        AssertionError: It does not.
        ConfigError: It has no such option.
    """
    bound: Verifier = bind_verifier(verifier, options or {})
    pairs = [(question, text) for question, text, _ in cases]
    verdicts = bound.judge(pairs)
    for (question, text, label), verdict in zip(cases, verdicts, strict=True):
        _require(
            verdict.label == label,
            f"{text!r} to {question.answer!r} is {verdict.label} ({verdict.reason}), not {label}",
        )
    again = bind_verifier(verifier, options or {}).judge(pairs)
    _require(again == verdicts, "a second call judges otherwise")
    question = cases[0][0]
    for text, verdict in zip(
        HOSTILE_TEXTS, bound.judge([(question, text) for text in HOSTILE_TEXTS]), strict=True
    ):
        _require(verdict.label in get_args(VerdictLabel), f"{verdict.label!r} is not a label")
        shown = f"{text[:20]!r} ({len(text):,} characters)"
        _require(verdict.label != "right", f"{shown} is taken as right")
        _require(verdict.label != "unscored", f"{shown} is unscored: {verdict.reason}")
    if isinstance(bound.rule, TwoSteps):
        pickle.dumps(bound.rule.compare)
    return verdicts


def check_method(
    method: Method, folder: Path, trl: Mapping[str, Any] | None = None, responses: int = 8
) -> list[Path]:
    """A method leaves complete steps of a model that loads, and goes on instead of starting again.

    It trains `testbed:base` on a few questions of kin, so it needs `liftmap[hf]`.

    Args:
        method: The function of a TrainingJob.
        folder: An empty folder to work in.
        trl: The settings of the arm's table `trl`.
        responses: Right responses that the job holds for methods that imitate.

    Returns:
        The folders of the steps.

    Raises:
        AssertionError: It does not.
    """
    from liftmap.sample.hf import load_model, resolve_model

    questions = kin("train", limit=responses)
    prompts = {q.question_id: render_prompt("plain", q) for q in questions}
    job = TrainingJob(
        name="checked@1",
        arm="checked",
        seed=1,
        base=resolve_model("testbed:base"),
        questions=questions,
        prompts=prompts,
        pairs=[(prompts[q.question_id], f" so {q.answer}") for q in questions],
        verifier=make_verifier("exact", KIN_ANSWER),
        reward="verifier",
        trl=dict(trl or {}),
        folder=folder / "trainer",
        metrics=folder / "checked.jsonl",
    )
    job.folder.mkdir(parents=True, exist_ok=True)
    method(job)
    steps = complete_steps(job.folder)
    _require(steps, f"no complete step is left in {job.folder} (see store.checkpoint_folder)")
    for step in steps.values():
        _require(list(step.glob("*.safetensors")), f"{step.name} has no safetensors weights")
        load_model(str(step))
    if job.metrics.exists():
        for line in job.metrics.read_text("utf-8").splitlines():
            keys = json.loads(line).keys()
            _require({"seed", "step"} <= keys, f"a line of the log lacks seed or step: {line}")
    written = {path: path.stat().st_mtime_ns for step in steps.values() for path in step.iterdir()}
    method(job)
    _require(complete_steps(job.folder) == steps, "a second call changes the steps")
    changed = [path for path, time in written.items() if path.stat().st_mtime_ns != time]
    _require(not changed, f"a second call trains again: it writes {changed[:1]}")
    return list(steps.values())


def small_study(folder: Path) -> Path:
    """Makes a study of the scripted engine without any model, sampled and verified; in seconds.

    Args:
        folder: Where it goes; a study of this function may be there already.

    Returns:
        The folder: a base and the arms sharper and unchanged, 60 questions with 16 responses each.
    """
    config = parse_config(
        {
            "name": "small",
            "base": {"model": "scripted:0,0.02,0.1,0.4,0.8,1"},
            "task": {"name": "kin", "test": {"limit": 60}, "train": {"limit": 5}},
            "sample": {"engine": "scripted", "n": 16, "n_train": 4, "max_tokens": 24},
            "verify": {"verifier": "exact", "options": KIN_ANSWER},
            "arms": {
                "sharper": {"method": "given", "model": "scripted:0,0.05,0.4,0.8,0.95,1"},
                "unchanged": {"method": "given", "model": "scripted:0,0.02,0.1,0.4,0.8,1"},
            },
            "analyse": {"resamples": 100, "law_resamples": 0},
        },
        "the small study",
    )
    run: StudyRun
    with open_study(StudyFolder(folder), config) as run:
        run.prepare()
        run.sample_and_train()
    return folder


def check_analysis(analysis: Analysis, study: Path) -> pl.DataFrame:
    """An analysis gives a table, the same at every call, that Parquet keeps as it is.

    Args:
        analysis: The function of StudyData.
        study: The folder of a study, as of `small_study`.

    Returns:
        The table.

    Raises:
        AssertionError: It does not.
    """
    folder = StudyFolder(study)
    tables = [analysis(StudyData(folder, folder.read_config())) for _ in range(2)]
    for table in tables:
        _require(isinstance(table, pl.DataFrame), f"it gives {type(table).__name__}, not a table")
    _require(tables[0].equals(tables[1]), "a second call gives another table")
    _require(len(tables[0].columns), "the table has no columns")
    kinds = dict(tables[0].schema)
    _require(pl.Object not in kinds.values(), f"Parquet can't keep these columns: {kinds}")
    return tables[0]


def check_reader(reader: Reader, source: str | Path) -> Outcomes:
    """A reader knows its files and no others, and counts the same at every call.

    Args:
        reader: The reader.
        source: A file or folder of its format.

    Returns:
        What it read.

    Raises:
        AssertionError: It does not.
    """
    files = [glimpse(path) for path in files_of(source)]
    _require(all(reader.knows(file) for file in files), f"it does not know {source}")
    for container, fields in FOREIGN_FILES:
        foreign = replace(files[0], container=container, fields=fields, kinds={})
        _require(not reader.knows(foreign), f"it takes {container} with {set(fields)} for its own")
    outcomes = reader.read(str(source), files, ReadOptions())
    tally = outcomes.tally
    _require(len(tally.question_ids), "it finds no question")
    _require(len(set(tally.question_ids.tolist())) == len(tally.question_ids), "an id stands twice")
    _require(bool(np.all((tally.c >= 0) & (tally.c <= tally.n))), "c is not within 0 to n")
    again = reader.read(str(source), files, ReadOptions()).tally
    same = all(np.array_equal(getattr(tally, x), getattr(again, x)) for x in ("n", "c", "unscored"))
    _require(
        same and bool(np.all(again.question_ids == tally.question_ids)), "a second call differs"
    )
    return outcomes


def _require(condition: object, message: str) -> None:
    """Raises an AssertionError with the message unless the condition holds."""
    if not condition:
        raise AssertionError(message)
