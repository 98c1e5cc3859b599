"""Conversations as texts: what was asked, what the model wrote, what it thought.

Used by readers of nested logs; pure functions over messages as tools write them: role, content (a
text, or parts with a text each) and sometimes reasoning_content.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Conversation(NamedTuple):
    """What comes before the model's first message, what it wrote, and what it thought apart."""

    prompt: str
    text: str | None
    reasoning: str


def content_text(content: object) -> str:
    """The text of a message's content."""
    if isinstance(content, list):
        parts = (table(part).get("text", part if isinstance(part, str) else "") for part in content)
        return "\n".join(str(part) for part in parts if part)
    return "" if content is None else str(content)


def chat_text(messages: object) -> str:
    """A prompt as one text: as it is, or its messages one below the other."""
    if isinstance(messages, list):
        return "\n".join(
            content_text(table(m).get("content")) if isinstance(m, dict) else str(m)
            for m in messages
        )
    return "" if messages is None else str(messages)


def conversation(messages: object) -> Conversation:
    """The parts of a list of messages; its text is None where the model wrote nothing."""
    tables = tables_in(messages)
    first = next((i for i, m in enumerate(tables) if m.get("role") == "assistant"), len(tables))
    own = [m for m in tables[first:] if m.get("role") == "assistant"]
    thoughts = [str(m.get("reasoning_content") or m.get("reasoning") or "") for m in own]
    return Conversation(
        chat_text(tables[:first]),
        "\n".join(content_text(m.get("content")) for m in own) if own else None,
        "\n".join(filter(None, thoughts)),
    )


def completion_text(completion: object) -> str | None:
    """What the model wrote: a text, or the assistant's messages among a list."""
    if isinstance(completion, list):
        return conversation(completion).text
    return None if completion is None else str(completion)


def table(value: object) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def tables_in(value: object) -> list[dict[str, Any]]:
    """The JSON objects in a list; none if it is not one."""
    return [table(item) for item in value] if isinstance(value, list) else []


def only(value: object) -> object:
    """The one thing in a list of one; anything else as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
