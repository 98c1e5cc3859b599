"""The recipe of the callback: its script and its commands print what its page shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from liftmap import read_training_log
from liftmap.cli import COMMANDS

RECIPE = Path(__file__).parent.parent / "recipes" / "callback"
NUMBER = re.compile(r"[+\u2212-]?\d[\d.]*")


def run(folder: Path, *command: str) -> str:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


def shown(command: str) -> list[str]:
    """The lines that the page shows under a command."""
    page = (RECIPE / "README.md").read_text("utf-8")
    match = re.search(rf"\$ {re.escape(command)}\n(.*?)(?=\n\$ |\n```)", page, flags=re.DOTALL)
    assert match, command
    return [line for line in match[1].splitlines() if line != "[...]"]


@pytest.mark.slow
# On a machine that is busy with other work it may take minutes.
@pytest.mark.timeout(1200)
def test_the_page_shows_what_comes_out(tmp_path: Path) -> None:
    printed = run(tmp_path, sys.executable, str(RECIPE / "train.py")).splitlines()
    lines = [line for line in printed if line.startswith("step ")]
    expected = shown("python recipes/callback/train.py")
    # The base draws the same everywhere; in training another processor may round otherwise.
    assert lines[0] == expected[0]
    assert [NUMBER.sub("#", line) for line in lines] == [NUMBER.sub("#", line) for line in expected]
    for line, other in zip(lines, expected, strict=True):
        rates = [float(NUMBER.findall(text.split("pass@1 ")[1])[0]) for text in (line, other)]
        assert rates[0] == pytest.approx(rates[1], abs=0.15)

    [command] = re.findall(r"\$ liftmap (compare .*)", (RECIPE / "README.md").read_text("utf-8"))
    assert command.split()[0] in COMMANDS
    compared = run(tmp_path, sys.executable, "-m", "liftmap", *command.split())
    for words in ("60 questions; intervals cover 95 %", "step_0 → step_20"):
        assert words in compared
        assert any(words in line for line in shown(f"liftmap {command}"))
    assert read_training_log(tmp_path / "trainer")["step"].to_list() == [10, 20]
