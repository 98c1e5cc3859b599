"""Rows of a batch that many responses share, and how their next tokens are drawn.

Half of the `transformers` engine: `transformers_engine` runs the model, this draws and splits. A
question starts as one row for all its responses; every response draws its own next token from its
row, and the row splits into one for each distinct token.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache, LogitsProcessorList
from transformers.generation.logits_process import (
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from liftmap.records import SamplingSettings

# Logits worked on in one pass over next-token distributions: 128 MiB as float64.
PASS_LOGITS = 2**24
# Vocabularies above it are searched in two steps, first among blocks of this many tokens.
BLOCK_TOKENS = 4096


@dataclass
class Rows:
    """Rows of the batch that go on, and the responses that each stands for.

    Attributes:
        row_of: (responses,) the row that each unfinished response follows.
        response: (responses,) which response that is.
        ids: (rows, new) tokens that the model has yet to read: the prompts, or the last token.
        cache: Keys and values of what it has read.
        mask: (rows, length) attention mask over both; the prompts are padded on the left.
        step: Tokens drawn so far.
    """

    row_of: torch.Tensor
    response: torch.Tensor
    ids: torch.Tensor
    cache: DynamicCache
    mask: torch.Tensor
    step: int


def uniform_draws(
    question_id: str, count: int, settings: SamplingSettings, first: int = 0
) -> NDArray[np.float64]:
    """The random numbers of a question's responses.

    Args:
        question_id: With the seed it keys a counter-based generator.
        count: Responses; the first ones do not depend on how many follow.
        settings: Its seed and max_tokens.
        first: Index of the first response.

    Returns:
        (count, max_tokens) uniform in [0, 1).
    """
    key = hashlib.sha256(f"{settings.seed}/{question_id}".encode()).digest()
    rng = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "big")))
    if first:
        rng.random((first, settings.max_tokens))
    # A value so near to 1 that adding a row number would round it up could leave its row.
    return np.minimum(rng.random((count, settings.max_tokens)), 1 - 1e-9)


def make_warpers(settings: SamplingSettings) -> LogitsProcessorList:
    """What turns a model's logits into those that are sampled from."""
    warpers = LogitsProcessorList()
    if settings.temperature != 1:
        warpers.append(TemperatureLogitsWarper(settings.temperature))
    if settings.top_k:
        warpers.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        warpers.append(TopPLogitsWarper(settings.top_p))
    return warpers


def draw(
    logits: torch.Tensor,
    row_of: torch.Tensor,
    uniforms: torch.Tensor,
    warpers: LogitsProcessorList,
    ends: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Next token of each response, by inversion of its row's distribution function.

    Args:
        logits: (rows, vocabulary) next-token logits.
        row_of: (responses,) the row that each response follows.
        uniforms: (responses,) one random number each, in [0, 1).
        warpers: Applied to the logits before drawing.
        ends: Tokens that end a response.

    Returns:
        For each response: the token; whether it ends the response; and its natural
        log-probability at temperature 1. Which of several end tokens came says nothing of a
        response, so an end has the probability of them all.
    """
    rows, vocabulary = logits.shape
    token = torch.empty(len(row_of), dtype=torch.long, device=logits.device)
    likely = torch.empty(len(row_of), dtype=torch.float32, device=logits.device)
    at_once = max(1, PASS_LOGITS // vocabulary)
    for low in range(0, rows, at_once):
        part = logits[low : low + at_once].float()
        mine = torch.nonzero((row_of >= low) & (row_of < low + at_once))[:, 0]
        row = row_of[mine] - low
        warped = warpers(None, part.clone()) if len(warpers) else part
        tokens, total = _invert(warped, row, uniforms[mine])
        if len(warpers):
            total = part.logsumexp(dim=-1)
        any_end = part[:, ends].logsumexp(dim=-1)
        taken = torch.where(torch.isin(tokens, ends), any_end[row], part[row, tokens])
        token[mine] = tokens
        likely[mine] = taken - total[row]
    return token, torch.isin(token, ends), likely


def _invert(
    logits: torch.Tensor, row_of: torch.Tensor, uniforms: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The token at which each response's row reaches its number, and each row's logsumexp."""
    rows, vocabulary = logits.shape
    top = logits.max(dim=-1, keepdim=True).values
    shares = (logits - top).exp_()
    if vocabulary <= BLOCK_TOKENS:
        heights = shares.double().cumsum(dim=-1)
        return _search(heights, row_of, uniforms), top[:, 0] + heights[:, -1].log().float()
    # Two steps cost one pass over the vocabulary: which block, then where in it.
    blocks = torch.nn.functional.pad(shares, (0, -vocabulary % BLOCK_TOKENS)).view(
        rows, -1, BLOCK_TOKENS
    )
    heights = blocks.sum(dim=-1).double().cumsum(dim=-1)
    total = top[:, 0] + heights[:, -1].log().float()
    block = _search(heights, row_of, uniforms)
    before = torch.where(block > 0, heights[row_of, (block - 1).clamp(min=0)], 0.0)
    # Many responses of a row fall into one block: each block is laid out once.
    places, place_of = torch.unique(row_of * blocks.shape[1] + block, return_inverse=True)
    inside = blocks.view(-1, BLOCK_TOKENS)[places].double().cumsum(dim=-1)
    height = (uniforms * heights[row_of, -1] - before) / inside[place_of, -1]
    token = block * BLOCK_TOKENS + _search(inside, place_of, height.clamp(0, 1 - 1e-9))
    return token.clamp(max=vocabulary - 1), total


def _search(cumulative: torch.Tensor, row_of: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """In which step of its row's rising line each number lies; the line's end counts as 1."""
    cumulative = cumulative / cumulative[:, -1:]
    rows, length = cumulative.shape
    # One sorted line of all rows, row i in (i, i + 1]: one search finds every response's step.
    line = (cumulative + torch.arange(rows, device=cumulative.device)[:, None]).flatten()
    step = torch.searchsorted(line, row_of.double() + uniforms, right=True) - row_of * length
    return step.clamp(0, length - 1)


def split_rows(state: Rows, tokens: torch.Tensor, going: torch.Tensor, vocabulary: int) -> Rows:
    """One row for each distinct (row, token) among the responses that go on.

    Args:
        state: The rows as they were; its cache is used up.
        tokens: (responses,) the tokens drawn.
        going: (responses,) whether the response goes on.
        vocabulary: More than any token.
    """
    pairs, row_of = torch.unique(
        state.row_of[going] * vocabulary + tokens[going], return_inverse=True
    )
    parents = pairs // vocabulary
    same = len(parents) == len(state.ids) and bool((parents == _like_range(parents)).all())
    if not same:
        state.cache.batch_select_indices(parents)
    mask = state.mask[parents]
    return Rows(
        row_of=row_of,
        response=state.response[going],
        ids=(pairs % vocabulary)[:, None],
        cache=state.cache,
        mask=torch.cat([mask, mask.new_ones((len(mask), 1))], dim=1),
        step=state.step,
    )


def halves(state: Rows) -> list[Rows]:
    """The rows of a state in two states."""
    rows = len(state.ids)
    parts = []
    for low, high in ((0, rows // 2), (rows // 2, rows)):
        mine = (state.row_of >= low) & (state.row_of < high)
        cache = DynamicCache()
        for index, layer in enumerate(state.cache.layers):
            if layer.is_initialized:
                cache.update(layer.keys[low:high].clone(), layer.values[low:high].clone(), index)
        parts.append(
            Rows(
                row_of=state.row_of[mine] - low,
                response=state.response[mine],
                ids=state.ids[low:high],
                cache=cache,
                mask=state.mask[low:high],
                step=state.step,
            )
        )
    return parts


def _like_range(rows: torch.Tensor) -> torch.Tensor:
    return torch.arange(len(rows), device=rows.device)
