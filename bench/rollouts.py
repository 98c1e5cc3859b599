"""Reading what trainers and evaluation tools wrote: rows a second and peak memory by format.

python -m bench.rollouts [FORMAT ...]     100,000 rows with texts of 1 kB of each; 1,000,000 of verl

Each format's file is its test file with the texts made longer and the rows repeated, read in a
process of its own. `docs/formats.md` has the results.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

DATA = Path(__file__).parent.parent / "tests" / "read" / "data"
ROWS, VERL_ROWS, CHARACTERS = 100_000, 1_000_000, 1_000
# What begins each text of the test files.
MARK = "Let me add."
LINES = {
    "ms_swift": "ms_swift/completions.jsonl",
    "verifiers": "verifiers/run/traces.jsonl",
    "verifiers_v0": "verifiers_v0/results.jsonl",
    "nemo_skills": "nemo_skills/output-rs0.jsonl",
    "nemo_rl": "nemo_rl/val_data_step40.jsonl",
    "nemo_gym": "nemo_gym/rollouts.jsonl",
    "nemo_evaluator": "nemo_evaluator/results.jsonl",
    "tinker_cookbook": "tinker_cookbook/trajectories.jsonl",
    "skyrl": "skyrl/dumped_evals/global_step_5_evals/sums.jsonl",
    "evalscope": "evalscope/reviews/model/sums_default.jsonl",
    "every_eval_ever": "every_eval_ever/5917cc37_samples.jsonl",
    "human_eval": "human_eval/samples.jsonl_results.jsonl",
    "qwen_math": "qwen_math/test_qwen25-math-cot_-1_seed0_t1.0_s0_e-1.jsonl",
}
# Lines of these hold several responses.
PER_LINE = {"ms_swift": 12, "qwen_math": 3}
READ = """
import resource, sys, time
from liftmap.read import read
start, used = time.perf_counter(), time.process_time()
tally = read(sys.argv[1]).tally
seconds, cpu = time.perf_counter() - start, time.process_time() - used
rows = int(tally.n.sum() + tally.unscored.sum())
print(rows, seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


def filler(rng: random.Random) -> str:
    return "".join(rng.choices("etaoin shrdlu", k=CHARACTERS))


def lines(name: str, path: Path, rng: random.Random) -> None:
    """The test file's lines, repeated, each with longer texts."""
    sample_lines = (DATA / "rollouts" / LINES[name]).read_text().splitlines()
    grown = []
    for line in sample_lines:
        if name == "human_eval":
            line = line.replace("    return", f"    # {filler(rng)}\\n    return")
        grown.append(line.replace(MARK, filler(rng)) + "\n")
    rows = len(sample_lines) * PER_LINE.get(name, 1)
    with path.open("w") as file:
        for _ in range(ROWS // rows):
            file.writelines(grown)


def verl(path: Path, rng: random.Random) -> None:
    """2,000 questions, 500 responses each."""
    texts = [filler(rng) for _ in range(2_000)]
    with path.open("w") as file:
        for question in range(2_000):
            prompt = f"user\nQuestion {question}: {texts[question][:200]}\nassistant\n"
            for index in range(VERL_ROWS // 2_000):
                right = rng.random() < question / 2_000
                row: dict[str, Any] = {"input": prompt, "output": texts[(question + index) % 2_000]}
                row |= {"gts": "42", "score": float(right), "step": 1, "acc": right, "pred": "42"}
                file.write(json.dumps(row) + "\n")


def trl(path: Path, rng: random.Random) -> None:
    text = [filler(rng) for _ in range(100)]
    frame = pl.DataFrame({"question": [i // 50 for i in range(ROWS)]})
    frame.select(
        step=pl.lit(1),
        prompt="Question " + pl.col("question").cast(pl.String),
        completion=pl.Series([text[i % 100] for i in range(ROWS)]),
        correct=(pl.int_range(pl.len()) % 3 == 0).cast(pl.Float64),
        advantage=pl.lit(0.0),
    ).write_parquet(path)


def document(name: str, path: Path, rng: random.Random) -> None:
    """Formats of one JSON document."""
    texts = [filler(rng) for _ in range(100)]
    rows = range(ROWS)
    made: Any
    if name == "oat":
        made = [
            {"input": f"Question {i // 50}", "output": texts[i % 100], "scores": float(i % 3 == 0)}
            | {"format_input": f"Question {i // 50}", "generator": "run"}
            for i in rows
        ]
    elif name == "rllm":
        items = [
            {"idx": i // 50, "attempt": i % 50, "reward": 1.0, "is_correct": True, "error": None}
            for i in rows
        ]
        made = {"dataset_name": "d", "model": "m", "agent": "a", "items": items}
    else:
        solutions = [
            {"solution": texts[i], "base_status": "pass", "plus_status": "pass"} for i in range(50)
        ]
        made = {"hash": "x", "eval": {f"T/{i}": solutions for i in range(ROWS // 50)}}
    path.write_text(json.dumps(made))


def main(names: list[str]) -> None:
    rng = random.Random(1)
    print("| format | rows | seconds | rows a second of CPU time | peak memory, GB |")
    print("|---|---|---|---|---|")
    for name in ("verl", "trl", *LINES, "oat", "rllm", "evalplus"):
        if names and name not in names:
            continue
        with TemporaryDirectory() as folder:
            path = Path(folder) / ("1.parquet" if name == "trl" else "1.jsonl")
            if name in LINES:
                lines(name, path, rng)
            elif name in ("verl", "trl"):
                {"verl": verl, "trl": trl}[name](path, rng)
            else:
                document(name, path, rng)
            command = [sys.executable, "-c", READ, str(path)]
            result = subprocess.run(command, capture_output=True, text=True, check=True)
            rows, seconds, cpu, memory = map(float, result.stdout.split())
            rate = f"{rows / cpu:,.0f}"
            print(f"| {name} | {rows:,.0f} | {seconds:.1f} | {rate} | {memory:.2f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
