"""The steps of a training run: which files hold which step, by their names.

Beside `look`: reads names of files and folders, and of a file only whether it has its end. What is
in a step is read by `liftmap.read.read`, from the source that a `Step` names.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from liftmap.errors import InputError
from liftmap.files import disk, path_of
from liftmap.read.look import ENDINGS, files_of, steps_of
from liftmap.records import SPLITS
from liftmap.store import StudyFolder, response_set_at

# A name that says its step: step_100, global_step_100_evals, checkpoint-100, val_data_step100,
# completions_00100.
_WORDED = re.compile(
    r"(?:.*(?:step|checkpoint|ckpt|iter|iteration|epoch|completions))[-_]?(\d+)(?:_evals)?",
    re.IGNORECASE,
)
# The same of a folder above, which may be called anything else.
_FOLDER = re.compile(
    r"(?:global_?)?(?:step|checkpoint|ckpt|iter|iteration|epoch)[-_]?(\d+)(?:_evals)?",
    re.IGNORECASE,
)
_TRAILING = re.compile(r"(.*?)(\d+)")
# The most of a file's end that holds its last line: a response of some megabytes.
_TAIL_BYTES = 1 << 24
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run.

    Attributes:
        number: The training step; None where no name says it.
        source: What `liftmap.read.read` takes.
    """

    number: int | None
    source: str


@dataclass(frozen=True, slots=True)
class StepList:
    """The steps of a folder.

    Attributes:
        steps: By rising number; empty where no name in the folder says a step.
        notes: What was left out, a sentence each.
    """

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()


def step_of(source: str) -> Step:
    """A source with the step that it names: `FOLDER:100`, or a file or folder called by a step."""
    named, steps = steps_of(source)
    if steps is not None:
        return Step(steps[1], source)
    path = path_of(named)
    number = _worded(path)
    if number is None:
        above = (_FOLDER.fullmatch(folder.name) for folder in path.parents)
        number = next((int(match[1]) for match in above if match), None)
    return Step(number, source)


def numbers_of(names: Sequence[str]) -> list[int] | None:
    """The numbers in which names differ, as 100 and 200 for eval_100 and eval_200.

    Returns:
        A number for each name; None where they differ in something else.
    """
    matches = [_TRAILING.fullmatch(name) for name in names]
    numbered = [match for match in matches if match is not None]
    if len(numbered) < len(matches) or len({match[1] for match in numbered}) != 1:
        return None
    return [int(match[2]) for match in numbered]


def is_folder_of_steps(source: str) -> bool:
    """Whether a source is a folder of which two files or folders are called by a step."""
    path = path_of(source)
    return path.is_dir() and sum(_worded(child) is not None for child in _children(path)) > 1


def steps_in_folder(folder: str, within: str | None = None) -> StepList:
    """The steps that names in a folder tell of.

    Args:
        folder: A folder with a file or a folder a step: `0.jsonl` and `100.jsonl`, `step_100/`,
            `checkpoint-100/`, or `eval_100.csv` and `eval_200.csv`.
        within: Of a step's folder this part alone, as `eval/all`.

    Raises:
        InputError: It is not a folder, two of its files are the same step, or a step lacks the part
            that was asked for.
    """
    path = path_of(folder)
    if not path.is_dir():
        raise InputError(
            f"{folder} is not a folder.",
            remedy="Name a folder with a file or a folder for each step, or name the base and each "
            "step.",
        )
    children = _children(path)
    numbers = {child: _worded(child) for child in children}
    if not any(number is not None for number in numbers.values()):
        numbers = _trailing(children)
    of_steps = sorted((number, child) for child, number in numbers.items() if number is not None)
    _refuse_twice(folder, of_steps)
    steps = []
    for number, child in of_steps:
        part = child / within if within else child
        if not part.exists():
            raise InputError(
                f"Step {number} of {folder} holds no {within}.",
                seen=[below.name for below in _children(child)[:8]] if child.is_dir() else None,
                remedy="Name another part with --within, or leave it out.",
            )
        steps.append(Step(number, _source_of(part)))
    others = [child.name for child in children if numbers.get(child) is None]
    return StepList(tuple(steps), _left_out(others) if steps else ())


def unfinished(source: str) -> Path | None:
    """The file of a step that has no end yet: a line is cut off; None where all have theirs."""
    named, _ = steps_of(source)
    path = path_of(named)
    files = files_of(named) if path.exists() or ":" in named else []
    return next((file for file in files if file.is_file() and not _has_end(file)), None)


def _has_end(file: Path) -> bool:
    with disk(file), file.open("rb") as lines:
        size = lines.seek(0, 2)
        lines.seek(max(0, size - _TAIL_BYTES))
        tail = lines.read()
    if not tail.strip():
        return False
    if file.suffix == ".parquet":
        return tail.endswith(b"PAR1")
    if file.suffix != ".jsonl" or tail.endswith(b"\n"):
        return True
    try:
        json.loads(tail.splitlines()[-1])
    except ValueError:
        return False
    return True


def _children(folder: Path) -> list[Path]:
    with disk(folder):
        return sorted(
            child
            for child in folder.iterdir()
            if not child.name.startswith(".") and (child.is_dir() or child.suffix in ENDINGS)
        )


def _worded(path: Path) -> int | None:
    """The step that a name says in so many words, or is."""
    name = path.name if path.is_dir() else path.stem
    match = _WORDED.fullmatch(name)
    if match is not None:
        return int(match[1])
    return int(name) if name.isdecimal() else None


def _trailing(children: Sequence[Path]) -> dict[Path, int | None]:
    """Numbers at the end of names that are otherwise alike: of the most such names."""
    names = {child: child.name if child.is_dir() else child.stem for child in children}
    matches = {child: _TRAILING.fullmatch(name) for child, name in names.items()}
    alike = Counter(match[1] for match in matches.values() if match is not None)
    if not alike or alike.most_common(1)[0][1] < 2:
        return {}
    prefix = alike.most_common(1)[0][0]
    return {
        child: int(match[2])
        for child, match in matches.items()
        if match is not None and match[1] == prefix
    }


def _refuse_twice(folder: str, steps: Iterable[tuple[int, Path]]) -> None:
    places: dict[int, list[str]] = {}
    for number, child in steps:
        places.setdefault(number, []).append(child.name)
    twice = {number: names for number, names in places.items() if len(names) > 1}
    if twice:
        raise InputError(
            f"{folder} holds a step twice.",
            seen=twice,
            remedy="Move one of them away: it is not known which of them is the step.",
        )


def _source_of(path: Path) -> str:
    """The source of a step: of a folder that `liftmap sample` wrote its only response set."""
    if not path.is_dir() or response_set_at(path) is not None:
        return str(path)
    study = StudyFolder(path)
    sets = [(model, split) for split in SPLITS for model in study.models(split)]
    if len(sets) == 1:
        return str(study.responses(*sets[0]).path)
    return str(path)


def _left_out(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    what = "1 file or folder is" if len(names) == 1 else f"{len(names):,} files or folders are"
    return (f"{what} not called by a step ({shown}): left out.",)
