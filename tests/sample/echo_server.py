"""A loopback server of a testbed model that gives the log-probabilities of a prompt's tokens.

It answers completions as OpenAI and vLLM do: with `echo` and `logprobs`, or with `prompt_logprobs`.
As a program (`python echo_server.py --port N --model M`) it is a server to launch.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections import Counter
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch

from liftmap.sample.hf import load_model

WAYS = ("echo", "prompt_logprobs")


class EchoServer:
    """Runs while the `with` block runs.

    Attributes:
        asked: How often each prompt came.
        busy: How many more requests are answered with 503.
    """

    def __init__(
        self,
        model: str = "testbed:base",
        *,
        name: str | None = None,
        ways: Sequence[str] = WAYS,
        port: int = 0,
        busy: int = 0,
    ) -> None:
        self.name, self.ways, self.busy = name or model, ways, busy
        self.model, self.tokenizer = load_model(model, "cpu")
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()
        owner = self

        class Handler(_Handler):
            world = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> EchoServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        self._server.serve_forever()

    def tokens(self, text: str) -> tuple[list[int], list[str], list[float | None]]:
        """The prompt's tokens and one that follows, with their texts and log-probabilities."""
        encoding = self.tokenizer(text, return_offsets_mapping=True)
        ids = encoding["input_ids"]
        # Blanks are of the word that follows, as with most models' tokens.
        ends = [end for _, end in encoding["offset_mapping"]]
        starts = [0, *ends[:-1]]
        texts = [text[begin:end] for begin, end in zip(starts, ends, strict=True)]
        with torch.inference_mode():
            natural = torch.log_softmax(self.model(torch.tensor([ids])).logits[0].float(), dim=-1)
        following = int(natural[-1].argmax())
        shifted = torch.tensor([*ids[1:], following])
        each = natural.gather(1, shifted[:, None])[:, 0].tolist()
        return [*ids, following], [*texts, self.tokenizer.decode([following])], [None, *each]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: EchoServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def reply(self, status: int, content: object) -> None:
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def do_GET(self) -> None:
        self.reply(200, {"object": "list", "data": [{"id": self.world.name}]})

    def do_POST(self) -> None:
        world = self.world
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with world.lock:
            world.asked[body["prompt"]] += 1
            world.busy -= 1
            if world.busy >= 0:
                self.reply(503, {"error": {"message": "busy", "code": None}})
                return
        if "too long" in body["prompt"]:
            self.reply(400, {"error": {"message": "the prompt is too long", "code": None}})
            return
        ids, texts, values = world.tokens(body["prompt"])
        choice: dict[str, Any] = {"index": 0, "text": texts[-1], "finish_reason": "length"}
        if body.get("echo") and "echo" in world.ways:
            choice["text"] = "".join(texts)
            choice["logprobs"] = {"tokens": texts, "token_logprobs": values}
        if "prompt_logprobs" in body and "prompt_logprobs" in world.ways:
            entries = [
                {str(token): {"logprob": value, "rank": 1, "decoded_token": text}}
                for token, text, value in zip(ids, texts, values, strict=True)
            ]
            choice["prompt_logprobs"] = [None, *entries[1:-1]]
        self.reply(200, {"choices": [choice]})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    given = parser.parse_args()
    EchoServer(given.model, port=given.port).serve()


if __name__ == "__main__":
    main()
