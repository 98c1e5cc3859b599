"""The recipe of two logs: its commands run, and print what its page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = Path(__file__).parents[2] / "recipes" / "two-logs"


def _lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


@pytest.mark.slow
def test_the_recipe_prints_what_it_shows(tmp_path: Path) -> None:
    page = (RECIPE / "README.md").read_text("utf-8")
    blocks = re.findall(r"```(\w*)\n(.*?)```", page, flags=re.DOTALL)
    commands = [line[2:] for _, block in blocks for line in block.splitlines() if line[:2] == "$ "]
    shown = [block for kind, block in blocks if not kind and not block.startswith("$")]
    [script] = [block for kind, block in blocks if kind == "python"]
    (tmp_path / "recipes").symlink_to(RECIPE.parent)
    printed = ""
    for command in [*commands, script]:
        program = ["-c", command] if command == script else command.split()[1:]
        if command.startswith("liftmap"):
            program = ["-m", "liftmap", *program]
        printed += subprocess.run(
            [sys.executable, *program],
            cwd=tmp_path,
            env=os.environ | {"COLUMNS": "80"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert len(shown) == 3
    for block in shown:
        for part in block.split("...\n"):
            assert _lines(part) in _lines(printed), part
    assert "Length of responses by difficulty" in (tmp_path / "two-logs.html").read_text("utf-8")
