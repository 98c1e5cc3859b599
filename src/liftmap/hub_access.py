"""Whether the Hugging Face hub answers: asked once, before its client tries for a minute.

Used by whatever loads a model or a data set by its name on the hub. Reads nothing, writes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

# Seconds until a hub that says nothing counts as unreachable.
HUB_SECONDS = 10.0
REMEDY = (
    "Connect to the hub (behind a proxy set HTTPS_PROXY); or set HF_HUB_OFFLINE=1 to use what this "
    "machine has cached; or copy it here and give its folder."
)


@lru_cache(maxsize=1)
def unreachable() -> str:
    """Why the hub can't be reached from here; empty where it answers, or where it isn't known.

    The answer is kept for the life of the process. With HF_HUB_OFFLINE=1 the hub isn't asked.
    """
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    try:
        # Whatever it answers: it is there.
        get_session().head(constants.ENDPOINT, timeout=HUB_SECONDS)
    except Exception as error:  # those of the client's HTTP library, which differ by its version
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ""


@contextmanager
def without_retry_lines() -> Iterator[None]:
    """Keeps the hub client's bars and the lines of its retries off the terminal."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    logger = logging.getLogger("huggingface_hub")
    level, bars = logger.level, not are_progress_bars_disabled()
    logger.setLevel(logging.ERROR)
    disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if bars:
            enable_progress_bars()
