"""What every engine keeps, whatever draws inside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from liftmap.records import Prompt, Response, SamplingSettings
from liftmap.sample import ENGINES, Engine, make_engine
from liftmap.sample.templates import render_prompt
from liftmap.sections import SampleSection, ServerSection
from liftmap.tasks.kin import kin
from liftmap.testing import check_engine

from .faulty_server import MODEL, FaultyServer

SETTINGS = SamplingSettings(max_tokens=16, seed=3)
QUESTIONS = kin("test", limit=8)
PROMPTS: dict[str, Prompt] = {q.question_id: render_prompt("plain", q) for q in QUESTIONS}
SOME = dict(list(PROMPTS.items())[2:4])

Key = tuple[str, int]


@pytest.fixture(scope="module", params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    section = SampleSection(engine=request.param)
    if request.param == "server":
        with FaultyServer() as server:
            reached = ServerSection(urls=(server.url,), requests=4)
            made = make_engine(MODEL, section.model_copy(update={"server": reached}), QUESTIONS)
            yield made
            made.close()  # type: ignore[attr-defined]
    else:
        models = {"scripted": "scripted:0,0.3,0.7,1", "transformers": "testbed:base"}
        yield make_engine(models[request.param], section, QUESTIONS)


def test_it_keeps_what_plug_ins_have_to(engine: Engine) -> None:
    check_engine(engine, PROMPTS, SETTINGS)


def drawn(
    engine: Engine, prompts: dict[str, Prompt], count: int, first: int = 0, **changes: Any
) -> dict[Key, Response]:
    responses = list(engine.generate(prompts, count, replace(SETTINGS, **changes), first))
    by_key = {(r.question_id, r.response_index): r for r in responses}
    assert len(by_key) == len(responses)
    return by_key


def texts(responses: dict[Key, Response]) -> dict[Key, str]:
    return {key: response.text for key, response in responses.items()}


@pytest.mark.parametrize(("first", "count"), [(0, 3), (1, 1), (3, 4)])
def test_a_part_is_what_the_whole_has(engine: Engine, first: int, count: int) -> None:
    whole = texts(drawn(engine, SOME, 7))
    part = texts(drawn(engine, SOME, count, first))
    assert len(part) == 2 * count
    assert part.items() <= whole.items()


def test_responses_of_a_question_differ(engine: Engine) -> None:
    assert len(set(texts(drawn(engine, PROMPTS, 12)).values())) > len(PROMPTS)


@pytest.mark.parametrize("max_tokens", [1, 3, 16])
def test_max_tokens_cut_and_the_reason_is_given(engine: Engine, max_tokens: int) -> None:
    for response in drawn(engine, PROMPTS, 4, max_tokens=max_tokens).values():
        tokens = response.token_count
        tokens = len(response.token_ids) if tokens is None else tokens
        assert tokens <= max_tokens
        assert response.finish_reason in ("stop", "length")
        assert response.finish_reason == "stop" or tokens == max_tokens
        assert response.error == ""


def test_a_call_can_be_left(engine: Engine) -> None:
    left = engine.generate(PROMPTS, 4, SETTINGS)
    next(left)
    del left
    assert len(drawn(engine, PROMPTS, 4)) == 4 * len(PROMPTS)
