"""What the commands print: results to standard output, messages to standard error."""

from __future__ import annotations

import json


def print_json(value: object) -> None:
    """Prints a result as JSON to standard output."""
    print(json.dumps(value, indent=2))


def say(message: str, head: str = "") -> None:
    """Prints a message to standard error.

    Args:
        message: A text; nothing in it is read as markup.
        head: Markup before it.
    """
    # Imported here: most commands have nothing to say until their work is done.
    from rich.markup import escape

    from liftmap.progress import console

    # Without emoji: a folder's name may look like one, as in DIR:m:test.
    console.print(f"{head} {escape(message)}".lstrip(), highlight=False, emoji=False)


def warn(message: str) -> None:
    """Prints a warning to standard error."""
    say(message, head="[bold yellow]warning:[/]")
