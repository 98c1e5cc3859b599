"""Counting the tokens of texts with a tokenizer of Hugging Face transformers.

Used by the response analyses of a comparison where a tokenizer is named; reads a folder, the hub or
its cache. Nothing else of a model is loaded, and code that comes with one is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from liftmap.errors import MissingDependencyError, ModelError
from liftmap.testbed import checkpoint_path

TESTBED = "testbed:"


def token_counter(name: str) -> Callable[[Sequence[str]], list[int]]:
    """What counts the tokens of each text, without special tokens that are no part of it.

    Args:
        name: A folder with a tokenizer, a hub id (which is fetched), `testbed:base` or
            `testbed:teacher`.

    Raises:
        MissingDependencyError: transformers is not installed.
        ModelError: The tokenizer can't be loaded.
    """
    try:
        # Slow to import, and an optional extra.
        from transformers import AutoTokenizer

        from liftmap.sample.hf_messages import quiet
    except ImportError as error:
        raise MissingDependencyError(
            "Counting tokens with a tokenizer needs transformers, which is not installed.",
            seen=error.name,
            remedy='Install "liftmap[hf]", or leave --tokenizer out.',
        ) from None
    place = name
    if name.startswith(TESTBED):
        place = str(checkpoint_path(name.removeprefix(TESTBED)))
    elif Path(name).is_dir() or name.startswith((".", "/", "~")):
        place = str(Path(name).expanduser())
    # Whatever is wrong with it, the library raises something of its own for it.
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    except Exception as error:
        raise ModelError(
            f"The tokenizer {name} can't be loaded: {_reason(error)}.",
            remedy="Name a folder with tokenizer.json, or a hub id that this machine can reach or "
            "has cached.",
        ) from None

    def count(texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        try:
            with quiet():
                tokens = tokenizer(
                    list(texts), add_special_tokens=False, return_attention_mask=False
                )
        except Exception as error:
            raise ModelError(
                f"The tokenizer {name} can't count the tokens of these texts: {_reason(error)}.",
                remedy="Name the tokenizer of a model that could have written them.",
            ) from None
        return [len(ids) for ids in tokens["input_ids"]]

    return count


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [repr(error)])[0].rstrip(".")
