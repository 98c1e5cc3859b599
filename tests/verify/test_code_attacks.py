"""Programs that want to be taken for right, and tests that take any program: what each deserves.

Each attack runs in the sandbox that works here, beside a right program under the same tests.
"""

from __future__ import annotations

import json

import pytest

from liftmap.records import Question, Verdict
from liftmap.verify.code import compare, program_of
from liftmap.verify.sandbox import WAYS, Limits, Sandbox, why_not

PROMPT = "def add(x, y):\n"
GOLD = "    return x + y\n"
RIGHT = "def add(x, y):\n    return x + y\n"


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    for way in WAYS:
        if not why_not(way):
            return Sandbox(way, Limits(seconds=2, wall=8))
    pytest.skip("no sandbox works here")


def verdict(sandbox: Sandbox, text: str, test: str, gold: str = "") -> Verdict:
    about = {"prompt": PROMPT, "test": test, "entry_point": "add"}
    question = Question("q", PROMPT, gold, metadata=about)
    program = program_of(question, text)
    assert program is not None
    return compare(question, program, sandbox=sandbox)


# Tests that a program which raises StopIteration, or gives nothing, would end before their end.
LOOPS = [
    "assert all(a == b for a, b in zip(map(lambda p: add(*p), [(1, 2), (3, 4)]), [3, 7]))",
    "for a, b in zip(map(add, [1, 2], [3, 4]), [4, 6]):\n    assert a == b",
    "assert not [1 for got in map(add, [1], [2]) if got != 3]",
    "def check(candidate):\n    for got in map(candidate, [1], [2]):\n        assert got == 3",
    "assert set(map(add, [1], [2])) <= {3}",
    "assert sum(x != 3 for x in map(add, [1, 2], [2, 1])) == 0",
    "assert all(map(lambda x: x == 3, map(add, [1], [2])))",
    "import itertools\nassert all(x == 3 for x in itertools.starmap(add, [(1, 2)]))",
    "assert not any(x != 3 for x in map(add, [1], [2]))",
    "assert max(map(add, [1], [2]), default=3) == 3",
]


@pytest.mark.parametrize("test", LOOPS)
def test_stop_iteration_does_not_end_the_tests_in_silence(test: str, sandbox: Sandbox) -> None:
    assert verdict(sandbox, RIGHT, test).label == "right"
    for gold in ("", GOLD):
        found = verdict(sandbox, "def add(x, y):\n    raise StopIteration\n", test, gold)
        assert (found.label, "StopIteration" in found.reason) == ("wrong", True)


def test_tests_may_wait_for_stop_iteration(sandbox: Sandbox) -> None:
    test = "try:\n    add(1, 2)\nexcept StopIteration:\n    pass\nelse:\n    assert False"
    stops = "def add(x, y):\n    raise StopIteration\n"
    assert verdict(sandbox, stops, test).label == "right"
    assert verdict(sandbox, RIGHT, test).label == "wrong"


NOTHING_CALLED = [
    "pass",
    "def check(candidate):\n    pass",
    "def check(candidate):\n    assert callable(candidate)",
    "def check(candidate):\n    for x in []:\n        assert candidate(x, x)",
    "assert add",
    "def test_add():\n    assert add(1, 2) == 3",
    "if __name__ == '__main__':\n    assert add(1, 2) == 3",
    "import unittest\nunittest.main(exit=False)",
    "def check(candidate):\n    assert True or candidate(1, 2) == 3",
    "def check(candidate):\n    return (candidate(x, 1) for x in range(3))",
]


@pytest.mark.parametrize("test", NOTHING_CALLED)
def test_tests_that_call_nothing_judge_nothing(test: str, sandbox: Sandbox) -> None:
    for gold in ("", GOLD):
        for text in (
            RIGHT,
            "def add(x, y):\n    return 0\n",
            "def add(:\n",
            "import os; os._exit(0)",
        ):
            found = verdict(sandbox, text, test, gold)
            assert (found.label, found.reason[-22:]) == ("unscored", "the tests call nothing")


CASES = """
import unittest
class TestAdd(unittest.TestCase):
    def test_sums(self):
        self.assertEqual(add(1, 2), 3)
    def test_more(self):
        self.assertEqual(add(2, 2), 4)
"""


@pytest.mark.parametrize("call", ["", "unittest.main(exit=False)", "unittest.main()"])
def test_test_cases_are_run_wherever_they_are_started(call: str, sandbox: Sandbox) -> None:
    assert verdict(sandbox, RIGHT, CASES + call).label == "right"
    found = verdict(sandbox, "def add(x, y):\n    return 3\n", CASES + call)
    assert (found.label, found.reason) == ("wrong", "a test failed: AssertionError: 3 != 4")


TEST = "def check(candidate):\n    for x in range(3):\n        assert candidate(x, 1) == x + 1\n"
# What a program does beside being wrong; a right one that does it too is right.
HARMLESS = {
    "runs no test cases": "import unittest\nunittest.main(argv=['x'], exit=False)\n",
    "registers an end": "import atexit, os\natexit.register(os._exit, 0)\n",
    "changes assert's error": "import builtins\nbuiltins.AssertionError = ZeroDivisionError\n",
    "changes equality": "import operator\noperator.eq = lambda a, b: True\n",
    "changes all": "import builtins\nbuiltins.all = lambda xs: True\n",
    "changes the judge": "import __main__\n__main__.judge = lambda *a: ('right', '')\n",
    "changes what is compiled": "import builtins\nbuiltins.compile = lambda *a, **k: None\n",
    "defines a check": "def check(candidate):\n    return True\n",
    "prints a verdict": "print('[\"right\", \"\"]', flush=True)\n",
    "handles signals": "import signal\nsignal.signal(signal.SIGTERM, lambda *a: None)\n",
    "starts a thread": "import threading\nthreading.Thread(target=print, daemon=True).start()\n",
    "hides its exceptions": "import sys\nsys.excepthook = lambda *a: None\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_program_does_beside_changes_no_verdict(name: str, sandbox: Sandbox) -> None:
    assert verdict(sandbox, HARMLESS[name] + RIGHT, TEST).label == "right"
    assert verdict(sandbox, HARMLESS[name] + RIGHT.replace("+", "-"), TEST).label == "wrong"


# Ways to end the process that are no answer.
ENDS = [
    "import sys; sys.exit(0)",
    "import os; os._exit(0)",
    "exit(0)",
    "quit()",
    "raise SystemExit",
    "raise KeyboardInterrupt",
    "import os; os.kill(os.getpid(), 9)",
    "import os; os.abort()",
    "import os; os.execv('/usr/bin/true', ['true'])",
    "import ctypes; ctypes.string_at(0)",
    "import os; os.close(0); os.closerange(1, 99)",
]


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_the_program_is_not_the_end_of_the_tests(end: str, sandbox: Sandbox) -> None:
    swallowing = (
        "def check(candidate):\n"
        "    try:\n        candidate(1, 2)\n"
        "    except Exception:\n        pass"
    )
    for test in (TEST, swallowing):
        assert verdict(sandbox, f"def add(x, y):\n    {end}\n", test).label == "wrong"
        assert verdict(sandbox, f"{end}\n{RIGHT}", test).label == "wrong"


class_of = "class {name}({base}):\n    def __eq__(self, other): return True\n    __hash__ = None\n"
FOREIGN = [
    class_of.format(name="Yes", base="object") + "def add(x, y): return Yes()\n",
    class_of.format(name="Yes", base="int") + "def add(x, y): return Yes(9)\n",
    class_of.format(name="Yes", base="float") + "def add(x, y): return Yes(9)\n",
    class_of.format(name="Yes", base="str") + "def add(x, y): return Yes('9')\n",
    class_of.format(name="Yes", base="list") + "def add(x, y): return Yes([9])\n",
    class_of.format(name="Yes", base="tuple") + "def add(x, y): return Yes((9,))\n",
    class_of.format(name="Yes", base="dict") + "def add(x, y): return Yes()\n",
    "from unittest.mock import ANY\ndef add(x, y): return ANY\n",
    "def add(x, y): return add\n",
    "def add(x, y): return type('T', (), {'__eq__': lambda *a: True, '__add__': lambda *a: 3})()\n",
]


@pytest.mark.parametrize("program", FOREIGN)
def test_what_is_equal_to_everything_is_equal_to_nothing(program: str, sandbox: Sandbox) -> None:
    given_back = "def check(candidate):\n    assert candidate(candidate(1, 2), 0) == 3"
    for test in (TEST, given_back):
        for gold in ("", GOLD):
            assert verdict(sandbox, program, test, gold).label == "wrong"


def test_a_program_of_a_busy_machine_has_its_cpu_time_and_one_that_waits_has_not(
    sandbox: Sandbox,
) -> None:
    found = verdict(sandbox, "import time\ndef add(x, y):\n    time.sleep(99)\n", TEST)
    assert (found.label, found.reason) == ("wrong", "it took longer than 8 s, most of them idle")
    found = verdict(sandbox, "def add(x, y):\n    while True: pass\n", TEST)
    assert (found.label, found.reason) == ("wrong", "it took longer than 2 s of CPU")
    # Waiting is not computing: 3 s of wall time where 2 s of CPU are allowed.
    waits = "import time\ntime.sleep(3)\n" + RIGHT
    assert verdict(sandbox, waits, TEST).label == "right"


def test_no_verdict_is_given_of_tests_that_are_not_there(sandbox: Sandbox) -> None:
    for metadata, reason in (
        ({}, "no tests"),
        ({"test_list": "[]"}, "no tests"),
        ({"test_list": "[broken"}, "not a list"),
        ({"test_list": json.dumps(["assert True"])}, "call nothing"),
        ({"public_test_cases": "[]"}, "no tests"),
        ({"public_test_cases": '[{"input": "1"}]'}, "can't be read"),
        ({"public_test_cases": "[]", "private_test_cases": "AAAA"}, "refused"),
    ):
        question = Question("q", "?", "", metadata=metadata)
        text = program_of(question, RIGHT)
        found = compare(question, str(text), sandbox=sandbox)
        assert (found.label, reason in found.reason) == ("unscored", True), found
