"""The commands on a study: all its stages, or one of them; and the testbed's pre-training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from liftmap.cli.flags import Folder, Name, OutFolder, Whole
from liftmap.cli.printing import print_json, print_result, say

if TYPE_CHECKING:
    from liftmap.store import StudyFolder


def study(
    study: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="STUDY")],
    out: OutFolder = None,
    json: bool = False,
) -> None:
    """Run all stages of a study: from a base model to a report.

    What is done already is skipped, so the same command goes on after an interruption.

    For instance:
        liftmap study demo
        liftmap study my-study.toml --out studies/mine

    Args:
        study: A study file, or the name of a shipped study (demo, scripted).
        out: The study folder; by default studies/NAME.
        json: Print the result as JSON instead of a table.
    """
    from liftmap.store import StudyFolder
    from liftmap.study import run_study

    result = run_study(study, out)
    if json:
        print_json(
            {
                "folder": str(result.folder),
                "report": str(result.report),
                "seconds": result.seconds,
                "verdict": result.tables["verdict"].to_dicts(),
            }
        )
        return
    _print_summary(StudyFolder(result.folder))
    print_result(f"Report: {result.report}")


def train(folder: Folder, arm: Name = None) -> None:
    """Train the arms of a study that are not trained yet.

    The responses that an arm learns from are sampled first.

    For instance:
        liftmap train studies/demo --arm rlvr

    Args:
        folder: The study folder.
        arm: One arm alone; the arms that it learns from are trained first.
    """
    from liftmap.store import StudyFolder
    from liftmap.study import open_study

    with open_study(StudyFolder(folder)) as run:
        run.prepare()
        trained = run.train_with_sources(arm)
    if trained:
        place = StudyFolder(folder).checkpoints_dir
        say(f"Trained: {', '.join(trained)}; the checkpoints are in {place}.")
    else:
        say("This study has no arm that is trained.")


def analyse(folder: Folder) -> None:
    """Make all tables of a study from its verified responses.

    For instance:
        liftmap analyse studies/demo

    Args:
        folder: The study folder.
    """
    from liftmap.store import StudyFolder
    from liftmap.study import open_study

    with open_study(StudyFolder(folder)) as run:
        tables = run.analyse()
    _print_summary(StudyFolder(folder))
    say(f"{len(tables)} tables are in {StudyFolder(folder).tables_dir}.")


def report(folder: Folder) -> None:
    """Build the report of a study from its tables: one HTML file.

    For instance:
        liftmap report studies/demo

    Args:
        folder: The study folder.
    """
    from liftmap.store import StudyFolder
    from liftmap.study import open_study

    with open_study(StudyFolder(folder)) as run:
        path = run.report()
    print_result(f"Report: {path}")


def testbed(
    action: Annotated[Literal["pretrain"], tyro.conf.Positional],
    kind: Annotated[Literal["base", "teacher"], tyro.conf.Positional],
    out: Path,
    steps: Whole = None,
    seed: int = 0,
    threads: int = 2,
) -> None:
    """Train a base or a teacher of the embedded testbed from nothing.

    For instance:
        liftmap testbed pretrain base --out my-base
        liftmap testbed pretrain teacher --out my-teacher --steps 500

    Args:
        action: pretrain: train a model from nothing.
        kind: base knows each fact as surely as the world says; teacher knows the true facts.
        out: The Hugging Face folder to write.
        steps: Optimiser steps; by default those of the shipped checkpoint.
        seed: Seed of the weights and of the text.
        threads: Processor threads.
    """
    from liftmap.testbed.pretrain import pretrain

    options: dict[str, Any] = {} if steps is None else {"steps": steps}
    pretrain(kind, out, seed=seed, threads=threads, **options)
    say(f"The model is in {out}.")


def _print_summary(folder: StudyFolder) -> None:
    from liftmap.console import Terminal
    from liftmap.report.overview import spread
    from liftmap.report.terminal import summary

    tables = {name: folder.read_table(name) for name in folder.tables()}
    console = Terminal()
    console.print(summary(tables))
    for sentence in spread(tables):
        console.print(sentence)
