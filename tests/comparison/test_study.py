"""A study's arm and `compare` on the same response sets say the same, to the last digit."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from liftmap.analyse import analyse
from liftmap.analyse.data import StudyData
from liftmap.analyse.length import length
from liftmap.comparison.bootstrap import resample
from liftmap.comparison.compare import compare
from liftmap.comparison.match import TooFewQuestionsError
from liftmap.comparison.result import Comparison
from liftmap.comparison.tables import SCHEMAS
from liftmap.config import StudyConfig
from liftmap.records import CurtailedPlan, Question, Response, StudyModel
from liftmap.store import StudyFolder, shard_name
from liftmap.study import run_study
from liftmap.studyfile import load_config, parse_config
from liftmap.verify.run import verify
from tests.conftest import SCRIPTED

PLAN = CurtailedPlan(stop_after=3, cap=12, round_size=4)


def _hard_study(place: Path, *, curtailed: bool = False) -> None:
    """Responses that failed, were cut off, or can't be judged, to clustered questions."""
    rng = np.random.default_rng(3)
    # Not in the order of the ids; two questions of one source, a question without a gold answer.
    ids = rng.permutation([f"q{i:02}" for i in range(30)])
    questions = [
        Question(str(q), f"text {q}", "" if q == "q07" else f"a{q}", cluster=f"s{i // 2}")
        for i, q in enumerate(ids)
    ]
    plain = {
        "base": {"model": "scripted:0.5"},
        "task": {"name": "jsonl"},
        "arms": {"rlvr": {"method": "grpo"}},
        "analyse": {"resamples": 100, "law_resamples": 3},
    }
    config, folder = parse_config(plain, "the test"), StudyFolder(place)
    folder.keep_config(config)
    folder.write_questions("test", questions)
    for model, lift in (("base", 0.0), ("rlvr@1", 0.15)):
        target = folder.responses(model, "test")
        target.keep_settings({"shards": 2, **({"plan": asdict(PLAN)} if curtailed else {})})
        rates = np.clip(np.linspace(0, 0.9, 30) + lift, 0, 1)
        for shard in range(2):
            responses = []
            for question, rate in list(zip(questions, rates, strict=True))[shard::2]:
                scored = solved = 0
                for index in range(200 if curtailed else 12):
                    right, ending = rng.random() < rate, rng.random()
                    reason: Any = (
                        "failed" if ending < 0.06 else "length" if ending < 0.2 else "stop"
                    )
                    text = f" so {question.answer}" if right else " so nobody"
                    responses.append(
                        Response(question.question_id, index, text, (1, 2), reason, -1.0)
                    )
                    scored += reason != "failed"
                    solved += reason != "failed" and right
                    if curtailed and (
                        scored == PLAN.cap
                        or (scored % PLAN.round_size == 0 and solved >= PLAN.stop_after)
                    ):
                        break
            target.write_responses(shard_name(shard), responses)
        verify(target, questions, config.verify)


def _copied_study(place: Path) -> None:
    """Each response of the arm stands twice, and no other text is equal to it."""
    rng = np.random.default_rng(5)
    questions = [Question(f"q{i:02}", f"text {i}", f"a{i}") for i in range(30)]
    config = parse_config(
        {
            "base": {"model": "scripted:0.5"},
            "task": {"name": "jsonl"},
            "arms": {"rlvr": {"method": "grpo"}},
            "analyse": {"resamples": 100, "law_resamples": 3},
        },
        "the test",
    )
    folder = StudyFolder(place)
    folder.keep_config(config)
    folder.write_questions("test", questions)
    for model, copies in (("base", 1), ("rlvr@1", 2)):
        target = folder.responses(model, "test")
        target.keep_settings({"shards": 1})
        responses = []
        for question in questions:
            for index in range(12):
                said = question.answer if rng.random() < 0.5 else "nobody"
                text = " so" * (1 + index // copies) + f" {said if copies == 1 else ''}"
                if copies == 2:
                    text += question.answer if index % 4 < 2 else "nobody"
                responses.append(Response(question.question_id, index, text, (1, 2), "stop", -1.0))
        target.write_responses(shard_name(0), responses)
        verify(target, questions, config.verify)


@pytest.fixture(scope="module", params=["fixed", "curtailed", "hard", "hard curtailed", "copied"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scripted study under each sampling plan, and one with all that may go wrong."""
    if request.param == "fixed":
        done: Path = request.getfixturevalue("scripted_study")
        return done
    place = tmp_path_factory.mktemp("studies") / request.param
    if request.param.startswith("hard"):
        _hard_study(place, curtailed=request.param == "hard curtailed")
        return place
    if request.param == "copied":
        _copied_study(place)
        return place
    sample = {**SCRIPTED["sample"], "plan": "curtailed", "stop_after": 4, "round_size": 4}
    run_study(parse_config({**SCRIPTED, "sample": sample}, "the test"), place)
    return place


@pytest.fixture(scope="module")
def config(folder: Path) -> StudyConfig:
    return load_config(folder / "study.toml")


@pytest.fixture(scope="module")
def data(folder: Path, config: StudyConfig) -> StudyData:
    return StudyData(StudyFolder(folder), config)


@pytest.fixture(scope="module")
def arm(data: StudyData) -> StudyModel:
    return data.arms[0]


def _options(config: StudyConfig) -> dict[str, Any]:
    section = config.analyse
    return {
        "margin": section.margin,
        "level": section.level,
        "seed": section.seed,
        "resamples": section.resamples,
        "law_resamples": section.law_resamples,
    }


@pytest.fixture(scope="module")
def compared(folder: Path, config: StudyConfig, arm: StudyModel) -> Comparison:
    """The same two models, compared from their response sets as a user names them."""
    base = str(folder / "responses" / "base" / "test")
    return compare(base, f"{folder}:{arm.model}", **_options(config))


def test_all_figures_agree_to_the_last_digit(
    data: StudyData, arm: StudyModel, compared: Comparison
) -> None:
    of_study = data.comparison(data.base, arm)
    assert of_study is not None
    of_both = [of_study.to_dict(), compared.to_dict()]
    paths = [found[side].pop("path") for found in of_both for side in ("before", "after")]
    assert paths[:2] == [None, None]
    assert paths[3].endswith(f":{arm.model}"), "as the user gave it"
    assert of_both[0] == of_both[1]
    for name, table in of_study.tables.items():
        assert table.equals(compared.tables[name]), name


def test_texts_say_the_same_of_an_arm_as_of_two_response_sets(
    data: StudyData, arm: StudyModel, compared: Comparison
) -> None:
    of_study = data.comparison(data.base, arm)
    assert of_study is not None
    assert compared.response_analyses is not None
    for name in ("responses", "indicators"):
        table = of_study.table(name)
        assert table["before"].is_not_null().any()
        assert table.equals(compared.table(name)), name
    assert of_study.response_analyses is not None
    assert of_study.response_analyses.notes == compared.response_analyses.notes


@pytest.mark.parametrize("folder", ["fixed"], indirect=True)
def test_the_studys_own_table_of_length_has_the_same_figures(
    data: StudyData, arm: StudyModel, compared: Comparison
) -> None:
    own, pair = length(data), compared.tables["responses"].filter(pl.col("verdict") != "all")
    assert compared.response_analyses is not None
    assert compared.response_analyses.unit == "tokens"
    columns = {"tokens": "length", "reflection": "reflection", "copies": "copies"}
    for model, side in ((data.base, "before"), (arm, "after")):
        of_model = own.filter(pl.col("model") == model.model)
        for column, measure in columns.items():
            rows = pair.filter(pl.col("measure") == measure)
            assert len(rows) == len(of_model)
            for end in ("", "_low", "_high"):
                joined = of_model.join(rows, on=["label", "verdict"])
                expected = joined[f"{side}{end}"].to_list()
                assert joined[f"{column}{end}"].to_list() == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("folder", ["hard curtailed"], indirect=True)
def test_the_order_of_drawing_bounds_unscored_responses(
    data: StudyData, arm: StudyModel, compared: Comparison
) -> None:
    assert compared.verdict.accuracy.withheld is None
    for point in compared.capability:
        assert point.change.range is not None
        assert point.change.range[0] <= point.change.estimate <= point.change.range[1]
    sides = [data.tally(model) for model in (data.base, arm)]
    assert sides[0].counts.stops_early
    of_tallies = compare(*sides, resamples=50, law_resamples=0)
    assert of_tallies.verdict.accuracy.withheld == "unscored", "counts alone give no bound"
    assert of_tallies.accuracy.change.range is None


@pytest.mark.parametrize("folder", ["hard"], indirect=True)
def test_the_hard_study_is_hard(data: StudyData, arm: StudyModel, compared: Comparison) -> None:
    pair = data.pair(data.base, arm)
    assert pair is not None
    assert compared.questions == 29, "the question without a gold answer is left out"
    assert any("q07" in text for text in compared.warnings)
    assert min(pair.before.unscored.sum(), pair.before.truncated.sum()) > 10
    assert pair.cluster is not None
    assert compared.accuracy.change.range is not None


@pytest.mark.parametrize("folder", ["copied"], indirect=True)
def test_proven_copies_count_once(data: StudyData, arm: StudyModel, compared: Comparison) -> None:
    pair = data.pair(data.base, arm)
    assert pair is not None
    assert set(pair.after.n) == {6}
    [check] = [check for check in compared.checks if check.kind == "repeated texts"]
    assert (check.side, check.evidence["copies"], check.evidence["counted_once"]) == ("after", 2, 1)


def test_the_studys_tables_are_the_comparisons(
    folder: Path, config: StudyConfig, arm: StudyModel, compared: Comparison
) -> None:
    tables = analyse(StudyFolder(folder), config)
    for name in set(SCHEMAS) - {"guidance", "nulls"}:
        rows = tables[name].filter(pl.col("model") == arm.model).drop("model", "arm", "seed")
        own = compared.tables[name]
        if name == "difficulty":
            # A study looks at the bins of all its checkpoints: its band is at least as wide.
            bands = ("band_low", "band_high", "survives")
            assert (rows["band_low"] <= own["band_low"] + 1e-12).all()
            assert (rows["band_high"] >= own["band_high"] - 1e-12).all()
            rows, own = rows.drop(bands), own.drop(bands)
        assert rows.equals(own), name


@pytest.mark.parametrize("folder", ["fixed", "curtailed", "hard"], indirect=True)
def test_tallies_and_other_orders_give_the_same(
    data: StudyData, config: StudyConfig, arm: StudyModel, compared: Comparison
) -> None:
    sides = [data.tally(model) for model in (data.base, arm)]
    order = np.random.default_rng(0).permutation(len(sides[1].n))
    again = compare(sides[0], sides[1].subset(order), **_options(config))
    assert again.capability == compared.capability
    assert again.lost == compared.lost
    assert again.bins == compared.bins
    # Answers are known from responses alone.
    votes = [
        next(piece for piece in side.guidance if piece.kind == "samples").evidence["majority"]
        for side in (compared, again)
    ]
    assert votes[0]
    assert votes[1] == []


def test_weights_of_other_tables_are_those_of_a_comparison(data: StudyData) -> None:
    pair = data.pair(data.base, data.base)
    assert pair is not None
    section = data.config.analyse
    resamples = resample(
        pair,
        resamples=section.resamples,
        law_resamples=0,
        level=section.level,
        seed=section.seed,
    )
    by_question = data.weights[:, data.places(pair)]
    by_row = np.zeros_like(resamples.options["weights"])
    np.add.at(by_row.T, pair.row_of_question, by_question.T)
    assert np.array_equal(by_row, resamples.options["weights"])


def test_min_responses_of_a_study_are_those_of_compare(
    folder: Path, config: StudyConfig, arm: StudyModel
) -> None:
    section = config.analyse.model_copy(update={"min_responses": 11, "law_resamples": 0})
    few = StudyData(StudyFolder(folder), config.model_copy(update={"analyse": section}))
    own = few.comparison(few.base, arm)
    base = str(folder / "responses" / "base" / "test")
    options = {**_options(config), "law_resamples": 0, "min_responses": 11}
    try:
        expected = compare(base, f"{folder}:{arm.model}", **options).questions
    except TooFewQuestionsError:
        expected = 0
    assert (0 if own is None else own.questions) == expected
