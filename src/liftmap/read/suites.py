"""The benchmarks that a folder, a file or a study's model holds, by name; nothing is counted here.

Beside `read`, for whoever compares several benchmarks at once: gives for each the files, or the
task among a file's rows, that `read` then takes. The name is the task that a log names itself
(lm-evaluation-harness, inspect_ai, lighteval), else that of the file or folder without its date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from liftmap.errors import InputError, LiftmapError
from liftmap.files import disk, names_in, path_of
from liftmap.read import all_readers, inspect_ai, lighteval, lm_eval, read
from liftmap.read.look import ENDINGS, Glimpse, glimpse
from liftmap.read.outcomes import SeveralTasksError
from liftmap.read.tables import tasks_of_rows
from liftmap.records import SPLITS
from liftmap.store import StudyFolder, response_set_at
from liftmap.store.shards import shards_in

# Logs that name their task, and how it is read from one.
TASK_OF_LOG: dict[str, Callable[[Glimpse], str]] = {
    "lm_eval": lm_eval.task_of_log,
    "inspect_ai": inspect_ai.task_of_log,
    "lighteval": lighteval.task_of_log,
}
# Tables whose rows may name their task.
TABLES = ("tally", "responses", "table")
# What tools write beside their logs: totals and settings, no responses.
BESIDE = re.compile(
    r"(results?|aggregate\w*|summary|metrics|config\w*|meta\w*|args|manifest|eval-|run_?config)"
    r".*\.json",
    re.IGNORECASE,
)
# Dates in names: 2026-11-22T18-47-58, 2026-11-22, 20261122T184758Z.
_DATE = re.compile(
    r"[_.\-]?(\d{4}-\d\d-\d\d([T_][\d.:\-+Z]*)?|20\d{6}([T_-]?\d{4,6}Z?)?)(?=$|[_.\-])"
)
_TOOL_PREFIX = {"lm_eval": "samples_", "lighteval": "details_"}


@dataclass(frozen=True, slots=True)
class BenchmarkFiles:
    """Where the results of one benchmark are.

    Attributes:
        name: The benchmark.
        source: What a message calls it: its file or folder, or `STUDY:MODEL:SET`.
        files: The files that are read.
        task: The task whose rows are taken; None: all rows.
    """

    name: str
    source: str
    files: tuple[Path, ...]
    task: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or a benchmark that is not taken.

    Attributes:
        name: The file or the benchmark.
        reason: Why: it only has totals (beside), can't be read (unreadable), or is on one side
            alone (before only, after only).
        error: What reading it said, where it can't be read.
    """

    name: str
    reason: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class SuiteFiles:
    """The benchmarks of one side of a suite.

    Attributes:
        benchmarks: By name, in increasing order.
        left_out: Files that are none of them.
    """

    benchmarks: dict[str, BenchmarkFiles]
    left_out: tuple[LeftOut, ...] = ()


def find_benchmarks(
    source: str | Path,
    *,
    skip_unreadable: bool = False,
    columns: Mapping[str, str] | None = None,
) -> SuiteFiles:
    """The benchmarks that a source holds.

    Args:
        source: A folder with a file or folder a benchmark, or with logs of several tasks; a file
            whose rows are of several tasks; or a model of a study, as `STUDY:MODEL`, with its test
            sets.
        skip_unreadable: Whether files that can't be read are left out instead of refused.
        columns: Columns that the user has named, as in `read`.

    Raises:
        InputError: There is no such source, it holds no benchmark, one of its files can't be read,
            or two files are of one benchmark that are not parts of it.
    """
    path = path_of(source)
    if not path.exists():
        return SuiteFiles(_of_study(source))
    if path.is_dir():
        search = _Search(skip_unreadable, columns)
        search.folder(path)
        benchmarks, left_out = search.benchmarks(), tuple(search.left_out)
    else:
        benchmarks, left_out = _of_file(path, columns), ()
    if not benchmarks:
        raise InputError(
            f"{source} holds no benchmark.",
            seen=[each.name for each in left_out][:5],
            remedy="Give a folder with a file or a folder a benchmark.",
        )
    return SuiteFiles(dict(sorted(benchmarks.items())), left_out)


def benchmark_name(stem: str, prefix: str = "") -> str:
    """The name of a benchmark out of that of its file: without a date and a tool's prefix."""
    name = _DATE.sub("", stem.removeprefix(prefix)).strip("_.- ")
    return name or stem


def _of_study(source: str | Path) -> dict[str, BenchmarkFiles]:
    """The test sets that a model of a study has answered."""
    study, _, model = str(source).rpartition(":")
    folder = StudyFolder(path_of(study)) if study else None
    if folder is None or not folder.path.is_dir():
        raise InputError(
            f"{source} does not exist.",
            remedy="Name a folder of benchmarks, a log, or a study's model as STUDY:MODEL.",
        )
    sets = {
        split: BenchmarkFiles(split, f"{study}:{model}:{split}", (place,))
        for split in names_in(folder.responses_dir / model)
        if split not in SPLITS[:2] and shards_in(place := folder.responses_dir / model / split)
    }
    if not sets:
        raise InputError(
            f"{study} holds no test responses of the model {model}.",
            seen=folder.models("test"),
            remedy="Name one of the models seen, or sample first.",
        )
    return sets


def _of_file(path: Path, columns: Mapping[str, str] | None) -> dict[str, BenchmarkFiles]:
    """The tasks of one file; its name where its rows name none."""
    file, format = _known(path, columns)
    if format in TASK_OF_LOG:
        name = TASK_OF_LOG[format](file) or benchmark_name(path.stem)
        return {name: BenchmarkFiles(name, str(path), (path,))}
    tasks: tuple[str, ...] = ()
    if format in TABLES and file.container in ("csv", "json", "parquet"):
        named = tasks_of_rows(file)
        if named is not None:
            tasks = tuple(named.drop_nulls().str.strip_chars().unique().sort().to_list())
            _refuse_taskless(path, int(named.null_count()))
    elif format not in TABLES:
        try:
            read(path, columns=columns)
        except SeveralTasksError as error:
            tasks = error.tasks
    if not tasks:
        name = benchmark_name(path.stem)
        return {name: BenchmarkFiles(name, str(path), (path,))}
    return {task: BenchmarkFiles(task, f"{path} ({task})", (path,), task) for task in tasks}


def _refuse_taskless(path: Path, rows: int) -> None:
    if rows:
        raise InputError(
            f"{path} has rows that name no task.",
            seen=f"{rows:,} rows",
            remedy="Fill the column, or give each benchmark a file of its own.",
        )


def _known(path: Path, columns: Mapping[str, str] | None) -> tuple[Glimpse, str]:
    """A file at its beginning, and the name of its reader.

    Raises:
        InputError: It is damaged or of no known format.
    """
    file = glimpse(path)
    if columns:
        file = replace(file, names=dict(columns))
    name = next((name for name, reader in all_readers().items() if reader.knows(file)), None)
    if name is None:
        raise InputError(
            f"{path} is of no known format.",
            seen=sorted(file.fields)[:12] or file.container,
            remedy="Take it out of the folder, or leave out with --skip-unreadable what can't be "
            "read.",
        )
    return file, name


class _Search:
    """A walk through a folder that collects the files of each benchmark."""

    def __init__(self, skip_unreadable: bool, columns: Mapping[str, str] | None) -> None:
        self.skip_unreadable, self.columns = skip_unreadable, columns
        self.left_out: list[LeftOut] = []
        # Files of logs by the task that they name; several of one are read together.
        self.logs: dict[str, list[Path]] = {}
        # What is a benchmark by its own name: a file or a folder.
        self.named: dict[str, BenchmarkFiles] = {}

    def benchmarks(self) -> dict[str, BenchmarkFiles]:
        logs = {
            name: BenchmarkFiles(name, _source(paths), tuple(paths))
            for name, paths in self.logs.items()
        }
        for name in logs.keys() & self.named.keys():
            self._refuse_two(name, logs[name].source, self.named[name].source)
        return logs | self.named

    def folder(self, path: Path) -> None:
        """Takes a folder of benchmarks: each file and each folder in it is one, or a task's log."""
        with disk(path):
            children = sorted(child for child in path.iterdir() if not child.name.startswith("."))
        files = [child for child in children if child.is_file() and child.suffix in ENDINGS]
        folders = [child for child in children if child.is_dir() and any(_files_below(child))]
        whole = [child for child in folders if _is_whole(child)]
        if not files and len(folders) == 1 and not whole:
            self.folder(folders[0])
            return
        for file in files:
            self._file(file)
        for child in folders:
            if child in whole:
                self._whole(child)
            else:
                self._child(child)

    def _file(self, path: Path) -> None:
        look = self._look(path)
        if look is None:
            return
        file, format = look
        task = TASK_OF_LOG[format](file) if format in TASK_OF_LOG else ""
        if task:
            self.logs.setdefault(task, []).append(path)
        else:
            name = benchmark_name(path.stem, _TOOL_PREFIX.get(format, ""))
            self._add(BenchmarkFiles(name, str(path), (path,)))

    def _child(self, folder: Path) -> None:
        """A folder in the folder: logs that name their tasks, or the parts of one benchmark."""
        looks = [(path, look) for path in _files_below(folder) if (look := self._look(path))]
        logs = [(path, look) for path, look in looks if look[1] in TASK_OF_LOG]
        for path, (file, format) in logs:
            task = TASK_OF_LOG[format](file) or benchmark_name(path.stem)
            self.logs.setdefault(task, []).append(path)
        parts = tuple(path for path, look in looks if look[1] not in TASK_OF_LOG)
        if parts:
            self._add(BenchmarkFiles(benchmark_name(folder.name), str(folder), parts))

    def _whole(self, folder: Path) -> None:
        """A folder of ours with one model, the folder of one response set, or a data set."""
        study = StudyFolder(folder)
        models = study.models("test")
        if models:
            if len(models) > 1:
                raise InputError(
                    f"{folder} holds the responses of {len(models)} models.",
                    seen=models,
                    remedy=f"Give a folder with one model a benchmark, or {folder}:MODEL as the "
                    "whole side.",
                )
            place = study.responses(models[0], "test").path
            self._add(BenchmarkFiles(benchmark_name(folder.name), str(place), (place,)))
        else:
            self._add(BenchmarkFiles(benchmark_name(folder.name), str(folder), (folder,)))

    def _look(self, path: Path) -> tuple[Glimpse, str] | None:
        """The file and its reader; None for one that is left out."""
        try:
            return _known(path, self.columns)
        except LiftmapError as error:
            if BESIDE.fullmatch(path.name):
                self.left_out.append(LeftOut(str(path), "beside"))
                return None
            if not self.skip_unreadable:
                raise
            self.left_out.append(LeftOut(str(path), "unreadable", error.what))
            return None

    def _add(self, files: BenchmarkFiles) -> None:
        if files.name in self.named:
            self._refuse_two(files.name, self.named[files.name].source, files.source)
        self.named[files.name] = files

    def _refuse_two(self, name: str, *sources: str) -> None:
        raise InputError(
            f"Two results are of one benchmark, {name}.",
            seen=list(sources),
            remedy="Take one of them out of the folder, or rename it.",
        )


def _source(paths: list[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else str(paths[0].parent)


def _is_whole(folder: Path) -> bool:
    """Whether a folder is a data set, a response set, or one that `liftmap sample` made."""
    files = glimpse(folder)
    if files.container in ("dataset", "responses"):
        return True
    return bool(StudyFolder(folder).models("test")) or response_set_at(folder) is not None


def _files_below(folder: Path) -> Iterator[Path]:
    with disk(folder):
        yield from sorted(
            path for path in folder.rglob("*") if path.suffix in ENDINGS and path.is_file()
        )
