"""The store: whole files or none, settings kept, damage named."""

from __future__ import annotations

import ast
import errno
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import liftmap.store
from liftmap.errors import SettingsDifferError, StoreError
from liftmap.files import first_difference, keep_settings, write_text
from liftmap.records import CurtailedPlan, FixedPlan, Question, Response
from liftmap.store import StudyFolder, responses_frame, shard_name

QUESTIONS = [
    Question("a", "who ?", "Zack", metadata={"level": 0.3, "hops": 2}),
    Question("b", "who else ?", "Olga", cluster="x"),
    Question("c", "who now ?", "Ann", cluster="x"),
]


def response(question_id: str, index: int, text: str = " so Zack", cut: bool = False) -> Response:
    return Response(question_id, index, text, (5, 6), "length" if cut else "stop", -1.5)


def test_questions_and_responses_come_back_as_they_were(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    folder.write_questions("test", QUESTIONS)
    assert folder.read_questions("test") == QUESTIONS
    responses = folder.responses("base", "test")
    assert responses.shards() == []
    responses.keep_settings({"shards": 2})
    responses.write_responses(shard_name(1), [response("b", 0)])
    responses.write_responses(shard_name(0), [response("a", 0), response("a", 1, "", cut=True)])
    frame = responses.read_responses()
    assert frame["question_id"].to_list() == ["a", "a", "b"]
    assert frame.row(1, named=True) == {
        "question_id": "a",
        "response_index": 1,
        "text": "",
        "token_ids": [5, 6],
        "token_count": 2,
        "finish_reason": "length",
        "log_probability": -1.5,
        "reasoning": "",
        "error": "",
        "template": "",
    }
    assert folder.models("test") == ["base"]
    assert folder.models("train") == []


def test_what_a_server_gives_comes_back_too(tmp_path: Path) -> None:
    """No tokens, a count of its own or none, reasoning apart, and responses that never came."""
    responses = StudyFolder(tmp_path).responses("base", "test")
    responses.keep_settings({"shards": 1})
    nan = float("nan")
    rows = [
        Response("a", 0, "Zack", (), "stop", nan, token_count=7, reasoning="Ann, then Zack"),
        Response("a", 1, "Zack", (), "stop", nan, token_count=-1),
        Response("a", 2, "", (), "failed", nan, token_count=-1, error="time-out"),
    ]
    responses.write_responses(shard_name(0), responses_frame(rows, "chat/1"))
    frame = responses.read_responses()
    assert frame["token_count"].to_list() == [7, None, None]
    assert frame["reasoning"].to_list() == ["Ann, then Zack", "", ""]
    assert frame["finish_reason"].cast(pl.String).to_list() == ["stop", "stop", "failed"]
    assert frame["error"].to_list() == ["", "", "time-out"]
    assert frame["template"].cast(pl.String).to_list() == ["chat/1"] * 3
    assert frame["log_probability"].is_nan().all()


def test_a_tally_counts_each_verdict_once(tmp_path: Path) -> None:
    responses = StudyFolder(tmp_path).responses("base", "test")
    responses.keep_settings({"shards": 1})
    responses.write_responses(
        shard_name(0), [response("a", i, cut=i == 2) for i in range(4)] + [response("b", 0)]
    )
    frame = responses.read_responses().select("question_id", "response_index")
    verdicts = ["right", "wrong", "right", "unscored", "wrong"]
    labelled = frame.with_columns(
        verdict=pl.Series(verdicts), answer=pl.lit("Zack"), reason=pl.lit("")
    )
    responses.keep_verifier_settings("exact", {})
    responses.write_verdicts("exact", shard_name(0), labelled)
    tally = responses.tally("exact", QUESTIONS)
    assert tally.question_ids.tolist() == ["a", "b", "c"]
    assert tally.n.tolist() == [3, 1, 0]
    assert tally.c.tolist() == [2, 0, 0]
    assert tally.unscored.tolist() == [1, 0, 0]
    assert tally.truncated.tolist() == [1, 0, 0]
    assert tally.cluster is not None
    assert tally.cluster.tolist() == ["a", "x", "x"]
    assert tally.plan is None, "n differs, so this was no fixed plan"
    assert responses.tally("exact", QUESTIONS[:1]).plan == FixedPlan(4)
    assert np.issubdtype(tally.n.dtype, np.integer)
    assert responses.verifiers() == ["exact"]
    first = responses.read_verdicts("exact", shard_name(0))
    assert first["verdict"].cast(pl.String).to_list() == verdicts


def test_a_tally_knows_the_plan(tmp_path: Path) -> None:
    responses = StudyFolder(tmp_path).responses("base", "test")
    plan = CurtailedPlan(stop_after=2, cap=4, round_size=2)
    responses.keep_settings({"shards": 1, "plan": asdict(plan)})
    responses.write_responses(shard_name(0), [response("a", 0)])
    responses.keep_verifier_settings("exact", {})
    verdict = {"verdict": pl.lit("right"), "answer": pl.lit(""), "reason": pl.lit("")}
    keys = responses.read_responses(columns=["question_id", "response_index"])
    responses.write_verdicts("exact", shard_name(0), keys.with_columns(**verdict))
    assert responses.tally("exact", QUESTIONS).plan == plan


def test_a_write_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x" / "table.parquet"

    def full(self: Path, *args: Any, **kwargs: Any) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match=r"No space left.*Make room"):
        write_text(target, "x")
    assert list(target.parent.iterdir()) == []


def test_a_full_disk_is_one_message(tmp_path: Path) -> None:
    """A real refusal by the system: no file may grow beyond 20,000 bytes in this process."""
    program = f"""
import resource, signal
from pathlib import Path
from liftmap.records import Response
from liftmap.store import StudyFolder, responses_frame, shard_name
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
responses = StudyFolder(Path({str(tmp_path)!r})).responses("base", "test")
responses.keep_settings({{"shards": 2}})
rows = [Response(str(i * i), i, str(i ** 5), (i,), "stop", float(i)) for i in range(5000)]
responses.write_responses(shard_name(0), rows[:1])
responses.write_responses(shard_name(1), rows)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("liftmap.errors.StoreError: ")
    assert "could not be written" in last
    assert "Make room" in last
    left = {p.name for p in (tmp_path / "responses/base/test").iterdir()}
    assert left == {"settings.json", shard_name(0)}


def test_damaged_files_are_named(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    responses = folder.responses("base", "test")
    with pytest.raises(StoreError, match="holds no shards"):
        responses.read_responses()
    responses.keep_settings({"shards": 1})
    responses.write_responses(shard_name(0), [response("a", 0)])
    shard = tmp_path / "responses" / "base" / "test" / shard_name(0)
    shard.write_bytes(shard.read_bytes()[:-20])
    with pytest.raises(
        StoreError, match=r"shard-00000.parquet is damaged.*`liftmap check`.*--repair"
    ):
        responses.read_responses()
    with pytest.raises(StoreError, match="does not exist"):
        folder.read_table("capability")


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    keep_settings(file, {"n": 4, "sampling": {"seed": 1, "top_k": 0}})
    keep_settings(file, {"sampling": {"top_k": 0, "seed": 1}, "n": 4})
    with pytest.raises(SettingsDifferError, match=r"sampling.seed was 1, now 2"):
        keep_settings(file, {"n": 4, "sampling": {"seed": 2, "top_k": 0}})
    file.write_text("{")
    with pytest.raises(StoreError, match="is damaged"):
        keep_settings(file, {"n": 4})


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(plain, plain)
def test_a_difference_is_found_exactly_when_there_is_one(old: Any, new: Any) -> None:
    assert first_difference(old, old) is None
    if type(old) is type(new):
        without_null = "None" not in repr(old) + repr(new)
        if without_null:
            assert (first_difference(old, new) is None) == (old == new)


SOURCE = Path(liftmap.__file__).parent
# What is named elsewhere and is not of a study: models, caches, programs, what liftmap ships.
ELSEWHERE = {
    "report/share.py": {"share.svg.j2"},
    "testing.py": {"checked.jsonl", "trainer"},
    "report/track_page.py": {"track.html.j2"},
    "cli/flags.py": {"config.json"},
    "comparison/phrases.py": {"data", "reflection_keywords.txt"},
    "report/build.py": {"page.html.j2"},
    "report/lead.py": {
        *("tables/capability.parquet", "tables/difficulty.parquet", "tables/transitions.parquet"),
    },
    "report/comparison.py": {"comparison.html.j2"},
    "report/suite.py": {"suite.html.j2"},
    "report/question_view.py": {"question.html.j2", "question_macros.html.j2"},
    "sample/gguf.py": {"config.json", "liftmap", "gguf"},
    "sample/identity.py": {
        *("config.json", "generation_config.json", "adapter_config.json"),
        *("chat_template.json", "tokenizer.json", "tokenizer_config.json"),
        *("special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt"),
        *("liftmap", "digests.json"),
    },
    "sample/hf.py": {"config.json", "adapter_config.json"},
    "tasks/hub.py": {"folder"},
    "testbed/pretrain.py": {"pretraining.json"},
    "testbed/world.py": {"checkpoints"},
    "verify/attack.py": {"data", "attacks"},
    "verify/code.py": {"code_judge.py"},
    "verify/sandbox.py": {"sandbox_entry.py"},
    "view/app.py": {
        *("questions.html.j2", "responses.html.j2", "question_page.html.j2"),
        *("message.html.j2", "note.html.j2"),
    },
    # Copies of a log's texts, in a temporary folder.
    "view/response_index.py": {"texts-"},
}
ENDING = re.compile(r"\w\.(json|jsonl|toml|parquet|html|j2|txt|lock|partial|safetensors)$")


def texts(node: ast.expr) -> list[str]:
    """The constant parts of a text or an f-string that hold more than an ending such as .json."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    found = [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]
    return [text for text in found if re.search(r"(?<![.\w])\w{3,}", text)]


def file_names(source: str) -> Iterator[str]:
    """Texts that name files: behind the `/` of a path, in `joinpath` and `glob`, by their ending.

    Not sentences, in which a file may be named for the reader.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield from texts(node.right)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("joinpath", "glob", "rglob", "with_name"):
                for argument in node.args:
                    yield from texts(argument)
        elif isinstance(node, ast.Constant):
            yield from (t for t in texts(node) if ENDING.search(t) and " " not in t)


def test_the_search_for_file_names_finds_them() -> None:
    assert list(file_names('x = home / "model"')) == ["model"]
    assert "trained.json" in list(file_names('NAME = "trained.json"'))
    assert "task-" in list(file_names('folder.path / f"task-{split}.json"'))
    assert list(file_names('folder.glob("checkpoint-*")')) == ["checkpoint-*"]
    assert list(file_names('"Run again: study.toml says how it is sampled."')) == []


def names_in_source() -> dict[str, set[str]]:
    """The file names in each source file, by its path."""
    return {
        path.relative_to(SOURCE).as_posix(): set(file_names(path.read_text("utf-8")))
        for path in sorted(SOURCE.rglob("*.py"))
    }


def test_only_the_store_names_the_files_of_a_study() -> None:
    names = names_in_source()
    in_store = set.union(*(found for path, found in names.items() if path.startswith("store/")))
    in_store |= {"responses", "verdicts", "scores"}
    assert {"study.toml", "checkpoint.json", "task-", "trainer", "tables"} <= in_store
    for path, found in names.items():
        # Readers name the files of other tools' logs.
        known = found - in_store if path.startswith("read/") else ELSEWHERE.get(path, set())
        assert path.startswith("store/") or found <= known, path


def test_every_file_name_of_the_store_stands_in_its_tree() -> None:
    tree = liftmap.store.__doc__
    assert tree is not None
    for path, found in names_in_source().items():
        if path.startswith("store/"):
            assert all(name in tree for name in found), path
