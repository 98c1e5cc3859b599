"""Verifying: a response's text in, a verdict out. To add a verifier, write one file and one line.

Stands after `sample` and before `train` and `analyse`: reads response shards, writes verdict shards
beside them. The same function is the reward of reinforcement learning, so what is trained for and
what is measured are one thing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from liftmap.records import Question, Verdict
from liftmap.registry import check_options, find
from liftmap.verify.choice import choice
from liftmap.verify.code import code
from liftmap.verify.exact import exact
from liftmap.verify.gym import gym
from liftmap.verify.judging import Verifier
from liftmap.verify.math import math
from liftmap.verify.numeric import numeric
from liftmap.verify.steps import TwoSteps, require_workers
from liftmap.verify.thinking import USUAL, ThinkingRule

__all__ = ["VERIFIERS", "TwoSteps", "Verifier", "bind_verifier", "make_verifier", "options_of"]

# A plain verifier is a pure function (question, text, *, options) -> Verdict. One that is slow or
# dangerous is a function (*, options) -> TwoSteps; its answers are compared in worker processes.
VERIFIERS: dict[str, Callable[..., Verdict] | Callable[..., TwoSteps]] = {
    "exact": exact,
    "numeric": numeric,
    "choice": choice,
    "math": math,
    "gym": gym,
    "code": code,
}


def make_verifier(
    name: str, options: Mapping[str, Any], thinking: ThinkingRule = USUAL
) -> Verifier:
    """The verifier of this name with its options bound.

    Args:
        name: A name of VERIFIERS, or of an installed package's verifier.
        options: Its options.
        thinking: How thoughts are set apart before it sees a response.

    Raises:
        UnknownNameError: No verifier has this name.
        ConfigError: It has no such option, or the option's value can't be used.
        MissingDependencyError: It needs a library that is not installed, or what this system lacks.
    """
    return bind_verifier(find(VERIFIERS, name, "verifier"), options, thinking)


def bind_verifier(
    entry: Callable[..., Any], options: Mapping[str, Any], thinking: ThinkingRule = USUAL
) -> Verifier:
    """As `make_verifier`, of the function itself.

    Args:
        entry: A plain verifier, or a function that gives TwoSteps.
        options: Its options.
        thinking: How thoughts are set apart before it sees a response.

    Raises:
        ConfigError: It has no such option, or the option's value can't be used.
        MissingDependencyError: It needs a library that is not installed, or what this system lacks.
    """
    known = _options(entry)
    check_options(entry, options, "verify.options", known)
    if len(known) == len(inspect.signature(entry).parameters):
        require_workers()
        return Verifier(entry(**options), thinking)
    verifier = Verifier(partial(entry, **options), thinking)
    # A broken option should fail before any long work; a question of our own finds it. What else
    # the verifier raises says nothing of its options: this gold answer may not be of its kind.
    verifier(Question(question_id="trial", text="trial", answer="trial"), "trial")
    return verifier


def options_of(name: str) -> list[str]:
    """The names of a verifier's options.

    Raises:
        UnknownNameError: No verifier has this name.
    """
    return _options(find(VERIFIERS, name, "verifier"))


def _options(entry: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(entry).parameters.values()
    return [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
