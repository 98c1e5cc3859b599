"""The command line: one command a stage, with the names and arguments of the Python functions.

The top of the flow. Results go to standard output, progress and messages to standard error; exit
status 0 is done, 1 a check that failed (`audit --attack`), 2 a mistake in what was asked for, 130
Ctrl-C.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from liftmap.cli_audit import audit
from liftmap.cli_compare import compare, plan, reanalyse
from liftmap.cli_sample import sample, verify
from liftmap.errors import LiftmapError
from liftmap.progress import console
from liftmap.store import StudyFolder
from liftmap.study import open_study, run_study

Folder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
Name = Annotated[str | None, tyro.conf.arg(metavar="NAME")]


def study(
    study: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="STUDY")],
    out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None,
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
    result = run_study(study, out)
    if json:
        _print_json(
            {
                "folder": str(result.folder),
                "report": str(result.report),
                "seconds": result.seconds,
                "verdict": result.tables["verdict"].to_dicts(),
            }
        )
        return
    _print_summary(StudyFolder(result.folder))
    print(f"Report: {result.report}")


def train(folder: Folder, arm: Name = None) -> None:
    """Train the arms of a study that are not trained yet.

    The responses that an arm learns from are sampled first.

    For instance:
        liftmap train studies/demo --arm rlvr

    Args:
        folder: The study folder.
        arm: One arm alone; the arms that it learns from are trained first.
    """
    with open_study(StudyFolder(folder)) as run:
        run.prepare()
        trained = run.train_with_sources(arm)
    if trained:
        _say(f"Trained: {', '.join(trained)}; the checkpoints are in {folder / 'checkpoints'}.")
    else:
        _say("This study has no arm that is trained.")


def score(folder: Folder) -> None:
    """Log-likelihood of all test responses of a study under its base.

    For instance:
        liftmap score studies/demo

    Args:
        folder: The study folder.
    """
    with open_study(StudyFolder(folder)) as run:
        scored = run.score()
    if scored:
        _say(f"The scores are in {folder / 'scores'}.")
    else:
        _say("Nothing to score: the study has the stage off, or its engine has no model.")


def analyse(folder: Folder) -> None:
    """Make all tables of a study from its verified responses.

    For instance:
        liftmap analyse studies/demo

    Args:
        folder: The study folder.
    """
    with open_study(StudyFolder(folder)) as run:
        tables = run.analyse()
    _print_summary(StudyFolder(folder))
    _say(f"{len(tables)} tables are in {folder / 'tables'}.")


def report(folder: Folder) -> None:
    """Build the report of a study from its tables: one HTML file.

    For instance:
        liftmap report studies/demo

    Args:
        folder: The study folder.
    """
    with open_study(StudyFolder(folder)) as run:
        path = run.report()
    print(f"Report: {path}")


def testbed(
    action: Annotated[Literal["pretrain"], tyro.conf.Positional],
    kind: Annotated[Literal["base", "teacher"], tyro.conf.Positional],
    out: Path,
    steps: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None,
    seed: int = 0,
    threads: int = 2,
) -> None:
    """Make a base or a teacher of the embedded testbed anew.

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
    _say(f"The model is in {out}.")


# What a command returns is the exit status; None is 0.
COMMANDS: dict[str, Callable[..., int | None]] = {
    "study": study,
    "sample": sample,
    "verify": verify,
    "audit": audit,
    "train": train,
    "score": score,
    "analyse": analyse,
    "report": report,
    "compare": compare,
    "reanalyse": reanalyse,
    "plan": plan,
    "testbed": testbed,
}


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2))


def _print_summary(folder: StudyFolder) -> None:
    from liftmap.report.terminal import summary

    tables = {name: folder.read_table(name) for name in folder.tables()}
    Console().print(summary(tables))


def _say(message: str) -> None:
    console.print(escape(message), highlight=False)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: The words after `liftmap`; None takes the process's own.

    Returns:
        The exit status.
    """
    # Tokenizers warn about forks that the verifier's pool makes; nothing is tokenised in them.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.getLogger("liftmap").setLevel(logging.INFO)
    try:
        status = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="liftmap",
            description="Did post-training make a language model solve more, or only solve more "
            "reliably what it already could?",
            args=arguments,
        )
    except LiftmapError as error:
        console.print(f"[bold red]liftmap:[/] {escape(str(error))}", highlight=False)
        return 2
    except KeyboardInterrupt:
        console.print("Stopped. What was finished is kept; the same command goes on from there.")
        return 130
    return status or 0


if __name__ == "__main__":
    sys.exit(main())
