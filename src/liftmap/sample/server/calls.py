"""One request to an OpenAI-compatible server: what is asked, and what can go wrong.

Used by the `server` engine; functions of their arguments, no network; `replies` reads what comes
back. Two kinds of failure: `Fault` may pass when the request is sent again, `Refusal` concerns the
one question alone. What concerns every request is a `ModelError`.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from liftmap.errors import ConfigError
from liftmap.records import Prompt, SamplingSettings
from liftmap.sections import ServerSection

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


class Refusal(Exception):
    """The server refuses what was asked; the same request would be refused again."""


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
            sent = body.get("extra_body", {}).get(name)
            if sent in values and name in message:
                refused[name] = values.index(sent) + 1
    return refused


def retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks to wait: a number or a date; at most an hour."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError, OSError):
            return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS) if math.isfinite(seconds) else 0.0
