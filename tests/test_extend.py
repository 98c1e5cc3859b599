"""docs/extend.md: every example is installed as a package is, checked, and used by commands."""

from __future__ import annotations

import ast
import re
import shlex
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

from liftmap.cli import main
from liftmap.registry import find
from liftmap.testing import check_engine, check_reader, check_task, check_verifier

PAGE = (Path(__file__).parent.parent / "docs" / "extend.md").read_text("utf-8")
NEEDS_TORCH = "# needs torch"
MOST_LINES = 25


def blocks(text: str, language: str) -> list[str]:
    return [body for kind, body in in_order(text) if kind == language]


def in_order(text: str) -> list[tuple[str, str]]:
    """Language and text of every block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with the package of the page and its entry points; the work's place."""
    site = tmp_path / "site"
    for text in blocks(PAGE, "python"):
        if named := re.match(r"# (extras/\w+\.py)\n", text):
            file = site / named[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
    about = site / "extras-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: extras\nVersion: 1\n")
    [points] = [text for text in blocks(PAGE, "toml") if "entry-points" in text]
    groups = tomllib.loads(points)["project"]["entry-points"]
    lines = [
        line
        for group, names in groups.items()
        for line in (f"[{group}]", *(f"{name} = {place}" for name, place in names.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(lines))
    for text in blocks(PAGE, "toml"):
        if named := re.match(r"# (\w+\.toml)\n", text):
            (tmp_path / named[1]).write_text(text)
    for name in [name for name in sys.modules if name.split(".")[0] == "extras"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def follow(text: str, *, torch: bool) -> None:
    """Runs the checks and the commands of a section in their order."""
    for language, block in in_order(text):
        is_file = re.match(r"# [\w/]+\.(py|toml)\n", block) is not None
        if is_file or block.startswith(NEEDS_TORCH) != torch:
            continue
        if language == "python":
            exec(compile(block, "docs/extend.md", "exec"), {"__name__": "page"})
            continue
        for line in block.splitlines():
            if not line.startswith("#"):
                assert main(shlex.split(line)[1:]) == 0, line


def test_the_page_is_followed_from_its_top_to_its_end(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for title, text in sections().items():
        follow(text, torch=False)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err, title
        if title == "An engine":
            assert "of 100 tries right" in printed.out
        if title == "A verifier":
            assert "numeric and close disagree about" in printed.out
    table = pl.read_parquet(installed / "studies/small/tables/always.parquet")
    assert table["model"].to_list() == ["base", "sharper@1", "unchanged@1"]


@pytest.mark.slow
def test_a_method_of_the_page_trains_an_arm(installed: Path) -> None:
    pytest.importorskip("trl")
    follow(sections()["A method"], torch=True)
    model = installed / "studies/plain/checkpoints/plain/1/model"
    assert list(model.glob("*.safetensors"))
    assert (installed / "studies/plain/report.html").exists()


def test_each_example_is_short_and_has_an_entry_point(installed: Path) -> None:
    files = [text for text in blocks(PAGE, "python") if text.startswith("# extras/")]
    assert len(files) == len(sections()) == 6
    for text in files:
        body = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        assert len(body) <= MOST_LINES
        assert ast.get_docstring(ast.parse(text))
    [points] = [text for text in blocks(PAGE, "toml") if "entry-points" in text]
    for group, names in tomllib.loads(points)["project"]["entry-points"].items():
        what = {"analyses": "analysis"}.get(group.split(".")[1], group.split(".")[1][:-1])
        for name in names:
            assert callable(find({}, name, what)) or what == "reader"


BROKEN = """
from dataclasses import replace
from extras import close, guess, puzzles, sums
from liftmap.records import Question, Verdict

def unstable(split="test", calls=[]):
    calls.append(1)
    return [Question(f"q{len(calls)}", "text", "1")]

def shared(split="test"):
    return sums.sums("test", limit=3)

class Forgetful(guess.Guess):
    def generate(self, prompts, count, settings, first=0):
        return list(super().generate(prompts, count, settings, first))[1:]

class Restless(guess.Guess):
    def generate(self, prompts, count, settings, first=0):
        texts = list(super().generate(prompts, count, settings, first))
        return [replace(each, text=f"{each.text}{len(prompts)}") for each in texts]

def generous(question, text):
    return Verdict("right")

def fragile(question, text):
    return Verdict("right" if float(text) == float(question.answer) else "wrong")

greedy = replace(puzzles.puzzles, knows=lambda file: True)
"""


def test_a_check_names_what_is_not_kept(installed: Path) -> None:
    broken: dict[str, object] = {}
    exec(BROKEN, broken)
    question = broken["Question"]("q", "What is 2 + 2?", "4")  # type: ignore[operator]
    prompts = {f"q{i}": "text" for i in range(3)}
    make = {name: broken[name] for name in ("Forgetful", "Restless")}
    with pytest.raises(AssertionError, match="two calls give other questions"):
        check_task(broken["unstable"])  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="test and train share the question"):
        check_task(broken["shared"])  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match=r"each \(question_id, index\) once"):
        check_engine(make["Forgetful"]({"1"}), prompts)  # type: ignore[operator]
    with pytest.raises(AssertionError, match="depends on the other prompts"):
        check_engine(make["Restless"]({"1"}), prompts)  # type: ignore[operator]
    with pytest.raises(AssertionError, match="taken as right"):
        check_verifier(broken["generous"], [(question, "4", "right")])  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="is unscored: ValueError"):
        check_verifier(broken["fragile"], [(question, "4", "right")])  # type: ignore[arg-type]
    Path("a.jsonl").write_text('{"puzzle": "p", "outcome": "PASS", "cut": false}\n')
    with pytest.raises(AssertionError, match="for its own"):
        check_reader(broken["greedy"], "a.jsonl")  # type: ignore[arg-type]
