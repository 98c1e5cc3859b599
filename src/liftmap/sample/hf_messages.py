"""Keeps Transformers quiet, and turns what it raises when a model can't be loaded into one message.

Used by `hf`, `gguf` and training, around every call that loads or converts a model.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import transformers
from safetensors import SafetensorError

from liftmap.errors import ModelError


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the library's own bars and notices off the terminal while the block runs."""
    verbosity = transformers.logging.get_verbosity()
    bars = transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        if bars:
            transformers.logging.enable_progress_bar()


@contextmanager
def loading(model: str) -> Iterator[None]:
    """Turns what the library raises when it can't load a model into one message.

    Raises:
        ModelError: The model can't be loaded; the message has the library's first line.
    """
    try:
        yield
    except (
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        ImportError,
        struct.error,
        SafetensorError,
    ) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ModelError(
            f"The model {model} can't be loaded: {reason}",
            remedy="Name a hub id that this machine can reach or has cached, or a folder with "
            "config.json, safetensors weights and a tokenizer.",
        ) from None
