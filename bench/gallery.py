"""Takes the pictures of docs/gallery.md anew: runs its commands, opens their pages in Chromium.

    python -m bench.gallery [NAME ...]

A picture `gallery/NAME.png` of the page shows the first screen of the HTML page that the block of
commands above it makes; where the page links `gallery/NAME.html`, the HTML page is kept too.
Needs Chromium, and writes docs/gallery/.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "gallery.md"
GALLERY = ROOT / "docs" / "gallery"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Pixels of a picture: what a small laptop shows without scrolling.
SCREEN = {"width": 1160, "height": 780}
# Milliseconds until the charts are drawn.
DRAWING_TIME = 1500


@dataclass(frozen=True)
class Exhibit:
    """A picture of the gallery and what it is made by.

    Attributes:
        name: Its file's name without the ending.
        commands: Lines of a shell.
        page: The HTML page that they make, relative to where they run.
        kept: Whether the HTML page is part of the gallery.
    """

    name: str
    commands: str
    page: str
    kept: bool


def exhibits() -> list[Exhibit]:
    """The pictures of the gallery in their order."""
    text = PAGE.read_text("utf-8")
    listed = []
    for section in text.split("\n## ")[1:]:
        for name in re.findall(r"!\[[^]]*\]\(gallery/([\w-]+)\.png\)", section):
            [commands] = re.findall(r"^```\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
            [page] = re.findall(r"\S+\.html", commands)
            listed.append(Exhibit(name, commands, page, f"(gallery/{name}.html)" in section))
    return listed


def make_page(exhibit: Exhibit, folder: Path) -> Path:
    """Runs an exhibit's commands in a folder that sees the repository; gives the HTML page."""
    for name in ("recipes", "examples", "src"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-e", "-c", exhibit.commands],
        cwd=folder,
        env={**os.environ, "PATH": tools},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return folder / exhibit.page


def take_picture(browser: Any, page: Path, picture: Path) -> None:
    """Writes the first screen of an HTML page as PNG."""
    opened = browser.new_page(viewport=SCREEN)
    opened.goto(page.as_uri())
    opened.wait_for_selector("body[data-unpacked]", state="attached")
    opened.wait_for_timeout(DRAWING_TIME)
    opened.screenshot(path=str(picture))
    opened.close()


def main() -> None:
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise SystemExit(f"None of {', '.join(BROWSERS)} is installed.")
    GALLERY.mkdir(exist_ok=True)
    with TemporaryDirectory() as name, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for exhibit in exhibits():
            if sys.argv[1:] and exhibit.name not in sys.argv[1:]:
                continue
            page = make_page(exhibit, Path(name))
            take_picture(browser, page, GALLERY / f"{exhibit.name}.png")
            if exhibit.kept:
                shutil.copyfile(page, GALLERY / f"{exhibit.name}.html")
            print(f"{exhibit.name}: {page.stat().st_size:,} bytes of HTML")
        browser.close()


if __name__ == "__main__":
    main()
