"""The public JSON: every result has its fields, and docs/json.md shows a true one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from liftmap.comparison.compare import compare
from liftmap.comparison.published import reanalyse
from liftmap.comparison.result import Comparison

from .conftest import FEW, make_tally, make_world

DOCS = Path(__file__).parents[2] / "docs" / "json.md"
MOVES = {"k", "estimate", "noise", "excess", "at_n"}
CHANGE = {"before", "after", "change"}
BOTH = CHANGE | {"on_these_questions", "on_questions_like_these"}
WORDED = {
    "label",
    "k",
    "accuracy",
    "capability",
    "because",
    "needed",
    "needed_if_unchanged",
    "needed_if_changed",
    "needed_are",
    "bounded",
    "withheld",
    "p",
    "few_tries",
    "saturated_below",
}
SIDE = {
    "name",
    "path",
    "format",
    "model",
    "digest",
    "plan",
    "responses",
    "unscored",
    "truncated",
    "n",
    "settings",
}
FIELDS = {
    "liftmap",
    "date",
    "before",
    "after",
    "level",
    "margin",
    "seed",
    "looks",
    "questions_are",
    "chance",
    "capability_climbs",
    "capability_at_64_by_law",
    "schema",
    "questions",
    "k",
    "accuracy",
    "capability",
    "pass_hat_k",
    "equal_tokens",
    "nulls",
    "bins",
    "transitions",
    "lost",
    "gained",
    "mcnemar_p",
    "first_loss_k",
    "verdict",
    "gate",
    "guidance",
    "caveats",
    "warnings",
    "mcnemar",
    "checks",
    "measures",
    "responses",
}
WORDS = {"up", "down", "within", "unsettled", "saturated", "too hard", "not measured"}
LABELS = {
    "expanded",
    "sharpened",
    "sharpened at a cost",
    "broadened",
    "unchanged",
    "degraded",
    "inconclusive",
}


def _check_estimate(value: dict[str, Any] | None, *, ranged: bool = False) -> None:
    if value is None:
        return
    assert set(value) - {"range"} == {"estimate", "low", "high"}
    assert value["low"] <= value["estimate"] <= value["high"]
    assert not ranged or len(value["range"]) == 2
    if "range" in value:
        assert value["range"][0] <= value["range"][1]


def _check(found: dict[str, Any]) -> None:
    """The format of docs/json.md."""
    assert set(found) == FIELDS
    assert found["schema"] == 2
    for side in (found["before"], found["after"]):
        assert set(side) == SIDE
        assert set(side["digest"]) == {"counts", "file"}
        assert side["n"]["least"] <= side["n"]["median"] <= side["n"]["most"]
        assert side["plan"] is None or side["plan"]["kind"] in {"fixed", "curtailed"}
    assert set(found["accuracy"]) == BOTH
    for point in found["capability"]:
        assert set(point) - {"extrapolated"} == BOTH | {"k", "band"}
        assert point["band"] is None or len(point["band"]) == 2
        for name in CHANGE:
            _check_estimate(point[name])
    assert found["accuracy"] == {name: found["capability"][0][name] for name in BOTH}
    leading = {"like-these": "on_questions_like_these", "fixed": "on_these_questions"}
    for point in found["capability"]:
        lead = point[leading[found["questions_are"]]]
        assert lead == (None if "extrapolated" in point else {name: point[name] for name in CHANGE})
    for point in found["pass_hat_k"]:
        assert set(point) == BOTH | {"k", "band"}
        for name in CHANGE:
            _check_estimate(point[name])
    size = len(found["transitions"]["bins"])
    for name in ("raw", "half", "noise", "corrected"):
        matrix = found["transitions"][name]
        assert matrix is None or [len(row) for row in matrix] == [size] * size
    for one in found["bins"]:
        assert set(one) == CHANGE | {"label", "questions", "band", "survives", "responses"}
        assert one["label"]
        assert one["responses"] is None or one["responses"] >= 1
    for name in ("lost", "gained"):
        assert set(found[name]) == MOVES
        for figure in ("estimate", "noise", "excess"):
            _check_estimate(found[name][figure])
        at_n = found[name]["at_n"]
        if at_n is not None:
            assert set(at_n) == {"observed", "noise", "excess", "gross", "floor"}
            assert (at_n["floor"] is None) == (at_n["gross"] is None)
            for figure in ("excess", "gross") if at_n["floor"] else ():
                floor = at_n["floor"][figure]
                assert floor["mean"] <= floor["largest"]
            assert isinstance(at_n["observed"], int)
            for figure in ("noise", "excess", "gross"):
                _check_estimate(at_n[figure], ranged=True)
    test = found["mcnemar"]
    assert test is None or set(test) == {"p", "method"}
    assert found["mcnemar_p"] == (test and test["p"])
    loss = found["first_loss_k"]
    assert loss is None or set(loss) == {"estimate", "possible", "never_possible"}
    verdict = found["verdict"]
    other = {"like-these": "on_these_questions", "fixed": "on_questions_like_these"}
    other_verdict = verdict[other[found["questions_are"]]]
    assert set(verdict) == {*WORDED, other[found["questions_are"]]}
    for said in (verdict, *([other_verdict] if other_verdict else [])):
        assert set(said) >= WORDED
        assert said["label"] in {*LABELS, None}
        words = {said["accuracy"], said["capability"]}
        assert words <= WORDS
        assert (said["label"] is None) == bool({"saturated", "too hard", "not measured"} & words)
    for one in found["guidance"]:
        assert set(one) == {"kind", "text", "evidence", "questions", "for_training"}
        assert one["kind"] in {"lost", "distil", "rlvr", "saturated", "samples"}
    assert all(isinstance(text, str) for text in found["warnings"])


def test_every_kind_of_result_keeps_the_format(
    small: Comparison, large: Comparison, figure_9a: Path
) -> None:
    for found in (
        small,
        large,
        reanalyse(figure_9a, 256, **FEW),
        compare(*make_world(30, 8, 0), k=32, extrapolate=True, **FEW),
        compare(make_tally([0, 1], 1), make_tally([1, 1], 1), **FEW),
        compare(make_tally([0, 1, 2], [2, 3, 4]), make_tally([1, 1, 0], 2), **FEW),
    ):
        _check(json.loads(found.to_json()))


def _example() -> dict[str, Any]:
    [block] = re.findall(r"```json\n(.*?)```", DOCS.read_text("utf-8"), flags=re.DOTALL)
    example: dict[str, Any] = json.loads(block)
    return example


def _assert_near(true: Any, shown: Any, place: str = "") -> None:
    if isinstance(true, dict):
        assert set(true) == set(shown), place
        for name in true:
            _assert_near(true[name], shown[name], f"{place}.{name}")
    elif isinstance(true, list):
        assert len(true) == len(shown), place
        for one, other in zip(true, shown, strict=True):
            _assert_near(one, other, place)
    elif isinstance(true, float):
        assert shown == pytest.approx(true, abs=6e-5), place
    else:
        assert true == shown, place


def test_the_documented_example_is_true(small: Comparison) -> None:
    _assert_near({**small.to_dict(), "liftmap": None}, {**_example(), "liftmap": None})


def test_every_field_is_documented() -> None:
    text = DOCS.read_text("utf-8")
    for field in FIELDS:
        assert f"`{field}`" in text or f"`{field}." in text, field
