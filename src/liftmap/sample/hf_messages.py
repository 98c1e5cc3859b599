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
from liftmap.hub_access import REMEDY, without_retry_lines


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the bars and notices of the library and the hub off the terminal meanwhile."""
    verbosity = transformers.logging.get_verbosity()
    bars = transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        with without_retry_lines(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        if bars:
            transformers.logging.enable_progress_bar()


@contextmanager
def loading(model: str, unreachable: str = "") -> Iterator[None]:
    """Turns what the library raises when it can't load a model into one message.

    Args:
        model: What is loaded.
        unreachable: Why the hub can't be reached, where it is loaded from the hub's cache alone.

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
        if unreachable:
            raise ModelError(
                f"The model {model} can't be loaded: it is not in this machine's cache, and the "
                f"hub can't be reached: {unreachable}.",
                remedy=REMEDY,
            ) from None
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ModelError(
            f"The model {model} can't be loaded: {reason}",
            remedy="Name a hub id that this machine can reach or has cached, or a folder with "
            "config.json, safetensors weights and a tokenizer.",
        ) from None
