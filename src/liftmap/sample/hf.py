"""Loads Hugging Face causal models; used by the sampling engine, the score stage and training.

Reads a model folder, a `.gguf` file or the local hub cache. Only safetensors and GGUF weights are
loaded, and code that comes with a model is never run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from liftmap.errors import ModelError, UnknownNameError
from liftmap.files import path_of
from liftmap.hub_access import unreachable
from liftmap.records import Prompt
from liftmap.registry import nearest
from liftmap.sample.gguf import is_gguf, plain_folder
from liftmap.sample.hf_messages import loading, quiet
from liftmap.sample.templates import PROMPT_END
from liftmap.testbed import CHECKPOINTS, checkpoint_path

TESTBED = "testbed:"
# Tags as they stand in chat templates (<think>, [/THINK], <|END_THINKING|>), and those of thoughts.
MARK = re.compile(r"[<\[◁][^<>\[\]◁▷\s'\"]{1,40}[>\]▷]")
THINKING = re.compile(r"think|thought|reason", re.IGNORECASE)


def resolve_model(model: str) -> str:
    """What transformers loads: a folder, or a hub id, which is left as it is.

    `testbed:base` and `testbed:teacher` are the shipped folders; a `.gguf` file is turned into a
    plain folder once (see `sample.gguf`).

    Raises:
        UnknownNameError: The testbed has no such model, or no model can have this name.
        ModelError: A folder without a model was named.
    """
    if model.startswith(TESTBED):
        kind = model.removeprefix(TESTBED)
        path = checkpoint_path(kind)
    elif Path(model).exists() or model.startswith((".", "/", "~")):
        path = path_of(model)
    elif ":" in model:
        shipped = [f"{TESTBED}{kind}" for kind in CHECKPOINTS]
        raise UnknownNameError(
            "There is no model of this name.", seen=model, remedy=nearest(model, shipped)
        )
    else:
        return model
    if is_gguf(path):
        return str(plain_folder(path))
    # A LoRA checkpoint holds an adapter; peft finds the model that it belongs to.
    for patterns in (("config.json", "adapter_config.json"), ("*.safetensors",)):
        if not any(file for pattern in patterns for file in path.glob(pattern)):
            raise ModelError(
                f"There is no model in this folder (no {patterns[0]}).",
                seen=str(path),
                remedy="Name a Hugging Face model folder with safetensors weights, a .gguf file, a "
                "hub id, testbed:base or testbed:teacher.",
            )
    return str(path)


def check_model(model: str, device: str | None = None) -> None:
    """Checks that a model can be had, and the device used, without loading its weights.

    Raises:
        ModelError: It can't; the message says why.
    """
    check_device(device)
    path = resolve_model(model)
    missing = _hub_missing(path)
    with quiet(), loading(model, missing):
        AutoTokenizer.from_pretrained(path, trust_remote_code=False, local_files_only=bool(missing))


def _hub_missing(path: str) -> str:
    """Why the hub can't be reached, where a model is on the hub; else empty."""
    return "" if Path(path).exists() else unreachable()


def load_model(model: str, device: str | None = None, dtype: str = "auto") -> tuple[Any, Any]:
    """Loads a causal model for inference, and its tokenizer.

    Args:
        model: A hub id, a folder, a `.gguf` file, `testbed:base` or `testbed:teacher`.
        device: A torch device; None takes CUDA where there is one, else the CPU.
        dtype: A torch type, as `float32` or `bfloat16`; "auto" takes the precision that the weights
            were saved in where the device computes in it, else float32. (A CPU without bfloat16
            instructions is several times slower in it.)

    Returns:
        The model in evaluation mode and the tokenizer.

    Raises:
        ModelError: It can't be loaded; the message says why.
    """
    path = resolve_model(model)
    where = check_device(device)
    precision: Any = "auto" if dtype == "auto" else getattr(torch, dtype)
    if dtype == "auto" and where.startswith("cpu") and not _cpu_has_bfloat16():
        precision = torch.float32
    missing = _hub_missing(path)
    common: dict[str, Any] = {"trust_remote_code": False, "local_files_only": bool(missing)}
    with quiet(), loading(model, missing):
        tokenizer = AutoTokenizer.from_pretrained(path, padding_side="left", **common)
        loaded = AutoModelForCausalLM.from_pretrained(
            path, dtype=precision, use_safetensors=True, **common
        )
        if where.startswith("cpu") and loaded.dtype == torch.float16:
            loaded = loaded.float()
        return loaded.to(where).eval(), tokenizer


def check_device(device: str | None) -> str:
    """The device itself, or the best there is: CUDA, else the CPU.

    Raises:
        ModelError: It can't be used here.
    """
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if where.startswith("mps"):
        raise ModelError(
            "Drawing needs float64, which Apple's GPUs do not have.",
            seen=where,
            remedy="Take device cpu, or the server engine with a server that uses the GPU.",
        )
    try:
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError):
        raise ModelError(
            "This device can't be used here.", seen=where, remedy="Say cpu, cuda or cuda:N."
        ) from None
    return where


def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 by itself."""
    try:
        return bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    except (AttributeError, RuntimeError):
        return False


def free_memory(device: torch.device) -> int:
    """Bytes that can be taken on a device now; a gibibyte where the system does not say."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + unused)
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(line for line in lines if line.startswith("MemAvailable"))
        return int(available.split()[1]) * 1024
    except (OSError, StopIteration):
        try:
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        except (ValueError, OSError, AttributeError):
            return 2**30


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; on the CPU torch has no class for it."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError)
        and ("DefaultCPUAllocator" in str(error) or "out of memory" in str(error))
    )


def prompt_ids(tokenizer: Any, prompt: Prompt) -> list[int]:
    """The tokens of a prompt; a conversation is put into words by the model's chat template.

    Raises:
        ModelError: The prompt is a conversation and the model has no chat template.
    """
    if isinstance(prompt, str):
        return list(tokenizer(prompt)["input_ids"])
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError(
            "The model has no chat template, and the prompt is a conversation.",
            seen=getattr(tokenizer, "name_or_path", None),
            remedy="Take a template that is a text, such as plain, or few-shot examples in a file.",
        )
    messages = [dict(message) for message in prompt]
    encoded = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True
    )
    return list(encoded["input_ids"])


def prompt_facts(tokenizer: Any, prompt: Prompt) -> dict[str, object]:
    """What tells where thoughts begin and end in the responses to such a prompt.

    Args:
        tokenizer: The model's.
        prompt: One of its prompts.

    Returns:
        - end: the last `PROMPT_END` characters of the prompt as the model reads it: a chat template
          may open a thought there.
        - marks: the tags in the chat template and among the tokenizer's added tokens that have to
          do with thinking, each with its token, or None where it is several tokens.
    """
    if isinstance(prompt, str):
        text = prompt
    else:
        text = tokenizer.decode(prompt_ids(tokenizer, prompt))
    template = getattr(tokenizer, "chat_template", None) or ""
    sources = template.values() if isinstance(template, dict) else [template]
    added = [str(token) for token in tokenizer.get_added_vocab()]
    named = [mark for source in sources for mark in MARK.findall(source)]
    marks: dict[str, int | None] = {}
    for mark in [*added, *named]:
        if MARK.fullmatch(mark) and THINKING.search(mark):
            ids = tokenizer(mark, add_special_tokens=False)["input_ids"]
            marks[mark] = int(ids[0]) if len(ids) == 1 else None
    return {"end": text[-PROMPT_END:], "marks": marks}


def end_token_ids(model: Any, tokenizer: Any, stop: tuple[str, ...] = ()) -> list[int]:
    """The tokens that end a response: the generation config's, else the tokenizer's.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        stop: Strings that end a response too: every token that begins with one of them is added.

    Raises:
        ModelError: The model has no end token, or no token begins with a stop string.
    """
    ends = getattr(model.generation_config, "eos_token_id", None)
    if ends is None:
        ends = tokenizer.eos_token_id
    if ends is None and not stop:
        raise ModelError(
            "The model has no end token.", remedy="Set eos_token_id in its generation config."
        )
    tokens = list(ends) if isinstance(ends, (list, tuple)) else [] if ends is None else [ends]
    # A tokenizer may know tokens that the model has no logits for.
    size = min(len(tokenizer), model.get_output_embeddings().weight.shape[0])
    pieces = tokenizer.batch_decode([[i] for i in range(size)]) if stop else []
    for text in stop:
        begun = [i for i, piece in enumerate(pieces) if piece.startswith(text)]
        if not begun:
            raise ModelError(
                "No token of the model begins with this stop string.",
                seen=text,
                remedy="Take a shorter one, as a line's end or one word.",
            )
        tokens += [i for i in begun if i not in tokens]
    return tokens
