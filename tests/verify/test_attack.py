"""Verifiers tried on answers that verifiers get wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from liftmap.cli import main
from liftmap.errors import InputError, UnknownNameError
from liftmap.verify import VERIFIERS, make_verifier
from liftmap.verify.attack import Case, audit_attack, corpora, judge, read_corpus

# Takes any text that holds the gold answer; fails on purpose when it is told to.
LENIENT = """
from liftmap.records import Verdict

def lenient(question, text, *, fail=""):
    if fail and fail in text:
        raise RuntimeError("on purpose")
    return Verdict("right" if question.answer in text else "wrong", text)
"""
CASES: list[dict[str, Any]] = [
    {"id": "a", "kind": "form", "response": "It is 7.", "want": "right"},
    {"id": "b", "kind": "form", "response": "seven", "want": "right"},
    {"id": "c", "kind": "negated", "response": "not 7", "want": "wrong"},
    {"id": "d", "kind": "negated", "response": "5", "want": "wrong"},
    {"id": "e", "kind": "negated", "response": "7 or 5", "want": "wrong", "options": {"fail": "5"}},
    {"id": "f", "kind": "form", "response": "7", "want": "right", "options": {"tolerance": 1}},
]


@pytest.fixture
def lenient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A verifier of another package, installed for the time of a test."""
    (tmp_path / "lenient_plugin.py").write_text(LENIENT)
    about = tmp_path / "lenient_plugin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lenient-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[liftmap.verifiers]\nlenient = lenient_plugin:lenient\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "lenient"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write(tmp_path / "mine.jsonl", CASES)


def write(path: Path, cases: Sequence[dict[str, Any]]) -> Path:
    common = {"question": "What is 3 + 4?", "gold": "7"}
    path.write_text("".join(json.dumps(common | case) + "\n" for case in cases))
    return path


def test_every_verifier_has_a_corpus_of_both_kinds_of_mistakes() -> None:
    assert corpora() == sorted(VERIFIERS)
    total = 0
    for name in VERIFIERS:
        cases = read_corpus(name)
        total += len(cases)
        assert len(cases) >= 30
        assert len({(c.question, c.gold, c.response, str(c.options)) for c in cases}) == len(cases)
        for want in ("right", "wrong"):
            assert sum(case.want == want for case in cases) >= 10, (name, want)
        assert all(case.why and case.kind for case in cases)
    assert total >= 300


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(VERIFIERS))
def test_every_gold_answer_is_right_for_itself(name: str) -> None:
    cases = [case for case in read_corpus(name) if not case.options]
    by_question = {(case.question, case.gold): case for case in cases}
    form = r"\boxed{%s}" if name == "math" else "%s"
    golds = [c.model_copy(update={"response": form % c.gold}) for c in by_question.values()]
    verdicts = judge(make_verifier(name, {}), golds)
    assert [
        (case.id, case.gold, verdict)
        for case, verdict in zip(golds, verdicts, strict=True)
        if verdict.label != "right"
    ] == []


def test_the_table_in_the_docs_is_of_the_shipped_cases() -> None:
    text = (Path(__file__).parents[2] / "docs" / "verifiers.md").read_text("utf-8")
    for name in VERIFIERS:
        wants = [case.want for case in read_corpus(name)]
        row = rf"\| `{name}` \| {len(wants)} \| [\d.]+ % \| \d+ of {wants.count('wrong')} "
        assert re.search(rf"{row}\| \d+ of {wants.count('right')} \| \d+ \|", text), name


def test_counts_each_sort_of_failure_apart(lenient: str, corpus: Path) -> None:
    tried = audit_attack(lenient, corpus=corpus)
    assert [(o.case.id, o.failure) for o in tried.failures()] == [
        ("b", "false negative"),
        ("c", "false positive"),
        ("e", "unscored"),
    ]
    assert (tried.wanting("right"), tried.wanting("wrong")) == (2, 3)
    # The verdict of "f" hangs on an option that this verifier does not have.
    assert [case.id for case in tried.left_out] == ["f"]
    assert tried.by_kind() == [
        {"kind": "form", "cases": 2, "false_positives": 0, "false_negatives": 1, "unscored": 0},
        {"kind": "negated", "cases": 3, "false_positives": 1, "false_negatives": 0, "unscored": 1},
    ]
    # An option of the caller's overrides that of a case.
    tried = audit_attack(lenient, {"fail": "seven"}, corpus)
    assert [(o.case.id, o.failure) for o in tried.failures()] == [
        ("b", "unscored"),
        ("c", "false positive"),
        ("e", "false positive"),
    ]


def test_the_command_names_each_case_and_fails_above_what_is_allowed(
    lenient: str, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["audit", "--attack", lenient, "--corpus", str(corpus)]
    assert main(command) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "1 false positives (of 3 wrong answers), 1 false negatives (of 2 right answers)" in shown
    for case in ("b form 7 seven", "c negated 7 not 7", "e negated 7 7 or 5"):
        first, *_ = case.split()
        assert f" {first} 7 " in shown, case
    assert "Left out" in shown
    assert main([*command, "--allow", "2"]) == 1
    assert main([*command, "--allow", "3"]) == 0
    capsys.readouterr()
    file = tmp_path / "failures.json"
    assert main([*command, "--allow", "3", "--json", str(file)]) == 0
    assert "false positives" in capsys.readouterr().out
    assert main([*command, "--json", "-"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts == json.loads(file.read_text())
    assert (facts["false_positives"], facts["false_negatives"], facts["unscored"]) == (1, 1, 1)
    assert facts["failures"][1] == {
        "failure": "false positive",
        "id": "c",
        "kind": "negated",
        "why": "",
        "question": "What is 3 + 4?",
        "gold": "7",
        "response": "not 7",
        "want": "wrong",
        "verdict": "right",
        "answer": "not 7",
        "reason": "",
    }


def test_a_verifier_without_a_corpus_is_told_how_to_choose_one(lenient: str) -> None:
    with pytest.raises(UnknownNameError, match="--corpus math, numeric or choice"):
        audit_attack(lenient)
    # Its corpus does not matter for one that fits.
    assert len(audit_attack(lenient, corpus="choice").outcomes) >= 30


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--attack", "mth"], "Did you mean 'math'"),
        (["--attack", "exact", "--corpus", "numerc"], "Did you mean 'numeric'"),
        (["--attack", "exact", "--option", "patern=x"], "Did you mean 'pattern'"),
        (["--attack", "exact", "--allow", "-1"], "0 or more"),
        (["--attack", "exact", ".", "--first", "math"], "takes no FOLDER"),
        (["--allow", "3"], "--allow needs --attack"),
        (["."], "needs either FOLDER, --first and --second, or --attack"),
    ],
)
def test_what_can_not_be_asked_for(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", *words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "a"}', "line 1 is not a case: kind"),
        ("nonsense", "line 1 is not a case"),
        ("", "holds no case"),
    ],
)
def test_a_damaged_corpus_is_named(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(line)
    with pytest.raises(InputError, match=said):
        read_corpus(file)


def test_ids_are_unique_and_wants_are_verdicts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two cases of the same id"):
        read_corpus(write(tmp_path / "twice.jsonl", [CASES[0], CASES[0]]))
    with pytest.raises(InputError, match="want"):
        read_corpus(write(tmp_path / "want.jsonl", [CASES[0] | {"want": "unscored"}]))
    assert isinstance(read_corpus("math")[0], Case)
