"""Looks at servers before they are used: do they answer, speak OpenAI, serve the model?

Used by the `server` engine; asks `GET /models`. The key is read here, from the environment, and
goes nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from liftmap.errors import ConfigError, MissingDependencyError, ModelError
from liftmap.registry import nearest
from liftmap.sample.server.http_client import ReplyError, make_http_client
from liftmap.sample.server.launch import EXAMPLE, check_program, fill
from liftmap.sections import ServerSection

if TYPE_CHECKING:
    import openai

NO_KEY = "EMPTY"
CHECK_SECONDS = 15.0
MESSAGE_CHARACTERS = 400
# Of what a server tells of a model, that which does not change with each of its starts.
LASTING = ("id", "root", "max_model_len")
# Shorter keys than this, as "none" for a server that asks for no real one, may be words of a text.
SECRET_CHARACTERS = 16
# Models that are read, and characters of what is told of each.
MOST_MODELS = 10_000
NAME_CHARACTERS = 200


class Access:
    """The key to servers, and clients that carry it."""

    def __init__(self, section: ServerSection) -> None:
        """Reads the key.

        Raises:
            MissingDependencyError: The openai library is not installed.
        """
        try:
            import openai
        except ImportError:
            raise MissingDependencyError(
                "The server engine needs the openai library, which is not installed.",
                remedy="Run: pip install 'liftmap[server]'.",
            ) from None
        self._openai = openai
        self._section = section
        self._key = os.environ.get(section.key_variable, "").strip() or NO_KEY
        if not (self._key.isascii() and self._key.isprintable()) or " " in self._key:
            raise ConfigError(
                f"The environment variable {section.key_variable} holds what can't be a key.",
                remedy="A key is printable ASCII without blanks.",
            )

    def client(self, url: str) -> openai.AsyncOpenAI:
        """A client for many requests at once; retries are the engine's, which counts them."""
        timeout = self._section.timeout
        return self._openai.AsyncOpenAI(
            base_url=url,
            api_key=self._key,
            max_retries=0,
            timeout=self._openai.Timeout(timeout, connect=min(timeout, CHECK_SECONDS)),
            http_client=make_http_client(self._openai, url),
        )

    def models(self, url: str) -> list[str]:
        """The names of the models that a server has; errors as `entries`."""
        return [str(entry["id"]) for entry in self.entries(url)]

    def identity(self, model: str, urls: Sequence[str]) -> dict[str, Any]:
        """What the servers tell of a model that stays the same from one start to the next.

        Returns:
            id, root and max_model_len of the model's entry, as far as they are given; `servers`
            with one such record each where they differ. Servers that don't answer now are left out.

        Raises:
            ModelError: None of them answers.
        """
        told: list[dict[str, Any]] = []
        silent: ModelError | None = None
        for url in urls:
            try:
                entries = self.entries(url)
            except ModelError as error:
                silent = error
                continue
            entry = next((e for e in entries if e["id"] == model), {})
            record = {key: entry[key] for key in LASTING if entry.get(key) is not None}
            if record not in told:
                told.append(record)
        if silent is not None and not told:
            raise silent
        return told[0] if len(told) == 1 else {"servers": told}

    def entries(self, url: str) -> list[dict[str, str | int]]:
        """What a server tells of the models that it has.

        Raises:
            ModelError: It does not answer, does not speak OpenAI's API, or does not take the key.
        """
        openai = self._openai
        remedy = "Name the server's OpenAI address; it most often ends in /v1."
        seconds = min(self._section.timeout, CHECK_SECONDS)

        async def ask() -> str:
            # The client's own limit is one of silence; this one is of the whole request.
            async with asyncio.timeout(seconds), self.client(url) as client:
                listed = await client.models.with_raw_response.list()
                return listed.http_response.text

        try:
            text = _run(ask())
        except TimeoutError:
            raise ModelError(
                f"The server at {url} gives no list of models within {seconds:g} s.",
                remedy="See whether it still runs, and what it logs.",
            ) from None
        except (openai.APIConnectionError, ReplyError) as error:
            cause = error.__cause__ or error
            if isinstance(cause, ReplyError):
                raise ModelError(
                    f"What answers at {url} does not speak OpenAI's API: {cause}.", remedy=remedy
                ) from None
            raise ModelError(
                f"No server answers at {url} ({self.scrub(str(cause))}).",
                remedy="Start it, or correct sample.server.urls.",
            ) from None
        except openai.APIStatusError as error:
            if error.status_code in (401, 403):
                what = f"status {error.status_code}: {self.scrub(error.message)}"
                raise self.denied(url, what) from None
            raise ModelError(
                f"{url}/models gives status {error.status_code}, not a list of models.",
                remedy=remedy,
            ) from None
        entries = _model_entries(text)
        if entries is None:
            raise ModelError(
                f"What answers at {url} does not speak OpenAI's API.",
                seen=self.scrub(text)[:60],
                remedy=remedy,
            )
        return [
            {
                key: value if isinstance(value, int) else self.without_key(value)[:NAME_CHARACTERS]
                for key, value in entry.items()
            }
            for entry in entries
        ]

    def denied(self, url: str, what: str) -> ModelError:
        """The error for a key that is not taken."""
        variable = self._section.key_variable
        state = "is not set" if self._key == NO_KEY else "is set, but its key is not taken"
        return ModelError(
            f"The server at {url} denies access: {what}.",
            remedy=f"The environment variable {variable} {state}; export the right key, or name "
            "another variable in sample.server.key_variable.",
        )

    def without_key(self, text: str) -> str:
        """A message of a server without the key, if the server put it there."""
        return text if self._key == NO_KEY else text.replace(self._key, "[key]")

    def without_secret(self, text: str) -> str:
        """A response without the key, unless the key is so short that it may be a word of it."""
        return text if len(self._key) < SECRET_CHARACTERS else self.without_key(text)

    def scrub(self, text: str) -> str:
        """A server's message without the key, in one printable line, shortened."""
        text = self.without_key(text)[: 10 * MESSAGE_CHARACTERS]
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text if len(text) <= MESSAGE_CHARACTERS else text[: MESSAGE_CHARACTERS - 1] + "…"


def _run(asking: Coroutine[Any, Any, str]) -> str:
    """Runs a coroutine in a thread of its own: a notebook has a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asking).result()


def check_server(model: str, section: ServerSection) -> None:
    """Checks, before long work, that the servers serve a model or that one can be launched.

    Raises:
        ConfigError: The section names no server, or one in two ways, or its command can't be used.
        ModelError: A URL does not answer or does not speak OpenAI's API, the key is not taken, the
            model is not served, or the program to launch is not there.
        MissingDependencyError: The openai library is not installed.
    """
    check_section(section)
    if section.urls:
        check_urls(model, section.urls, Access(section))


def check_section(section: ServerSection) -> None:
    """Checks the settings alone: `urls` or `launch`, and that they can be used.

    Raises:
        ConfigError: They can't.
        ModelError: The program to launch is not there.
    """
    if bool(section.urls) == (section.launch is not None):
        raise ConfigError(
            "The server engine needs either sample.server.urls or sample.server.launch.",
            seen={"urls": list(section.urls), "launch": section.launch},
            remedy="Write urls = ['http://localhost:8000/v1'] for servers that run already, or "
            f"launch = {EXAMPLE!r}.",
        )
    if section.launch is not None:
        check_program(fill(section.launch, "model", 0))
    for url in section.urls:
        parts = urlsplit(url)
        if parts.username or parts.password:
            raise ConfigError(
                "A URL in sample.server.urls holds a password or a key.",
                seen=parts.hostname,
                remedy=f"Keys come from the environment: put it into {section.key_variable}.",
            )
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                "This is not the URL of a server.",
                seen=url,
                remedy="Write it as http://localhost:8000/v1.",
            )


def check_urls(model: str, urls: Sequence[str], access: Access) -> None:
    """Checks that each server answers and has the model.

    Raises:
        ModelError: One does not.
    """
    for url in urls:
        names = access.models(url)
        if model not in names:
            raise ModelError(
                f"The server at {url} has no model of this name.",
                seen=model,
                remedy=nearest(model, names),
            )


def no_such_model(model: str, url: str, access: Access, message: str) -> ModelError:
    """The error for status 404: the model or the endpoint is missing; asks the server which."""
    try:
        names = access.models(url)
    except ModelError as error:
        return error
    if model not in names:
        return ModelError(
            f"The server at {url} has no model of this name.",
            seen=model,
            remedy=nearest(model, names),
        )
    return ModelError(
        f"The server at {url} has the model, but not the endpoint: {message}",
        remedy="Set sample.server.endpoint to 'chat' or 'completions', whichever it has.",
    )


def _lasting(entry: Mapping[str, Any]) -> dict[str, str | int]:
    """What stays the same of an entry, as texts and whole numbers; its id in any case."""
    told = {key: entry[key] for key in LASTING if entry.get(key) is not None}
    return {k: v if isinstance(v, int) else str(v) for k, v in told.items()} | {
        "id": str(entry["id"])
    }


def _model_entries(text: str) -> list[dict[str, str | int]] | None:
    """The entries in a reply to `GET /models`; None if it is not such a reply."""
    try:
        reply: Any = json.loads(text)
        return [_lasting(entry) for entry in reply["data"][:MOST_MODELS]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
