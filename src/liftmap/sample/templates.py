r"""Prompt templates: how a question becomes what a model is asked.

Beside sampling; training and scoring use the same function, so a model is trained on the prompts
that it is measured with. A template is Jinja: `{{ question }}` is the question's text, and every
key of its metadata is a variable too. To add one, add an entry here, or name a file of your own:
`shots.txt` is a text to go on with, `shots.json` a conversation (a list of {"role", "content"}).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from liftmap.errors import InputError
from liftmap.files import disk, path_of
from liftmap.records import Prompt, Question
from liftmap.registry import find

STEP_BY_STEP = "Please reason step by step, and put your final answer within \\boxed{}."
# Characters of a prompt's end that are kept with the responses: it may open a thought.
PROMPT_END = 60
_JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
# A list in a question's metadata is kept as JSON.
_JINJA.filters["from_json"] = json.loads


@dataclass(frozen=True, slots=True)
class Template:
    """One way to ask.

    Attributes:
        name: What the user calls it.
        version: Changes whenever the wording does; a file's is a digest of its content.
        text: Jinja source of a text to go on with; None if it is a conversation.
        messages: (role, Jinja source) of each message of a conversation.
    """

    name: str
    version: str
    text: str | None = None
    messages: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """Name and version, as stored with each response."""
        return f"{self.name}/{self.version}"


# For questions whose tests call a function (MBPP, which shows them; LiveCodeBench, which shows the
# beginning of the program), and for those whose tests give input and read output.
PROGRAM = """{{ question }}

{% if test_list is defined -%}
Your program must pass these tests:
```python
{{ test_list | from_json | join("\n") }}
```
Give all of it in one Python code block.
{%- elif starter_code is defined and starter_code -%}
Begin with this:
```python
{{ starter_code.rstrip() }}
```
Give the whole program in one Python code block.
{%- else -%}
Write a Python program that reads its standard input and writes its standard output. Give it in \
one Python code block.
{%- endif %}"""


# The wording of a version never changes once it has been used: a new wording is a new version.
TEMPLATES: dict[str, Template] = {
    "plain": Template("plain", "1", text="{{ question }}"),
    "chat": Template("chat", "1", messages=(("user", "{{ question }}"),)),
    # The chain-of-thought prompt of Qwen2.5-Math (its README), the family that arXiv 2505.14216
    # trains; the study's own wording is not in its paper or in the part of its code seen here.
    "qwen-math": Template(
        "qwen-math", "1", messages=(("system", STEP_BY_STEP), ("user", "{{ question }}"))
    ),
    "program": Template("program", "1", messages=(("user", PROGRAM),)),
    "step-by-step": Template(
        "step-by-step", "1", messages=(("user", "{{ question }}\n\n" + STEP_BY_STEP),)
    ),
}


def get_template(name: str) -> Template:
    """The template of a name, or of a file.

    Args:
        name: A key of TEMPLATES, or a path that ends in .txt, .jinja or .json.

    Raises:
        UnknownNameError: There is no such template.
        InputError: The file is not a template.
        StoreError: The file can't be read.
    """
    if Path(name).suffix not in (".txt", ".jinja", ".json"):
        return find(TEMPLATES, name, "template")
    path = path_of(name)
    try:
        with disk(path):
            content = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise InputError(
            f"The template {name} is not UTF-8 text.", remedy="Save it as UTF-8."
        ) from None
    return _from_file(name, content)


@lru_cache
def _from_file(name: str, content: str) -> Template:
    version = hashlib.sha256(content.encode()).hexdigest()[:8]
    if Path(name).suffix != ".json":
        made = Template(name, version, text=content)
        sources = [content]
    else:
        remedy = 'Write a list such as [{"role": "user", "content": "{{ question }}"}].'
        try:
            rows = json.loads(content)
            messages = tuple((str(row["role"]), str(row["content"])) for row in rows)
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise InputError(
                f"The template {name} is not a conversation: {error!r}.", remedy=remedy
            ) from None
        made = Template(name, version, messages=messages)
        sources = [source for _, source in messages]
    try:
        for source in sources:
            _JINJA.from_string(source)
    except TemplateError as error:
        raise InputError(
            f"The template {name} is not Jinja: {error}.", remedy="Correct it."
        ) from None
    if not any("{{" in source for source in sources):
        raise InputError(
            f"The template {name} never names the question.",
            remedy="Write {{ question }} where it belongs.",
        )
    return made


def render_prompt(template: str, question: Question) -> Prompt:
    """The prompt of a question under a template.

    Args:
        template: A name or a file; see `get_template`.
        question: Its text is the variable `question`; its metadata are further variables.

    Raises:
        UnknownNameError: No template has this name.
        InputError: The template names a variable that the question does not have.
    """
    return _filled(get_template(template), question)


def render_recorded(recorded: Mapping[str, Any], question: Question) -> Prompt:
    """The prompt of a question under the template that a response set was drawn with.

    Args:
        recorded: `template` of the set's settings: a name, and a text or a list of messages.
        question: The question.

    Raises:
        InputError: It can't be filled.
    """
    source = recorded["text"]
    if isinstance(source, str):
        return _filled(Template(str(recorded["name"]), "", text=source), question)
    messages = tuple((str(role), str(content)) for role, content in source)
    return _filled(Template(str(recorded["name"]), "", messages=messages), question)


def _filled(chosen: Template, question: Question) -> Prompt:
    variables = {**question.metadata, "question": question.text}
    if chosen.text is not None:
        return _fill(chosen, chosen.text, variables, question)
    return [
        {"role": role, "content": _fill(chosen, source, variables, question)}
        for role, source in chosen.messages
    ]


def _fill(
    template: Template, source: str, variables: Mapping[str, object], question: Question
) -> str:
    try:
        return str(_compiled(source).render(variables))
    except UndefinedError as error:
        raise InputError(
            f"The template {template.name} can't be filled for question {question.question_id}: "
            f"{error}.",
            remedy=f"A question of this task has {', '.join(sorted(variables))}.",
        ) from None
    except Exception as error:
        # What a template computes may fail in any way (a sum of text and number, a forbidden name).
        raise InputError(
            f"The template {template.name} can't be filled for question {question.question_id}: "
            f"{error}.",
            remedy="Correct the expression.",
        ) from None


@lru_cache
def _compiled(source: str):  # type: ignore[no-untyped-def]
    return _JINJA.from_string(source)
