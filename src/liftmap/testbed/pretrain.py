"""Pre-trains the kin base and its teacher, the checkpoints that liftmap ships.

Stands near the top of the flow: it reads text from `corpus` and writes an ordinary Hugging Face
folder that any stage, or any other tool, can load. torch and transformers are imported only when a
training starts.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from liftmap.errors import InputError, MissingDependencyError
from liftmap.progress import progress
from liftmap.testbed.corpus import IGNORED_LABEL, Chunk, Kind, batches
from liftmap.testbed.tokenizer import EOS_ID, MAX_TOKENS, PAD_ID, TOKENS, build_tokenizer
from liftmap.testbed.world import DEFAULT_SEED, make_world

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM

STEPS: dict[Kind, int] = {"base": 4000, "teacher": 2000}
MUON_RATE = 0.02
ADAMW_RATE = 3e-3
WARM_UP_STEPS = 50
FLAT_SHARE = 0.40
LAST_RATE = 0.02
CLIP_NORM = 1.0
LOSS_SMOOTHING = 0.98


def pretrain(
    kind: Kind = "base",
    out: Path = Path("checkpoint"),
    *,
    steps: int | None = None,
    seed: int = 0,
    world_seed: int = DEFAULT_SEED,
    threads: int = 2,
    show_progress: bool = True,
) -> Path:
    """Pre-trains a kin model from nothing and saves it as a Hugging Face folder.

    The folder appears whole at the end; a training that is stopped leaves nothing behind. Beside
    the model lies `pretraining.json` with the settings, the versions, the loss and the time.

    Args:
        kind: "base" learns every fact as surely as its level, in mixed styles; "teacher" learns the
            true facts in careful style.
        out: Folder to write; must not exist yet.
        steps: Optimiser steps of 256 texts, at least 1. Default: 4,000 for the base and 2,000 for
            the teacher.
        seed: Fixes the first weights and the order of the text.
        world_seed: The world to learn; the kin task must be asked with the same seed.
        threads: Processor threads that torch may use, at least 1.
        show_progress: Whether to show the progress on standard error.

    Returns:
        The folder written.

    Raises:
        InputError: `out` exists or can't be made, `kind` is unknown, or a number is below 1.
        MissingDependencyError: torch or transformers is not installed.
    """
    steps = _check(kind, out, steps, threads)
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingDependencyError(
            "Pre-training needs torch and transformers.",
            remedy='Install them with: pip install "liftmap[hf]".',
        ) from error

    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads)
    start = time.perf_counter()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = build_model()
            loss = _train(model, kind, steps, seed, world_seed, show_progress)
    finally:
        torch.set_num_threads(threads_before)
    record = {
        "kind": kind,
        "steps": steps,
        "seed": seed,
        "world_seed": world_seed,
        "threads": threads,
        "loss": round(loss, 4),
        "seconds": round(time.perf_counter() - start, 1),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    _save(model, record, out)
    return out


def build_model() -> LlamaForCausalLM:
    """The untrained model, a Llama of 0.8 million parameters, from torch's current seed."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(TOKENS),
        hidden_size=128,
        intermediate_size=512,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=MAX_TOKENS,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=EOS_ID,
        pad_token_id=PAD_ID,
        dtype="float32",
    )
    return LlamaForCausalLM(config)


def learning_rate_share(step: int, steps: int) -> float:
    """Share of the full learning rate at a step: warm-up, flat to 40 %, linear down to 2 %.

    Args:
        step: From 0 to steps - 1.
        steps: Length of the training.
    """
    warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
    left = (steps - step) / max(1.0, steps * (1 - FLAT_SHARE))
    return warm_up * max(LAST_RATE, min(1.0, left))


def _check(kind: str, out: Path, steps: int | None, threads: int) -> int:
    """Checks what was asked; gives the number of steps."""
    if kind not in STEPS:
        raise InputError(
            "There is no such kin checkpoint to train.", seen=kind, remedy="Say base or teacher."
        )
    if out.exists():
        raise InputError(
            "The folder for the checkpoint exists already.",
            seen=str(out),
            remedy="Name another one, or remove it first.",
        )
    count: int = STEPS[kind] if steps is None else steps
    for name, number in (("steps", count), ("threads", threads)):
        if number < 1:
            raise InputError(f"{name} must be at least 1.", seen=number)
    # Made now, so that a place that can't be written to is known before the training.
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder for the checkpoint can't be made: {error.strerror}.",
            seen=str(out),
            remedy="Name a place that you may write to.",
        ) from None
    return count


def _train(
    model: LlamaForCausalLM, kind: Kind, steps: int, seed: int, world_seed: int, show: bool
) -> float:
    """Trains in place; returns the smoothed loss at the end, in nats a token."""
    import torch

    optimisers = _optimisers(model)
    stream = batches(make_world(world_seed), kind, np.random.default_rng([seed, 3]))
    model.train()
    smooth = float("nan")
    bar = progress(f"pre-training the {kind}", steps, "steps") if show else nullcontext()
    with bar as advance:
        for step in range(steps):
            share = learning_rate_share(step, steps)
            for optimiser, rate in zip(optimisers, (MUON_RATE, ADAMW_RATE), strict=True):
                for group in optimiser.param_groups:
                    group["lr"] = rate * share
                optimiser.zero_grad(set_to_none=True)
            loss = _backward(model, next(stream))
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
            for optimiser in optimisers:
                optimiser.step()
            smooth = loss if step == 0 else smooth + (1 - LOSS_SMOOTHING) * (loss - smooth)
            if advance is not None:
                advance(1)
    return smooth


def _backward(model: LlamaForCausalLM, batch: list[Chunk]) -> float:
    """Adds the gradient of the batch's mean loss a token; returns that loss in nats."""
    import torch

    count = sum(int((labels != IGNORED_LABEL).sum()) for _, labels in batch)
    total = 0.0
    for tokens, labels in batch:
        # Padding is on the right, so causal attention needs no mask.
        logits = model(input_ids=torch.from_numpy(tokens), use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(
            logits[:, :-1].reshape(-1, logits.shape[-1]),
            torch.from_numpy(labels[:, 1:]).reshape(-1),
            ignore_index=IGNORED_LABEL,
            reduction="sum",
        )
        (loss / count).backward()  # type: ignore[no-untyped-call]
        total += loss.item() / count
    return total


def _optimisers(model: LlamaForCausalLM) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the hidden matrices, AdamW for embeddings and norms."""
    import torch

    hidden: list[torch.nn.Parameter] = []
    rest: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        is_hidden = parameter.ndim == 2 and "embed" not in name
        (hidden if is_hidden else rest).append(parameter)
    muon = torch.optim.Muon(
        hidden, lr=MUON_RATE, weight_decay=0.0, momentum=0.95, nesterov=True, ns_steps=5
    )
    adamw = torch.optim.AdamW(rest, lr=ADAMW_RATE, betas=(0.9, 0.95), weight_decay=0.0)
    return muon, adamw


def _save(model: LlamaForCausalLM, record: dict[str, object], out: Path) -> None:
    """Writes the folder under another name beside `out` and renames it into place."""
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        model.generation_config.pad_token_id = PAD_ID
        model.generation_config.eos_token_id = EOS_ID
        model.save_pretrained(folder)
        build_tokenizer().save_pretrained(folder)
        (folder / "pretraining.json").write_text(json.dumps(record, indent=2) + "\n")
        for path in folder.iterdir():
            path.chmod(0o644)
        folder.chmod(0o755)
        folder.rename(out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
