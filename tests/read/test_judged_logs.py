r"""Logs of other tools whose verdicts are chosen (--metric) or made anew (--verifier).

Each log here is written in its tool's own layout, with what the tools' users run into: gold answers
in worked solutions and lists, responses that are null, samples without a score, several filters,
and metrics over a part of the responses.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from liftmap.cli import main
from liftmap.comparison.load import load
from liftmap.errors import InputError, UnknownNameError
from liftmap.read import Outcomes, read
from liftmap.read.golds import golds_of, letter_of
from liftmap.read.lighteval import SHARE
from liftmap.verify.run import judge_of


def lm_eval(path: Path, *lines: dict[str, Any]) -> Path:
    """A log of lm-evaluation-harness; each line given by what is special about it."""
    usual = {"target": "7", "resps": [["so 7"]], "filter": "none", "metrics": ["exact_match"]}
    path.write_text(
        "".join(
            json.dumps(
                {"doc_id": number, "doc": {"question": f"question {number}"}, "exact_match": 1.0}
                | usual
                | line
            )
            + "\n"
            for number, line in enumerate(lines)
        )
    )
    return path


def inspect(path: Path, *samples: dict[str, Any]) -> Path:
    """A log of inspect_ai as JSON."""
    usual = {"epoch": 1, "target": "7", "scores": {"match": {"value": "C"}}}
    document = {
        "version": 2,
        "status": "success",
        "eval": {"task": "t", "model": "m"},
        "samples": [
            {"id": f"q{number}", "input": f"question {number}"}
            | usual
            | {"output": {"completion": "so 7", "choices": [{"stop_reason": "stop"}]}}
            | sample
            for number, sample in enumerate(samples)
        ],
    }
    path.write_text(json.dumps(document))
    return path


def lighteval(
    path: Path,
    metrics: Sequence[dict[str, float]],
    texts: Sequence[str | None] = ("7", "8", "8", "8"),
    choices: Sequence[str] = ("7",),
    golds: Sequence[int] = (0,),
) -> Path:
    """Details of lighteval, a question for each table of metrics."""
    rows = [
        {
            "doc": {
                "id": str(number),
                "query": f"question {number}",
                "choices": list(choices),
                "gold_index": list(golds),
                "task_name": "t|0",
            },
            "model_response": {"text": list(texts), "text_post_processed": None},
            "metric": values,
        }
        for number, values in enumerate(metrics)
    ]
    pl.DataFrame(rows).write_parquet(path)
    return path


def counts(found: Outcomes) -> list[tuple[int, int, int]]:
    """Right, scored and unscored responses of each question, in the order of their ids."""
    tally = found.tally
    order = tally.question_ids.argsort()
    columns = (tally.c[order], tally.n[order], tally.unscored[order])
    return list(zip(*(column.tolist() for column in columns), strict=True))


# gold answers


@pytest.mark.parametrize(
    ("target", "golds"),
    [
        ("7", ("7",)),
        (7, ("7",)),
        ("3 + 4 = <<3+4=7>>7\n#### 7", ("7",)),
        ("#### 1,000", ("1,000",)),
        ("a\n####  -3.5  \n", ("-3.5",)),
        ("So it is $\\boxed{\\frac{1}{2}}$.", (r"\frac{1}{2}",)),
        (r"First \boxed{3}, but at last \boxed{x^{2}}", ("x^{2}",)),
        (r"\boxed{1} and \boxed{-1}", ("1, -1",)),
        (r"never closed \boxed{1", (r"never closed \boxed{1",)),
        (["7", "seven", "7"], ("7", "seven")),
        (["so\n#### 7", r"\boxed{8}"], ("7", "8")),
        ("['7', 'seven']", ("7", "seven")),
        ('["7"]', ("7",)),
        # A list of numbers is one answer, an interval too.
        ("[1, 2]", ("[1, 2]",)),
        ("['", ("['",)),
        (
            "# a comment\n#### not the last line\nx = 1",
            ("# a comment\n#### not the last line\nx = 1",),
        ),
        ("", ("",)),
        ([], ()),
        (None, ()),
    ],
)
def test_gold_answers_of_a_target(target: object, golds: tuple[str, ...]) -> None:
    assert golds_of(target) == golds


@pytest.mark.parametrize("verifier", ["math", "numeric"])
def test_worked_solutions_as_targets(tmp_path: Path, verifier: str) -> None:
    log = lm_eval(
        tmp_path / "log.jsonl",
        {"target": "3 + 4 = <<3+4=7>>7\n#### 7", "resps": [["It is 7\n#### 7"]]},
        {"target": "3 + 4 = <<3+4=7>>7\n#### 7", "resps": [["It is 3 + 4\n#### 3"]]},
        {"target": r"We add: $\boxed{7}$.", "resps": [["\\boxed{7}"]]},
        {"target": "1000\n#### 1,000", "resps": [["The answer is 1000."]]},
    )
    assert counts(load(log, verifier=verifier)) == [(1, 1, 0), (0, 1, 0), (1, 1, 0), (1, 1, 0)]


def test_any_gold_answer_of_a_list_is_right(tmp_path: Path) -> None:
    log = lm_eval(
        tmp_path / "log.jsonl",
        *({"target": ["7", "8"], "resps": [[f"\\boxed{{{x}}}"]]} for x in (7, 8, 9)),
        {"target": "['7', '8']", "resps": [["\\boxed{8}"]]},
        # One that can't be read leaves the others.
        {"target": ["{", "8"], "resps": [["\\boxed{9}"]]},
        {"target": ["{", "8"], "resps": [["\\boxed{8}"]]},
    )
    found = load(log, verifier="math")
    right = [(1, 1, 0), (1, 1, 0), (0, 1, 0), (1, 1, 0), (0, 1, 0), (1, 1, 0)]
    assert counts(found) == right
    assert found.warnings[0].startswith("6 questions have several gold answers")
    scored = inspect(tmp_path / "log.json", {"target": ["8", "7"]}, {"target": ["8", "9"]})
    assert counts(load(scored, verifier="math")) == [(1, 1, 0), (0, 1, 0)]
    details = lighteval(
        tmp_path / "details.parquet", [{"em": 1.0}], ["7", "8", "9"], ["7", "8"], [0, 1]
    )
    assert counts(load(details, verifier="math")) == [(2, 3, 0)]


# responses that are not there


def test_a_null_response_is_one_unscored_response(tmp_path: Path) -> None:
    lines = ({}, {"resps": [[None]], "filtered_resps": [None], "exact_match": 0.0}, {})
    log = lm_eval(tmp_path / "log.jsonl", *lines)
    for options in ({}, {"verifier": "math"}):
        found = load(log, **options)  # type: ignore[arg-type]
        assert counts(found) == [(1, 1, 0), (0, 0, 1), (1, 1, 0)]
        assert "1 of 3 responses are null in the log" in found.warnings[0]
    several = lm_eval(
        tmp_path / "several.jsonl",
        {"resps": [["7", None, "8"]], "exact_match": [1, 0, 0]},
        {"resps": [["7", None, "7"]], "exact_match": [1, 0, 1]},
    )
    for options in ({}, {"verifier": "numeric"}):
        assert counts(load(several, **options)) == [(1, 2, 1), (2, 2, 1)]  # type: ignore[arg-type]
    share = lighteval(tmp_path / "details.parquet", [{"avg@n:n=4": 0.25}], ["7", None, "8", "8"])
    for options in ({}, {"verifier": "numeric"}):
        assert counts(load(share, **options)) == [(1, 3, 1)]  # type: ignore[arg-type]


def test_a_log_without_texts_cannot_be_judged_again(tmp_path: Path) -> None:
    bare = {"output": {"choices": []}}
    log = inspect(tmp_path / "log.json", bare, bare)
    assert counts(load(log)) == [(1, 1, 0), (1, 1, 0)]
    with pytest.raises(InputError, match=r"samples 1 holds no texts.*Leave --verifier out"):
        load(log, verifier="math")
    some = load(inspect(tmp_path / "some.json", bare, {}), verifier="math")
    assert counts(some) == [(0, 0, 1), (1, 1, 0)]
    assert "1 responses have no text in the log" in some.warnings[0]


def test_samples_without_a_score_are_unscored(tmp_path: Path) -> None:
    log = inspect(
        tmp_path / "log.json",
        {},
        {"scores": None},
        {"scores": {}},
        {"scores": {"other": {"value": 1}}},
    )
    found = load(log)
    assert counts(found) == [(1, 1, 0), (0, 0, 1), (0, 0, 1), (0, 0, 1)]
    assert found.warnings[0] == "3 of 4 responses have no value of match in the log: unscored."
    assert counts(load(log, metric="other"))[-1] == (1, 1, 0)
    assert counts(load(log, verifier="numeric")) == [(1, 1, 0)] * 4
    nothing = inspect(tmp_path / "nothing.json", {"scores": None}, {"scores": None})
    with pytest.raises(InputError, match="no scored response"):
        load(nothing)


# metrics and filters


def filters(path: Path) -> Path:
    """A log of two filters; the second finds more."""
    return lm_eval(
        path,
        *(
            {"doc_id": number, "doc": {"q": number}, "filter": view, "exact_match": value}
            for number in range(3)
            for view, value in (("strict-match", 0.0), ("flexible-extract", 1.0))
        ),
    )


def test_a_filter_is_chosen_by_its_name(tmp_path: Path) -> None:
    log = filters(tmp_path / "log.jsonl")
    [said, _] = load(log).warnings
    assert said.endswith("To take another: --metric exact_match,flexible-extract.")
    for name in ("exact_match,flexible-extract", "flexible-extract"):
        assert counts(load(log, metric=name)) == [(1, 1, 0)] * 3
    with pytest.raises(InputError, match=r"2 metrics of this name.*--metric exact_match,strict-m"):
        load(log, metric="exact_match")
    with pytest.raises(InputError, match=r"Did you mean 'flexible-extract'\?.*--metric exact_m"):
        load(log, metric="flexible-extrac")
    with pytest.raises(InputError, match=r"--metric\) or those of a verifier \(--verifier\)"):
        load(log, metric="flexible-extract", verifier="math")
    with pytest.raises(UnknownNameError, match="Did you mean 'math'"):
        load(log, verifier="maths")


def test_a_metric_that_is_no_verdict_names_the_option(tmp_path: Path) -> None:
    both = {"metrics": ["f1", "exact_match"], "f1": 0.5}
    log = lm_eval(tmp_path / "log.jsonl", both, both)
    assert counts(load(log)) == [(1, 1, 0)] * 2
    with pytest.raises(
        InputError, match=r"neither right.*Take another metric: --metric exact_match,none"
    ):
        load(log, metric="f1,none")


def test_metrics_are_of_logs_alone(tmp_path: Path) -> None:
    path = tmp_path / "tally.csv"
    path.write_text("question_id,n,c\na,4,1\nb,4,2\n")
    rows = tmp_path / "rows.csv"
    rows.write_text("question_id,correct\na,1\nb,0\n")
    for source in (path, rows, pl.read_csv(path)):
        with pytest.raises(InputError, match=r"no metrics to choose from.*Leave --metric out"):
            load(source, metric="acc")


def test_the_command_line_takes_a_metric(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = str(filters(tmp_path / "log.jsonl"))
    run = ["liftmap", "compare", log, log, "--law-resamples", "0", "--json", "-", "--metric"]
    monkeypatch.setattr(sys, "argv", [*run, "flexible-extract"])
    assert main() == 0
    assert json.loads(capsys.readouterr().out)["accuracy"]["before"]["estimate"] == 1
    monkeypatch.setattr(sys, "argv", [*run, "flexible"])
    assert main() == 2
    assert "Did you mean 'flexible-extract'?" in " ".join(capsys.readouterr().err.split())


# lighteval's shares


@pytest.mark.parametrize(
    ("name", "among"),
    [
        ("avg@n:n=4", "4"),
        ("avg@n", None),
        ("avg@4", "4"),
        ("math_avg@4", "4"),
        ("pass@k:k=1&n=4", "4"),
        ("pass@k:n=4&k=1", "4"),
        ("pass@k:k=1", None),
        ("math_pass@1:4_samples", "4"),
        ("gpqa_pass@1:1_samples", "1"),
        ("codegen_pass@1:16", "16"),
        ("pass@1", None),
    ],
)
def test_names_of_shares(name: str, among: str | None) -> None:
    found = SHARE.fullmatch(name)
    assert found is not None
    assert next((group for group in found.groups() if group), None) == among


@pytest.mark.parametrize(
    "name", ["maj@4", "maj@n:n=4", "g-pass@k:k=1&n=4", "pass@k:k=4&n=4", "pass@4", "pass@10", "em"]
)
def test_names_of_other_metrics(name: str) -> None:
    assert SHARE.fullmatch(name) is None


@pytest.mark.parametrize(
    "metrics",
    [
        {"pass@k:k=1&n=1": 1.0, "pass@k:k=1&n=4": 0.25},
        {"pass@k:k=1&n=4": 0.25, "pass@k:k=1&n=1": 1.0},
        {"math_pass@1:1_samples": 1.0, "math_pass@1:4_samples": 0.25, "maj@4": 0.0},
        {"avg@n:n=4": 0.25},
        {"avg@n": 0.25},
        {"avg@4": 0.25},
        {"maj@n:n=4": 0.0, "avg@n:n=1": 1.0, "avg@n:n=4": 0.25},
    ],
)
def test_the_metric_that_covers_all_responses_counts(
    tmp_path: Path, metrics: dict[str, float]
) -> None:
    log = lighteval(tmp_path / "details.parquet", [metrics] * 3)
    found = load(log)
    assert counts(found) == [(1, 4, 0)] * 3
    assert found.warnings == ("The log does not say which responses were cut by the token limit.",)


def test_a_metric_of_a_part_of_the_responses_says_so(tmp_path: Path) -> None:
    log = lighteval(tmp_path / "details.parquet", [{"avg@n:n=1": 1.0, "avg@n:n=4": 0.25}] * 3)
    found = load(log, metric="avg@n:n=1")
    assert counts(found) == [(1, 1, 0)] * 3
    assert found.warnings[0].startswith("avg@n:n=1 says of 3 of 12 responses alone")
    third = lighteval(tmp_path / "third.parquet", [{"avg@n:n=3": 0.3333}], ["7", "8", "8"])
    assert counts(load(third)) == [(1, 3, 0)]


# multiple choice


@pytest.mark.parametrize(
    ("gold", "letter"),
    [
        ("B", "B"),
        ("(C)", "C"),
        ("Rome", "B"),
        ("0", "A"),
        ("Oslo", "Oslo"),
        ("E", "E"),
        ("7", "7"),
    ],
)
def test_letters_of_gold_answers(gold: str, letter: str) -> None:
    assert letter_of(gold, ["Paris", "Rome", "Bern", "Rome Town"]) == letter


def test_a_gold_answer_that_may_be_place_or_text_is_left() -> None:
    assert letter_of("2", ["1", "2", "3"]) == "2"
    assert letter_of("2", ["1", "3", "2"]) == "C"


def test_choices_reach_the_choice_verifier(tmp_path: Path) -> None:
    cities = ["Paris", "Rome", "Bern"]
    twelve = [f"city {i}" for i in range(12)]

    def said(text: str) -> dict[str, Any]:
        return {"output": {"completion": text, "choices": [{"stop_reason": "stop"}]}}

    log = inspect(
        tmp_path / "log.json",
        {"choices": cities, "target": "B"} | said("The answer is B."),
        # By the text of the choice, and among more letters than ten.
        {"choices": cities, "target": "B"} | said("The answer is Rome"),
        {"choices": twelve, "target": "L"} | said("The answer is L."),
        {"choices": twelve, "target": "L"} | said("The answer is K."),
    )
    right = [(1, 1, 0), (1, 1, 0), (1, 1, 0), (0, 1, 0)]
    assert counts(load(log, verifier="choice")) == right
    doc = {"q": "?", "choices": {"text": cities, "label": ["A", "B", "C"]}}
    harness = lm_eval(
        tmp_path / "log.jsonl",
        {"doc": doc, "target": "1", "resps": [["(B)"]]},
        {"doc": {"q": "?", "options": cities}, "target": " Rome", "resps": [["(A)"]]},
    )
    assert counts(load(harness, verifier="choice")) == [(1, 1, 0), (0, 1, 0)]
    details = lighteval(tmp_path / "details.parquet", [{"em": 1.0}], ["B", "A"], cities, [1])
    assert counts(load(details, verifier="choice")) == [(1, 2, 0)]


def test_responses_that_exhaust_the_verifier_are_counted_apart(tmp_path: Path) -> None:
    bomb = "so \\boxed{" + "(" * 1000 + "1" + ")" * 1000 + "}"
    log = lm_eval(
        tmp_path / "log.jsonl",
        {"target": ["7", "8"], "resps": [[bomb, r"\boxed{8}", r"\boxed{9}"]]},
        {"resps": [[r"\boxed{7}", r"\boxed{7}", r"\boxed{8}"]]},
    )
    judge = judge_of("math", {"seconds": 1.0})
    found = read(log, verifier="math", judge=judge)
    assert counts(found) == [(1, 3, 0), (2, 3, 0)]
    assert found.tally.exhausted is not None
    assert found.tally.exhausted.tolist() == [1, 0], "once, though it is compared with two"
