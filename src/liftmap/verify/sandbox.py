"""Runs Python source that nobody trusts: closed in, under limits, killed whole at the end.

Used by the `code` verifier. Starts `sandbox_entry` in a fresh `python -I -S -B` inside bubblewrap,
or in namespaces of its own (`unshare`); reads and writes nothing outside.
"""

from __future__ import annotations

import glob
import itertools
import json
import math
import os
import selectors
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from liftmap.errors import MissingDependencyError

Way = Literal["bubblewrap", "unshare", "none"]
WAYS: tuple[Way, ...] = ("bubblewrap", "unshare")

STARTED = b"started\n"
# What starting a sandbox may take on a busy machine, in seconds.
GRACE = 10.0
REMEDY = (
    "Install bubblewrap (on Debian and Ubuntu: apt-get install bubblewrap), or run in a machine of "
    "your own that may be lost and allow it with the option unsafe = true (--unsafe-code)."
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/ld.so.cache")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sandbox may use.

    Attributes:
        seconds: CPU time of each process.
        wall: Wall time from the moment that the sandbox stands, in seconds; then everything is
            killed. It is for programs that wait: on a busy machine CPU time takes longer.
        memory: Bytes of address space of each process.
        processes: Processes and threads in all, the sandbox's own two among them.
        tmp: Bytes that /tmp holds; it is memory too.
        file: Bytes of one file.
        files: Open files of each process.
        output: Bytes of output that are kept; at more everything is killed.
    """

    seconds: float = 10.0
    wall: float = 70.0
    memory: int = 512 << 20
    processes: int = 8
    tmp: int = 64 << 20
    file: int = 16 << 20
    files: int = 32
    output: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run in the sandbox ended.

    Attributes:
        started: Whether the source began; if not, the failure is the sandbox's.
        output: What the source wrote, or why the sandbox did not start.
        timed_out: Killed at the wall time limit.
    """

    started: bool
    output: bytes
    timed_out: bool


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A way to close a process in.

    Attributes:
        way: bubblewrap, unshare, or none: limits alone, which don't hold root.
        limits: What it may use.
    """

    way: Way
    limits: Limits = field(default_factory=Limits)

    def run(self, source: str, given: bytes = b"") -> Outcome:
        """Runs source in a fresh interpreter, closed in, and kills all that it left behind.

        Args:
            source: Python of our own; it may start what is not trusted, once it has dropped what
                that should not see. Process 1 in its own world (except with way none).
            given: What it can read from file 0.

        Returns:
            What it wrote to file 1 or 2, and how it ended.
        """
        with tempfile.TemporaryFile() as stdin, self._folder() as folder:
            stdin.write(given)
            stdin.seek(0)
            process = subprocess.Popen(
                self._command(source),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={},
                start_new_session=True,
            )
            try:
                output, timed_out = _collect(process, self.limits)
            finally:
                _kill(process)
        started = STARTED in output
        kept = output.partition(STARTED)[2] if started else output
        return Outcome(started, kept, timed_out)

    def _folder(self) -> AbstractContextManager[str]:
        # Within a sandbox there is a /tmp of its own.
        return tempfile.TemporaryDirectory() if self.way == "none" else nullcontext("/")

    def _command(self, source: str) -> list[str]:
        shown, links = _shown()
        settings = {
            "how": self.way,
            "uid": _uid(),
            "started": STARTED.decode(),
            "limits": asdict(self.limits) | {"cpu": math.ceil(self.limits.seconds) + 1},
            "shown": shown,
            "links": links,
            "hidden": _hidden(),
            "devices": [d for d in DEVICES if os.path.exists(d)],
        }
        python = [_python(), "-I", "-S", "-B", "-X", "utf8", "-c"]
        inner = [*python, _entry(), json.dumps(settings), source]
        if self.way != "bubblewrap":
            return inner
        return [*_bubblewrap(self.limits.tmp, shown, links), "--", *inner]


def find_sandbox(unsafe: bool = False) -> Way:
    """The first way of closing a process in that works here; each is really tried.

    Args:
        unsafe: Give "none" where no way works, instead of an error.

    Raises:
        MissingDependencyError: None works, and `unsafe` is not set.
    """
    reasons = []
    for way in WAYS:
        reason = why_not(way)
        if not reason:
            return way
        reasons.append(f"{way}: {reason}")
    if unsafe:
        return "none"
    raise MissingDependencyError(
        "No sandbox works here, so the programs in the responses can't be run.",
        seen="; ".join(reasons),
        remedy=REMEDY,
    )


# Run by `why_not`: the promises that can be seen from within.
TRIAL = """
import os, socket, sys
def refused(action, *arguments):
    try:
        action(*arguments)
    except OSError:
        return True
    return False
assert os.getpid() <= 2 and os.getppid() <= 1, "no process namespace"
assert os.getuid() != 0, "still root"
assert not os.environ.keys() - {"LC_CTYPE", "PWD"}, "an environment"
assert not os.path.exists("/proc/1"), "a view of processes"
for place in ("/etc/passwd", "/sys/kernel", SECRET):
    assert not os.path.exists(place), "a view of the files outside"
for place in ("/", "/usr", "/dev", os.path.dirname(os.__file__)):
    assert refused(open, place + "/liftmap-trial", "w"), "can write to " + place
assert refused(socket.create_connection, ("127.0.0.1", 9), 0.1), "a network"
os.close(os.open("/dev/null", os.O_RDWR))
child = os.fork()
if not child:
    os.write(os.open("/tmp/trial", os.O_WRONLY | os.O_CREAT), b"x")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0, "no room in /tmp"
os.write(1, b"works")
"""


@lru_cache
def why_not(way: Way) -> str:
    """Why a way does not work here; empty if it does."""
    if sys.platform != "linux":
        return "only on Linux"
    if way == "bubblewrap" and not shutil.which("bwrap"):
        return "bwrap is not installed"
    with tempfile.NamedTemporaryFile() as secret:
        outcome = Sandbox(way).run(f"SECRET = {secret.name!r}\n{TRIAL}")
    if outcome.output == b"works":
        return ""
    lines = outcome.output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word"


def _bubblewrap(tmp: int, shown: list[str], links: dict[str, str]) -> list[str]:
    command = [
        shutil.which("bwrap") or "bwrap",
        "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
        "--die-with-parent", "--cap-drop", "ALL",
    ]  # fmt: skip
    if os.getuid() == 0:
        # Without a user namespace the process can become a user without privileges, one whose
        # processes can be counted: the limit on processes does not bind root.
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user"]
    command += ["--perms", "1777", "--size", str(tmp), "--tmpfs", "/tmp"]
    # The user inside must reach them, also what lies in a folder closed to others, as /root.
    parents = {str(p): 0 for path in (*shown, *DEVICES) for p in reversed(Path(path).parents[:-1])}
    for folder in parents:
        command += ["--perms", "0755", "--dir", folder]
    for path in shown:
        command += ["--ro-bind", path, path]
    for path in _hidden():
        command += ["--tmpfs", path, "--remount-ro", path]
    for path, target in links.items():
        command += ["--symlink", target, path]
    for path in DEVICES:
        command += ["--dev-bind-try", path, path]
    return [*command, "--remount-ro", "/", "--chdir", "/tmp"]


def _python() -> str:
    # Not a virtual environment's: what is installed there stays out.
    return os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)


@lru_cache
def _entry() -> str:
    return Path(__file__).with_name("sandbox_entry.py").read_text()


@lru_cache
def _shown() -> tuple[list[str], dict[str, str]]:
    """The paths that Python needs, none within another, and the links among them."""
    wanted = [*SYSTEM, os.path.realpath(sys.base_prefix), os.path.dirname(_python())]
    links = {p: os.readlink(p) for p in wanted if os.path.islink(p)}
    paths = [p for p in dict.fromkeys(wanted) if os.path.exists(p) and p not in links]
    shown = [p for p in paths if not any(p.startswith(f"{other}/") for other in paths)]
    return shown, links


@lru_cache
def _hidden() -> list[str]:
    """Folders of installed packages within what is shown: some hold benchmarks with solutions."""
    places = set(site.getsitepackages([os.path.realpath(sys.base_prefix)]))
    for pattern in ("/usr/lib/python3*/*-packages", "/usr/local/lib/python3*/*-packages"):
        places.update(glob.glob(pattern))
    shown, _ = _shown()
    real = {os.path.realpath(p) for p in places if os.path.isdir(p)}
    return sorted(p for p in real if any(p.startswith(f"{folder}/") for folder in shown))


_runs = itertools.count()


def _uid() -> int:
    """A user id that no other running sandbox has: the limit on processes counts by user."""
    first, size = 0, 1
    if sys.platform != "linux":
        return os.getuid()
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        inside, _, count = map(int, line.split())
        if count > size:
            first, size = inside, count
    last = min(first + size, 1 << 31) - 2
    # Not the one of the run before, whose processes may still be ending.
    number = 4 * threading.get_native_id() + next(_runs) % 4
    return last - number % max(1, min(size // 2, 1 << 24))


def _collect(process: subprocess.Popen[bytes], limits: Limits) -> tuple[bytes, bool]:
    """Output up to its limit, and whether the time ran out."""
    assert process.stdout is not None
    output = b""
    end = time.monotonic() + GRACE
    started = False
    with process.stdout as pipe, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(output) <= limits.output:
            left = end - time.monotonic()
            if left <= 0:
                return output, True
            if not selector.select(left):
                continue
            got = os.read(pipe.fileno(), 1 << 16)
            if not got:
                break
            output += got
            if not started and STARTED in output:
                started, end = True, time.monotonic() + limits.wall
    return output[: limits.output], False


def _kill(process: subprocess.Popen[bytes]) -> None:
    # Process 1 of the namespace is in this group; with it the kernel ends all processes inside.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
