"""Judges one program inside the sandbox: the tests run here, the program in a process of its own.

Run as source by `sandbox`; knows nothing of liftmap. Reads from file 0 a JSON object of program,
definitions, test, entry_point and seconds; writes to file 1 the JSON list of outcome and reason.
The program's process gets the program and the arguments of each call, and gives plain data back:
it sees neither the tests nor what they conclude, so it can't write the verdict, change what an
assertion means or return a thing that is equal to everything.
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
SMALL = 1 << 62


class ProgramError(Exception):
    """The program is at fault: it raised, ended, or said what is no answer."""


class TimeError(ProgramError):
    """The program took too long."""


class Foreign:
    """Stands for a value that is no plain data; equal to nothing else."""


def main() -> None:
    """Forks the process of the program, runs the tests against it, and writes the outcome."""
    to_program, from_program = os.pipe(), os.pipe()
    # Before anything is read, so that the program's process never held what it should not see.
    if os.fork() == 0:
        os.close(to_program[1])
        os.close(from_program[0])
        serve(to_program[0], from_program[1])
    os.close(to_program[0])
    os.close(from_program[1])
    for number in (signal.SIGINT, signal.SIGPIPE):
        # Process 1 is out of reach of signals that it has no handler for.
        signal.signal(number, signal.SIG_DFL if number == signal.SIGINT else signal.SIG_IGN)
    with os.fdopen(os.dup(0)) as file:
        job = json.load(file)
    answers = os.dup(1)
    silence()
    program = Program(to_program[1], from_program[0], job["seconds"])
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
    """

    def __init__(self, to: int, back: int, seconds: float) -> None:
        self.to, self.back, self.left = to, back, b""
        self.end = time.monotonic() + seconds
        self.seconds = seconds
        self.failure = ""

    def ask(self, message: Any) -> Any:
        """Sends a message and gives what comes back."""
        try:
            return self._ask(message)
        except ProgramError as error:
            self.failure = str(error)
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
        raised: Exception = ProgramError(self.failure)
        if isinstance(known, type) and issubclass(known, Exception):
            with contextlib.suppress(TypeError):
                raised = known(said)
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
        left = max(0.0, self.end - time.monotonic())
        ready = select.select(
            [] if writable else [self.back], [self.to] if writable else [], [], left
        )
        if not any(ready):
            raise TimeError(f"it took longer than {self.seconds:g} s")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Calls the entry point in the program's process."""
        return self.ask(encode([list(arguments), named]))


def judge(job: dict[str, Any], program: Program) -> tuple[str, str]:
    """right, wrong, late, or broken (the tests are, as it seems), and the reason."""
    names: dict[str, Any] = {"__name__": "tests"}
    try:
        # What the prompt defines is there for the tests to use.
        exec(compile(job["definitions"], "<prompt>", "exec", dont_inherit=True), names)
    except Exception:
        names = {"__name__": "tests"}

    def candidate(*arguments: Any, **named: Any) -> Any:
        return program(*arguments, **named)

    names[job["entry_point"]] = candidate
    try:
        tests = compile(job["test"], "<test>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return "broken", f"the test is no Python: {error}"
    try:
        program.ask([job["program"], job["entry_point"]])
        exec(tests, names)
        if callable(names.get("check")):
            names["check"](candidate)
    except TimeError as error:
        return "late", str(error)
    except AssertionError as error:
        return "wrong", f"a test failed: {error}"[:300] if str(error) else "a test failed"
    except (SystemExit, KeyboardInterrupt, MemoryError, RecursionError) as error:
        return "wrong", program.failure or type(error).__name__
    except Exception as error:
        if program.failure:
            return "wrong", program.failure
        kind = "broken" if isinstance(error, NameError | ImportError | NotPlainError) else "wrong"
        return kind, f"the tests raised {type(error).__name__}: {error}"[:300]
    return "right", ""


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
    if not foreign:
        raise NotPlainError(f"an argument of type {type(value).__name__} can't be passed")
    if isinstance(value, Iterator):
        return {"iterator": [encode(v, foreign) for v in value]}
    return {"foreign": type(value).__name__}


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
}


def serve(requests: int, replies: int) -> NoReturn:
    """The process of the program: runs it, then answers calls of its entry point; never returns.

    From the first line of the program on nothing here can be relied on, and nothing is.
    """
    silence()
    function: Callable[..., Any] | None = None
    with os.fdopen(requests, "rb") as lines:
        for line in lines:
            try:
                if function is None:
                    program, entry_point = json.loads(line)
                    module = type(sys)("program")
                    sys.modules["program"] = module
                    exec(compile(program, "<program>", "exec", dont_inherit=True), module.__dict__)
                    function = getattr(module, entry_point)
                    reply: Any = ["value", None]
                else:
                    arguments, named = decode(json.loads(line))
                    reply = ["value", encode(function(*arguments, **named), foreign=True)]
                text = json.dumps(reply)
            except BaseException as error:
                if isinstance(error, SystemExit | KeyboardInterrupt):
                    os._exit(0)
                text = json.dumps(["error", [type(error).__name__, str(error)[:300]]])
            data = text.encode() + b"\n"
            while data:
                data = data[os.write(replies, data) :]
    os._exit(0)


if __name__ == "__main__":
    main()
