"""Analysing: what all models answered in, tables out. To add an analysis, write one file, one line.

Stands after `verify` (and `train`) and before `report`: reads a study folder, writes
`tables/<name>.parquet`. Every analysis is a function of `StudyData` that defines the columns it
gives in its docstring.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

import polars as pl

from liftmap.analyse.compared import (
    capability,
    contrast,
    difficulty,
    equal_tokens,
    indicators,
    lost_gained,
    pass_hat,
    responses,
    transitions,
    verdict,
    warnings,
)
from liftmap.analyse.contrast_difficulty import contrast_difficulty
from liftmap.analyse.data import StudyData
from liftmap.analyse.gradient import gradient
from liftmap.analyse.kin import knowledge, styles
from liftmap.analyse.length import length
from liftmap.analyse.likelihood import likelihood
from liftmap.analyse.quality import quality
from liftmap.analyse.questions import moved, questions
from liftmap.analyse.rates import rates
from liftmap.analyse.seeds import seeds
from liftmap.analyse.steps import steps
from liftmap.analyse.suite import suite
from liftmap.analyse.training import training
from liftmap.config import StudyConfig
from liftmap.progress import progress
from liftmap.store import StudyFolder

Analysis = Callable[[StudyData], pl.DataFrame]

ANALYSES: dict[str, Analysis] = {
    "capability": capability,
    "pass_hat": pass_hat,
    "equal_tokens": equal_tokens,
    "verdict": verdict,
    "difficulty": difficulty,
    "transitions": transitions,
    "lost_gained": lost_gained,
    "questions": questions,
    "moved": moved,
    "contrast": contrast,
    "contrast_difficulty": contrast_difficulty,
    "length": length,
    "likelihood": likelihood,
    "quality": quality,
    "responses": responses,
    "indicators": indicators,
    "styles": styles,
    "knowledge": knowledge,
    "seeds": seeds,
    "suite": suite,
    "rates": rates,
    "warnings": warnings,
    "training": training,
    "steps": steps,
    "gradient": gradient,
}


def analyse(folder: StudyFolder, config: StudyConfig) -> dict[str, pl.DataFrame]:
    """Makes all tables of a study anew, from what is on disk.

    Args:
        folder: The study folder; its tables are written.
        config: The study.

    Returns:
        The tables by name: those of `ANALYSES` and of the entry points `liftmap.analyses`.

    Raises:
        StoreError: The base's responses or some verdicts are missing, or a file is damaged.
        InputError: The study has fewer than two questions.
    """
    third_party = {e.name: e.load() for e in entry_points(group="liftmap.analyses")}
    analyses: dict[str, Analysis] = {**third_party, **ANALYSES}
    data = StudyData(folder, config)
    tables: dict[str, pl.DataFrame] = {}
    with progress("analyse", len(analyses), "tables") as advance:
        for name, analysis in analyses.items():
            tables[name] = analysis(data)
            folder.write_table(name, tables[name], analyses)
            advance(1)
    return tables
