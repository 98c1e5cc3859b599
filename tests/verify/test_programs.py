"""Which program a response means: ten forms of each kind, each with a right and a wrong one."""

from __future__ import annotations

import io
import time
from contextlib import redirect_stdout
from typing import Any

import pytest

from liftmap.verify.programs import fenced_blocks, find_program

PROMPT = 'def double_all(xs):\n    """Twice each."""\n'
RIGHT = "def double_all(xs):\n    return [2 * x for x in xs]\n"
WRONG = "def double_all(xs):\n    return xs\n"
BODY = "    return [2 * x for x in xs]\n"
F = "```"


def doubles(text: str) -> bool:
    """Whether the program of a response does what the prompt asks."""
    program = find_program(text, PROMPT, "double_all")
    assert program is not None
    names: dict[str, Any] = {"__name__": "program"}
    with redirect_stdout(io.StringIO()):
        try:
            exec(program, names)
            function = names["double_all"]
            if function is None or "Solution" in names:
                function = names["Solution"]().double_all
        except (SyntaxError, KeyError, NameError):
            return False
        except Exception:
            return False
        return bool(function([1, 2]) == [2, 4])


def indented(text: str, by: str) -> str:
    return "".join(by + line for line in text.splitlines(keepends=True))


# Each form holds a program at {p}; with the right one it is right, with the wrong one wrong.
FORMS = {
    "fences": [
        "````python\n{p}````\n",
        "`````py\n{p}`````",
        "````\n{p}````\nDone.",
        "~~~python\n{p}~~~\n",
        "~~~~\n{p}~~~~\n",
        "~~~ Python3\n{p}~~~",
        "```Python\n{p}```",
        "``` python\n{p}```",
        "```python3.11\n{p}```",
        "Here:\n```py\n{p}\n\n```\nIt doubles.",
        "```python\n{p}",
        "```python\n{s}```",
    ],
    "attributes": [
        '```python title="a.py"\n{p}```',
        "```python {{.line-numbers}}\n{p}```",
        "```{{.python .numberLines}}\n{p}```",
        "```{{python}}\n{p}```",
        "```python linenums=1 hl_lines='2'\n{p}```",
        "```python:solution.py\n{p}```",
        "```py filename=solution.py\n{p}```",
        "```python # solution\n{p}```",
        "```python showLineNumbers\n{p}```",
        "~~~python attribute\n{p}~~~",
    ],
    "ends of texts": [
        "```python\n{p}```<|endoftext|>",
        "{p}<|im_end|>",
        "{p}<|eot_id|>\n",
        "{p}</s>",
        "<s>{p}</s>",
        "```python\n{p}<|im_end|>",
        "{p}<|endoftext|>def other():\n    return 1\n",
        "{p}<end_of_turn>\nuser\nThanks!",
        "<|im_start|>{p}<|im_end|>",
        "Sure.<|im_end|>\n<|im_start|>assistant\n```python\n{p}```<|im_end|>",
        "{p}<\uff5cend\u2581of\u2581sentence\uff5c>",
    ],
    "prose": [
        "The code:\n\n{p}\nIt doubles.\n",
        "{p}\nThis works since lists are lists.",
        "Sure, here it is!\n{p}",
        "{p}```\n",
        "# A heading\n\nWe go through it.\n\n{p}\n\n**Complexity**: linear.\n",
        "First the import.\n\nimport math\n\n{p}\nThat's it.",
        "{p}\nprint(double_all([1]))\nThis prints 2.\n",
        "{p}\nassert double_all([1]) == [7], 'an example that is wrong'\nSo it goes.",
        "from a list we get a list:\n\n{p}\nif you like it, use it.\n",
        "Done\n\n{p}\nDone\n",
    ],
    "several blocks": [
        "```python\n{p}```\nUse:\n```python\nprint(double_all([3]))\n```",
        "```python\n{p}```\n```\n[2, 4]\n```",
        "```bash\npip install x\n```\n```python\n{p}```",
        "```python\n{p}```\nTests:\n```python\nassert double_all([1]) == [2]\n```",
        "```python\ndef double_all(xs):\n    return None\n```\nBetter:\n```python\n{p}```",
        "```python\ndef double_all(xs):\n    ...\n```\nfilled in:\n```python\n{p}```",
        "```python\n{p}```\nIts signature is\n```python\ndef double_all(xs):\n    pass\n```",
        "```text\ndouble_all = no\n```\n```python\n{p}```\n```json\n[2]\n```",
        "```python\nimport unittest\nfrom x import double_all\n```\n```python\n{p}```",
        "````markdown\n# Title\n```python\n{p}```\n````",
        "```python\n{p}```\n```javascript\nfunction double_all(xs) {{ return xs }}\n```",
    ],
    "carriage returns": [
        "```python\r\n{c}```\r\n",
        "{c}",
        "Here:\r\n\r\n{c}\r\nDone.\r\n",
        "````py\r\n{c}````",
        "~~~\r\n{c}~~~\r\n",
        "```\r\n{c}\r\n```\r\nIt works.\r\n",
        "1. So\r\n\r\n```python\r\n{c}```",
        "{c}<|im_end|>\r\n",
        "import math\r\n{c}",
        "```python title='x'\r\n{c}```\r\n```\r\n2\r\n```",
    ],
    "fences in a docstring": [
        '```python\n"""Use:\n\n```\ndouble_all([1])\n```\n"""\n{p}```',
        "```python\n'''Use:\n```python\ndouble_all([1])\n```\n'''\n{p}```\nDone.",
        '```python\n"""```\nx\n```"""\n{p}```\n```python\ndouble_all([1])\n```',
        '- ```python\n  """\n  ```\n  x\n  ```\n  """\n{i2}  ```',
        '```python\n"""No end\n```\nSo:\n```python\n{p}```',
    ],
    "marks of prompts": [
        "[BEGIN]\n{p}[DONE]",
        "[BEGIN]\n{p}[DONE]\n\nNow:\n[BEGIN]\ndef double_all(xs):\n    return 1\n[DONE]",
        "[PYTHON]\n{p}[/PYTHON]\nIt doubles.",
        "Sure:\n[PYTHON]\n{p}[/PYTHON]\n[TESTS]\nassert double_all([1]) == [3]\n[/TESTS]",
        " [BEGIN]\n{p} [DONE]\n",
    ],
    "lists and quotations": [
        "1. First:\n\n   ```python\n{i3}   ```\n",
        "- ```python\n{i2}  ```",
        "1. ```python\n{i3}   ```",
        "* So:\n\n    ```python\n{i4}    ```\n* Done",
        "> ```python\n{q}> ```",
        "> Here:\n>\n> ```\n{q}> ```\n",
        "10. Last:\n\n    ~~~python\n{i4}    ~~~",
        "  ```python\n{i2}  ```",
        "    ```python\n{i4}    ```",
        "- a\n  - ```python\n{i4}    ```",
        "\t```python\n{t}\t```",
    ],
}  # fmt: skip


def filled(form: str, program: str) -> str:
    return form.format(
        p=program,
        s=program.rstrip(),
        c=program.replace("\n", "\r\n"),
        i2=indented(program, "  "),
        i3=indented(program, "   "),
        i4=indented(program, "    "),
        q=indented(program, "> "),
        t=indented(program, "\t"),
    )


@pytest.mark.parametrize(
    ("kind", "form"), [(kind, form) for kind, forms in FORMS.items() for form in forms]
)
def test_the_program_is_found_and_nothing_else(kind: str, form: str) -> None:
    assert doubles(filled(form, RIGHT))
    assert not doubles(filled(form, WRONG))


HELPED = "def double_all(xs):\n    return [twice(x) for x in xs]\n"
HELPERS = {
    "a function before": ("def twice(x):\n    return 2 * x\n", HELPED),
    "two functions": (
        "def times(a, b):\n    return a * b\n\ndef twice(x):\n    return times(2, x)\n",
        HELPED,
    ),
    "with a call": (
        "def twice(x):\n    return 2 * x\n\nprint(twice(1))\nraise SystemExit\n",
        HELPED,
    ),
    "a lambda": ("twice = lambda x: 2 * x\n", HELPED),
    "a constant": ("TWO = 2\n", "def double_all(xs):\n    return [TWO * x for x in xs]\n"),
    "an import": (
        "import operator as op\n",
        "def double_all(xs):\n    return [op.mul(2, x) for x in xs]\n",
    ),
    "from an import": (
        "from functools import partial\n",
        "def double_all(xs):\n    return list(map(partial(int.__mul__, 2), xs))\n",
    ),
    "a class": (
        "class Twice:\n    def __call__(self, x):\n        return 2 * x\n",
        "def double_all(xs):\n    return list(map(Twice(), xs))\n",
    ),
    "unpacking": ("ONE, TWO = 1, 2\n", "def double_all(xs):\n    return [TWO * x for x in xs]\n"),
    "after": (HELPED, "def twice(x):\n    return 2 * x\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", HELPERS)
def test_what_other_blocks_define_is_there(name: str) -> None:
    blocks = [f"{F}python\n{block}{F}\n" for block in HELPERS[name]]
    assert doubles("Some:\n" + "and\n".join(blocks))
    broken = [block.replace("2 * x", "x").replace("2", "1") for block in blocks]
    assert not doubles("Some:\n" + "and\n".join(broken))


@pytest.mark.parametrize(
    "text",
    [
        BODY,
        "\n" + BODY,
        "return [2 * x for x in xs]",
        "out = []\n    for x in xs:\n        out.append(2 * x)\n    return out\n",
        "    out = []\n    for x in xs:\n        out.append(2 * x)\n    return out\n\ndef f(): a",
        BODY + "\n```\nThat's all.",
        BODY + "# Test\nassert double_all([1]) == [3]\n",
        f"{F}python\n{BODY}{F}",
        f"{F}\nreturn [2 * x for x in xs]\n{F}",
        f"1. So:\n   {F}python\n{BODY}   {F}",
        BODY.rstrip() + "<|endoftext|>",
    ],
)
def test_a_continuation_of_the_prompt(text: str) -> None:
    assert doubles(text)
    assert not doubles(text.replace("2 *", "3 *"))


METHOD = "class Solution:\n    def double_all(self, xs):\n        return [2 * x for x in xs]\n"


@pytest.mark.parametrize(
    "form",
    [
        "{p}",
        "```python\n{p}```",
        "Here:\n\n{p}\nIt is linear.\n",
        "```python\nclass Solution:\n  def double_all(self, xs):\n    pass\n```\n```py\n{p}```",
        "```python\n{p}```\n```python\nprint(Solution().double_all([1]))\n```",
        "```python\nfrom typing import List\n\n{p}```",
        "````python\n{p}````<|im_end|>",
        "{p}<|eot_id|>",
        "```python\nclass Node:\n    pass\n```\n```python\n{p}```",
        "~~~\n{p}~~~",
    ],
)
def test_a_method_of_a_class_solution(form: str) -> None:
    for source, right in ((METHOD, True), (METHOD.replace("2 *", "3 *"), False)):
        program = find_program(form.format(p=source), "", "double_all")
        names: dict[str, Any] = {}
        exec(str(program), names)
        assert (names["Solution"]().double_all([1, 2]) == [2, 4]) is right


@pytest.mark.parametrize(
    "form",
    [
        "{p}",
        "```python\n{p}```",
        "The sum:\n\n{p}\nIt reads two numbers.\n",
        "Input:\n```\n1 2\n```\n```python\n{p}```\nOutput:\n```\n3\n```",
        "```\n1 2\n```\n```\n{p}```\n```\n3\n```",
        "```python\nprint('no')\n```\nNo, this:\n```python\n{p}```",
        "```python\n{p}```\nRun it:\n```bash\npython a.py\n```",
        "````python\n{p}````",
        "1. So:\n\n   ```python\n{i3}   ```",
        "{p}<|endoftext|>",
    ],
)
def test_a_whole_program(form: str) -> None:
    source = "a, b = map(int, '1 2'.split())\nprint(a + b)\n"
    program = find_program(filled(form, source), "", "")
    said = io.StringIO()
    with redirect_stdout(said):
        exec(str(program), {"__name__": "__main__"})
    assert said.getvalue() == "3\n"


@pytest.mark.parametrize(
    "text",
    [
        "def other(xs):\n    return [2 * x for x in xs]\n",
        "I can't write this.",
        "```python\nprint([2, 4])\n```",
        "```python\ndef double_all(xs):\n    pass\n```",
        "double_all is a function.",
        f"{F}python\n{RIGHT}{F}\nNo:\n{F}python\n{WRONG}{F}",
        "```text\n[2, 4]\n```",
        "def double_all(xs):\n    return [2 * x for x in xs\n\nThere.",
    ],
)
def test_no_right_program_is_made_of_another(text: str) -> None:
    assert not doubles(text)


def test_a_sign_of_an_end_in_quotes_is_text() -> None:
    source = "def double_all(xs):\n    end = '</s>'\n    return [2 * x for x in xs]\n"
    assert doubles(source)


def test_an_inner_fence_of_a_longer_fence_is_content() -> None:
    (block,) = fenced_blocks("````python\nx = '''\n```\n'''\n````\n")
    assert block == ("python", "x = '''\n```\n'''\n")


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".b" * 100_000,
        "(" * 100_000,
        "x = 1\n" * 50_000,
        RIGHT + "The end.\n" + "f(x)\n" * 20_000,
        "> " * 100_000 + "```",
        "<|im_end|>" * 50_000,
        "```python\ndef double_all(xs):\n  return h(xs)\n```\n" * 2_000,
    ],
)
@pytest.mark.parametrize("name", ["double_all", ""])
def test_long_responses_are_read_in_time(text: str, name: str) -> None:
    started = time.process_time()
    find_program(text, PROMPT, name)
    # Mostly under 0.3 s; what looks at all that follows at every place takes minutes.
    assert time.process_time() - started < 3
