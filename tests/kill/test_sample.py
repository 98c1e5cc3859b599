"""`liftmap sample` and `liftmap verify`, killed at random moments and given again.

The folder ends as an uninterrupted run's, file by file: settings, questions, responses with all
their columns, the verdicts of both verifiers, and nothing that a killed process was writing.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from .helpers import EVERYTHING, SAMPLING, Nursery, assert_same, files, nursery, unfinished

SCRIPTED = "scripted:0,0.05,0.5,0.95"


def commands(folder: Path, sampling: list[str], verifier: str) -> list[list[str]]:
    return [
        ["sample", *sampling, "--seed", "1", "--out", str(folder)],
        ["verify", str(folder), "--verifier", verifier],
    ]


def kill_and_compare(
    runs: Nursery, folder: Path, sampling: list[str], verifier: str, kills: int, within: set[str]
) -> Counter[str]:
    """Kills the two commands so often, in as many folders as that takes.

    Args:
        runs: Where the commands run.
        folder: What they work in; each round has a new one in it.
        sampling: What is sampled.
        verifier: Judges the responses once more.
        kills: How many at least. One that left nothing undone is not counted.
        within: Phases of which each is to be hit by one of them at least.

    Returns:
        How many kills came in each phase of the work.
    """
    straight = folder / "straight"
    spent: list[float] = []
    wanted: list[set[str]] = []
    for command in commands(straight, sampling, verifier):
        spent.append(runs.run(command))
        wanted.append(files(straight))
    chance = random.Random(kills)
    phases: Counter[str] = Counter()

    def enough() -> bool:
        return phases.total() >= kills and within <= set(phases)

    for rounds in itertools.count():
        if enough():
            return phases
        assert rounds < 100, f"the kills do not come where they should: {phases}"
        out = folder / f"killed-{rounds}"
        stages = zip(commands(out, sampling, verifier), spent, wanted, strict=True)
        for stage, (command, seconds, whole) in enumerate(stages):

            def at_kill(stage: int = stage, whole: set[str] = whole, out: Path = out) -> bool:
                found = files(out)
                if not whole <= found:
                    phases[phase(found, stage)] += 1
                return not enough()

            runs.run_killed(command, 1.2 * seconds, 2, chance, at_kill)
        assert_same(out, straight)
    raise AssertionError


def phase(found: set[str], stage: int) -> str:
    """Where a kill came, by what it left."""
    if unfinished(found):
        return "writing a file"
    if stage == 1:
        return "another verifier"
    shards = Counter(Path(name).parts[0] for name in found if Path(name).suffix == ".parquet")
    if not shards["responses"]:
        return "before a shard"
    return "a shard" if shards["responses"] == shards["verdicts"] else "its verdicts"


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["fixed", "curtailed"])
def test_scripted(tmp_path: Path, plan: str) -> None:
    # Multiple choice, so that two verifiers have something to judge.
    questions = tmp_path / "questions.jsonl"
    rows = [{"question": f"Which is it in case {i}?", "answer": "ABCDE"[i % 5]} for i in range(100)]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sampling = ["--model", SCRIPTED, "--task", "jsonl", "--option", f"path={questions}"]
    sampling += ["--n", "64", "--plan", plan, "--shard-responses", "128", "--verifier", "exact"]
    phases = {"a shard", "another verifier"}
    if plan == "fixed":
        # The curtailed plan has judged a shard before it is written: hardly any time in between.
        phases |= {"its verdicts", "writing a file"}
    with nursery(tmp_path / "log", SAMPLING) as runs:
        print(kill_and_compare(runs, tmp_path, sampling, "choice", 25, phases))


@pytest.mark.slow
def test_testbed(tmp_path: Path) -> None:
    sampling = ["--model", "testbed:base", "--task", "kin", "--option", "limit=40", "--n", "32"]
    sampling += ["--max-tokens", "24", "--shard-responses", "128", "--device", "cpu"]
    with nursery(tmp_path / "log", EVERYTHING) as runs:
        print(kill_and_compare(runs, tmp_path, sampling, "choice", 10, {"a shard"}))
