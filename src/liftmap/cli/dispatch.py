"""What stands before any command: the page of commands, and words that no command knows.

Used by `main` alone, before tyro is asked, so that `liftmap --help` fits a screen and a mistyped
command or option gets the nearest name. Reads the commands' own docstrings and signatures.
"""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from liftmap.errors import UnknownNameError

Commands = Mapping[str, Callable[..., int | None]]

# The commands in the order of use; one that stands in no group is shown at the end.
GROUPS: dict[str, tuple[str, ...]] = {
    "Results that exist": ("compare", "suite", "track", "view", "score", "reanalyse", "plan"),
    "Models": ("sample", "verify", "probe"),
    "A study: a base, its arms, a report": ("study", "train", "select", "analyse", "report"),
    "Trust": ("audit", "check"),
    "The testbed": ("testbed",),
}
OTHERS = "Others"
PAGE_COLUMNS = 80


def commands_page(commands: Commands) -> str:
    """The page of `liftmap --help`: a line a command, by group, at most 80 columns wide."""
    grouped = [name for names in GROUPS.values() for name in names]
    groups = {**GROUPS, OTHERS: tuple(name for name in commands if name not in grouped)}
    indent = max(map(len, commands)) + 4
    lines = ["usage: liftmap COMMAND ...", ""]
    lines += ["Did post-training make a language model solve more, or only solve more reliably"]
    lines += ["what it already could?"]
    for title, names in groups.items():
        shown = [name for name in names if name in commands]
        if shown:
            lines += ["", title]
        for name in shown:
            summary = (inspect.getdoc(commands[name]) or "").partition("\n")[0].rstrip(".")
            short = textwrap.shorten(summary, PAGE_COLUMNS - indent, placeholder=" ...")
            lines.append(f"  {name}".ljust(indent) + short)
    lines += ["", "liftmap COMMAND --help has the options and examples; liftmap --version."]
    return "\n".join(lines)


def known_command(word: str, commands: Commands) -> str:
    """The command of this name.

    Raises:
        UnknownNameError: There is none; the message names the nearest.
    """
    from liftmap.registry import nearest

    if word in commands:
        return word
    if word.startswith("-"):
        raise UnknownNameError(
            "A command comes before its options.", seen=word, remedy="See liftmap --help."
        )
    raise UnknownNameError(
        "There is no command of this name.", seen=word, remedy=nearest(word, commands)
    )


def check_options(command: Callable[..., Any], name: str, words: Sequence[str]) -> None:
    """Checks that a command has the options that are typed.

    Args:
        command: The command.
        name: Its name.
        words: What was typed after it.

    Raises:
        UnknownNameError: One is unknown; the message names the nearest.
    """
    options = _options(command)
    for word in words:
        option = word.partition("=")[0].replace("_", "-")
        # tyro takes no value that begins with two dashes, unless after an equals sign.
        if option.startswith("--") and option not in options:
            from liftmap.registry import nearest

            raise UnknownNameError(
                f"liftmap {name} has no option of this name.",
                seen=option,
                remedy=f"{nearest(option, options)} See liftmap {name} --help.",
            )


def _options(command: Callable[..., Any]) -> list[str]:
    """The options of a command."""
    fields: list[tuple[str, object]] = []
    kinds = typing.get_type_hints(command)
    for parameter in inspect.signature(command).parameters.values():
        kind = kinds[parameter.name]
        if dataclasses.is_dataclass(kind):
            fields += [(field.name, field.default) for field in dataclasses.fields(kind)]
        else:
            fields.append((parameter.name, parameter.default))
    names = [f"no-{name}" if default is True else name for name, default in fields]
    return ["--help", *(f"--{name.replace('_', '-')}" for name in names)]
