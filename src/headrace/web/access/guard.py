"""The access guard: it refuses requests before any other code sees them.

- Names: the Host header must be one of the server's names, so that a page of another site can't reach a loopback server through a name
  that it controls (DNS rebinding).
- Origins: what a page sends must come from the server's own pages or, behind a proxy, from those of a name in the setting `hosts`. A POST
  must be JSON, which a form of another site can't send.
- Token: off loopback every caller must send the token, as `Authorization: Bearer …` or as the console's cookie.
"""

import hashlib
import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace.errors import Misconfigured
from headrace.web.access.login import ENTER, Login
from headrace.web.responses import Refused
from headrace.web.services import ServerSettings

COOKIE = "headrace"
HEALTH_PATHS = ("/livez", "/readyz")
API_PATHS = ("/v1", "/livez", "/readyz", "/metrics", "/openapi.json")

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_COMMON_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # with no-referrer, our own forms would have the origin "null"
    (b"cross-origin-resource-policy", b"same-origin"),
)
_API_HEADERS = (
    *_COMMON_HEADERS,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
# The console's framework compiles templates in the browser, which needs eval and inline scripts. Nothing is loaded from other hosts.
_CONSOLE_HEADERS = (
    *_COMMON_HEADERS,
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
        b"form-action 'self'; frame-ancestors 'none'",
    ),
)


def check(settings: ServerSettings) -> None:
    """Raise Misconfigured if other machines could use the server without a token, and `open` does not allow that."""
    if not (is_loopback(settings.host) or settings.token or settings.open):
        raise Misconfigured(
            f"other machines can reach {settings.host or 'every address'}, so a token is required: set HEADRACE_TOKEN to a long random"
            " word, which callers send as 'Authorization: Bearer TOKEN'; or listen on 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on this host."""
    if host.lower() == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def is_api(path: str) -> bool:
    """Whether a path belongs to the API. All others are the console's."""
    return any(path == one or path.startswith(one + "/") for one in API_PATHS)


class AccessGuard:
    """An app behind its access guard. People without the token get the page of `login`, or an error if there is none."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, login: Login | None = None) -> None:
        check(settings)
        self.app = app
        self._settings = settings
        self._login = login
        self._named = {_bare(name) for name in settings.hosts} - {""}
        self._names = {"localhost", "127.0.0.1", "::1", _bare(settings.host), *self._named} - {""}
        bound = _address(settings.host)
        self._any_address = not settings.host or (bound is not None and bound.is_unspecified)
        self._session = hmac.digest(settings.token.encode(), b"console", hashlib.sha256).hex() if settings.token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        app = self._app_for(scope)
        if scope["type"] == "websocket":
            await (_close if app is not self.app else app)(scope, receive, send)
        else:
            await app(_as_get(scope), receive, _with_headers(scope, send))

    def _app_for(self, scope: Scope) -> ASGIApp:
        """What answers this request: the app, the login page, or an error."""
        headers = Headers(scope=scope)
        try:
            self._check(scope, headers)
        except Refused as refused:
            if refused.status == 401 and self._login is not None and _is_page(scope, headers):
                return self._login.page
            return refused.response()
        if self._login is not None and scope["path"] == ENTER and self._session:
            return self._login.enter(self._settings.token, f"{COOKIE}={self._session}")
        return self.app

    def _check(self, scope: Scope, headers: Headers) -> None:
        if self._is_open(scope):
            return
        host = self._check_host(headers)
        method = scope.get("method", "WEBSOCKET")
        self._check_origin(headers, host, safe=method in _SAFE)
        entering = scope["path"] == ENTER
        if method in ("POST", "PUT", "PATCH") and is_api(scope["path"]):
            _check_json(headers)
        if self._settings.token and not entering and not self._is_known(headers):
            raise Refused(
                401, "this needs the token: send 'Authorization: Bearer TOKEN' with the value of HEADRACE_TOKEN"
            )

    def _is_open(self, scope: Scope) -> bool:
        safe = scope.get("method") in _SAFE
        return safe and (scope["path"] in HEALTH_PATHS or (self._settings.metrics and scope["path"] == "/metrics"))

    def _check_host(self, headers: Headers) -> str:
        given = headers.getlist("host")
        if len(given) != 1:
            raise Refused(400, "a request needs exactly one Host header")
        name = _bare(_without_port(given[0]))
        if name not in self._names and not (self._any_address and _address(name) is not None):
            raise Refused(
                421, f"this server is not called {name[:100]!r}; if it should be, add the name to the setting hosts"
            )
        return given[0].lower()

    def _check_origin(self, headers: Headers, host: str, *, safe: bool) -> None:
        """Refuse what a page of another site sends. It may only link here."""
        origin = headers.get("origin")
        if origin is None:
            foreign = not safe and headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        else:
            foreign = not self._is_own(origin, host)
        if foreign:
            raise Refused(
                403, "a page of another site may not do this; call it from this server's own pages, or from a program"
            )

    def _is_own(self, origin: str, host: str) -> bool:
        try:
            given = urlsplit(origin)
            return given.netloc.lower() == host or (given.hostname or "") in self._named
        except ValueError:  # not a URL, so not one of our pages
            return False

    def _is_known(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), self._settings.token):
            return True
        return _same(_cookie(headers), self._session)


def _check_json(headers: Headers) -> None:
    kind, _, parameters = headers.get("content-type", "").lower().partition(";")
    if kind.strip() != "application/json":
        raise Refused(415, "send JSON, with the header 'Content-Type: application/json'")
    if "charset" in parameters and "utf-8" not in parameters:
        raise Refused(415, "JSON is UTF-8; send it as UTF-8, and leave the charset out")


def _is_page(scope: Scope, headers: Headers) -> bool:
    return scope.get("method") == "GET" and "text/html" in headers.get("accept", "") and not is_api(scope["path"])


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _same(given: str, wanted: str) -> bool:
    return bool(wanted) and hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def _bare(host: str) -> str:
    return host.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0]
    name, _, port = host.rpartition(":")
    return name if port.isdecimal() and name else host.removesuffix(":")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(_bare(host))
    except ValueError:
        return None


async def _close(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 1008})


def _as_get(scope: Scope) -> Scope:
    """The request as the app sees it: HEAD is answered like GET, without the content."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


def _with_headers(scope: Scope, send: Send) -> Send:
    """`send` with security headers, and without the content if the request is HEAD."""
    bodiless = scope["method"] == "HEAD"
    more = _API_HEADERS if is_api(scope["path"]) else _CONSOLE_HEADERS

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *more]
        elif bodiless and message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return send_with_headers
