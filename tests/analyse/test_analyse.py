"""All analyses together: what is written, what is documented, what stays empty."""

from __future__ import annotations

import inspect

import polars as pl
import pytest

from liftmap.analyse import ANALYSES, analyse
from liftmap.errors import StoreError
from liftmap.records import Question

NUMBER = 24


@pytest.fixture
def full(make_study, matched):
    """A kin study with two seeds, matched arms and scores."""
    questions = [
        Question(
            f"q{i:02}",
            "please work out Ann 's mother 's boss ?",
            ("Zack", "Bob")[i % 2],
            cluster="shared" if i in (3, 4) else "",
            metadata={"level": (1.0, 0.6, 0.0)[i % 3], "wording": "please"},
        )
        for i in range(NUMBER)
    ]
    study = make_study(questions, arms=matched, task="kin")
    for seed, model in enumerate(
        ["base", "teacher", *(m for _, _, m in study.config.arm_models())]
    ):
        study.answer_at(model, [(i + seed) % 7 / 6 for i in range(NUMBER)], 16, seed)
    return study


def test_every_table_is_written_and_the_same_again(full):
    tables = analyse(full.folder, full.config)
    assert full.folder.tables() == sorted(ANALYSES) == sorted(tables)
    again = analyse(full.folder, full.config)
    for name, table in tables.items():
        assert full.folder.read_table(name).equals(table), name
        assert again[name].equals(table), name
    empty = {name for name, table in tables.items() if table.is_empty()}
    nothing = {"training", "steps", "gradient", "warnings", "suite"}
    assert empty == nothing, "nothing was trained here, nothing to warn of, no further test set"


def test_every_column_is_defined_in_its_docstring(full):
    for name, table in analyse(full.folder, full.config).items():
        document = inspect.getdoc(ANALYSES[name]) or ""
        defined = {
            word.strip()
            for line in document.splitlines()
            if line.startswith("    - ") and ":" in line
            for word in line.removeprefix("    - ").split(":")[0].split(",")
        }
        assert set(table.columns) == defined, name


def test_estimates_lie_in_their_intervals(full):
    for name, table in analyse(full.folder, full.config).items():
        for x in (c.removesuffix("_low") for c in table.columns if c.endswith("_low")):
            if x == "band":
                continue
            known = table.drop_nulls([x, f"{x}_low", f"{x}_high"])
            assert (known[f"{x}_low"] <= known[x] + 1e-12).all(), (name, x)
            assert (known[x] <= known[f"{x}_high"] + 1e-12).all(), (name, x)
        floats = table.select(pl.selectors.float())
        if not floats.width:
            continue
        assert floats.select(pl.all().is_nan().any()).sum_horizontal().sum() == 0, name


def test_tables_that_do_not_apply_are_empty_with_their_columns(full, make_study, asked):
    kept = {name: table.schema for name, table in analyse(full.folder, full.config).items()}
    for file in (full.folder.path / "tables").iterdir():
        file.unlink()
    lone = make_study(asked(6))
    lone.folder.path.rename(lone.folder.path.with_name("before"))
    lone.folder.write_questions("test", lone.questions)
    lone.answer("base", {q.question_id: [f" {q.answer}", " x"] for q in lone.questions})
    tables = analyse(lone.folder, lone.config)
    assert {name: table.schema for name, table in tables.items()} == kept
    assert {name for name, table in tables.items() if not table.is_empty()} == {
        "length",
        "quality",
        "rates",
    }


def test_responses_without_verdicts_say_what_to_do(make_study, asked):
    study = make_study(asked(3))
    study.answer("base", {q.question_id: [" x"] for q in study.questions})
    for file in (study.folder.path / "verdicts").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(StoreError, match="Run `liftmap study`"):
        analyse(study.folder, study.config)
