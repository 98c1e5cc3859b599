"""Scores from a server are those of the same model in this process, but for the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from liftmap.errors import ConfigError, ModelError
from liftmap.records import SamplingSettings
from liftmap.sample.score import Scorer
from liftmap.sample.server.calls import Refusal
from liftmap.sample.server.prompt_scorer import PromptScorer, read_echo, read_prompt_logprobs
from liftmap.sample.token_scores import Item
from liftmap.sample.transformers_engine import TransformersEngine
from liftmap.sections import ServerSection
from liftmap.tasks.kin import kin

from .echo_server import WAYS, EchoServer
from .faulty_server import FaultyServer

QUESTIONS = kin("test", limit=4)


@pytest.fixture(scope="module")
def items() -> list[Item]:
    """What the model gave itself, and nothing at all."""
    engine = TransformersEngine("testbed:base", device="cpu")
    prompts = {q.question_id: q.text for q in QUESTIONS}
    drawn = engine.generate(prompts, 3, SamplingSettings(max_tokens=24))
    return [*((prompts[r.question_id], r.text, True) for r in drawn), (QUESTIONS[0].text, "", True)]


@pytest.fixture(scope="module")
def in_process() -> Scorer:
    return Scorer("testbed:base", device="cpu")


@pytest.fixture(scope="module")
def server() -> Iterator[EchoServer]:
    with EchoServer() as running:
        yield running


def section(url: str, **changes: object) -> ServerSection:
    return ServerSection(urls=(url,), backoff=0.01, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", WAYS)
def test_a_server_says_what_the_model_says_here(
    server: EchoServer, in_process: Scorer, items: list[Item], way: str
) -> None:
    server.ways = (way,)
    with closing(PromptScorer(server.name, section(server.url))) as scorer:
        served = scorer.score_tokens(items)
        assert scorer.way is not None
    assert sum(len(each.log_probabilities) for each in served) > 20
    for mine, theirs in zip(in_process.score_tokens(items), served, strict=True):
        assert (mine.error, theirs.error) == ("", "")
        assert (mine.ended, theirs.ended) == (True, False)
        np.testing.assert_allclose(theirs.log_probabilities, mine.log_probabilities[:-1], atol=1e-4)
        assert mine.segmentation == theirs.segmentation
        assert theirs.entropy is None


def test_a_server_without_log_probabilities_is_refused_by_name(
    server: EchoServer, items: list[Item]
) -> None:
    server.ways = ()
    with (
        closing(PromptScorer(server.name, section(server.url))) as scorer,
        pytest.raises(ModelError, match=r"echo with logprobs it says: .*prompt_logprobs it"),
    ):
        scorer.score_tokens(items)
    with (
        FaultyServer(refuses_logprobs=400) as faulty,
        closing(PromptScorer(faulty.model, section(faulty.url, retries=0))) as scorer,
        pytest.raises(ModelError, match="this server gives no logprobs"),
    ):
        scorer.score_tokens(items)


def test_what_fails_is_asked_again_and_what_is_refused_is_said(
    server: EchoServer, items: list[Item]
) -> None:
    server.ways = WAYS
    with closing(PromptScorer(server.name, section(server.url))) as scorer:
        server.busy = 2
        fine, refused = scorer.score_tokens([items[0], ("too long " * 200, " so maria", True)])
    assert fine.error == ""
    assert len(fine.log_probabilities) > 0
    assert "too long" in refused.error
    assert not len(refused.log_probabilities)


def test_a_conversation_can_not_be_scored_by_a_server(server: EchoServer) -> None:
    server.ways = WAYS
    with (
        closing(PromptScorer(server.name, section(server.url))) as scorer,
        pytest.raises(ConfigError, match="conversation"),
    ):
        scorer.score_tokens([([{"role": "user", "content": "who"}], "so maria", True)])


@pytest.mark.slow
def test_a_launched_server_scores(items: list[Item]) -> None:
    program = Path(__file__).with_name("echo_server.py")
    launch = f"{sys.executable} {program} --model {{model}} --port {{port}}"
    settings = ServerSection(launch=launch, backoff=0.01)
    with closing(PromptScorer("testbed:base", settings)) as scorer:
        assert scorer.score_tokens(items[:1])[0].error == ""


def echo(tokens: list[str], values: list[float | None]) -> str:
    reported = {"tokens": tokens, "token_logprobs": values}
    return json.dumps({"choices": [{"text": "".join(tokens), "logprobs": reported}]})


def test_the_generated_token_is_left_out() -> None:
    for tokens in (["a", " b", " c"], ["a", " b", ""], ["a", " b"]):
        values = [None, *[-0.5] * (len(tokens) - 1)]
        assert read_echo(echo(tokens, values), "a b").texts == ["a", " b"]
    # A token of the beginning of all texts is none of its characters.
    with_beginning = read_echo(echo(["<s>", "a", " b", " c"], [None, -1, -2, -3]), "a b")
    assert with_beginning.starts("a b") == [0, 0, 1]


@pytest.mark.parametrize("value", [0.5, True, "-1", float("nan")])
def test_values_that_are_no_log_probabilities_are_refused(value: object) -> None:
    with pytest.raises(Refusal, match="none"):
        read_echo(echo(["a", " b", " c"], [None, value, -1]), "a b")  # type: ignore[list-item]
    entry = {"7": {"logprob": value, "decoded_token": " b"}}
    reply = json.dumps({"choices": [{"prompt_logprobs": [None, entry]}]})
    with pytest.raises(Refusal, match="none"):
        read_prompt_logprobs(reply, "a b")
