"""Several benchmarks: a comparison each, pooled by stratum, Holm, forgetting, a gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from liftmap.cli import main
from liftmap.comparison.compare import compare
from liftmap.comparison.gate import level_of_each
from liftmap.comparison.parts import Rule
from liftmap.comparison.suite import suite
from liftmap.comparison.suite_gate import SuiteRule, parse_suite_rules
from liftmap.comparison.suite_result import Suite
from liftmap.errors import InputError, UnknownNameError
from liftmap.records import Tally
from liftmap.report.model_card import comparison_card, suite_card
from liftmap.report.suite import render_suite
from liftmap.stats.multiple import holm

from .conftest import make_tally, make_world

FEW: dict[str, Any] = {"resamples": 200}
SIZES = {"gsm8k": (120, 16, 0.8), "math": (200, 8, 0.5), "mmlu": (300, 1, -1.2)}


def make_sides(seed: int = 0, **shifts: float) -> tuple[dict[str, Tally], dict[str, Tally]]:
    """Benchmarks whose log-odds shift, after."""
    rng = np.random.default_rng(seed)
    before, after = {}, {}
    for name, (questions, n, shift) in SIZES.items():
        log_odds = rng.normal(0, 1.5, questions)
        for side, by in ((before, 0.0), (after, shifts.get(name, shift))):
            side[name] = make_tally(rng.binomial(n, 1 / (1 + np.exp(-log_odds - by))), n)
    return before, after


@pytest.fixture(scope="module")
def changed() -> Suite:
    return suite(*make_sides(), old=["mmlu"], require=["accuracy >= -50"], **FEW)


def test_a_row_is_the_comparison_of_its_benchmark(changed: Suite) -> None:
    before, after = make_sides()
    for each in changed.benchmarks:
        alone = compare(before[each.name], after[each.name], law_resamples=0, **FEW)
        assert each.comparison.accuracy == alone.accuracy
        assert each.comparison.k == alone.k == SIZES[each.name][1]
        assert each.comparison.verdict == alone.verdict


def test_p_values_are_adjusted_over_all_benchmarks_and_axes(changed: Suite) -> None:
    verdicts = [each.comparison.verdict for each in changed.benchmarks]
    plain = [p for v in verdicts for p in (v.accuracy.p_value, v.capability.p_value)]
    adjusted = holm([np.nan if p is None else p for p in plain])
    own = [p for each in changed.benchmarks for p in (each.accuracy_p_holm, each.capability_p_holm)]
    assert np.allclose(adjusted, [np.nan if p is None else p for p in own], equal_nan=True)
    assert changed.family == 5


def test_both_means_are_named_and_weighed(changed: Suite) -> None:
    changes = {each.name: each.comparison.accuracy.change.estimate for each in changed.benchmarks}
    sizes = {name: SIZES[name][0] for name in changes}
    pooled = {(each.of, each.over): each for each in changed.pooled}
    assert len(pooled) == 6
    means = pooled["all", "benchmarks"], pooled["all", "questions"]
    assert means[0].accuracy.change.estimate == pytest.approx(np.mean(list(changes.values())))
    assert means[1].accuracy.change.estimate == pytest.approx(
        sum(changes[name] * sizes[name] for name in sizes) / sum(sizes.values())
    )
    assert pooled["new", "benchmarks"].k == 8
    assert pooled["old", "benchmarks"].capability is None
    texts = changed.sentences
    assert texts[0].startswith("Mean over 3 benchmarks: accuracy")
    assert texts[1].startswith("Mean over 620 questions of 3 benchmarks")
    assert "On 1 old benchmark something is forgotten" in texts[2]


def test_one_benchmark_pools_to_itself() -> None:
    before, after = make_world(300, 16, 4)
    single = suite({"a": before}, {"a": after}, resamples=2000)
    change, pooled = (
        single.benchmarks[0].comparison.accuracy.change,
        single.pooled[0].accuracy.change,
    )
    assert pooled.estimate == pytest.approx(change.estimate)
    assert pooled.low == pytest.approx(change.low, abs=0.003)
    assert pooled.high == pytest.approx(change.high, abs=0.003)


def test_the_order_of_benchmarks_changes_nothing() -> None:
    before, after = make_sides()
    turned = suite(dict(reversed(before.items())), after, **FEW)
    assert [each.accuracy for each in turned.pooled] == [
        each.accuracy for each in suite(before, after, **FEW).pooled
    ]


def test_unscored_responses_leave_a_range() -> None:
    before, after = make_world(100, 16, 4)
    lacking = make_tally(after.c, 16, unscored=[1] * 20 + [0] * 80)
    pooled = suite({"a": before, "b": before}, {"a": after, "b": lacking}, **FEW).pooled[0]
    change = pooled.accuracy.change
    assert change.range is not None
    assert change.range[0] <= change.low <= change.high <= change.range[1]


def test_rules_name_their_benchmarks(tmp_path: Path) -> None:
    file = tmp_path / "gate.txt"
    file.write_text("accuracy >= -1\nold: accuracy >= -2  # kept\ngsm8k: pass@16 >= -1\n")
    assert parse_suite_rules([str(file), "pooled: accuracy >= 0"]) == (
        SuiteRule("every", Rule("accuracy", 1, ">=", -1)),
        SuiteRule("old", Rule("accuracy", 1, ">=", -2)),
        SuiteRule("gsm8k", Rule("pass@k", 16, ">=", -1)),
        SuiteRule("pooled", Rule("accuracy", 1, ">=", 0)),
    )
    with pytest.raises(InputError, match="not pooled"):
        parse_suite_rules(["pooled: lost <= 1"])
    for rule, error in (("gsm9k: accuracy >= 0", "gsm8k"), ("old: accuracy >= 0", "--old")):
        with pytest.raises(InputError, match=error):
            suite(*make_sides(), require=[rule], **FEW)


def test_answers_share_one_error_rate() -> None:
    before, after = make_sides()
    rules = ["accuracy >= -1", "gsm8k: pass@16 >= -100", "pooled: accuracy >= -50"]
    gate = suite(before, after, require=rules, **FEW).gate
    assert [(each.rule.text, each.benchmark) for each in gate] == [
        *(("accuracy >= -1", name) for name in SIZES),
        ("gsm8k: pass@16 >= -100", "gsm8k"),
        ("pooled: accuracy >= -50", None),
    ]
    level = level_of_each(0.95, 5)
    alone = compare(before["math"], after["math"], level=level, law_resamples=0, **FEW)
    evidence = gate[1].answer.evidence
    assert evidence is not None
    assert evidence.low == pytest.approx(100 * alone.accuracy.change.low)
    assert [each.answer.word for each in gate[3:]] == ["passed", "passed"]


def test_one_side_alone_is_left_out_loudly(tmp_path: Path) -> None:
    before, after = make_sides()
    missing = suite(before, {name: after[name] for name in ("gsm8k", "math")}, **FEW)
    assert [(each.name, each.reason) for each in missing.left_out] == [("mmlu", "before only")]
    assert missing.warnings[0] == "mmlu is on the side before alone: left out."
    with pytest.raises(InputError, match="no benchmark in common"):
        suite({"a": before["math"]}, {"b": after["math"]})
    with pytest.raises(UnknownNameError, match="mmlu"):
        suite(before, after, old=["mmul"])
    with pytest.raises(InputError, match="mmlu: k is above"):
        suite(before, after, k=8, **FEW)


def _write(folder: Path, sides: tuple[dict[str, Tally], dict[str, Tally]]) -> list[str]:
    for side, tallies in zip(("before", "after"), sides, strict=True):
        (folder / side).mkdir(parents=True)
        for name, tally in tallies.items():
            columns = {"question_id": tally.question_ids, "n": tally.n, "c": tally.c}
            pl.DataFrame(columns).write_csv(folder / side / f"{name}.csv")
    return [str(folder / "before"), str(folder / "after")]


def test_the_command_writes_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sides = _write(tmp_path, make_sides())
    command = ["suite", *sides, "--old", "mmlu", "--resamples", "200"]
    files = {name: str(tmp_path / f"out.{name}") for name in ("json", "md", "html")}
    written = ["--json", files["json"], "--markdown", files["md"], "--report", files["html"]]
    card, table = str(tmp_path / "card.md"), str(tmp_path / "table.parquet")
    status = main(
        [*command, *written, "--model-card", card, "--table", table, "--require", "accuracy >= 0"]
    )
    assert status in (1, 3)
    out = capsys.readouterr().out
    assert "mmlu (old)" in out
    assert "accuracy >= 0, gsm8k: passed" in out
    plain = json.loads(Path(files["json"]).read_text())
    assert [each["name"] for each in plain["benchmarks"]] == list(SIZES)
    assert "| mmlu (old) |" in Path(files["md"]).read_text()
    assert 'id="new-against-old-0"' in Path(files["html"]).read_text()
    assert len(pl.read_parquet(table)) == 9
    assert main([*command, "--require", "gsm8k: accuracy >= -1"]) == 0
    assert main([*command, "--require", "gsm8k: accuracy <= 1"]) == 1
    assert main([*command, "--require", "mmlu: pass@4 >= 0"]) == 3
    assert main(["suite", *sides, "--old", "mlmu"]) == 2
    assert "Did you mean 'mmlu'?" in " ".join(capsys.readouterr().err.split())


def test_a_damaged_file_is_refused_or_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = _write(tmp_path, make_sides())
    (tmp_path / "after" / "math.csv").write_text("question_id,n,c\nq0,4,9\n")
    command = ["suite", *sides, "--resamples", "200"]
    assert main(command) == 2
    assert "math.csv" in "".join(capsys.readouterr().err.split())
    assert main([*command, "--skip-unreadable"]) == 0
    assert "math can't be read: left out" in " ".join(capsys.readouterr().err.split())


def test_the_model_card_is_one_that_the_hub_reads(changed: Suite) -> None:
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard(suite_card(changed))
    results = card.data.eval_results
    named = {(each.dataset_name, each.metric_type): each for each in results}
    assert set(named) == {
        ("gsm8k", "pass@1"),
        ("gsm8k", "pass@16"),
        ("math", "pass@1"),
        ("math", "pass@8"),
        ("mmlu", "pass@1"),
    }
    after = changed.benchmarks[0].comparison.accuracy.after
    first = named["gsm8k", "pass@1"]
    assert first.metric_value == pytest.approx(100 * after.estimate, abs=0.01)
    assert first.metric_args["interval"][0] == pytest.approx(100 * after.low, abs=0.01)
    single = hub.ModelCard(comparison_card(changed.benchmarks[0].comparison, "open: [ai]/gsm8k"))
    assert {each.dataset_name for each in single.data.eval_results} == {"open: [ai]/gsm8k"}


def test_compare_writes_a_card_of_a_named_data_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = _write(tmp_path, make_sides())
    pair = [f"{side}/math.csv" for side in sides]
    command = ["compare", *pair, "--law-resamples", "0", "--resamples", "50"]
    card = tmp_path / "card.md"
    assert main([*command, "--model-card", str(card)]) == 2
    assert "--dataset" in capsys.readouterr().err
    assert main([*command, "--model-card", str(card), "--dataset", "math"]) == 0
    assert card.read_text().startswith("---\nmodel-index:")


def test_every_field_of_the_json_is_in_the_docs(changed: Suite) -> None:
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text("utf-8")
    section = page.split("## The JSON of a suite")[1]
    plain = changed.to_dict()
    records = [plain["benchmarks"][0], plain["pooled"][0], plain["gate"][0]]
    for name in {name for record in (plain, *records) for name in record}:
        assert f"`{name}`" in section, name


def test_names_are_text_on_the_page() -> None:
    before, after = make_world(60, 4, 1)
    name = "<script>x</script>|b"
    page = render_suite(suite({name: before, "b": before}, {name: after, "b": after}, **FEW))
    assert "<script>x" not in page
