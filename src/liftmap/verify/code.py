"""The code verifier: the program in a response must pass the question's tests, in a sandbox.

A verifier of the `verify` stage for questions in the forms of HumanEval, MBPP and LiveCodeBench;
`code_tests` says what they are. Takes questions and texts, gives verdicts; what runs, runs in
`sandbox`.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from liftmap.errors import ConfigError
from liftmap.records import Question, Verdict
from liftmap.verify.code_tests import CodeTests, TestsError, entry_point_of, tests_of
from liftmap.verify.programs import definitions, find_program
from liftmap.verify.sandbox import GRACE, Limits, Sandbox, find_sandbox
from liftmap.verify.steps import TwoSteps

# Limits are CPU time. A program that waits, or gets hardly any CPU, is ended after so much wall
# time: a share of the limit, and a rest.
WALL_SHARE = 6.0
WALL_REST = 10.0
# Where each test has the full time, all together have so many times that.
MOST_TIMES = 30


def code(
    *, seconds: float = 10.0, memory: int = 512, processes: int = 8, unsafe: bool = False
) -> TwoSteps:
    """Runs a question's tests on the program in the response.

    The program runs in a process of its own inside a sandbox. Tests that call a function run in
    another, so what passes between them is plain data (numbers, texts, lists, dicts, sets ...);
    tests of input and output give the program one and compare the other.

    Args:
        seconds: CPU time of a program for all its tests (HumanEval, MBPP) or for each of them
            (LiveCodeBench; 30 times that for all); more than 0. One that takes longer is wrong, and
            so is one that waits for 10 s of wall time and 6 times `seconds`.
        memory: MiB of address space of each process, at least 64.
        processes: Processes and threads that may run at once, at least 3.
        unsafe: Where no sandbox works, run the programs under limits alone, which don't keep them
            from this machine's files and network.

    Returns:
        Steps whose answer is the whole program. right: all tests passed; wrong: one failed, or the
        program raised, ended or took too long; unscored: the sandbox did not start, the question
        has no tests, they call nothing, or its gold solution does not pass them.

    Raises:
        ConfigError: A limit is too small.
        MissingDependencyError: No sandbox works here, and `unsafe` is not set.
    """
    for name, value, least in (("memory", memory, 64), ("processes", processes, 3)):
        if value < least:
            raise ConfigError(
                f"verify.options.{name} is too small.", seen=value, remedy=f"At least {least}."
            )
    if not seconds > 0:
        raise ConfigError("verify.options.seconds must be more than 0.", seen=seconds)
    # Imported here: it needs what not every system has.
    from liftmap.verify.pool import WALL_SHARE as POOL_WALL_SHARE

    limits = Limits(seconds, wall_of(seconds), memory << 20, processes)
    sandbox = Sandbox(find_sandbox(unsafe), limits)
    # The response's program, and at times the gold solution.
    longest = 2 * (wall_of(MOST_TIMES * seconds) + GRACE)
    return TwoSteps(program_of, partial(compare, sandbox=sandbox), longest / POOL_WALL_SHARE)


def wall_of(seconds: float) -> float:
    """The wall time of what may take so much CPU time."""
    return WALL_REST + WALL_SHARE * seconds


def program_of(question: Question, text: str) -> str | None:
    """The program that a response means; see `find_program`.

    Args:
        question: Its metadata has the tests.
        text: The response.

    Returns:
        Python source; None if the response is blank.
    """
    prompt = str(question.metadata.get("prompt", ""))
    try:
        return find_program(text, prompt, entry_point_of(question))
    except TestsError:
        # `compare` says what is wrong with the question.
        return text if text.strip() else None


def compare(question: Question, program: str, *, sandbox: Sandbox) -> Verdict:
    """The verdict of a program; the gold solution decides whose fault a failure is.

    Args:
        question: Its metadata has the tests; its answer is a solution, or empty.
        program: What `program_of` found.
        sandbox: Where it runs.
    """
    try:
        tests = tests_of(question)
    except TestsError as error:
        return Verdict("unscored", program, str(error))
    kind, reason = outcome(sandbox, program, tests)
    if kind == "right":
        return Verdict("right", program)
    if kind == "unscored":
        return Verdict("unscored", program, reason)
    if question.answer.strip():
        gold = gold_failure(sandbox, question.answer, tests)
        if gold:
            return Verdict("unscored", program, f"the gold solution fails its own tests: {gold}")
    elif kind == "broken":
        return Verdict("unscored", program, reason)
    return Verdict("wrong", program, reason)


def outcome(sandbox: Sandbox, program: str, tests: CodeTests) -> tuple[str, str]:
    """right, wrong, late, broken (perhaps the tests' fault) or unscored (ours), and the reason."""
    limits = sandbox.limits
    job = {
        "program": program,
        "prelude": tests.prelude,
        "seconds": limits.seconds,
        "wall": limits.wall,
        "each": tests.count > 0,
    }
    if tests.entry_point:
        judge = _source("code_judge.py")
        job |= {
            "definitions": definitions(tests.prompt),
            "test": tests.source,
            "entry_point": tests.entry_point,
        }
    else:
        judge = _source("stdio_judge.py")
        job["tests"] = tests.outputs
    times = min(max(1, tests.count), MOST_TIMES)
    # With a little more than the judge allows, so that the judge is the one that says so.
    whole = replace(
        limits, seconds=times * limits.seconds + 1, wall=times * limits.wall + WALL_REST
    )
    ran = replace(sandbox, limits=whole).run(judge, json.dumps(job).encode())
    if not ran.started:
        said = ran.output.decode(errors="replace").strip()[-300:]
        return "unscored", f"the sandbox did not start: {said or 'no reason given'}"
    if ran.timed_out:
        return "late", f"it took longer than {whole.wall:g} s, most of them idle"
    try:
        kind, reason = json.loads(ran.output)
    except ValueError:
        said = ran.output.decode(errors="replace").strip()[-300:]
        return "wrong", f"the tests did not come to an end {said}".strip()
    return kind, reason


@lru_cache(maxsize=1024)
def gold_failure(sandbox: Sandbox, solution: str, tests: CodeTests) -> str:
    """Why the gold solution fails the tests; empty if it passes them."""
    name = re.escape(tests.entry_point)
    whole = solution
    if tests.prompt and not re.search(rf"^def[ \t]+{name}\b", solution, re.M):
        whole = tests.prompt + solution
    kind, reason = outcome(sandbox, whole, tests)
    return "" if kind == "right" else reason


@lru_cache
def _source(file: str) -> str:
    return Path(__file__).with_name(file).read_text()
