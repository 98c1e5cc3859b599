"""Sends one request to one server, and says what its failure means.

Used by the `server` engine; `calls` has the words, this module the openai client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from liftmap.errors import LiftmapError, ModelError
from liftmap.records import Prompt, SamplingSettings
from liftmap.sample.server.calls import (
    BUSY_STATUSES,
    ONE_QUESTION_STATUSES,
    Fault,
    Refusal,
    refused_fields,
    request_body,
    retry_after,
)
from liftmap.sample.server.check import Access, no_such_model
from liftmap.sample.server.http_client import ReplyError
from liftmap.sample.server.replies import Choice, UnsaidEnd, read_choices
from liftmap.sample.server.server_pool import Server
from liftmap.sections import ServerSection

if TYPE_CHECKING:
    import openai


# So many replies, and none before that said how its responses ended: then the server never does.
MOST_UNSAID_ENDS = 3


Reply = TypeVar("Reply")


class FieldsRefused(Exception):
    """The server does not take a field that can be done without; its message says which."""


class Sender:
    """Asks for responses of one model.

    Attributes:
        answered: The fields of the last request that was answered; None before the first.
    """

    def __init__(self, model: str, section: ServerSection, access: Access) -> None:
        self.answered: dict[str, Any] | None = None
        self._model = model
        self._section = section
        self._access = access
        self._refused: dict[str, int] = {}
        self._said_end = False
        self._unsaid_ends = 0

    async def ask(
        self, server: Server, prompt: Prompt, settings: SamplingSettings, seed: int, count: int
    ) -> list[Choice]:
        """Asks once for `count` responses; gives one at least and `count` at most.

        Raises:
            Fault: The request may succeed when it is sent again.
            Refusal: The server refuses the prompt.
            ModelError: It would refuse any.
        """
        while True:
            body = request_body(self._model, prompt, settings, self._section, self._refused)
            body |= {"n": count, "seed": seed}
            try:
                choices = await self._send(server, body)
            except FieldsRefused:
                continue
            except ModelError as error:
                # Some servers deny a single question, as 403 where a filter dislikes it.
                if await self.still_answers(server):
                    raise Refusal(error.what) from None
                raise
            self.answered = body
            return choices

    async def still_answers(self, server: Server) -> bool:
        """Whether a server answers the request that was answered last, for a single token."""
        if self.answered is None:
            return False
        try:
            await self._send(server, {**self.answered, "n": 1, "max_tokens": 1})
        except (Fault, Refusal, ModelError, FieldsRefused):
            return False
        return True

    async def _send(self, server: Server, body: dict[str, Any]) -> list[Choice]:
        return await self.exchange(server, body, lambda text: self._read(text, body))

    async def exchange(
        self, server: Server, body: dict[str, Any], read: Callable[[str], Reply]
    ) -> Reply:
        """Sends a request once and reads the reply.

        Args:
            server: Where it goes.
            body: Its fields; with `messages` it goes to the chat endpoint.
            read: Makes of the reply's text what is wanted; it may raise a Fault or a Refusal.

        Raises:
            FieldsRefused: The server does not take a field that can be done without.
            Fault, Refusal, ModelError: As `ask`.
        """
        import openai

        api = server.client.chat.completions if "messages" in body else server.client.completions
        try:
            # The client's own limit is one of silence; this one is of the whole request.
            async with asyncio.timeout(self._section.timeout):
                raw = await api.with_raw_response.create(**body)
            # Before a part of it is shown.
            return read(self._access.without_secret(raw.http_response.text))
        except (openai.APIConnectionError, ReplyError, TimeoutError) as error:
            raise self._not_whole(error) from None
        except openai.APIStatusError as error:
            message = self._access.scrub(error.message)
            refused = refused_fields(error.status_code, message, body)
            if refused:
                for name, values in refused.items():
                    # Other requests in flight may be refused alike.
                    self._refused[name] = max(values, self._refused.get(name, 0))
                raise FieldsRefused(message) from None
            raise await self._meaning(server.url, error, message) from None
        except (Fault, Refusal, LiftmapError):
            raise
        except Exception as error:
            # Whatever a reply made of malice makes a library raise.
            what = f"the reply can't be read ({type(error).__name__}: {error})"
            raise Fault(self._access.scrub(what)) from None

    def _not_whole(self, error: Exception) -> Fault:
        """What it means that no whole reply came."""
        cause = error.__cause__ or error
        name = type(cause).__name__
        if isinstance(cause, ReplyError):
            what = str(cause)
        elif "Connect" in name:
            # Nothing was sent yet.
            what = f"no connection ({cause})"
        elif isinstance(error, TimeoutError) or "Timeout" in name:
            what = f"no reply within {self._section.timeout:g} s (sample.server.timeout)"
        else:
            what = f"the connection was cut ({cause})"
        return Fault(self._access.scrub(what), busy="Connect" in name)

    def _read(self, text: str, body: dict[str, Any]) -> list[Choice]:
        """The choices of a reply.

        Raises:
            Fault: It can't be used, or does not say how its choices ended though others did.
        """
        given: dict[str, Any] = {
            "stop": body.get("stop", ()),
            "max_tokens": body["max_tokens"],
            "scrub": self._access.without_secret,
        }
        try:
            choices = read_choices(text, body["n"], **given)
        except UnsaidEnd:
            self._unsaid_ends += 1
            if self._said_end or self._unsaid_ends < MOST_UNSAID_ENDS:
                raise
            return read_choices(text, body["n"], **given, unsaid_ends=True)
        self._said_end = True
        return choices

    async def _meaning(self, url: str, error: openai.APIStatusError, message: str) -> Exception:
        """What an HTTP status means."""
        status = error.status_code
        what = f"status {status}: {message}"
        if status in (401, 402, 403) or error.code == "insufficient_quota":
            return self._access.denied(url, what)
        if status in BUSY_STATUSES:
            wait = retry_after(error.response.headers.get("retry-after"))
            return Fault(what, busy=True, wait=wait)
        if status >= 500:
            return Fault(what)
        if status in ONE_QUESTION_STATUSES:
            return Refusal(what)
        if status in (404, 405):
            return await asyncio.to_thread(no_such_model, self._model, url, self._access, message)
        return ModelError(
            f"The server at {url} refuses requests: {what}.",
            remedy="Correct what it names; finished shards are kept.",
        )
