"""The site: every page is in it, tutorials print what commands print today, words are told."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from bench.gallery import GALLERY, exhibits, make_page
from bench.notebook import NOTEBOOK
from bench.notebook import refreshed as refreshed_notebook
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


def test_the_notebook_shows_what_its_cells_show_today() -> None:
    kept = json.loads(NOTEBOOK.read_text("utf-8"))
    today = refreshed_notebook(kept)
    assert kept["nbformat"] == 4
    assert len({cell["id"] for cell in kept["cells"]}) == len(kept["cells"])
    assert _texts(today) == _texts(kept), "run: make examples"
    # Where fonts differ pictures do, so of them only the drawing is checked.
    assert len(_pictures(kept)) == len(_pictures(today)) == 2
    assert all(drawn.startswith("<svg") for drawn in _pictures(today))


def _data(notebook: dict[str, Any]) -> list[dict[str, list[str]]]:
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    return [output.get("data") or {"printed": output["text"]} for output in outputs]


def _texts(notebook: dict[str, Any]) -> list[dict[str, list[str]]]:
    return [
        {kind: text for kind, text in data.items() if not kind.startswith("image")}
        for data in _data(notebook)
    ]


def _pictures(notebook: dict[str, Any]) -> list[str]:
    return [
        "".join(text)
        for data in _data(notebook)
        for kind, text in data.items()
        if kind.startswith("image")
    ]


def test_an_exception_in_a_cell_is_not_hidden() -> None:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "source": ["1 / 0"]}
    with pytest.raises(ZeroDivisionError):
        refreshed_notebook({"cells": [cell]})


def test_the_gallery_has_each_picture_and_its_commands_run_from_the_repository() -> None:
    listed = exhibits()
    assert {exhibit.name for exhibit in listed} >= {"study", "two-logs", "track", "suite", "fig9a"}
    assert sum(exhibit.kept for exhibit in listed) <= 3, "each page holds 0.9 MB of Vega"
    for exhibit in listed:
        assert (GALLERY / f"{exhibit.name}.png").read_bytes().startswith(b"\x89PNG")
        assert (GALLERY / f"{exhibit.name}.html").exists() == exhibit.kept
        for file in re.findall(r"(?:recipes|examples|src)/\S+", exhibit.commands):
            assert (ROOT / file).exists(), file
    shown = {file.stem for file in GALLERY.iterdir()}
    assert shown == {exhibit.name for exhibit in listed}


@pytest.mark.slow
def test_an_exhibit_of_the_gallery_is_made_anew(tmp_path: Path) -> None:
    [suite] = [exhibit for exhibit in exhibits() if exhibit.name == "suite"]
    page = make_page(suite, tmp_path).read_text("utf-8")
    assert "3 of 3 benchmarks changed" in page


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
