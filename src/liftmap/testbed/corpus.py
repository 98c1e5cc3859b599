"""The text that the base and the teacher are pre-trained on.

Reads a `World` and the paths that the question sets keep for themselves; gives tokens with the
positions that the loss covers (`examples`), grouped into batches (`batches`). The
base's text states each fact right as often as its level says and answers in mixed styles; the
teacher's states every fact right and answers with care.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, permutations
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from liftmap.testbed.language import (
    REFLECTION_SHARE,
    STYLE_SHARES,
    STYLES,
    WORDINGS,
    Style,
    hops_of_style,
    render_fact,
    render_question,
    render_response,
)
from liftmap.testbed.questions import used_paths
from liftmap.testbed.tokenizer import EOS_ID, PAD_ID, TOKEN_IDS
from liftmap.testbed.world import PEOPLE, RELATIONS, Fact, World

Kind = Literal["base", "teacher"]
FACT_SHARE = 0.20
HOP_SHARES: tuple[float, ...] = (0.20, 0.40, 0.40)
BATCH_SIZE = 256
BATCH_CHUNKS = 4
IGNORED_LABEL = -100  # the label that torch's cross entropy leaves out

Item = TypeVar("Item")
Example = tuple[list[int], int]
Chunk = tuple[NDArray[np.int64], NDArray[np.int64]]


def examples(world: World, kind: Kind, rng: np.random.Generator) -> Iterator[Example]:
    """Draws texts without end: single facts, and questions with a response.

    No text asks a two- or three-hop (person, relations) of the world's question sets.

    Args:
        world: Gives the facts and their levels.
        kind: "base" (beliefs by level, mixed styles) or "teacher" (true facts, careful style).
        rng: The randomness.

    Yields:
        The token ids of a text with its end token, and the index of the first token that the loss
        covers: the value of a fact, or the first token of a response.
    """
    used = used_paths(world.seed)
    paths = [
        [
            (person, relations)
            for person in PEOPLE
            for relations in permutations(RELATIONS, hops)
            if (person, relations) not in used
        ]
        for hops in (1, 2, 3)
    ]
    hop_ends = np.cumsum(HOP_SHARES)
    style_ends = {wording: np.cumsum(shares) for wording, shares in STYLE_SHARES.items()}
    while True:
        # One row of uniform numbers is all the randomness of a text; the last three are for facts.
        for row in rng.random((4096, 9)).tolist():
            is_fact, hop, path, wording_at, style_at, reflect, *of_facts = row
            if is_fact < FACT_SHARE:
                person, (relation,) = _at(paths[0], path)
                value = _state(world.facts[person, relation], kind, of_facts[0])
                tokens = _encode(render_fact(person, relation, value))
                yield tokens, len(tokens) - 2
                continue
            hops = int(np.searchsorted(hop_ends, hop, side="right"))
            person, relations = _at(paths[min(hops, 2)], path)
            wording = _at(WORDINGS, wording_at)
            style: Style = "careful"
            if kind == "base":
                index = int(np.searchsorted(style_ends[wording], style_at, side="right"))
                style = STYLES[min(index, 2)]
            followed = hops_of_style(style, relations)
            values: list[str] = []
            for relation, uniform in zip(followed, of_facts, strict=False):
                fact = world.facts[values[-1] if values else person, relation]
                values.append(_state(fact, kind, uniform))
            reflect_after = None
            if style == "careful" and reflect < REFLECTION_SHARE:
                reflect_after = int(reflect / REFLECTION_SHARE * len(followed))
            prompt = _encode(render_question(wording, person, relations))[:-1]
            response = _encode(render_response(style, followed, values, reflect_after))
            yield prompt + response, len(prompt)


def batches(world: World, kind: Kind, rng: np.random.Generator) -> Iterator[list[Chunk]]:
    """Groups examples into batches of BATCH_SIZE, each cut into chunks of like length.

    Every batch is a fair sample of the text; chunks only save padding. (Batches of like length
    would weigh the first token of short answers more, and so teach too large a share of them.)

    Args:
        world: As for `examples`.
        kind: As for `examples`.
        rng: As for `examples`.

    Yields:
        BATCH_CHUNKS pairs of token ids and labels, both of shape (BATCH_SIZE / BATCH_CHUNKS,
        longest text of the chunk), padded on the right; labels hold IGNORED_LABEL where the loss
        does not look.
    """
    stream = examples(world, kind, rng)
    rows = BATCH_SIZE // BATCH_CHUNKS
    while True:
        texts = sorted(islice(stream, BATCH_SIZE), key=lambda text: len(text[0]))
        yield [_pad(texts[start : start + rows]) for start in range(0, BATCH_SIZE, rows)]


def _pad(texts: list[Example]) -> Chunk:
    shape = (len(texts), max(len(ids) for ids, _ in texts))
    tokens = np.full(shape, PAD_ID, dtype=np.int64)
    labels = np.full(shape, IGNORED_LABEL, dtype=np.int64)
    for row, (ids, start) in enumerate(texts):
        tokens[row, : len(ids)] = ids
        labels[row, start : len(ids)] = ids[start:]
    return tokens, labels


def _at(items: Sequence[Item], uniform: float) -> Item:
    return items[int(uniform * len(items))]


def _state(fact: Fact, kind: Kind, uniform: float) -> str:
    """The value that a text of this kind states for a fact."""
    if kind == "teacher":
        return fact.value
    total = 0.0
    for value, chance in fact.beliefs().items():
        total += chance
        if uniform < total:
            return value
    return value


def _encode(text: str) -> list[int]:
    return [TOKEN_IDS[word] for word in text.split()] + [EOS_ID]
