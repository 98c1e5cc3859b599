"""What the commands print: results to standard output, messages to standard error."""

from __future__ import annotations

import json
import sys


def print_json(value: object) -> None:
    """Prints a result as JSON to standard output."""
    print(json.dumps(value, indent=2))


def print_result(text: str) -> None:
    """Prints a line with a name in it; a terminal gets signs for control characters."""
    if sys.stdout.isatty():
        from liftmap.console import shown

        text = shown(text)
    # At once: a server's address is of no use in a buffer.
    print(text, flush=True)


def say(message: str, head: str = "", style: str = "") -> None:
    """Prints a message to standard error.

    Args:
        message: A text; nothing in it is read as markup.
        head: A word before it.
        style: Of that word.
    """
    # Imported here: most commands have nothing to say until their work is done.
    from rich.text import Text

    from liftmap.console import console

    console.print(Text.assemble((f"{head} " if head else "", style), message))


def warn(message: str) -> None:
    """Prints a warning to standard error."""
    say(message, "warning:", "bold yellow")
