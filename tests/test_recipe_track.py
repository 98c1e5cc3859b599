"""recipes/track: its commands give what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "recipes" / "track" / "README.md").read_text("utf-8")
# What the page leaves out.
LEFT_OUT = "[...]"


@pytest.mark.slow
def test_the_page_shows_what_its_commands_print(tmp_path: Path) -> None:
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "80", "NO_COLOR": "1"}
    blocks = re.findall(r"```console\n(.*?)```", PAGE, flags=re.DOTALL)
    steps = [step for block in blocks for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert len(steps) >= 4
    for step in steps:
        command, _, shown = step.partition("\n")
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert "Traceback" not in done.stderr, done.stderr
        printed = "\n".join(line.rstrip() for line in done.stdout.splitlines())
        at = 0
        for part in shown.strip("\n").split(LEFT_OUT):
            place = printed.find(part.strip("\n"), at)
            assert place >= 0, f"{command}\nprints\n{printed}\nand not\n{part}"
            at = place + len(part.strip("\n"))
        if LEFT_OUT not in shown:
            assert printed.strip("\n") == shown.strip("\n")
