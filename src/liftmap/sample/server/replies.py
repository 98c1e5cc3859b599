"""Reads the reply of an OpenAI-compatible server, whatever it holds.

Used by the `server` engine; functions of their arguments, no network. What can't be used at all is
a `Fault`. What is amiss with a response that can be used (half a character, log-probabilities that
are none) is put right and said in its `error`, so that no response is lost for it.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from liftmap.records import FinishReason
from liftmap.sample.server.calls import Fault

# Servers name the same reasons differently, in upper or lower case; whatever is not here (a filter,
# a call of a tool) is a failed response.
FINISH_REASONS: dict[str, FinishReason] = {
    **dict.fromkeys(
        ("stop", "eos", "eos_token", "stop_sequence", "stop_token", "end_turn", "complete"), "stop"
    ),
    **dict.fromkeys(("length", "max_tokens", "max_length", "model_length"), "length"),
}
# What is noted of a response that is used although something was amiss.
UNSAID_END = "the server did not say how it ended"
HALF_CHARACTERS = "half a character of its text was replaced"
NO_LOG_PROBABILITIES = "what the server gave as log-probabilities are none"
NO_TOKEN_COUNT = "what the server gave as its number of tokens is none"
# A server that is being ended or that fails gives these; the request is sent again.
CUT_SHORT_REASONS = ("abort", "error")
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
# No token of a known vocabulary is longer; a text of more characters than its tokens can have would
# fill the disk.
TOKEN_CHARACTERS = 256
MOST_TOKENS = 2**31 - 1
# Rounding may lift the logarithm of a probability of 1 by so much.
ROUNDING = 1e-3
SHOWN_CHARACTERS = 60


class UnsaidEnd(Fault):
    """A whole reply that does not say how its responses ended.

    A server that is being ended gives such replies, and some servers never say.
    """


@dataclass(frozen=True, slots=True)
class Choice:
    """One response as a server gave it, cut at a stop string; fields as those of `Response`."""

    text: str
    finish_reason: FinishReason
    log_probability: float
    token_count: int
    reasoning: str
    error: str


def read_choices(
    text: str,
    count: int,
    *,
    stop: Sequence[str] = (),
    max_tokens: int | None = None,
    unsaid_ends: bool = False,
    scrub: Callable[[str], str] = str,
) -> list[Choice]:
    """The choices of a reply, `count` at most, in their order.

    Args:
        text: The reply.
        count: How many choices were asked for.
        stop: Strings that end a response. A server that goes on after one is cut there.
        max_tokens: How many tokens a response was allowed.
        unsaid_ends: Whether to take choices that do not say how they ended.
        scrub: Takes the key out of a text.

    Raises:
        UnsaidEnd: A choice does not say how it ended.
        Fault: It is not a whole OpenAI reply, or holds no choice.
    """
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        raise Fault(f"the reply is not whole JSON ({_beginning(text)})") from None
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or not all(isinstance(c, dict) for c in choices):
        raise Fault(f"the reply holds no choices ({_beginning(text)})")
    if not choices:
        raise Fault("the reply holds an empty list of choices")
    places = [c.get("index") for c in choices]
    if all(_is_number(place) for place in places) and sorted(places) == [*range(len(choices))]:
        choices = sorted(choices, key=lambda c: int(c["index"]))
    usage = reply.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    alone = tokens if len(choices) == 1 else None
    return [
        _read_choice(choice, alone, stop, max_tokens, unsaid_ends, scrub)
        for choice in choices[:count]
    ]


def _read_choice(
    choice: Mapping[str, Any],
    tokens: object,
    stop: Sequence[str],
    max_tokens: int | None,
    unsaid_ends: bool,
    scrub: Callable[[str], str],
) -> Choice:
    text, reasoning = _texts(choice, max_tokens)
    notes = [HALF_CHARACTERS] if LONE_SURROGATE.search(text + reasoning) else []
    text, reasoning = (scrub(LONE_SURROGATE.sub("\ufffd", part)) for part in (text, reasoning))
    cut = _cut(text, reasoning, stop)
    if cut is not None:
        kept_text, kept_reasoning, string = cut
        notes.append(f"the server went on after the stop string {string!r}; cut there")
        return Choice(
            text=kept_text,
            finish_reason="stop",
            log_probability=math.nan,
            token_count=_tokens_before(choice.get("logprobs"), text, len(kept_text)),
            reasoning=kept_reasoning,
            error="; ".join(notes),
        )
    likely = _token_log_probabilities(choice.get("logprobs"))
    if likely is None:
        notes.append(NO_LOG_PROBABILITIES)
    count = len(likely) if likely else -1
    if tokens is not None:
        if _is_number(tokens) and 0 <= tokens <= MOST_TOKENS:
            count = tokens
        elif tokens != -1:
            notes.append(NO_TOKEN_COUNT)
    reason = choice.get("finish_reason")
    if not reason:
        if not unsaid_ends:
            raise UnsaidEnd(f"a choice of the reply did not end (finish_reason {reason!r})")
        ended: FinishReason = "length" if max_tokens and count >= max_tokens else "stop"
        notes.append(UNSAID_END)
    elif not isinstance(reason, str) or reason in CUT_SHORT_REASONS:
        raise Fault(f"a choice of the reply did not end (finish_reason {_beginning(str(reason))})")
    else:
        ended = FINISH_REASONS.get(reason.lower(), "failed")
        if ended == "failed":
            notes.append(f"the server ended it with {_beginning(scrub(reason))}")
    return Choice(
        text=text,
        finish_reason=ended,
        log_probability=math.fsum(likely) if likely else math.nan,
        token_count=count,
        reasoning=reasoning,
        error="; ".join(notes),
    )


def _texts(choice: Mapping[str, Any], max_tokens: int | None) -> tuple[str, str]:
    """Text and reasoning of a choice."""
    message = choice.get("message")
    if isinstance(message, dict):
        text = message.get("content") or ""
        reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    else:
        text, reasoning = choice.get("text"), choice.get("reasoning_content") or ""
    for part in (text, reasoning):
        if not isinstance(part, str):
            raise Fault(f"a choice of the reply holds no text ({_beginning(str(part))})")
    if max_tokens and len(text) + len(reasoning) > TOKEN_CHARACTERS * max_tokens:
        raise Fault(
            f"a choice of the reply has {len(text) + len(reasoning):,} characters, more than "
            f"{max_tokens:,} tokens can have"
        )
    return text, reasoning


def _beginning(text: str) -> str:
    """The first characters of a text in quotes; half a character is shown as such."""
    shown = text[:SHOWN_CHARACTERS]
    return ascii(shown) if LONE_SURROGATE.search(shown) else repr(shown)


def _is_number(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number; true and false are numbers to Python."""
    return isinstance(value, int) and not isinstance(value, bool)


def _cut(text: str, reasoning: str, stop: Sequence[str]) -> tuple[str, str, str] | None:
    """Text and reasoning up to the first stop string, and that string; None if there is none."""
    for place, part in enumerate((reasoning, text)):
        ends = [(part.find(string), string) for string in stop if string in part]
        if ends:
            end, string = min(ends, key=lambda stop_at: stop_at[0])
            # The reasoning came first: the text would not have come.
            return (part[:end], reasoning, string) if place else ("", part[:end], string)
    return None


def _tokens_before(reported: object, text: str, end: int) -> int:
    """How many tokens begin before the character `end`; -1 where the server does not show them."""
    if not isinstance(reported, dict):
        return -1
    tokens = reported.get("tokens")
    if tokens is None and isinstance(reported.get("content"), list):
        tokens = [t.get("token") if isinstance(t, dict) else None for t in reported["content"]]
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        return -1
    if not "".join(tokens).startswith(text):
        return -1
    starts = itertools.accumulate((len(token) for token in tokens), initial=0)
    return sum(start < end for start, _ in zip(starts, tokens, strict=False))


def _token_log_probabilities(reported: object) -> list[float] | None:
    """Of every token; empty if the server does not give them all, None if they can't be such."""
    if not isinstance(reported, dict):
        return []
    values = reported.get("token_logprobs")
    if values is None and isinstance(reported.get("content"), list):
        values = [t.get("logprob") if isinstance(t, dict) else None for t in reported["content"]]
    if not isinstance(values, list) or any(value is None for value in values):
        return []
    if not all(_is_number(value) or isinstance(value, float) for value in values):
        return None
    # Before a whole number of 400 digits becomes a float; nan is not in the range either.
    if not all(-1e300 < value <= ROUNDING for value in values):
        return None
    total = sum(map(float, values))
    return [float(value) for value in values] if math.isfinite(total) else None
