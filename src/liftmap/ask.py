"""Any model on any task, without a study: sampled and verified into one folder.

Beside `study`, above the stages. `sample_model` asks one model, `verify_folder` judges again with
another verifier, `audit_folder` shows where two verifiers disagree, `compare_models` asks two
models and compares them. The folder is laid out as a study's, less what a study alone has:

    task-<split>.json    questions/<split>.parquet    responses/<model>/<split>/    verdicts/...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from liftmap.errors import InputError, StoreError
from liftmap.records import SPLITS, Question, Split
from liftmap.registry import find
from liftmap.sample import ENGINES, check_model, make_engine
from liftmap.sample.templates import get_template, render_prompt
from liftmap.sections import SampleSection, VerifySection
from liftmap.store import (
    ResponseSet,
    StudyFolder,
    model_folder,
    noted_responses,
    notes_file,
    questions_digest,
    read_notes,
    verdicts_on_noted,
)
from liftmap.store.notes import NOTED_SCHEMA
from liftmap.tasks import preset
from liftmap.tasks.sets import load_questions
from liftmap.verify import make_verifier
from liftmap.verify.answer import answer, check_scripted
from liftmap.verify.audit import Audit, audit
from liftmap.verify.run import verify

if TYPE_CHECKING:
    from liftmap.comparison.result import Comparison

# What judges the responses to a task that is not a preset, unless the user says otherwise.
TASK_VERIFIERS: dict[str, VerifySection] = {
    "kin": VerifySection(verifier="exact", options={"pattern": r"so (\S+)\s*$"}),
    "gym": VerifySection(verifier="gym"),
}
OTHER_TASKS_VERIFIER = VerifySection(verifier="math")


@dataclass(frozen=True)
class Asking:
    """What is asked, and how; the same for every model of a folder.

    Attributes:
        task: A task or preset of `liftmap.tasks`.
        split: Which of its questions.
        options: The task's options.
        sampling: How responses are drawn; its `n` is the number of responses to each question.
        verifying: How they are judged; None takes what fits the task.
    """

    task: str
    split: Split = "test"
    options: Mapping[str, Any] = field(default_factory=dict)
    sampling: SampleSection = field(default_factory=SampleSection)
    verifying: VerifySection | None = None

    def verifier(self) -> VerifySection:
        """How the responses are judged."""
        if self.verifying is not None:
            return self.verifying
        ready = preset(self.task)
        if ready is not None:
            return VerifySection(verifier=ready.verifier, options=ready.verifier_options)
        return TASK_VERIFIERS.get(self.task, OTHER_TASKS_VERIFIER)


def sample_model(model: str, asking: Asking, out: str | Path) -> ResponseSet:
    """Asks one model: draws and verifies what is not in the folder yet.

    Args:
        model: A hub id, a folder, a `.gguf` file, or a served model.
        asking: What it is asked.
        out: The folder; it may hold other models' responses to the same questions.

    Returns:
        The responses, all there.

    Raises:
        LiftmapError: Something can't be done; what can be known is known before long work, and what
            was drawn is kept.
    """
    [responses], _ = _sample_all([model], asking, StudyFolder(Path(out)))
    return responses


def sample_questions(
    model: str,
    asking: Asking,
    folder: StudyFolder,
    make: Callable[[], list[Question]],
    settings: Mapping[str, Any],
) -> tuple[ResponseSet, list[Question]]:
    """Asks one model questions that were made of a task's.

    Args:
        model: As in `sample_model`.
        asking: What they are made of, and how they are asked.
        folder: The folder; its questions are made on the first call.
        make: Makes the questions.
        settings: How; the folder refuses others later.

    Returns:
        The responses, all there, and the questions.

    Raises:
        LiftmapError: As `sample_model`.
    """
    [responses], questions = _sample_all([model], asking, folder, make, settings)
    return responses, questions


def compare_models(
    before: str, after: str, asking: Asking, out: str | Path, **options: Any
) -> Comparison:
    """Asks two models the same questions and compares them.

    Args:
        before: The model that one starts from.
        after: The trained model.
        asking: What they are asked.
        out: The folder that keeps questions, responses and verdicts.
        **options: As `liftmap.compare`; the verifier is that of `asking`.

    Raises:
        LiftmapError: As `sample_model` and `liftmap.compare`.
    """
    from liftmap.comparison.compare import compare

    if model_folder(before) == model_folder(after):
        raise InputError(
            "Before and after are the same model.", seen=before, remedy="Name two models."
        )
    sets, _ = _sample_all([before, after], asking, StudyFolder(Path(out)))
    return compare(sets[0], sets[1], **{**options, "verifier": asking.verifier().verifier})


def _sample_all(
    models: list[str],
    asking: Asking,
    folder: StudyFolder,
    make: Callable[[], list[Question]] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> tuple[list[ResponseSet], list[Question]]:
    sampling, verifying = asking.sampling, asking.verifier()
    template = get_template(sampling.template)
    find(ENGINES, sampling.engine, "engine")
    make_verifier(verifying.verifier, verifying.options)
    with folder.held():
        questions = _questions(folder, asking, make, settings or {})
        for question in questions:
            render_prompt(template.name, question)
        check_scripted(sampling, questions, verifying)
        targets = [folder.responses(model_folder(model), asking.split) for model in models]
        for model, target in zip(models, targets, strict=True):
            if not target.shards():
                check_model(model, sampling)
        for model, target in zip(models, targets, strict=True):
            with _engine(model, sampling, questions) as engine:
                plan = sampling.plan_of(sampling.n)
                answer(target, model, questions, plan, sampling, verifying, engine)
    return targets, questions


@contextmanager
def _engine(model: str, sampling: SampleSection, questions: list[Question]) -> Iterator[Any]:
    """What gives the engine, made on first use and closed at the end."""
    made: list[Any] = []

    def engine() -> Any:
        if not made:
            made.append(make_engine(model, sampling, questions))
        return made[0]

    try:
        yield engine
    finally:
        for engine_made in made:
            if hasattr(engine_made, "close"):
                engine_made.close()


def _questions(
    folder: StudyFolder,
    asking: Asking,
    make: Callable[[], list[Question]] | None,
    further: Mapping[str, Any],
) -> list[Question]:
    """The questions of the folder, made on the first call; the task must be the same after that."""
    settings = {"task": asking.task, "options": dict(asking.options), **further}
    if not folder.has_questions(asking.split):
        questions = (
            load_questions(asking.task, asking.split, asking.options, "the task")
            if make is None
            else make()
        )
        task = {**settings, "questions": questions_digest(questions)}
        folder.keep_task(asking.split, task)
        folder.write_questions(asking.split, questions, task)
        return questions
    questions = folder.read_questions(asking.split)
    folder.keep_task(asking.split, {**settings, "questions": questions_digest(questions)})
    return questions


def response_sets(folder: StudyFolder) -> list[tuple[ResponseSet, list[Question]]]:
    """All response sets of a folder or a study, with their questions.

    Raises:
        StoreError: There are none.
    """
    sets = [
        (folder.responses(model, split), folder.read_questions(split))
        for split in SPLITS
        if folder.has_questions(split)
        for model in folder.models(split)
    ]
    if not sets:
        raise StoreError(
            f"{folder.path} holds no responses.",
            remedy="Name a folder that `liftmap sample` or `liftmap study` made.",
        )
    return sets


def verify_folder(out: str | Path, verifying: VerifySection) -> int:
    """Judges all responses of a folder with a verifier; never samples.

    Args:
        out: A folder that `sample_model` made.
        verifying: The verifier; its verdicts go beside those of others.

    Returns:
        How many responses were judged now.

    Raises:
        LiftmapError: As `verify.run.verify`.
    """
    folder = StudyFolder(Path(out))
    sets = response_sets(folder)
    with folder.held():
        return sum(verify(target, asked, verifying) for target, asked in sets)


def audit_folder(out: str | Path, first: str, second: str, examples: int = 20) -> Audit:
    """Where two verifiers disagree about the responses of a folder or a study.

    Args:
        out: The folder.
        first: A verifier that has judged all responses.
        second: Another.
        examples: The most disagreements that are kept as examples.

    Raises:
        InputError: One of them has not judged all responses.
        StoreError: There are no responses.
    """
    sets = response_sets(StudyFolder(Path(out)))
    targets = [
        (target, {q.question_id: q for q in asked})
        for target, asked in sets
        if set(target.verifiers()) & {first, second}
    ]
    return audit(targets, first, second, examples, read_notes(notes_file(Path(out))))


def noted_in(out: str | Path, verifier: str) -> pl.DataFrame:
    """What a verifier says of the responses whose verdict a reader noted as wrong.

    Args:
        out: A study, or a folder that `sample_model` made.
        verifier: The verifier.

    Returns:
        A row a note: the columns of `store.notes.NOTED_SCHEMA`, and verdict (null: not judged).

    Raises:
        StoreError: The notes, or verdicts on these responses, can't be read.
    """
    folder = StudyFolder(Path(out))
    notes = read_notes(notes_file(folder.path))
    places = {(note.model, note.split) for note in notes}
    targets = [
        folder.responses(model, split)
        for split in SPLITS
        for model in folder.models(split)
        if (model, split) in places
    ]
    nothing = pl.DataFrame(schema={**NOTED_SCHEMA, "verdict": pl.String()})
    return pl.concat(
        [nothing]
        + [
            verdicts_on_noted(target, verifier, noted_responses(target, notes))
            for target in targets
        ]
    )
