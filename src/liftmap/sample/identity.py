"""Which weights answer: digests of a model's files, kept with what it answered.

Beside `hf`. Reads model folders, GGUF files and the hub's cache. Digests of large files are kept in
the user's cache (`$XDG_CACHE_HOME/liftmap/digests.json`), by path, size, time and inode, so that
100 GB are not read again at every start.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import xxhash

from liftmap.errors import StoreError
from liftmap.files import disk, names_in, path_of, write_json
from liftmap.sample.gguf import is_gguf
from liftmap.seals import digest_of_json

# Smaller files are read faster than the cache.
CACHED_FROM = 2**24
# A file that changed so few seconds ago may change again without its time showing it.
SETTLED_SECONDS = 2.0
PART = 2**22
WEIGHTS = (".safetensors",)
CONFIG = ("config.json", "generation_config.json", "adapter_config.json")
TEMPLATES = ("chat_template.jinja", "chat_template.json")
TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
)


def identity_of_folder(folder: Path) -> dict[str, str]:
    """Digests of a model in the Hugging Face layout.

    Returns:
        weights, config, tokenizer and template (of chats): a digest of the names and contents of
        the files of each kind that are there.

    Raises:
        StoreError: A file can't be read.
    """
    names = names_in(folder)
    kinds = {
        "weights": [name for name in names if name.endswith(WEIGHTS)],
        "config": [name for name in names if name in CONFIG],
        "tokenizer": [name for name in names if name in TOKENIZER],
        "template": [name for name in names if name in TEMPLATES],
    }
    return {kind: _digest_of_files(folder, chosen) for kind, chosen in kinds.items() if chosen}


def identity_of_model(model: str) -> dict[str, str]:
    """What tells the weights of a model from others.

    Args:
        model: As `sample.hf.load_model`, which has loaded it or could.

    Returns:
        The commit of a hub id, as far as this machine's cache has it; else digests of the files.

    Raises:
        ModelError: There is no such model.
        StoreError: A file can't be read.
    """
    # Imported here: torch is slow to start.
    from liftmap.sample.hf import resolve_model

    path = path_of(model)
    if is_gguf(path):
        return {"weights": digest_of_file(path)}
    resolved = resolve_model(model)
    if Path(resolved).is_dir():
        return identity_of_folder(Path(resolved))
    from huggingface_hub import try_to_load_from_cache

    place = try_to_load_from_cache(resolved, "config.json")
    return {"commit": Path(place).parent.name} if isinstance(place, str) else {}


def _digest_of_files(folder: Path, names: Iterable[str]) -> str:
    return digest_of_json({name: digest_of_file(folder / name) for name in names})


def digest_of_file(path: Path) -> str:
    """XXH3-128 of a file, from the cache where the file is as it was then.

    Raises:
        StoreError: It can't be read.
    """
    with disk(path):
        state = path.stat()
    key = str(path.resolve())
    mark = [state.st_size, state.st_mtime_ns, state.st_ino]
    large = state.st_size >= CACHED_FROM
    cached = _cached() if large else {}
    if large and cached.get(key, [None, None])[0] == mark:
        return str(cached[key][1])
    digest = xxhash.xxh3_128()
    with disk(path), path.open("rb") as file:
        while part := file.read(PART):
            digest.update(part)
    if large and time.time() - state.st_mtime > SETTLED_SECONDS:
        # Without a cache it only takes longer.
        with suppress(StoreError):
            write_json(_cache(), {**_cached(), key: [mark, digest.hexdigest()]})
    return digest.hexdigest()


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "liftmap" / "digests.json"


def _cached() -> dict[str, list[object]]:
    """What the cache holds; nothing where it can't be read."""
    with suppress(OSError, ValueError):
        cached = json.loads(_cache().read_bytes())
        return {k: v for k, v in cached.items() if isinstance(v, list) and len(v) == 2}
    return {}
