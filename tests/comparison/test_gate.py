"""What is required of a change: rules are read, and answered by intervals that hold together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from liftmap.cli import main
from liftmap.comparison.compare import compare
from liftmap.comparison.gate import level_of_each, parse_rules
from liftmap.comparison.parts import Rule
from liftmap.errors import InputError
from liftmap.report.markdown import comparison_markdown

from .conftest import FEW, make_tally, make_world


def test_rules_are_read_from_texts_and_files(tmp_path: Path) -> None:
    file = tmp_path / "gate.txt"
    file.write_text("# what must hold\naccuracy >= -1\npass@16>=\u22121.5  # points\n\nlost <= 2\n")
    assert parse_rules([str(file), "pass@1 ≥ 0.5", "accuracy >= -1"]) == (
        Rule("accuracy", 1, ">=", -1.0),
        Rule("pass@k", 16, ">=", -1.5),
        Rule("lost", None, "<=", 2.0),
        Rule("accuracy", 1, ">=", 0.5),
    )
    for text in ("acuracy >= 1", "accuracy > 1", "pass@0 >= 1", "accuracy >= -1 %", ""):
        with pytest.raises(InputError, match="not a rule"):
            parse_rules([text])
    file.write_text("accuracy >= -1\nlost < 2\n")
    with pytest.raises(InputError, match="line 2"):
        parse_rules([str(file)])


def test_answers_rest_on_intervals_that_hold_together() -> None:
    before, after = make_world(400, 16, 4)
    rules = ["accuracy >= 0", "accuracy <= 0", "pass@16 >= 40", "accuracy >= 12"]
    comparison = compare(before, after, require=rules, **FEW)
    answers = comparison.gate
    assert [each.rule.text for each in answers] == rules
    words = [each.word for each in answers]
    assert words[:3] == ["passed", "failed", "failed"]
    plain = compare(before, after, level=level_of_each(0.95, 4), **FEW)
    evidence = answers[0].evidence
    assert evidence is not None
    change = plain.accuracy.change
    assert np.allclose((evidence.low, evidence.high), (100 * change.low, 100 * change.high))


def test_what_can_not_be_known_is_not_passed() -> None:
    before, after = make_world(60, 4, 1)
    comparison = compare(before, after, require=["pass@8 >= -50", "lost <= 60"], **FEW)
    assert [(each.word, each.missing) for each in comparison.gate] == [
        ("can't tell", "k"),
        ("passed", None),
    ]
    one = compare(
        make_tally(before.c > 0, 1), make_tally(after.c > 0, 1), require=["lost <= 60"], **FEW
    )
    assert [(each.word, each.missing) for each in one.gate] == [("can't tell", "noise")]


def test_nothing_passes_where_responses_speak_against_the_counts() -> None:
    before, after = make_world(300, 16, 4)
    topped_up = make_tally(before.c, np.where(before.c == 0, 32, 16).tolist())
    rules = ["accuracy >= -100", "lost <= 300"]
    comparison = compare(topped_up, after, require=rules, **FEW)
    assert [each.word for each in comparison.gate] == ["can't tell"] * 2
    assert {each.missing for each in comparison.gate} == {"n by outcome"}


def test_the_command_answers_by_its_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    for name, rate in (("before", 0.3), ("after", 0.6)):
        rows = [f"q{place},16,{rng.binomial(16, rate)}" for place in range(80)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["question_id,n,c", *rows]))
    sides = [str(tmp_path / "before.csv"), str(tmp_path / "after.csv")]
    compared = ["compare", *sides, "--law-resamples", "0"]
    summary = tmp_path / "summary.md"
    assert main([*compared, "--require", "accuracy >= -1", "--markdown", str(summary)]) == 0
    assert "✅ passed" in summary.read_text()
    assert main([*compared, "--require", "accuracy <= 1", "--require", "pass@16 >= 30"]) == 1
    assert main([*compared, "--require", "accuracy >= 30"]) == 3
    assert "accuracy >= 30: can't tell" in capsys.readouterr().out
    assert main([*compared, "--require", "accuracy => 1"]) == 2


def test_markdown_takes_names_as_they_are() -> None:
    before, after = make_world(60, 16, 4)
    comparison = compare(before, after, require=["lost <= 1"], **FEW)
    text = comparison_markdown(comparison)
    assert "| `lost <= 1` |" in text
    assert text.count("| accuracy |") == 1
