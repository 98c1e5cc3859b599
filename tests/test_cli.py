"""The command line: results on standard output, mistakes with status 2 and no traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tomli_w

from liftmap.cli import COMMANDS, main

from .conftest import SCRIPTED


def test_the_command_line_starts_without_torch() -> None:
    program = (
        "import sys, liftmap.cli; "
        "print({'torch', 'transformers', 'trl', 'datasets'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"liftmap {command}" in capsys.readouterr().out.split("For instance:")[1]


def test_single_stages_skip_what_is_done(
    scripted_study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(scripted_study)
    for command in ("sample", "verify", "train", "score", "analyse", "report"):
        assert main([command, folder]) == 0
    captured = capsys.readouterr()
    assert "0 responses judged" in captured.err
    assert str(scripted_study / "report.html") in captured.out.replace("\n", "")


def test_a_finished_study_can_be_printed_as_json(
    scripted_study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = scripted_study / "study.toml"
    assert main(["study", str(study), "--out", str(scripted_study), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["arm"] for row in printed["verdict"]] == ["sharper", "unchanged"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study", "none.toml"], "does not exist"),
        (["sample", "/nowhere"], "is no study folder"),
        (["study", "[/red]"], "[/red] does not exist"),
        (["study", "scripted", "--out", __file__], "is a file where a folder is needed"),
        (["train", "STUDY", "--arm", "sharpr"], "Did you mean 'sharper'?"),
        (["sample", "STUDY", "--model", "bsae"], "Did you mean 'base'?"),
        (["verify", "STUDY", "--verifier", "exakt"], "Did you mean 'exact'?"),
    ],
)
def test_mistakes_end_with_status_2(
    scripted_study: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [str(scripted_study) if a == "STUDY" else a for a in arguments]
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err.replace("\n", " ")
    assert "Traceback" not in captured.err


@pytest.mark.slow
def test_control_c_says_how_to_go_on(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    sample = SCRIPTED["sample"] | {"n": 2048, "shard_responses": 2048}
    study.write_text(tomli_w.dumps(SCRIPTED | {"sample": sample}))
    command = [sys.executable, "-m", "liftmap", "study", str(study), "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        shards = tmp_path / "out" / "responses" / "base" / "test"
        deadline = time.monotonic() + 60
        while not list(shards.glob("shard-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "the same command goes on" in errors
    assert "Traceback" not in errors
