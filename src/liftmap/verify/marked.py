r"""Where a response marks its answer, whatever kind of answer that is.

Used by the verifiers `choice` and `numeric`; pure functions of texts.
"""

from __future__ import annotations

import re

# No answer stands further from the end.
WITHIN = 20_000
_ANSWER_TAG = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.IGNORECASE | re.DOTALL)
_NEXT_QUESTION = re.compile(
    r"\n[ \t]*(?:#+[ \t]*|\*\*)?(?:(?:next|new) )?(?:question|problem|q|exercise)"
    r"[ \t]*\d*[ \t]*(?:\*\*)?[:.]",
    re.IGNORECASE,
)


def answer_tag(text: str) -> str | None:
    """What the last <answer> holds, up to its end or that of the text; None if there is none."""
    found = _ANSWER_TAG.findall(text[-WITHIN:])
    return found[-1].strip() or None if found else None


def before_next_question(text: str) -> str | None:
    """What comes before a question that a base model goes on to ask itself.

    Returns:
        None if there is no such question, or nothing before it.
    """
    found = _NEXT_QUESTION.search(text)
    return text[: found.start()] if found and text[: found.start()].strip() else None
