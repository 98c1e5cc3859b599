"""Runs the commands of the tutorials and compares, or writes, what they print.

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
PAGES = {"tutorial-two-logs": "two-logs", "tutorial-study": "study"}
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)


def page_of(name: str) -> Path:
    """The file of a page."""
    return ROOT / "docs" / f"{name}.md"


def refreshed(name: str) -> str:
    """The text of a page with what its commands print today."""
    text = page_of(name).read_text("utf-8")
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
        if text == page_of(name).read_text("utf-8"):
            continue
        if "--write" in sys.argv:
            page_of(name).write_text(text, "utf-8")
        print(
            f"{page_of(name).relative_to(ROOT)} is {'written' * ('--write' in sys.argv) or 'old'}"
        )


if __name__ == "__main__":
    main()
