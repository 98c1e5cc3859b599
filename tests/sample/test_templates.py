"""Templates: what a model is asked, from a name or a file, and what is refused before sampling."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from liftmap.errors import InputError, StoreError, UnknownNameError
from liftmap.records import Question
from liftmap.sample.templates import TEMPLATES, get_template, render_prompt

QUESTION = Question("q1", r"What is \frac{1}{2}<3 & {{ 4 }}?", "yes", metadata={"level": 2})


def test_the_named_ones() -> None:
    assert render_prompt("plain", QUESTION) == QUESTION.text
    assert render_prompt("chat", QUESTION) == [{"role": "user", "content": QUESTION.text}]
    (message,) = render_prompt("step-by-step", QUESTION)
    assert message["content"].startswith(f"{QUESTION.text}\n\n")  # type: ignore[index]
    assert r"\boxed{}" in message["content"]  # type: ignore[index]
    assert get_template("step-by-step").label == "step-by-step/1"
    assert all(template.name == name for name, template in TEMPLATES.items())


def test_a_program_is_asked_for_in_the_form_that_its_tests_need() -> None:
    def asked(**metadata: str) -> str:
        (message,) = render_prompt("program", Question("q", "Add.", "", metadata=metadata))
        return str(message["content"])  # type: ignore[index]

    assert "\nassert f(1) == 'a\\n'\nassert f(2)\n" in asked(
        test_list=json.dumps([r"assert f(1) == 'a\n'", "assert f(2)"])
    )
    assert "Begin with this:\n```python\nclass A:\n    def f(self):\n```\n" in asked(
        starter_code="class A:\n    def f(self):\n        "
    )
    assert "standard input" in asked(starter_code="")
    assert asked().startswith("Add.\n\nWrite a Python program")


def test_few_shot_examples_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "shots.txt"
    file.write_text(
        "Q: What is $\\frac{1}{2} + \\frac{1}{2}$?\nA: \\boxed{1}\n\n"
        "Q (level {{ level }}): {{ question }}\nA:"
    )
    assert render_prompt(str(file), QUESTION) == (
        "Q: What is $\\frac{1}{2} + \\frac{1}{2}$?\nA: \\boxed{1}\n\n"
        "Q (level 2): What is \\frac{1}{2}<3 & {{ 4 }}?\nA:"
    )


def test_a_conversation_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    messages = [
        {"role": "system", "content": "Level {{ level }}."},
        {"role": "user", "content": "{{ question }}"},
    ]
    file.write_text(json.dumps(messages))
    prompt = render_prompt(str(file), QUESTION)
    assert prompt == [
        {"role": "system", "content": "Level 2."},
        {"role": "user", "content": QUESTION.text},
    ]


def test_the_label_changes_with_the_content(tmp_path: Path) -> None:
    file = tmp_path / "shots.txt"
    file.write_text("{{ question }} =")
    first = get_template(str(file)).label
    assert first.startswith(f"{file}/")
    assert get_template(str(file)).label == first
    file.write_text("{{ question }}=")
    assert get_template(str(file)).label != first
    assert render_prompt(str(file), QUESTION) == f"{QUESTION.text}="


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.txt",
            "{{ question }} of {{ subject }}",
            r"question q1: 'subject' is undef.*has level, que",
        ),
        ("a.txt", "Answer the question.", "never names the question"),
        ("a.json", '[{"role": "user", "content": "Hello."}]', "never names the question"),
        ("a.txt", "{{ question", "not Jinja"),
        ("a.json", '[{"role": "user", "content": "{{ question"}]', "not Jinja"),
        ("a.json", "{{ question }}", r"not a conversation.*\[\{\"role\": \"user\""),
        ("a.json", '[{"role": "user"}]', "not a conversation"),
        ("a.json", '"{{ question }}"', "not a conversation"),
        ("a.jinja", "{{ question.__class__.__mro__ }}", "question q1.*unsafe"),
        ("a.txt", "{{ question + 1 }}", "question q1.*Correct the expression"),
    ],
)
def test_files_that_are_no_template(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        render_prompt(str(tmp_path / name), QUESTION)


def test_templates_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'plain'"):
        get_template("plane")
    with pytest.raises(StoreError, match=r"none\.txt does not exist"):
        get_template(str(tmp_path / "none.txt"))
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe {{ question }}")
    with pytest.raises(InputError, match=r"bytes\.txt is not UTF-8 text"):
        get_template(str(tmp_path / "bytes.txt"))
