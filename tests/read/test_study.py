"""A study's responses, by their short name or their folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from liftmap.errors import InputError, LiftmapError
from liftmap.read import read
from liftmap.records import Question, Response
from liftmap.store import StudyFolder, shard_name
from liftmap.studyfile import parse_config

QUESTIONS = [
    Question("b", "who ?", "Zack", cluster="x"),
    Question("a", "who else ?", "Olga", cluster="x"),
    Question("c", "who now ?", "Ann"),
]
VERDICTS = ["right", "wrong", "unscored", "wrong", "right", "right", "wrong", "wrong", "wrong"]


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    """A study whose base has answered three test questions three times each."""
    folder = StudyFolder(tmp_path / "study")
    folder.write_questions("test", QUESTIONS)
    config = {
        "base": {"model": "scripted:0.5"},
        "task": {"name": "kin"},
        "arms": {"a": {"method": "given", "model": "scripted:0.5"}},
        "verify": {"verifier": "exact"},
    }
    folder.keep_config(parse_config(config, "the test"))
    responses = folder.responses("base", "test")
    responses.keep_settings({"shards": 3})
    responses.keep_verifier_settings("exact", {})
    for place, (name, verdicts) in enumerate(
        zip("cab", (VERDICTS[:3], VERDICTS[3:6], VERDICTS[6:]), strict=True)
    ):
        responses.write_responses(
            shard_name(place),
            [
                Response(name, i, "so Zack", (5,), "length" if i == 2 else "stop", -1.0)
                for i in range(3)
            ],
        )
        key = responses.read_responses(shard_name(place)).select("question_id", "response_index")
        answer = pl.Series(["Zack", "", "Olga"])
        responses.write_verdicts(
            "exact",
            shard_name(place),
            key.with_columns(verdict=pl.Series(verdicts), answer=answer, reason=pl.lit("")),
        )
    return folder


def test_a_response_set_by_each_of_its_names(study: StudyFolder) -> None:
    expected = study.responses("base", "test").tally("exact", QUESTIONS)
    assert expected.c.tolist() == [0, 2, 1]
    for source in (
        f"{study.path}:base",
        f"{study.path}:base:test",
        study.path / "responses" / "base" / "test",
    ):
        found = read(source)
        assert found.format == "study"
        assert found.tally.plan == expected.plan
        for name in ("question_ids", "n", "c", "unscored", "truncated"):
            assert np.array_equal(getattr(found.tally, name), getattr(expected, name)), name
    assert found.tally.cluster is not None
    assert found.tally.cluster.tolist() == ["x", "x", "c"]
    assert found.answers is not None
    assert found.answers.filter(question_id="c").rows() == [
        ("c", "Zack", True, False),
        ("c", None, False, False),
        ("c", "Olga", None, False),
    ]
    assert found.golds is not None
    assert found.golds["gold"].to_list() == ["Zack", "Olga", "Ann"]


def test_what_a_study_lacks_is_said(study: StudyFolder) -> None:
    with pytest.raises(InputError, match=r"no test responses of the model bas\..*'base'"):
        read(f"{study.path}:bas")
    with pytest.raises(InputError, match=r"no train responses of the model base"):
        read(f"{study.path}:base:train")
    with pytest.raises(InputError, match=r"is a whole study.*Name one of its models"):
        read(study.path)
    with pytest.raises(InputError, match=r"no verdicts .* Run: liftmap verify .* --verifier math"):
        read(f"{study.path}:base", verifier="math")
    with pytest.raises(InputError, match="does not exist"):
        read(f"{study.path / 'nowhere'}:base")
    verdicts = study.path / "verdicts" / "base" / "test" / "exact" / shard_name(1)
    whole = verdicts.read_bytes()
    verdicts.unlink()
    with pytest.raises(InputError, match=r"3 of .* have no verdict of the verifier exact"):
        read(f"{study.path}:base")
    verdicts.write_bytes(whole[:-9])
    with pytest.raises(LiftmapError, match="is damaged"):
        read(f"{study.path}:base")
    pl.DataFrame({"question_id": ["a"]}).write_parquet(verdicts)
    with pytest.raises(LiftmapError, match="is damaged"):
        read(f"{study.path}:base")
