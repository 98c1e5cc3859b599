"""Notes on wrong verdicts: kept, taken back, and seen by verify and audit."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from liftmap.ask import audit_folder, noted_in
from liftmap.cli import main
from liftmap.errors import StoreError
from liftmap.store import Note, StudyFolder, notes_file, read_notes
from liftmap.store.notes import add_note


def test_a_later_note_replaces_an_earlier_one_and_can_take_it_back(tmp_path: Path) -> None:
    file = notes_file(tmp_path / "log.jsonl")
    assert file == tmp_path / "log.jsonl.notes.jsonl"
    assert read_notes(file) == []
    add_note(file, Note("q\u202e1", 0, "wrong", model="m"))
    add_note(file, Note("q2", 0, "right", model="m"))
    add_note(file, Note("q\u202e1", 0, "wrong", model="m", comment="it is 7"))
    assert [(n.question_id, n.comment) for n in read_notes(file)] == [
        ("q2", ""),
        ("q\u202e1", "it is 7"),
    ]
    add_note(file, Note("q2", 0, "right", model="m", taken_back=True))
    assert [n.question_id for n in read_notes(file)] == ["q\u202e1"]
    assert file.read_bytes().isascii()


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"question_id": "q"}',
        '{"question_id": 1, "response_index": 0, "verdict": "right"}',
        '{"question_id": "q", "response_index": -1, "verdict": "right"}',
        '{"question_id": "q", "response_index": 0, "verdict": "fine"}',
    ],
)
def test_a_line_that_is_not_a_note_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "notes.jsonl"
    add_note(file, Note("q", 0, "wrong"))
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(StoreError, match="line 2 is not a note"):
        read_notes(file)


@pytest.fixture
def noted(study: StudyFolder, tmp_path: Path) -> Path:
    """The small study with two notes: a wrong verdict that is wrong, and a right one."""
    folder = tmp_path / "study"
    shutil.copytree(study.path, folder)
    file = notes_file(folder)
    for model, question, index, verdict in (
        ("base", "gained", 3, "wrong"),
        ("tuned", "moved", 0, "wrong"),
    ):
        add_note(
            file,
            Note(question, index, verdict, model=model, split="test", verifier="numeric"),  # type: ignore[arg-type]
        )
    return folder


def test_verify_says_how_many_verdicts_are_still_those(
    noted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # numeric calls the first wrong too, and the second right.
    assert noted_in(noted, "numeric")["verdict"].to_list() == ["wrong", "right"]
    assert main(["verify", str(noted), "--verifier", "numeric"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "2 verdicts were noted as wrong; numeric gives 1 of them." in said


def test_audit_lists_notes_beside_both_verifiers(
    noted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(noted), "--verifier", "exact"]) == 0
    result = audit_folder(noted, "numeric", "exact")
    assert result.noted.select("model", "question_id", "noted_as_wrong", "first").rows() == [
        ("base", "gained", "wrong", "wrong"),
        ("tuned", "moved", "wrong", "right"),
    ]
    assert result.disagreements_with_readers("first") == 1
    capsys.readouterr()
    command = ["audit", str(noted), "--first", "numeric", "--second", "exact", "--json", "-"]
    assert main(command) == 0
    assert len(json.loads(capsys.readouterr().out)["noted"]) == 2
    assert main(command[:-2]) == 0
    assert "2 verdicts were noted as wrong by readers" in capsys.readouterr().out


def test_mistakes_are_one_message_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "counts.csv").write_text("question_id,n,c\nq1,4,2\nq2,4,1\n")
    (tmp_path / "study.toml").write_text("")
    for path, words in (
        (tmp_path / "none", "does not exist"),
        (tmp_path / "counts.csv", "holds no texts"),
        (tmp_path, "without responses"),
    ):
        assert main(["view", str(path), "--no-browser"]) == 2
        assert words in " ".join(capsys.readouterr().err.split())
    assert main(["view", str(tmp_path), "--port", "70000"]) == 2
    assert "not a port" in capsys.readouterr().err


def test_the_address_is_printed_and_ctrl_c_ends_it(study: StudyFolder) -> None:
    command = [sys.executable, "-m", "liftmap", "view", str(study.path), "--no-browser"]
    environment = {**os.environ, "BROWSER": "false"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as viewer:
        assert viewer.stdout is not None
        assert viewer.stderr is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", viewer.stdout.readline())
        assert address
        cookies = urllib.request.HTTPCookieProcessor()
        with urllib.request.build_opener(cookies).open(address[0], timeout=30) as page:
            assert "12 of 12 questions" in page.read().decode()
        viewer.send_signal(signal.SIGINT)
        assert viewer.wait(30) == 130
        said = viewer.stderr.read()
    assert "Traceback" not in said
    assert "notes.jsonl" in said.replace("\n", "")
