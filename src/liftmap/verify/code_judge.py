"""Judges one program inside the sandbox: the tests run here, the program in a process of its own.

Run as source by `sandbox`; knows nothing of liftmap. Reads from file 0 a JSON object of program,
prelude (run before the program), definitions, test, entry_point, own (other names that the tests
expect of the program), seconds (of CPU), each (whether every call has so many, or all together) and
wall; writes to file 1 the JSON list of outcome and reason.
The program's process gets the program and the arguments of each call, and gives plain data back:
it sees neither the tests nor what they conclude, so it can't write the verdict, change what an
assertion means or return a thing that is equal to everything. Objects of the program's own classes
stay in its process, where tests need them; the tests hold a number that stands for each.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, KeysView
from typing import Any, NoReturn

# The longest message between the two, in bytes.
LONGEST = 16 << 20
# How often the program's CPU time is looked at, in seconds.
LOOK_SECONDS = 0.05
SMALL = 1 << 62
NOTHING_CALLED = ("unscored", "the tests call nothing")


class ProgramError(Exception):
    """The program is at fault: it raised, ended, or said what is no answer."""


class OwnError(Exception):
    """The program raised an exception of its own kind."""


class TimeError(ProgramError):
    """The program took too long."""


class ForeignError(ProgramError):
    """The tests give the program a thing back that is not plain data."""


class Foreign:
    """Stands for a value that is no plain data; equal to nothing else."""


class Kept:
    """An object that the tests made with a class of the program, in whose process it lives.

    Reading and setting attributes and calling methods happens there; it equals itself alone.
    """

    def __init__(self, program: Program, number: int) -> None:
        vars(self).update(_program=program, _number=number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._program.send("get", self._number, name)
        if value is not METHOD:
            return value
        return lambda *arguments, **named: self._program.send(
            "method", self._number, name, list(arguments), named
        )

    def __setattr__(self, name: str, value: Any) -> None:
        self._program.send("set", self._number, name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kept) and other._number == self._number

    def __hash__(self) -> int:
        return hash(self._number)


# Stands for an attribute that is called.
METHOD = object()


class CallError(BaseException):
    """The tests call the entry point; for finding out whether they do."""


def main() -> None:
    """Forks the process of the program, runs the tests against it, and writes the outcome."""
    to_program, from_program = os.pipe(), os.pipe()
    # Before anything is read, so that the program's process never held what it should not see.
    process = os.fork()
    if process == 0:
        os.close(to_program[1])
        os.close(from_program[0])
        serve(to_program[0], from_program[1])
    os.close(to_program[0])
    os.close(from_program[1])
    for number in (signal.SIGINT, signal.SIGPIPE):
        # Process 1 is out of reach of signals that it has no handler for.
        signal.signal(number, signal.SIG_DFL if number == signal.SIGINT else signal.SIG_IGN)
    answers = os.dup(1)
    try:
        with os.fdopen(os.dup(0)) as file:
            job = json.load(file)
    except MemoryError:
        os.write(answers, json.dumps(["unscored", "the tests don't fit into its memory"]).encode())
        os._exit(0)
    silence()
    program = Program(process, to_program[1], from_program[0], job)
    MAKERS["kept"] = lambda n: Kept(program, int(n)) if job["own"] else Foreign()
    outcome = judge(job, program)
    os.write(answers, json.dumps(outcome).encode())
    os._exit(0)


def silence() -> None:
    """Points files 0, 1 and 2 at nothing."""
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.close(nothing)


class Program:
    """The process that the program runs in, seen from the tests.

    Attributes:
        failure: The last thing that went wrong in it; empty if nothing did.
        fault: The error after which nothing that it says can count, whatever the tests make of it.
        calls: How often its entry point was called.
        stopped: Whether it raised StopIteration, which ends the loop of who asks, unseen.
    """

    def __init__(self, process: int, to: int, back: int, job: dict[str, Any]) -> None:
        self.clock = (~process << 3) | 2  # of its CPU time, all threads; see clock_getcpuclockid(3)
        self.to, self.back, self.left = to, back, b""
        self.seconds, self.wall, self.each = job["seconds"], job["wall"], job["each"]
        self.entry_point = job["entry_point"]
        self.begun, self.end = self.used(), time.monotonic() + self.wall
        self.failure = ""
        self.fault: ProgramError | None = None
        self.calls = 0
        self.stopped = False

    def used(self) -> float:
        """The CPU time that it has taken, in seconds."""
        try:
            return time.clock_gettime(self.clock)
        except OSError:
            return 0.0

    def ask(self, message: Any) -> Any:
        """Sends a message and gives what comes back."""
        if self.each:
            self.begun, self.end = self.used(), time.monotonic() + self.wall
        try:
            return self._ask(message)
        except ProgramError as error:
            self.failure = str(error)
            self.fault = error
            raise

    def _ask(self, message: Any) -> Any:
        self._send(json.dumps(message).encode() + b"\n")
        line = self._line()
        try:
            kind, value = json.loads(line)
            if kind == "value":
                return decode(value)
            name, said = map(str, value)
        except (ValueError, TypeError, KeyError, RecursionError, MemoryError, ArithmeticError):
            raise ProgramError("its answer could not be read") from None
        self.failure = f"{name}: {said}"[:300]
        # Tests may wait for an exception of a certain kind.
        known = getattr(builtins, name, None)
        raised: Exception = OwnError(self.failure)
        if isinstance(known, type) and issubclass(known, Exception):
            with contextlib.suppress(TypeError):
                raised = known(said)
        self.stopped |= isinstance(raised, StopIteration | StopAsyncIteration)
        raise raised

    def _send(self, data: bytes) -> None:
        os.set_blocking(self.to, False)
        while data:
            self._wait(writable=True)
            try:
                data = data[os.write(self.to, data) :]
            except OSError:
                raise ProgramError("it ended before the tests did") from None

    def _line(self) -> bytes:
        parts = [self.left]
        size = len(self.left)
        while b"\n" not in parts[-1]:
            self._wait()
            got = os.read(self.back, 1 << 20)
            if not got:
                raise ProgramError("it ended before the tests did")
            parts.append(got)
            size += len(got)
            if size > LONGEST:
                raise ProgramError("its answer is too long")
        line, _, self.left = b"".join(parts).partition(b"\n")
        return line

    def _wait(self, writable: bool = False) -> None:
        files = ([], [self.to]) if writable else ([self.back], [])
        while True:
            ready = any(select.select(*files, [], LOOK_SECONDS))
            if self.used() - self.begun > self.seconds:
                raise TimeError(f"it took longer than {self.seconds:g} s of CPU")
            if ready:
                return
            if time.monotonic() > self.end:
                raise TimeError(f"it took longer than {self.wall:g} s, most of them idle")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Calls the entry point in the program's process."""
        self.calls += 1
        return self.send("call", None, self.entry_point, list(arguments), named)

    def made(self, name: str) -> Callable[..., Any]:
        """What calls another name of the program, as a class of its own, in its process."""
        return lambda *arguments, **named: self.send("call", None, name, list(arguments), named)

    def send(self, what: str, *details: Any) -> Any:
        """Has something done in the program's process; see `do`."""
        try:
            message = encode([what, *details])
        except ForeignError as error:
            self.failure, self.fault = str(error), error
            raise
        return self.ask(message)


def judge(job: dict[str, Any], program: Program) -> tuple[str, str]:
    """right, wrong, late, broken (the tests are, as it seems) or unscored, and the reason."""
    try:
        tests = compile(job["test"], "<test>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return "broken", f"the test is no Python: {error}"
    kind, reason = "right", ""
    try:
        program.ask([job["program"], job["entry_point"], job["prelude"], job["own"]])
    except Exception:
        if calls_nothing(job, tests):
            return NOTHING_CALLED
        return "late" if isinstance(program.fault, TimeError) else "wrong", program.failure
    try:
        own = {name: program.made(name) for name in job["own"]}
        run_tests(job, tests, lambda *arguments, **named: program(*arguments, **named), own)
    except AssertionError as error:
        kind = "wrong"
        reason = f"a test failed: {error}"[:300] if str(error) else "a test failed"
    except (SystemExit, KeyboardInterrupt, MemoryError, RecursionError) as error:
        kind, reason = "wrong", program.failure or type(error).__name__
    except Exception as error:
        kind, reason = "wrong", program.failure
        if not reason:
            reason = f"the tests raised {type(error).__name__}: {error}"[:300]
            if isinstance(error, NameError | ImportError | NotPlainError):
                kind = "broken"
    if program.fault is not None:
        # Tests that wait for any error at all don't make it right.
        return "late" if isinstance(program.fault, TimeError) else "wrong", str(program.fault)
    if kind == "right" and program.stopped and "StopIteration" not in job["test"]:
        return "wrong", "it raised StopIteration, which ends the tests before their end"
    if kind == "right" and not program.calls:
        return NOTHING_CALLED
    return kind, reason


def run_tests(
    job: dict[str, Any], tests: Any, candidate: Callable[..., Any], own: dict[str, Any]
) -> None:
    """Runs the tests of a question on a function, and on what else they expect of the program."""
    names: dict[str, Any] = {"__name__": "tests"}
    try:
        # What the prompt defines is there for the tests to use.
        exec(compile(job["definitions"], "<prompt>", "exec", dont_inherit=True), names)
    except Exception:
        names = {"__name__": "tests"}
    names |= own
    names[job["entry_point"]] = candidate
    if "unittest" not in job["test"]:
        exec(tests, names)
    else:
        import unittest

        # It would look for test cases in this module, and leave the process or go on over failures.
        unittest.main = lambda *_, **__: None  # type: ignore[assignment,misc]
        exec(tests, names)
        run_test_cases(names)
    if callable(names.get("check")):
        names["check"](candidate)


def run_test_cases(names: dict[str, Any]) -> None:
    """Runs the test cases among names; an AssertionError if one fails."""
    import unittest

    result = unittest.TestResult()
    for case in list(names.values()):
        if isinstance(case, type) and issubclass(case, unittest.TestCase):
            unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    for _, trace in (*result.errors, *result.failures):
        raise AssertionError(trace.strip().rpartition("\n")[2])


def calls_nothing(job: dict[str, Any], tests: Any) -> bool:
    """Whether the tests come to their end without a call, whatever the program is."""
    calls = []

    def candidate(*arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        raise CallError

    try:
        run_tests(job, tests, candidate, dict.fromkeys(job["own"], candidate))
    except BaseException:
        return False
    return not calls


class NotPlainError(Exception):
    """The tests pass what can't be sent to another process."""


def encode(value: Any, foreign: bool = False) -> Any:
    """A value as JSON that keeps what JSON does not know; not plain: an error, or Foreign."""
    if value is None or isinstance(value, bool | str):
        return value if value is None or isinstance(value, bool) else str.__str__(value)
    if isinstance(value, int):
        whole = int(value)
        return whole if -SMALL < whole < SMALL else {"int": hex(whole)}
    if isinstance(value, float):
        return float(value)
    if isinstance(value, list):
        return [encode(v, foreign) for v in value]
    for kind in (tuple, set, frozenset):
        if isinstance(value, kind):
            return {kind.__name__: [encode(v, foreign) for v in value]}
    if isinstance(value, dict):
        pairs = [[encode(k, foreign), encode(v, foreign)] for k, v in value.items()]
        return {"dict": pairs}
    if isinstance(value, bytes | bytearray):
        return {type(value).__name__: value.hex()}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, range):
        return {"range": [encode(v) for v in (value.start, value.stop, value.step)]}
    if isinstance(value, KeysView):
        return {"set": [encode(v, foreign) for v in value]}
    if type(value).__name__ in ("Fraction", "Decimal"):
        return {type(value).__name__: str(value)}
    if isinstance(value, Kept):
        return {"kept": value._number}
    if isinstance(value, Foreign):
        raise ForeignError("the tests gave it back what it returned, which is not plain data")
    if not foreign:
        raise NotPlainError(f"an argument of type {type(value).__name__} can't be passed")
    if type(value).__name__ in OWN_CLASSES:
        if id(value) not in OBJECT_NUMBERS:
            # It is held here too, so that nothing else gets its id.
            OBJECT_NUMBERS[id(value)] = len(OBJECTS)
            OBJECTS.append(value)
        return {"kept": OBJECT_NUMBERS[id(value)]}
    if isinstance(value, Iterator):
        return {"iterator": [encode(v, foreign) for v in value]}
    return {"foreign": type(value).__name__}


# In the program's process: the names that tests expect beside the entry point, the objects that the
# tests hold, and where by their id.
OWN_CLASSES: set[str] = set()
OBJECTS: list[Any] = []
OBJECT_NUMBERS: dict[int, int] = {}


def decode(value: Any) -> Any:
    """The value that `encode` was given."""
    if isinstance(value, list):
        return [decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "dict":
        return {decode(k): decode(v) for k, v in inner}
    return MAKERS[kind](inner)


def _fraction(text: str) -> Any:
    from fractions import Fraction

    return Fraction(text)


def _decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


MAKERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16),
    "tuple": lambda values: tuple(decode(values)),
    "set": lambda values: set(decode(values)),
    "frozenset": lambda values: frozenset(decode(values)),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": lambda parts: complex(*parts),
    "range": lambda parts: range(*decode(parts)),
    "iterator": lambda values: iter(decode(values)),
    "Fraction": _fraction,
    "Decimal": _decimal,
    "foreign": lambda name: Foreign(),
    "kept": lambda number: OBJECTS[number],
    "method": lambda name: METHOD,
}


def serve(requests: int, replies: int) -> NoReturn:
    """The process of the program: runs it, then answers calls of its entry point; never returns.

    From the first line of the program on nothing here can be relied on, and nothing is.
    """
    silence()
    # Python without its module site lacks them.
    vars(builtins).update(exit=sys.exit, quit=sys.exit)
    module: Any = None
    with os.fdopen(requests, "rb") as lines:
        for line in lines:
            try:
                if module is None:
                    program, entry_point, prelude, own = json.loads(line)
                    OWN_CLASSES.update([*own, entry_point] if own else [])
                    module = type(sys)("program")
                    sys.modules["program"] = module
                    exec(prelude, module.__dict__)
                    exec(compile(program, "<program>", "exec", dont_inherit=True), module.__dict__)
                    getattr(module, entry_point)
                    reply: Any = ["value", None]
                else:
                    reply = ["value", do(module, *decode(json.loads(line)))]
                text = json.dumps(reply)
            except BaseException as error:
                if isinstance(error, SystemExit | KeyboardInterrupt):
                    os._exit(0)
                kinds = (t.__name__ for t in type(error).__mro__ if t.__module__ == "builtins")
                text = json.dumps(["error", [next(kinds), str(error)[:300]]])
            data = text.encode() + b"\n"
            while data:
                data = data[os.write(replies, data) :]
    os._exit(0)


def do(
    module: Any,
    what: str,
    number: int | None,
    name: str,
    value: Any = None,
    named: dict[str, Any] | None = None,
) -> Any:
    """Calls a name of the program, or reads, sets or calls an attribute of an object that is kept.

    Args:
        module: The program.
        what: "call", "get", "set" or "method".
        number: Which object; None: the program itself.
        name: The name or the attribute.
        value: What is set, or the list of arguments.
        named: The named arguments.

    Returns:
        The result, encoded.
    """
    target = module if number is None else OBJECTS[number]
    if what == "set":
        setattr(target, name, value)
        return None
    member = getattr(target, name)
    if what == "get":
        return {"method": name} if callable(member) else encode(member, foreign=True)
    return encode(member(*value, **(named or {})), foreign=True)


if __name__ == "__main__":
    main()
