r"""Where a response marks its answer, whatever kind of answer that is.

Used by the verifiers `choice`, `numeric`, `exact` and `gym`; pure functions of texts.
"""

from __future__ import annotations

import re

from liftmap.verify.answers import last_box

# No answer stands further from the end.
WITHIN = 20_000
_ANSWER_TAG = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.IGNORECASE | re.DOTALL)
_NEXT_QUESTION = re.compile(
    r"\n[ \t]*(?:#+[ \t]*|\*\*)?(?:(?:next|new) )?(?:question|problem|q|exercise)"
    r"[ \t]*\d*[ \t]*(?:\*\*)?[:.]",
    re.IGNORECASE,
)
# Tokens that end a text, left in it by some servers.
_END_TOKEN = re.compile(r"(?:\s*(?:<\|[^|<>\s]{1,40}\|>|</s>|<eos>|<end_of_turn>))+\s*\Z")
_LAST_CUE = re.compile(
    r"(?:\A|\n|[.!] )[^\n]{0,40}\banswer(?: is|:)[ \t*:]*([^\n]*)\Z", re.IGNORECASE
)
_FENCED = re.compile(r"\A```[^\n]*\n(.*?)\n?```\Z", re.DOTALL)
_WRAPPINGS = (
    re.compile(r"\A\*\*([^*]+)\*\*\Z"),
    re.compile(r"\A`([^`]+)`\Z"),
    re.compile(r"\A\$([^$]+)\$\Z"),
    re.compile(r"\A\\(?:text|textbf|mathrm)\s*\{([^{}]*)\}\Z"),
)


def unwrapped(text: str) -> str:
    r"""The answer without what marks it: the last <answer> or \boxed{}, or a short text's wrapping.

    Without a mark it is the whole text, less tokens that end it, "the answer is" at the head of its
    last line, and a fence, bold print, backticks or dollars around all of it.
    """
    text = without_end_token(text).strip()
    answer = answer_tag(text) or last_box(text)
    if answer is None:
        cue = _LAST_CUE.search(text)
        answer = cue[1] if cue and cue[1].strip() else text
    answer = answer.strip()
    fence = _FENCED.match(answer)
    if fence:
        return fence[1]
    for wrapping in _WRAPPINGS:
        inner = wrapping.match(answer)
        answer = inner[1].strip() if inner else answer
    return answer


def without_end_token(text: str) -> str:
    """The text without tokens such as <|im_end|> at its end."""
    return _END_TOKEN.sub("", text)


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
