"""Gemma 3 270M in this process, from its GGUF file: `make test-real`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liftmap.records import SamplingSettings
from liftmap.sample.gguf import plain_folder
from liftmap.sample.score import Scorer
from liftmap.sample.transformers_engine import TransformersEngine

from .test_llama_server import GGUF, PROMPTS, right

pytestmark = pytest.mark.real

SETTINGS = SamplingSettings(max_tokens=6, seed=11, stop=("\n",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        made = plain_folder(Path(GGUF))
        assert plain_folder(Path(GGUF)) == made
        yield made


def test_gemma_answers_from_its_plain_folder(folder: Path) -> None:
    engine = TransformersEngine(str(folder))
    drawn = list(engine.generate(PROMPTS, 8, SETTINGS))
    print(f"\nright: {right(drawn):.0%} of {len(drawn)}")
    assert len(drawn) == 8 * len(PROMPTS)
    assert right(drawn) > 0.5
    assert sum(r.finish_reason == "stop" for r in drawn) > 0.5 * len(drawn)
    assert not any("\n" in r.text for r in drawn)
    part = list(engine.generate(PROMPTS, 2, SETTINGS, first=6))
    whole = {(r.question_id, r.response_index): r.text for r in drawn}
    same = sum(whole[r.question_id, r.response_index] == r.text for r in part)
    # Other batches round bfloat16 otherwise, and rarely change a token.
    assert same >= 0.9 * len(part)

    plain = [r for r in drawn if r.finish_reason == "stop"][:10]
    scorer = Scorer(str(folder), stop=SETTINGS.stop)
    found = scorer.score([(PROMPTS[r.question_id], r.text, True) for r in plain])
    for response, score in zip(plain, found, strict=True):
        assert score.log_probability == pytest.approx(response.log_probability, abs=0.3)
