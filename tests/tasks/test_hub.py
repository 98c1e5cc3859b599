"""The hub task on local data sets in the hub's own layout; no hub is reached."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from liftmap.errors import InputError, UnknownNameError
from liftmap.tasks.hub import hub
from liftmap.tasks.jsonl import jsonl
from tests.tasks.conftest import MakeHub

ROWS = [{"question": f"What is {i} + 1?", "answer": f"{i + 1}", "level": i} for i in range(6)]


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
def test_reads_the_hubs_layout_as_jsonl_reads_its_file(make_hub: MakeHub, ending: str) -> None:
    folder = make_hub({"train": ROWS[:4], "test": ROWS[4:]}, "main", ending)
    options = {"name": "main", "metadata": ["level"]}
    found = hub("train", path=str(folder), **options)  # type: ignore[arg-type]
    assert [q.metadata["level"] for q in found] == [0, 1, 2, 3]
    if ending != "csv":
        file = next((folder / "main").glob("train-*"))
        assert found == jsonl("train", path=str(file), metadata=["level"])
    assert [q.answer for q in hub("test", path=str(folder), name="main")] == ["5", "6"]
    part = hub("dev", path=str(folder), hub_split="train[:2]")
    assert part == hub("train", path=str(folder), limit=2)


def test_a_changed_copy_is_read_anew(make_hub: MakeHub) -> None:
    folder = make_hub({"test": ROWS[:1]}, ending="jsonl")
    assert len(hub(path=str(folder))) == 1
    (file,) = folder.glob("default/test-*")
    file.write_text(file.read_text() + '{"question": "New?", "answer": "1", "level": 9}\n')
    assert [q.text for q in hub(path=str(folder))][1:] == ["New?"]


def test_what_is_refused(make_hub: MakeHub, tmp_path: Path) -> None:
    folder = str(make_hub({"train": ROWS}, "main"))
    with pytest.raises(InputError, match=r"Unknown split \"test\".*\['train'\].*hub_split"):
        hub(path=folder)
    with pytest.raises(InputError, match=r"'socratic' not found. Available: \['main'\]"):
        hub("train", path=folder, name="socratic")
    with pytest.raises(InputError, match=r"train has no column 'levels'.*mean 'level'"):
        hub("train", path=folder, metadata=["levels"])
    with pytest.raises(InputError, match="row 1: there is no complete"):
        hub("train", path=folder, answer_from="boxed")
    with pytest.raises(InputError, match="folder /no/where does not exist"):
        hub(path="/no/where")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"doesn't contain any data files.*hub's layout"):
        hub(path=str(tmp_path / "empty"))
    with pytest.raises(InputError, match=r"is a file.*task jsonl"):
        hub(path=str(next(Path(folder).glob("main/*"))))
    with pytest.raises(UnknownNameError, match="hub_split"):
        hub("validation", path=folder)  # type: ignore[arg-type]
    broken = make_hub({"test": ROWS}, ending="jsonl")
    next(broken.glob("default/*")).write_text('{"question": "a"')
    with pytest.raises(InputError, match="can't be loaded"):
        hub(path=str(broken))


def test_a_hub_out_of_reach(make_hub: MakeHub) -> None:
    # The tests run with HF_HUB_OFFLINE=1: the library refuses at once, as it does without a network
    # after some retries.
    with pytest.raises(InputError, match=r"openai/gsm8k can't be reached.*HF_HUB_OFFLINE=1.*path"):
        hub(path="openai/gsm8k", name="main")


def test_tasks_do_not_import_datasets() -> None:
    code = (
        "import sys, liftmap.tasks, liftmap.tasks.sets\n"
        "heavy = {'datasets', 'pyarrow', 'torch', 'transformers', 'reasoning_gym'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
