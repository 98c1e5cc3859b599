"""README and CONTRIBUTING keep their word: the tree is whole, the study loads, commands exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from liftmap.cli import COMMANDS
from liftmap.config import ArmSection
from liftmap.read import READERS
from liftmap.read.column_names import ALSO, NAMES
from liftmap.records import Question
from liftmap.sample.templates import render_prompt
from liftmap.sections import SampleSection, VerifySection
from liftmap.verify import make_verifier

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
# Folders that the tree names as a whole.
WHOLE = ("charts", "configs", "data")


def test_the_tree_names_every_file() -> None:
    tree = CONTRIBUTING.split("src/liftmap/\n", 1)[1].split("```", 1)[0]
    folders: list[str] = []
    named = set()
    for line in tree.splitlines():
        match = re.match(r"( +)(\S+) +\S", line)
        assert match, line
        depth, name = len(match[1]) // 2, match[2]
        path = "".join(folders[: depth - 1]) + name
        assert path not in named, path
        named.add(path)
        if name.endswith("/"):
            folders = [*folders[: depth - 1], name]
            assert (ROOT / "src" / "liftmap" / path).is_dir(), path
    source = ROOT / "src" / "liftmap"
    files = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if path.name != "__init__.py" and path.parent.name not in WHOLE
    }
    assert files == {name for name in named if name.endswith(".py")}


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial-study.md"])
def test_the_study_file_in_it_says_what_can_be_run(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    toml = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    assert toml
    for text in toml:
        for name, arm in tomllib.loads(text)["arms"].items():
            if "method" in arm:
                ArmSection.model_validate(arm)
            else:
                assert name == "knowledge", "an arm that the demo has"


def test_a_newcomer_reads_it_at_one_sitting() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_it(command: str) -> None:
    assert re.search(rf"\b{command}\b", README)


def test_make_knows_its_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(
        re.findall(r"`?make ([a-z-]+)(?:`|$| +#)", README + CONTRIBUTING, re.MULTILINE)
    ):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize(
    "page",
    [
        Path("README.md"),
        Path("CONTRIBUTING.md"),
        *(p.relative_to(ROOT) for p in sorted((ROOT / "docs").glob("*.md"))),
    ],
    ids=str,
)
def test_links_and_pictures_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", (ROOT / page).read_text("utf-8")):
        assert ((ROOT / page).parent / target).exists(), target


def test_the_layers_in_the_docs_are_those_that_are_checked() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.split("| layer |", 1)[1].split("\n\n", 1)[0]
    shown = [set(re.findall(r"`(\w+)`", row.split("|")[2])) for row in table.splitlines()[2:]]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    checked = [set(re.findall(r"liftmap\.(\w+)", layer)) - {"testbed"} for layer in layers]
    # Each row of the table is one or several layers, from the top down.
    for row in shown:
        reached: set[str] = set()
        while checked and reached != row:
            reached |= checked.pop(0)
        assert reached == row
    assert not any(checked)


def test_every_format_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "formats.md").read_text("utf-8")
    formats = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    assert sorted(formats) == sorted(READERS)
    for name in (*NAMES, *ALSO):
        assert name in text


def test_files_and_folders_in_the_docs_are_there() -> None:
    for page in (*(ROOT / "docs").glob("*.md"), ROOT / "SECURITY.md"):
        source = ROOT / "src" / "liftmap"
        for name in re.findall(r"`([\w/]+(?:\.py|/))`", page.read_text("utf-8")):
            assert (source / name).exists() or (ROOT / name).exists(), (page.name, name)


@pytest.mark.parametrize("page", ["sampling", "servers", "verifiers"])
def test_settings_in_the_docs_are_settings(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    shown = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    assert shown
    for part in shown:
        found = tomllib.loads(part)
        SampleSection.model_validate(found.get("sample", {}))
        verifying = VerifySection.model_validate(found.get("verify", {}))
        make_verifier(verifying.verifier, verifying.options)


def test_the_example_template_in_the_docs_is_one(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "sampling.md").read_text("utf-8")
    match = re.search(r"```\n(Q: .*?)```", text, flags=re.DOTALL)
    assert match
    file = tmp_path / "shots.txt"
    file.write_text(match[1])
    prompt = render_prompt(str(file), Question("q", "What is 2?", "2"))
    assert prompt == match[1].replace("{{ question }}", "What is 2?").removesuffix("\n")
