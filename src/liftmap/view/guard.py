"""Who may ask the viewer for anything: the browser that was given its address, no other page.

Around `app`. The server listens on 127.0.0.1 alone, but any page in any tab can send requests
there, and so can any user of the machine. Each request has to name this host (a foreign name that
points here is another page's: DNS rebinding) and to bring the token of the address, which becomes a
cookie that no other site's page sends along. What is answered forbids the page to load or run
anything that is not the viewer's own, whatever stands in the texts.
"""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: browsers would then send no Origin with a note.
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Lets requests with the token through to an application, and adds headers to what it answers.

    Args:
        app: The application.
        token: What the address holds.
        port: Where the server listens.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app = app
        self.token = token
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.cookie = f"liftmap-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (k.encode(), v.encode())
                        for k, v in HEADERS.items()
                        if k.encode() not in there
                    ),
                ]
            await send(message)

        refusal = self._refusal(Request(scope))
        await (refusal or self.app)(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        """What is answered in place of the application; None lets the request through."""
        host = request.headers.get("host", "")
        if host not in self.hosts:
            return PlainTextResponse("This server answers to 127.0.0.1 alone.", 421)
        if request.method not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("This can't be done here.", 405)
        given = request.query_params.get("token")
        if given is not None and self._is_token(given) and request.method != "POST":
            rest = [(k, v) for k, v in request.query_params.multi_items() if k != "token"]
            there = request.scope["raw_path"].decode("ascii") + (
                f"?{urlencode(rest)}" if rest else ""
            )
            # Two slashes would name another host.
            answer: Response = RedirectResponse("/" + there.lstrip("/\\"), 303)
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
            return answer
        if not self._is_token(request.cookies.get(self.cookie, "")):
            return PlainTextResponse(
                "Open the address that `liftmap view` printed: it holds a token, without which "
                "nobody can read here.",
                403,
            )
        if request.method == "POST" and request.headers.get("origin") != f"http://{host}":
            return PlainTextResponse("Notes are taken from the viewer's own pages alone.", 403)
        return None

    def _is_token(self, given: Any) -> bool:
        return hmac.compare_digest(str(given).encode(), self.token.encode())
