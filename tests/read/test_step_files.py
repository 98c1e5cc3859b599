"""The steps of a training run, by the names of its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from liftmap.errors import InputError
from liftmap.read.step_files import (
    is_folder_of_steps,
    numbers_of,
    step_of,
    steps_in_folder,
    unfinished,
)

ROW = '{"question_id": "a", "correct": true}\n'


def made(folder: Path, *names: str) -> str:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ROW)
    return str(folder)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (("0.jsonl", "100.jsonl", "20.jsonl"), [0, 20, 100]),
        (("step_20/eval/all/traces.jsonl", "step_100/eval/all/traces.jsonl"), [20, 100]),
        (("completions_00001.parquet", "completions_00010.parquet"), [1, 10]),
        (("global_step_5_evals/sums.jsonl", "global_step_10_evals/sums.jsonl"), [5, 10]),
        (("val_data_step40.jsonl", "val_data_step8.jsonl"), [8, 40]),
        (("checkpoint-50/results.csv", "checkpoint-100/results.csv"), [50, 100]),
        (("eval_1.csv", "eval_2.csv"), [1, 2]),
        (("base.csv", "trained.csv"), []),
    ],
)
def test_names_say_the_step(tmp_path: Path, names: tuple[str, ...], numbers: list[int]) -> None:
    result = steps_in_folder(made(tmp_path, *names))
    assert [step.number for step in result.steps] == numbers
    assert result.notes == ()


def test_what_is_called_by_no_step_is_left_out_loudly(tmp_path: Path) -> None:
    result = steps_in_folder(made(tmp_path, "0.jsonl", "10.jsonl", "metadata.json", "note.txt"))
    assert [step.number for step in result.steps] == [0, 10]
    assert result.notes == ("1 file or folder is not called by a step (metadata.json): left out.",)


def test_a_step_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path, "10.jsonl", "step_10/rows.jsonl", "20.jsonl")
    with pytest.raises(InputError, match=r"holds a step twice.*10: "):
        steps_in_folder(folder)


def test_a_part_of_each_step_is_asked_for(tmp_path: Path) -> None:
    folder = made(tmp_path, "step_1/eval/a.jsonl", "step_1/train/a.jsonl", "step_2/eval/a.jsonl")
    assert [Path(step.source).name for step in steps_in_folder(folder, "eval").steps] == [
        "eval"
    ] * 2
    with pytest.raises(InputError, match=r"Step 2 of .* holds no train"):
        steps_in_folder(folder, "train")


def test_a_source_names_its_step(tmp_path: Path) -> None:
    folder = made(tmp_path / "run7", "0.jsonl", "100.jsonl", "step_20/eval/all/traces.jsonl")
    assert is_folder_of_steps(folder)
    assert step_of(f"{folder}:100").number == 100
    assert step_of(f"{folder}/100.jsonl").number == 100
    assert step_of(f"{folder}/step_20/eval/all").number == 20
    # A number of a folder above is no step.
    assert step_of(made(tmp_path / "2026", "base.csv") + "/base.csv").number is None
    assert numbers_of(["a_1", "a_20"]) == [1, 20]
    assert numbers_of(["a_1", "b_2"]) is None


def test_a_file_without_its_end_is_unfinished(tmp_path: Path) -> None:
    file = tmp_path / "10.jsonl"
    for text, whole in ((ROW, True), (ROW + ROW[:-1], True), (ROW + ROW[:9], False), ("", False)):
        file.write_text(text)
        assert (unfinished(str(file)) is None) is whole, text
    parquet = tmp_path / "10.parquet"
    parquet.write_bytes(b"PAR1 and no more")
    assert unfinished(str(parquet)) == parquet
