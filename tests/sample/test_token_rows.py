"""Drawing tokens: by inversion of the model's own distribution, whatever the vocabulary's size."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from liftmap.records import SamplingSettings
from liftmap.sample import token_rows
from liftmap.sample.token_rows import BLOCK_TOKENS, draw, make_warpers, uniform_draws

PLAIN = SamplingSettings()
ENDS = torch.tensor([3, 5])
LAST = 1 - 1e-9


@pytest.mark.parametrize(
    "settings",
    [PLAIN, SamplingSettings(temperature=0.6, top_p=0.9), SamplingSettings(top_k=50)],
    ids=["plain", "top-p", "top-k"],
)
@pytest.mark.parametrize("vocabulary", [400, BLOCK_TOKENS, BLOCK_TOKENS + 1, 10_000, 20_000])
def test_each_number_falls_into_its_tokens_step(
    vocabulary: int, settings: SamplingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(vocabulary)
    logits = 3 * torch.randn((5, vocabulary), generator=generator)
    logits[:, ENDS] += 8
    row_of = torch.randint(5, (3000,), generator=generator)
    uniforms = torch.rand(3000, generator=generator, dtype=torch.float64)
    warpers = make_warpers(settings)
    token, ended, likely = draw(logits, row_of, uniforms, warpers, ENDS)

    warped = warpers(None, logits.clone()) if warpers else logits
    shares = warped.double().softmax(dim=-1)
    steps = shares.cumsum(dim=-1)
    assert (shares[row_of, token] > 0).all()
    # The shares are added up as float32 in places: a step may begin that little off.
    assert (uniforms < steps[row_of, token] + 1e-6).all()
    assert (uniforms >= (steps - shares)[row_of, token] - 1e-6).all()

    natural = logits.double().log_softmax(dim=-1)
    assert (ended == ((token == 3) | (token == 5))).all()
    assert 0 < ended.sum() < 3000
    expected = torch.where(
        ended, natural[:, ENDS].logsumexp(dim=-1)[row_of], natural[row_of, token]
    )
    assert torch.allclose(likely.double(), expected, atol=1e-4)

    monkeypatch.setattr(token_rows, "PASS_LOGITS", 2 * vocabulary)
    for part, whole in zip(
        draw(logits, row_of, uniforms, warpers, ENDS), (token, ended, likely), strict=True
    ):
        assert torch.equal(part, whole), "two rows at a time"


@pytest.mark.parametrize("vocabulary", [100, BLOCK_TOKENS, 3 * BLOCK_TOKENS, 20_000])
def test_the_ends_of_the_line(vocabulary: int) -> None:
    """Numbers next to 0 and 1 draw the first and the last token that can come, and no other."""
    edges = [0, 1, vocabulary - 2, vocabulary - 1]
    edges += [i for i in (BLOCK_TOKENS - 1, BLOCK_TOKENS, 2 * BLOCK_TOKENS - 1) if i < vocabulary]
    alone = torch.full((len(edges), vocabulary), -math.inf)
    for row, token in enumerate(edges):
        alone[row, token] = -2.0
    row_of = torch.arange(len(edges)).repeat_interleave(3)
    uniforms = torch.tensor([0.0, 0.5, LAST], dtype=torch.float64).repeat(len(edges))
    none = make_warpers(PLAIN)
    token, _, likely = draw(alone, row_of, uniforms, none, ENDS)
    assert token.tolist() == [edge for edge in edges for _ in range(3)]
    assert likely.abs().max() < 1e-6

    low, high = vocabulary // 3, vocabulary - 2
    pair = torch.full((1, vocabulary), -math.inf)
    pair[0, [low, high]] = 0.0
    uniforms = torch.tensor([0.0, 0.49, 0.51, LAST], dtype=torch.float64)
    token, _, likely = draw(pair, torch.zeros(4, dtype=torch.long), uniforms, none, ENDS)
    assert token.tolist() == [low, low, high, high]
    assert likely.tolist() == pytest.approx([math.log(0.5)] * 4)


@pytest.mark.parametrize("seed", range(5))
def test_where_blocks_meet(seed: int) -> None:
    """Around a block's end a number draws a token that can come, though sums are rounded."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn((1, 4 * BLOCK_TOKENS), generator=generator)
    logits.view(-1, BLOCK_TOKENS)[:, 1000:] = -math.inf
    shares = logits[0].double().softmax(dim=-1)
    ends = shares.view(-1, BLOCK_TOKENS).sum(dim=-1).cumsum(dim=-1)[:-1]
    near = 10.0 ** -torch.arange(6, 16, 0.25, dtype=torch.float64)
    uniforms = (ends[:, None] + torch.cat([near, -near])).flatten()
    row_of = torch.zeros(len(uniforms), dtype=torch.long)
    token, _, _ = draw(logits, row_of, uniforms, make_warpers(PLAIN), ENDS)
    assert (shares[token] > 0).all()
    steps = shares.cumsum(dim=-1)
    assert (uniforms < steps[token] + 1e-6).all()
    assert (uniforms >= (steps - shares)[token] - 1e-6).all()


def test_the_numbers_depend_on_seed_question_and_index_alone() -> None:
    settings = SamplingSettings(max_tokens=7, seed=3)
    many = uniform_draws("q", 9, settings)
    assert many.shape == (9, 7)
    assert (uniform_draws("q", 3, settings) == many[:3]).all()
    assert (uniform_draws("q", 4, settings, first=5) == many[5:]).all()
    assert len(np.unique(many)) == many.size
    assert not np.isin(uniform_draws("p", 9, settings), many).any()
    assert not np.isin(uniform_draws("q", 9, SamplingSettings(max_tokens=7, seed=4)), many).any()
