"""Loads Hugging Face causal models; used by the sampling engine, the score stage and training.

Reads a model folder or the local hub cache; writes nothing. Only safetensors weights are loaded,
and code that comes with a model is never run.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

from liftmap.errors import ModelError
from liftmap.testbed import checkpoint_path

TESTBED = "testbed:"


def resolve_model(model: str) -> str:
    """Turns `testbed:base` and `testbed:teacher` into the shipped folders; leaves other names.

    Raises:
        ModelError: The testbed has no such model, or a folder without a model was named.
    """
    if model.startswith(TESTBED):
        kind = model.removeprefix(TESTBED)
        path = checkpoint_path(kind)
    elif Path(model).exists() or model.startswith((".", "/", "~")):
        path = Path(model).expanduser()
    else:
        return model
    # A LoRA checkpoint holds an adapter; peft finds the model that it belongs to.
    for wanted in (("config.json", "adapter_config.json"), ("*.safetensors",)):
        if not any(found for pattern in wanted for found in path.glob(pattern)):
            raise ModelError(
                f"There is no model in this folder (no {wanted[0]}).",
                seen=str(path),
                remedy="Name a Hugging Face model folder with safetensors weights, a hub id, "
                "testbed:base or testbed:teacher.",
            )
    return str(path)


def check_model(model: str) -> None:
    """Checks that a model can be had, without loading its weights.

    Raises:
        ModelError: It can't; the message says why.
    """
    path = resolve_model(model)
    with quiet(), _loading(model):
        AutoTokenizer.from_pretrained(path)


def load_model(model: str, device: str | None = None) -> tuple[Any, Any]:
    """Loads a causal model for inference, and its tokenizer.

    Args:
        model: A hub id, a folder, `testbed:base` or `testbed:teacher`.
        device: A torch device; None takes CUDA where there is one, else the CPU.

    Returns:
        The model in evaluation mode and the tokenizer. On CUDA the weights keep the precision they
        were saved in; on the CPU they are float32, which is the fastest there for small models.

    Raises:
        ModelError: It can't be loaded; the message says why.
    """
    path = resolve_model(model)
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    with quiet(), _loading(model):
        tokenizer = AutoTokenizer.from_pretrained(path, padding_side="left")
        loaded = AutoModelForCausalLM.from_pretrained(
            path,
            dtype="auto" if where.startswith("cuda") else torch.float32,
            use_safetensors=True,
        )
    return loaded.to(where).eval(), tokenizer


@contextmanager
def _loading(model: str) -> Iterator[None]:
    """Turns what the library raises when it can't load a model into one message."""
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ModelError(
            f"The model {model} can't be loaded: {reason}",
            remedy="Name a hub id that this machine can reach or has cached, or a folder with "
            "config.json, safetensors weights and a tokenizer.",
        ) from None


def end_token_ids(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end a response: the generation config's, else the tokenizer's.

    Raises:
        ModelError: The model has none.
    """
    ends = getattr(model.generation_config, "eos_token_id", None)
    if ends is None:
        ends = tokenizer.eos_token_id
    if ends is None:
        raise ModelError(
            "The model has no end token.", remedy="Set eos_token_id in its generation config."
        )
    return list(ends) if isinstance(ends, (list, tuple)) else [ends]


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
