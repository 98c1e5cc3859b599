"""The `server` engine: responses from any OpenAI-compatible server.

`engine` draws, `server_pool` shares the load between servers, `calls` writes requests, `send` sends
them by `http_client`, `replies` reads what comes, `check` looks at servers before they are used,
`launch` runs one, and `guard` ends it.
"""

from __future__ import annotations

from liftmap.sample.server.check import check_server
from liftmap.sample.server.engine import ServerEngine

__all__ = ["ServerEngine", "check_server"]
