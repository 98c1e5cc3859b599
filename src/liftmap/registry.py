"""Looks names up in the registries of stages: plain dicts, and entry points of third parties.

Used by every stage that can be added to; reads nothing but the installed packages' entry points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from liftmap.errors import ConfigError, UnknownNameError

T = TypeVar("T")

# Names that a remedy lists.
MOST_NAMES = 20


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy that names the closest known word, or all of them."""
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]!r}?"
    if not names:
        return "There is none to choose from."
    others = f" and {len(names) - MOST_NAMES:,} others" if len(names) > MOST_NAMES else ""
    return f"Use one of: {', '.join(names[:MOST_NAMES])}{others}."


def find(registry: Mapping[str, T], name: str, what: str) -> T:
    """Entry `name` of a registry, or of the third-party entry points `liftmap.<what>s`.

    Args:
        registry: The stage's own entries; they win over entry points.
        name: The entry looked for.
        what: What an entry is, in the singular: task, engine, verifier, method, analysis.

    Raises:
        UnknownNameError: There is none; the message names the nearest one.
    """
    if name in registry:
        return registry[name]
    # Imported here: the names of our own are looked up at every start.
    from importlib.metadata import entry_points

    plural = "analyses" if what == "analysis" else f"{what}s"
    installed = entry_points(group=f"liftmap.{plural}")
    if name in installed.names:
        loaded: T = installed[name].load()
        return loaded
    raise UnknownNameError(
        f"There is no {what} of this name.",
        seen=name,
        remedy=nearest(name, {*registry, *installed.names}),
    )


def check_options(
    function: Callable[..., Any], options: Mapping[str, Any], place: str, known: Iterable[str]
) -> None:
    """Checks that a function takes these options.

    Args:
        function: Named in the message.
        options: What the user set.
        place: The key in the study file.
        known: The options that there are.

    Raises:
        ConfigError: One is unknown; the message names the nearest.
    """
    names = list(known)
    for key, value in options.items():
        if key not in names:
            raise ConfigError(
                f"{place}: {function.__name__!r} has no option {key!r}.",
                seen=value,
                remedy=nearest(key, names),
            )
