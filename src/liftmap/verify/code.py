"""The code verifier: the program in a response must pass the question's tests, in a sandbox.

A verifier of the `verify` stage for questions in the form of HumanEval (Chen et al., arXiv
2107.03374): `prompt`, `test` and `entry_point` in the metadata, a solution as the gold answer.
Takes questions and texts, gives verdicts; what runs, runs in `sandbox`.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache, partial
from pathlib import Path

from liftmap.errors import ConfigError
from liftmap.records import Question, Verdict
from liftmap.verify.programs import definitions, find_program
from liftmap.verify.sandbox import GRACE, Limits, Sandbox, find_sandbox
from liftmap.verify.steps import TwoSteps

FORM = "A question of this verifier has prompt, test and entry_point in its metadata."


def code(
    *, seconds: float = 10.0, memory: int = 512, processes: int = 8, unsafe: bool = False
) -> TwoSteps:
    """Runs the tests of HumanEval-style questions on the program in the response.

    The program runs in a process of its own inside a sandbox, the tests in another that calls its
    function, so what passes between them is plain data (numbers, texts, lists, dicts, sets ...).

    Args:
        seconds: Wall time that a program and its tests may take; more than 0. One that takes longer
            is wrong.
        memory: MiB of address space of each process, at least 64.
        processes: Processes and threads that may run at once, at least 3.
        unsafe: Where no sandbox works, run the programs under limits alone, which don't keep them
            from this machine's files and network.

    Returns:
        Steps whose answer is the whole program. right: all tests passed; wrong: one failed, or the
        program raised, ended or took too long; unscored: the sandbox did not start, the question
        has no tests, or its gold solution does not pass them.

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
    limits = Limits(seconds=seconds, memory=memory << 20, processes=processes)
    sandbox = Sandbox(find_sandbox(unsafe), limits)
    # The response's program, and at times the gold solution.
    longest = 2 * (seconds + GRACE) + 10
    return TwoSteps(extract=program_of, compare=partial(compare, sandbox=sandbox), seconds=longest)


def program_of(question: Question, text: str) -> str | None:
    """The program that a response means; see `find_program`.

    Args:
        question: Its metadata has prompt and entry_point.
        text: The response.

    Returns:
        Python source; None if the response is blank.
    """
    prompt, name = (str(question.metadata.get(key, "")) for key in ("prompt", "entry_point"))
    return find_program(text, prompt, name)


def compare(question: Question, program: str, *, sandbox: Sandbox) -> Verdict:
    """The verdict of a program; the gold solution decides whose fault a failure is.

    Args:
        question: Its metadata has prompt, test and entry_point; its answer is a solution, or empty.
        program: What `program_of` found.
        sandbox: Where it runs.
    """
    about = question.metadata
    prompt, test, name = (str(about.get(key, "")) for key in ("prompt", "test", "entry_point"))
    if not test.strip() or not name:
        return Verdict("unscored", program, f"the question has no tests. {FORM}")
    kind, reason = outcome(sandbox, program, prompt, test, name)
    if kind == "right":
        return Verdict("right", program)
    if kind == "unscored":
        return Verdict("unscored", program, reason)
    if question.answer.strip():
        gold = gold_failure(sandbox, question.answer, prompt, test, name)
        if gold:
            return Verdict("unscored", program, f"the gold solution fails its own tests: {gold}")
    elif kind == "broken":
        return Verdict("unscored", program, reason)
    return Verdict("wrong", program, reason)


def outcome(sandbox: Sandbox, program: str, prompt: str, test: str, name: str) -> tuple[str, str]:
    """right, wrong, broken (perhaps the tests' fault) or unscored (ours), and the reason."""
    job = {
        "program": program,
        "definitions": definitions(prompt),
        "test": test,
        "entry_point": name,
        "seconds": sandbox.limits.seconds,
    }
    ran = sandbox.run(_judge(), json.dumps(job).encode())
    if not ran.started:
        said = ran.output.decode(errors="replace").strip()[-300:]
        return "unscored", f"the sandbox did not start: {said or 'no reason given'}"
    if ran.timed_out:
        return "wrong", f"it took longer than {sandbox.limits.seconds:g} s"
    try:
        kind, reason = json.loads(ran.output)
    except ValueError:
        said = ran.output.decode(errors="replace").strip()[-300:]
        return "wrong", f"the tests did not come to an end {said}".strip()
    return kind, reason


@lru_cache(maxsize=1024)
def gold_failure(sandbox: Sandbox, solution: str, prompt: str, test: str, name: str) -> str:
    """Why the gold solution fails the tests; empty if it passes them."""
    whole = (
        solution
        if re.search(rf"^def[ \t]+{re.escape(name)}\b", solution, re.M)
        else prompt + solution
    )
    kind, reason = outcome(sandbox, whole, prompt, test, name)
    return "" if kind == "right" else reason


@lru_cache
def _judge() -> str:
    return Path(__file__).with_name("code_judge.py").read_text()
