"""One request to an OpenAI-compatible server: what is asked, what comes back, what went wrong.

Used by the `server` engine; functions of their arguments, no network. Two kinds of failure:
`Fault` may pass when the request is sent again, `Refusal` concerns the one question alone. What
concerns every request is a `ModelError`.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from liftmap.errors import ConfigError
from liftmap.records import FinishReason, Prompt, SamplingSettings
from liftmap.sections import ServerSection

# Servers name the same reasons differently, in upper or lower case; whatever is not here (a filter,
# a call of a tool) is a failed response.
FINISH_REASONS: dict[str, FinishReason] = {
    **dict.fromkeys(
        ("stop", "eos", "eos_token", "stop_sequence", "stop_token", "end_turn", "complete"), "stop"
    ),
    **dict.fromkeys(("length", "max_tokens", "max_length", "model_length"), "length"),
}
# What is noted of a response that is kept although the server did not say how it ended.
UNSAID_END = "the server did not say how it ended"
# A server that is being ended or that fails gives these; the request is sent again.
CUT_SHORT_REASONS = ("abort", "error")
# Servers cut and bend the distribution in ways of their own unless told not to (llama.cpp keeps the
# likeliest 40 tokens, vLLM and SGLang take what the model's folder says). These are the values that
# do nothing, in the order in which they are tried; a server that refuses them all has no such cut.
NEUTRAL: dict[str, tuple[float, ...]] = {
    "top_k": (0, -1),
    "min_p": (0.0,),
    "repetition_penalty": (1.0,),
    "repeat_penalty": (1.0,),
}
BUSY_STATUSES = (408, 409, 425, 429, 502, 503, 504)
ONE_QUESTION_STATUSES = (400, 413, 422)
LONGEST_WAIT_SECONDS = 3600.0
SEED_COUNT = 2**31


class Fault(Exception):
    """A failure that may pass.

    Attributes:
        what: What happened.
        busy: It says nothing of the request: the server is down, restarts, or has too much to do.
        wait: Seconds that the server asks to wait.
    """

    def __init__(self, what: str, *, busy: bool = False, wait: float = 0.0) -> None:
        super().__init__(what)
        self.what = what
        self.busy = busy
        self.wait = wait


class UnsaidEnd(Fault):
    """A whole reply that does not say how its responses ended.

    A server that is being ended gives such replies, and some servers never say.
    """


class Refusal(Exception):
    """The server refuses what was asked; the same request would be refused again."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One response as a server gave it, cut at a stop string; fields as those of `Response`."""

    text: str
    finish_reason: FinishReason
    log_probability: float
    token_count: int
    reasoning: str
    error: str


def request_seed(seed: int, question_id: str, response_index: int) -> int:
    """The seed of the response `response_index` in [0, 2**31).

    Consecutive responses have consecutive seeds: vLLM gives the i-th of the `n` choices of one
    request the request's seed plus i, so there it makes no difference how many a request asks for.
    """
    digest = hashlib.sha256(f"{seed}/{question_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") + response_index) % SEED_COUNT


def is_chat(prompt: Prompt, section: ServerSection) -> bool:
    """Whether a prompt goes to the chat endpoint.

    Raises:
        ConfigError: It is a conversation, and the section asks for the completions endpoint.
    """
    if section.endpoint == "completions" and not isinstance(prompt, str):
        raise ConfigError(
            "A conversation can't go to the completions endpoint.",
            seen=section.endpoint,
            remedy="Set sample.server.endpoint to 'chat', or take a template that gives a text.",
        )
    return section.endpoint == "chat" or not isinstance(prompt, str)


def request_body(
    model: str,
    prompt: Prompt,
    settings: SamplingSettings,
    section: ServerSection,
    refused: Mapping[str, int],
) -> dict[str, Any]:
    """The fields of a request, without `n` and `seed`.

    Args:
        model: The model's name on the server.
        prompt: What is asked.
        settings: How the responses are drawn.
        section: Endpoint, log-probabilities and further fields.
        refused: How many values of each field the server refused; see `refused_fields`.
    """
    body: dict[str, Any] = {
        "model": model,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_tokens": settings.max_tokens,
    }
    chat = is_chat(prompt, section)
    if chat:
        body["messages"] = (
            [{"role": "user", "content": prompt}]
            if isinstance(prompt, str)
            else [dict(message) for message in prompt]
        )
    else:
        body["prompt"] = prompt
    if settings.stop:
        body["stop"] = list(settings.stop)
    if section.log_probabilities and not refused.get("logprobs"):
        body["logprobs"] = True if chat else 1
    neutral = {
        name: values[refused.get(name, 0)]
        for name, values in NEUTRAL.items()
        if refused.get(name, 0) < len(values)
    }
    chosen = {"top_k": settings.top_k} if settings.top_k else {}
    body["extra_body"] = {**neutral, **chosen, **section.extra}
    return body


def refused_fields(status: int, message: str, body: Mapping[str, Any]) -> dict[str, int]:
    """Which fields, of those that can be done without, the server says it does not take.

    Args:
        status: Of the reply; llama-cpp-python gives 500 for log-probabilities, others 400.
        message: Of the reply.
        body: The request.

    Returns:
        By field, how many of its values have been refused by now; empty if it says no such thing.
    """
    refused = {}
    if (
        "logprobs" in body
        and status in (*ONE_QUESTION_STATUSES, 500, 501)
        and "logprobs" in message
    ):
        refused["logprobs"] = 1
    if status in ONE_QUESTION_STATUSES:
        for name, values in NEUTRAL.items():
            sent = body["extra_body"].get(name)
            if sent in values and name in message:
                refused[name] = values.index(sent) + 1
    return refused


def read_choices(
    text: str,
    count: int,
    *,
    stop: Sequence[str] = (),
    max_tokens: int | None = None,
    unsaid_ends: bool = False,
) -> list[Choice]:
    """The choices of a reply, `count` at most, in their order.

    Args:
        text: The reply.
        count: How many choices were asked for.
        stop: Strings that end a response. A server that goes on after one is cut there.
        max_tokens: How many tokens a response was allowed.
        unsaid_ends: Whether to take choices that do not say how they ended.

    Raises:
        UnsaidEnd: A choice does not say how it ended.
        Fault: It is not a whole OpenAI reply, or holds no choice.
    """
    try:
        reply = json.loads(text)
    except ValueError:
        raise Fault(f"the reply is not whole JSON ({text[:60]!r})") from None
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or not all(isinstance(c, dict) for c in choices):
        raise Fault(f"the reply holds no choices ({text[:60]!r})")
    if not choices:
        raise Fault("the reply holds an empty list of choices")
    places = [c.get("index") for c in choices]
    if sorted(map(str, places)) == sorted(map(str, range(len(choices)))):
        choices = sorted(choices, key=lambda c: int(c["index"]))
    usage = reply.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    alone = tokens if len(choices) == 1 and isinstance(tokens, int) else -1
    return [
        _read_choice(choice, alone, stop, max_tokens, unsaid_ends) for choice in choices[:count]
    ]


def _read_choice(
    choice: Mapping[str, Any],
    token_count: int,
    stop: Sequence[str],
    max_tokens: int | None,
    unsaid_ends: bool,
) -> Choice:
    message = choice.get("message")
    if isinstance(message, dict):
        text = message.get("content") or ""
        reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    else:
        text, reasoning = choice.get("text"), choice.get("reasoning_content") or ""
    if not isinstance(text, str) or not isinstance(reasoning, str):
        raise Fault("a choice of the reply holds no text")
    likely = _token_log_probabilities(choice.get("logprobs"))
    cut = _cut(text, reasoning, stop)
    if cut is not None:
        kept_text, kept_reasoning, string = cut
        return Choice(
            text=kept_text,
            finish_reason="stop",
            log_probability=math.nan,
            token_count=_tokens_before(choice.get("logprobs"), text, len(kept_text)),
            reasoning=kept_reasoning,
            error=f"the server went on after the stop string {string!r}; cut there",
        )
    reason = choice.get("finish_reason")
    count = len(likely) if likely and token_count < 0 else token_count
    if not reason:
        if not unsaid_ends:
            raise UnsaidEnd(f"a choice of the reply did not end (finish_reason {reason!r})")
        ended: FinishReason = "length" if max_tokens and count >= max_tokens else "stop"
        error = UNSAID_END
    elif not isinstance(reason, str) or reason in CUT_SHORT_REASONS:
        raise Fault(f"a choice of the reply did not end (finish_reason {reason!r})")
    else:
        ended = FINISH_REASONS.get(reason.lower(), "failed")
        error = f"the server ended it with {reason!r}" if ended == "failed" else ""
    return Choice(
        text=text,
        finish_reason=ended,
        log_probability=math.fsum(likely) if likely else math.nan,
        token_count=count,
        reasoning=reasoning,
        error=error,
    )


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


def _token_log_probabilities(reported: object) -> list[float]:
    """Of every token; empty if the server does not give them all."""
    if not isinstance(reported, dict):
        return []
    values = reported.get("token_logprobs")
    if values is None and isinstance(reported.get("content"), list):
        values = [t.get("logprob") if isinstance(t, dict) else None for t in reported["content"]]
    if not isinstance(values, list) or not all(isinstance(v, int | float) for v in values):
        return []
    return [float(value) for value in values]


def retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks to wait: a number or a date; at most an hour."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS) if math.isfinite(seconds) else 0.0
