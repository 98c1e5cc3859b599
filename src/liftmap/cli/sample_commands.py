"""The commands that ask models and judge responses: sample and verify.

A study's folder and a folder that `sample` made are both taken.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from liftmap.cli.flags import (
    Folder,
    Name,
    Options,
    OutFolder,
    SampleFlags,
    Text,
    asking_from,
    option_of,
    verify_section,
    without_sandbox,
)
from liftmap.cli.printing import print_result, say, warn
from liftmap.errors import ConfigError

if TYPE_CHECKING:
    from liftmap.store import ResponseSet


def sample(
    folder: Annotated[Path | None, tyro.conf.Positional, option_of("[FOLDER]")] = None,
    model: Name = None,
    out: OutFolder = None,
    verifier: Name = None,
    verifier_option: Options = (),
    think_end: Text = None,
    seed: int = 0,
    sampling: Annotated[SampleFlags, tyro.conf.OmitArgPrefixes] = SampleFlags(),
) -> None:
    """Let a model answer questions, and verify its responses.

    With --task and --out: any model on any task. With FOLDER: whatever is missing for the base, the
    teacher and every trained arm of that study. The same command goes on after an interruption.

    For instance:
        liftmap sample --model Qwen/Qwen2.5-0.5B --task math-500 --n 64 --out runs/math
        liftmap sample --model my-model.gguf --task gym --option name=countdown --out runs/countdown
        liftmap sample --model m --url http://localhost:8000/v1 --task gsm8k --out runs/gsm8k
        liftmap sample studies/demo --model rlvr@1

    Args:
        folder: A study folder.
        model: A hub id, a folder, a .gguf file or a served model; with FOLDER: one of the study's.
        out: The folder for questions, responses and verdicts.
        verifier: What judges the responses; by default what fits the task.
        verifier_option: An option of the verifier; may be given several times.
        think_end: The text that ends the model's thoughts, where they have no tags that are known.
        seed: Fixes every response's randomness.
        sampling: How the task is asked and responses are drawn.
    """
    if (folder is None) == (sampling.task is None):
        raise ConfigError(
            "Name either a study folder, or a task with --task.",
            remedy="For instance: liftmap sample --model M --task math-500 --out runs/math",
        )
    if folder is not None:
        if sampling != SampleFlags() or out or verifier or think_end:
            raise ConfigError(
                f"{folder} is a study: its study.toml says how it is sampled and judged.",
                remedy="Leave all options but --model out.",
            )
        _sample_study(folder, model)
        return
    if model is None or out is None:
        missing = "--model" if model is None else "--out"
        raise ConfigError(f"{missing} is missing.", remedy="Name it beside --task.")
    from liftmap.ask import sample_model
    from liftmap.read.study import notes_of

    asking = asking_from(sampling, model, seed, verifier, verifier_option, think_end)
    responses = sample_model(model, asking, out)
    verifier = asking.verifier().verifier
    say(f"{model}: {_counted(responses, verifier)}")
    for note in notes_of(responses, verifier):
        warn(note)
    print_result(str(responses.path))


def _sample_study(folder: Path, model: str | None) -> None:
    """Lets one model of a study answer, or all that can."""
    from liftmap.store import StudyFolder
    from liftmap.study import open_study

    with open_study(StudyFolder(folder)) as run:
        run.prepare()
        names = [run.known_model(model)] if model else run.trained_models()
        for name in names:
            run.answer(name)
    say(f"{', '.join(names)}: all responses are in {StudyFolder(folder).responses_dir}.")


def _counted(responses: ResponseSet, verifier: str) -> str:
    """How many responses came, and their accuracy, as a sentence."""
    from liftmap.stats.passk import accuracy
    from liftmap.store import StudyFolder

    questions = StudyFolder(responses.root).read_questions(responses.split)
    tally = responses.tally(verifier, questions)
    usable = tally.n > tally.unscored
    shown = "no question with enough scored responses"
    if usable.any():
        rates = accuracy(tally.n[usable], tally.c[usable], tally.plan)
        shown = f"accuracy (pass@1) {100 * float(rates.mean()):.1f} %"
    return (
        f"{int(tally.n.sum()):,} scored responses to {int((tally.n > 0).sum()):,} questions, "
        f"{int(tally.unscored.sum()):,} unscored, {shown}."
    )


def verify(
    folder: Folder,
    verifier: Name = None,
    verifier_option: Options = (),
    think_end: Text = None,
    unsafe_code: bool = False,
) -> None:
    """Judge all responses of a folder; never samples.

    With another verifier its verdicts go beside those of the first.

    For instance:
        liftmap verify studies/demo
        liftmap verify runs/math --verifier math

    Args:
        folder: A study folder, or one that `liftmap sample` made.
        verifier: The verifier; by default the study's own.
        verifier_option: An option of the verifier; may be given several times.
        think_end: With --verifier: the text that ends the models' thoughts, where they have no tags
            that are known.
        unsafe_code: Run the code verifier without a sandbox; read docs/verifiers.md first.
    """
    from liftmap.store import StudyFolder

    name = "code" if unsafe_code and not verifier else verifier
    section = verify_section(name, verifier_option, think_end)
    if think_end is not None and section is None:
        raise ConfigError("--think-end needs --verifier.", seen=think_end, remedy="Name it.")
    if section is not None and unsafe_code:
        section = without_sandbox(section)
    study = StudyFolder(folder)
    own = not (verifier_option or unsafe_code or think_end)
    if study.config_file.exists() and own:
        from liftmap.study import open_study

        with open_study(study) as run:
            judged = run.verify(verifier)
    else:
        from liftmap.ask import verify_folder

        if section is None:
            raise ConfigError(
                f"{folder} is not a study, so it has no verifier of its own.",
                remedy="Name one: --verifier math.",
            )
        judged = verify_folder(folder, section)
    say(f"{judged:,} responses judged; the verdicts are in {study.verdicts_dir}.")
    _say_noted(folder, section.verifier if section else study.read_config().verify.verifier)


def _say_noted(folder: Path, verifier: str) -> None:
    """Says what readers noted of verdicts, and how many of those this verifier gives."""
    from liftmap.ask import noted_in

    noted = noted_in(folder, verifier)
    if len(noted):
        same = int((noted["verdict"] == noted["noted_as_wrong"]).sum())
        verdicts = "1 verdict was" if len(noted) == 1 else f"{len(noted):,} verdicts were"
        say(
            f"{verdicts} noted as wrong; {verifier} gives {same:,} of them. "
            f"`liftmap audit {folder}` lists them beside two verifiers' verdicts."
        )
