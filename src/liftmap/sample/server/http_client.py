"""The HTTP client under the openai client: no reply, of an error neither, is longer than a limit.

Used by `check.Access`. The openai client reads a reply whole into memory, unpacked, in whatever
encoding the server names; here the bytes are counted while they come, and they are read as UTF-8.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import ModuleType

# The longest reply, in bytes: 16 responses of 32,000 tokens with their log-probabilities fit.
LONGEST_REPLY = 64_000_000
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# How a reply may be packed: what zlib reads by itself.
PACKED = {"": None, "identity": None, "gzip": 47, "x-gzip": 47, "deflate": 47}


class ReplyError(Exception):
    """A reply is too long, or packed in a way that was not asked for."""


def make_http_client(openai: ModuleType, url: str) -> Any:
    """An HTTP client for the openai client of one server."""
    # The library that this version of openai is built on: httpx, or httpx2.
    library = openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0]
    byte_stream: Any = importlib.import_module(library).AsyncByteStream

    class Counted(byte_stream):  # type: ignore[misc]
        """The unpacked bytes of a reply, until they are too many."""

        def __init__(self, packed: Any, window: int | None) -> None:
            self.packed, self.window = packed, window

        async def __aiter__(self) -> AsyncIterator[bytes]:
            unpacker = None if self.window is None else zlib.decompressobj(self.window)
            left = LONGEST_REPLY
            async for part in self.packed:
                if unpacker is not None:
                    part = _unpack(unpacker, part, left + 1)
                left -= len(part)
                if left < 0:
                    raise ReplyError(f"the reply is longer than {LONGEST_REPLY:,} bytes")
                yield part

        async def aclose(self) -> None:
            await self.packed.aclose()

    async def count(response: Any) -> None:
        packing = response.headers.pop("content-encoding", "").strip().lower()
        if packing not in PACKED:
            raise ReplyError(f"the reply is packed by {packing[:20]!r}, which was not asked for")
        response.stream = Counted(response.stream, PACKED[packing])
        response.encoding = "utf-8"
        # Nothing that a server wants remembered comes back to it.
        client.cookies.clear()

    client = openai.DefaultAsyncHttpxClient(
        headers={"Accept-Encoding": "gzip"},
        # A proxy is for other machines.
        trust_env=urlsplit(url).hostname not in LOOPBACK,
        event_hooks={"response": [count]},
        max_redirects=3,
    )
    return client


def _unpack(unpacker: Any, part: bytes, most: int) -> bytes:
    try:
        unpacked: bytes = unpacker.decompress(part, most)
    except zlib.error as error:
        raise ReplyError(f"the reply can't be unpacked: {error}") from None
    return unpacked
