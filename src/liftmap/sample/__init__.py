"""Sampling: questions in, responses out. To add an engine, write one file and one line here.

Stands after `tasks` and before `verify`; reads questions, writes response shards through the store.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any, Protocol

from liftmap.errors import MissingDependencyError
from liftmap.progress import loading
from liftmap.records import Prompt, Question, Response, SamplingSettings
from liftmap.registry import find
from liftmap.sections import SampleSection


class Engine(Protocol):
    """Draws responses from one model.

    `generate` takes prompts by question_id, how many responses to draw for each, and how; it yields
    every response once, in any order. What is drawn depends on the settings, the question_id and
    the response_index alone, not on which other prompts are in the call: so a resumed run draws
    what an uninterrupted one would (up to floating-point differences between batches).
    """

    def generate(
        self, prompts: Mapping[str, Prompt], count: int, settings: SamplingSettings, first: int = 0
    ) -> Iterator[Response]:
        """Yields `count` responses for each prompt, response_index `first` to first+count-1."""
        ...


def prompt_facts(engine: Engine, prompt: Prompt) -> dict[str, object] | None:
    """How a prompt ends as the model reads it, and what marks thoughts in its template.

    An engine that knows has a method `prompt_facts`, which gives what `ResponseSet.keep_prompt`
    keeps. None where it is not known.
    """
    tell = getattr(engine, "prompt_facts", None)
    told: dict[str, object] | None = tell(prompt) if tell is not None else None
    return told


def identity_of(engine: Engine) -> dict[str, Any] | None:
    """What tells the weights that answer from others; kept with what they answer.

    An engine that knows has a method `identity`, which gives JSON values. None where it is not
    known.
    """
    tell = getattr(engine, "identity", None)
    identity: dict[str, Any] | None = tell() if tell is not None else None
    return identity


# A maker takes (model, the sample section, the questions to be asked) and gives an engine. The
# questions are for the scripted engine, which has to know the answers.
EngineMaker = Callable[[str, SampleSection, list[Question]], Engine]


def _transformers(model: str, section: SampleSection, questions: list[Question]) -> Engine:
    # Imported here, so that an install without torch can do all other stages.
    _need_torch()
    loading(model)
    from liftmap.sample.transformers_engine import TransformersEngine

    return TransformersEngine(model, section.batch_size, section.device, section.dtype)


def _scripted(model: str, section: SampleSection, questions: list[Question]) -> Engine:
    from liftmap.sample.scripted import ScriptedEngine

    return ScriptedEngine(model, questions)


def _server(model: str, section: SampleSection, questions: list[Question]) -> Engine:
    from liftmap.sample.server import ServerEngine

    return ServerEngine(model, section.server)


ENGINES: dict[str, EngineMaker] = {
    "transformers": _transformers,
    "server": _server,
    "scripted": _scripted,
}


def check_model(model: str, section: SampleSection) -> None:
    """Checks, before long work, that the engine could load a model; loads no weights.

    Raises:
        ModelError: It could not.
    """
    if section.engine == "transformers":
        _need_torch()
        if "torch" not in sys.modules:
            loading("torch and transformers")
        from liftmap.sample.hf import check_model as check

        check(model, section.device)
    elif section.engine == "server":
        from liftmap.sample.server import check_server

        check_server(model, section.server)
    elif section.engine == "scripted":
        _scripted(model, section, [])


def _need_torch() -> None:
    """Says what to install where the libraries of the transformers engine are missing.

    Raises:
        MissingDependencyError: They are.
    """
    if not all(find_spec(name) for name in ("torch", "transformers")):
        raise MissingDependencyError(
            "Running a model here needs torch and transformers, which are not installed.",
            remedy="Run: pip install 'liftmap[hf]'.",
        )


def make_engine(model: str, section: SampleSection, questions: list[Question]) -> Engine:
    """The engine that a study asks for, with its model loaded.

    Raises:
        UnknownNameError: No engine has this name.
        ModelError: The model can't be loaded.
        MissingDependencyError: The engine's library is not installed.
    """
    maker = find(ENGINES, section.engine, "engine")
    return maker(model, section, questions)
