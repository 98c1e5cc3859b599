"""The transformers engine: samples many responses a question from a Hugging Face causal model.

An engine of the `sample` stage. The time of sampling goes into forward passes, and responses to one
question begin alike; so responses that are still the same share one row of the batch. A question
starts as one row (one prefill for all its responses); at each step every response draws its own
next token from its row, and the row splits into one for each distinct token. Rows whose responses
have all ended are dropped. The draws are those of ordinary independent sampling: a row's next-token
distribution is the same for every response in it, and each response has its own random numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache, LogitsProcessorList
from transformers.generation.logits_process import (
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from liftmap.errors import InputError, ModelError
from liftmap.records import Response, SamplingSettings
from liftmap.sample.hf import end_token_ids, load_model

DEFAULT_ROWS = 4096


@dataclass
class _Branches:
    """Rows of the batch that go on, and the responses that each stands for.

    Attributes:
        row_of: (responses,) the row that each unfinished response follows.
        response: (responses,) which response that is.
        logits: (rows, vocabulary) next-token logits.
        cache: Keys and values of the rows.
        mask: (rows, length) attention mask; the prompts are padded on the left.
        step: Tokens drawn so far.
    """

    row_of: torch.Tensor
    response: torch.Tensor
    logits: torch.Tensor
    cache: DynamicCache
    mask: torch.Tensor
    step: int


class TransformersEngine:
    """Samples from a causal model in this process.

    Attributes:
        model: The loaded model, in evaluation mode.
        tokenizer: Its tokenizer.
        batch_size: The most rows in one forward pass; halves when memory runs out.
    """

    def __init__(self, model: str, batch_size: int = 0, device: str | None = None) -> None:
        """Loads the model.

        Args:
            model: A hub id or a Hugging Face folder.
            batch_size: The most rows in one forward pass; 0 for 4,096.
            device: A torch device; None for CUDA where there is one.

        Raises:
            ModelError: The model can't be loaded.
        """
        self.model, self.tokenizer = load_model(model, device)
        self.batch_size = batch_size or DEFAULT_ROWS
        self._ends = torch.tensor(end_token_ids(self.model, self.tokenizer), device=self.device)

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return torch.device(self.model.device)

    def generate(
        self, prompts: Mapping[str, str], count: int, settings: SamplingSettings
    ) -> Iterator[Response]:
        """Yields `count` responses for each prompt, question by question.

        Raises:
            InputError: A prompt has no tokens, or leaves no room for a response.
            ModelError: Not even one row fits into memory.
        """
        ids = {q: list(self.tokenizer(text)["input_ids"]) for q, text in prompts.items()}
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
        # Prompts of like length together: less padding.
        order = sorted(ids, key=lambda q: len(ids[q]))
        block = max(1, self.batch_size // 8)
        for start in range(0, len(order), block):
            chosen = order[start : start + block]
            yield from self._sample_block(chosen, [ids[q] for q in chosen], count, settings)

    @torch.inference_mode()
    def _sample_block(
        self,
        question_ids: list[str],
        prompts: list[list[int]],
        count: int,
        settings: SamplingSettings,
    ) -> list[Response]:
        responses = len(prompts) * count
        tokens = torch.zeros((responses, settings.max_tokens), dtype=torch.int32)
        lengths = torch.zeros(responses, dtype=torch.int32)
        stopped = torch.zeros(responses, dtype=torch.bool)
        log_probability = torch.zeros(responses, dtype=torch.float64)
        uniforms = torch.from_numpy(
            np.concatenate([uniform_draws(q, count, settings) for q in question_ids])
        )
        warpers = _warpers(settings)
        waiting = self._prefill(prompts, count)
        while waiting:
            state = waiting.pop()
            if len(state.logits) > self.batch_size:
                waiting += _halves(state)
                continue
            drawn = _draw(state, uniforms[state.response.cpu(), state.step], warpers)
            natural = torch.log_softmax(state.logits.float(), dim=-1)
            here = state.response.cpu()
            ended = torch.isin(drawn, self._ends)
            # A response may end by any of the end tokens; which one says nothing of the response.
            any_end = natural[:, self._ends].logsumexp(dim=-1)[state.row_of]
            likely = torch.where(ended, any_end, natural[state.row_of, drawn])
            log_probability[here] += likely.double().cpu()
            kept = here[~ended.cpu()]
            tokens[kept, state.step] = drawn[~ended].int().cpu()
            lengths[kept] = state.step + 1
            stopped[here[ended.cpu()]] = True
            if len(kept) and state.step + 1 < settings.max_tokens:
                waiting += self._step(state, drawn, ~ended)
        return self._responses(
            question_ids, prompts, count, tokens, lengths, stopped, log_probability
        )

    def _prefill(self, prompts: list[list[int]], count: int) -> list[_Branches]:
        """One forward pass over the prompts; each row stands for `count` responses."""
        longest = max(len(p) for p in prompts)
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([[pad] * (longest - len(p)) + p for p in prompts], device=self.device)
        mask = torch.tensor(
            [[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=self.device
        )
        rows = torch.arange(len(prompts), device=self.device)
        state = _Branches(
            row_of=rows.repeat_interleave(count),
            response=torch.arange(len(prompts) * count, device=self.device),
            logits=torch.empty(0),
            cache=DynamicCache(),
            mask=mask,
            step=-1,
        )
        return self._forward(state, ids)

    def _step(self, state: _Branches, drawn: torch.Tensor, going: torch.Tensor) -> list[_Branches]:
        """Splits the rows by the tokens drawn and runs the model on the new rows."""
        vocabulary = state.logits.shape[-1]
        pairs, row_of = torch.unique(
            state.row_of[going] * vocabulary + drawn[going], return_inverse=True
        )
        parents = pairs // vocabulary
        cache = state.cache
        if len(parents) != len(state.logits) or bool((parents != _like_range(parents)).any()):
            cache.batch_select_indices(parents)
        mask = state.mask[parents]
        following = _Branches(
            row_of=row_of,
            response=state.response[going],
            logits=torch.empty(0),
            cache=cache,
            mask=torch.cat([mask, mask.new_ones((len(mask), 1))], dim=1),
            step=state.step,
        )
        return self._forward(following, (pairs % vocabulary)[:, None])

    def _forward(self, state: _Branches, ids: torch.Tensor) -> list[_Branches]:
        """Runs the model on `ids`; halves the rows when memory runs out."""
        positions = (state.mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        length_before = state.cache.get_seq_length()
        try:
            out = self.model(
                input_ids=ids,
                attention_mask=state.mask,
                position_ids=positions,
                past_key_values=state.cache,
                use_cache=True,
                logits_to_keep=1,
            )
        except (torch.OutOfMemoryError, MemoryError):
            if len(ids) == 1:
                raise ModelError(
                    "Not even one response fits into memory.",
                    remedy="Lower max_tokens, or use a smaller model or a larger machine.",
                ) from None
            state.cache = _shortened(state.cache, length_before)
            self.batch_size = max(1, len(ids) // 2)
            state.logits = torch.zeros((len(ids), 1), device=self.device)
            parts = []
            for half in _halves(state, extra=ids):
                parts += self._forward(half, half.logits)
            return parts
        state.logits = out.logits[:, -1, :]
        state.step += 1
        return [state]

    def _responses(
        self,
        question_ids: list[str],
        prompts: list[list[int]],
        count: int,
        tokens: torch.Tensor,
        lengths: torch.Tensor,
        stopped: torch.Tensor,
        log_probability: torch.Tensor,
    ) -> list[Response]:
        """Turns the drawn tokens into records; each distinct response is decoded once."""
        rows, sizes = tokens.numpy(), lengths.tolist()
        stops, likely = stopped.tolist(), log_probability.tolist()
        found: list[Response] = []
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
                found.append(
                    Response(question_id, index, texts[ids], ids, reason, likely[at])  # type: ignore[arg-type]
                )
        return found


def uniform_draws(question_id: str, count: int, settings: SamplingSettings) -> NDArray[np.float64]:
    """The random numbers of a question's responses.

    Args:
        question_id: With the seed it keys a counter-based generator.
        count: Responses; the first ones do not depend on how many follow.
        settings: Its seed and max_tokens.

    Returns:
        (count, max_tokens) uniform in [0, 1).
    """
    key = hashlib.sha256(f"{settings.seed}/{question_id}".encode()).digest()
    rng = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "big")))
    # A value so near to 1 that adding a row number would round it up could leave its row.
    return np.minimum(rng.random((count, settings.max_tokens)), 1 - 1e-9)


def _warpers(settings: SamplingSettings) -> LogitsProcessorList:
    warpers = LogitsProcessorList()
    if settings.temperature != 1:
        warpers.append(TemperatureLogitsWarper(settings.temperature))
    if settings.top_k:
        warpers.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        warpers.append(TopPLogitsWarper(settings.top_p))
    return warpers


def _draw(state: _Branches, uniforms: torch.Tensor, warpers: Any) -> torch.Tensor:
    """Next token of each response by inversion of its row's distribution function."""
    logits = warpers(None, state.logits.float()) if len(warpers) else state.logits.float()
    cumulative = torch.softmax(logits, dim=-1).double().cumsum(dim=-1)
    cumulative /= cumulative[:, -1:].clone()
    rows, vocabulary = cumulative.shape
    # One sorted line of all rows, row i in (i, i + 1]: one search finds every response's token.
    line = (cumulative + torch.arange(rows, device=logits.device)[:, None]).flatten()
    wanted = state.row_of.double() + uniforms.to(logits.device)
    token = torch.searchsorted(line, wanted, right=True) - state.row_of * vocabulary
    return token.clamp(0, vocabulary - 1)


def _like_range(rows: torch.Tensor) -> torch.Tensor:
    return torch.arange(len(rows), device=rows.device)


def _halves(state: _Branches, extra: torch.Tensor | None = None) -> list[_Branches]:
    """The rows of a state in two states; `extra` (rows, ...) replaces the logits in them."""
    rows = len(state.logits)
    carried = state.logits if extra is None else extra
    parts = []
    for low, high in ((0, rows // 2), (rows // 2, rows)):
        chosen = torch.arange(low, high, device=state.mask.device)
        mine = (state.row_of >= low) & (state.row_of < high)
        parts.append(
            _Branches(
                row_of=state.row_of[mine] - low,
                response=state.response[mine],
                logits=carried[low:high],
                cache=_selected(state.cache, chosen),
                mask=state.mask[low:high],
                step=state.step,
            )
        )
    return parts


def _shortened(cache: DynamicCache, length: int) -> DynamicCache:
    """A cache as it was at `length`; a pass that ran out of memory has lengthened some layers."""
    kept = DynamicCache()
    for index, layer in enumerate(cache.layers):
        if length and layer.is_initialized:
            kept.update(layer.keys[..., :length, :], layer.values[..., :length, :], index)
    return kept


def _selected(cache: DynamicCache, rows: torch.Tensor) -> DynamicCache:
    """A cache that holds a copy of some rows."""
    chosen = DynamicCache()
    for index, layer in enumerate(cache.layers):
        if layer.is_initialized:
            chosen.update(layer.keys[rows], layer.values[rows], index)
    return chosen
