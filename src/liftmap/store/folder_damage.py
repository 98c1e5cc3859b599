"""What is damaged in folders that are neither a study nor one of `liftmap sample`.

Part of the store; reads everything, writes nothing. Scores of a source (`liftmap score --out`) and
the steps of a training (`liftmap.TrackCallback`), each found by what lies in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from liftmap.errors import LiftmapError
from liftmap.files import names_in, read_json
from liftmap.store.damage import Damage, find_damage
from liftmap.store.shards import SHARD, ShardFolder, shard_name
from liftmap.store.source_scores import SourceSide
from liftmap.store.steps_folder import StepsFolder


def score_folders(root: Path) -> list[ShardFolder]:
    """The scores of a source's responses that `liftmap score --out` keeps in a folder."""
    return [
        ShardFolder(root, root / "scores" / side / model, "scores")
        for side in get_args(SourceSide)
        for model in names_in(root / "scores" / side)
        if names_in(root / "scores" / side / model)
    ]


def damage_of_scores(root: Path) -> list[Damage]:
    """Looks at each shard of scores, and for gaps in their numbers.

    How many shards there should be only the source says: `liftmap score` goes on where they end.
    """
    return [damage for folder in score_folders(root) for damage in _scores(folder)]


def _scores(folder: ShardFolder) -> Iterator[Damage]:
    try:
        folder.settings()
    except LiftmapError as error:
        yield Damage(folder.settings_file, "settings", error.what, folder=folder)
        return
    there = folder.shards()
    numbers = [int(named[1]) for shard in there if (named := SHARD.fullmatch(shard))]
    for shard in map(shard_name, range(max(numbers, default=-1) + 1)):
        path = folder.path / shard
        if shard not in there:
            yield Damage(path, "scores", f"{path} is missing", folder=folder)
            continue
        try:
            folder.read(shard)
        except LiftmapError as error:
            yield Damage(path, "scores", error.what, folder=folder)


def damage_of_steps(folder: StepsFolder) -> list[Damage]:
    """Looks at every file of a training's steps.

    The last step may have no record: a training that was stopped there answers it anew.
    """
    return list(_steps(folder))


def _steps(folder: StepsFolder) -> Iterator[Damage]:
    try:
        read_json(folder.settings_file, sealed=True)
    except LiftmapError as error:
        yield Damage(folder.settings_file, "settings", error.what)
    begun = folder.begun()
    for step in begun:
        try:
            record = folder.read_record(step)
        except LiftmapError as error:
            yield Damage(folder.record_file(step), "extra", error.what)
            record = {}
        if record is None and step != begun[-1]:
            file = folder.record_file(step)
            yield Damage(file, "extra", f"{file} is missing")
        if record is not None:
            yield from find_damage(folder.folder(step))
