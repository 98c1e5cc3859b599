"""The errors that liftmap raises on purpose.

Stands beside `records` at the bottom of the flow and imports nothing of ours. Every error has one
root, `LiftmapError`, and is also the standard type that a caller would expect. Each message says
what is wrong and where, the value that was seen, and what to do; the command line prints it without
a traceback and exits with status 2.

Which failure does what: a response without an answer, or with one that exhausts the verifier, is
wrong. A response that we failed to get or to judge is unscored, with the reason, and leaves n. What
a server may get over (it is busy, a connection is cut) is asked again. Whatever else can't be done
as asked ends the run with one of these errors; finished files stay, and the same command goes on
from there.
"""

from __future__ import annotations

# Characters of a value that is shown, and of a sentence around values.
SEEN_CHARACTERS = 500
SENTENCE_CHARACTERS = 20_000


class LiftmapError(Exception):
    """Root of all errors raised on purpose: `what` is wrong, the value `seen`, the `remedy`."""

    def __init__(self, what: str, *, seen: object = None, remedy: str = "") -> None:
        self.what = what
        self.seen = seen
        self.remedy = remedy
        parts = [_shortened(what, SENTENCE_CHARACTERS)]
        if seen is not None:
            parts.append(f"Seen: {_shortened(repr(seen), SEEN_CHARACTERS)}.")
        if remedy:
            parts.append(_shortened(remedy, SENTENCE_CHARACTERS))
        super().__init__(" ".join(parts))


def _shortened(text: str, longest: int) -> str:
    """A text, or its two ends: a file may hold an id of 50 MB."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} … {text[-half:]}"


class InputError(LiftmapError, ValueError):
    """A value, a file or a table that was handed in can't be used."""


class ConfigError(LiftmapError, ValueError):
    """A study file or a command's options don't say something that can be run."""


class UnknownNameError(LiftmapError, LookupError):
    """A task, engine, verifier, method, analysis, model or arm of this name does not exist."""


class StoreError(LiftmapError, OSError):
    """A folder or a file of a study can't be read or written."""


class SettingsDifferError(LiftmapError, ValueError):
    """A folder holds results that were made with other settings."""


class ModelError(LiftmapError, RuntimeError):
    """A model can't be loaded or used."""


class EmptyTrainingSetError(LiftmapError, ValueError):
    """A recipe leaves no response to train an arm on."""


class MissingDependencyError(LiftmapError, ImportError):
    """A library that this stage needs is not installed."""
