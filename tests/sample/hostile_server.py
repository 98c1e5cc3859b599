"""A loopback server that answers each prompt as an attacker would: see `MODES`.

Raw sockets, since much of it is not HTTP. A prompt that is the name of a mode is answered in that
way, any other by its words.
"""

from __future__ import annotations

import gzip
import json
import socket
import socketserver
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from .faulty_server import words

KEY = "sk-test-0123456789abcdef"
Send = Callable[[bytes], None]


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    lines += ["Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def choice(**changes: Any) -> dict[str, Any]:
    return {"index": 0, "text": "so it is", "finish_reason": "stop"} | changes


def reply(*choices: Any, **further: Any) -> bytes:
    return json.dumps({"choices": list(choices) or [choice()]} | further).encode()


def raw(text: str) -> bytes:
    """A reply with a choice whose fields are written as they are, also what JSON does not know."""
    return f'{{"choices": [{{"index": 0, "finish_reason": "stop", {text}}}]}}'.encode()


def sends(content: bytes) -> Callable[[Send], None]:
    return lambda send: send(content)


def json_reply(content: bytes, *headers: str) -> Callable[[Send], None]:
    return sends(http(content, *headers))


def likely(values: str) -> Callable[[Send], None]:
    return json_reply(raw(f'"text": "so it is", "logprobs": {{"token_logprobs": {values}}}'))


def drip(send: Send) -> None:
    """A header, then a byte at a time for longer than any limit of silence."""
    send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    for _ in range(100):
        send(b" ")
        time.sleep(0.05)


def hang(send: Send) -> None:
    time.sleep(3)


def endless(send: Send) -> None:
    """A reply without an end, as fast as it is read."""
    send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    part = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    for _ in range(1000):
        send(part)


def endless_headers(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        send(b"X-%d: %s\r\n" % (number, b"x" * 500))


def endless_error(send: Send) -> None:
    """An error whose message has no end."""
    send(b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n")
    part = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
    for _ in range(1000):
        send(part)


def continues(send: Send) -> None:
    """Announces a reply again and again."""
    for _ in range(100_000):
        send(b"HTTP/1.1 100 Continue\r\n\r\n")


def error(status: str, message: object, *headers: str) -> Callable[[Send], None]:
    return sends(
        http(json.dumps({"error": {"message": message}}).encode(), *headers, status=status)
    )


BOMB = gzip.compress(b" " * 200_000_000, 1)
NESTED = b"[" * 100_000 + b"]" * 100_000
FAILED = "failed"
NO_LIKELY = "what the server gave as log-probabilities"
NO_COUNT = "what the server gave as its number of tokens"
COOKIES = [f"Set-Cookie: c{i}={'x' * 900}" for i in range(60)]

# By name: how the prompt is answered, and what comes of it: the beginning of `error` of a response
# that is used, or FAILED.
MODES: dict[str, tuple[Callable[[Send], None], str]] = {
    # What is in the text.
    "lone surrogate": (json_reply(raw(r'"text": "so \ud83d"')), "half a character"),
    "lone surrogate in reasoning": (
        json_reply(raw(r'"text": "so", "reasoning_content": "\udc00"')),
        "half a character",
    ),
    "lone surrogate in finish_reason": (
        json_reply(b'{"choices": [{"text": "so", "finish_reason": "\\ud800"}]}'),
        "the server ended it",
    ),
    "control characters": (json_reply(raw(r'"text": "\u001b[2J\u0000\u0007so"')), ""),
    "text of parts": (
        json_reply(reply(choice(message={"content": [{"type": "text", "text": "so"}]}))),
        FAILED,
    ),
    "text is a number": (json_reply(reply(choice(text=3))), FAILED),
    "text is an object": (json_reply(reply(choice(text={"a": 1}))), FAILED),
    "reasoning is a list": (json_reply(reply(choice(reasoning_content=["x"]))), FAILED),
    "a text of 8 MB": (json_reply(reply(choice(text="x" * 8_000_000))), FAILED),
    "finish_reason is an object": (json_reply(reply(choice(finish_reason={"a": 1}))), FAILED),
    "finish_reason of 5 MB": (
        json_reply(reply(choice(finish_reason="x" * 5_000_000))),
        "the server ended it",
    ),
    "no finish_reason": (json_reply(reply(choice(finish_reason=None))), FAILED),
    # Log-probabilities.
    "log-probability that overflows": (likely("[-1e400]"), NO_LIKELY),
    "log-probabilities that add up to too much": (
        likely("[-1e308, -1e308]"),
        NO_LIKELY,
    ),
    "log-probability of 400 digits": (likely(f"[-{'9' * 400}]"), NO_LIKELY),
    "log-probability of 5,000 digits": (likely(f"[-{'9' * 5000}]"), FAILED),
    "log-probability is true": (likely("[true, false]"), NO_LIKELY),
    "log-probability is nan": (likely("[NaN]"), NO_LIKELY),
    "log-probability is text": (likely('["-1"]'), NO_LIKELY),
    "log-probability above 0": (likely("[5.0]"), NO_LIKELY),
    "log-probabilities are an object": (likely('{"a": 1}'), ""),
    # Numbers of tokens.
    "10^12 tokens": (
        json_reply(reply(usage={"completion_tokens": 10**12})),
        NO_COUNT,
    ),
    "true tokens": (
        json_reply(reply(usage={"completion_tokens": True})),
        NO_COUNT,
    ),
    "-5 tokens": (
        json_reply(reply(usage={"completion_tokens": -5})),
        NO_COUNT,
    ),
    "usage is a list": (json_reply(reply(usage=[1, 2])), ""),
    # The reply as JSON.
    "100,000 nested brackets": (json_reply(NESTED), FAILED),
    "100,000 nested objects": (json_reply(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), FAILED),
    "nested index": (
        json_reply(b'{"choices": [{"text": "so", "finish_reason": "stop", "index": %s}]}'
                   % (b"[" * 900 + b"]" * 900)),
        "",
    ),
    "choices is an object": (json_reply(b'{"choices": {"0": {}}}'), FAILED),
    "1,000 choices": (json_reply(reply(*[choice()] * 1000)), ""),
    "a number": (json_reply(b"3"), FAILED),
    "a page": (json_reply(b"<html>Welcome</html>", "Content-Type: text/html"), FAILED),
    "half of it": (json_reply(reply()[:30]), FAILED),
    "server-sent events": (json_reply(b"data: " + reply() + b"\n\ndata: [DONE]\n\n"), FAILED),
    "bytes that are no text": (json_reply(b"\xff\xfe\x80" + reply()), FAILED),
    "another encoding": (
        json_reply(reply(), "Content-Type: application/json; charset=zlib_codec"),
        "",
    ),
    # The reply as HTTP.
    "longer than 64 MB": (json_reply(b" " * 64_000_001 + reply()), FAILED),
    "packed to 200 KB, 200 MB unpacked": (json_reply(BOMB, "Content-Encoding: gzip"), FAILED),
    "packed in a way not asked for": (json_reply(b"x", "Content-Encoding: zstd"), FAILED),
    "not packed as it says": (json_reply(reply(), "Content-Encoding: gzip"), FAILED),
    "packed well": (json_reply(zlib.compress(reply()), "Content-Encoding: deflate"), ""),
    "without end": (endless, FAILED),
    "headers without end": (endless_headers, FAILED),
    "a byte at a time": (drip, FAILED),
    "silence": (hang, FAILED),
    "continues": (continues, FAILED),
    "no HTTP": (sends(b"SSH-2.0-OpenSSH_9.2\r\n"), FAILED),
    "nothing": (sends(b""), FAILED),
    "less than promised": (sends(http(reply(), length=10_000)), FAILED),
    "negative length": (sends(http(reply(), length=-1)), FAILED),
    "goes round in circles": (
        sends(http(b"", "Location: /v1/completions", status="307 Temporary Redirect")),
        FAILED,
    ),
    "remembers much": (json_reply(reply(), *COOKIES), ""),
    # Errors.
    "an error without end": (endless_error, FAILED),
    "an error that is nested": (sends(http(NESTED, status="500 Broken")), FAILED),
    "an error of odd kinds": (error("500 Broken", [[{"a": None}]]), FAILED),
    "an error in another encoding": (
        sends(http(b'{"error": 1}', "Content-Type: x/y; charset=rot13", status="500 Broken")),
        FAILED,
    ),
    "denies this one": (error("403 Forbidden", "not this prompt"), FAILED),
    "does not know this one": (error("404 Not Found", "no such page"), FAILED),
    "pays for this one": (error("402 Payment Required", "pay"), FAILED),
    "too busy for this one": (error("503 Busy", "later"), FAILED),
    "a wait that is none": (error("429 Slow", "later", "Retry-After: -1e999"), FAILED),
    "a wait until the year 99999": (
        error("429 Slow", "later", "Retry-After: Fri, 31 Dec 99999 23:59:59 GMT"),
        FAILED,
    ),
    "a status that is none": (sends(http(b"", status="999 ?")), FAILED),
    # The key.
    "key in the text": (json_reply(reply(choice(text=f"it is {KEY}"))), ""),
    "key in the text, escaped": (
        json_reply(raw('"text": "' + "".join(f"\\u{ord(c):04x}" for c in KEY) + '"')),
        "",
    ),
    "key in a finish_reason": (json_reply(reply(choice(finish_reason=KEY))), "the server ended it"),
    "key in no JSON": (json_reply(f"{'x' * 50}{KEY}".encode()), FAILED),
    "key in an error": (error("400 Bad", f"{'x' * 390}{KEY}"), FAILED),
    "key in a status": (sends(http(b"", status=f"500 {KEY}")), FAILED),
}  # fmt: skip


class HostileServer:
    """Runs while the `with` block runs.

    Attributes:
        url: Where it answers.
        asked: How often each prompt came.
        models: How `GET /models` is answered.
    """

    def __init__(self, models: Callable[[Send], None] | None = None) -> None:
        self.asked: Counter[str] = Counter()
        listed = json.dumps({"data": [{"id": "served"}]}).encode()
        self.models = models or json_reply(listed)
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    owner.answer(self.request)

        class Server(socketserver.ThreadingTCPServer):
            request_queue_size = 256
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that hang up are part of the test."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def answer(self, connection: socket.socket) -> None:
        file = connection.makefile("rb")
        first = file.readline().decode()
        length = 0
        while (line := file.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if first.startswith("GET"):
            self.models(connection.sendall)
            return
        body = json.loads(file.read(length))
        prompt = body["prompt"]
        self.asked[prompt] += 1
        if prompt in MODES:
            MODES[prompt][0](connection.sendall)
            return
        text, reason = words(prompt, body["seed"], body["max_tokens"])
        connection.sendall(http(reply(choice(text=text, finish_reason=reason))))

    def __enter__(self) -> HostileServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
