"""A server made of malice can neither end a run nor fill it: each attack costs its own response."""

from __future__ import annotations

import asyncio
import math
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from liftmap.errors import ConfigError, ModelError
from liftmap.files import read_parquet, write_parquet
from liftmap.records import Prompt, SamplingSettings
from liftmap.sample.server import ServerEngine, check, check_server
from liftmap.sample.server.calls import request_seed
from liftmap.sample.server.server_pool import Pool
from liftmap.sections import ServerSection
from liftmap.store import responses_frame

from .faulty_server import words
from .hostile_server import (
    BOMB,
    FAILED,
    KEY,
    MODES,
    NESTED,
    HostileServer,
    Send,
    drip,
    endless,
    error,
    hang,
    http,
    json_reply,
    sends,
)

SETTINGS = SamplingSettings(max_tokens=5, seed=7)


def section(server: HostileServer, **changes: object) -> ServerSection:
    given = {"urls": (server.url,), "timeout": 8, "backoff": 0.001, "requests": 8, "retries": 1}
    return ServerSection.model_validate(given | {"per_request": 1} | changes)


@pytest.mark.slow
def test_each_attack_costs_its_own_response(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert len(MODES) >= 40
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    plain = {f"plain {i}": f"plain {i}" for i in range(20)}
    prompts: dict[str, Prompt] = {**plain, **{name: name for name in MODES}}
    with HostileServer() as server, closing(ServerEngine("served", section(server))) as engine:
        drawn = list(engine.generate(prompts, 1, SETTINGS))
    assert sorted(r.question_id for r in drawn) == sorted(prompts)
    for response in drawn:
        name = response.question_id
        if name in plain:
            text = words(name, request_seed(7, name, 0), 5)[0]
            assert (response.text, response.error) == (text, "")
            continue
        outcome = MODES[name][1]
        if outcome == FAILED:
            assert response.finish_reason == "failed", name
            assert response.error, name
            # With what it is led on to by redirects.
            assert server.asked[name] <= 10, name
        else:
            assert response.finish_reason == ("failed" if "finish_reason" in name else "stop"), name
            assert response.error.startswith(outcome), name
            assert bool(response.error) == bool(outcome), name
            assert math.isnan(response.log_probability), name
        assert len(response.error) < 500, name
        assert KEY not in f"{response.text}{response.reasoning}{response.error}", name
    # All of it can be stored.
    shard = tmp_path / "shard.parquet"
    write_parquet(shard, responses_frame(drawn))
    assert len(read_parquet(shard)) == len(prompts)
    assert KEY not in "".join(capfd.readouterr())


MODELS: dict[str, tuple[Callable[[Send], None], str]] = {
    "silence": (hang, "no list of models within"),
    "a byte at a time": (drip, "no list of models within"),
    "without end": (endless, "longer than 64,000,000 bytes"),
    "unpacks without end": (json_reply(BOMB, "Content-Encoding: gzip"), "longer than"),
    "nested": (json_reply(NESTED), "does not speak OpenAI"),
    "no text": (json_reply(b"\xff\x00"), "does not speak OpenAI"),
    "other kinds": (json_reply(b'{"data": {"id": "served"}}'), "does not speak OpenAI"),
    "no HTTP": (sends(b"220 mail\r\n"), "No server answers"),
    "denies": (error("401 No", f"wrong key {KEY}"), r"wrong key \[key\]"),
    "circles": (sends(http(b"", "Location: /v1/models", status="302 Found")), "No server answers"),
    "key": (json_reply(f'{{"data": [{{"id": "{KEY}"}}]}}'.encode()), r"Use one of: \[key\]"),
    "many": (
        json_reply(b'{"data": [%s]}' % b",".join([b'{"id": "%s"}' % (b"m" * 9000)] * 5000)),
        "and 4,980 others",
    ),
}


@pytest.mark.parametrize("mode", MODELS)
def test_a_list_of_models_made_of_malice(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(check, "CHECK_SECONDS", 1.0)
    answered, message = MODELS[mode]
    started = time.monotonic()
    with HostileServer(answered) as server, pytest.raises(ModelError, match=message) as seen:
        check_server("served", section(server))
    assert time.monotonic() - started < 10
    assert KEY not in str(seen.value)
    assert len(str(seen.value)) < 10_000


def test_a_reply_without_end_takes_no_more_memory_than_its_limit() -> None:
    with HostileServer() as server, closing(ServerEngine("served", section(server))) as engine:
        prompts: dict[str, Prompt] = {"plain": "plain", "without end": "without end"}
        tracemalloc.start()
        try:
            list(engine.generate(prompts, 1, SETTINGS))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    # The server would have given 1 GB.
    assert peak < 150_000_000


def test_a_long_wait_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    async def fail_three_times() -> None:
        pool = Pool(["http://a/v1"], lambda url: Mock(), 1, 0.001)
        for wait in (30, 900, 900):
            pool.count_failure(pool.servers[0], math.inf, wait)

    asyncio.run(fail_three_times())
    assert capsys.readouterr().err.count("http://a/v1 asks to wait 15 min") == 1


@pytest.mark.parametrize("key", ["sk-kéy", "two words of it", "line\nbreak"])
def test_a_key_that_no_server_takes_is_named_by_its_variable(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with HostileServer() as server, pytest.raises(ConfigError, match="OPENAI_API_KEY") as seen:
        check_server("served", section(server))
    assert key not in str(seen.value)
