"""The connection to the servers of one model: launched if need be, asked again until they answer.

Used by `engine` and `prompt_scorer`. Requests live in an event loop in a thread of its own; what a
request says is its caller's, how often it is sent and when the run gives up is decided here.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import random
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from liftmap.errors import ModelError
from liftmap.sample.server.calls import Fault
from liftmap.sample.server.check import Access, check_section, check_urls
from liftmap.sample.server.launch import LaunchedServer
from liftmap.sample.server.server_pool import LONGEST_BACKOFF_SECONDS, Pool, Server
from liftmap.sections import ServerSection

if TYPE_CHECKING:
    import openai

GOES_ON = "What is finished is kept: the same command goes on from there."
Reply = TypeVar("Reply")


class Connection:
    """The servers of one model.

    Attributes:
        model: The model's name on the servers.
        section: How they are reached.
        access: The key.
        pool: Shares the load.
        replies: Requests that were answered.
    """

    def __init__(self, model: str, section: ServerSection) -> None:
        """Launches the server if there is a command for it.

        Raises:
            ConfigError: The section names no server, or one in two ways.
            ModelError: The server can't be launched, or does not serve the model.
            MissingDependencyError: The openai library is not installed.
        """
        check_section(section)
        self.model = model
        self.section = section
        self.access = Access(section)
        self.replies = 0
        launched: LaunchedServer | None = None
        urls = section.urls
        if section.launch is not None:
            launched = LaunchedServer(section.launch, model, section.start_timeout)
            urls = (launched.url,)
            try:
                check_urls(model, urls, self.access)
            except BaseException:
                launched.close()
                raise
        self._launched = launched
        self._urls = urls
        self.pool = Pool(urls, self.access.client, section.requests, section.backoff)
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._loop.run_forever, name="liftmap-server", daemon=True)
        thread.start()
        clients = [server.client for server in self.pool.servers]
        self._finalizer = weakref.finalize(self, _close, self._loop, thread, clients, launched)

    def close(self) -> None:
        """Closes the connections and ends the launched server; it can't be used again."""
        self._finalizer()

    def identity(self) -> dict[str, Any]:
        """What the servers tell of the model; errors as `Access.identity`."""
        return self.access.identity(self.model, self._urls)

    def start(self, coroutine: Coroutine[Any, Any, Reply]) -> concurrent.futures.Future[Reply]:
        """Runs a coroutine in the loop of the connection."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def persist(
        self,
        ask: Callable[[Server], Awaitable[Reply]],
        still_answers: Callable[[Server], Awaitable[bool]],
        jitter: random.Random,
    ) -> Reply:
        """What the least busy server replies; sends the request again when it fails.

        Args:
            ask: Sends the request to one server.
            still_answers: Whether a server answers what was answered before.
            jitter: Spreads the pauses.

        Raises:
            Refusal: The server refuses the request.
            Fault: This request fails again and again while others do not.
            ModelError: No server gives anything.
        """
        retries = self.section.retries
        delay = self.section.backoff
        tries = 0
        while True:
            server = await self.pool.take()
            sent, replies = self._loop.time(), self.replies
            try:
                reply = await ask(server)
                server.failures = 0
                self.replies += 1
                return reply
            except Fault as fault:
                self.pool.count_failure(server, sent, fault.wait)
                tries += not fault.busy
                all_down = all(s.failures > retries for s in self.pool.servers)
                if self._launched is not None and self._launched.ended():
                    raise self._gives_nothing(server, fault) from None
                if tries > retries or all_down:
                    if not (self.replies > replies or await self._still_works(still_answers)):
                        raise self._gives_nothing(server, fault) from None
                    # Busy for this request alone: as where a proxy gives 502 for what ends a
                    # server's worker.
                    if tries > retries or fault.busy:
                        times = max(tries, retries + 1)
                        raise Fault(f"{fault.what}, {times} times") from None
                wait = max(
                    fault.wait, min(delay * jitter.uniform(0.5, 1.5), LONGEST_BACKOFF_SECONDS)
                )
                delay = min(2 * delay, LONGEST_BACKOFF_SECONDS)
            finally:
                self.pool.give_back(server)
            await asyncio.sleep(wait)

    async def _still_works(self, still_answers: Callable[[Server], Awaitable[bool]]) -> bool:
        """Whether some server still answers what was answered before; asked twice each."""
        for server in self.pool.servers * 2:
            if await still_answers(server):
                server.failures = 0
                return True
        return False

    def _gives_nothing(self, server: Server, fault: Fault) -> ModelError:
        what = f"The server at {server.url} gives no responses; the last failure: {fault.what}."
        if len(self.pool.servers) > 1:
            what += f" Nor do the other URLs ({len(self.pool.servers)} in all)."
        if self._launched is not None:
            lines = self.access.without_key(self._launched.log_tail())
            what += f" Its last lines:\n{lines}\n"
        return ModelError(what, remedy=f"See whether it still runs, and what it logs. {GOES_ON}")


def _close(
    loop: asyncio.AbstractEventLoop,
    thread: threading.Thread,
    clients: list[openai.AsyncOpenAI],
    launched: LaunchedServer | None,
) -> None:
    async def close_all() -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        for client in clients:
            await client.close()

    if threading.current_thread() is not thread:
        with suppress(concurrent.futures.TimeoutError):
            asyncio.run_coroutine_threadsafe(close_all(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        if not thread.is_alive():
            loop.close()
    if launched is not None:
        launched.close()
