"""A small OpenAI-compatible server on this machine alone, which says why each response stopped.

inspect_ai's own Hugging Face provider does not. Usage: python serve.py MODEL_FOLDER PORT
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
torch.manual_seed(1)


class Handler(BaseHTTPRequestHandler):
    """Answers chat completions with one sampled response."""

    def do_POST(self) -> None:
        """One request, one response."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = tokenizer(asked["messages"][-1]["content"], return_tensors="pt")
        out = model.generate(
            **prompt,
            do_sample=True,
            temperature=asked.get("temperature", 1.0),
            max_new_tokens=asked["max_tokens"],
        )[0, prompt["input_ids"].shape[1] :].tolist()
        ended = out[-1] == tokenizer.eos_token_id
        choice = {
            "index": 0,
            "finish_reason": "stop" if ended else "length",
            "message": {
                "role": "assistant",
                "content": tokenizer.decode(out, skip_special_tokens=True),
            },
        }
        reply = {"id": "1", "object": "chat.completion", "created": 0, "model": asked["model"]}
        body = json.dumps({**reply, "choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


print("ready", flush=True)
HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
