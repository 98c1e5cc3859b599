"""Starts a server from a command template, waits until it answers, and ends it.

Used by the `server` engine. The server's output goes to a temporary file that is removed with it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import weakref
from typing import IO, Any

from liftmap.errors import ConfigError, ModelError
from liftmap.registry import nearest
from liftmap.sample.server import guard

PLACEHOLDERS = ("model", "port")
EXAMPLE = "vllm serve {model} --port {port}"
LOG_LINES = 15
LOG_BYTES = 16_000


class LaunchedServer:
    """A server that runs for as long as this object, or until `close`.

    Attributes:
        url: Where it answers.
    """

    def __init__(self, template: str, model: str, start_timeout: float) -> None:
        """Starts the server and waits until `GET /v1/models` answers.

        Args:
            template: The command, with {model} and {port}.
            model: What it serves.
            start_timeout: Seconds that it may take.

        Raises:
            ConfigError: The template can't be used.
            ModelError: The program is not there, ends early, or takes too long.
        """
        port = _free_port()
        command = fill(template, model, port)
        check_program(command)
        self.url = f"http://127.0.0.1:{port}/v1"
        self._log = tempfile.NamedTemporaryFile(prefix="liftmap-server-", suffix=".log")  # noqa: SIM115
        self._guard = subprocess.Popen(
            [sys.executable, "-I", guard.__file__, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal then reaches liftmap alone, which ends the server itself.
            start_new_session=True,
        )
        # Runs at the latest when the interpreter exits.
        self._finalizer = weakref.finalize(self, _end, self._guard, self._log)
        try:
            self._wait(start_timeout)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the server and all that it started."""
        self._finalizer()

    def ended(self) -> bool:
        """Whether the server has ended, which it should not by itself."""
        return self._guard.poll() is not None

    def log_tail(self) -> str:
        """The last lines that the server wrote."""
        with open(self._log.name, "rb") as log:
            log.seek(max(0, log.seek(0, 2) - LOG_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES:])

    def _wait(self, start_timeout: float) -> None:
        # A proxy is for other machines.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        latest = time.monotonic() + start_timeout
        while True:
            status = self._guard.poll()
            if status is not None:
                raise ModelError(
                    f"The launched server ended with status {status} before it answered; "
                    f"its last lines:\n{self.log_tail()}\n",
                    remedy="Run the command by hand, or correct sample.server.launch.",
                )
            try:
                with opener.open(f"{self.url}/models", timeout=5):
                    return
            except urllib.error.HTTPError as error:
                error.close()
                # While it loads, a server may say 503; one that wants a key is there.
                if error.code < 500:
                    return
            except (OSError, ValueError):
                pass
            if time.monotonic() > latest:
                raise ModelError(
                    f"The launched server did not answer within {start_timeout:g} s; "
                    f"its last lines:\n{self.log_tail()}\n",
                    remedy="Raise sample.server.start_timeout, or correct sample.server.launch.",
                )
            time.sleep(0.1)


def fill(template: str, model: str, port: int) -> list[str]:
    """The command of a template as a list of arguments.

    Raises:
        ConfigError: It is empty, has unbalanced quotes, an unknown placeholder, or no {port}.
    """
    remedy = f"Write sample.server.launch as {EXAMPLE!r}."
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise ConfigError(
            f"The launch command can't be read: {error}.", seen=template, remedy=remedy
        ) from None
    if not words:
        raise ConfigError("The launch command is empty.", seen=template, remedy=remedy)
    for name in re.findall(r"{(\w+)}", template):
        if name not in PLACEHOLDERS:
            raise ConfigError(
                f"The launch command has an unknown placeholder {{{name}}}.",
                seen=template,
                remedy=nearest(name, PLACEHOLDERS),
            )
    if "{port}" not in template:
        raise ConfigError(
            "The launch command does not say where {port} goes; liftmap chooses a free one.",
            seen=template,
            remedy=remedy,
        )
    # Filled after the split, so that a path with spaces stays one argument.
    return [word.replace("{model}", model).replace("{port}", str(port)) for word in words]


def check_program(command: list[str]) -> None:
    """Checks that a command's program exists, and that it could be ended with all its processes.

    Raises:
        ModelError: It does not, or this system has no process groups.
    """
    if not hasattr(os, "killpg"):
        raise ModelError(
            "A server can't be launched here: this system has no groups of processes to end it by.",
            remedy="Start it by hand, and name its URL in sample.server.urls (--url).",
        )
    if shutil.which(command[0]) is None:
        raise ModelError(
            "The program of sample.server.launch is not there.",
            seen=command[0],
            remedy="Install it, put it on PATH, or write its whole path.",
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes], log: IO[Any]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(guard.GRACE_SECONDS + 10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    log.close()
