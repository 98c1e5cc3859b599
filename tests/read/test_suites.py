"""Which benchmarks a folder, a file or a log holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from liftmap.errors import InputError
from liftmap.read import read
from liftmap.read.suites import benchmark_name, find_benchmarks

DATA = Path(__file__).parent / "data"
TALLY = "question_id,n,c\nq0,4,1\nq1,4,2\n"


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("gsm8k", "gsm8k"),
        ("gsm8k_2026-11-22T18-24-56.685277", "gsm8k"),
        ("math-500-20261101T000000Z", "math-500"),
        ("aime_2025", "aime_2025"),
        ("2026-11-22", "2026-11-22"),
    ],
)
def test_names_lose_their_date_alone(stem: str, name: str) -> None:
    assert benchmark_name(stem) == name


def test_files_and_folders_are_benchmarks(tmp_path: Path) -> None:
    (tmp_path / "gsm8k_2026-11-01.csv").write_text(TALLY)
    (tmp_path / "README.md").write_text("notes")
    (tmp_path / "results_2026-11-01.json").write_text('{"results": {"gsm8k": 0.3}}')
    shutil.copytree(DATA / "rollouts" / "nemo_skills", tmp_path / "math")
    result = find_benchmarks(tmp_path)
    assert list(result.benchmarks) == ["gsm8k", "math"]
    assert len(result.benchmarks["math"].files) == 3
    assert [each.reason for each in result.left_out] == ["beside"]


def test_logs_are_told_apart_by_the_task_that_they_name(tmp_path: Path) -> None:
    shutil.copytree(DATA / "lm_eval", tmp_path / "run" / "model__name")
    result = find_benchmarks(tmp_path / "run")
    assert list(result.benchmarks) == [
        "kin_choice",
        "kin_each",
        "kin_greedy",
        "kin_pass",
        "kin_repeats",
    ]
    greedy = result.benchmarks["kin_greedy"]
    assert read(greedy.source, files=greedy.files).tally.n.sum() > 0
    inspect = find_benchmarks(DATA / "inspect").benchmarks
    assert all("T18" not in name for name in inspect)
    assert len(inspect) == 2


def test_rows_that_name_their_task_are_told_apart(tmp_path: Path) -> None:
    tally = tmp_path / "all.csv"
    tally.write_text("task,question_id,n,c\na,q0,4,1\na,q1,4,2\nb,q0,4,3\nb,q1,4,4\n")
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        "".join(
            f'{{"benchmark": "{task}", "id": {at}, "passed": {at % 2}, "response": "r{at}"}}\n'
            for task in "ab"
            for at in range(4)
        )
    )
    skyrl = tmp_path / "evals.jsonl"
    lines = (DATA / "rollouts/skyrl/dumped_evals/global_step_5_evals/sums.jsonl").read_text()
    skyrl.write_text(lines.replace('"sums"', '"a"') + lines.replace('"sums"', '"b"'))
    for file in (tally, rows, skyrl):
        result = find_benchmarks(file).benchmarks
        assert list(result) == ["a", "b"], file
        parts = [read(each.source, files=each.files, task=each.task) for each in result.values()]
        assert len({tuple(part.tally.question_ids) for part in parts}) == 1
        assert all(part.tally.n.all() for part in parts)
    assert read(tally, files=[tally], task="b").tally.c.tolist() == [3, 4]


def test_what_can_not_be_read_is_named_and_refused(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(TALLY)
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match=r"cut\.parquet"):
        find_benchmarks(tmp_path)
    result = find_benchmarks(tmp_path, skip_unreadable=True)
    assert list(result.benchmarks) == ["good"]
    assert [each.reason for each in result.left_out] == ["unreadable"]


def test_two_results_of_one_benchmark_are_refused(tmp_path: Path) -> None:
    for name in ("gsm8k_2026-11-01.csv", "gsm8k_2026-11-02.csv"):
        (tmp_path / name).write_text(TALLY)
    with pytest.raises(InputError, match="one benchmark, gsm8k"):
        find_benchmarks(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        find_benchmarks(tmp_path / "none")
