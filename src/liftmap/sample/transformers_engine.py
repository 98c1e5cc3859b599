"""The transformers engine: samples many responses a question from a Hugging Face causal model.

An engine of the `sample` stage. The time of sampling goes into forward passes, and responses to one
question begin alike; so responses that are still the same share one row of the batch. A question
starts as one row (one prefill for all its responses); at each step every response draws its own
next token from its row, and the row splits into one for each distinct token. Rows whose responses
have all ended are dropped. The draws are those of ordinary independent sampling: a row's next-token
distribution is the same for every response in it, and each response has its own random numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache

from liftmap.errors import InputError, LiftmapError, ModelError
from liftmap.records import Prompt, Response, SamplingSettings
from liftmap.sample.hf import (
    end_token_ids,
    free_memory,
    is_out_of_memory,
    load_model,
    prompt_facts,
    prompt_ids,
)
from liftmap.sample.identity import identity_of_model
from liftmap.sample.token_rows import Rows, draw, halves, make_warpers, split_rows, uniform_draws

DEFAULT_ROWS = 4096
# Prompt tokens of one prefill, and bytes of random numbers held at a time.
PREFILL_TOKENS = 2**15
UNIFORM_BYTES = 2**28
# Bytes a logit costs while a token is drawn: as computed, as float32, and its share.
LOGIT_BYTES = 16


@dataclass
class _Block:
    """What has been drawn for a block of questions, by response.

    Attributes:
        tokens: (responses, max_tokens) the tokens, the end token left out.
        lengths: (responses,) how many.
        stopped: (responses,) whether an end token came.
        log_probability: (responses,) sum over the tokens and the end.
    """

    tokens: torch.Tensor
    lengths: torch.Tensor
    stopped: torch.Tensor
    log_probability: torch.Tensor


class TransformersEngine:
    """Samples from a causal model in this process.

    Attributes:
        name: What it was loaded by.
        model: The loaded model, in evaluation mode.
        tokenizer: Its tokenizer.
        batch_size: The most rows in one forward pass; halves when memory runs out.
    """

    def __init__(
        self, model: str, batch_size: int = 0, device: str | None = None, dtype: str = "auto"
    ) -> None:
        """Loads the model.

        Args:
            model: A hub id, a Hugging Face folder or a `.gguf` file.
            batch_size: The most rows in one forward pass; 0 for as many as fit, up to 4,096.
            device: A torch device; None for CUDA where there is one.
            dtype: See `load_model`.

        Raises:
            ModelError: The model can't be loaded.
        """
        self._take(model, *load_model(model, device, dtype), batch_size)

    def _take(self, name: str, model: Any, tokenizer: Any, batch_size: int) -> None:
        """Begins to sample from a loaded model; the name is what it was loaded by."""
        self.name = name
        self.model, self.tokenizer = model, tokenizer
        self.batch_size = batch_size or DEFAULT_ROWS
        self._ends = torch.tensor(end_token_ids(model, tokenizer), device=self.device)
        self._stops: dict[tuple[str, ...], torch.Tensor] = {}

    def identity(self) -> dict[str, str]:
        """See `sample.identity_of`."""
        return identity_of_model(self.name)

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return torch.device(self.model.device)

    def generate(
        self, prompts: Mapping[str, Prompt], count: int, settings: SamplingSettings, first: int = 0
    ) -> Iterator[Response]:
        """Yields `count` responses for each prompt, question by question.

        Raises:
            InputError: A prompt has no tokens, or leaves no room for a response.
            ModelError: Not even one row fits into memory; the model has no chat template and the
                prompt is a conversation; no token begins with a stop string.
        """
        ids = self.check(prompts, settings)
        ends = self.ends_of(settings.stop)
        # Prompts of like length together: less padding.
        order = sorted(ids, key=lambda q: len(ids[q]))
        start = 0
        while count and start < len(order):
            chosen = order[start : start + self._block(len(ids[order[start]]), count, settings)]
            while len(chosen) > 1 and len(chosen) * len(ids[chosen[-1]]) > PREFILL_TOKENS:
                chosen = chosen[: len(chosen) // 2]
            try:
                block = self._sample_block(
                    chosen, [ids[q] for q in chosen], count, settings, first, ends
                )
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if self.batch_size == 1:
                    raise ModelError(
                        "Not even one response fits into memory.",
                        remedy="Lower max_tokens, or use a smaller model or a larger machine.",
                    ) from None
                # What was drawn of this block is drawn again, the same: draws are keyed.
                self.batch_size = max(1, self.batch_size // 2)
                continue
            yield from self._responses(chosen, [ids[q] for q in chosen], count, first, block)
            start += len(chosen)

    def check(
        self, prompts: Mapping[str, Prompt], settings: SamplingSettings
    ) -> dict[str, list[int]]:
        """The tokens of prompts that can be answered; draws nothing.

        Raises:
            InputError: A prompt has no tokens, leaves no room for a response, or has words that
                the tokenizer can't read.
            ModelError: The model has no chat template and a prompt is a conversation; no token
                begins with a stop string.
        """
        ids = {}
        for question_id, prompt in prompts.items():
            try:
                ids[question_id] = prompt_ids(self.tokenizer, prompt)
            except LiftmapError:
                raise
            except Exception as failure:
                # A tokenizer without a token for what it does not know raises no class of its own.
                raise InputError(
                    f"The model's tokenizer can't read the prompt of {question_id}: {failure}.",
                    seen=prompt,
                    remedy="Ask a model that knows these words; the testbed's models know only "
                    "those of the task kin.",
                ) from failure
        self._check_room(ids, settings)
        self.ends_of(settings.stop)
        return ids

    def prompt_facts(self, prompt: Prompt) -> dict[str, object]:
        """How this prompt ends, and what marks thoughts; see `hf.prompt_facts`."""
        return prompt_facts(self.tokenizer, prompt)

    def _check_room(self, ids: Mapping[str, list[int]], settings: SamplingSettings) -> None:
        room = getattr(self.model.config, "max_position_embeddings", None)
        for question_id, tokens in ids.items():
            if not tokens:
                raise InputError(f"The prompt of question {question_id} is empty.")
            if room is not None and len(tokens) + settings.max_tokens > room:
                raise InputError(
                    f"The prompt of question {question_id} has {len(tokens)} tokens; with "
                    f"max_tokens = {settings.max_tokens} it exceeds the model's {room} positions.",
                    remedy="Lower max_tokens, or shorten the prompt.",
                )

    def ends_of(self, stop: tuple[str, ...]) -> torch.Tensor:
        """The tokens that end a response, given these stop strings; see `hf.end_token_ids`."""
        if not stop:
            return self._ends
        if stop not in self._stops:
            ends = end_token_ids(self.model, self.tokenizer, stop)
            self._stops[stop] = torch.tensor(ends, device=self.device)
        return self._stops[stop]

    def _block(self, shortest: int, count: int, settings: SamplingSettings) -> int:
        """How many questions are worked on at a time."""
        return max(
            1,
            min(
                self.batch_size // 8,
                PREFILL_TOKENS // shortest,
                UNIFORM_BYTES // (8 * count * settings.max_tokens),
            ),
        )

    @torch.inference_mode()
    def _sample_block(
        self,
        question_ids: list[str],
        prompts: list[list[int]],
        count: int,
        settings: SamplingSettings,
        first: int,
        ends: torch.Tensor,
    ) -> _Block:
        responses = len(prompts) * count
        block = _Block(
            tokens=torch.zeros((responses, settings.max_tokens), dtype=torch.int32),
            lengths=torch.zeros(responses, dtype=torch.int32),
            stopped=torch.zeros(responses, dtype=torch.bool),
            log_probability=torch.zeros(responses, dtype=torch.float64),
        )
        uniforms = torch.from_numpy(
            np.concatenate([uniform_draws(q, count, settings, first) for q in question_ids])
        )
        warpers = make_warpers(settings)
        waiting = [self._start(prompts, count)]
        limit = 0
        while waiting:
            state = waiting.pop()
            if limit and len(state.ids) > limit:
                waiting += halves(state)
                continue
            logits = self._forward(state)
            limit = limit or self._rows_that_fit(state, logits, settings.max_tokens)
            here = state.response.cpu()
            own = uniforms[here, state.step].to(self.device)
            token, ended, likely = draw(logits, state.row_of, own, warpers, ends)
            block.log_probability[here] += likely.double().cpu()
            unfinished = here[~ended.cpu()]
            block.tokens[unfinished, state.step] = token[~ended].int().cpu()
            block.lengths[unfinished] = state.step + 1
            block.stopped[here[ended.cpu()]] = True
            state.step += 1
            if len(unfinished) and state.step < settings.max_tokens:
                waiting.append(split_rows(state, token, ~ended, logits.shape[-1]))
        return block

    def _start(self, prompts: list[list[int]], count: int) -> Rows:
        """A row for each prompt, which stands for `count` responses."""
        longest = max(len(p) for p in prompts)
        pad = self.tokenizer.pad_token_id or 0
        rows = torch.arange(len(prompts), device=self.device)
        return Rows(
            row_of=rows.repeat_interleave(count),
            response=torch.arange(len(prompts) * count, device=self.device),
            ids=torch.tensor([[pad] * (longest - len(p)) + p for p in prompts], device=self.device),
            cache=DynamicCache(),
            mask=torch.tensor(
                [[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=self.device
            ),
            step=0,
        )

    def _forward(self, state: Rows) -> torch.Tensor:
        """Next-token logits of each row; the state's cache grows by what the model has read."""
        positions = (state.mask.cumsum(dim=1) - 1).clamp(min=0)[:, -state.ids.shape[1] :]
        logits: torch.Tensor = self.model(
            input_ids=state.ids,
            attention_mask=state.mask,
            position_ids=positions,
            past_key_values=state.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits
        return logits[:, -1, :]

    def _rows_that_fit(self, state: Rows, logits: torch.Tensor, max_tokens: int) -> int:
        """Rows of full length for which half of the free memory suffices, up to the batch size."""
        rows, length = state.mask.shape
        held = sum(
            layer.keys.nbytes + layer.values.nbytes
            for layer in state.cache.layers
            if layer.is_initialized
        )
        of_row = held / rows * (1 + max_tokens / length) + logits.shape[-1] * LOGIT_BYTES
        return max(1, min(self.batch_size, int(free_memory(self.device) / 2 / of_row)))

    def _responses(
        self,
        question_ids: list[str],
        prompts: list[list[int]],
        count: int,
        first: int,
        block: _Block,
    ) -> Iterator[Response]:
        """Turns the drawn tokens into records; each distinct response is decoded once."""
        rows, sizes = block.tokens.numpy(), block.lengths.tolist()
        stops, likely = block.stopped.tolist(), block.log_probability.tolist()
        for which, question_id in enumerate(question_ids):
            prompt_text = self.tokenizer.decode(prompts[which])
            texts: dict[tuple[int, ...], str] = {}
            for index in range(count):
                at = which * count + index
                ids = tuple(rows[at, : sizes[at]].tolist())
                if ids not in texts:
                    # Decoded with the prompt, so that a leading space is kept or left out as the
                    # tokenizer would have it.
                    whole = self.tokenizer.decode(prompts[which] + list(ids))
                    texts[ids] = whole[len(prompt_text) :]
                reason = "stop" if stops[at] else "length"
                yield Response(
                    question_id,
                    first + index,
                    texts[ids],
                    ids,
                    reason,  # type: ignore[arg-type]
                    likely[at],
                )
