"""A study whose server did not say how many tokens a response has can be analysed."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

from liftmap.analyse import analyse
from liftmap.store import StudyFolder
from liftmap.studyfile import load_config


def test_unknown_lengths_leave_the_rest_as_it_is(scripted_study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "served"
    shutil.copytree(scripted_study, copy)
    target = StudyFolder(copy).responses("sharper@1", "test")
    for shard in target.shards():
        frame, verdicts = target.read_responses(shard), target.read_verdicts("exact", shard)
        target.write_responses(shard, frame.with_columns(token_count=pl.lit(None, pl.Int32)))
        target.write_verdicts("exact", shard, verdicts)
    config = load_config(copy / "study.toml")
    before, after = (analyse(StudyFolder(p), config)["length"] for p in (scripted_study, copy))
    served = pl.col("arm") == "sharper"
    assert after.filter(served)["tokens"].null_count() == after.filter(served).height
    assert after.filter(~served).equals(before.filter(~served))
    assert after["reflection"].equals(before["reflection"])
