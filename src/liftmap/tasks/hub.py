"""The hub task: any data set of the Hugging Face hub, or a local folder in the hub's own layout.

A task: options in, Questions out; reads through `datasets.load_dataset`, which keeps what it has
fetched in its own cache. No code of a data set is ever run.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from liftmap.errors import InputError, MissingDependencyError, UnknownNameError
from liftmap.files import path_of
from liftmap.hub_access import REMEDY, unreachable, without_retry_lines
from liftmap.progress import loading
from liftmap.records import SPLITS, Question, Split
from liftmap.registry import nearest
from liftmap.tasks.question_rows import (
    AnswerFrom,
    Duplicates,
    Reading,
    Row,
    Unanswered,
    check_reading,
    questions_of,
    select,
)

if TYPE_CHECKING:
    from datasets import Dataset

# Characters that make a name a pattern.
_PATTERN = re.compile(r"[*?\[\]{}]")


def hub(
    split: Split = "test",
    *,
    path: str,
    name: str | None = None,
    revision: str | None = None,
    hub_split: str | None = None,
    question: str = "question",
    answer: str = "answer",
    answer_pattern: str | None = None,
    answer_from: AnswerFrom = "column",
    choices: Sequence[str] = (),
    context: str | None = None,
    id: str | None = None,
    cluster: str | None = None,
    metadata: Sequence[str] = (),
    unanswered: Unanswered = "error",
    duplicates: Duplicates = "error",
    limit: int | None = None,
    skip: int = 0,
    shuffle_seed: int | None = None,
) -> list[Question]:
    """The questions of a data set.

    Args:
        split: "train", "dev" or "test": the data set's split of that name, unless `hub_split` says
            another.
        path: A data set on the hub, as `openai/gsm8k`, or a local folder in the hub's layout.
        name: One of the data set's configs.
        revision: A commit, tag or branch; a commit makes the questions the same always. A local
            folder has none.
        hub_split: The data set's split, as `train` or `train[:500]`.
        question: See `liftmap.tasks.question_rows.Reading`, which has all other options too.
        answer: The column of the gold answer, or of a solution that holds it.
        answer_pattern: A regular expression with one group: the answer in that column.
        answer_from: "column" or "boxed".
        choices: Columns of wrong answers.
        context: A column whose text is put before the question.
        id: A column of ids; None makes them from the content.
        cluster: A column that questions of one source share.
        metadata: Columns to keep.
        unanswered: "error", "drop" or "keep" rows without a gold answer.
        duplicates: "error", or "drop" all but the first.
        limit: At most so many questions, 1 or more.
        skip: Leave out so many before those.
        shuffle_seed: Order by a hash of this and the id; None keeps the data set's order.

    Returns:
        The questions.

    Raises:
        MissingDependencyError: `datasets` is not installed.
        InputError: The data set can't be reached or loaded, or a row of it can't be used.
        ConfigError: An option can't be used.
        UnknownNameError: There is no such split.
    """
    if split not in SPLITS:
        raise UnknownNameError(
            "The hub task has no such split.",
            seen=split,
            remedy=f"Say {', '.join(SPLITS)}; the data set's own split is the option hub_split.",
        )
    reading = check_reading(
        question=question,
        answer=answer,
        answer_pattern=answer_pattern,
        answer_from=answer_from,
        choices=choices,
        context=context,
        id=id,
        cluster=cluster,
        metadata=metadata,
        unanswered=unanswered,
        duplicates=duplicates,
        limit=limit,
        skip=skip,
        shuffle_seed=shuffle_seed,
    )
    table = _load(str(path), name, revision, hub_split or split)
    source = " ".join([str(path), *([name] if name else []), hub_split or split])
    questions = questions_of(_rows(table, reading, source), reading, source)
    return select(questions, reading.limit, reading.skip, reading.shuffle_seed)


def _rows(table: Dataset, reading: Reading, source: str) -> Iterator[tuple[str, Row]]:
    """Rows with the columns that are read alone: images and audio beside them are never decoded."""
    names = reading.columns()
    there: list[str] = table.column_names
    for missing in [n for n in names if n not in there]:
        if missing != reading.answer or reading.unanswered == "error":
            raise InputError(
                f"{source} has no column {missing!r}.",
                seen=there[:20],
                remedy=nearest(missing, there),
            )
    for number, row in enumerate(table.select_columns([n for n in names if n in there]), 1):
        yield f"row {number}", row


def _load(path: str, name: str | None, revision: str | None, split: str) -> Dataset:
    """One split of a data set; a folder on this machine overrides a data set of the hub.

    Raises:
        MissingDependencyError: `datasets` is not installed.
        InputError: It can't be reached or loaded.
    """
    try:
        import datasets
        from datasets.exceptions import DatasetNotFoundError
    except ImportError:
        raise MissingDependencyError(
            "The hub task needs datasets, which is not installed.",
            remedy="Run: pip install 'liftmap[hf]'.",
        ) from None
    place = str(path_of(path))
    if Path(place).is_file():
        raise InputError(f"{path} is a file.", remedy="Read it with the task jsonl.")
    if path.startswith(("/", "./", "../", "~")) and not Path(place).is_dir():
        raise InputError(f"The folder {path} does not exist.", remedy="Check the option path.")
    try:
        if not Path(place).is_dir():
            loading(path)
            with _quiet_hub():
                return datasets.load_dataset(path, name, revision=revision, split=split)
        # The library's cache does not see that a folder with a card has changed: use none.
        with TemporaryDirectory(prefix="liftmap-") as cache:
            folder = _without_pattern(Path(place).resolve(), Path(cache) / "folder")
            return datasets.load_dataset(
                str(folder), name, split=split, cache_dir=cache, keep_in_memory=True
            )
    except DatasetNotFoundError as error:
        raise InputError(
            f"The hub does not give {path}: {error}".strip(),
            remedy="Check the name. If it is gated, accept its terms on its page, then log in with "
            "`hf auth login` or set HF_TOKEN.",
        ) from None
    except ConnectionError as error:
        raise InputError(
            f"The data set {path} can't be reached, and is not in this machine's cache: "
            f"{unreachable() or error}.",
            remedy=f"{REMEDY.removesuffix('.')} as the option path.",
        ) from None
    except Exception as error:  # whatever a damaged or unknown data set makes the library raise
        raise InputError(
            f"{path} can't be loaded as {name or 'its default config'}, {split}: {_reason(error)}",
            remedy="Set name (the config) and hub_split to what the data set has; a folder needs "
            "the hub's layout (README.md with configs, and the data files).",
        ) from None


@contextmanager
def _quiet_hub() -> Iterator[None]:
    """Keeps bars and retries off the terminal; where the hub does not answer, the cache alone."""
    from datasets import (
        config,
        disable_progress_bars,
        enable_progress_bars,
        is_progress_bar_enabled,
    )

    offline, bars = config.HF_HUB_OFFLINE, is_progress_bar_enabled()
    config.HF_HUB_OFFLINE = bool(unreachable())
    disable_progress_bars()
    try:
        with without_retry_lines():
            yield
    finally:
        config.HF_HUB_OFFLINE = offline
        if bars:
            enable_progress_bars()


def _without_pattern(folder: Path, other: Path) -> Path:
    """The folder; where its name could be read as a pattern, the same files in another folder.

    The library expands patterns in the name, resolved as it is: another folder's files would come.
    """
    if not _PATTERN.search(str(folder)):
        return folder
    try:
        shutil.copytree(folder, other, copy_function=os.link)
    except (shutil.Error, OSError):
        # On another disk there are no links.
        shutil.copytree(folder, other, dirs_exist_ok=True)
    return other


def _reason(error: Exception) -> str:
    """The message that helps: of the error below, where the library only says that it failed."""
    cause = error.__cause__ or error
    text = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    return text.rstrip(".") + "."
