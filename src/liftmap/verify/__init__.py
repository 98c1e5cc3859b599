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
from liftmap.verify.exact import exact

Verifier = Callable[[Question, str], Verdict]

VERIFIERS: dict[str, Callable[..., Verdict]] = {
    "exact": exact,
}


def make_verifier(name: str, options: Mapping[str, Any]) -> Verifier:
    """The verifier of this name with its options bound.

    Raises:
        UnknownNameError: No verifier has this name.
        ConfigError: It has no such option, or the option's value can't be used.
    """
    function = find(VERIFIERS, name, "verifier")
    known = [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    check_options(function, options, "verify.options", known)
    bound = partial(function, **options)
    # A broken option should fail before any long work; a question of our own finds it.
    bound(Question(question_id="trial", text="trial", answer="trial"), "trial")
    return bound
