"""Where the two sides of a comparison come from: names, models, settings and digests.

Beside `load` and `match`: reads what `load` gave (or a study's response set), gives a `Provenance`
for each side. Names are for people; paths and digests are for whoever wants the same input again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np
import polars as pl

from liftmap.comparison.load import Source
from liftmap.comparison.parts import ComparedResponses, Provenance
from liftmap.files import disk
from liftmap.read.outcomes import Outcomes
from liftmap.read.study import origin_of
from liftmap.read.suites import BenchmarkFiles
from liftmap.records import Tally
from liftmap.store import ResponseSet

# What a file of results ends with: no part of a name.
_ENDINGS = (".csv", ".parquet", ".jsonl", ".json", ".eval", ".zst")
_BLOCK = 1 << 20


def provenance_of(
    sources: tuple[Source, Source], outcomes: tuple[Outcomes, Outcomes]
) -> tuple[Provenance, Provenance]:
    """What was read, for both sides: "before" and "after" where a source has no name.

    Args:
        sources: What the user gave.
        outcomes: What was read from it.
    """
    paths = [_path_of(source) for source in sources]
    before, after = (
        provenance_of_side(name, path, side)
        for name, path, side in zip(_names(paths, outcomes), paths, outcomes, strict=True)
    )
    return before, after


def provenance_of_side(name: str, path: str | None, outcomes: Outcomes) -> Provenance:
    """What was read of one side.

    Args:
        name: What it is called.
        path: Where it was read; None for what was not read from a file.
        outcomes: What was read from it.
    """
    return Provenance(
        name=name,
        path=path,
        format=outcomes.format,
        model=outcomes.model,
        digest_of_counts=digest_of_counts(outcomes.tally),
        digest_of_file=None if path is None else digest_of_file(Path(path)),
        settings=outcomes.settings,
    )


def _path_of(source: Source) -> str | None:
    """Where a source was read; None for what was not read from files."""
    if isinstance(source, BenchmarkFiles):
        return str(source.files[0]) if len(source.files) == 1 else source.source
    return str(source) if isinstance(source, str | Path) else None


def provenance_in_study(target: ResponseSet, tally: Tally) -> Provenance:
    """The same for a model of a study whose tally is known."""
    origin = origin_of(target)
    return Provenance(
        name=name_of_model(origin.name),
        format="study",
        model=origin.model,
        digest_of_counts=digest_of_counts(tally),
        settings=origin.settings,
    )


def with_responses(side: Provenance, tally: Tally) -> Provenance:
    """The provenance with what was compared: the tally on the compared questions."""
    return replace(
        side,
        responses=ComparedResponses(
            plan=tally.plan,
            scored=int(tally.n.sum()),
            unscored=int(tally.unscored.sum()),
            truncated=int(tally.truncated.sum()),
            n=(int(tally.n.min()), float(np.median(tally.n)), int(tally.n.max())),
        ),
    )


def digest_of_counts(tally: Tally) -> str:
    """SHA-256 of a tally as a CSV file: question_id, n, c and unscored, sorted by id."""
    frame = pl.DataFrame(
        {"question_id": tally.question_ids, "n": tally.n, "c": tally.c, "unscored": tally.unscored}
    )
    text = io.BytesIO()
    frame.sort("question_id").write_csv(text)
    return hashlib.sha256(text.getbuffer()).hexdigest()


def digest_of_file(path: Path) -> str | None:
    """SHA-256 of a file; None where it is not a single file.

    Raises:
        StoreError: It can't be read.
    """
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with disk(path), path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def name_of_model(model: str) -> str:
    """A model's name: a local path without the folders above it."""
    is_path = model.startswith((".", "/", "~")) or model.count("/") > 1 or Path(model).exists()
    return PurePath(model).name or model if is_path else model


def _names(paths: Sequence[str | None], outcomes: Sequence[Outcomes]) -> list[str]:
    """A name for each side, the two different where their sources are."""
    given = [side.name for side in outcomes]
    names = [
        name_of_model(name) if name else (path and _stem(PurePath(path).parts)) or side
        for name, path, side in zip(given, paths, ("before", "after"), strict=True)
    ]
    if names[0] != names[1]:
        return names
    models = [side.model for side in outcomes]
    if models[0] != models[1] and all(models):
        return [name_of_model(str(model)) for model in models]
    if None in paths or paths[0] == paths[1]:
        return names
    # As many folders above as it takes to tell them apart.
    parts = [PurePath(str(path)).parts for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        names = [_stem(part[-depth:], depth) for part in parts]
        if names[0] != names[1]:
            break
    return names


def _stem(parts: Sequence[str], depth: int = 1) -> str:
    """The last parts of a path, without the ending of a file of results."""
    chosen = [part for part in parts[-depth:] if part not in ("/", "..", ".")]
    if not chosen:
        return ""
    last = chosen[-1]
    while PurePath(last).suffix.lower() in _ENDINGS:
        last = PurePath(last).stem
    return "/".join([*chosen[:-1], last])
