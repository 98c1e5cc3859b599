"""Programs that read input and write output, and LiveCodeBench's packed tests."""

from __future__ import annotations

import base64
import json
import os
import pickle
import zlib
from typing import Any

import pytest

from liftmap.records import Question, Verdict
from liftmap.verify.code import compare, program_of
from liftmap.verify.packed import PackedError, unpack_text
from liftmap.verify.sandbox import WAYS, Limits, Sandbox, why_not
from liftmap.verify.stdio_judge import same_output


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    for way in WAYS:
        if not why_not(way):
            return Sandbox(way, Limits(seconds=2, wall=8))
    pytest.skip("no sandbox works here")


def verdict(sandbox: Sandbox, program: str, *tests: tuple[str, str], name: str = "") -> Verdict:
    cases = [{"input": given, "output": wanted, "testtype": "-"} for given, wanted in tests]
    about = {"public_test_cases": json.dumps(cases), "metadata": json.dumps({"func_name": name})}
    question = Question("q", "?", "", metadata=about)
    source = program_of(question, f"```python\n{program}\n```")
    return compare(question, str(source), sandbox=sandbox)


SUMS = (("1 2\n", "3\n"), ("5 -7", "-2"))
READS = [
    "a, b = map(int, input().split())\nprint(a + b)",
    "import sys\nprint(sum(map(int, sys.stdin.read().split())))",
    "import sys\nfor line in sys.stdin:\n    print(sum(map(int, line.split())))",
    "import sys\ninput = sys.stdin.readline\nprint(sum(map(int, input().split())))",
    "import sys\nprint(sum(map(int, sys.stdin.buffer.readline().split())))",
    "print(sum(map(int, open(0).read().split())))",
    "import os\nos.write(1, str(sum(map(int, os.read(0, 99).split()))).encode())",
    "def main():\n    print(sum(map(int, input().split())))\nif __name__ == '__main__':\n  main()",
    "print(sum(map(int, input().split())))\nexit()",
    "import sys\nprint(sum(map(int, input().split())))\nsys.exit(3)",
    "import threading\nt = threading.Thread(target=lambda: print(sum(map(int, input().split()))))\n"
    "t.start()",
    "import atexit\natexit.register(lambda: print(sum(map(int, input().split()))))",
    "xs = deque(map(int, input().split()))\nprint(reduce(lambda a, b: a + b, xs))",
    "class Solution:\n    def add(self, xs: List[int]) -> int:\n        return sum(xs)\n"
    "print(Solution().add(list(map(int, input().split()))))",
]


@pytest.mark.parametrize("program", READS)
def test_ways_to_read_and_write(program: str, sandbox: Sandbox) -> None:
    assert verdict(sandbox, program, *SUMS).label == "right"
    wrong = verdict(sandbox, program, SUMS[0], ("5 -7", "-3"))
    assert (wrong.label, wrong.reason) == ("wrong", "another output is wanted (test 2 of 2)")


WRONG = {
    "no input left": ("input()\nprint(input())", "EOFError"),
    "raises after the output": ("print(sum(map(int, input().split())))\n1 / 0", "ZeroDivision"),
    "ends badly": ("import os\nprint(3, flush=True)\nos._exit(1)", "status 1"),
    "no Python": ("print(3", "SyntaxError"),
    "a loop": ("while True: pass", "longer than 2 s of CPU"),
    "waits": ("import time\ntime.sleep(99)", "longer than 8 s, most of them idle"),
    "too much": ("while True: print('x' * 9999)", "too long|longer than"),
    "kills who starts it": ("import os\nos.kill(os.getppid(), 9)", "ended the process"),
    "writes a verdict": (
        "import os\nfor n in range(3, 64):\n  try: os.write(n, b'[\"output\", \"3\"]\\n')\n"
        "  except OSError: pass",
        "another output",
    ),
    "looks for the outputs": (
        "import gc\nfor thing in gc.get_objects():\n"
        "  if isinstance(thing, (dict, list)) and 'wanted' in thing: print(thing['wanted'])",
        "another output",
    ),
    "remembers the test before": (
        "import builtins\nbuiltins.n = getattr(builtins, 'n', 2) + 1\nprint(-2 if n > 3 else 3)",
        "test 2 of 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_program_is_wrong_with_the_reason(name: str, sandbox: Sandbox) -> None:
    program, reason = WRONG[name]
    found = verdict(sandbox, program, *SUMS)
    assert found.label == "wrong"
    assert any(part in found.reason for part in reason.split("|")), found.reason


def test_an_input_may_be_larger_than_a_programs_own_files(sandbox: Sandbox) -> None:
    size = sandbox.limits.file + (1 << 20)
    found = verdict(sandbox, "print(len(input()))", ("x" * size, str(size)))
    assert (found.label, found.reason) == ("right", "")


def test_each_test_has_the_full_time(sandbox: Sandbox) -> None:
    burns = (
        "import time\nwhile time.process_time() < 1.2: pass\nprint(sum(map(int, input().split())))"
    )
    assert verdict(sandbox, burns, *SUMS, ("1 1", "2")).label == "right"
    calls = (
        "import time\ndef add(a, b):\n    end = time.process_time() + 1.2\n"
        "    while time.process_time() < end: pass\n    return a + b"
    )
    tests = [("1\n2", "3"), ("3\n4", "7"), ("5\n6", "11")]
    assert verdict(sandbox, calls, *tests, name="add").label == "right"


@pytest.mark.parametrize(
    ("written", "wanted", "same"),
    [
        ("3", "3\n", True),
        ("  3 \n\n", "3", True),
        ("1 2\n3", "1 2 \n 3\n", True),
        ("1.0", "1", True),
        ("1e3 2", "1000 2.00", True),
        ("Yes", "YES", False),
        ("1  2", "1 2", True),
        ("a  b", "a b", False),
        ("0.333", "0.3333", False),
        ("50000000000000001", "50000000000000000", False),
        ("1 2", "1\n2", False),
        ("1\n\n2", "1\n2", False),
        ("", "0", False),
        ("nan", "NaN", False),
        ("sNaN", "1", False),
        ("1 2 3", "1 2", False),
    ],
)
def test_livecodebenchs_rule(written: str, wanted: str, same: bool) -> None:
    assert same_output(written, wanted) is same


CASES = json.dumps([{"input": "1", "output": "ä\u2603"}])


def packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("text", [CASES, "", "x" * 70_000])
def test_a_packed_text_is_read_whole(protocol: int, text: str) -> None:
    assert unpack_text(packed(pickle.dumps(text, protocol))) == text


class Runs:
    """What a pickle that runs a program holds."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (9,)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed(pickle.dumps(Runs())), "more than a text"),
        (packed(pickle.dumps([CASES])), "more than a text"),
        (packed(pickle.dumps(len)), "more than a text"),
        (packed(pickle.dumps(b"bytes")), "more than a text"),
        (packed(pickle.dumps((CASES, CASES))), "more than a text"),
        (packed(b"\x80\x04X\x01\x00\x00\x00aX\x01\x00\x00\x00b."), "more than a text"),
        (packed(pickle.dumps(CASES) + pickle.dumps(CASES)), "something follows"),
        (packed(pickle.dumps(CASES)[:-1]), "can't be read"),
        (packed(b"."), "no text"),
        (packed(b""), "can't be read"),
        (packed(b"X\xff\xff\xff\x7fabc."), "can't be read"),
        (base64.b64encode(pickle.dumps(CASES)).decode(), "not packed by zlib"),
        (packed(pickle.dumps(CASES))[:-8], "base64|too early"),
        ("not base64!", "not base64"),
    ],
)
def test_anything_but_one_text_is_refused(content: str, reason: str) -> None:
    with pytest.raises(PackedError) as refused:
        unpack_text(content)
    assert any(part in str(refused.value) for part in reason.split("|")), refused.value


def test_what_unpacks_to_more_than_its_bound_is_refused() -> None:
    bomb = packed(pickle.dumps("0" * 5_000_000))
    assert len(bomb) < 10_000
    assert len(unpack_text(bomb)) == 5_000_000
    with pytest.raises(PackedError, match="more than 1,000,000 bytes"):
        unpack_text(bomb, 1_000_000)
