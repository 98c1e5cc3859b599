"""Runs the commands of the tutorials and of README.md and compares, or writes, what they print.

    python -m bench.tutorials [--write]

A block of a page that is marked `console` holds commands (`$ liftmap ...`), each followed by what
it prints to standard output at 80 columns. A page is followed in a copy of its folder of examples.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
# The folder of examples that each page's commands run in.
PAGES = {
    "README.md": "two-logs",
    "docs/tutorial-two-logs.md": "two-logs",
    "docs/tutorial-study.md": "study",
}
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)


def refreshed(name: str) -> str:
    """The text of a page (its path in the repository) with what its commands print today."""
    text = (ROOT / name).read_text("utf-8")
    with TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        shutil.copytree(ROOT / "examples" / PAGES[name], work)
        return BLOCK.sub(lambda block: _run(block[0], work), text)


def _run(block: str, folder: Path) -> str:
    """The commands of a block, each with its output."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": tools, "COLUMNS": "80", "NO_COLOR": "1"}
    lines: list[str] = []
    for line in block.splitlines():
        if not line.startswith("$ "):
            continue
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line[2:]],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"{line}\n{done.stdout}{done.stderr}")
        lines += [line, *(printed.rstrip() for printed in done.stdout.splitlines())]
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    """Says which pages differ, or writes them."""
    for name in PAGES:
        text = refreshed(name)
        if text == (ROOT / name).read_text("utf-8"):
            continue
        if "--write" in sys.argv:
            (ROOT / name).write_text(text, "utf-8")
        print(f"{name} is {'written' if '--write' in sys.argv else 'old'}")


if __name__ == "__main__":
    main()
