"""The access guard: it refuses requests before any other code sees them.

- Names: the Host header must be one of the server's names, so that a page of another site can't reach a loopback server through a name
  that it controls (DNS rebinding).
- Origins: what a page sends must come from the server's own pages or, behind a proxy, from those of a name in the setting `hosts`.
  Content is read only if it says that it is JSON (`web/requests.py`), which a form of another site can't say.
- Token: off loopback every caller must send the token, as `Authorization: Bearer …` or as the console's cookie.
- Webhooks: only those that are declared exist. One that is signed needs no token: the app checks the signature (`web/api/payloads.py`).

`/livez` alone is answered whoever asks: it shows nothing.
"""

from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace.errors import Misconfigured
from headrace.host_names import is_loopback
from headrace.web import requests
from headrace.web.access.headers import with_headers
from headrace.web.access.login import Login
from headrace.web.access.names import ServerNames
from headrace.web.access.paths import ENTER, WEBHOOKS, is_api, is_socket, route_path
from headrace.web.access.session import Session
from headrace.web.responses import Refused
from headrace.web.services import ServerSettings

CONSOLE_BYTES = 1_000_000  #: the largest payload that the console takes; its own messages are smaller

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def check(settings: ServerSettings) -> None:
    """Raise Misconfigured if other machines could use the server without a token, and `open` does not allow that; and if a webhook that is
    to be signed has no secret."""
    if unsafe := [one.name for one in settings.webhooks if one.signature is not None and not one.secret]:
        raise Misconfigured(f"the webhook {unsafe[0]!r} has a signature and no secret; give it one")
    if not (is_loopback(settings.host) or settings.token or settings.open):
        raise Misconfigured(
            f"other machines can reach {settings.host or 'every address'}, so a token is required: set HEADRACE_TOKEN to a long random"
            " word, which callers send as 'Authorization: Bearer TOKEN'; or listen on 127.0.0.1"
        )


class AccessGuard:
    """An app behind its access guard. People without the token get the page of `login`, or an error if there is none.

    `memory` is what the payloads of all requests together may take.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServerSettings,
        login: Login | None = None,
        memory: requests.PayloadMemory | None = None,
    ) -> None:
        check(settings)
        self.app = app
        self._login = login
        self._names = ServerNames(settings.host, settings.hosts)
        self._session = Session(settings.token) if settings.token else None
        self._memory = memory or requests.PayloadMemory(settings.request_bytes)
        self._webhooks = {f"{WEBHOOKS}/{one.name}": one for one in settings.webhooks}
        self._open = {"/readyz", "/metrics"} if settings.metrics else {"/readyz"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        app = self._app_for(scope)
        if scope["type"] == "websocket":
            await (_close if app is not self.app else app)(scope, receive, send)
            return
        payload = requests.Payload(self._memory)
        seen = _as_get({**scope, requests.PAYLOAD: payload})
        try:
            if app is self.app and _has_payload(scope) and not is_api(route_path(scope)):
                app, receive = await self._read_ahead(seen, receive)
            await app(seen, receive, with_headers(scope, send))
        finally:
            payload.release()

    async def _read_ahead(self, scope: Scope, receive: Receive) -> tuple[ASGIApp, Receive]:
        """What answers a request to the console, which reads payloads without a limit: the app or an error; and the payload, read."""
        try:
            content = await requests.read(Request(scope, receive), CONSOLE_BYTES)
        except Refused as refused:
            return refused.response(), receive
        messages = iter([{"type": "http.request", "body": content, "more_body": False}])

        async def replay() -> Message:
            return next(messages, None) or await receive()

        return self.app, replay

    def _app_for(self, scope: Scope) -> ASGIApp:
        """What answers this request: the app, the login page, or an error."""
        headers, path = Headers(scope=scope), route_path(scope)
        try:
            self._check(scope, path, headers)
        except Refused as refused:
            if refused.status == 401 and self._login is not None and _is_page(scope, path, headers):
                return self._login.page
            return refused.response()
        if self._login is not None and path == ENTER and self._session is not None:
            return self._login.enter(self._session)
        return self.app

    def _check(self, scope: Scope, path: str, headers: Headers) -> None:
        method = scope.get("method", "WEBSOCKET")
        reads = method in _SAFE
        if path == "/livez" and reads:
            return
        host = self._names.check_host(headers)
        encrypted = scope.get("scheme") in ("https", "wss")
        self._names.check_origin(headers, host, safe=reads and not is_socket(path), encrypted=encrypted)
        if method == "POST" and path.startswith(f"{WEBHOOKS}/"):
            if (webhook := self._webhooks.get(path)) is None:
                raise Refused(
                    404, f"there is no webhook at {path[:256]!r}; a [[webhook]] table of headrace.toml declares one"
                )
            if webhook.signature is not None:
                return
        if self._session is None or path == ENTER or (reads and path in self._open):
            return
        if not self._session.is_known(headers):
            raise Refused(
                401, "this needs the token: send 'Authorization: Bearer TOKEN' with the value of HEADRACE_TOKEN"
            )


def _is_page(scope: Scope, path: str, headers: Headers) -> bool:
    return scope.get("method") == "GET" and "text/html" in headers.get("accept", "") and not is_api(path)


def _has_payload(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


async def _close(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 1008})


def _as_get(scope: dict[str, Any]) -> Scope:
    """The request as the app sees it: HEAD is answered like GET, without the content."""
    if scope["method"] == "HEAD":
        scope["method"] = "GET"
    return scope
