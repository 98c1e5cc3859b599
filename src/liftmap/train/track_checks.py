"""What can be known before a training that is to be measured: model, questions and verifier fit.

Used by `track_callback` when it is made, so that a mistake costs no training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from liftmap.console import console
from liftmap.errors import ConfigError, InputError
from liftmap.records import Question
from liftmap.sections import VerifySection
from liftmap.verify import make_verifier
from liftmap.verify.thinking import USUAL, ThinkingRule


def refuse_parts(trainer: Any) -> None:
    """Refuses a model that no process has whole.

    Raises:
        ConfigError: It is cut into parts.
    """
    accelerator = trainer.accelerator
    plugin = getattr(accelerator.state, "deepspeed_plugin", None)
    stage = 0 if plugin is None else int(plugin.zero_stage)
    parallel = getattr(accelerator, "parallelism_config", None)
    cut = None
    if getattr(trainer, "is_fsdp_enabled", False):
        cut = "FSDP"
    elif stage >= 3:
        cut = "DeepSpeed ZeRO-3"
    elif parallel is not None and int(getattr(parallel, "tp_size", 1)) > 1:
        cut = "tensor parallelism"
    if cut:
        raise ConfigError(
            "The model in training is cut into parts over several devices, and no process can "
            "answer alone.",
            seen=cut,
            remedy="Train with DDP or ZeRO up to stage 2, or sample the saved checkpoints with "
            "`liftmap sample`.",
        )


def check_questions(questions: Sequence[Question]) -> None:
    """Refuses what can't be compared.

    Raises:
        InputError: Fewer than two questions, or an id twice.
    """
    if len(questions) < 2:
        raise InputError(
            "A training is watched with two questions or more.",
            seen=len(questions),
            remedy="Give held-out questions, as liftmap.load_questions does.",
        )
    ids = [question.question_id for question in questions]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice is not None:
        raise InputError("Two questions have one id.", seen=twice, remedy="Give each its own.")


def check_verifier(questions: Sequence[Question], section: VerifySection) -> None:
    """Tries the verifier on each question's own gold answer.

    Raises:
        ConfigError: It can't judge most of them; a few are named on the terminal.
        UnknownNameError: There is no such verifier.
    """
    rule = ThinkingRule(end=section.think_end) if section.think_end else USUAL
    verifier = make_verifier(section.verifier, section.options, rule)
    verdicts = verifier.judge([(question, question.answer) for question in questions])
    unjudged = [
        (question.question_id, verdict.reason)
        for question, verdict in zip(questions, verdicts, strict=True)
        if verdict.label == "unscored"
    ]
    if 2 * len(unjudged) > len(questions):
        raise ConfigError(
            f"The verifier {section.verifier} can't judge {len(unjudged):,} of the "
            f"{len(questions):,} questions.",
            seen=unjudged[0],
            remedy="Take the verifier that fits the task; see docs/verifiers.md.",
        )
    if unjudged:
        console.print(
            f"liftmap: the verifier {section.verifier} can't judge {len(unjudged):,} of the "
            f"{len(questions):,} questions, as {unjudged[0][0]}: {unjudged[0][1]}."
        )
