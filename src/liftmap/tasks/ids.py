"""Stable ids: a question is named by what it asks, wherever it comes from.

Used by the tasks that read files and data sets; reads nothing.
"""

from __future__ import annotations

import hashlib
import unicodedata


def question_id(text: str, answer: str) -> str:
    """The id of a question: 16 hexadecimal characters of a SHA-256 of its content.

    Differences of white space and of Unicode composition do not count, so the id is the same
    between machines, runs, file formats and orders of rows.

    Args:
        text: The question.
        answer: The gold answer; empty if there is none.
    """
    content = (" ".join(unicodedata.normalize("NFC", part).split()) for part in (text, answer))
    return hashlib.sha256("\x00".join(content).encode()).hexdigest()[:16]


def place_of(salt: str, mark: str) -> float:
    """A number in [0, 1) that a text decides; texts are spread evenly.

    Args:
        salt: Another salt gives another, independent number.
        mark: The text, as a question_id.
    """
    digest = hashlib.sha256(f"{salt}\x00{mark}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
