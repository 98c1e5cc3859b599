"""What `liftmap view` was given: which models there are to look at, and their indexes once made.

First step of the viewer: reads the names in a folder, and each model's index when a page first asks
for it. A study offers all of its models, before and after; a log, or two of them, is what it is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from liftmap.comparison.load import JudgedBy, load
from liftmap.config import BASE
from liftmap.errors import InputError, UnknownNameError
from liftmap.files import path_of
from liftmap.read.look import files_of, steps_of
from liftmap.records import SPLITS
from liftmap.registry import nearest
from liftmap.store import ResponseSet, StudyFolder, response_set_at
from liftmap.store.notes import notes_file
from liftmap.view.response_index import (
    ResponseIndex,
    index_of_outcomes,
    index_of_set,
    temporary_folder,
)

# Indexes that are held at once; a study may have dozens of models.
MOST_INDEXES = 6


@dataclass(eq=False)
class Sources:
    """The models that can be looked at.

    Attributes:
        title: What was named, in short.
        study: The study whose models can be chosen; None where models are fixed.
        splits: The question sets of the study that have responses.
        fixed: The models before and after, or one alone, where they are fixed.
        notes: The file of notes on each side, before and after.
    """

    title: str
    study: StudyFolder | None = None
    verifier: str | None = None
    splits: Sequence[str] = ()
    fixed: Sequence[ResponseIndex] = ()
    notes: Sequence[Path] = ()
    _indexes: OrderedDict[tuple[str, str], ResponseIndex] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def models(self, split: str) -> list[str]:
        """The models of the study with responses to a question set: the base, the arms, others."""
        if self.study is None:
            return []
        named = [BASE]
        if self.study.config_file.exists():
            named += [model for _, _, model in self.study.read_config().arm_models()]
        there = self.study.models(split)
        return sorted(there, key=lambda m: (named.index(m) if m in named else len(named), m))

    def chosen(
        self, before: str | None, after: str | None, split: str | None
    ) -> tuple[list[ResponseIndex], list[Path]]:
        """The models of a page and their files of notes; by default the base and the first arm.

        Args:
            before: A model of the study; empty or None takes the first.
            after: A model of the study; None takes the second, and empty takes none.
            split: A question set of the study.

        Raises:
            UnknownNameError: There is no such model or question set.
            LiftmapError: Responses can't be read.
        """
        if self.study is None:
            return list(self.fixed), list(self.notes)
        split = split or self.splits[0]
        _refuse_unknown(split, self.splits, "question set")
        models = self.models(split)
        before = before or models[0]
        others = [model for model in models if model != before]
        if after is None:
            after = others[0] if others else ""
        names = [before] if after in ("", before) else [before, after]
        for name in names:
            _refuse_unknown(name, models, "model")
        indexes = [self._index(name, split) for name in names]
        return indexes, [self.notes[0]] * len(indexes)

    def _index(self, model: str, split: str) -> ResponseIndex:
        assert self.study is not None
        with self._lock:
            key = model, split
            if key not in self._indexes:
                self._indexes[key] = index_of_set(self.study.responses(model, split), self.verifier)
                while len(self._indexes) > MOST_INDEXES:
                    self._indexes.popitem(last=False)
            self._indexes.move_to_end(key)
            return self._indexes[key]


def _refuse_unknown(name: str, known: Sequence[str], what: str) -> None:
    if name not in known:
        raise UnknownNameError(
            f"There is no {what} of this name here.", seen=name, remedy=nearest(name, known)
        )


def open_sources(paths: Sequence[str], judged_by: JudgedBy, folder: Path | None = None) -> Sources:
    """Looks at what was named; a log is read and copied.

    Args:
        paths: A study folder, a response set, or a log; or two response sets or logs.
        judged_by: Whose verdicts count; see `comparison.load`.
        folder: Where copies of logs go.

    Raises:
        InputError: There is nothing of this name, or nothing with texts in it.
        LiftmapError: It can't be read.
    """
    if len(paths) == 1:
        study = _study_at(paths[0])
        if study is not None:
            return _of_study(study, judged_by["verifier"])
    assert folder is not None, "only a study's texts stay where they are"
    indexes, notes = [], []
    for number, path in enumerate(paths):
        target = _response_set(path)
        if target is not None:
            indexes.append(index_of_set(target, judged_by["verifier"]))
            notes.append(notes_file(target.root))
            continue
        copies = folder / str(number)
        copies.mkdir()
        outcomes = load(path, **judged_by)
        indexes.append(index_of_outcomes(outcomes, copies, judged_by["verifier"] or ""))
        notes.append(notes_file(path_of(steps_of(path)[0])))
    title = " → ".join(index.name for index in indexes)
    return Sources(title, fixed=indexes, notes=notes)


def _study_at(path: str) -> StudyFolder | None:
    """The study in a folder, or what `liftmap sample` made there; None if it is something else.

    Raises:
        InputError: It is a study without responses.
    """
    study = StudyFolder(path_of(path))
    if any(study.models(split) for split in SPLITS):
        return study
    if study.config_file.exists():
        raise InputError(
            f"{path} is a study without responses yet, so there is nothing to look at.",
            remedy=f"Run: liftmap study {study.config_file}",
        )
    return None


def _of_study(study: StudyFolder, verifier: str | None) -> Sources:
    splits = [split for split in ("test", *SPLITS) if study.models(split)]
    title = study.path.absolute().name
    notes = [notes_file(study.path)]
    return Sources(title, study, verifier, list(dict.fromkeys(splits)), notes=notes)


def _response_set(path: str) -> ResponseSet | None:
    if steps_of(path)[1] is not None:
        return None
    files = files_of(path)
    target = response_set_at(files[0]) if len(files) == 1 else None
    return target if target is not None and target.shards() else None


__all__ = ["Sources", "open_sources", "temporary_folder"]
