"""docs/suite.md keeps its word: its example runs and prints what it shows, its study file loads."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest

from liftmap.cli import main
from liftmap.config import TestSection
from liftmap.tasks.sets import check_task_options

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "suite.md").read_text("utf-8")


def test_the_example_prints_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    [script] = re.findall(r"`python (\S+)`", TEXT)
    runpy.run_path(str(ROOT / script))
    [shown] = re.findall(r"```\n\$ liftmap (.*?)```", TEXT, re.DOTALL)
    command, _, output = shown.partition("\n")
    words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', command)]
    assert main(words) == 1
    assert capsys.readouterr().out.split() == output.split()


def test_its_test_sets_can_be_asked() -> None:
    [shown] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    for name, test in tomllib.loads(shown)["tests"].items():
        section = TestSection.model_validate(test)
        check_task_options(section.task, section.options, name)
