"""A small study to look at, and a real server over it."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from liftmap.comparison.load import JudgedBy
from liftmap.records import Question, Response
from liftmap.sections import VerifySection
from liftmap.store import StudyFolder, shard_name
from liftmap.verify.run import verify
from liftmap.view.app import Viewer
from liftmap.view.sources import open_sources

from .payloads import PAYLOADS

BY_DEFAULT = JudgedBy(
    verifier=None, metric=None, think_end=None, verifier_options=None, columns=None, right_at=None
)
TOKEN = "the-token"


def boxed(answer: str, words: str = "so") -> str:
    return f"{words} $x = {answer}$, that is \\boxed{{{answer}}}"


def write_model(
    folder: StudyFolder,
    model: str,
    questions: Sequence[Question],
    texts: Mapping[str, Sequence[str | Response]],
    split: str = "test",
    shards: int = 2,
) -> None:
    """Writes what a model answered, judged by the verifier numeric."""
    target = folder.responses(model, split)
    target.keep_settings({"shards": shards, "sampling": {"temperature": 1.0}})
    size = -(-len(questions) // shards)
    for shard in range(shards):
        part = questions[shard * size : (shard + 1) * size]
        responses = [
            text
            if isinstance(text, Response)
            else Response(q.question_id, at, text, (1,) * (len(text) // 4), "stop", -1.5 - at)
            for q in part
            for at, text in enumerate(texts[q.question_id])
        ]
        target.write_responses(shard_name(shard), responses)
    verify(target, list(questions), VerifySection(verifier="numeric"))


# Twelve questions of eight responses; by name what changes.
RIGHT = {
    "lost/one": (4, 0),
    "gained": (0, 5),
    "moved": (0, 8),
    "fell": (8, 1),
    **{f"same-{i}": (3, 3) for i in range(8)},
}


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """A folder with a base and a tuned model."""
    folder = StudyFolder(tmp_path_factory.mktemp("view") / "study")
    questions = [
        Question(name, f"What is $\\frac{{{2 * at}}}{{2}}$? Called {name}.", str(at))
        for at, name in enumerate(RIGHT)
    ]
    folder.write_questions("test", questions, {"task": "made"})
    for side, model in enumerate(("base", "tuned")):
        texts: dict[str, list[str | Response]] = {
            q.question_id: [
                boxed(q.answer if n < RIGHT[q.question_id][side] else "-7") for n in range(8)
            ]
            for q in questions
        }
        texts["same-0"][7] = "<think>hmm, a needle in a haystack</think>" + boxed("-8", "Now")
        texts["same-1"][7] = Response("same-1", 7, "it goes on and", (1,) * 50, "length", -9.0)
        texts["same-2"][7] = Response(
            "same-2", 7, "", (), "failed", float("nan"), error="the server was away"
        )
        write_model(folder, model, questions, texts)
    return folder


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """A folder in which every text wants to run something."""
    folder = StudyFolder(tmp_path_factory.mktemp("view") / "hostile")
    questions = [
        Question(f"{at} {payload}"[:300], f"Ask {payload}", payload)
        for at, payload in enumerate(PAYLOADS)
    ]
    folder.write_questions("test", questions, {"task": "made"})
    texts: dict[str, list[str | Response]] = {
        q.question_id: [
            f"<think>{q.answer}</think>{q.answer} \\boxed{{{q.answer}}}",
            Response(q.question_id, 1, q.answer, (1,), "failed", -1.0, error=q.answer),
        ]
        for q in questions
    }
    for model in ("base", "tuned"):
        write_model(folder, model, questions, texts)
    return folder


@dataclass
class Page:
    """An answer of the server."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass
class Served:
    """A server that runs."""

    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> Page:
        return self.ask("GET", path, headers=headers)

    def ask(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Asks with the token as a cookie, unless the headers say otherwise."""
        given = {"Cookie": f"liftmap-{self.port}={TOKEN}", **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return Page(answer.status, text, {k.lower(): v for k, v in answer.getheaders()})


@contextmanager
def serving(*paths: Path | str, copies: Path | None = None) -> Iterator[Served]:
    """A real server on loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    viewer = Viewer(open_sources([str(p) for p in paths], BY_DEFAULT, copies), TOKEN, port)
    server = uvicorn.Server(uvicorn.Config(viewer.app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Served(port)
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def served(study: StudyFolder) -> Iterator[Served]:
    """The small study, served."""
    with serving(study.path) as server:
        yield server


@pytest.fixture(scope="session")
def served_hostile(hostile: StudyFolder) -> Iterator[Served]:
    """The hostile study, served."""
    with serving(hostile.path) as server:
        yield server


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for something."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
