"""The study file: what is refused, and that the message says where and what to do."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from liftmap.config import StudyConfig
from liftmap.errors import ConfigError
from liftmap.sample.templates import render_prompt
from liftmap.sections import Section
from liftmap.studyfile import load_config, parse_config, shipped_studies
from liftmap.tasks.sets import make_questions
from liftmap.verify import make_verifier

SFT = {"method": "sft", "responses": {"of": "base"}}


def study(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "base": {"model": "testbed:base"},
        "task": {"name": "kin"},
        "arms": {"self": copy.deepcopy(SFT)},
    }
    return plain | changes


@pytest.mark.parametrize("name", shipped_studies())
def test_every_shipped_study_loads(name: str) -> None:
    assert load_config(name).name == name


RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*/study.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.parent.name)
def test_every_recipe_loads_and_its_questions_fill_its_template(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parents[2])
    config = load_config(path)
    sets = make_questions(config.task)
    for split, questions in sets.items():
        prompts = {str(render_prompt(config.sample.template, q)) for q in questions}
        assert len(prompts) == len(questions), split
    verifier = make_verifier(config.verify.verifier, config.verify.options)
    gold = [(q, q.answer) for q in sets["test"]]
    assert {verdict.label for verdict in verifier.judge(gold)} == {"right"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampel": {}}, "the key sampel is unknown.*'sample'"),
        ({"sample": {"temprature": 1}}, "sample.temprature is unknown.*'temperature'"),
        ({"sample": {"n": 0}}, "sample.n"),
        ({"sample": {"temperature": "hot"}}, "sample.temperature.*'hot'"),
        ({"sample": {"server": {"endpont": "chat"}}}, "server.endpont is unknown.*'endpoint'"),
        ({"teacher": {"modle": "x"}}, "teacher.modle is unknown.*'model'"),
        ({"verify": {"verifer": "x"}}, "verify.verifer is unknown.*'verifier'"),
        (
            {"arms": {"responses": SFT | {"responses": {"of": "base", "per_qestion": 1}}}},
            "arms.responses.responses.per_qestion is unknown.*'per_question'",
        ),
        ({"base": {}}, "base.model is missing"),
        ({"arms": {}}, "arms"),
        ({"arms": {"self": {"method": "sft"}}}, "needs a table 'responses'"),
        ({"arms": {"self": SFT | {"rewards": "random"}}}, "rewards is unknown.*'reward'"),
        ({"arms": {"self": SFT | {"reward": "random"}}}, "only method 'grpo' takes"),
        ({"arms": {"self": SFT | {"seeds": [1, 1]}}}, "same seed twice"),
        ({"arms": {"self": SFT | {"enabled": False}}}, "no arm is enabled"),
        ({"arms": {"base": SFT}}, "can't be called 'base'"),
        ({"arms": {"../x": SFT}}, "pattern"),
        ({"arms": {"a": {"method": "given"}}}, "needs the key 'model'"),
        ({"arms": {"a": SFT | {"model": "x"}}}, "takes no 'model'"),
        ({"arms": {"a": SFT | {"seeds": [-1]}}}, "0 or more"),
        ({"analyse": {"seed": -1}}, "analyse.seed"),
        ({"arms": {"a": {"method": "sft", "responses": {"of": "teacher"}}}}, r"no \[teacher\]"),
        ({"arms": {"rlvr": SFT, "b": SFT | {"responses": {"of": "rlrv"}}}}, "mean 'rlvr'"),
        (
            {
                "arms": {
                    "a": SFT | {"responses": {"of": "b"}},
                    "b": SFT | {"responses": {"of": "a"}},
                }
            },
            "circle",
        ),
        (
            {"arms": {"a": SFT | {"responses": {"of": "base", "base_right_at_least": 300}}}},
            "base_right_at_least is 300",
        ),
        (
            {"arms": {"a": {"method": "given", "model": "x", "track": True}}},
            "trains nothing and takes no 'track'",
        ),
        (
            {"arms": {"a": {"method": "grpo", "trl": {"max_steps": 9}, "track": {"steps": [10]}}}},
            r"arms\.a\.track\.steps: the training has the steps 0 to 9; \[10\]",
        ),
        ({"arms": {"a": SFT | {"track": {"every": 0}}}}, "arms.a.track.every"),
        ({"arms": {"a": SFT | {"track": {"evry": 5}}}}, "track.evry is unknown.*'every'"),
    ],
)
def test_what_cannot_be_run_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_config(study(**changes), "study.toml")
    assert str(caught.value).startswith("study.toml: ")


def sections(
    section: type[Section], place: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], type[Section]]]:
    """Every section of a study file with its place; an arm has the name `x`."""
    yield place, section
    for name, field in section.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, Section):
                table = get_origin(field.annotation) is Mapping
                yield from sections(kind, (*place, name, *(["x"] if table else [])))


@pytest.mark.parametrize(
    ("place", "section"), list(sections(StudyConfig)), ids=lambda value: str(value)
)
def test_a_misspelt_key_of_any_section_names_the_right_one(
    place: tuple[str, ...], section: type[Section]
) -> None:
    for key in section.model_fields:
        inner: dict[str, Any] = {key + "x": 1}
        for name in reversed(place):
            inner = {name: inner}
        misspelt = ".".join([*place, key + "x"])
        with pytest.raises(ConfigError) as caught:
            parse_config({**study(), **inner}, "study.toml")
        assert str(caught.value).startswith(f"study.toml: the key {misspelt} is unknown.")
        assert str(caught.value).endswith(f"Did you mean {key!r}?")


def test_files_that_are_no_study(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not exist.*demo"):
        load_config(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("name = \n")
    with pytest.raises(ConfigError, match=r"not TOML.*line 1"):
        load_config(broken)
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_config(broken)
    with pytest.raises(ConfigError, match="is a folder"):
        load_config(tmp_path)


def test_arms_come_after_the_arms_they_learn_from() -> None:
    config = load_config("demo")
    order = config.arms_in_order()
    assert order.index("rlvr") < order.index("self") < len(order)
    assert order.index("rlvr") < order.index("from-rlvr")
    assert "random-reward" not in order
    assert config.contrasts() == [("self", "from-rlvr")]


@pytest.mark.parametrize(
    ("first", "second", "matched"),
    [
        ({}, {}, True),
        ({"responses": {"per_question": 1}}, {}, False),
        ({}, {"responses": {"base_right_at_least": 3}}, False),
        ({}, {"trl": {"num_train_epochs": 9}}, False),
    ],
)
def test_arms_are_a_contrast_only_if_nothing_else_differs(
    first: dict[str, Any], second: dict[str, Any], matched: bool
) -> None:
    def arm(of: str, other: str, changes: dict[str, Any]) -> dict[str, Any]:
        responses = {"of": of, "matched_with": other} | changes.get("responses", {})
        return {"method": "sft"} | changes | {"responses": responses}

    arms = {
        "rlvr": {"method": "grpo"},
        "own": arm("base", "rlvr", first),
        "theirs": arm("rlvr", "base", second),
    }
    found = parse_config(study(arms=arms), "x").contrasts()
    assert found == ([("own", "theirs")] if matched else [])


def test_an_arms_own_trl_settings_go_first() -> None:
    plain = study(
        trl={"sft": {"learning_rate": 1.0, "num_train_epochs": 2}},
        arms={"self": SFT | {"trl": {"learning_rate": 3.0}}},
    )
    config = parse_config(plain, "x")
    assert config.trl_settings("self") == {"learning_rate": 3.0, "num_train_epochs": 2}


@pytest.mark.parametrize(
    ("track", "steps"),
    [
        (True, [*range(0, 91, 10), 95]),
        ({"every": 40}, [0, 40, 80, 95]),
        ({"steps": [5, 3]}, [0, 3, 5, 95]),
        ({"every": 60, "steps": [61]}, [0, 60, 61, 95]),
        ({"every": 1000}, [0, 95]),
    ],
)
def test_a_training_is_watched_at_its_ends_and_between(track: Any, steps: list[int]) -> None:
    section = parse_config(study(arms={"self": SFT | {"track": track}}), "x").arms["self"].track
    assert section is not None
    assert section.steps_until(95) == steps


def test_an_arm_that_is_not_watched_has_no_section() -> None:
    for plain in (SFT, SFT | {"track": False}):
        assert parse_config(study(arms={"self": plain}), "x").arms["self"].track is None


def test_the_arm_in_the_docs_is_one() -> None:
    text = (Path(__file__).parents[1] / "docs" / "callback.md").read_text("utf-8")
    [shown] = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    [arm] = parse_config(study(**tomllib.loads(shown)), "docs").arms.values()
    assert arm.track is not None
    assert (arm.track.every, arm.track.questions, arm.track.n) == (20, 100, 16)
