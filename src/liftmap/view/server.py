"""The viewer's server: one address on this machine, until Ctrl-C.

Last step of the viewer: opens the sources, reads the first models, listens on 127.0.0.1, and says
where.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

from liftmap.comparison.load import JudgedBy
from liftmap.errors import ConfigError, MissingDependencyError
from liftmap.stopping import in_order
from liftmap.view.sources import open_sources, temporary_folder

HOST = "127.0.0.1"
# Seconds that open connections are given when the server ends.
SHUTDOWN_SECONDS = 1


def view_responses(
    *paths: str,
    judged_by: JudgedBy | None = None,
    port: int = 0,
    browser: bool = True,
    ready: Callable[[str, Sequence[Path]], None] = lambda address, notes: None,
) -> None:
    """Shows questions and responses in a browser, until Ctrl-C.

    Args:
        *paths: A study folder, a response set, or a log with texts; or two of the latter, before
            and after.
        judged_by: Whose verdicts count; by default those that are there.
        port: Where to listen; 0 takes any that is free.
        browser: Whether to open a browser, where there is a display.
        ready: Called once the server listens, with its address and the files that notes go to.

    Raises:
        LiftmapError: There is nothing to look at, it can't be read, or the port is taken.
        KeyboardInterrupt: Ctrl-C.
    """
    if not 1 <= len(paths) <= 2:
        raise ConfigError("One or two sources can be viewed.", seen=paths, remedy="Name them.")
    try:
        import uvicorn

        from liftmap.view.app import Viewer
    except ImportError as error:
        raise MissingDependencyError(
            "The viewer needs libraries that are not installed.",
            seen=error.name,
            remedy="Run: pip install 'liftmap[view]'",
        ) from None
    judged = judged_by or JudgedBy(
        verifier=None,
        metric=None,
        think_end=None,
        verifier_options=None,
        columns=None,
        right_at=None,
    )
    with in_order(), temporary_folder() as folder, _listening(port) as listener:
        sources = open_sources(paths, judged, Path(folder))
        token = secrets.token_urlsafe(24)
        number = listener.getsockname()[1]
        viewer = Viewer(sources, token, number)
        # What can't be read is known before the browser opens.
        viewer.chosen({})
        address = f"http://{HOST}:{number}/?token={token}"
        config = uvicorn.Config(
            viewer.app,
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        ready(address, sources.notes)
        if browser and _has_display():
            # It waits in the socket's queue until the server takes it.
            webbrowser.open(address)
        uvicorn.Server(config).run(sockets=[listener])


def _listening(port: int) -> socket.socket:
    """A socket that listens on this machine alone.

    Raises:
        ConfigError: The port is taken, or is not one.
    """
    if not 0 <= port < 65536:
        raise ConfigError("This is not a port.", seen=port, remedy="Give one from 0 to 65535.")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Port {port} can't be used: {error.strerror}.",
            remedy="Name another with --port, or leave it out to take any that is free.",
        ) from None
    return listener


def _has_display() -> bool:
    if sys.platform.startswith(("win", "darwin")):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
