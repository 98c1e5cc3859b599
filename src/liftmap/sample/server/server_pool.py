"""Shares requests between servers: the least busy first, one that fails set aside for a while.

Used by the `server` engine, inside its event loop.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liftmap.console import console

if TYPE_CHECKING:
    import openai

# A server that has failed this often in a row is set aside for a while.
SET_ASIDE_FAILURES = 3
LONGEST_BACKOFF_SECONDS = 60.0
# A longer wait than this is said.
SAID_SECONDS = 60.0


@dataclass(eq=False)
class Server:
    """One server and how it does.

    Attributes:
        url: Where it answers.
        client: The openai client.
        in_flight: Requests that wait for its reply.
        failures: Failures in a row; those of requests sent before the last one count as one.
        failed_at: When the last one was counted.
        not_before: It gets no request before this time.
    """

    url: str
    client: openai.AsyncOpenAI
    in_flight: int = 0
    failures: int = 0
    failed_at: float = -math.inf
    not_before: float = -math.inf


class Pool:
    """The servers of one engine.

    Attributes:
        servers: All of them.
    """

    def __init__(
        self,
        urls: Sequence[str],
        client: Callable[[str], openai.AsyncOpenAI],
        requests: int,
        backoff: float,
    ) -> None:
        """Connects to nothing yet.

        Args:
            urls: Where the servers answer.
            client: Makes the client of one.
            requests: The most requests in flight for each.
            backoff: Seconds of the shortest pause; see `ServerSection`.
        """
        self.servers = [Server(url, client(url)) for url in urls]
        self._requests = requests
        self._backoff = backoff
        self._freed = asyncio.Event()

    @property
    def capacity(self) -> int:
        """Requests in flight when all servers are busy."""
        return self._requests * len(self.servers)

    async def take(self) -> Server:
        """The least busy server that may be asked; waits until there is one."""
        while True:
            now = asyncio.get_running_loop().time()
            ready = [s for s in self.servers if s.not_before <= now and s.in_flight < self._room(s)]
            if ready:
                # A server that fails at once is never busy: those that work go first.
                server = min(ready, key=lambda s: (s.failures, s.in_flight))
                server.in_flight += 1
                return server
            self._freed.clear()
            later = [s.not_before for s in self.servers if s.not_before > now]
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(later, default=None)):
                    await self._freed.wait()

    def give_back(self, server: Server) -> None:
        """Ends what `take` began."""
        server.in_flight -= 1
        self._freed.set()

    def count_failure(self, server: Server, sent: float, wait: float) -> None:
        """Notes that a request failed.

        Args:
            server: Where.
            sent: When it was sent, in the loop's time.
            wait: Seconds that the server asks to wait.
        """
        now = asyncio.get_running_loop().time()
        if wait:
            if wait > SAID_SECONDS and now + wait > server.not_before + SAID_SECONDS:
                minutes = f"{wait / 60:.0f} min" if wait > 120 else f"{wait:.0f} s"
                console.print(
                    f"The server at {server.url} asks to wait {minutes}; Ctrl-C stops, and the "
                    "same command goes on later.",
                    soft_wrap=True,
                )
            server.not_before = max(server.not_before, now + wait)
        # When a server dies, all requests in flight fail: that is one failure.
        if sent < server.failed_at:
            return
        server.failures += 1
        server.failed_at = now
        if server.failures >= SET_ASIDE_FAILURES:
            pause = min(
                self._backoff * 2.0 ** min(server.failures - 1, 20), LONGEST_BACKOFF_SECONDS
            )
            server.not_before = max(server.not_before, now + min(pause, LONGEST_BACKOFF_SECONDS))

    def _room(self, server: Server) -> int:
        """One that was set aside gets a single request until it has answered."""
        return 1 if server.failures >= SET_ASIDE_FAILURES else self._requests
