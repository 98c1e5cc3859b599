"""What trainers and further evaluation tools write: four sums, with 3, 2, 1 and 0 of 3 right.

Made by `data/make/tools`, each by the tool itself where it installs, else by hand from its source.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from liftmap.comparison.compare import compare
from liftmap.errors import InputError
from liftmap.read import READERS, Outcomes, read
from liftmap.records import FixedPlan
from liftmap.verify.run import judge_of

DATA = Path(__file__).parent / "data"
ROLLOUTS = DATA / "rollouts"
# By format: what is read, and what it has beside verdicts.
SOURCES = {
    "verl": ("verl:0", "ids by prompt, golds, answers"),
    "ms_swift": ("ms_swift", "ids by prompt"),
    "verifiers": ("verifiers/run", "golds, cuts"),
    "verifiers_v0": ("verifiers_v0", "golds, cuts"),
    "nemo_skills": ("nemo_skills", "ids by prompt, golds, answers"),
    "nemo_rl": ("nemo_rl", "ids by prompt"),
    "nemo_gym": ("nemo_gym", "golds, answers, cuts"),
    "nemo_evaluator": ("nemo_evaluator", "golds, answers"),
    "tinker_cookbook": ("tinker_cookbook", "golds, answers, cuts"),
    "skyrl": ("skyrl", "ids by prompt, golds, cuts"),
    "rllm": ("rllm", ""),
    "evalscope": ("evalscope", "golds, answers"),
    "every_eval_ever": ("every_eval_ever", "golds, answers"),
    "oat": ("oat", "ids by prompt, golds"),
    "human_eval": ("human_eval", ""),
    "evalplus": ("evalplus", ""),
    "qwen_math": ("qwen_math", "golds, answers, cuts"),
    "tally": ("passk_inference", ""),
    "table": ("wandb", ""),
}
FAST = {"resamples": 50, "law_resamples": 0}


def of(name: str) -> str:
    return str(ROLLOUTS / SOURCES[name][0])


def has(found: Outcomes) -> str:
    cut = found.tally.truncated.tolist() == [0, 0, 0, 1]
    facts = {
        "ids by prompt": found.by_prompt,
        "golds": found.golds is not None and found.golds["gold"].to_list() == ["7", "8", "9", "10"],
        "answers": found.answers is not None,
        "cuts": cut and not any("which responses were cut" in text for text in found.warnings),
    }
    return ", ".join(name for name, there in facts.items() if there)


@pytest.mark.parametrize("name", SOURCES)
def test_every_format_gives_the_same_counts(name: str) -> None:
    found = read(of(name))
    assert found.format == name
    assert (found.tally.n.tolist(), found.tally.c.tolist()) == ([3] * 4, [3, 2, 1, 0])
    assert found.tally.plan == FixedPlan(3)
    assert has(found) == SOURCES[name][1]
    comparison = compare(of(name), of(name), **FAST)  # type: ignore[arg-type]
    assert comparison.questions == 4
    assert comparison.capability[0].change.estimate == 0


@pytest.mark.parametrize("name", [name for name, (_, has) in SOURCES.items() if "golds" in has])
def test_texts_are_verified_here_when_asked(name: str) -> None:
    found = read(of(name), verifier="numeric", judge=judge_of("numeric"))
    assert found.tally.c.tolist() == [3, 2, 1, 0]
    assert found.tally.unscored.sum() == 0


@pytest.mark.parametrize(("name", "lacks"), [("rllm", "texts"), ("nemo_rl", "gold answers")])
def test_what_verifying_needs_is_named(name: str, lacks: str) -> None:
    with pytest.raises(InputError, match=f"holds no {lacks}.*Leave --verifier out"):
        read(of(name), verifier="numeric", judge=judge_of("numeric"))


def test_every_reader_has_a_file() -> None:
    hand_made = {"responses", "lists", "npy"}
    ours = {"study", "lm_eval", "inspect_ai", "lighteval", "trl"}
    assert set(READERS) == SOURCES.keys() | hand_made | ours


def test_what_trl_itself_wrote() -> None:
    path = DATA / "trl" / "completions_00001.parquet"
    frame = pl.read_parquet(path)
    found = read(path)
    by_prompt = frame.group_by("prompt", maintain_order=True).agg(pl.col("correct").sum())
    assert found.tally.c.tolist() == by_prompt["correct"].to_list()
    assert 0 < found.tally.c.sum() < 16
    assert "The verdicts are those of correct." in found.warnings
    with pytest.raises(InputError, match=r"row 2: shortness is neither right \(1\) nor wrong"):
        read(path, metric="shortness")
    graded = read(path, metric="shortness", right_at=0.75)
    assert graded.tally.c.sum() == (frame["shortness"] >= 0.75).sum()
    assert "A response is right where shortness is 0.75 or more." in graded.warnings


# Steps


def test_a_step_of_a_folder_is_named(tmp_path: Path) -> None:
    folder = ROLLOUTS / "verl"
    with pytest.raises(InputError, match=r"responses of 2 steps.*Name one, as .*verl:10"):
        read(folder)
    assert read(f"{folder}:10").tally.c.tolist() == [3, 2, 1, 1]
    assert read(folder / "10.jsonl").tally.c.tolist() == [3, 2, 1, 1]
    both = read(f"{folder}:0-10")
    assert both.tally.n.tolist() == [6] * 4
    with pytest.raises(InputError, match=r"no responses of step 5. Seen: \[0, 10\]"):
        read(f"{folder}:5")
    with pytest.raises(InputError, match="does not hold training steps: it was read as tally"):
        read(f"{ROLLOUTS / 'passk_inference'}:5")
    assert read(f"{ROLLOUTS / 'verifiers' / 'rollouts'}:20").tally.c.tolist() == [3, 2, 1, 0]


def test_a_step_is_read_without_the_others(tmp_path: Path) -> None:
    shutil.copytree(ROLLOUTS / "verl", tmp_path / "val")
    for step in (20, 30):
        text = (ROLLOUTS / "verl" / "10.jsonl").read_text().replace('"step": 10', f'"step": {step}')
        (tmp_path / "val" / f"{step}.jsonl").write_text(text[: 300 * step // 20 * 2 + 400])
    # Both files are cut off; that of step 10 is whole.
    assert read(f"{tmp_path / 'val'}:10").tally.c.tolist() == [3, 2, 1, 1]
    with pytest.raises(InputError, match=r"20.jsonl, line \d is no JSON"):
        read(f"{tmp_path / 'val'}:20")
    # What a name says is not believed where the rows say otherwise.
    shutil.copy(ROLLOUTS / "verl" / "10.jsonl", tmp_path / "val" / "7.jsonl")
    assert read(f"{tmp_path / 'val'}:10").tally.n.tolist() == [6] * 4


def test_names_are_not_patterns(tmp_path: Path) -> None:
    for name in ("0[1].jsonl", "*.jsonl"):
        shutil.copy(ROLLOUTS / "verl" / "0.jsonl", tmp_path / name)
        assert read(tmp_path / name).tally.c.tolist() == [3, 2, 1, 0]


def test_a_step_in_two_folders_is_refused(tmp_path: Path) -> None:
    for run in ("first", "second"):
        shutil.copytree(ROLLOUTS / "verl", tmp_path / run)
    with pytest.raises(InputError, match="holds logs in 2 folders, of the same step"):
        read(f"{tmp_path}:10")


def test_a_mix_of_tools_tasks_or_models_is_refused(tmp_path: Path) -> None:
    shutil.copy(ROLLOUTS / "verl" / "0.jsonl", tmp_path)
    shutil.copy(
        ROLLOUTS / "qwen_math" / "test_qwen25-math-cot_-1_seed0_t1.0_s0_e-1.jsonl", tmp_path
    )
    with pytest.raises(InputError, match=r"mix of 2 formats.*\(verl\).*\(qwen_math\)"):
        read(tmp_path)
    text = (ROLLOUTS / "every_eval_ever" / "5917cc37_samples.jsonl").read_text()
    path = tmp_path / "more.jsonl"
    for changed, what in (
        ('"evaluation_name": "sums"', "task"),
        ('"model_id": "org/model"', "model"),
    ):
        path.write_text(text + text.replace(changed, changed[:-1] + '2"'))
        with pytest.raises(InputError, match=f"is of 2 {what}s"):
            read(path)


def test_two_questions_of_one_prompt_are_left_out(tmp_path: Path) -> None:
    rows = (ROLLOUTS / "verl" / "0.jsonl").read_text().replace('"gts": "8"', '"gts": "88"', 1)
    path = tmp_path / "0.jsonl"
    path.write_text(rows)
    found = read(path)
    assert found.tally.c.tolist() == [3, 1, 0]
    assert "1 id or prompt has several gold answers" in found.warnings[0]


def test_prompts_join_whatever_their_blanks_and_marks(tmp_path: Path) -> None:
    path = tmp_path / "ms.jsonl"
    line = json.loads((ROLLOUTS / "ms_swift" / "completions.jsonl").read_text())
    line["prompt"] = [
        text.replace("\n", "  \n ").replace("<|im_end|>", "") for text in line["prompt"]
    ]
    path.write_text(json.dumps(line))
    comparison = compare(of("ms_swift"), path, **FAST)  # type: ignore[arg-type]
    assert comparison.questions == 4
    assert any(
        "joined by a digest of their prompts: 4 of 4 before and of 4 after" in text
        for text in comparison.warnings
    )


def test_verdicts_that_are_missing_are_unscored_and_counted(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (ROLLOUTS / "verl" / "0.jsonl").read_text().splitlines()]
    rows[0]["acc"] = None
    path = tmp_path / "0.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    # The score covers all responses, but it is -1 or 1.
    with pytest.raises(InputError, match=r"row 1?\d?: score is neither.*--metric acc.*--right-at"):
        read(path)
    found = read(path, metric="acc")
    assert found.tally.unscored.tolist() == [1, 0, 0, 0]
    assert "1 of 12 responses have no value of acc: unscored." in found.warnings
    assert read(path, metric="score", right_at=1.0).tally.c.tolist() == [3, 2, 1, 0]


def test_what_a_judge_of_nemo_skills_says(tmp_path: Path) -> None:
    path = tmp_path / "output.jsonl"
    said = ["Reasoning: no.\nJudgement: Yes", "Judgement: **No**", "It is unclear."]
    rows = [{"problem": "1 + 1", "generation": "2", "judgement": text} for text in said]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    found = read(path)
    assert (found.format, found.tally.n.tolist(), found.tally.c.tolist()) == (
        "nemo_skills",
        [2],
        [1],
    )
    assert "1 of 3 responses have no value of judge_correct: unscored." in found.warnings
    path.write_text("\n".join(json.dumps(row | {"symbolic_correct": False}) for row in rows))
    found = read(path)
    assert (found.tally.n.tolist(), found.tally.c.tolist()) == ([3], [0])
    assert read(path, metric="judge_correct").tally.c.tolist() == [1]


def test_failures_of_the_tool_are_unscored_whatever_reward_it_gives(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    rows = (ROLLOUTS / "nemo_evaluator" / "results.jsonl").read_text().splitlines()
    failed = {"error": "no server", "error_category": "infra_error", "method": "infra_error"}
    rows[3] = json.dumps(json.loads(rows[3]) | {"reward": 0.0, "scoring_details": failed})
    path.write_text("\n".join(rows))
    found = read(path)
    assert found.tally.unscored.tolist() == [0, 1, 0, 0]
    assert found.tally.c.tolist() == [3, 1, 1, 0]
    assert "1 of 12 responses failed in the tool itself: unscored." in found.warnings


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "0.jsonl"
    path.write_text((ROLLOUTS / "verl" / "0.jsonl").read_text()[:-40])
    with pytest.raises(InputError, match=r"0.jsonl"):
        read(path)
    path.write_text((ROLLOUTS / "nemo_gym" / "rollouts.jsonl").read_text()[:-40])
    with pytest.raises(InputError, match=r"0.jsonl, line 12 is no"):
        read(path)


def test_generations_of_verl_are_verified(tmp_path: Path) -> None:
    path = tmp_path / "generated.parquet"
    pl.DataFrame(
        {
            "prompt": [[{"role": "user", "content": "What is 2 + 5?"}]],
            "responses": [["It is 7", "It is 8"]],
            "reward_model": [{"style": "rule", "ground_truth": "7"}],
        }
    ).write_parquet(path)
    with pytest.raises(InputError, match=r"holds no verdicts.*--verifier"):
        read(path)
    assert read(path, verifier="numeric", judge=judge_of("numeric")).tally.c.tolist() == [1]


def test_rewards_that_are_nan_are_unscored(tmp_path: Path) -> None:
    """Python's json writes NaN, which is no JSON: what a reward function gave may be one."""
    rows = [
        {"input": f"{q} ?", "output": f"NaN, {n}", "gts": "1", "score": score, "step": 0}
        for q in "ab"
        for n, score in enumerate((1.0, float("nan"), 0.0, 1.0))
    ]
    path = tmp_path / "0.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = read(path)
    assert result.format == "verl"
    assert (result.tally.n.tolist(), result.tally.c.tolist()) == ([3, 3], [2, 2])
    assert result.tally.unscored.tolist() == [1, 1]
    assert result.responses is not None
    assert result.responses.collect()["text"].to_list() == [row["output"] for row in rows]
    path.write_text(path.read_text() + '{"input": NaN, "out')
    with pytest.raises(InputError, match="line 9 is no JSON"):
        read(path)


def test_nan_in_a_text_changes_nothing(tmp_path: Path) -> None:
    rows = [{"id": q, "passed": True, "text": "x: NaN, y"} for q in "ab"]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read(path).tally.c.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("name", "document"),
    [
        (
            "oat",
            [
                {"input": q, "output": "x", "scores": s, "reference": "x", "generator": "m"}
                for q, s in (("p", 1.0), ("p", 0.0), ("q", 1.0), ("q", 1.0))
            ],
        ),
        (
            "rllm",
            {
                "items": [
                    {"idx": q, "attempt": a, "reward": s, "is_correct": s == 1, "error": None}
                    for q, a, s in ((0, 0, 1.0), (0, 1, 0.0), (1, 0, 1.0), (1, 1, 1.0))
                ]
            },
        ),
    ],
)
def test_the_fewest_fields_of_a_format_are_enough(
    tmp_path: Path, name: str, document: object
) -> None:
    path = tmp_path / "7.json"
    path.write_text(json.dumps(document), "utf-8")
    outcomes = read(path)
    assert outcomes.format == name
    assert sorted(outcomes.tally.c.tolist()) == [1, 2]
    assert outcomes.tally.n.tolist() == [2, 2]
