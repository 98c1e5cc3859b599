"""What servers do to responses without failing: kept with them, said by `sample` and `compare`.

They go on after a stop string, draw the same for every seed, end responses for reasons of their
own, or do not say why they ended them.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from liftmap.ask import Asking, sample_model
from liftmap.cli import main
from liftmap.comparison.load import load
from liftmap.errors import InputError
from liftmap.sample.server.calls import Fault
from liftmap.sample.server.replies import Choice, UnsaidEnd, read_choices
from liftmap.sections import SampleSection, ServerSection, VerifySection
from liftmap.store import ResponseSet

from .faulty_server import MODEL, FaultyServer


def asked(server: FaultyServer, folder: Path, **sampling: Any) -> ResponseSet:
    """Six responses to each of four questions."""
    questions = folder / "questions.jsonl"
    questions.write_text(
        "".join(f'{{"question": "What is {i}?", "answer": "{i}"}}\n' for i in range(4))
    )
    section = ServerSection(urls=(server.url,), backoff=0.01)
    asking = Asking(
        "jsonl",
        options={"path": str(questions)},
        sampling=SampleSection(
            engine="server", template="plain", n=6, max_tokens=9, server=section, **sampling
        ),
        verifying=VerifySection(verifier="exact"),
    )
    return sample_model(MODEL, asking, folder / "runs")


# stop strings


def choice(content: str, stop: tuple[str, ...], **changes: Any) -> Choice:
    given: dict[str, Any] = {"message": {"content": content}, "finish_reason": "length"}
    [read] = read_choices(json.dumps({"choices": [given | changes]}), 1, stop=stop)
    return read


@pytest.mark.parametrize(
    ("text", "stop", "kept"),
    [
        ("so 7\nQ: 0", ("Q:",), "so 7\n"),
        ("so 7\nQ: 0\nQ: 1", ("Q:",), "so 7\n"),
        ("so 7\nEnd Q: 0", ("Q:", "End"), "so 7\n"),
        ("so 7Q:", ("Q:",), "so 7"),
        ("Q: 0", ("Q:",), ""),
    ],
)
def test_a_text_is_cut_at_the_first_stop_string(
    text: str, stop: tuple[str, ...], kept: str
) -> None:
    read = choice(text, stop)
    assert (read.text, read.finish_reason) == (kept, "stop")
    assert "went on after the stop string" in read.error
    assert read.token_count == -1
    assert math.isnan(read.log_probability)


def test_a_text_without_a_stop_string_is_left() -> None:
    read = choice("so 7", ("Q:", "8"))
    assert (read.text, read.finish_reason, read.error) == ("so 7", "length", "")


def test_tokens_after_the_stop_string_do_not_count() -> None:
    tokens = ["so", " 7", "\n", "Q", ": 0"]
    chat = {"content": [{"token": token, "logprob": -1.0} for token in tokens]}
    completions = {"tokens": tokens, "token_logprobs": [-1.0] * 5}
    for logprobs in (chat, completions):
        assert choice("so 7\nQ: 0", ("Q:",), logprobs=logprobs).token_count == 3
        assert choice("so 7\nQ: 0", ("Z",), logprobs=logprobs).token_count == 5


def test_a_stop_string_in_the_reasoning_ends_all() -> None:
    read = choice("", ("Q:",), message={"content": "7", "reasoning": "5? Q: 6?"})
    assert (read.reasoning, read.text, read.finish_reason) == ("5? ", "", "stop")


def test_stop_strings_are_enforced_where_the_server_ignores_them(tmp_path: Path) -> None:
    with FaultyServer(goes_on="\nQ: 0") as server:
        target = asked(server, tmp_path, stop=("Q:",))
    responses = target.read_responses()
    assert not responses["text"].str.contains("Q:").any()
    assert (responses["text"].str.strip_chars() != "").all()
    assert set(responses["finish_reason"]) == {"stop"}
    assert load(target).warnings == (
        "24 of 24 responses: the server went on after the stop string 'Q:'; cut there.",
    )


# seeds


def test_one_text_for_every_seed_is_said(tmp_path: Path) -> None:
    with FaultyServer(ignores_seed=True) as server:
        target = asked(server, tmp_path)
    assert target.account() == {
        "responses": 24,
        "errors": {},
        "copies": 20,
        "several": 4,
        "one_text": 4,
    }
    [said] = load(target).warnings
    assert said.startswith(
        "All responses to 4 of 4 questions are the same text although the temperature is 1: 20 of "
        "24 responses (83 %) are copies."
    )


def test_texts_that_differ_are_not_remarked_on(tmp_path: Path) -> None:
    with FaultyServer() as server:
        target = asked(server, tmp_path)
    account = target.account()
    assert account is not None
    assert account["one_text"] == 0
    assert load(target).warnings == ()


# ends


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("eos", "stop"),
        ("STOP", "stop"),
        ("end_turn", "stop"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("content_filter", "failed"),
        ("tool_calls", "failed"),
    ],
)
def test_names_of_ends(reason: str, kept: str) -> None:
    read = choice("so 7", (), finish_reason=reason)
    assert read.finish_reason == kept
    assert read.error == (f"the server ended it with {reason!r}" if kept == "failed" else "")


@pytest.mark.parametrize("reason", [None, ""])
def test_an_end_that_is_not_said_is_taken_only_if_asked(reason: str | None) -> None:
    reply = json.dumps(
        {
            "choices": [{"text": "a b", "finish_reason": reason}],
            "usage": {"completion_tokens": 2},
        }
    )
    with pytest.raises(UnsaidEnd):
        read_choices(reply, 1)
    for most, end in ((2, "length"), (3, "stop")):
        [read] = read_choices(reply, 1, max_tokens=most, unsaid_ends=True)
        assert (read.finish_reason, read.error) == (end, "the server did not say how it ended")
    with pytest.raises(Fault, match="abort"):
        read_choices(json.dumps({"choices": [{"text": "a", "finish_reason": "abort"}]}), 1)


@pytest.mark.parametrize("reason", [None, ""])
def test_a_server_that_never_says_how_responses_end_is_used_and_told(
    tmp_path: Path, reason: str | None
) -> None:
    with FaultyServer(ends_with={"finish_reason": reason}) as server:
        target = asked(server, tmp_path)
    assert set(target.read_responses()["finish_reason"]) <= {"stop", "length"}
    [said] = load(target).warnings
    assert said == "24 of 24 responses: the server did not say how it ended."


def test_calls_of_tools_and_filters_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FaultyServer(ends_with={"finish_reason": "content_filter"}) as server:
        target = asked(server, tmp_path)
        account = target.account()
        assert account is not None
        assert account["errors"] == {"the server ended it with 'content_filter'": 24}
        with pytest.raises(InputError, match=r"24 of 24 responses: .*'content_filter'"):
            load(target)
        run = f"sample --model {MODEL} --task jsonl --option path={tmp_path / 'questions.jsonl'}"
        flags = f"--url {server.url} --n 6 --max-tokens 9 --verifier exact --template plain"
        out = f"--out {tmp_path / 'again'}"
        assert main([*run.split(), *flags.split(), *out.split()]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "24 of 24 responses: the server ended it with 'content_filter'." in said
