"""Judges one program inside the sandbox by what it writes for what it reads.

Run as source by `sandbox`, as `code_judge` is for functions; knows nothing of liftmap. Reads from
file 0 a JSON object of program, prelude (run before the program), tests (input and wanted output of
each), seconds (of CPU, a test) and wall (a test); writes to file 1 the JSON list of outcome and
reason. Each test is a process of its own, which has seen one input and no output that is wanted.

Outputs are compared by LiveCodeBench's rule (lcb_runner/evaluation/testing_util.py): as many lines,
white space around them and around the whole aside; each line the same text, or the same decimal
numbers exactly, one by one ("1.0" is "1", and "0.33" is not "0.333").
"""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from decimal import Decimal, DecimalException
from typing import Any, NoReturn

# The longest output of a program, in bytes, and of what it says when it fails.
LONGEST = 16 << 20
LONGEST_ERROR = 4000
# How often the program's CPU time is looked at, in seconds.
LOOK_SECONDS = 0.02
# What the process between may take longer than the program.
GRACE = 10.0


def main() -> None:
    """Forks the process that starts the programs, gives it the inputs, and writes the outcome."""
    to_runner, from_runner = os.pipe(), os.pipe()
    # Before anything is read, so that the programs' memory never held the outputs.
    if os.fork() == 0:
        os.close(to_runner[1])
        os.close(from_runner[0])
        serve(to_runner[0], from_runner[1])
    os.close(to_runner[0])
    os.close(from_runner[1])
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    answers = os.dup(1)
    try:
        with os.fdopen(os.dup(0)) as file:
            job = json.load(file)
        outcome = judge(job, to_runner[1], from_runner[0])
    except MemoryError:
        outcome = ("unscored", "the tests don't fit into its memory")
    os.write(answers, json.dumps(outcome).encode())
    os._exit(0)


def judge(job: dict[str, Any], to: int, back: int) -> tuple[str, str]:
    """right, wrong, late or unscored, and the reason."""
    requests, replies = os.fdopen(to, "wb", buffering=0), os.fdopen(back, "rb")
    first = [job["program"], job["prelude"], job["seconds"], job["wall"]]
    for number, (given, wanted) in enumerate([(None, ""), *job["tests"]]):
        try:
            requests.write(json.dumps(first if given is None else given).encode() + b"\n")
        except OSError:
            return "wrong", "it ended the process that starts it"
        if not select.select([back], [], [], job["wall"] + GRACE)[0]:
            return "late", f"it took longer than {job['wall']:g} s"
        try:
            kind, said = json.loads(replies.readline(8 * LONGEST))
        except ValueError:
            return "wrong", "it ended the process that starts it"
        where = f" (test {number} of {len(job['tests'])})" if number else ""
        if kind != "output":
            return kind, f"{said}{where}"
        if number and not same_output(said, wanted):
            return "wrong", f"another output is wanted{where}"
    return "right", ""


def same_output(written: str, wanted: str) -> bool:
    """Whether two outputs are the same by LiveCodeBench's rule."""
    lines, wanted_lines = written.strip().split("\n"), wanted.strip().split("\n")
    if len(lines) != len(wanted_lines):
        return False
    return all(map(_same_line, map(str.strip, lines), map(str.strip, wanted_lines)))


def _same_line(line: str, wanted: str) -> bool:
    if line == wanted:
        return True
    words, wanted_words = line.split(), wanted.split()
    if len(words) != len(wanted_words):
        return False
    try:
        return all(Decimal(a) == Decimal(b) for a, b in zip(words, wanted_words, strict=True))
    except (DecimalException, ValueError):
        return False


def serve(requests: int, replies: int) -> NoReturn:
    """The process that starts the programs: one for each input; never returns."""
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    # Python without its module site lacks them.
    vars(builtins).update(exit=sys.exit, quit=sys.exit)
    names: dict[str, Any] = {}
    code: Any = None
    seconds = wall = 0.0
    with os.fdopen(requests, "rb") as lines:
        for line in lines:
            message = json.loads(line)
            reply = ["output", ""]
            if code is not None:
                reply = run(code, names, message, seconds, wall)
            else:
                program, prelude, seconds, wall = message
                exec(prelude, names)
                try:
                    code = compile(program, "<program>", "exec", dont_inherit=True)
                except BaseException as error:
                    reply = ["wrong", f"{type(error).__name__}: {error}"[:300]]
            data = json.dumps(reply).encode() + b"\n"
            while data:
                data = data[os.write(replies, data) :]
    os._exit(0)


def run(code: Any, names: dict[str, Any], given: str, seconds: float, wall: float) -> list[str]:
    """Runs a program on one input: its output, or what went wrong."""
    with tempfile.TemporaryFile() as file:
        try:
            file.write(given.encode(errors="surrogatepass"))
            file.flush()
        except OSError:
            return ["unscored", "its input does not fit into /tmp"]
        out, errors = os.pipe(), os.pipe()
        process = os.fork()
        if process == 0:
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            for end, number in ((file.fileno(), 0), (out[1], 1), (errors[1], 2)):
                os.dup2(end, number)
            play(code, dict(names), seconds)
    os.close(out[1])
    os.close(errors[1])
    try:
        return watch(process, out[0], errors[0], seconds, wall)
    finally:
        for stop in (os.kill, os.killpg):
            with contextlib.suppress(OSError):
                stop(process, signal.SIGKILL)
        os.close(out[0])
        os.close(errors[0])


def watch(process: int, out: int, errors: int, seconds: float, wall: float) -> list[str]:
    """Reads what a program writes until it ends, is late or writes too much."""
    written = {out: b"", errors: b""}
    longest = {out: LONGEST, errors: LONGEST_ERROR}
    os.set_blocking(out, False)
    os.set_blocking(errors, False)
    end = time.monotonic() + wall
    status: int | None = None
    while True:
        ended, now = (0, 0) if status is not None else os.waitpid(process, os.WNOHANG)
        if ended:
            status = now
        open_files = [file for file in written if longest[file]]
        # Once it has ended there is nothing to wait for: what it wrote lies in the pipe.
        ready = select.select(open_files, [], [], 0 if status is not None else LOOK_SECONDS)[0]
        for file in ready:
            got = os.read(file, 1 << 16)
            written[file] += got
            if not got:
                longest[file] = 0
            elif len(written[file]) > longest[file]:
                if file == out:
                    return ["wrong", "its output is too long"]
                written[file] = written[file][-LONGEST_ERROR:]
        if status is not None and not ready:
            break
        if status is None and used(process) > seconds:
            return ["late", f"it took longer than {seconds:g} s of CPU"]
        if time.monotonic() > end:
            return ["late", f"it took longer than {wall:g} s, most of them idle"]
        if status is None and not open_files:
            time.sleep(LOOK_SECONDS)
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return ["late", f"it took longer than {seconds:g} s of CPU"]
    if code:
        said = written[errors].decode(errors="replace").strip().rpartition("\n")[2]
        return ["wrong", (said or f"it ended with status {code}")[:300]]
    return ["output", written[out].decode(errors="replace")]


def used(process: int) -> float:
    """The CPU time that a process has taken, in seconds; see clock_getcpuclockid(3)."""
    try:
        return time.clock_gettime((~process << 3) | 2)
    except OSError:
        return 0.0


def play(code: Any, names: dict[str, Any], seconds: float) -> NoReturn:
    """The process of a program: runs it as the main module; never returns.

    From the first line of the program on nothing here can be relied on, and nothing is.
    """
    os.setpgid(0, 0)
    os.closerange(3, 1 << 12)
    bound = int(seconds) + 2
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or bound < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (bound, bound))
    for number, stream in enumerate(("stdin", "stdout", "stderr")):
        file = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115
        setattr(sys, stream, file)
        setattr(sys, f"__{stream}__", file)
    status = 0
    module = type(sys)("__main__")
    module.__dict__.update(names, __name__="__main__")
    sys.modules["__main__"] = module
    try:
        # LiveCodeBench takes SystemExit for an end like any other.
        with contextlib.suppress(SystemExit):
            exec(code, module.__dict__)
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()  # type: ignore[attr-defined]
        if "atexit" in sys.modules:
            sys.modules["atexit"]._run_exitfuncs()  # type: ignore[attr-defined]
        sys.stdout.flush()
    except BaseException as error:
        os.write(2, f"\n{type(error).__name__}: {error}".encode(errors="replace")[:LONGEST_ERROR])
        status = 1
    os._exit(status)


if __name__ == "__main__":
    main()
