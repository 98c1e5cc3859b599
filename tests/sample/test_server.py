"""The server engine: no response lost or twice whatever a server does, and clear errors."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from liftmap.errors import ConfigError, MissingDependencyError, ModelError
from liftmap.records import Prompt, Response, SamplingSettings
from liftmap.sample import check_model, make_engine
from liftmap.sample.server import ServerEngine, check_server
from liftmap.sample.server.calls import NEUTRAL, Fault, request_seed, retry_after
from liftmap.sample.server.replies import read_choices
from liftmap.sections import SampleSection, ServerSection

from . import faulty_server
from .faulty_server import FAULTS, MODEL, FaultyServer, words

SETTINGS = SamplingSettings(max_tokens=5, seed=7)
TEXTS: dict[str, Prompt] = {f"q{i}": f"What is {i}?" for i in range(30)}
CHATS: dict[str, Prompt] = {q: [{"role": "user", "content": str(t)}] for q, t in TEXTS.items()}
LAUNCH = f"{sys.executable} {faulty_server.__file__} --port {{port}} --model {{model}}"


def section(*servers: FaultyServer, **changes: Any) -> ServerSection:
    given = {"urls": tuple(s.url for s in servers), "timeout": 20, "backoff": 0.02, "requests": 8}
    return ServerSection.model_validate(given | changes)


def draw(
    given: ServerSection, prompts: dict[str, Prompt], count: int, model: str = MODEL
) -> list[Response]:
    with closing(ServerEngine(model, given)) as engine:
        return list(engine.generate(prompts, count, SETTINGS))


def expected(question_id: str, index: int) -> tuple[str, str]:
    return words(str(TEXTS[question_id]), request_seed(7, question_id, index), 5)


def keys(responses: list[Response]) -> list[tuple[str, int]]:
    return sorted((r.question_id, r.response_index) for r in responses)


def all_keys(prompts: dict[str, Prompt], count: int) -> list[tuple[str, int]]:
    return sorted((q, i) for q in prompts for i in range(count))


@pytest.mark.parametrize("prompts", [TEXTS, CHATS], ids=["completions", "chat"])
@pytest.mark.parametrize("per_request", [1, 4])
def test_faults_lose_and_double_nothing(prompts: dict[str, Prompt], per_request: int) -> None:
    shares = dict.fromkeys(FAULTS, 0.04) | {"timeout": 0.01}
    with FaultyServer(shares, seed=per_request) as server:
        drawn = draw(section(server, per_request=per_request, timeout=0.5), prompts, 12)
    assert keys(drawn) == all_keys(prompts, 12)
    for response in drawn:
        text, reason = expected(response.question_id, response.response_index)
        assert (response.text, response.finish_reason) == (text, reason)
    assert not Counter(r.text for r in drawn) - server.delivered
    assert set(server.happened) >= set(FAULTS) - {"timeout", "fewer"}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone(fault: str) -> None:
    few = {q: TEXTS[q] for q in list(TEXTS)[:4]}
    with FaultyServer({fault: 0.3}, seed=1) as server:
        drawn = draw(section(server, per_request=3, timeout=0.3), few, 6)
    assert server.happened[fault]
    assert {(r.question_id, r.response_index): r.text for r in drawn} == {
        key: expected(*key)[0] for key in all_keys(few, 6)
    }
    assert len(drawn) == 24


@pytest.mark.parametrize(
    ("kind", "asked"),
    [({}, {2, 12}), ({"most_choices": 1}, {1, 2}), ({"copies": True}, {1, 2})],
    ids=["several choices", "one choice", "copies"],
)
def test_finds_out_how_many_choices_to_ask_for(kind: dict[str, Any], asked: set[int]) -> None:
    with FaultyServer(**kind) as server:
        drawn = draw(section(server), TEXTS, 12)
    assert {n for _, _, n in server.asked} == asked
    assert [r.text for r in drawn if r.text != expected(r.question_id, r.response_index)[0]] == []
    assert keys(drawn) == all_keys(TEXTS, 12)


def test_waits_as_long_as_the_server_asks() -> None:
    with FaultyServer({"busy": 0.3}, retry_after="0.3", seed=2) as server:
        drawn = draw(
            section(server, requests=1, per_request=1, backoff=0.001), {"q1": TEXTS["q1"]}, 6
        )
    assert server.happened["busy"]
    assert server.too_early == 0
    assert len(drawn) == 6


def test_a_url_that_dies_is_set_aside_and_the_others_go_on() -> None:
    with FaultyServer(dies_after=5) as dying, FaultyServer() as one, FaultyServer() as other:
        drawn = draw(section(dying, one, other, per_request=1), TEXTS, 8)
    assert [(k, expected(*k)[0]) for k in all_keys(TEXTS, 8)] == sorted(
        ((r.question_id, r.response_index), r.text) for r in drawn
    )
    assert min(len(one.asked), len(other.asked)) > 40
    # Set aside, it was not asked for each of the 240 responses.
    assert len(dying.asked) < 60


@pytest.mark.parametrize("how", ["dies", "broken", "gone"])
def test_gives_up_when_no_server_answers(how: str) -> None:
    servers = [FaultyServer({"broken": float(how == "broken")}, dies_after=10) for _ in range(2)]
    with servers[0], servers[1]:
        engine = ServerEngine(MODEL, section(*servers, retries=3, backoff=0.005))
        drawing = engine.generate(TEXTS, 8, SETTINGS)
        if how == "gone":
            next(drawing)
            for server in servers:
                server.stop()
        with closing(engine), pytest.raises(ModelError, match=r"no responses.*goes on from there"):
            list(drawing)


def test_a_question_that_is_refused_or_breaks_the_server_fails_alone() -> None:
    prompts = TEXTS | {"long": "too long", "poison": "poison"}
    with FaultyServer() as server:
        drawn = draw(section(server, retries=3), prompts, 6)
    assert keys(drawn) == all_keys(prompts, 6)
    failed = [r for r in drawn if r.finish_reason == "failed"]
    assert {r.question_id for r in failed} == {"long", "poison"}
    assert all(("context length" in r.error) or ("breaks the server" in r.error) for r in failed)
    assert {r.error for r in drawn if r not in failed} == {""}
    # A refusal is not sent again and again.
    assert sum(p == "too long" for p, _, _ in server.asked) <= 8


def test_one_poisonous_question_left_fails_alone() -> None:
    with (
        FaultyServer() as server,
        closing(ServerEngine(MODEL, section(server, retries=2))) as engine,
    ):
        assert len(list(engine.generate(TEXTS, 1, SETTINGS))) == 30
        (alone,) = engine.generate({"poison": "poison"}, 1, SETTINGS)
    assert alone.finish_reason == "failed"
    assert "breaks the server" in alone.error


def test_refusing_every_question_is_an_error() -> None:
    with FaultyServer() as server, pytest.raises(ModelError, match="exceeds the context length"):
        draw(section(server), {f"q{i}": "too long" for i in range(400)}, 2)
    assert len(server.asked) < 100


@pytest.mark.parametrize("status", [400, 500])
def test_goes_on_without_log_probabilities(status: int) -> None:
    with FaultyServer(refuses_logprobs=status) as server:
        drawn = draw(section(server), TEXTS, 2)
    assert keys(drawn) == all_keys(TEXTS, 2)
    assert all(math.isnan(r.log_probability) for r in drawn)


@pytest.mark.parametrize(
    ("refuses", "top_k", "sent"),
    [
        ([], 0, {"top_k": 0, "min_p": 0, "repetition_penalty": 1, "repeat_penalty": 1}),
        (
            [("top_k", 0)],
            0,
            {"top_k": -1, "min_p": 0, "repetition_penalty": 1, "repeat_penalty": 1},
        ),
        ([(n, v) for n, values in NEUTRAL.items() for v in values], 0, {}),
        ([("min_p", 0)], 7, {"top_k": 7, "repetition_penalty": 1, "repeat_penalty": 1}),
    ],
)
def test_the_server_is_told_to_cut_nothing(
    refuses: list[tuple[str, float]], top_k: int, sent: dict[str, float]
) -> None:
    with (
        FaultyServer(refuses=refuses) as server,
        closing(ServerEngine(MODEL, section(server))) as engine,
    ):
        drawn = list(engine.generate(TEXTS, 2, replace(SETTINGS, top_k=top_k)))
    assert keys(drawn) == all_keys(TEXTS, 2)
    assert {r.error for r in drawn} == {""}
    assert {k: v for k, v in server.last.items() if k in NEUTRAL} == sent


@pytest.mark.parametrize("prompts", [TEXTS, CHATS], ids=["completions", "chat"])
def test_keeps_what_the_server_gives(prompts: dict[str, Prompt]) -> None:
    with FaultyServer() as server:
        drawn = draw(section(server), prompts, 3)
    for response in drawn:
        assert response.token_count == len(response.text.split())
        assert response.log_probability == -0.5 * response.token_count
        assert response.reasoning == ("so " + response.text if prompts is CHATS else "")
        assert response.token_ids == ()


def test_asks_what_the_settings_say() -> None:
    settings = SamplingSettings(0.7, 0.9, 5, max_tokens=4, seed=1, stop=("\n",))
    with FaultyServer() as server:
        given = section(server, extra={"min_p": 0.1, "priority": 3}, log_probabilities=False)
        with closing(ServerEngine(MODEL, given)) as engine:
            list(engine.generate({"q": "x"}, 1, settings))
    assert server.last == {
        "model": MODEL,
        "prompt": "x",
        "n": 1,
        "seed": request_seed(1, "q", 0),
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 5,
        "min_p": 0.1,
        "repetition_penalty": 1.0,
        "repeat_penalty": 1.0,
        "max_tokens": 4,
        "stop": ["\n"],
        "priority": 3,
    }


def test_a_text_can_go_to_chat_but_no_conversation_to_completions() -> None:
    with FaultyServer() as server:
        drawn = draw(section(server, endpoint="chat"), TEXTS, 1)
        assert all(r.reasoning for r in drawn)
        with pytest.raises(ConfigError, match=r"Set sample.server.endpoint to 'chat'"):
            draw(section(server, endpoint="completions"), CHATS, 1)


def test_a_slow_reader_stops_the_requests() -> None:
    with FaultyServer() as server, closing(ServerEngine(MODEL, section(server))) as engine:
        reading = engine.generate(TEXTS | {f"x{i}": f"x{i}" for i in range(500)}, 1, SETTINGS)
        next(reading)
        time.sleep(0.5)
        # 8 in flight and 16 that wait to be read, and one that was.
        assert len(server.asked) <= 25
        reading.close()  # type: ignore[attr-defined]
        assert keys(list(engine.generate(TEXTS, 2, SETTINGS))) == all_keys(TEXTS, 2)


def test_errors_name_the_key_variable_and_never_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultyServer(key="right") as server:
        given = section(server, key_variable="MY_KEY")
        with pytest.raises(ModelError, match="MY_KEY is not set"):
            check_server(MODEL, given)
        monkeypatch.setenv("MY_KEY", "sk-secret")
        for attempt in (lambda: check_server(MODEL, given), lambda: draw(given, TEXTS, 2)):
            with pytest.raises(ModelError, match="MY_KEY is set, but") as seen:
                attempt()
            assert "sk-secret" not in str(seen.value)
        monkeypatch.setenv("MY_KEY", "right")
        check_server(MODEL, given)
        assert len(draw(given, TEXTS, 1)) == 30


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with FaultyServer() as server:
        with pytest.raises(ModelError, match=r"Did you mean 'served'\?"):
            draw(section(server), TEXTS, 2, model="server")
        with pytest.raises(ModelError, match=r"Did you mean 'served'\?"):
            check_model("server", SampleSection(engine="server", server=section(server)))


@contextmanager
def plain_web_server() -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Welcome</html>")

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_what_is_no_server_is_said_before_work() -> None:
    with plain_web_server() as url, pytest.raises(ModelError, match="does not speak OpenAI"):
        check_server(MODEL, ServerSection(urls=(url,)))
    with pytest.raises(ModelError, match="No server answers"):
        check_server(MODEL, ServerSection(urls=(url,)))
    with FaultyServer() as server, pytest.raises(ModelError, match="ends in /v1"):
        check_server(MODEL, ServerSection(urls=(server.url.removesuffix("/v1"),)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "either sample.server.urls or sample.server.launch"),
        ({"urls": ["http://a/v1"], "launch": "x {port}"}, "either"),
        ({"urls": ["localhost:8000"]}, "not the URL"),
        ({"urls": ["http://user:pw@host/v1"]}, "Keys come from the environment"),
        ({"launch": "sleep {prot}"}, "Did you mean 'port'"),
        ({"launch": "sleep 1"}, "where {port} goes"),
        ({"launch": "sleep '{port}"}, "can't be read"),
        ({"launch": "no-such-program {port}"}, "Install it"),
    ],
)
def test_settings_are_checked_first(given: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, ModelError), match=message) as seen:
        check_server(MODEL, ServerSection.model_validate(given))
    assert "pw" not in str(seen.value)


def test_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'liftmap\[server\]'"):
        check_server(MODEL, ServerSection(urls=("http://127.0.0.1:9/v1",)))


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "\nState:\tZ" not in status.read_text()


def wait_until_gone(pids: list[int]) -> None:
    latest = time.monotonic() + 30
    while any(map(alive, pids)):
        assert time.monotonic() < latest, f"still there: {pids}"
        time.sleep(0.05)


def test_launched_server_is_used_and_ended(tmp_path: Path) -> None:
    pids = tmp_path / "pids of it"
    launch = f"{LAUNCH} --pids '{pids}'"
    given = SampleSection(engine="server", server=section(launch=launch))
    check_model("my model", given)
    engine = make_engine("my model", given, [])
    started = [int(pid) for pid in pids.read_text().split()]
    assert isinstance(engine, ServerEngine)
    assert keys(list(engine.generate(TEXTS, 2, SETTINGS))) == all_keys(TEXTS, 2)
    assert all(map(alive, started))
    engine.close()
    assert not any(map(alive, started))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (f"{LAUNCH} --end-with 'out of memory'", "status 3.*out of memory"),
        (f"{sys.executable} -c 'import time; time.sleep(60)' {{port}}", "did not answer within"),
        (LAUNCH.replace("{model}", "other"), "has no model of this name"),
    ],
    ids=["ends", "hangs", "serves another"],
)
def test_launched_server_that_does_not_serve(command: str, message: str) -> None:
    with pytest.raises(ModelError, match=f"(?s){message}"):
        ServerEngine(MODEL, section(launch=command, start_timeout=1 if "sleep" in command else 60))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_server_is_left_behind(tmp_path: Path, number: int) -> None:
    pids = tmp_path / "pids"
    launch = f"{LAUNCH} --pids {pids}"
    program = f"""
import time
from liftmap.sections import ServerSection
from liftmap.records import SamplingSettings
from liftmap.sample.server import ServerEngine
engine = ServerEngine("m", ServerSection(launch={launch!r}))
drawing = engine.generate({{"q": "x"}}, 10**9, SamplingSettings())
next(drawing)
print("drawing", flush=True)
for _ in drawing:
    pass
"""
    running = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"drawing\n"
    started = [int(pid) for pid in pids.read_text().split()]
    assert all(map(alive, started))
    os.kill(running.pid, number)
    running.wait(30)
    running.stdout.close()
    wait_until_gone(started)


def test_a_launched_server_that_dies_is_an_error_with_its_log(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with closing(ServerEngine("m", section(launch=f"{LAUNCH} --pids {pids}"))) as engine:
        drawing = engine.generate(TEXTS, 100, SETTINGS)
        next(drawing)
        os.kill(int(pids.read_text().split()[0]), signal.SIGKILL)
        with pytest.raises(ModelError, match="Its last lines"):
            list(drawing)


@pytest.mark.parametrize(
    ("choice", "seen"),
    [
        ({"text": "a", "finish_reason": "stop"}, ("a", "stop", "")),
        ({"text": "a", "finish_reason": "length"}, ("a", "length", "")),
        ({"message": {"content": "a"}, "finish_reason": "content_filter"}, ("a", "failed", "")),
        ({"message": {"content": None}, "finish_reason": "tool_calls"}, ("", "failed", "")),
        (
            {"message": {"content": "a", "reasoning_content": "b"}, "finish_reason": "stop"},
            ("a", "stop", "b"),
        ),
    ],
)
def test_reads_choices(choice: dict[str, Any], seen: tuple[str, str, str]) -> None:
    (read,) = read_choices(json.dumps({"choices": [choice]}), 1)
    assert (read.text, read.finish_reason, read.reasoning) == seen
    assert bool(read.error) == (read.finish_reason == "failed")
    assert read.token_count == -1


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "null",
        "{}",
        '{"choices": 3}',
        '{"choices": []}',
        '{"choices": [null]}',
        '{"choices": [{"text": null, "finish_reason": "stop"}]}',
        '{"choices": [{"text": "a", "finish_reason": null}]}',
        '{"choices": [{"text": "a", "finish_reason": "abort"}]}',
    ],
)
def test_a_reply_that_is_none_is_a_fault(reply: str) -> None:
    with pytest.raises(Fault):
        read_choices(reply, 1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("2", 2), ("-1", 0), ("1e9", 3600), ("nan", 0), ("soon", 0)],
)
def test_retry_after(header: str | None, seconds: float) -> None:
    assert retry_after(header) == seconds


def test_retry_after_can_be_a_date() -> None:
    assert retry_after("Fri, 31 Dec 9999 23:59:59 GMT") == 3600
    assert retry_after("Fri, 31 Dec 1999 23:59:59 GMT") == 0
