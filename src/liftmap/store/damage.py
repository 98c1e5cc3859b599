"""What is damaged or missing in a folder, file by file.

Part of the store; reads everything, writes nothing. `liftmap.check` mends what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from liftmap.errors import LiftmapError
from liftmap.files import names_in, parquet_facts, read_bytes
from liftmap.records import SPLITS, FixedPlan, Question, plan_from
from liftmap.store.response_set import ResponseSet
from liftmap.store.rows import KEY
from liftmap.store.schema import FIRST_SCHEMA, SCHEMA_FILE, is_sealed, schema_of
from liftmap.store.shards import ShardFolder, shard_name
from liftmap.store.study_folder import StudyFolder

Kind = Literal[
    "schema", "study", "environment", "template", "task", "questions", "settings", "prompt",
    "account", "responses", "verdicts", "scores", "extra", "table", "report", "checkpoint", "log",
]  # fmt: skip


@dataclass(frozen=True)
class Damage:
    """A file that is damaged or missing.

    Attributes:
        path: The file.
        kind: What it is.
        reason: What is wrong with it, a sentence that names it.
        place: For settings, prompts and shards: the response set that it belongs to.
        folder: For settings and shards: the folder that it lies in.
    """

    path: Path
    kind: Kind
    reason: str
    place: ResponseSet | None = None
    folder: ShardFolder | None = None


def response_sets_in(folder: StudyFolder) -> list[ResponseSet]:
    """All response sets of a folder, those of a training's steps among them, damaged or not."""
    sets = question_sets(folder)
    return [
        ResponseSet(folder.path, model, split)
        for model in names_in(folder.responses_dir)
        for split in names_in(folder.responses_dir / model)
        if split in sets
    ]


def question_sets(folder: StudyFolder) -> list[str]:
    """Names of the question sets that a folder may have: the splits, and a study's test sets."""
    try:
        tests = list(folder.read_config().tests) if folder.config_file.exists() else []
    except LiftmapError:
        # Damaged settings are reported as such; the questions say which sets there are.
        tests = [Path(name).stem for name in names_in(folder.questions_file("test").parent)]
    return list(dict.fromkeys([*SPLITS, *tests]))


def find_damage(folder: StudyFolder) -> list[Damage]:
    """Looks at every file of a study, or of a folder that `liftmap sample` made.

    Raises:
        StoreError: A later version of liftmap made the folder.
    """
    return list(_all(folder))


def damage_of_set(target: ResponseSet) -> list[Damage]:
    """Looks at one response set, its questions and what was made of it."""
    folder = StudyFolder(target.root)
    damages = [*_schema(folder), *_questions(folder, [target.split])]
    return damages or list(_set(target, _read_questions(folder, target.split)))


def _all(folder: StudyFolder) -> Iterator[Damage]:
    wrong = list(_schema(folder))
    yield from wrong
    if wrong:
        return
    yield from _records(folder)
    sets = response_sets_in(folder)
    answered = {target.split for target in sets}
    study = folder.config_file.exists() and bool(sets)
    yield from _questions(
        folder,
        [
            name
            for name in question_sets(folder)
            if (study and name in SPLITS)
            or name in answered
            or folder.questions_file(name).exists()
        ],
    )
    for target in sets:
        yield from _set(target, _read_questions(folder, target.split))
    yield from _checkpoints(folder)
    yield from _tables(folder)


def _try(
    path: Path,
    kind: Kind,
    look: Callable[..., Any],
    *arguments: Any,
    place: ResponseSet | None = None,
    folder: ShardFolder | None = None,
) -> Iterator[Damage]:
    """The damage that looking at a file shows, if there is any."""
    try:
        look(*arguments)
    except LiftmapError as error:
        yield Damage(path, kind, error.what, place, folder)


def _schema(folder: StudyFolder) -> Iterator[Damage]:
    file = folder.path / SCHEMA_FILE
    if file.exists():
        if list(_try(file, "schema", read_bytes, file, True)):
            yield Damage(file, "schema", f"{file} is damaged")
            return
        schema_of(folder.path)
        return
    for target in response_sets_in(folder):
        for shard in target.responses.shards():
            path = target.path / shard
            try:
                facts = parquet_facts(path)[1]
            except LiftmapError:
                continue
            if facts.get("schema", FIRST_SCHEMA) > FIRST_SCHEMA:
                yield Damage(file, "schema", f"{file} is missing")
                return


def _records(folder: StudyFolder) -> Iterator[Damage]:
    """The files at the root of a folder."""
    study = folder.config_file
    if study.exists():
        yield from _try(study, "study", folder.read_config)
    elif folder.environment_file.exists() or folder.template_file.exists():
        yield Damage(study, "study", f"{study} is missing")
    begun: tuple[tuple[Path, Kind], ...] = (
        (folder.environment_file, "environment"),
        (folder.template_file, "template"),
    )
    for file, kind in begun:
        if file.exists():
            yield from _try(file, kind, folder.read_record, file)
        elif study.exists() and folder.questions_file("test").exists():
            yield Damage(file, kind, f"{file} is missing")
    for split in SPLITS:
        file = folder.task_file(split)
        if file.exists():
            yield from _try(file, "task", folder.read_record, file)
        elif _facts(folder.questions_file(split)).get("task"):
            yield Damage(file, "task", f"{file} is missing")


def _facts(path: Path) -> dict[str, Any]:
    try:
        return parquet_facts(path)[1] if path.exists() else {}
    except LiftmapError:
        return {}


def _questions(folder: StudyFolder, splits: list[Any]) -> Iterator[Damage]:
    for split in splits:
        file = folder.questions_file(split)
        yield from _try(file, "questions", folder.read_questions, split)


def _read_questions(folder: StudyFolder, split: str) -> list[Question] | None:
    try:
        return folder.read_questions(split)
    except LiftmapError:
        return None


def _set(target: ResponseSet, questions: list[Question] | None) -> Iterator[Damage]:
    responses = target.responses
    wrong = list(_settings(target, responses))
    if wrong:
        yield from wrong
        return
    yield from _try(target.prompt_file, "prompt", target.prompt, place=target)
    account = target.account_file
    yield from _try(account, "account", target.account, place=target)
    if not account.exists() and target.settings().get("engine") == "server":
        yield Damage(account, "account", f"{account} is missing", target)
    if questions is not None:
        file = StudyFolder(target.root).questions_file(target.split)
        yield from _try(file, "questions", target.check_questions, questions)
        for folder in target.beside():
            if folder.kind == "verdicts" and not list(_settings(target, folder)):
                name = folder.path.name
                yield from _try(
                    file,
                    "questions",
                    target.check_questions,
                    questions,
                    name,
                )
    whole: dict[str, pl.DataFrame] = {}
    yield from _shards(target, questions, whole)
    if whole and not any(folder.kind == "verdicts" for folder in target.beside()):
        yield Damage(target.path, "verdicts", f"{target.path} has no verdicts", target)
    for folder in target.beside():
        wrong = list(_settings(target, folder))
        yield from wrong
        if not wrong:
            yield from _beside(target, folder, whole)


def _settings(target: ResponseSet, folder: ShardFolder) -> Iterator[Damage]:
    if folder.has_settings() or folder.shards():
        if folder.kind == "scores" and not is_sealed(folder.root) and not folder.has_settings():
            return
        file = folder.settings_file
        yield from _try(file, "settings", folder.settings, place=target, folder=folder)
        # Shards of this very place that agree on other settings are right, and the settings wrong.
        named = [facts.get("settings") for facts in sound_facts(folder)]
        with suppress(LiftmapError):
            if named and folder.settings() not in named and named.count(named[0]) == len(named):
                reason = f"{file}: the shards beside it were made with others"
                yield Damage(file, "settings", reason, target, folder)


def sound_facts(folder: ShardFolder) -> Iterator[dict[str, Any]]:
    """The facts of those shards of a folder that are whole and were written into it."""
    for shard in folder.shards():
        with suppress(LiftmapError):
            facts = parquet_facts(folder.path / shard)[1]
            if (facts.get("shard"), facts.get("place")) == (shard, folder.place):
                yield facts


def _expected(target: ResponseSet) -> list[str]:
    return [shard_name(index) for index in range(target.wanted_shards())]


def _misplaced(
    target: ResponseSet,
    folder: ShardFolder,
    shard: str,
    expected: Sequence[str],
    there: Sequence[str],
) -> Damage | None:
    """The damage of a shard that is missing, or is not one of its set; None where it is neither."""
    path = folder.path / shard
    if expected and shard not in expected:
        reason = f"{path} is not one of {len(expected)} shards"
        return Damage(path, "extra", reason, target, folder)
    if shard not in there:
        return Damage(path, folder.kind, f"{path} is missing", target, folder)
    return None


def _shards(
    target: ResponseSet, questions: list[Question] | None, whole: dict[str, pl.DataFrame]
) -> Iterator[Damage]:
    """The shards of responses; the keys of those that are whole go into `whole`."""
    folder, kind = target.responses, target.responses.kind
    expected, there = _expected(target), folder.shards()
    for shard in sorted({*expected, *there}):
        path = folder.path / shard
        misplaced = _misplaced(target, folder, shard, expected, there)
        if misplaced is not None:
            yield misplaced
        else:
            wrong = list(_try(path, kind, folder.read, shard, place=target, folder=folder))
            yield from wrong
            if not wrong:
                whole[shard] = folder.read(shard, KEY).cast({"question_id": pl.String})
                reason = _wrong_keys(target, whole[shard], shard, questions)
                if reason:
                    yield Damage(path, kind, f"{path}: {reason}", target, folder)


def _wrong_keys(
    target: ResponseSet, keys: pl.DataFrame, shard: str, questions: list[Question] | None
) -> str | None:
    """What is wrong with the keys of a response shard; None where nothing is."""
    if not keys.is_unique().all():
        return "a response is there twice"
    counts = keys.group_by("question_id").agg(n=pl.len(), last=pl.col("response_index").max())
    if counts.filter(pl.col("last") + 1 != pl.col("n")).height:
        return "a response is missing"
    settings = target.settings()
    plan = plan_from(settings["plan"]) if "plan" in settings else None
    if isinstance(plan, FixedPlan) and (counts["n"] != plan.count).any():
        return f"a question has not {plan.count} responses"
    if plan is not None and questions is not None and "shard_responses" in settings:
        each = max(1, settings["shard_responses"] // plan.most)
        start = int(shard.removeprefix("shard-").removesuffix(".parquet")) * each
        asked = {question.question_id for question in questions[start : start + each]}
        if set(counts["question_id"]) != asked:
            return "its questions are not those that belong to it"
    return None


def _beside(
    target: ResponseSet, folder: ShardFolder, whole: dict[str, pl.DataFrame]
) -> Iterator[Damage]:
    """The shards of verdicts or scores, against the responses that are whole."""
    kind = folder.kind
    expected, there = _expected(target), folder.shards()
    for shard in sorted({*whole, *there}):
        path = folder.path / shard
        misplaced = _misplaced(target, folder, shard, expected, there)
        if misplaced is not None:
            yield misplaced
        elif shard in whole:
            wrong = list(
                _try(
                    path,
                    kind,
                    target.read_beside,
                    folder,
                    shard,
                    place=target,
                    folder=folder,
                )
            )
            yield from wrong
            if not wrong:
                keys = folder.read(shard, KEY).cast({"question_id": pl.String})
                if not keys.equals(whole[shard]):
                    reason = f"{path}: its rows are not those of the responses"
                    yield Damage(path, kind, reason, target, folder)


def _checkpoints(folder: StudyFolder) -> Iterator[Damage]:
    for arm in names_in(folder.checkpoints_dir):
        for seed in names_in(folder.checkpoints_dir / arm):
            home = folder.checkpoint(arm, int(seed))
            for file in (home.record_file, home.trained_file, home.inputs_file):
                if file.exists():
                    yield from _try(
                        file,
                        "checkpoint",
                        folder.read_record,
                        file,
                    )
            if not home.record_file.exists() and home.model_dir.exists():
                yield Damage(home.record_file, "checkpoint", f"{home.record_file} is missing")
    for arm in names_in(folder.checkpoints_dir):
        yield from _try(folder.metrics_file(arm), "log", folder.read_log, arm)


def _tables(folder: StudyFolder) -> Iterator[Damage]:
    for name in folder.tables():
        yield from _try(folder.table_file(name), "table", folder.read_table, name)
    yield from (
        Damage(folder.table_file(name), "table", f"{folder.table_file(name)} is missing")
        for name in folder.missing_tables()
    )
    report = folder.report_file
    if report.exists():
        yield from _try(report, "report", read_bytes, report, is_sealed(folder.path))
    elif folder.tables():
        yield Damage(report, "report", f"{report} is missing")
