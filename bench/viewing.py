"""How fast `liftmap view` answers over many responses, and what memory it takes.

python -m bench.viewing                      1,000,000 responses of 1 kB, two models
python -m bench.viewing --responses 100000   fewer
python -m bench.viewing --folder DIR         keeps the folder that is made, or takes it again

Makes a folder of two models' responses with verdicts, starts the command on it, and asks for pages
as a browser does: once each, so nothing is cached that a first reader would not have cached. Random
words stand in for texts; they compress worse than real ones. Beside the seconds on the clock stand
those of the processor, which other work on the machine does not change.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from liftmap.records import Question
from liftmap.store import StudyFolder, shard_name

RESPONSES_PER_QUESTION = 256
QUESTIONS_PER_SHARD = 32
TEXT_CHARACTERS = 1000
# What a reader asks for; some of them hold a word that no text has, so that all texts are read.
PAGES = {
    "list of questions": "/",
    "lost": "/?lost=1",
    "moved, surest first": "/?moved=1&sort=moved",
    "bin of difficulty, largest fall first": "/?bin=17-32&sort=fell",
    "range of right before and after": "/?before_min=20&after_max=40",
    "responses": "/responses",
    "responses: unscored": "/responses?verdict=unscored",
    "responses: cut, of one length": "/responses?truncated=yes&tokens_min=300&side=after",
    "responses: one answer": "/responses?answer=17&verdict=wrong",
    "a question": "/question/q00123",
    "words in responses, first page while it searches": "/responses?search=qqqqzzzz",
    "words in questions, first page while it searches": "/?search=zzzzqqqq",
}


def make_folder(folder: StudyFolder, responses: int, seed: int = 0) -> None:
    """Writes what two models answered: random words, random verdicts."""
    rng = np.random.default_rng(seed)
    questions = max(2, responses // (2 * RESPONSES_PER_QUESTION))
    asked = [Question(f"q{at:05d}", f"How much is {at} and {at}?", "17") for at in range(questions)]
    folder.write_questions("test", asked, {"task": "bench"})
    letters = rng.choice(list("abcdefghijklmnop      "), 20_000_000)
    text = "".join(letters.tolist())
    shards = -(-questions // QUESTIONS_PER_SHARD)
    for model in ("base", "tuned"):
        target = folder.responses(model, "test")
        target.keep_settings({"shards": shards, "plan": {"count": RESPONSES_PER_QUESTION}})
        target.keep_verifier_settings("exact", {})
        for shard in range(shards):
            part = asked[shard * QUESTIONS_PER_SHARD : (shard + 1) * QUESTIONS_PER_SHARD]
            size = len(part) * RESPONSES_PER_QUESTION
            starts = rng.integers(0, len(text) - TEXT_CHARACTERS, size)
            rates = np.repeat(rng.beta(0.5, 0.7, len(part)), RESPONSES_PER_QUESTION)
            right = rng.random(size) < rates
            keys = pl.DataFrame(
                {
                    "question_id": np.repeat([q.question_id for q in part], RESPONSES_PER_QUESTION),
                    "response_index": np.tile(np.arange(RESPONSES_PER_QUESTION), len(part)),
                },
                schema_overrides={"response_index": pl.Int32},
            )
            texts = [text[start : start + TEXT_CHARACTERS] for start in starts.tolist()]
            rows = keys.with_columns(
                pl.Series("text", texts),
                token_ids=pl.lit([1, 2, 3], pl.List(pl.Int32)),
                token_count=pl.Series(rng.integers(50, 400, size), dtype=pl.Int32),
                finish_reason=pl.Series(np.where(rng.random(size) < 0.02, "length", "stop")).cast(
                    pl.Categorical
                ),
                log_probability=pl.Series(rng.normal(-100, 20, size)),
                reasoning=pl.lit(""),
                error=pl.lit(""),
                template=pl.lit("plain/1").cast(pl.Categorical),
            )
            target.write_responses(shard_name(shard), rows)
            answers = np.where(right, "17", rng.integers(18, 40, size).astype(str))
            verdicts = np.where(right, "right", "wrong")
            verdicts[rng.random(size) < 0.0005] = "unscored"
            judged = keys.with_columns(
                verdict=pl.Series(verdicts), answer=pl.Series(answers), reason=pl.lit("")
            )
            target.write_verdicts("exact", shard_name(shard), judged)


def processor_seconds(process: int) -> float:
    """What a process has used of the processor so far, all threads together."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(folder: Path) -> None:
    """Starts the command, asks for the pages, prints seconds and memory."""
    command = [sys.executable, "-m", "liftmap", "view", str(folder), "--no-browser"]
    begin = time.perf_counter()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; seconds: clock, processor")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as viewer:
        assert viewer.stdout is not None
        found = re.search(r"http://([\d.]+):(\d+)/\?token=(\S+)", viewer.stdout.readline())
        assert found
        host, port, token = found.groups()

        def show(what: str, since: float, used: float) -> None:
            clock, processor = time.perf_counter() - since, processor_seconds(viewer.pid) - used
            print(f"{clock:7.3f} {processor:7.2f}  {what}", flush=True)

        def ask(path: str) -> bytes:
            connection = http.client.HTTPConnection(host, int(port))
            connection.request("GET", path, headers={"Cookie": f"liftmap-{port}={token}"})
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            assert answer.status == 200, (path, body[:500])
            return body

        show("from the command to its address", begin, 0.0)
        for what, path in PAGES.items():
            asked, used = time.perf_counter(), processor_seconds(viewer.pid)
            ask(path)
            show(what, asked, used)
        asked, used = time.perf_counter(), processor_seconds(viewer.pid)
        while b"Still searching" in ask(path):
            pass
        show("until all texts are searched", asked, used)
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{viewer.pid}/status").read_text())
        assert peak
        print(f"{int(peak[1]) / 2**20:.2f} GiB at most")
        viewer.terminate()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--responses", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "folder"
        if not (folder / "responses").exists():
            make_folder(StudyFolder(folder), options.responses)
        measure(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
