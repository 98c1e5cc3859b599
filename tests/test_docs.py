"""The site: every page is in it, tutorials print what commands print today, words are told."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from bench.tutorials import PAGES, refreshed

import liftmap

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def test_every_page_is_in_the_site() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8").split("\nnav:\n")[1]
    listed = re.findall(r"- ([\w-]+\.md)$", navigation, flags=re.MULTILINE)
    assert sorted(listed) == sorted(page.name for page in DOCS.glob("*.md"))


def test_the_glossary_tells_the_words_of_the_first_screen() -> None:
    text = (DOCS / "glossary.md").read_text("utf-8")
    defined = {
        word
        for line in re.findall(r"^(\*\*.+?):", text, re.MULTILINE)
        for word in re.findall(r"\*\*([^*]+)\*\*", line)
    }
    needed = "accuracy capability arm margin seed gross range band law noise excess cluster within"
    assert {*needed.split(), "pass@k", "beyond noise", "gold answer"} <= defined
    titles = [line for line in text.splitlines() if line.startswith("**")]
    assert titles == sorted(titles, key=str.lower)


def test_the_labels_of_the_method_are_those_of_the_code() -> None:
    from typing import get_args

    from liftmap.stats.verdict import Label

    table = (DOCS / "method.md").read_text("utf-8").split("| accuracy | capability | label |")[1]
    labels = {row.split("|")[3].strip() for row in table.split("\n\n")[0].splitlines()[2:]}
    assert labels == set(get_args(Label))


def test_studies_in_the_tutorials_and_the_examples_can_be_run() -> None:
    from liftmap.studyfile import load_config

    assert load_config(ROOT / "examples" / "study" / "study.toml").enabled_arms()
    text = (DOCS / "tutorial-study.md").read_text("utf-8")
    for block in re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL):
        assert tomllib.loads(block)["arms"]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_tutorial_prints_what_its_commands_print(name: str) -> None:
    printed = refreshed(name)
    assert printed == (ROOT / name).read_text("utf-8"), "run: make examples"


def test_one_version_in_one_place() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" in settings["project"]["dynamic"]
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (\S+)", changes, re.MULTILINE)[0] == liftmap.__version__
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"version: {liftmap.__version__}\n" in citation


@pytest.mark.slow
def test_the_site_is_built_where_its_tools_are(tmp_path: Path) -> None:
    builder = ROOT / ".venv-docs" / "bin" / "mkdocs"
    if not shutil.which(str(builder)):
        pytest.skip("the site's tools are not installed (make docs)")
    command = [str(builder), "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    api = (tmp_path / "site" / "api.html").read_text("utf-8")
    for name in liftmap.__all__:
        assert re.search(rf'id="liftmap\.[\w.]+\.{name}"', api), name
    assert "<math" in (tmp_path / "site" / "method.html").read_text("utf-8")
