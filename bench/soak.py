"""A soak: 100,000 questions, 4 responses each, sampled, verified and read; time, memory, files.

python -m bench.soak              this source tree alone
python -m bench.soak OTHER/src    in turns with another one, such as that of an earlier release
QUESTIONS=10000 RUNS=1 python -m bench.soak ...    fewer questions, each tree once

Each run is a process of its own. Seconds of CPU are those of all threads together, so that what
else the machine does counts less; the best of the runs counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

QUESTIONS = int(os.environ.get("QUESTIONS", "100000"))
RESPONSES = 4
RUNS = int(os.environ.get("RUNS", "2"))
# Prints CPU seconds and wall seconds of sampling and of reading, peak memory in MB, and files.
PROGRAM = r"""
import json, resource, sys, time
from pathlib import Path
from liftmap import Asking, sample_model
from liftmap.read import read
from liftmap.sections import SampleSection, VerifySection
folder, questions, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
asking = Asking(
    "jsonl",
    options={"path": questions},
    sampling=SampleSection(engine="scripted", n=count, shard_responses=4000),
    verifying=VerifySection(verifier="exact", options={"pattern": r"so (\S+)\s*$"}),
)
def clocks():
    return time.process_time(), time.monotonic()
times = [clocks()]
target = sample_model("scripted:0,0.05,0.5,0.95", asking, folder)
times.append(clocks())
tally = read(target.path).tally
times.append(clocks())
assert (tally.n == count).all()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(json.dumps({
    "sample and verify, CPU s": times[1][0] - times[0][0],
    "sample and verify, wall s": times[1][1] - times[0][1],
    "read, CPU s": times[2][0] - times[1][0],
    "peak memory, MB": int(peak) / 1000,
    "files": sum(path.is_file() for path in folder.rglob("*")),
    "size, MB": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6,
}))
"""


def soak(source: Path, questions: Path) -> dict[str, float]:
    """One run of a source tree."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, f"{folder}/run", str(questions), str(RESPONSES)],
            env=os.environ | {"PYTHONPATH": str(source)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main(words: list[str]) -> int:
    """Runs the soak and prints a table."""
    sources = [Path(__file__).parents[1] / "src", *map(Path, words)]
    runs: dict[Path, list[dict[str, float]]] = {source: [] for source in sources}
    with tempfile.TemporaryDirectory() as folder:
        questions = Path(folder) / "questions.jsonl"
        with questions.open("w") as file:
            for i in range(QUESTIONS):
                # Few different answers: the scripted engine looks through them for each question.
                row = {"question": f"What is {i} modulo 100?", "answer": str(i % 100)}
                file.write(json.dumps(row) + "\n")
        for _ in range(RUNS):
            for source in sources:
                runs[source].append(soak(source.resolve(), questions))
                print(source, runs[source][-1], file=sys.stderr, flush=True)
    best = {
        source: {name: min(run[name] for run in done) for name in done[0]}
        for source, done in runs.items()
    }
    table = Table(title=f"{QUESTIONS:,} questions x {RESPONSES} responses, best of {RUNS} runs")
    for column in ("what", "this tree", *words, *(["ratio"] if words else [])):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name in best[sources[0]]:
        values = [best[source][name] for source in sources]
        ratio = [f"{values[0] / values[1]:.2f}"] if words else []
        table.add_row(name, *(f"{value:,.1f}" for value in values), *ratio)
    Console().print(table, markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
