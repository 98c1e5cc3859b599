"""A loopback server that speaks OpenAI, and by a seeded script fails in every way a server can.

Its responses are words made from the prompt and the seed, so a test knows what each must be. As a
program (`python faulty_server.py --port N --model M`) it is a server to launch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

MODEL = "served"
FAULTS = (
    "timeout",
    "busy",
    "overloaded",
    "broken",
    "cut",
    "malformed",
    "half",
    "empty",
    "fewer",
    "more",
)


def words(prompt: str, seed: int, max_tokens: int) -> tuple[str, str]:
    """A response and its finish reason: 1 to 8 words of one token each."""
    digest = hashlib.sha256(f"{prompt}/{seed}".encode()).hexdigest()
    all_words = [digest[i : i + 6] for i in range(2, 50, 6)][: 1 + int(digest[0], 16) % 8]
    kept = all_words[:max_tokens]
    return " ".join(kept), "stop" if kept == all_words else "length"


class FaultyServer:
    """Runs while the `with` block runs.

    Attributes:
        delivered: How often each text left whole.
        asked: (prompt, seed, n) of each request for responses.
        last: The last request that was taken.
        too_early: Requests that came although a Retry-After said to wait.
    """

    def __init__(
        self,
        faults: Mapping[str, float] | None = None,
        *,
        seed: int = 0,
        model: str = MODEL,
        port: int = 0,
        most_choices: int = 128,
        copies: bool = False,
        key: str | None = None,
        refuses_logprobs: int | None = None,
        refuses: Sequence[tuple[str, float]] = (),
        dies_after: int | None = None,
        retry_after: str = "0.05",
        ignores_seed: bool = False,
        goes_on: str = "",
        ends_with: Mapping[str, object] | None = None,
    ) -> None:
        self.faults = dict(faults or {})
        self.model, self.key = model, key
        self.most_choices, self.copies = most_choices, copies
        self.refuses_logprobs, self.dies_after = refuses_logprobs, dies_after
        self.retry_after = retry_after
        self.refuses = refuses
        # One text whatever the seed; what follows each text; fields that take a choice's place.
        self.ignores_seed, self.goes_on, self.ends_with = ignores_seed, goes_on, ends_with
        self.last: dict[str, Any] = {}
        self.delivered: Counter[str] = Counter()
        self.asked: list[tuple[str, int, int]] = []
        self.happened: Counter[str] = Counter()
        self.too_early = 0
        self.wait_until = 0.0
        self._random = random.Random(seed)
        self.lock = threading.Lock()
        owner = self

        class Server(ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that hang up are part of the test."""

        class Handler(_Handler):
            world = owner

        self._server = Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> FaultyServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def serve(self) -> None:
        self._server.serve_forever()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def pick_fault(self) -> str | None:
        with self.lock:
            drawn = self._random.random()
        for name, share in self.faults.items():
            drawn -= share
            if drawn < 0:
                self.happened[name] += 1
                return name
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    world: FaultyServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def reply(self, status: int, content: object, **headers: str) -> None:
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()

    def refuse(self, status: int, message: str, **headers: str) -> None:
        self.reply(status, {"error": {"message": message, "code": None}}, **headers)

    def key_is_wrong(self) -> bool:
        given = self.headers.get("Authorization", "")
        if self.world.key is None or given == f"Bearer {self.world.key}":
            return False
        self.refuse(401, f"wrong key in {given!r}")
        return True

    def do_GET(self) -> None:
        if self.key_is_wrong():
            return
        if self.path == "/v1/models":
            self.reply(200, {"object": "list", "data": [{"id": self.world.model}]})
        else:
            self.refuse(404, "no such page")

    def do_POST(self) -> None:
        world = self.world
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.key_is_wrong():
            return
        chat = self.path == "/v1/chat/completions"
        if not chat and self.path != "/v1/completions":
            self.refuse(404, "no such page")
            return
        prompt = "|".join(m["content"] for m in body["messages"]) if chat else body["prompt"]
        with world.lock:
            world.asked.append((prompt, body.get("seed", 0), body.get("n", 1)))
            world.too_early += time.monotonic() < world.wait_until
            dead = world.dies_after is not None and len(world.asked) > world.dies_after
        if dead:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if body["model"] != world.model:
            self.refuse(404, f"no model {body['model']}")
        elif "logprobs" in body and world.refuses_logprobs is not None:
            self.refuse(world.refuses_logprobs, "this server gives no logprobs")
        elif named := [name for name, value in world.refuses if body.get(name) == value]:
            self.refuse(400, f"can't take {', '.join(named)}")
        elif "too long" in prompt:
            self.refuse(400, "the prompt exceeds the context length")
        elif "poison" in prompt:
            self.refuse(500, "this prompt breaks the server")
        else:
            world.last = body
            self.answer(prompt, body, chat, world.pick_fault())

    def answer(self, prompt: str, body: Mapping[str, Any], chat: bool, fault: str | None) -> None:
        world, count = self.world, min(body.get("n", 1), self.world.most_choices)
        if fault == "timeout":
            time.sleep(1)
            self.close_connection = True
            return
        if fault == "busy":
            world.wait_until = time.monotonic() + float(world.retry_after)
            self.refuse(429, "slow down", Retry_After=world.retry_after)
            return
        if fault in ("overloaded", "broken"):
            self.refuse(503 if fault == "overloaded" else 500, fault)
            return
        count += {"fewer": -1, "more": 2, "empty": -count}.get(fault or "", 0)
        choices = [self.choice(prompt, body, chat, i) for i in range(max(count, 0))]
        usage = {"completion_tokens": sum(len(c["text"].split()) for c in choices)}
        shown = [{k: v for k, v in c.items() if not chat or k != "text"} for c in choices]
        payload = json.dumps({"choices": shown, "usage": usage}).encode()
        if fault == "malformed":
            self.reply(200, payload.replace(b":", b";"))
        elif fault == "half":
            self.reply(200, payload[: len(payload) // 2])
        elif fault == "cut":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload[: len(payload) // 2])
            self.close_connection = True
        else:
            with world.lock:
                world.delivered.update(choice["text"] for choice in choices)
            self.reply(200, payload)

    def choice(self, prompt: str, body: Mapping[str, Any], chat: bool, at: int) -> dict[str, Any]:
        seed = body.get("seed", 0) + (0 if self.world.copies else at)
        text, reason = words(prompt, 0 if self.world.ignores_seed else seed, body["max_tokens"])
        text += self.world.goes_on
        each = [-0.5] * len(text.split())
        given: dict[str, Any] = {"index": at, "text": text, "finish_reason": reason}
        if chat:
            given["message"] = {"role": "assistant", "content": text, "reasoning": "so " + text}
        if body.get("logprobs"):
            given["logprobs"] = (
                {"content": [{"token": "w", "logprob": v} for v in each]}
                if chat
                else {"token_logprobs": each}
            )
        return given | dict(self.world.ends_with or {})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--pids", help="a file to write the process ids to")
    parser.add_argument("--end-with", help="say this and end at once")
    given = parser.parse_args()
    if given.end_with:
        print(given.end_with, flush=True)
        sys.exit(3)
    if given.pids:
        # A process of the server's own, as vLLM has several.
        worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(given.pids, "w") as file:
            file.write(f"{os.getpid()} {worker.pid}")
    FaultyServer(model=given.model, port=given.port).serve()


if __name__ == "__main__":
    main()
