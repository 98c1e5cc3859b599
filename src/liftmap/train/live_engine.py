"""The transformers engine on a model in training, which must not notice that it was asked.

Used by `track_callback`: a pass runs inside `undisturbed`, which puts the modules into evaluation
mode and puts back afterwards what the training goes on from.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import xxhash

from liftmap.sample.transformers_engine import TransformersEngine


class LiveEngine(TransformersEngine):
    """Samples from a model that is in memory already."""

    def __init__(self, name: str, model: Any, tokenizer: Any, batch_size: int = 0) -> None:
        """Takes the model.

        Args:
            name: What it is called in settings.
            model: A causal model of Transformers or peft, whole on one device.
            tokenizer: Its tokenizer.
            batch_size: The most rows in one forward pass; 0 for as many as fit.

        Raises:
            ModelError: The model has no end token.
        """
        self._take(name, model, tokenizer, batch_size)
        self._digest: str | None = None

    def identity(self) -> dict[str, str]:
        """A digest of the weights as they were when it was first asked; `sample.identity_of`."""
        if self._digest is None:
            self._digest = weights_digest(self.model)
        return {"weights": self._digest}


def weights_digest(model: Any) -> str:
    """XXH3-128 of the names and values of all parameters that are trained."""
    digest = xxhash.xxh3_128()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            digest.update(name.encode())
            values = parameter.detach().reshape(-1).contiguous().cpu()
            digest.update(values.view(torch.uint8).numpy())
    return digest.hexdigest()


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Evaluation mode while the block runs; then each module's mode and all random states again."""
    modes = [(module, module.training) for module in model.modules()]
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    on_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        if on_gpus:
            torch.cuda.set_rng_state_all(on_gpus)
