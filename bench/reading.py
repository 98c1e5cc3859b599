"""Reading 200,000 responses of 1,000 characters each, on one core, against merely parsing the file.

The other side is what a script would do first: each line or record into Python objects with the
standard library (for Parquet with PyArrow), before anything is checked or counted.
"""

from __future__ import annotations

import json
import os
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pyarrow.parquet as pq

from bench.timing import Row, rate
from liftmap.comparison.phrases import phrase_lists, phrase_pattern
from liftmap.comparison.response_rows import read_rows
from liftmap.read import read
from liftmap.records import Question, Response
from liftmap.store import StudyFolder, shard_name
from liftmap.studyfile import parse_config

QUESTIONS, EACH, CHARACTERS = 800, 250, 1000
TOTAL = QUESTIONS * EACH
SHARD = 8192
# A zip of one file a response takes long to make.
FEWER = 20_000


def run() -> list[Row]:
    rng = random.Random(1)
    letters = "".join(rng.choices("etaoin shrdlu", k=1_000_000))
    places = [rng.randrange(len(letters) - CHARACTERS) for _ in range(TOTAL)]
    rows = pl.DataFrame(
        {
            "question_id": [f"q{i // EACH}" for i in range(TOTAL)],
            "response_index": [i % EACH for i in range(TOTAL)],
            "text": [letters[place : place + CHARACTERS] for place in places],
            "correct": [place % 3 == 0 for place in places],
        }
    )
    with TemporaryDirectory() as name:
        made = [make(rows, Path(name)) for make in MAKERS]
        with _one_core():
            return [*(_row(*one) for one in made), _texts(Path(name) / "rows.jsonl")]


@contextmanager
def _one_core() -> Iterator[None]:
    """Keeps all threads of this process on one core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    kept = os.sched_getaffinity(0)
    try:
        _place({min(kept)})
        yield
    finally:
        _place(kept)


def _place(cores: set[int]) -> None:
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), cores)


def _row(what: str, source: str, count: int, other: Callable[[], object], other_name: str) -> Row:
    def ours() -> int:
        assert read(source).tally.n.sum() == count
        return count

    def theirs() -> int:
        other()
        return count

    return Row(f"read {what}", "responses", rate(ours), rate(theirs, repeats=1), other_name)


def _texts(path: Path) -> Row:
    """What texts say of responses, against a loop that looks for the phrases in each text."""
    outcomes, lists = read(path), phrase_lists()
    ids = outcomes.tally.question_ids.tolist()
    pattern = re.compile(phrase_pattern(lists[0].phrases))

    def ours() -> int:
        return len(read_rows(outcomes, ids, lists))

    def theirs() -> int:
        with path.open("rb") as lines:
            texts = (json.loads(line)["text"] for line in lines)
            return len([(len(text), pattern.search(text) is not None) for text in texts])

    other = "json.loads, re.search"
    return Row("texts, JSONL", "responses", rate(ours), rate(theirs, repeats=1), other)


Made = tuple[str, str, int, Callable[[], object], str]


def _parquet(rows: pl.DataFrame, folder: Path) -> Made:
    path = folder / "rows.parquet"
    rows.write_parquet(path)
    return "rows, Parquet", str(path), TOTAL, lambda: pq.read_table(path).to_pylist(), "PyArrow"


def _jsonl(rows: pl.DataFrame, folder: Path) -> Made:
    path = folder / "rows.jsonl"
    rows.write_ndjson(path)
    return "rows, JSONL", str(path), TOTAL, partial(_json_lines, path), "json.loads"


def _study(rows: pl.DataFrame, folder: Path) -> Made:
    study = StudyFolder(folder / "study")
    study.write_questions("test", [Question(f"q{i}", "", "") for i in range(QUESTIONS)])
    responses = study.responses("base", "test")
    responses.keep_settings({"shards": -(-len(rows) // SHARD)})
    responses.keep_verifier_settings("exact", {})
    for shard, part in enumerate(rows.iter_slices(SHARD)):
        responses.write_responses(
            shard_name(shard),
            [
                Response(question_id, index, text, tuple(range(100)), "stop", -1.0)
                for question_id, index, text, _ in part.iter_rows()
            ],
        )
        verdict = pl.when("correct").then(pl.lit("right")).otherwise(pl.lit("wrong"))
        responses.write_verdicts(
            "exact",
            shard_name(shard),
            part.select(
                "question_id",
                "response_index",
                verdict=verdict,
                answer=pl.lit("1"),
                reason=pl.lit(""),
            ),
        )
    plain = {"base": {"model": "x"}, "task": {"name": "kin"}, "arms": {"a": {"method": "grpo"}}}
    study.keep_config(parse_config(plain, "the benchmark"))
    shards = sorted((folder / "study/responses/base/test").glob("*.parquet"))
    return "responses of a study", f"{study.path}:base", TOTAL, partial(_shards, shards), "PyArrow"


def _lm_eval(rows: pl.DataFrame, folder: Path) -> Made:
    path = folder / "samples_bench.jsonl"
    with path.open("w") as file:
        for i, part in enumerate(rows.iter_slices(EACH)):
            texts, right = part["text"].to_list(), part["correct"].cast(pl.Int8).to_list()
            line = {"doc_id": i, "doc": {"question": "x"}, "target": "1", "arguments": {}}
            line |= {"resps": [texts], "filtered_resps": [texts], "filter": "all"}
            line |= {"metrics": ["right"], "doc_hash": str(i), "right": right}
            file.write(json.dumps(line) + "\n")
    return "lm-evaluation-harness log", str(path), TOTAL, partial(_json_lines, path), "json.loads"


def _inspect_ai(rows: pl.DataFrame, folder: Path) -> Made:
    path = folder / "bench.eval"
    header = {"version": 2, "status": "success", "eval": {"task": "bench", "model": "bench"}}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps(header))
        for name, epoch, text, right in rows.head(FEWER).iter_rows():
            message = {"role": "assistant", "content": text}
            sample = {
                "id": name,
                "epoch": epoch + 1,
                "input": "x",
                "target": "1",
                "messages": [{"role": "user", "content": "x"}, message],
                "output": {
                    "choices": [{"message": message, "stop_reason": "stop"}],
                    "completion": text,
                },
                "scores": {"match": {"value": "C" if right else "I", "answer": "1"}},
            }
            archive.writestr(f"samples/{name}_epoch_{epoch + 1}.json", json.dumps(sample))
    return "inspect_ai .eval log", str(path), FEWER, partial(_zip_of_json, path), "json.loads"


def _lighteval(rows: pl.DataFrame, folder: Path) -> Made:
    path = folder / "details_bench.parquet"
    parts = list(rows.iter_slices(EACH))
    docs = [
        {"id": str(i), "query": "x", "choices": ["1"], "gold_index": 0, "task_name": "bench|0"}
        for i in range(len(parts))
    ]
    pl.DataFrame(
        {
            "doc": docs,
            "metric": [{f"avg@n:n={EACH}": part["correct"].mean()} for part in parts],
            "model_response": [
                {"text": part["text"].to_list(), "text_post_processed": None} for part in parts
            ],
        }
    ).write_parquet(path)
    return "lighteval details", str(path), TOTAL, lambda: pq.read_table(path).to_pylist(), "PyArrow"


def _json_lines(path: Path) -> list[object]:
    with path.open("rb") as lines:
        return [json.loads(line) for line in lines]


def _zip_of_json(path: Path) -> list[object]:
    with zipfile.ZipFile(path) as archive:
        return [json.loads(archive.read(name)) for name in archive.namelist()]


def _shards(shards: list[Path]) -> list[object]:
    return [pq.read_table(shard).to_pylist() for shard in shards]


MAKERS = (_parquet, _jsonl, _study, _lm_eval, _inspect_ai, _lighteval)
