"""The logs that other tools really wrote: counts as their own texts and figures say."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from liftmap.comparison.compare import compare
from liftmap.errors import InputError
from liftmap.read import Outcomes, read
from liftmap.records import FixedPlan
from liftmap.verify import make_verifier
from liftmap.verify.run import judge_of, verdicts_frame

if sys.version_info >= (3, 14):
    from zipfile import ZipFile
else:
    from backports.zstd.zipfile import ZipFile

LAST_WORD = partial(verdicts_frame, verifier=make_verifier("exact", {}))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def last_words(texts: list[str], gold: str) -> list[bool]:
    return [text.split()[-1] == gold for text in texts]


def counts(found: Outcomes) -> list[tuple[int, int]]:
    return list(zip(found.tally.n.tolist(), found.tally.c.tolist(), strict=True))


# lm-evaluation-harness


@pytest.mark.parametrize("name", ["kin_each", "kin_pass"])
def test_lm_eval_counts_what_the_texts_say(logs: dict[str, Path], name: str) -> None:
    found = read(logs[name])
    expected = [
        (8, sum(last_words(line["resps"][0], line["doc"]["answer"]))) for line in lines(logs[name])
    ]
    assert (found.format, counts(found)) == ("lm_eval", expected)
    assert 0 < sum(c for _, c in expected) < 64
    assert found.tally.plan == FixedPlan(8)
    assert found.golds is not None
    assert found.golds["gold"].to_list() == [line["target"] for line in lines(logs[name])]
    # pass@1 does not say which of the responses are right.
    assert (found.answers is None) == (name == "kin_pass")
    assert found.warnings == ("The log does not say which responses were cut by the token limit.",)


def test_lm_eval_filters_are_told_apart(logs: dict[str, Path]) -> None:
    path = logs["kin_greedy"]
    first = [line for line in lines(path) if line["filter"] == "last-word"]
    found = read(path)
    assert counts(found) == [(1, int(line["exact_match"])) for line in first]
    assert found.answers is not None
    assert found.answers["answer"].to_list() == [line["filtered_resps"][0] for line in first]
    assert "exact_match,last-word; other metrics of the log say otherwise" in found.warnings[0]
    other = read(path, metric="exact_match,whole-response")
    assert other.tally.c.sum() == 0
    assert len(other.warnings) == 1
    with pytest.raises(InputError, match=r"no such metric.*exact_match,last-word"):
        read(path, metric="acc")


def test_lm_eval_says_how_responses_were_drawn(logs: dict[str, Path], tmp_path: Path) -> None:
    drawn, greedy = read(logs["kin_each"]), read(logs["kin_greedy"])
    assert (drawn.settings, greedy.settings) == ({"temperature": 1.0}, {"temperature": 0.0})
    rows = lines(logs["kin_each"])
    for row in rows[:3]:
        row["arguments"]["gen_args_0"]["arg_0"] = (
            "Think. " + row["arguments"]["gen_args_0"]["arg_0"]
        )
    other = tmp_path / logs["kin_each"].name
    other.write_text("\n".join(map(json.dumps, rows)))
    [check] = [
        check for check in compare(logs["kin_each"], other).checks if check.kind == "prompts"
    ]
    assert check.evidence == {"differing": 3, "questions": len(rows)}


def test_lm_eval_multiple_choice(logs: dict[str, Path]) -> None:
    found = read(logs["kin_choice"])
    assert counts(found) == [(1, int(line["acc"])) for line in lines(logs["kin_choice"])]
    assert found.answers is None
    with pytest.raises(InputError, match=r"line 1 holds no texts.*Leave --verifier out"):
        read(logs["kin_choice"], verifier="exact", judge=LAST_WORD)


def test_ids_agree_where_the_questions_do(logs: dict[str, Path], tmp_path: Path) -> None:
    ids = read(logs["kin_each"]).tally.question_ids
    assert ids.tolist() == read(logs["kin_greedy"]).tally.question_ids.tolist()
    assert ids[3].startswith("3-")
    changed = tmp_path / "changed.jsonl"
    changed.write_text(logs["kin_each"].read_text().replace('"doc_hash": "', '"doc_hash": "0', 1))
    others = read(changed).tally.question_ids
    assert (others != ids).tolist() == [True] + [False] * 7


@pytest.mark.parametrize(("name", "row"), [("kin_repeats", "line 1"), ("kin_majority", "row 1")])
def test_one_verdict_for_several_responses_is_refused(
    logs: dict[str, Path], name: str, row: str
) -> None:
    with pytest.raises(InputError, match=f"{row}: .* one verdict for 8 responses.*--verifier"):
        read(logs[name])
    with pytest.raises(InputError, match="nothing was given that can do it"):
        read(logs[name], verifier="exact")


def test_responses_are_verified_here_when_asked(logs: dict[str, Path]) -> None:
    # The tool drew the same eight responses for both tasks.
    found = read(logs["kin_repeats"], verifier="exact", judge=LAST_WORD)
    assert counts(found) == counts(read(logs["kin_each"]))
    assert found.answers is not None
    assert found.answers.height == 64
    assert found.answers["answer"][0] == "Cal"
    frame = pl.read_parquet(logs["kin_majority"]).unnest("doc").unnest("model_response")
    expected = [
        (8, sum(last_words(texts, choices[0])))
        for texts, choices in frame.select("text", "choices").iter_rows()
    ]
    judged = read(logs["kin_majority"], verifier="exact", judge=LAST_WORD)
    assert counts(judged) == expected
    # A log of two filters holds each response twice.
    assert read(logs["kin_greedy"], verifier="exact", judge=LAST_WORD).tally.n.tolist() == [1] * 8
    odd = partial(verdicts_frame, verifier=make_verifier("exact", {"pattern": "(xyzzy)"}))
    warnings = read(logs["kin_each"], verifier="exact", judge=odd).warnings
    assert "calls no response right; does it read gold answers such as 'Sue'" in warnings[0]


def test_older_lm_eval_lines_without_their_new_keys(logs: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    gone = ("metrics", "filter", "doc_hash", "prompt_hash", "target_hash")
    path.write_text(
        "\n".join(
            json.dumps({key: value for key, value in line.items() if key not in gone})
            for line in lines(logs["kin_each"])
        )
    )
    assert counts(read(path)) == counts(read(logs["kin_each"]))


# inspect_ai


def samples(path: Path) -> list[dict[str, Any]]:
    with ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.startswith("samples/")]
        return [json.loads(archive.read(name)) for name in names]


def test_inspect_scores_errors_and_cuts(logs: dict[str, Path]) -> None:
    found = read(logs["kin_letters"])
    tally = found.tally
    every = samples(logs["kin_letters"])
    values = {(s["id"], s["epoch"]): s["scores"]["after_so"]["value"] for s in every if s["scores"]}
    assert {str(value) for value in values.values()} == {"C", "I", "P", "N", "nan"}
    for place, name in enumerate(tally.question_ids.tolist()):
        mine = [str(value) for (question, _), value in values.items() if question == name]
        assert tally.c[place] == mine.count("C")
        assert tally.n[place] == len(mine) - mine.count("nan")
        assert tally.n[place] + tally.unscored[place] == 2
    failed = [s["id"] for s in every if s.get("error")]
    assert failed == ["kin-please-Mia-neighbor"]
    assert tally.unscored[tally.question_ids.tolist().index(failed[0])] == 2
    cut = sum(
        s["output"]["choices"][0]["stop_reason"] == "max_tokens"
        for s in every
        if s["output"]["choices"]
    )
    assert tally.truncated.sum() == cut > 0
    assert tally.plan == FixedPlan(2)
    assert found.warnings == ("1 responses right in part (P) count as wrong.",)


def test_inspect_json_and_its_scorers(logs: dict[str, Path]) -> None:
    document = json.loads(logs["kin_two_scorers"].read_text())
    for scorer in ("as_number", "match"):
        values = [s["scores"][scorer]["value"] in (1, "C") for s in document["samples"]]
        found = read(logs["kin_two_scorers"], metric=scorer)
        assert counts(found) == [(1, int(right)) for right in values]
    assert sorted(counts(found)) == [(1, 0), (1, 1)]
    assert found.tally.question_ids[0].startswith("3-")
    verified = read(logs["kin_two_scorers"], verifier="exact", judge=LAST_WORD)
    assert counts(verified) == counts(found)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_inspect_with_older_compressions(
    logs: dict[str, Path], tmp_path: Path, compression: int
) -> None:
    path = tmp_path / "old.eval"
    with ZipFile(logs["kin_letters"]) as old, zipfile.ZipFile(path, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert counts(read(path)) == counts(read(logs["kin_letters"]))


def rewritten(old: Path, new: Path, drop: str = "\0", **header: object) -> Path:
    """A copy of an .eval log, without the names that begin with `drop` and with another header."""
    with ZipFile(old) as archive, zipfile.ZipFile(new, "w") as out:
        for name in archive.namelist():
            if name.startswith(drop):
                continue
            content = archive.read(name)
            if name in ("header.json", "_journal/start.json"):
                found = json.loads(content)
                found["eval"].update(header)
                content = json.dumps(found).encode()
            out.writestr(name, content)
    return new


def test_inspect_runs_that_did_not_finish(logs: dict[str, Path], tmp_path: Path) -> None:
    path = rewritten(logs["kin_letters"], tmp_path / "running.eval", drop="header.json")
    found = read(path)
    assert counts(found) == counts(read(logs["kin_letters"]))
    assert "running.eval is of a run that did not finish (status started)" in found.warnings[0]
    # A resumed run has copied what was finished: it counts once.
    shutil.copy(logs["kin_letters"], tmp_path / "resumed.eval")
    both = read(tmp_path)
    assert sorted(counts(both)) == sorted(counts(found))
    assert any("16 responses are in several files" in warning for warning in both.warnings)


def test_a_mix_of_tasks_or_models_is_refused(logs: dict[str, Path], tmp_path: Path) -> None:
    for name in ("kin_each", "kin_pass"):
        shutil.copy(logs[name], tmp_path)
    with pytest.raises(InputError, match=r"is of two tasks: kin_each in .*; kin_pass in"):
        read(tmp_path)
    one, other = tmp_path / "lighteval", tmp_path / "inspect"
    one.mkdir(), other.mkdir()
    for name in ("kin_avg", "kin_majority"):
        shutil.copy(logs[name], one)
    with pytest.raises(InputError, match=r"two tasks: kin_avg\|0 in .*; kin_majority\|0 in"):
        read(one)
    shutil.copy(logs["kin_letters"], other)
    rewritten(logs["kin_letters"], other / "x.eval", model="another")
    with pytest.raises(InputError, match=r"is of two models: .*another"):
        read(other)
    joined = tmp_path / "joined.jsonl"
    text = logs["kin_each"].read_text()
    joined.write_text(text + text.replace('"doc_hash": "', '"doc_hash": "0'))
    with pytest.raises(
        InputError, match=r"two different questions of one id, in .*line 1 and .*line 9"
    ):
        read(joined)
    joined.write_text(text + text)
    with pytest.raises(InputError, match="responses to a question twice, in line 1 and in line 9"):
        read(joined)


def test_two_runs_of_a_task_are_counted_together(logs: dict[str, Path], tmp_path: Path) -> None:
    for day in ("01", "02"):
        shutil.copy(logs["kin_each"], tmp_path / f"samples_kin_each_2026-01-{day}T00-00-00.jsonl")
    found = read(tmp_path)
    assert found.tally.n.tolist() == [16] * 8
    assert "8 questions are in all 2 files" in found.warnings[0]


# lighteval


def test_lighteval_shares_become_counts(logs: dict[str, Path]) -> None:
    found = read(logs["kin_avg"])
    frame = pl.read_parquet(logs["kin_avg"]).unnest("doc").unnest("model_response")
    expected = [
        (8, sum(last_words(texts, choices[0])))
        for texts, choices in frame.select("text", "choices").iter_rows()
    ]
    assert (found.format, counts(found)) == ("lighteval", expected)
    assert 0 < sum(c for _, c in expected) < 64
    assert found.golds is not None
    assert found.golds["gold"].to_list() == frame["choices"].list.first().to_list()
    assert counts(read(logs["kin_avg"], metric="pass@k:k=1&n=8")) == expected
    with pytest.raises(InputError, match="one verdict for 8 responses"):
        read(logs["kin_avg"], metric="pass@k:k=4&n=8")


def test_a_figure_that_is_no_verdict_is_refused(logs: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    path.write_text(
        logs["kin_greedy"].read_text().replace('"exact_match": 1.0', '"exact_match": 0.5')
    )
    with pytest.raises(
        InputError, match=r"line 2: .* neither right \(1\) nor wrong \(0\). Seen: 0.5"
    ):
        read(path, metric="exact_match,last-word")
    path.write_text(logs["kin_pass"].read_text().replace('"pass@1": 0.375', '"pass@1": 0.4'))
    with pytest.raises(InputError, match=r"line 1: pass@1,all is no share of 8 responses"):
        read(path)


# thoughts


def sample_of_inspect(number: int, content: object, completion: str) -> dict[str, Any]:
    choice = {"stop_reason": "stop", "message": {"role": "assistant", "content": content}}
    output = {"completion": completion, "choices": [choice]}
    place = {"id": number, "epoch": 1, "input": f"question {number}", "target": "7"}
    return {**place, "output": output, "scores": {"match": {"value": "C"}}}


def test_a_log_that_is_judged_again_has_its_thoughts_set_apart(tmp_path: Path) -> None:
    thought = {"type": "reasoning", "reasoning": "5? Or 7?"}
    log = {
        "version": 2,
        "status": "success",
        "eval": {"task": "t", "model": "m"},
        "samples": [
            sample_of_inspect(1, [thought, {"type": "text", "text": "7"}], "7"),
            sample_of_inspect(2, [thought], ""),
            sample_of_inspect(3, "<think>5?</think>7", "<think>5?</think>7"),
            sample_of_inspect(4, "<think>5? Or 7", "<think>5? Or 7"),
        ],
    }
    path = tmp_path / "log.json"
    path.write_text(json.dumps(log))
    found = read(path, verifier="numeric", judge=judge_of("numeric"))
    assert counts(found) == [(1, 1), (1, 0), (1, 1), (1, 0)]
    assert found.warnings[0] == (
        "2 of 4 responses ended while thinking: they have no answer and count as wrong."
    )
    judge = judge_of("numeric", think_end="</think>")
    ended = read(path, verifier="numeric", judge=judge, think_end="</think>")
    assert ended.tally.c.tolist() == [1, 0, 1, 0]
    with pytest.raises(InputError, match=r"Name the verifier too"):
        read(path, think_end="</think>")
