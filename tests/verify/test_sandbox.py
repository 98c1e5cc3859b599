"""The sandbox: attacks fail to have their effect, and the machine is fine afterwards."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from liftmap.records import Question, Verdict
from liftmap.verify.code import compare
from liftmap.verify.sandbox import WAYS, Limits, Sandbox, why_not

MARK = f"liftmap-trial-{uuid.uuid4().hex}"
REPOSITORY = Path(__file__).parents[2]

# What an attack returns is what the tests ask for only if it had its effect.
FORM = """
import ctypes, errno, os, signal, socket, sys, threading, time
C = ctypes.CDLL(None, use_errno=True)
def system(name, *arguments):
    if getattr(C, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
def attack():
{body}
def answer():
    try:
        attack()
    except BaseException as error:
        return type(error).__name__ + " " + str(getattr(error, "errno", None))
    return "escaped"
"""
TEST = """
def check(candidate):
    found = candidate()
    assert found == "escaped", found
"""

# name -> (what it does, a pattern of what it runs into)
ATTACKS = {
    "fork bomb": (
        "for _ in range(100):\n if not os.fork(): time.sleep(60)",
        "BlockingIOError 11",
    ),
    "thread bomb": (
        "for _ in range(100): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "RuntimeError None",
    ),
    "memory bomb": ("bytearray(1 << 32)", "MemoryError None"),
    "anonymous files": ("os.memfd_create('x')", "PermissionError 1"),
    "shared memory": ("system('shmget', 0, ctypes.c_size_t(1 << 30), 0o1600)", "PermissionError 1"),
    "filling the disk": (
        "for i in range(20):\n with open(f'/tmp/{mark}{i}', 'wb') as f: f.write(bytes(15 << 20))",
        "OSError 28",
    ),
    "one huge file": ("open('/tmp/x', 'wb').write(bytes(17 << 20))", "OSError 27"),
    "filling /dev/shm": ("open('/dev/shm/x', 'wb')", "FileNotFoundError 2"),
    "many open files": ("x = [open('/dev/null') for _ in range(100)]", "OSError 24"),
    "the environment": ("os.environ['LIFTMAP_TRIAL']", "KeyError None"),
    "the parent's environment": ("open(f'/proc/{os.getppid()}/environ')", "FileNotFoundError 2"),
    "connecting": ("socket.create_connection(('127.0.0.1', {port}), 2)", "PermissionError 1"),
    "connecting to the host of a virtual machine": ("socket.socket(40, 1)", "PermissionError 1"),
    "a name server": ("socket.getaddrinfo('example.org', 80)", "gaierror|PermissionError"),
    "signals to the user's processes": ("os.kill({parent}, 9)", "ProcessLookupError 3"),
    "a link out of /tmp": (
        "os.symlink('{folder}', '/tmp/out'); open('/tmp/out/new', 'w')",
        "FileNotFoundError 2",
    ),
    "writing to /etc": ("open('/etc/{mark}', 'w')", "OSError 30|PermissionError 13"),
    "writing to /": ("open('/{mark}', 'w')", "OSError 30|PermissionError 13"),
    "writing to /usr": ("open('/usr/lib/{mark}', 'w')", "OSError 30|PermissionError 13"),
    "writing to Python's library": (
        "open(os.path.dirname(os.__file__) + '/{mark}.py', 'w')",
        "OSError 30|PermissionError 13",
    ),
    "writing to the packages": ("open('{packages}/{mark}.py', 'w')", "FileNotFoundError 2"),
    "writing to the repository": ("open('{repository}/{mark}', 'w')", "FileNotFoundError 2"),
    "reading the solutions of a benchmark": (
        "import site\nplaces = filter(os.path.isdir, site.getsitepackages())\n"
        "assert [name for place in places for name in os.listdir(place)]",
        "AssertionError None",
    ),
    "reading a user's file": ("open('{folder}/secret').read()", "FileNotFoundError 2"),
    "reading /etc/shadow": ("open('/etc/shadow').read()", "FileNotFoundError 2"),
    "reading /root": ("open('/root/.profile').read()", "FileNotFoundError 2"),
    "looking into the judge": ("system('ptrace', 16, os.getppid(), 0, 0)", "PermissionError 1"),
    "reading the judge's memory": (
        "n = ctypes.c_ulong(0); system('process_vm_readv', os.getppid(), None, n, None, n, n)",
        "PermissionError 1",
    ),
    "mounting": ("system('mount', b'none', b'/tmp', b'tmpfs', 0, None)", "PermissionError 1"),
    "another root": ("os.mkdir('/tmp/r'); os.chroot('/tmp/r')", "PermissionError 1"),
    "becoming root": ("os.setuid(0)", "PermissionError 1|OSError 22"),
    "privileges through a program": (
        "assert C.prctl(39, 0, 0, 0, 0) == 0, 'no new privileges'",
        "AssertionError None",
    ),
    "a user namespace": ("system('unshare', 0x10000000)", "PermissionError 1"),
    "a user namespace for a child": (
        "system('syscall', {clone}, 0x10000011, 0, 0, 0, 0)",
        "PermissionError 1",
    ),
    "making a device": ("os.mknod('/tmp/disk', 0o60666, os.makedev(254, 0))", "PermissionError 1"),
    "reading a disk": ("open('/dev/vda', 'rb').read(1)", "FileNotFoundError 2"),
    "the kernel's settings": ("open('/proc/sys/kernel/hostname', 'w')", "FileNotFoundError 2"),
    "the control groups": ("os.listdir('/sys/fs/cgroup')", "FileNotFoundError 2"),
    "the terminal": ("open('/dev/tty')", "FileNotFoundError 2"),
    "more than the limits": (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
        "ValueError None",
    ),
    # These are allowed to run, and are to no avail: what they end with is a failed test.
    "killing the judge": (
        "[os.kill(os.getppid(), n) for n in (2, 15, 9)]; 1 / 0",
        "ZeroDivisionError|did not come to an end",
    ),
    "killing process 1": ("os.kill(1, 9); 1 / 0", "ZeroDivisionError|PermissionError 1"),
    "killing all": ("os.kill(-1, 9); 1 / 0", "ProcessLookupError 3|did not come to an end"),
    "stopping the judge": ("os.kill(os.getppid(), 19); os.killpg(0, 19)", "longer than"),
    "closing all files": ("os.closerange(0, 64); 1 / 0", "ended before"),
    "output without end": ("while True: print('x' * 9999)", "longer than"),
    "an answer without end": (
        "while True:\n for n in range(3, 32):\n  try: os.write(n, b'x' * 999)\n  except OSError: 0",
        "its answer is too long|longer than|could not be read",
    ),
    "a loop": ("while True: pass", "longer than"),
    "fork bomb that never gives up": (
        "while True:\n try: os.fork()\n except OSError: pass",
        "longer than",
    ),
    "a daemon": (
        "if not os.fork():\n os.setsid()\n if os.fork(): os._exit(0)\n"
        " os.execv('/usr/bin/sleep', ['{mark}', '300'])\ntime.sleep(0.2); 1 / 0",
        "ZeroDivisionError",
    ),
}  # fmt: skip


@pytest.fixture(params=WAYS)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    reason = why_not(request.param)
    if reason:
        pytest.skip(f"the sandbox {request.param} does not work here: {reason}")
    return Sandbox(request.param, Limits(seconds=1.5, wall=5))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def marked_processes() -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if MARK.encode() in (folder / "cmdline").read_bytes().split(b"\0")[0]:
                found.append(folder.name)
        except OSError:
            continue
    return found


def verdict(sandbox: Sandbox, program: str, test: str = TEST) -> Verdict:
    about = {"prompt": "", "test": test, "entry_point": "answer"}
    return compare(Question("q", "", "", metadata=about), program, sandbox=sandbox)


def fine(sandbox: Sandbox) -> bool:
    return verdict(sandbox, "def answer(): return 'escaped'").label == "right"


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_fails(
    name: str,
    sandbox: Sandbox,
    tmp_path: Path,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    monkeypatch.setenv("LIFTMAP_TRIAL", "a key")
    (tmp_path / "secret").write_text("a secret")
    body, expected = ATTACKS[name]
    for word, value in {
        "port": listener.getsockname()[1],
        "parent": os.getpid(),
        "folder": tmp_path,
        "mark": MARK,
        "repository": REPOSITORY,
        "packages": Path(pytest.__file__).parents[1],
        "clone": 56 if os.uname().machine == "x86_64" else 220,
    }.items():
        body = body.replace("{" + word + "}", str(value))
    body = "\n".join(" " + line for line in body.split("\n"))
    found = verdict(sandbox, FORM.replace("{body}", body))

    assert found.label == "wrong"
    assert re.search(expected, found.reason), found.reason
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["secret"]
    for folder in ("/", "/tmp", "/etc", "/usr/lib", os.path.dirname(os.__file__), REPOSITORY):
        assert not [n for n in os.listdir(folder) if MARK in n]
    wait_until(lambda: not marked_processes())
    assert fine(sandbox)


def test_nothing_lives_on_when_the_one_who_asked_is_killed(sandbox: Sandbox) -> None:
    source = f"import os; os.execv('/usr/bin/sleep', ['{MARK}', '300'])"
    asker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from liftmap.verify.sandbox import Sandbox, Limits\n"
            f"Sandbox({sandbox.way!r}, Limits(seconds=300)).run({source!r})",
        ]
    )
    try:
        wait_until(lambda: bool(marked_processes()))
    finally:
        asker.send_signal(signal.SIGKILL)
        asker.wait()
    wait_until(lambda: not marked_processes())


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_sandboxes_at_the_same_time_do_not_share_their_processes(sandbox: Sandbox) -> None:
    from concurrent.futures import ThreadPoolExecutor

    forks = (
        "import os, time\nfor i in range(6):\n    if not os.fork(): time.sleep(1); os._exit(0)\n"
    )
    run = partial(Sandbox(sandbox.way, Limits(seconds=5)).run, forks + "os.write(1, b'all')")
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: run(), range(4)))
    assert [o.output for o in outcomes] == [b"all"] * 4


def test_output_is_bounded_and_the_time_limit_holds(sandbox: Sandbox) -> None:
    limits = Limits(seconds=1, wall=2, output=100_000)
    flood = Sandbox(sandbox.way, limits).run("import os\nwhile True: os.write(1, b'x' * 10_000)")
    assert len(flood.output) <= 100_000
    assert not flood.timed_out
    sleeper = Sandbox(sandbox.way, limits).run("import time; time.sleep(60)")
    assert sleeper.started
    assert sleeper.timed_out


def test_where_nothing_works_it_refuses_to_start_unless_told_otherwise() -> None:
    # A process that may make no namespace: the sandbox's own filter sees to that.
    script = """
from liftmap.errors import MissingDependencyError
from liftmap.verify import sandbox_entry
sandbox_entry.process_control(sandbox_entry.SET_NO_NEW_PRIVILEGES, 1)
sandbox_entry.filter_system_calls()
from liftmap.records import Question
from liftmap.verify.code import code
try:
    code()
except MissingDependencyError as error:
    print(error)
steps = code(unsafe=True)
about = {"prompt": "", "entry_point": "f", "test": "def check(f): assert f(1) == 2"}
question = Question("q", "", "", metadata=about)
print(steps.compare.keywords["sandbox"].way)
print(*(steps.compare(question, f"def f(x): return x + {n}").label for n in (1, 2)))
"""
    if sys.platform != "linux" or os.uname().machine not in ("x86_64", "aarch64"):
        pytest.skip("no filter of system calls for this machine")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    message, way, labels = done.stdout.strip().split("\n")
    assert "No sandbox works here" in message
    assert "apt-get install bubblewrap" in message
    assert "--unsafe-code" in message
    assert (way, labels) == ("none", "right wrong")
