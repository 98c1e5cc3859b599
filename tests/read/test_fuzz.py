"""Whatever is in a file, a reader gives outcomes or one of liftmap's own errors."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liftmap.errors import LiftmapError
from liftmap.read import read

DATA = Path(__file__).parent / "data"
ROLLOUTS = sorted(path for path in DATA.glob("rollouts/**/*.json*") if path.is_file())
REAL = [*sorted(DATA.glob("[il]*/*.*")), *ROLLOUTS, *sorted(DATA.glob("trl/*.*"))]
TALLY = "question_id,n,c,unscored,truncated,cluster\na,4,1,0,1,x\nb,4,4,0,0,x\nc,3,0,1,3,y\n"
ROWS = "question_id,correct,answer,truncated\na,1,5,0\na,wrong,,1\nb,true,7,0\n"


def attempt(path: Path) -> None:
    try:
        found = read(path)
    except LiftmapError:
        return
    tally = found.tally
    assert (tally.n >= tally.c).all()
    assert (tally.c >= 0).all()
    assert len(set(tally.question_ids.tolist())) == len(tally.n)


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files of every format."""
    folder = tmp_path_factory.mktemp("originals")
    found = {f"{path.parent.name}-{path.name}": path.read_bytes() for path in REAL}
    for name, text in (("tally", TALLY), ("rows", ROWS)):
        found[f"{name}.csv"] = text.encode()
        frame = pl.read_csv(text.encode())
        frame.write_parquet(folder / "x.parquet")
        frame.write_ndjson(folder / "x.jsonl")
        for ending in ("parquet", "jsonl"):
            found[f"{name}.{ending}"] = (folder / f"x.{ending}").read_bytes()
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_changed_bytes(tmp_path: Path, originals: dict[str, bytes], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(originals)))
    content = bytearray(originals[name])
    places = st.integers(0, len(content) - 1)
    kind = data.draw(st.sampled_from(["flip", "cut", "drop", "repeat", "insert"]))
    if kind == "flip":
        for place in data.draw(st.lists(places, min_size=1, max_size=12)):
            content[place] = data.draw(st.integers(0, 255))
    elif kind == "cut":
        del content[data.draw(places) :]
    else:
        start, end = sorted((data.draw(places), data.draw(places)))
        part = bytes(content[start:end])
        if kind == "drop":
            del content[start:end]
        elif kind == "repeat":
            content[start:start] = part
        else:
            junk = st.sampled_from([b"NaN", b"-1", b'"', b",", b"[", b"{}", b"null", b"\n", b"1e9"])
            content[start:start] = data.draw(st.one_of(junk, st.binary(max_size=20)))
    path = tmp_path / name
    path.write_bytes(content)
    attempt(path)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.floats(width=32),
    st.sampled_from(["right", "unscored", "", "a", "4", "-1", "0.5", "nan", "C"]),
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_tables(tmp_path: Path, data: st.DataObject) -> None:
    needed = data.draw(st.sampled_from([("n", "c"), ("correct",)]))
    more = data.draw(
        st.lists(st.sampled_from(["unscored", "truncated", "cluster", "answer"]), unique=True)
    )
    rows = data.draw(st.integers(0, 4))
    columns = {
        name: data.draw(st.lists(scalars, min_size=rows, max_size=rows))
        for name in ("question_id", *needed, *more)
    }
    ending = data.draw(st.sampled_from(["csv", "jsonl", "parquet"]))
    path = tmp_path / f"table.{ending}"
    frame = pl.DataFrame(columns, strict=False)
    if ending == "csv":
        frame.write_csv(path)
    elif ending == "jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_parquet(path)
    attempt(path)


values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_logs_with_values_of_any_kind(tmp_path: Path, data: st.DataObject) -> None:
    """Well-formed JSON in which one value, at any depth, is something else."""
    path = data.draw(st.sampled_from([p for p in REAL if p.suffix in (".jsonl", ".json")]))
    text = path.read_text()
    whole = json.loads(text) if path.suffix == ".json" else json.loads(text.splitlines()[0])
    place = whole
    while True:
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        deeper = place[key]
        if isinstance(deeper, (dict, list)) and deeper and data.draw(st.booleans()):
            place = deeper
            continue
        place[key] = data.draw(values)
        break
    changed = tmp_path / path.name
    changed.write_text(json.dumps(whole))
    attempt(changed)
