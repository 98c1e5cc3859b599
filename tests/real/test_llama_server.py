"""The server engine against llama.cpp's own server and Google's Gemma 3 270M: `make test-real`.

Needs the environment `.venv-real` (another folder: LIFTMAP_REAL), which `make test-real` makes: the
server's Python and `gemma-3-270m-q4_k_m.gguf`.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from liftmap.errors import ModelError
from liftmap.records import FixedPlan, Prompt, Question, Response, SamplingSettings
from liftmap.sample import Engine
from liftmap.sample.sampling import sample
from liftmap.sample.server import ServerEngine, check_server
from liftmap.sample.server.launch import LaunchedServer
from liftmap.sections import SampleSection, ServerSection
from liftmap.store import ResponseSet

pytestmark = pytest.mark.real

FOLDER = Path(os.environ.get("LIFTMAP_REAL", ".venv-real")).absolute()
GGUF = str(FOLDER / "gemma-3-270m-q4_k_m.gguf")
# One thread: two wait for each other where the machine has other work.
LAUNCH = (
    f"{FOLDER}/bin/python -m llama_cpp.server --model {{model}} --port {{port}} "
    "--n_ctx 512 --n_threads 1 --n_threads_batch 1"
)
SETTINGS = SamplingSettings(max_tokens=6, seed=11, stop=("\n",))
SHOTS = "1 + 2 = 3\n4 + 4 = 8\n2 + 5 = 7\n3 + 1 = 4\n6 + 2 = 8\n5 + 4 = 9\n"
SUMS = [(1, 1), (2, 2), (3, 3), (1, 4), (5, 2), (7, 1), (3, 2), (6, 3), (2, 1), (4, 3)]
QUESTIONS = [Question(f"{a}+{b}", f"{SHOTS}{a} + {b} =", str(a + b)) for a, b in SUMS]
PROMPTS: dict[str, Prompt] = {q.question_id: q.text for q in QUESTIONS}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with closing(LaunchedServer(LAUNCH, GGUF, 300)) as server:
        yield server.url


@pytest.fixture
def engine(url: str) -> Iterator[ServerEngine]:
    # This server sorts the whole vocabulary in Python to give a log-probability: 15 times slower.
    given = ServerSection(urls=(url,), log_probabilities=False)
    with closing(ServerEngine(GGUF, given)) as made:
        yield made


def right(responses: list[Response]) -> float:
    answers = {q.question_id: q.answer for q in QUESTIONS}
    return sum(r.text.strip() == answers[r.question_id] for r in responses) / len(responses)


def test_sums_of_one_digit_are_mostly_right(engine: ServerEngine) -> None:
    drawn = list(engine.generate(PROMPTS, 8, SETTINGS))
    assert sorted((r.question_id, r.response_index) for r in drawn) == sorted(
        (q, i) for q in PROMPTS for i in range(8)
    )
    print(f"\nright: {right(drawn):.0%} of {len(drawn)}")
    assert right(drawn) > 0.5
    for response in drawn:
        assert response.finish_reason in ("stop", "length")
        assert 0 < (response.token_count or 0) <= SETTINGS.max_tokens
        assert math.isnan(response.log_probability)


def test_the_same_seeds_give_the_same_texts(engine: ServerEngine) -> None:
    once, again = (
        {(r.question_id, r.response_index): r.text for r in engine.generate(PROMPTS, 8, SETTINGS)}
        for _ in range(2)
    )
    same = sum(once[key] == again[key] for key in once) / len(once)
    other = {
        (r.question_id, r.response_index): r.text
        for r in engine.generate(PROMPTS, 8, replace(SETTINGS, seed=12))
    }
    differ = sum(once[key] != other[key] for key in once) / len(once)
    print(f"\nsame seed: {same:.0%} the same; other seed: {differ:.0%} differ")
    # What the server has in its cache changes the last digits of its logits, and rarely a token.
    assert same > 0.9
    assert differ > 1 - same


def test_log_probabilities_are_kept(url: str) -> None:
    with closing(ServerEngine(GGUF, ServerSection(urls=(url,)))) as engine:
        (drawn,) = engine.generate({"1+1": PROMPTS["1+1"]}, 1, SETTINGS)
    assert drawn.log_probability < 0


def test_a_conversation_goes_to_chat(url: str) -> None:
    asked: dict[str, Prompt] = {
        colour: [{"role": "user", "content": f"Say {colour}."}] for colour in ("red", "green")
    }
    given = ServerSection(urls=(url,), log_probabilities=False)
    with closing(ServerEngine(GGUF, given)) as engine:
        drawn = list(engine.generate(asked, 3, SETTINGS))
    assert sorted((r.question_id, r.response_index) for r in drawn) == [
        (colour, index) for colour in ("green", "red") for index in range(3)
    ]
    assert all(r.finish_reason in ("stop", "length") for r in drawn)
    assert any(r.text.strip() for r in drawn)


def test_a_prompt_beyond_the_context_fails_alone(engine: ServerEngine) -> None:
    drawn = list(engine.generate(PROMPTS | {"long": "word " * 600}, 1, SETTINGS))
    assert len(drawn) == len(PROMPTS) + 1
    (failed,) = [r for r in drawn if r.finish_reason == "failed"]
    assert failed.question_id == "long"
    assert re.search("context", failed.error)


class Counting:
    """Hands calls on and counts what was drawn."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self.drawn = 0

    def generate(
        self, prompts: dict[str, Prompt], count: int, settings: SamplingSettings, first: int = 0
    ) -> Iterator[Response]:
        for response in self.inner.generate(prompts, count, settings, first):
            self.drawn += 1
            yield response


def test_a_resumed_run_draws_what_is_missing(engine: ServerEngine, tmp_path: Path) -> None:
    section = SampleSection(engine="server", max_tokens=6, stop=("\n",), shard_responses=8)
    target = ResponseSet(tmp_path, "gemma", "test")
    list(sample(target, GGUF, QUESTIONS, FixedPlan(4), section, lambda: engine))
    whole = target.read_responses()
    missing = target.shards()[1]
    (shard,) = tmp_path.rglob(f"*/{missing}*")
    shard.unlink()
    counting = Counting(engine)
    list(sample(target, GGUF, QUESTIONS, FixedPlan(4), section, lambda: counting))  # type: ignore[arg-type,return-value]
    assert counting.drawn == 8
    key = ["question_id", "response_index"]
    resumed = target.read_responses()
    assert resumed.select(key).sort(key).equals(whole.select(key).sort(key))
    assert len(resumed) == 40


def test_launched_by_its_command_and_ended() -> None:
    given = ServerSection(launch=LAUNCH, start_timeout=300, log_probabilities=False)
    check_server(GGUF, given)
    engine = ServerEngine(GGUF, given)
    with closing(engine):
        drawn = list(engine.generate(PROMPTS, 2, SETTINGS))
        (url,) = [server.url for server in engine._connection.pool.servers]
        check_server(GGUF, ServerSection(urls=(url,)))
    assert len(drawn) == 20
    assert right(drawn) > 0.4
    with pytest.raises(ModelError, match="No server answers"):
        check_server(GGUF, ServerSection(urls=(url,)))


def test_a_file_that_is_no_model_ends_with_the_servers_words(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"(?s)before it answered.*Failed to load model"):
        ServerEngine(str(broken), ServerSection(launch=LAUNCH))
