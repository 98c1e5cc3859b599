"""Turns a GGUF file into a plain Hugging Face folder, once; sampling and training then load that.

Beside `hf`. Transformers reads GGUF, but slowly (a 270M model takes most of a minute), and a model
that holds packed weights can't be trained or saved. Reads the file; writes a folder in the user's
cache (`$XDG_CACHE_HOME/liftmap/gguf`, else `~/.cache/liftmap/gguf`).
"""

from __future__ import annotations

import os
import shutil
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from liftmap.console import console
from liftmap.errors import MissingDependencyError, ModelError
from liftmap.files import disk

MAGIC = b"GGUF"


def is_gguf(path: Path) -> bool:
    """Whether a path names a GGUF file, by its name."""
    return path.suffix == ".gguf" and not path.is_dir()


def plain_folder(path: Path) -> Path:
    """The plain folder of a GGUF file: bfloat16 weights and the tokenizer; made if need be.

    Args:
        path: The file.

    Raises:
        ModelError: It is missing or not a GGUF file, or Transformers can't read this kind of model.
        MissingDependencyError: The package gguf is not installed.
        StoreError: The cache folder can't be written.
    """
    if not path.exists():
        raise ModelError("There is no such GGUF file.", seen=str(path), remedy="Check the path.")
    with disk(path), path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise ModelError(
                "The file does not begin as GGUF files do.",
                seen=str(path),
                remedy="Name a GGUF file, or a Hugging Face folder.",
            )
    folder = _cache() / f"{path.stem}-{_digest(path)}"
    if not (folder / "config.json").exists():
        if not find_spec("gguf"):
            raise MissingDependencyError(
                "Reading GGUF files needs the package gguf, which is not installed.",
                remedy="Run: pip install 'liftmap[hf]'.",
            )
        what = f"{path.name}: making a plain folder of it, once: {folder}"
        console.print(what)
        _convert(path, folder)
    return folder


def _convert(path: Path, folder: Path) -> None:
    # Imported here: only whoever names a GGUF file waits for torch.
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from liftmap.sample.hf_messages import loading, quiet

    partial = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    with disk(folder):
        partial.mkdir(parents=True, exist_ok=True)
    try:
        with quiet(), loading(str(path)):
            tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
            model = AutoModelForCausalLM.from_pretrained(
                path.parent,
                gguf_file=path.name,
                dtype=torch.bfloat16,
                quantization_config=GgufConfig(dequantize=True),
            )
        with disk(folder):
            model.save_pretrained(partial)
            tokenizer.save_pretrained(partial)
            if folder.exists():
                shutil.rmtree(folder)
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "liftmap" / "gguf"


def _digest(path: Path) -> str:
    """A fingerprint of the content, so that a file of the same name is not taken for this one."""
    digest = sha256()
    with disk(path), path.open("rb") as file:
        while part := file.read(2**22):
            digest.update(part)
    return digest.hexdigest()[:12]
