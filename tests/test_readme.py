"""The README keeps its word: the tree is whole, the study file loads, the commands exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from liftmap.cli import COMMANDS
from liftmap.config import ArmSection

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
# Folders that the tree names as a whole.
WHOLE = ("charts", "readers", "configs", "data")


def test_the_tree_names_every_file() -> None:
    tree = README.split("src/liftmap/\n", 1)[1].split("```", 1)[0]
    folder, named = "", set()
    for line in tree.splitlines():
        match = re.match(r"( +)(\S+)", line)
        assert match, line
        depth, name = len(match[1]), match[2]
        folder = folder if depth > 2 else ""
        named.add(folder + name)
        if depth == 2 and name.endswith("/"):
            folder = name
    source = ROOT / "src" / "liftmap"
    files = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if path.name != "__init__.py" and path.parent.name not in WHOLE
    }
    assert files == {name for name in named if name.endswith(".py")}


def test_the_study_file_in_it_says_what_can_be_run() -> None:
    toml = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    assert toml
    for text in toml:
        for name, arm in tomllib.loads(text)["arms"].items():
            if "method" in arm:
                ArmSection.model_validate(arm)
            else:
                assert name == "knowledge", "an arm that the demo has"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_it(command: str) -> None:
    assert re.search(rf"\b{command}\b", README)


def test_make_knows_its_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_its_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (ROOT / target).exists(), target
