"""The tests of a question for the `code` verifier, in any of the forms that benchmarks have.

Reads a question's metadata, runs nothing. HumanEval (arXiv 2107.03374): `prompt`, `test`,
`entry_point`. MBPP (arXiv 2108.07732): `test_list`, `test_setup_code`. LiveCodeBench (arXiv
2403.07974): `public_test_cases`, `private_test_cases`, `metadata` with the function's name if there
is one; without it a program reads its standard input and writes its standard output.
"""

from __future__ import annotations

import ast
import builtins
import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from liftmap.records import Question
from liftmap.verify.packed import PackedError, unpack_text
from liftmap.verify.programs import parsed

FORMS = (
    "A question of this verifier has in its metadata prompt, test and entry_point, or test_list, "
    "or public_test_cases."
)
# What LiveCodeBench imports before each program; solutions for LeetCode count on it.
STARRED = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random",
    "statistics", "itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing",
)  # fmt: skip
PRELUDE = "".join(f"from {name} import *\n" for name in STARRED) + (
    f"import {', '.join(name for name in STARRED if name not in ('builtins', 'typing'))}\n"
    "sys.setrecursionlimit(50000)\n"
)
# A list that is compared may come as a tuple, as LiveCodeBench has it; floats are compared exactly.
CALLS = """
import json
def check(candidate):
    for number, (arguments, wanted) in enumerate(json.loads({cases!r}), 1):
        found = candidate(*arguments)
        assert (list(found) if isinstance(found, tuple) else found) == wanted, f"test {{number}}"
"""


class TestsError(ValueError):
    """The tests of a question can't be used."""


@dataclass(frozen=True, slots=True)
class CodeTests:
    """How a program is tested.

    Attributes:
        entry_point: The function that the tests call; empty if they give input and read output.
        prompt: The beginning of the program, or empty.
        source: Python that tests the entry point.
        outputs: Pairs of input and wanted output.
        prelude: Python that runs before the program.
        count: How many tests have a limit of time of their own; 0: they share one.
        own: Other names that the tests expect the program to define, as a class of its nodes.
    """

    entry_point: str
    prompt: str = ""
    source: str = ""
    outputs: tuple[tuple[str, str], ...] = ()
    prelude: str = ""
    count: int = 0
    own: tuple[str, ...] = ()


def entry_point_of(question: Question) -> str:
    """The function that a question asks for; empty if it asks for a whole program."""
    about = question.metadata
    if about.get("entry_point"):
        return str(about["entry_point"])
    if "test_list" in about:
        return _tested_name(_test_list(question), str(about.get("test_setup_code", "")))
    return str(_livecodebench_facts(question).get("func_name") or "")


def tests_of(question: Question) -> CodeTests:
    """The tests of a question.

    Raises:
        TestsError: It has none, or they can't be read.
    """
    about = question.metadata
    name = entry_point_of(question)
    if "test_list" in about:
        lines = [str(about.get("test_setup_code", "")), *_test_list(question)]
        if not name:
            raise TestsError("the tests call nothing")
        return CodeTests(name, source="\n".join(lines), own=_own_names("\n".join(lines), name))
    if "public_test_cases" in about or "private_test_cases" in about:
        return _livecodebench(question, name)
    test = str(about.get("test", ""))
    if not test.strip() or not name:
        raise TestsError(f"the question has no tests. {FORMS}")
    return CodeTests(name, str(about.get("prompt", "")), test)


def _test_list(question: Question) -> list[str]:
    """The assertions of a question in MBPP's form: a list as JSON, or a line each."""
    given: Any = question.metadata["test_list"]
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            given = json.loads(given)
        except ValueError:
            raise TestsError("test_list is not a list of assertions") from None
    lines = given.splitlines() if isinstance(given, str) else given
    if not isinstance(lines, list) or not any(str(line).strip() for line in lines):
        raise TestsError(f"the question has no tests. {FORMS}")
    return [str(line) for line in lines]


def _tested_name(lines: list[str], setup: str) -> str:
    """The function that the most assertions call, of those that nobody has defined."""
    before = parsed(setup)
    known = set(dir(builtins))
    for node in ast.walk(before) if before else []:
        if isinstance(node, ast.alias):
            known.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            known.add(node.name)
    called: Counter[str] = Counter()
    for tree in filter(None, map(parsed, lines)):
        # A name counts once a line, and the outermost call of an assertion first.
        asserted: list[ast.AST] = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
        called.update(
            list(
                dict.fromkeys(
                    node.func.id
                    for part in asserted or [tree]
                    for node in ast.walk(part)
                    if isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id not in known
                )
            )
        )
    return called.most_common(1)[0][0] if called else ""


def _own_names(source: str, name: str) -> tuple[str, ...]:
    """The names that tests use and nobody defines, the entry point aside."""
    tree = parsed(source)
    if tree is None:
        return ()
    defined_names = {name, *dir(builtins)}
    used: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            defined_names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined_names.add(node.name)
        elif isinstance(node, ast.arg):
            defined_names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used[node.id] = None
        elif isinstance(node, ast.Name):
            defined_names.add(node.id)
    return tuple(used_name for used_name in used if used_name not in defined_names)


def _livecodebench_facts(question: Question) -> dict[str, Any]:
    try:
        facts = json.loads(str(question.metadata.get("metadata") or "{}"))
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _livecodebench(question: Question, name: str) -> CodeTests:
    about = question.metadata
    cases = [
        *_cases(str(about.get("public_test_cases") or "[]"), "public"),
        *_cases(str(about.get("private_test_cases") or "[]"), "private"),
    ]
    if not cases:
        raise TestsError(f"the question has no tests. {FORMS}")
    if not name:
        return CodeTests("", outputs=tuple(cases), prelude=PRELUDE, count=len(cases))
    try:
        calls = [
            ([json.loads(line) for line in given.strip().split("\n")], json.loads(wanted))
            for given, wanted in cases
        ]
    except ValueError:
        raise TestsError("the arguments or results of its tests are not JSON") from None
    source = CALLS.format(cases=json.dumps(calls))

    return CodeTests(name, source=source, prelude=PRELUDE, count=len(cases))


@lru_cache(maxsize=4)
def _cases(text: str, which: str) -> tuple[tuple[str, str], ...]:
    """Pairs of input and output: JSON, or JSON that is packed."""
    try:
        if not text.lstrip().startswith("["):
            text = unpack_text(text)
        rows = json.loads(text)
        return tuple((str(row["input"]), str(row["output"])) for row in rows)
    except PackedError as error:
        raise TestsError(f"its {which} tests are refused: {error}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise TestsError(f"its {which} tests can't be read: {error!r}"[:300]) from None
