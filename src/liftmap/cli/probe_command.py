"""The command that checks whether a model knows a task's questions by heart: probe."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import tyro

from liftmap.cli.compare_commands import write_result
from liftmap.cli.flags import (
    File,
    Name,
    Options,
    OutFolder,
    SampleFlags,
    Text,
    asking_from,
    option_of,
)
from liftmap.errors import ConfigError


def probe(
    model: Name = None,
    out: OutFolder = None,
    fresh: Annotated[str | None, option_of("TASK_OR_FILE")] = None,
    level: float = 0.95,
    seed: int = 0,
    verifier: Name = None,
    verifier_option: Options = (),
    think_end: Text = None,
    json: File = None,
    sampling: Annotated[SampleFlags, tyro.conf.OmitArgPrefixes] = SampleFlags(),
) -> None:
    """Check whether a model knows the questions of a task by heart.

    The model is shown 40, 60 and 80 % of each question's words and goes on greedily: how often it
    writes the rest word for word, and answers right what it was never fully asked, beside fresh
    questions of the same kind. The same command goes on after an interruption.

    For instance:
        liftmap probe --model org/model --task math-500 --fresh new.jsonl --out runs/probe
        liftmap probe --model org/model --task gym --option name=countdown --out runs/countdown
        liftmap probe --model m --url http://localhost:8000/v1 --task gsm8k --out runs/probe

    Args:
        model: A hub id, a folder, a .gguf file or a served model.
        out: The folder for questions, responses and verdicts.
        fresh: A task, or a file of questions (question, answer), that the model can't have seen; by
            default made for kin and gym with another seed.
        level: Coverage of all intervals.
        seed: Seed of the fresh questions.
        verifier: What judges the answers; by default what fits the task.
        verifier_option: An option of the verifier; may be given several times.
        think_end: The text that ends the model's thoughts, where no known tag does.
        json: Write the result as JSON; - prints it instead of the table.
        sampling: How the task is asked: greedily, by default the bare text.
    """
    from liftmap.probing import probe as probe_model

    missing = {"--model": model, "--task": sampling.task, "--out": out}
    for name, value in missing.items():
        if value is None:
            raise ConfigError(
                f"{name} is missing.",
                remedy="For instance: liftmap probe --model M --task math-500 --out runs/probe",
            )
    assert model is not None
    assert out is not None
    # A chat template would put the model into answering before the question has ended.
    flags = sampling if sampling.template is not None else replace(sampling, template="plain")  # type: ignore[attr-defined, call-arg]
    asking = asking_from(flags, model, seed, verifier, verifier_option, think_end)
    result = probe_model(model, asking, out, fresh=fresh, level=level, seed=seed)
    if write_result(result, json):
        return
    from liftmap.console import Terminal
    from liftmap.report.probe_terminal import probe_page

    Terminal().print(probe_page(result))
